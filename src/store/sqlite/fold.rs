//! From stored facts to live state: what the writer stored just now, one call's history, a whole workspace.
//!
//! Reads only. A `+` before a column keeps SQLite from walking that column's index: a call's few rows are found by the call,
//! not among all rows of the day. A row that cannot be read is passed over and told in the log: one bad row must not keep a company from its
//! calls.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;
use sqlx::SqliteConnection;

use crate::broker::store::{EventOutcome, Recorded, StoreError};
use crate::core::distribution::call_state::later;
use crate::core::distribution::credit_book::PERIODS_REMEMBERED;
use crate::core::distribution::tally::Tally;
use crate::core::ids::{CallKey, GroupId, WorkspaceId};
use crate::core::intervention::Intervention;
use crate::core::load::activity::KEPT_SECONDS;
use crate::core::record::{DecisionRecord, ReceivedEvent};
use crate::core::workspace::Workspace;
use crate::store::rows::{Versioned, from_json, instant, micros, to_json};

use super::decisions::{self, Reading};
use super::live::{Live, RETRY_SECONDS, StoredCalls};
use super::{recorded, unavailable};

/// So many calls are folded before those that are over are let go: keeps memory flat at the start.
const CHUNK: usize = 2000;

/// Events of calls without a decision of ours matter this long: they may keep an agent busy.
const STRANGE_CALL_SECONDS: i64 = 4 * 3600;

/// Their conversations matter this long: they load people.
const STRANGE_TALK_SECONDS: i64 = KEPT_SECONDS;

/// What is stored of one call.
pub(super) struct History {
    /// Its decisions of the last day, by sequence.
    pub(super) records: Vec<Arc<DecisionRecord>>,
    /// Its events of the last day.
    pub(super) events: Vec<ReceivedEvent>,
}

/// Reads one call back.
pub(super) async fn history(
    connection: &mut SqliteConnection,
    workspace: &WorkspaceId,
    call: &CallKey,
    now: Timestamp,
) -> Result<History, StoreError> {
    let from = later(now, -RETRY_SECONDS);
    let mut records = Reading::of(workspace).of_call(connection, call).await?;
    records.retain(|record| record.decision.received_at >= from);
    let rows: Vec<(String,)> = sqlx::query_as(
        "SELECT body FROM events WHERE workspace = ? AND call_id = ? AND connection = ? AND +received_at_us >= ?
         ORDER BY +position",
    )
    .bind(workspace.as_str())
    .bind(call.call.as_str())
    .bind(call.connection.as_str())
    .bind(micros(from))
    .fetch_all(connection)
    .await
    .map_err(|fault| unavailable(&fault))?;
    let events = rows.iter().filter_map(|(body,)| readable(event_of(body))).collect();
    Ok(History { records, events })
}

/// Folds events that were stored just now. Calls that were let go are read back first, else a late event would be charged
/// beside what the call left in the books.
pub(super) async fn events(connection: &mut SqliteConnection, live: &Live, events: &[ReceivedEvent], outcomes: &[EventOutcome]) {
    let accepted: Vec<&ReceivedEvent> = events
        .iter()
        .zip(outcomes)
        .filter(|(_, outcome)| **outcome == EventOutcome::Accepted)
        .map(|(received, _)| received)
        .collect();
    let Some(now) = accepted.iter().map(|received| received.received_at).max() else { return };
    let calls: BTreeSet<CallKey> = accepted.iter().filter_map(|received| call_of(received)).collect();
    for call in calls {
        if live.lock().tally.call(&call).is_some() {
            continue;
        }
        match history(connection, &live.id, &call, now).await {
            Ok(history) if history.records.is_empty() => {}
            Ok(history) => live.lock().tally.restore(&call, &history.records, &history.events, now),
            Err(fault) => tracing::error!("a late event counts beside its call, which could not be read back: {fault}"),
        }
    }
    let mut state = live.lock();
    for received in accepted {
        state.tally.add_event(received);
    }
    let gone = state.forget(now, true);
    drop(state);
    drop(gone);
}

/// Folds what somebody set by hand. A call it is about that was let go is restored, so that its part in the books follows.
pub(super) async fn intervention(connection: &mut SqliteConnection, live: &Live, intervention: &Intervention) {
    live.lock().tally.intervene(intervention);
    for call in intervention.change.moved_calls() {
        if live.lock().tally.call(&call).is_some() {
            continue;
        }
        match history(connection, &live.id, &call, intervention.set_at).await {
            Ok(history) if history.records.is_empty() => {}
            Ok(history) => live.lock().tally.restore(&call, &history.records, &history.events, intervention.set_at),
            Err(fault) => tracing::error!("what was said of a call moves no credit, the call could not be read back: {fault}"),
        }
    }
}

fn call_of(received: &ReceivedEvent) -> Option<CallKey> {
    let call = received.event.call_id.clone()?;
    Some(CallKey { connection: received.connection.clone(), call })
}

/// Folds all that is stored of a workspace and still matters at `now`.
pub(super) async fn workspace(
    connection: &mut SqliteConnection,
    workspace: Arc<Workspace>,
    now: Timestamp,
) -> Result<Live, StoreError> {
    let id = workspace.id.clone();
    let period = workspace.policies.iter().map(|policy| i64::from(policy.period_seconds)).max().unwrap_or_default();
    let from = later(now, -(PERIODS_REMEMBERED * period).max(RETRY_SECONDS));
    let mut opening = Opening { id, tally: Tally::new(workspace), elsewhere: StoredCalls::new(now), now };
    resets(connection, &opening.id, &mut opening.tally).await?;
    // First: what is said of a call must be known when the call is folded, for it may be let go right after.
    opening.standing(recorded::standing(connection, &opening.id, Timestamp::MAX).await?);
    opening.standing(recorded::duty_since(connection, &opening.id, later(now, -KEPT_SECONDS)).await?);
    opening.decisions(connection, from).await?;
    opening.recent_events(connection).await?;
    opening.tally.advance(now);
    let Opening { tally, elsewhere, .. } = opening;
    Ok(Live::new(tally, elsewhere, now))
}

/// Starts the credit of groups again where a change of the workspace asked for it. Repeating changes nothing.
pub(super) async fn resets(
    connection: &mut SqliteConnection,
    workspace: &WorkspaceId,
    tally: &mut Tally,
) -> Result<(), StoreError> {
    for (group, at) in read_resets(connection, workspace).await? {
        tally.reset_credit(&group, at);
    }
    Ok(())
}

/// The last reset of each group.
pub(super) async fn read_resets(
    connection: &mut SqliteConnection,
    workspace: &WorkspaceId,
) -> Result<Vec<(GroupId, Timestamp)>, StoreError> {
    let rows: Vec<(String, i64)> =
        sqlx::query_as("SELECT group_id, MAX(at_us) FROM book_resets WHERE workspace = ? GROUP BY group_id")
            .bind(workspace.as_str())
            .fetch_all(connection)
            .await
            .map_err(|fault| unavailable(&fault))?;
    rows.into_iter().map(|(group, at)| Ok((GroupId::from(group), instant(at)?))).collect()
}

struct Opening {
    id: WorkspaceId,
    tally: Tally,
    elsewhere: StoredCalls,
    now: Timestamp,
}

impl Opening {
    /// Folds what was set by hand and the PBX's last word on each agent, however old they are.
    fn standing(&mut self, standing: Recorded) {
        standing.interventions.iter().for_each(|intervention| self.tally.intervene(intervention));
        standing.events.iter().for_each(|received| self.tally.add_event(received));
        standing.presence.into_iter().for_each(|presence| self.tally.set_presence(presence));
    }

    /// Folds decisions by sequence, each chunk with the events of its calls.
    async fn decisions(&mut self, connection: &mut SqliteConnection, from: Timestamp) -> Result<(), StoreError> {
        let id = self.id.clone();
        let mut reading = Reading::of(&id);
        let mut at = decisions::first_page_since(connection, &id, micros(from)).await?.unwrap_or(i64::MAX);
        let (mut calls, mut reached) = (BTreeSet::new(), from);
        while let Some((chunk, next)) = decisions::next_pages(connection, &id, at).await? {
            for stored in chunk.into_iter().filter(|stored| stored.received_at() >= from) {
                calls.insert(stored.call());
                reached = stored.received_at();
                let sequence = stored.sequence();
                match reading.record(connection, stored).await {
                    Ok(record) => self.decision(connection, record, from, &mut reading).await?,
                    Err(fault) => tracing::error!(sequence, "a stored decision is passed over: {fault}"),
                }
            }
            if calls.len() >= CHUNK {
                // As of then, not of now: what the running service still had at hand, later calls may move.
                self.end_chunk(connection, &mut calls, (from, reached)).await?;
            }
            at = next;
        }
        let now = self.now;
        self.end_chunk(connection, &mut calls, (from, now)).await?;
        let last = decisions::last_sequence(connection, &id).await.map_err(|fault| unavailable(&fault))?;
        self.tally.continue_after(last);
        Ok(())
    }

    /// A later attempt of a call that was let go in an earlier chunk is folded with all of the call, else alone.
    async fn decision(
        &mut self,
        connection: &mut SqliteConnection,
        record: Arc<DecisionRecord>,
        from: Timestamp,
        reading: &mut Reading<'_>,
    ) -> Result<(), StoreError> {
        let call = record.call_key();
        if self.tally.call(&call).is_none() && self.elsewhere.may_contain(&call) {
            let mut earlier = reading.of_call(connection, &call).await?;
            earlier.retain(|known| known.sequence < record.sequence && known.decision.received_at >= from);
            if !earlier.is_empty() {
                self.tally.restore(&call, &earlier, &[], record.decision.received_at);
            }
        }
        self.tally.add_decision(record);
        Ok(())
    }

    /// Adds the events of a chunk's calls since `from`, then lets go what was over when the chunk ended.
    async fn end_chunk(
        &mut self,
        connection: &mut SqliteConnection,
        calls: &mut BTreeSet<CallKey>,
        (from, end): (Timestamp, Timestamp),
    ) -> Result<(), StoreError> {
        let calls: Vec<_> = std::mem::take(calls).into_iter().map(|call| (call.connection, call.call)).collect();
        let rows: Vec<(String,)> = sqlx::query_as(
            "SELECT e.body FROM json_each(?) AS c
             CROSS JOIN events AS e ON e.workspace = ? AND e.call_id = c.value ->> 1 AND e.connection = c.value ->> 0
             WHERE +e.received_at_us >= ?",
        )
        .bind(to_json(&calls)?)
        .bind(self.id.as_str())
        .bind(micros(from))
        .fetch_all(connection)
        .await
        .map_err(|fault| unavailable(&fault))?;
        self.add_events(&rows);
        self.tally.advance(self.now);
        for call in self.tally.forget(end) {
            self.elsewhere.add(&call.key, self.now);
        }
        Ok(())
    }

    fn add_events(&mut self, bodies: &[(String,)]) {
        for received in bodies.iter().filter_map(|(body,)| readable(event_of(body))) {
            self.tally.add_event(&received);
        }
    }

    /// Events of calls that others decided: they may hold an agent.
    async fn recent_events(&mut self, connection: &mut SqliteConnection) -> Result<(), StoreError> {
        let rows: Vec<(String,)> = sqlx::query_as(
            "SELECT e.body FROM events AS e WHERE e.workspace = ?1 AND e.received_at_us >= ?2 AND e.call_id IS NOT NULL
             AND (e.received_at_us >= ?3 OR +e.type IN ('answered', 'held', 'resumed', 'transferred', 'ended'))
             AND NOT EXISTS (SELECT 1 FROM decision_calls AS d WHERE d.workspace = ?1 AND d.connection = e.connection
                 AND d.call_id = e.call_id)",
        )
        .bind(self.id.as_str())
        .bind(micros(later(self.now, -STRANGE_TALK_SECONDS)))
        .bind(micros(later(self.now, -STRANGE_CALL_SECONDS)))
        .fetch_all(connection)
        .await
        .map_err(|fault| unavailable(&fault))?;
        self.add_events(&rows);
        Ok(())
    }
}

/// An intervention from its body.
pub(super) fn intervention_of(body: &str) -> Result<Intervention, StoreError> {
    from_json::<Versioned<Intervention>>(body, "an intervention")?.into_body()
}

/// An event from its body.
pub(super) fn event_of(body: &str) -> Result<ReceivedEvent, StoreError> {
    from_json::<Versioned<ReceivedEvent>>(body, "an event")?.into_body()
}

/// A row that can be read; one that cannot is told in the log.
pub(super) fn readable<T>(row: Result<T, StoreError>) -> Option<T> {
    row.inspect_err(|fault| tracing::error!("a stored row is passed over: {fault}")).ok()
}
