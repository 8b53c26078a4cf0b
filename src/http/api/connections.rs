//! Connections: how they do, and the log of what could not be understood.

use std::collections::HashMap;

use axum::Json;
use axum::extract::{Path, State};
use serde::Serialize;
use utoipa::ToSchema;

use super::page::{PageQuery, Query};
use crate::broker::store::PullState;
use crate::core::distribution::pbx_clock::ClockDifference;
use crate::core::distribution::tally::Tally;
use crate::core::ids::ConnectionId;
use crate::core::workspace::{Connection, ConnectionKind};
use crate::http::access::Reader;
use crate::http::problem::{Code, Problem};
use crate::http::state::AppState;

/// A row of a CRM that could not be read.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct RejectedRow {
    /// Where: `row 17`, `deal 4711`.
    pub place: String,
    /// What is wrong and what was expected.
    pub detail: String,
}

/// How a CRM connection's pulls go.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct PullItem {
    /// When deals were last stored; null before the first time.
    pub succeeded_at: Option<String>,
    /// When a pull last failed after that; null if none did.
    pub failed_at: Option<String>,
    /// Why.
    pub failure: Option<String>,
    /// Rows of the last success that could not be read.
    pub rejected_rows: u64,
    /// The first of them.
    pub rejected: Vec<RejectedRow>,
}

/// One connection.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ConnectionItem {
    /// Its id.
    pub connection: String,
    /// Its integration.
    pub integration: String,
    /// `pbx` or `crm`.
    pub kind: String,
    /// Whether it is used: a PBX's hooks are received, a CRM is asked. False when its secret is missing, say: see `/readyz`.
    pub enabled: bool,
    /// For a CRM: how its pulls go.
    pub pull: Option<PullItem>,
    /// For a PBX: the time in its last event less the time of receipt, in seconds. Above 0 its clock is ahead of ours; below 0 it is
    /// behind, or the event came late. Null before the first event.
    pub clock_difference_seconds: Option<i64>,
    /// What is wrong with that clock and what to do; null within 5 minutes.
    pub clock_warning: Option<String>,
}

/// All connections.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ConnectionList {
    /// In the order of the workspace.
    pub items: Vec<ConnectionItem>,
    /// Always null: there is one page.
    pub next: Option<String>,
}

/// One kept webhook.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct InboxItem {
    /// When it was received.
    pub received_at: String,
    /// The stable code of what was wrong.
    pub code: String,
    /// What was wrong.
    pub detail: String,
    /// The beginning of its body; it may hold personal data.
    pub body: String,
}

/// Kept webhooks, newest first.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct InboxList {
    /// The webhooks.
    pub items: Vec<InboxItem>,
    /// Where the next page starts; null at the end.
    pub next: Option<String>,
}

/// How the connections do.
#[utoipa::path(
    get,
    path = "/api/v1/workspaces/{workspace}/connections",
    tag = "connections",
    params(("workspace" = String, Path, description = "The workspace's id")),
    responses((status = 200, body = ConnectionList), (status = "default", body = Problem, content_type = "application/problem+json"))
)]
pub async fn list_connections(State(state): State<AppState>, reader: Reader) -> Result<Json<ConnectionList>, Problem> {
    let workspace = &reader.tenant.workspace;
    let mut clocks = HashMap::new();
    let mut look = |tally: &Tally| {
        let clock = |connection: &Connection| Some((connection.id.clone(), tally.pbx_clocks().difference(&connection.id)?));
        clocks = workspace.connections.iter().filter_map(clock).collect();
    };
    state.store.view(&workspace.id, state.clock.now(), &mut look).await?;
    let mut items = Vec::with_capacity(workspace.connections.len());
    for connection in &workspace.connections {
        let enabled = !reader.tenant.disabled.contains_key(&connection.id);
        items.push(match connection.kind {
            ConnectionKind::Pbx { .. } => pbx_item(connection, enabled, clocks.get(&connection.id)),
            ConnectionKind::Crm { .. } => {
                let pull = state.store.pull_state(&workspace.id, &connection.id).await?;
                crm_item(connection, enabled, pull_item(pull))
            }
        });
    }
    Ok(Json(ConnectionList { items, next: None }))
}

/// The log of a connection: hooks that could not be understood, and events of unknown types.
#[utoipa::path(
    get,
    path = "/api/v1/workspaces/{workspace}/connections/{connection}/inbox",
    tag = "connections",
    params(
        ("workspace" = String, Path, description = "The workspace's id"),
        ("connection" = String, Path, description = "The connection's id"),
        PageQuery
    ),
    responses((status = 200, body = InboxList), (status = "default", body = Problem, content_type = "application/problem+json"))
)]
pub async fn list_inbox(
    State(state): State<AppState>,
    reader: Reader,
    Path((_, connection)): Path<(String, String)>,
    Query(query): Query<PageQuery>,
) -> Result<Json<InboxList>, Problem> {
    if !reader.role.may_see_inbox() {
        return Err(Problem::new(Code::Forbidden, "The log of a connection is for operators and CRM admins."));
    }
    let workspace = &reader.tenant.workspace;
    let connection = ConnectionId::from(connection);
    if workspace.find_connection(&connection).is_none() {
        return Err(Problem::new(Code::NotFound, format!("There is no connection `{connection}` in this workspace.")));
    }
    let page = state.store.inbox(&workspace.id, &connection, query.page()?).await?;
    let items = page.items.into_iter().map(|entry| InboxItem {
        received_at: entry.received_at.to_string(),
        code: entry.code,
        detail: entry.detail,
        body: entry.body,
    });
    Ok(Json(InboxList { items: items.collect(), next: page.next }))
}

fn pbx_item(connection: &Connection, enabled: bool, clock: Option<&ClockDifference>) -> ConnectionItem {
    ConnectionItem {
        connection: connection.id.to_string(),
        integration: connection.integration.clone(),
        kind: "pbx".to_owned(),
        enabled,
        pull: None,
        clock_difference_seconds: clock.map(|clock| clock.seconds),
        clock_warning: clock.and_then(|clock| clock.warning(&connection.id)),
    }
}

fn crm_item(connection: &Connection, enabled: bool, pull: PullItem) -> ConnectionItem {
    ConnectionItem {
        connection: connection.id.to_string(),
        integration: connection.integration.clone(),
        kind: "crm".to_owned(),
        enabled,
        pull: Some(pull),
        clock_difference_seconds: None,
        clock_warning: None,
    }
}

fn pull_item(state: PullState) -> PullItem {
    let (failed_at, failure) = state.failure.map_or((None, None), |(at, why)| (Some(at.to_string()), Some(why)));
    let (rejected_rows, rejected) = state.rejected;
    PullItem {
        succeeded_at: state.succeeded_at.map(|at| at.to_string()),
        failed_at,
        failure,
        rejected_rows,
        rejected: rejected.into_iter().map(|row| RejectedRow { place: row.place, detail: row.detail }).collect(),
    }
}
