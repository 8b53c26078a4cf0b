//! The statements of the writer: each piece of work inside the transaction the writer opened.
//!
//! Commits nothing and folds nothing: see `writer`.

use std::collections::{BTreeSet, HashMap};

use jiff::{SignedDuration, Timestamp};
use sqlx::SqliteConnection;

use crate::broker::ports::Extent;
use crate::broker::store::{
    EventFlags, EventOutcome, InboxEntry, PullCommit, SCORE_VERSIONS_DAYS, SCORE_VERSIONS_NEWEST, StoreError, StoredScoreVersion,
    StoredScores, StoredToken, VANISHED_DEALS_DAYS, WorkspaceChange,
};
use crate::core::deal::Deal;
use crate::core::ids::{CallKey, ConnectionId, DealId, WorkspaceId};
use crate::core::intervention::Intervention;
use crate::core::record::{Presence, ReceivedEvent};
use crate::store::rows::{PullBody, Versioned, flags_to_number, from_json, micros, names_no_agent, to_json};

use super::WriterSettings;
use super::fold::readable;
use super::live::Live;
use super::queue::{Done, Work};
use super::unavailable;

/// How long a webhook is kept for inspection.
const INBOX_DAYS: i64 = 14;

/// How many webhooks of a connection are kept.
const INBOX_ROWS: i64 = 1000;

/// Bodies in the inbox are cut here.
const INBOX_BODY_BYTES: usize = 8 * 1024;

/// Why a piece of work was not done.
pub(super) enum JobFault {
    /// It is wrong in itself; its neighbours are not touched.
    Refused(StoreError),
    /// The disk or the file: nothing can be written now.
    Disk(sqlx::Error),
}

impl From<JobFault> for StoreError {
    fn from(fault: JobFault) -> Self {
        match fault {
            JobFault::Refused(fault) => fault,
            JobFault::Disk(fault) => unavailable(&fault),
        }
    }
}

impl From<StoreError> for JobFault {
    fn from(fault: StoreError) -> Self {
        Self::Refused(fault)
    }
}

impl From<sqlx::Error> for JobFault {
    fn from(fault: sqlx::Error) -> Self {
        // Primary result codes: TOOBIG 18, CONSTRAINT 19, MISMATCH 20, RANGE 25 (https://sqlite.org/rescode.html).
        let code = fault.as_database_error().and_then(|fault| fault.code()).and_then(|code| code.parse::<u32>().ok());
        match code.map(|code| code & 0xff) {
            Some(19) => Self::Refused(StoreError::Conflict(fault.to_string())),
            Some(18 | 20 | 25) => Self::Refused(StoreError::Corrupt(fault.to_string())),
            _ => Self::Disk(fault),
        }
    }
}

/// Keeps webhooks for inspection, and what is too much or too old goes.
pub(super) async fn write_inbox(
    connection: &mut SqliteConnection,
    entries: &[(WorkspaceId, InboxEntry)],
) -> Result<(), sqlx::Error> {
    let mut touched: BTreeSet<(&WorkspaceId, &ConnectionId)> = BTreeSet::new();
    for (workspace, entry) in entries {
        let end = entry.body.floor_char_boundary(INBOX_BODY_BYTES);
        sqlx::query("INSERT INTO inbox (workspace, connection, received_at_us, code, detail, body) VALUES (?, ?, ?, ?, ?, ?)")
            .bind(workspace.as_str())
            .bind(entry.connection.as_str())
            .bind(micros(entry.received_at))
            .bind(&entry.code)
            .bind(&entry.detail)
            .bind(entry.body.get(..end))
            .execute(&mut *connection)
            .await?;
        touched.insert((workspace, &entry.connection));
    }
    for (workspace, of) in touched {
        sqlx::query(
            "DELETE FROM inbox WHERE workspace = ?1 AND connection = ?2 AND position <= (SELECT position FROM inbox
             WHERE workspace = ?1 AND connection = ?2 ORDER BY position DESC LIMIT 1 OFFSET ?3)",
        )
        .bind(workspace.as_str())
        .bind(of.as_str())
        .bind(INBOX_ROWS)
        .execute(&mut *connection)
        .await?;
    }
    let Some(newest) = entries.iter().map(|(_, entry)| entry.received_at).max() else { return Ok(()) };
    let workspaces: BTreeSet<&WorkspaceId> = entries.iter().map(|(workspace, _)| workspace).collect();
    for workspace in workspaces {
        prune_inbox(connection, workspace, newest).await?;
    }
    Ok(())
}

async fn prune_inbox(connection: &mut SqliteConnection, workspace: &WorkspaceId, now: Timestamp) -> Result<(), sqlx::Error> {
    let kept = SignedDuration::from_hours(24 * INBOX_DAYS);
    let before = now.checked_sub(kept).unwrap_or(Timestamp::MIN);
    sqlx::query("DELETE FROM inbox WHERE workspace = ? AND received_at_us < ?")
        .bind(workspace.as_str())
        .bind(micros(before))
        .execute(connection)
        .await?;
    Ok(())
}

/// Does one piece of work.
pub(super) async fn perform(connection: &mut SqliteConnection, work: &Work) -> Result<Done, JobFault> {
    match work {
        Work::Events { live, events } => return Ok(Done::Events(write_events(connection, live, events).await?)),
        Work::Presence { live, presence } => write_presence(connection, &live.id, presence).await?,
        Work::Intervention { live, intervention } => write_intervention(connection, &live.id, intervention).await?,
        Work::Workspaces { changes, at } => write_workspaces(connection, changes, *at).await?,
        Work::Pull { workspace, pull } => write_pull(connection, workspace, pull).await?,
        Work::Scores { workspace, scores } => write_scores(connection, workspace, scores).await?,
        Work::ScoreVersion { workspace, version, keep } => write_score_version(connection, workspace, version, keep).await?,
        Work::Token(token) => write_token(connection, token).await?,
        Work::PruneInbox { workspace, now } => prune_inbox(connection, workspace, *now).await?,
        Work::Settings => return Ok(Done::Settings(read_settings(connection).await?)),
        Work::Beat | Work::Stop => {
            sqlx::query("UPDATE writer_beat SET beat = beat + 1").execute(connection).await?;
        }
    }
    Ok(Done::Written)
}

async fn read_settings(connection: &mut SqliteConnection) -> Result<WriterSettings, sqlx::Error> {
    Ok(WriterSettings {
        synchronous: sqlx::query_scalar("PRAGMA synchronous").fetch_one(&mut *connection).await?,
        journal_mode: sqlx::query_scalar("PRAGMA journal_mode").fetch_one(&mut *connection).await?,
        secure_delete: sqlx::query_scalar("PRAGMA secure_delete").fetch_one(&mut *connection).await?,
        foreign_keys: sqlx::query_scalar("PRAGMA foreign_keys").fetch_one(connection).await?,
    })
}

async fn write_events(
    connection: &mut SqliteConnection,
    live: &Live,
    events: &[ReceivedEvent],
) -> Result<Vec<EventOutcome>, JobFault> {
    let mut outcomes = Vec::with_capacity(events.len());
    for received in events {
        let flags = EventFlags {
            unknown_call: is_call_unknown(connection, live, received).await?,
            unknown_agent: names_no_agent(&received.event, live.lock().tally.workspace()),
        };
        let event = &received.event;
        let written = sqlx::query(
            "INSERT INTO events (workspace, connection, event_id, call_id, agent, type, at_us, received_at_us, flags, body)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (workspace, connection, event_id) DO NOTHING",
        )
        .bind(live.id.as_str())
        .bind(received.connection.as_str())
        .bind(event.event_id.as_str())
        .bind(event.call_id.as_ref().map(|call| call.as_str()))
        .bind(event.agent.as_ref().map(|agent| agent.as_str()))
        .bind(event.event_type.as_str())
        .bind(micros(event.at))
        .bind(micros(received.received_at))
        .bind(flags_to_number(flags))
        .bind(to_json(&Versioned::of(received))?)
        .execute(&mut *connection)
        .await?;
        outcomes.push(if written.rows_affected() == 0 { EventOutcome::Duplicate } else { EventOutcome::Accepted });
    }
    Ok(outcomes)
}

async fn is_call_unknown(connection: &mut SqliteConnection, live: &Live, received: &ReceivedEvent) -> Result<bool, sqlx::Error> {
    let Some(call) = &received.event.call_id else { return Ok(false) };
    let key = CallKey { connection: received.connection.clone(), call: call.clone() };
    if live.lock().tally.call(&key).is_some_and(|known| !known.decisions.is_empty()) {
        return Ok(false);
    }
    let found: i64 =
        sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM decision_calls WHERE workspace = ? AND connection = ? AND call_id = ?)")
            .bind(live.id.as_str())
            .bind(key.connection.as_str())
            .bind(key.call.as_str())
            .fetch_one(connection)
            .await?;
    Ok(found == 0)
}

async fn write_presence(connection: &mut SqliteConnection, workspace: &WorkspaceId, presence: &Presence) -> Result<(), JobFault> {
    sqlx::query("INSERT INTO presence (workspace, agent, set_at_us, body) VALUES (?, ?, ?, ?)")
        .bind(workspace.as_str())
        .bind(presence.agent.as_str())
        .bind(micros(presence.set_at))
        .bind(to_json(&Versioned::of(presence))?)
        .execute(connection)
        .await?;
    Ok(())
}

async fn write_intervention(
    connection: &mut SqliteConnection,
    workspace: &WorkspaceId,
    intervention: &Intervention,
) -> Result<(), JobFault> {
    sqlx::query(
        "INSERT INTO interventions (workspace, id, kind, agent, set_at_us, body) VALUES (?, ?, ?, ?, ?, ?)
         ON CONFLICT (workspace, id) DO NOTHING",
    )
    .bind(workspace.as_str())
    .bind(intervention.id.as_bytes().as_slice())
    .bind(intervention.change.kind())
    .bind(intervention.change.agent().map(|agent| agent.as_str()))
    .bind(micros(intervention.set_at))
    .bind(to_json(&Versioned::of(intervention))?)
    .execute(connection)
    .await?;
    Ok(())
}

async fn write_workspaces(connection: &mut SqliteConnection, changes: &[WorkspaceChange], at: Timestamp) -> Result<(), JobFault> {
    for change in changes {
        let stored: Option<i64> = sqlx::query_scalar("SELECT revision FROM workspaces WHERE id = ?")
            .bind(change.id.as_str())
            .fetch_optional(&mut *connection)
            .await?;
        let revision = stored.unwrap_or(0).cast_unsigned();
        if revision != change.based_on {
            let text =
                format!("workspace `{}` is at revision {revision}, the change was made from {}", change.id, change.based_on);
            return Err(StoreError::Conflict(text).into());
        }
        sqlx::query(
            "INSERT INTO workspaces (id, revision, document, applied_at_us) VALUES (?1, ?2, ?3, ?4) ON CONFLICT (id) DO
             UPDATE SET revision = excluded.revision, document = excluded.document, applied_at_us = excluded.applied_at_us",
        )
        .bind(change.id.as_str())
        .bind((revision + 1).cast_signed())
        .bind(&change.document)
        .bind(micros(at))
        .execute(&mut *connection)
        .await?;
        for group in &change.credit_resets {
            sqlx::query("INSERT INTO book_resets (workspace, group_id, at_us) VALUES (?, ?, ?) ON CONFLICT DO NOTHING")
                .bind(change.id.as_str())
                .bind(group.as_str())
                .bind(micros(at))
                .execute(&mut *connection)
                .await?;
        }
    }
    if !changes.is_empty() {
        sqlx::query("UPDATE workspaces_revision SET revision = revision + 1").execute(connection).await?;
    }
    Ok(())
}

/// Reads what was known of a connection's deals: of all, or of those that a pull brings.
async fn known_deals(
    connection: &mut SqliteConnection,
    workspace: &WorkspaceId,
    pull: &PullCommit,
) -> Result<HashMap<DealId, Deal>, JobFault> {
    let wanted: Vec<&DealId> = pull.deals.iter().map(|deal| &deal.deal).collect();
    let query = match pull.extent {
        Extent::Everything => sqlx::query_scalar("SELECT body FROM deals WHERE workspace = ? AND connection = ?"),
        Extent::Changes => sqlx::query_scalar(
            "SELECT d.body FROM deals AS d WHERE d.workspace = ? AND d.connection = ? AND d.deal IN (SELECT value FROM json_each(?))",
        ),
    };
    let query = query.bind(workspace.as_str()).bind(pull.connection.as_str());
    let query = match pull.extent {
        Extent::Everything => query,
        Extent::Changes => query.bind(to_json(&wanted)?),
    };
    let bodies: Vec<String> = query.fetch_all(connection).await?;
    // One that cannot be read must not keep the CRM's newest word out.
    let known =
        bodies.iter().filter_map(|body| readable(from_json::<Versioned<Deal>>(body, "a deal").and_then(Versioned::into_body)));
    Ok(known.map(|deal| (deal.deal.clone(), deal)).collect())
}

/// All deals of a connection vanish, but for those whose rows cannot be read; what vanished long ago goes.
async fn let_vanish(connection: &mut SqliteConnection, workspace: &WorkspaceId, pull: &PullCommit) -> Result<(), JobFault> {
    let now = pull.state.succeeded_at.map(micros);
    let remembered = VANISHED_DEALS_DAYS.saturating_mul(24 * 3600 * 1_000_000);
    sqlx::query(
        "UPDATE deals SET vanished_at_us = COALESCE(?3, 0) WHERE workspace = ?1 AND connection = ?2 AND vanished_at_us IS NULL
         AND deal NOT IN (SELECT value FROM json_each(?4))",
    )
    .bind(workspace.as_str())
    .bind(pull.connection.as_str())
    .bind(now)
    .bind(to_json(&pull.unreadable)?)
    .execute(&mut *connection)
    .await?;
    sqlx::query("DELETE FROM deals WHERE workspace = ? AND connection = ? AND vanished_at_us < ?")
        .bind(workspace.as_str())
        .bind(pull.connection.as_str())
        .bind(now.map(|now| now.saturating_sub(remembered)))
        .execute(connection)
        .await?;
    Ok(())
}

async fn write_pull(connection: &mut SqliteConnection, workspace: &WorkspaceId, pull: &PullCommit) -> Result<(), JobFault> {
    let mut known = known_deals(connection, workspace, pull).await?;
    if pull.extent == Extent::Everything {
        let_vanish(connection, workspace, pull).await?;
    }
    for deal in &pull.deals {
        let deal = deal.clone().merged_with(known.get(&deal.deal), pull.state.succeeded_at);
        sqlx::query(
            "INSERT INTO deals (workspace, connection, deal, body) VALUES (?, ?, ?, ?)
             ON CONFLICT (workspace, connection, deal) DO UPDATE SET body = excluded.body, vanished_at_us = NULL",
        )
        .bind(workspace.as_str())
        .bind(pull.connection.as_str())
        .bind(deal.deal.as_str())
        .bind(to_json(&Versioned::of(&deal))?)
        .execute(&mut *connection)
        .await?;
        // A deal may come twice in one pull.
        known.insert(deal.deal.clone(), deal);
    }
    sqlx::query(
        "INSERT INTO pulls (workspace, connection, body) VALUES (?, ?, ?)
         ON CONFLICT (workspace, connection) DO UPDATE SET body = excluded.body",
    )
    .bind(workspace.as_str())
    .bind(pull.connection.as_str())
    .bind(to_json(&Versioned::of(PullBody::from(pull.state.clone())))?)
    .execute(connection)
    .await?;
    Ok(())
}

async fn write_scores(connection: &mut SqliteConnection, workspace: &WorkspaceId, scores: &StoredScores) -> Result<(), JobFault> {
    sqlx::query(
        "INSERT INTO scores (workspace, policy, body) VALUES (?, ?, ?)
         ON CONFLICT (workspace, policy) DO UPDATE SET body = excluded.body",
    )
    .bind(workspace.as_str())
    .bind(scores.policy.as_str())
    .bind(&scores.body)
    .execute(connection)
    .await?;
    Ok(())
}

async fn write_score_version(
    connection: &mut SqliteConnection,
    workspace: &WorkspaceId,
    version: &StoredScoreVersion,
    keep: &[u64],
) -> Result<(), JobFault> {
    sqlx::query(
        "INSERT INTO score_versions (workspace, policy, version, taken_at_us, body) VALUES (?, ?, ?, ?, ?)
         ON CONFLICT (workspace, policy, version) DO UPDATE SET taken_at_us = excluded.taken_at_us, body = excluded.body",
    )
    .bind(workspace.as_str())
    .bind(version.policy.as_str())
    .bind(version.version.cast_signed())
    .bind(micros(version.taken_at))
    .bind(&version.body)
    .execute(&mut *connection)
    .await?;
    sqlx::query(
        "DELETE FROM score_versions WHERE workspace = ?1 AND policy = ?2
         AND version NOT IN (SELECT value FROM json_each(?3))
         AND version NOT IN (SELECT version FROM score_versions WHERE workspace = ?1 AND policy = ?2
             ORDER BY version DESC LIMIT ?4)
         AND version NOT IN (SELECT MAX(version) FROM score_versions WHERE workspace = ?1 AND policy = ?2
             GROUP BY taken_at_us / 86400000000 ORDER BY 1 DESC LIMIT ?5)",
    )
    .bind(workspace.as_str())
    .bind(version.policy.as_str())
    .bind(to_json(&keep)?)
    .bind(SCORE_VERSIONS_NEWEST)
    .bind(SCORE_VERSIONS_DAYS)
    .execute(connection)
    .await?;
    Ok(())
}

async fn write_token(connection: &mut SqliteConnection, token: &StoredToken) -> Result<(), JobFault> {
    sqlx::query("INSERT INTO tokens (hash, workspace, role, agent, created_at_us) VALUES (?, ?, ?, ?, ?)")
        .bind(token.hash.as_slice())
        .bind(token.workspace.as_str())
        .bind(&token.role)
        .bind(token.agent.as_ref().map(|agent| agent.as_str()))
        .bind(micros(token.created_at))
        .execute(connection)
        .await?;
    Ok(())
}
