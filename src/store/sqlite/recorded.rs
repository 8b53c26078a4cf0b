//! What was recorded over a span, in the order it was received: for replays and reports.

use std::sync::Arc;

use jiff::Timestamp;
use sqlx::SqliteConnection;

use crate::broker::store::{Recorded, StoreError};
use crate::core::ids::WorkspaceId;
use crate::core::intervention::Intervention;
use crate::core::record::{DecisionRecord, Presence, ReceivedEvent};
use crate::store::rows::{Versioned, from_json, micros};

use super::decisions::{Reading, first_page_since, next_pages};
use super::fold::{event_of, intervention_of};
use super::unavailable;

/// Everything in `[from, until)`.
pub(super) async fn read(
    connection: &mut SqliteConnection,
    workspace: &WorkspaceId,
    (from, until): (Timestamp, Timestamp),
) -> Result<Recorded, StoreError> {
    Ok(Recorded {
        decisions: decisions(connection, workspace, (from, until)).await?,
        events: events(connection, workspace, (from, until)).await?,
        presence: presence(connection, workspace, (from, until)).await?,
        interventions: interventions(connection, workspace, (from, until)).await?,
    })
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

async fn events(
    connection: &mut SqliteConnection,
    workspace: &WorkspaceId,
    (from, until): (Timestamp, Timestamp),
) -> Result<Vec<ReceivedEvent>, StoreError> {
    let rows: Vec<(String,)> = sqlx::query_as(
        "SELECT body FROM events WHERE workspace = ? AND received_at_us >= ? AND received_at_us < ?
         ORDER BY received_at_us, position",
    )
    .bind(workspace.as_str())
    .bind(micros(from))
    .bind(micros(until))
    .fetch_all(connection)
    .await
    .map_err(|fault| unavailable(&fault))?;
    rows.iter().map(|(body,)| event_of(body)).collect()
}

async fn presence(
    connection: &mut SqliteConnection,
    workspace: &WorkspaceId,
    (from, until): (Timestamp, Timestamp),
) -> Result<Vec<Presence>, StoreError> {
    let rows: Vec<(String,)> = sqlx::query_as(
        "SELECT body FROM presence WHERE workspace = ? AND set_at_us >= ? AND set_at_us < ? ORDER BY set_at_us, position",
    )
    .bind(workspace.as_str())
    .bind(micros(from))
    .bind(micros(until))
    .fetch_all(connection)
    .await
    .map_err(|fault| unavailable(&fault))?;
    rows.iter().map(|(body,)| from_json::<Versioned<Presence>>(body, "a presence").and_then(Versioned::into_body)).collect()
}

async fn interventions(
    connection: &mut SqliteConnection,
    workspace: &WorkspaceId,
    (from, until): (Timestamp, Timestamp),
) -> Result<Vec<Intervention>, StoreError> {
    let rows: Vec<(String,)> = sqlx::query_as(
        "SELECT body FROM interventions WHERE workspace = ? AND set_at_us >= ? AND set_at_us < ? ORDER BY set_at_us, position",
    )
    .bind(workspace.as_str())
    .bind(micros(from))
    .bind(micros(until))
    .fetch_all(connection)
    .await
    .map_err(|fault| unavailable(&fault))?;
    rows.iter().map(|(body,)| intervention_of(body)).collect()
}
