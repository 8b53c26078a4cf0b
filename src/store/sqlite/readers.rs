//! What is read back: pages, single facts, deals, scores, tokens. Every query names its workspace.
//!
//! A `+` before a column keeps SQLite from walking that column's index.
//! Runs on read-only connections; short reads only, so that the log file can shrink.

use sqlx::SqliteConnection;

use crate::broker::store::{
    InboxEntry, InterventionRequest, Page, PageRequest, PullState, StoreError, StoredEvent, StoredScores, StoredToken,
    StoredWorkspace,
};
use crate::core::deal::Deal;
use crate::core::ids::{AgentId, ConnectionId, EventId, PolicyId, WorkspaceId};
use crate::core::intervention::Intervention;
use crate::store::rows::{PullBody, Versioned, flags_from_number, from_json, instant, to_json};

use super::fold::{event_of, intervention_of};
use super::unavailable;

/// The largest page.
const PAGE_MAX: usize = 500;

/// Where a page starts and how much of it is read: one more than asked, to see whether more follows.
pub(super) struct Slice {
    pub(super) below: i64,
    pub(super) limit: usize,
}

impl Slice {
    pub(super) fn of(page: &PageRequest) -> Result<Self, StoreError> {
        let below = match &page.cursor {
            None => i64::MAX,
            Some(text) => text.parse().map_err(|_| foreign_cursor())?,
        };
        Ok(Self { below, limit: page.limit.clamp(1, PAGE_MAX) })
    }

    pub(super) fn rows(&self) -> i64 {
        i64::try_from(self.limit).unwrap_or(i64::MAX).saturating_add(1)
    }

    /// Cuts the row too many; tells where the next page starts.
    pub(super) fn cut<T>(&self, rows: &mut Vec<T>, position: impl Fn(&T) -> i64) -> Option<String> {
        let more = rows.len() > self.limit;
        rows.truncate(self.limit);
        rows.last().filter(|_| more).map(|last| position(last).to_string())
    }
}

/// A cursor that cannot be ours.
pub(super) fn foreign_cursor() -> StoreError {
    StoreError::Conflict("the cursor is not one this list gave out: start again without it".to_owned())
}

pub(super) async fn workspaces(connection: &mut SqliteConnection) -> Result<Vec<StoredWorkspace>, StoreError> {
    let rows: Vec<(String, i64, String, i64)> =
        sqlx::query_as("SELECT id, revision, document, applied_at_us FROM workspaces ORDER BY id")
            .fetch_all(connection)
            .await
            .map_err(|fault| unavailable(&fault))?;
    rows.into_iter()
        .map(|(id, revision, document, at)| {
            Ok(StoredWorkspace { id: id.into(), revision: revision.cast_unsigned(), document, applied_at: instant(at)? })
        })
        .collect()
}

pub(super) async fn workspaces_revision(connection: &mut SqliteConnection) -> Result<u64, StoreError> {
    let revision: i64 = sqlx::query_scalar("SELECT revision FROM workspaces_revision")
        .fetch_one(connection)
        .await
        .map_err(|fault| unavailable(&fault))?;
    Ok(revision.cast_unsigned())
}

pub(super) async fn events(
    connection: &mut SqliteConnection,
    workspace: &WorkspaceId,
    page: &PageRequest,
) -> Result<Page<StoredEvent>, StoreError> {
    let slice = Slice::of(page)?;
    let query = match &page.call {
        None => sqlx::query_as(
            "SELECT position, flags, body FROM events WHERE workspace = ? AND position < ? ORDER BY position DESC LIMIT ?",
        )
        .bind(workspace.as_str()),
        Some(call) => sqlx::query_as(
            "SELECT position, flags, body FROM events
             WHERE workspace = ? AND call_id = ? AND +position < ? ORDER BY +position DESC LIMIT ?",
        )
        .bind(workspace.as_str())
        .bind(call.as_str()),
    };
    let mut rows: Vec<(i64, i64, String)> =
        query.bind(slice.below).bind(slice.rows()).fetch_all(connection).await.map_err(|fault| unavailable(&fault))?;
    let next = slice.cut(&mut rows, |(position, ..)| *position);
    let items = rows.iter().map(|(_, flags, body)| stored_event(*flags, body)).collect::<Result<_, _>>()?;
    Ok(Page { items, next })
}

fn stored_event(flags: i64, body: &str) -> Result<StoredEvent, StoreError> {
    Ok(StoredEvent { received: event_of(body)?, flags: flags_from_number(flags) })
}

pub(super) async fn event(
    connection: &mut SqliteConnection,
    workspace: &WorkspaceId,
    of: &ConnectionId,
    id: &EventId,
) -> Result<Option<StoredEvent>, StoreError> {
    let row: Option<(i64, String)> =
        sqlx::query_as("SELECT flags, body FROM events WHERE workspace = ? AND connection = ? AND event_id = ?")
            .bind(workspace.as_str())
            .bind(of.as_str())
            .bind(id.as_str())
            .fetch_optional(connection)
            .await
            .map_err(|fault| unavailable(&fault))?;
    row.map(|(flags, body)| stored_event(flags, &body)).transpose()
}

pub(super) async fn inbox(
    connection: &mut SqliteConnection,
    workspace: &WorkspaceId,
    of: &ConnectionId,
    page: &PageRequest,
) -> Result<Page<InboxEntry>, StoreError> {
    let slice = Slice::of(page)?;
    let mut rows: Vec<(i64, i64, String, String, String)> = sqlx::query_as(
        "SELECT position, received_at_us, code, detail, body FROM inbox
         WHERE workspace = ? AND connection = ? AND position < ? ORDER BY position DESC LIMIT ?",
    )
    .bind(workspace.as_str())
    .bind(of.as_str())
    .bind(slice.below)
    .bind(slice.rows())
    .fetch_all(connection)
    .await
    .map_err(|fault| unavailable(&fault))?;
    let next = slice.cut(&mut rows, |(position, ..)| *position);
    let entry = |(_, at, code, detail, body)| -> Result<InboxEntry, StoreError> {
        Ok(InboxEntry { connection: of.clone(), received_at: instant(at)?, code, detail, body })
    };
    let items = rows.into_iter().map(entry).collect::<Result<_, _>>()?;
    Ok(Page { items, next })
}

pub(super) async fn interventions(
    connection: &mut SqliteConnection,
    workspace: &WorkspaceId,
    wanted: &InterventionRequest,
) -> Result<Page<Intervention>, StoreError> {
    let page = PageRequest { cursor: wanted.cursor.clone(), limit: wanted.limit, call: None };
    let slice = Slice::of(&page)?;
    let mut rows: Vec<(i64, String)> = sqlx::query_as(
        "SELECT position, body FROM interventions WHERE workspace = ?1 AND position < ?2
         AND (?3 = '[]' OR kind IN (SELECT value FROM json_each(?3))) AND (?4 IS NULL OR agent = ?4) AND (?5 IS NULL OR id = ?5)
         ORDER BY position DESC LIMIT ?6",
    )
    .bind(workspace.as_str())
    .bind(slice.below)
    .bind(to_json(&wanted.kinds)?)
    .bind(wanted.agent.as_ref().map(|agent| agent.as_str()))
    .bind(wanted.id.as_ref().map(|id| id.as_bytes().as_slice()))
    .bind(slice.rows())
    .fetch_all(connection)
    .await
    .map_err(|fault| unavailable(&fault))?;
    let next = slice.cut(&mut rows, |(position, _)| *position);
    let items = rows.iter().map(|(_, body)| intervention_of(body)).collect::<Result<_, _>>()?;
    Ok(Page { items, next })
}

pub(super) async fn deals(
    connection: &mut SqliteConnection,
    workspace: &WorkspaceId,
    of: &ConnectionId,
) -> Result<Vec<Deal>, StoreError> {
    let rows: Vec<(String,)> =
        sqlx::query_as("SELECT body FROM deals WHERE workspace = ? AND connection = ? AND vanished_at_us IS NULL ORDER BY deal")
            .bind(workspace.as_str())
            .bind(of.as_str())
            .fetch_all(connection)
            .await
            .map_err(|fault| unavailable(&fault))?;
    rows.iter().map(|(body,)| from_json::<Versioned<Deal>>(body, "a deal")?.into_body()).collect()
}

pub(super) async fn pull_state(
    connection: &mut SqliteConnection,
    workspace: &WorkspaceId,
    of: &ConnectionId,
) -> Result<PullState, StoreError> {
    let body: Option<String> = sqlx::query_scalar("SELECT body FROM pulls WHERE workspace = ? AND connection = ?")
        .bind(workspace.as_str())
        .bind(of.as_str())
        .fetch_optional(connection)
        .await
        .map_err(|fault| unavailable(&fault))?;
    match body {
        None => Ok(PullState::default()),
        Some(body) => Ok(from_json::<Versioned<PullBody>>(&body, "a pull's state")?.into_body()?.into()),
    }
}

pub(super) async fn scores(connection: &mut SqliteConnection, workspace: &WorkspaceId) -> Result<Vec<StoredScores>, StoreError> {
    let rows: Vec<(String, String)> = sqlx::query_as("SELECT policy, body FROM scores WHERE workspace = ? ORDER BY policy")
        .bind(workspace.as_str())
        .fetch_all(connection)
        .await
        .map_err(|fault| unavailable(&fault))?;
    Ok(rows.into_iter().map(|(policy, body)| StoredScores { policy: PolicyId::from(policy), body }).collect())
}

pub(super) async fn token(connection: &mut SqliteConnection, hash: &[u8; 32]) -> Result<Option<StoredToken>, StoreError> {
    let row: Option<(String, String, Option<String>, i64)> =
        sqlx::query_as("SELECT workspace, role, agent, created_at_us FROM tokens WHERE hash = ?")
            .bind(hash.to_vec())
            .fetch_optional(connection)
            .await
            .map_err(|fault| unavailable(&fault))?;
    let Some((workspace, role, agent, created_at)) = row else { return Ok(None) };
    Ok(Some(StoredToken {
        hash: *hash,
        workspace: workspace.into(),
        role,
        agent: agent.map(AgentId::from),
        created_at: instant(created_at)?,
    }))
}
