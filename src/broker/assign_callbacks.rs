//! Shares out tasks to call back: each is chosen for like a call, recorded like a decision and charged like one.
//!
//! A task is decided under a key that follows from the missed call, so that several replicas decide it once.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::ports::{Clock, IdSource};
use super::store::{Store, StoreError, Verdict};
use super::tenant::Tenant;
use crate::core::decision::Reason;
use crate::core::distribution::callback::{CallbackTask, TaskState, callback_key};
use crate::core::distribution::callback_choice::{choice, record};
use crate::core::distribution::choose::{Choice, RecordHead};
use crate::core::distribution::tally::Tally;
use crate::core::record::Feed;

pub use crate::core::distribution::callback_choice::tasks_of;

/// How often open tasks are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// Shares out the callbacks of one workspace.
pub struct CallbackAssigner {
    /// The store.
    pub store: Arc<dyn Store>,
    /// The wall clock.
    pub clock: Arc<dyn Clock>,
    /// Where ids of decisions come from.
    pub ids: Arc<dyn IdSource>,
    /// The running workspace.
    pub tenant: Arc<Tenant>,
}

impl CallbackAssigner {
    /// Goes on until stopped (by dropping).
    pub async fn run(self) {
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            if let Err(error) = self.assign(self.clock.now()).await {
                tracing::warn!(workspace = %self.tenant.workspace.id, %error, "callbacks could not be shared out; trying again");
            }
        }
    }

    /// Gives every open task to somebody who is free, where somebody is. Tells how many were given out.
    pub async fn assign(&self, now: Timestamp) -> Result<usize, StoreError> {
        let workspace = &self.tenant.workspace.id;
        let mut open = Vec::new();
        let mut look = |tally: &Tally| open = tasks_of(tally, now);
        self.store.view(workspace, now, &mut look).await?;
        open.retain(|task| task.state == TaskState::Open);
        let mut given = 0;
        for task in &open {
            given += usize::from(self.give(task, now).await?);
        }
        Ok(given)
    }

    async fn give(&self, task: &CallbackTask, now: Timestamp) -> Result<bool, StoreError> {
        let (key, shares, id) = (callback_key(&task.call), self.tenant.shares.load_full(), self.ids.next_id(now));
        let workspace = &self.tenant.workspace.id;
        let mut can_be_given = false;
        let mut look = |tally: &Tally| can_be_given = choice(tally, &shares, task, now).is_some();
        self.store.view(workspace, now, &mut look).await?;
        if !can_be_given {
            return Ok(false);
        }
        let verdict = |tally: &Tally| {
            let decided = tally.call(&key).map(|call| call.decisions.as_slice()).unwrap_or_default();
            if let Some(known) = decided.iter().find(|record| !record.decision.targets.is_empty()) {
                return Verdict::Known(Arc::clone(known));
            }
            let attempt = u32::try_from(decided.len()).unwrap_or(u32::MAX).saturating_add(1);
            let choice = choice(tally, &shares, task, now).unwrap_or_else(|| Choice::nobody(Reason::Callback));
            let choice = Choice { reason: Reason::Callback, ..choice };
            let (sequence, feed) = (tally.sequence() + 1, Feed::Silent { hold_seconds: 0 });
            let head = RecordHead { sequence, decision_id: id, call: key.clone(), attempt, received_at: now, feed };
            Verdict::New(Box::new(record(head, task, choice)))
        };
        let record = self.store.decide(workspace, &key, now, &verdict).await?;
        Ok(!record.decision.targets.is_empty())
    }
}
