//! Conversations of the last months, kept at hand: read from the store bit by bit, each call whole, so that what is known here is
//! the same fold as everywhere.

use std::collections::BTreeMap;

use jiff::Timestamp;
use tokio::sync::Mutex;

use super::store::{CallsAfter, Store, StoreError, ToldCall};
use crate::core::distribution::call_state::CallState;
use crate::core::ids::WorkspaceId;
use crate::core::scoring::handled_call::{HandledCall, conversations};

/// At most so many calls are kept; the oldest go first.
const CALLS_MAX: usize = 300_000;

/// The conversations of one workspace.
#[derive(Debug, Default)]
pub struct HandledCalls(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    /// From when on calls were read.
    reach: Option<Timestamp>,
    position: u64,
    /// By the sequence of the call's first decision, which no other call has.
    calls: BTreeMap<u64, Vec<HandledCall>>,
}

impl HandledCalls {
    /// Reads what came since the last time; gives all conversations from an instant on.
    pub async fn since(
        &self,
        store: &dyn Store,
        workspace: &WorkspaceId,
        since: Timestamp,
    ) -> Result<Vec<HandledCall>, StoreError> {
        let mut kept = self.0.lock().await;
        if kept.reach.is_none_or(|reach| since < reach) {
            *kept = Kept { reach: Some(since), ..Kept::default() };
        }
        loop {
            let after = CallsAfter { position: kept.position, since };
            let told = store.told_calls(workspace, after).await?;
            told.calls.iter().for_each(|call| kept.take(call));
            kept.position = told.next;
            kept.forget(since);
            if !told.more {
                break;
            }
        }
        Ok(kept.calls.values().flatten().filter(|call| call.at >= since).cloned().collect())
    }
}

impl Kept {
    fn take(&mut self, told: &ToldCall) {
        let Some(sequence) = told.records.first().map(|record| record.sequence) else { return };
        let mut state = CallState::new(told.key.clone());
        told.records.iter().cloned().for_each(|record| state.add_decision(record));
        told.events.iter().for_each(|event| state.add_event(event));
        let found = conversations(&state);
        if found.is_empty() {
            self.calls.remove(&sequence);
        } else {
            self.calls.insert(sequence, found);
        }
    }

    fn forget(&mut self, since: Timestamp) {
        let old = |calls: &[HandledCall]| calls.iter().all(|call| call.at < since);
        while let Some(first) = self.calls.first_entry() {
            if !old(first.get()) {
                break;
            }
            first.remove();
        }
        while self.calls.len() > CALLS_MAX {
            self.calls.pop_first();
        }
    }
}
