//! What scores are made of, beside deals: calls with all that is told of them, spans off duty, kept score tables.
//!
//! Reads only. A row that cannot be read is passed over and told in the log, like at the start.

use std::collections::{BTreeMap, HashMap};

use jiff::{SignedDuration, Timestamp};
use sqlx::SqliteConnection;

use crate::broker::store::{CallsAfter, StoreError, StoredScoreVersion, ToldCall, ToldCalls};
use crate::core::ids::{CallKey, PolicyId, WorkspaceId};
use crate::core::record::{Presence, PresenceState, ReceivedEvent};
use crate::core::working_time::duty_days::OffDutySpan;
use crate::store::rows::{Versioned, from_json, instant, micros, to_json};

use super::decisions::Reading;
use super::fold::{event_of, readable};
use super::live::RETRY_SECONDS;
use super::unavailable;

/// Events looked at in one go.
const EVENTS_MAX: i64 = 1000;

/// A span off duty that began longer ago than this before what is asked for is not found.
const SPAN_DAYS_MAX: i64 = 400;

/// Calls that events after a position tell of.
pub(super) async fn told_calls(
    connection: &mut SqliteConnection,
    workspace: &WorkspaceId,
    after: CallsAfter,
) -> Result<ToldCalls, StoreError> {
    let position = start(connection, workspace, after).await?;
    let rows: Vec<(i64, String, String, i64)> = sqlx::query_as(
        "SELECT position, connection, call_id, received_at_us FROM events
         WHERE workspace = ? AND position > ? AND call_id IS NOT NULL ORDER BY position LIMIT ?",
    )
    .bind(workspace.as_str())
    .bind(position)
    .bind(EVENTS_MAX)
    .fetch_all(&mut *connection)
    .await
    .map_err(|fault| unavailable(&fault))?;
    let next = rows.last().map_or(position, |(position, ..)| *position);
    let more = i64::try_from(rows.len()).unwrap_or(i64::MAX) >= EVENTS_MAX;
    // From when on facts belong to the call: the same id may have named another one before.
    let mut from: BTreeMap<CallKey, i64> = BTreeMap::new();
    for (_, of, call, received_at_us) in rows.into_iter().filter(|(.., at)| *at >= micros(after.since)) {
        let begins = received_at_us.saturating_sub(RETRY_SECONDS * 1_000_000);
        let key = CallKey { connection: of.into(), call: call.into() };
        from.entry(key).and_modify(|known| *known = begins.min(*known)).or_insert(begins);
    }
    let mut events = events_of(connection, workspace, &from).await?;
    let mut calls = Vec::with_capacity(from.len());
    let mut records = Reading::of(workspace).of_calls(connection, &from).await?;
    for key in from.into_keys() {
        let (records, events) = (records.remove(&key).unwrap_or_default(), events.remove(&key).unwrap_or_default());
        calls.push(ToldCall { key, records, events });
    }
    Ok(ToldCalls { calls, next: next.cast_unsigned(), more })
}

/// The position after which to read: the one asked for, or the one before the first event of the time asked for.
async fn start(connection: &mut SqliteConnection, workspace: &WorkspaceId, after: CallsAfter) -> Result<i64, StoreError> {
    if after.position > 0 {
        return Ok(after.position.cast_signed());
    }
    let first: Option<i64> = sqlx::query_scalar(
        "SELECT position FROM events WHERE workspace = ? AND received_at_us >= ? ORDER BY received_at_us LIMIT 1",
    )
    .bind(workspace.as_str())
    .bind(micros(after.since))
    .fetch_optional(connection)
    .await
    .map_err(|fault| unavailable(&fault))?;
    Ok(first.map_or(0, |first| first - 1))
}

async fn events_of(
    connection: &mut SqliteConnection,
    workspace: &WorkspaceId,
    from: &BTreeMap<CallKey, i64>,
) -> Result<HashMap<CallKey, Vec<ReceivedEvent>>, StoreError> {
    let wanted: Vec<(&str, &str, i64)> =
        from.iter().map(|(key, from)| (key.connection.as_str(), key.call.as_str(), *from)).collect();
    let rows: Vec<(String,)> = sqlx::query_as(
        "SELECT e.body FROM json_each(?) AS c
         CROSS JOIN events AS e ON e.workspace = ? AND e.call_id = c.value ->> 1 AND e.connection = c.value ->> 0
         WHERE +e.received_at_us >= c.value ->> 2 ORDER BY +e.position",
    )
    .bind(to_json(&wanted)?)
    .bind(workspace.as_str())
    .fetch_all(connection)
    .await
    .map_err(|fault| unavailable(&fault))?;
    let mut events: HashMap<CallKey, Vec<ReceivedEvent>> = HashMap::new();
    for received in rows.iter().filter_map(|(body,)| readable(event_of(body))) {
        if let Some(call) = received.event.call_id.clone() {
            let key = CallKey { connection: received.connection.clone(), call };
            events.entry(key).or_default().push(received);
        }
    }
    Ok(events)
}

/// Spans for which agents were set off duty, by agent and time. Set again before it ended, it is one span: a leave that is renewed every
/// morning is a leave.
pub(super) async fn off_duty_spans(
    connection: &mut SqliteConnection,
    workspace: &WorkspaceId,
    longer_than_seconds: i64,
    since: Timestamp,
) -> Result<Vec<OffDutySpan>, StoreError> {
    let earliest = since.checked_sub(SignedDuration::from_hours(24 * SPAN_DAYS_MAX)).unwrap_or(Timestamp::MIN);
    let rows: Vec<(String, Option<i64>)> = sqlx::query_as(
        "SELECT body, next_us FROM (SELECT agent, set_at_us, position, body,
             LEAD(set_at_us) OVER (PARTITION BY agent ORDER BY set_at_us, position) AS next_us
             FROM presence WHERE workspace = ? AND set_at_us >= ?)
         WHERE body LIKE '%off_duty%' ORDER BY agent, set_at_us, position",
    )
    .bind(workspace.as_str())
    .bind(micros(earliest))
    .fetch_all(connection)
    .await
    .map_err(|fault| unavailable(&fault))?;
    let mut spans: Vec<OffDutySpan> = Vec::new();
    for (body, next_us) in rows {
        let presence = from_json::<Versioned<Presence>>(&body, "a presence").and_then(Versioned::into_body);
        let Some(presence) = readable(presence).filter(|presence| presence.state == PresenceState::OffDuty) else { continue };
        let next = next_us.map(instant).transpose()?;
        let to = match (presence.until, next) {
            (Some(until), Some(next)) => Some(until.min(next)),
            (until, next) => until.or(next),
        };
        match spans.last_mut().filter(|last| last.agent == presence.agent && last.to == Some(presence.set_at)) {
            Some(last) => last.to = to,
            None => spans.push(OffDutySpan { agent: presence.agent, from: presence.set_at, to }),
        }
    }
    let long = |span: &OffDutySpan| span.to.is_none_or(|to| to.duration_since(span.from).as_secs() > longer_than_seconds);
    spans.retain(|span| long(span) && span.to.is_none_or(|to| to >= since));
    Ok(spans)
}

/// The kept versions of a policy's score table, newest first.
pub(super) async fn score_versions(
    connection: &mut SqliteConnection,
    workspace: &WorkspaceId,
    policy: &PolicyId,
) -> Result<Vec<StoredScoreVersion>, StoreError> {
    let rows: Vec<(i64, i64, String)> = sqlx::query_as(
        "SELECT version, taken_at_us, body FROM score_versions WHERE workspace = ? AND policy = ? ORDER BY version DESC",
    )
    .bind(workspace.as_str())
    .bind(policy.as_str())
    .fetch_all(connection)
    .await
    .map_err(|fault| unavailable(&fault))?;
    let version = |(version, taken_at_us, body): (i64, i64, String)| {
        let version = version.cast_unsigned();
        Ok(StoredScoreVersion { policy: policy.clone(), version, taken_at: instant(taken_at_us)?, body })
    };
    rows.into_iter().map(version).collect()
}
