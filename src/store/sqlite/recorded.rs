//! What was recorded over a span, in the order it was received: for replays and reports.

use std::sync::Arc;

use jiff::Timestamp;
use sqlx::SqliteConnection;

use crate::broker::store::{Recorded, StoreError};
use crate::core::ids::WorkspaceId;
use crate::core::record::{DecisionRecord, Presence};
use crate::store::rows::{Versioned, from_json, micros};

use super::decisions::{Reading, first_page_since, next_pages};
use super::fold::{event_of, intervention_of};
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

fn presence_of(body: &str) -> Result<Presence, StoreError> {
    from_json::<Versioned<Presence>>(body, "a presence")?.into_body()
}
