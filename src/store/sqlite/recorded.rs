//! What was recorded over a span, in the order it was received, and what was set before and still holds: for the fold, replays and
//! reports.

use std::sync::Arc;

use jiff::Timestamp;
use sqlx::SqliteConnection;

use crate::broker::store::{Recorded, StoreError};
use crate::core::ids::WorkspaceId;
use crate::core::record::{DecisionRecord, Presence};
use crate::store::rows::{Versioned, from_json, micros};

use super::decisions::{Reading, first_page_since, next_pages};
use super::fold::{event_of, intervention_of, readable};
use super::unavailable;

/// Everything in `[from, until)`.
pub(super) async fn read(
    connection: &mut SqliteConnection,
    workspace: &WorkspaceId,
    span: (Timestamp, Timestamp),
) -> Result<Recorded, StoreError> {
    let events = bodies(
        connection,
        "SELECT body FROM events WHERE workspace = ? AND received_at_us >= ? AND received_at_us < ?
         ORDER BY received_at_us, position",
        workspace,
        span,
    );
    let events = events.await?.iter().map(|(body,)| event_of(body)).collect::<Result<_, _>>()?;
    let presence = bodies(
        connection,
        "SELECT body FROM presence WHERE workspace = ? AND set_at_us >= ? AND set_at_us < ? ORDER BY set_at_us, position",
        workspace,
        span,
    );
    let presence = presence.await?.iter().map(|(body,)| presence_of(body)).collect::<Result<_, _>>()?;
    let interventions = bodies(
        connection,
        "SELECT body FROM interventions WHERE workspace = ? AND set_at_us >= ? AND set_at_us < ? ORDER BY set_at_us, position",
        workspace,
        span,
    );
    let interventions = interventions.await?.iter().map(|(body,)| intervention_of(body)).collect::<Result<_, _>>()?;
    Ok(Recorded { decisions: decisions(connection, workspace, span).await?, events, presence, interventions })
}

/// What may still hold at `before`: the last word of the PBX on each agent, the presence last set, what else was set by hand. A row
/// that cannot be read is passed over.
pub(super) async fn standing(
    connection: &mut SqliteConnection,
    workspace: &WorkspaceId,
    before: Timestamp,
) -> Result<Recorded, StoreError> {
    let duty = duty_before(connection, workspace, before).await?;
    let interventions = bodies_before(
        connection,
        "SELECT body FROM interventions WHERE workspace = ? AND set_at_us < ? ORDER BY position",
        workspace,
        before,
    );
    let interventions = interventions.await?.iter().filter_map(|(body,)| readable(intervention_of(body))).collect();
    Ok(Recorded { interventions, ..duty })
}

/// Words of the PBX on agents and presence since `from`, and what held then. A row that cannot be read is passed over.
pub(super) async fn duty_since(
    connection: &mut SqliteConnection,
    workspace: &WorkspaceId,
    from: Timestamp,
) -> Result<Recorded, StoreError> {
    let mut duty = duty_before(connection, workspace, from).await?;
    let span = (from, Timestamp::MAX);
    let words = bodies(
        connection,
        "SELECT body FROM events WHERE workspace = ? AND received_at_us >= ? AND received_at_us < ? AND +type = 'agent_state'
         ORDER BY received_at_us, position",
        workspace,
        span,
    );
    duty.events.extend(words.await?.iter().filter_map(|(body,)| readable(event_of(body))));
    let presence = bodies(
        connection,
        "SELECT body FROM presence WHERE workspace = ? AND set_at_us >= ? AND set_at_us < ? ORDER BY set_at_us, position",
        workspace,
        span,
    );
    duty.presence.extend(presence.await?.iter().filter_map(|(body,)| readable(presence_of(body))));
    Ok(duty)
}

async fn duty_before(
    connection: &mut SqliteConnection,
    workspace: &WorkspaceId,
    before: Timestamp,
) -> Result<Recorded, StoreError> {
    let words = bodies_before(
        connection,
        "SELECT e.body FROM (SELECT agent, MAX(received_at_us) AS received_at_us FROM events
             WHERE workspace = ?1 AND type = 'agent_state' AND agent IS NOT NULL AND received_at_us < ?2 GROUP BY agent) AS last
         CROSS JOIN events AS e ON e.workspace = ?1 AND e.type = 'agent_state' AND e.agent = last.agent
             AND e.received_at_us = last.received_at_us",
        workspace,
        before,
    );
    let events = words.await?.iter().filter_map(|(body,)| readable(event_of(body))).collect();
    let presence = bodies_before(
        connection,
        "SELECT p.body FROM (SELECT agent, MAX(set_at_us) AS set_at_us FROM presence
             WHERE workspace = ?1 AND set_at_us < ?2 GROUP BY agent) AS last
         CROSS JOIN presence AS p ON p.workspace = ?1 AND p.agent = last.agent AND p.set_at_us = last.set_at_us
         ORDER BY p.position",
        workspace,
        before,
    );
    let presence = presence.await?.iter().filter_map(|(body,)| readable(presence_of(body))).collect();
    Ok(Recorded { events, presence, ..Recorded::default() })
}

async fn decisions(
    connection: &mut SqliteConnection,
    workspace: &WorkspaceId,
    (from, until): (Timestamp, Timestamp),
) -> Result<Vec<Arc<DecisionRecord>>, StoreError> {
    let mut reading = Reading::of(workspace);
    let mut found = Vec::new();
    let mut at = first_page_since(connection, workspace, micros(from)).await?.unwrap_or(i64::MAX);
    while let Some((chunk, next)) = next_pages(connection, workspace, at).await? {
        // Pages follow each other; receipts within and between them may differ by what a clock was set back.
        let past = chunk.iter().all(|stored| stored.received_at() >= until);
        for stored in chunk.into_iter().filter(|stored| (from..until).contains(&stored.received_at())) {
            found.push(reading.record(connection, stored).await?);
        }
        if past {
            break;
        }
        at = next;
    }
    Ok(found)
}

/// The bodies a statement finds between two instants.
async fn bodies(
    connection: &mut SqliteConnection,
    statement: &'static str,
    workspace: &WorkspaceId,
    (from, until): (Timestamp, Timestamp),
) -> Result<Vec<(String,)>, StoreError> {
    sqlx::query_as(statement)
        .bind(workspace.as_str())
        .bind(micros(from))
        .bind(micros(until))
        .fetch_all(connection)
        .await
        .map_err(|fault| unavailable(&fault))
}

/// The bodies a statement finds before an instant.
async fn bodies_before(
    connection: &mut SqliteConnection,
    statement: &'static str,
    workspace: &WorkspaceId,
    before: Timestamp,
) -> Result<Vec<(String,)>, StoreError> {
    sqlx::query_as(statement)
        .bind(workspace.as_str())
        .bind(micros(before))
        .fetch_all(connection)
        .await
        .map_err(|fault| unavailable(&fault))
}

fn presence_of(body: &str) -> Result<Presence, StoreError> {
    from_json::<Versioned<Presence>>(body, "a presence")?.into_body()
}
