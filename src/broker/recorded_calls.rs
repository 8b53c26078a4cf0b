//! Calls as they were recorded: decisions and events of a span, put together call by call.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::store::{Recorded, Store, StoreError};
use crate::core::distribution::call_state::CallState;
use crate::core::ids::{CallKey, WorkspaceId};
use crate::core::record::ReceivedEvent;

/// How much is read at once.
pub(super) const CHUNK_HOURS: i64 = 24;

/// How long after a question its call may end: later events are not looked for.
pub(super) const CALL_HOURS_MAX: i64 = 4;

/// Some hours later.
pub(super) fn after(at: Timestamp, hours: i64) -> Timestamp {
    at.checked_add(SignedDuration::from_hours(hours)).unwrap_or(Timestamp::MAX)
}

/// What was recorded from `at` on, a day at most and not beyond `until`: the facts, the events of the hours behind them, and where
/// they end.
pub(super) async fn chunk(
    store: &dyn Store,
    workspace: &WorkspaceId,
    at: Timestamp,
    until: Timestamp,
) -> Result<(Recorded, Vec<ReceivedEvent>, Timestamp), StoreError> {
    let end = after(at, CHUNK_HOURS).min(until);
    let facts = store.recorded(workspace, at, end).await?;
    let tail = store.recorded(workspace, end, after(end, CALL_HOURS_MAX)).await?.events;
    Ok((facts, tail, end))
}

/// The call an event belongs to.
pub(super) fn key_of(received: &ReceivedEvent) -> Option<CallKey> {
    let call = received.event.call_id.clone()?;
    Some(CallKey { connection: received.connection.clone(), call })
}

/// Calls asked about in a chunk, with all that happened in them.
pub(super) fn calls_of(facts: &Recorded, tail: &[ReceivedEvent]) -> HashMap<CallKey, CallState> {
    let mut calls: HashMap<CallKey, CallState> = HashMap::new();
    for record in &facts.decisions {
        let key = record.call_key();
        calls.entry(key.clone()).or_insert_with(|| CallState::new(key)).add_decision(Arc::clone(record));
    }
    for received in facts.events.iter().chain(tail) {
        if let Some(call) = key_of(received).and_then(|key| calls.get_mut(&key)) {
            call.add_event(received);
        }
    }
    calls
}
