//! Exclusions: deals, calls and days that shall not count for scores.

use axum::Json;
use axum::extract::State;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{AuthorItem, checked_text, let_correct};
use crate::broker::refresh_scores;
use crate::broker::store::{InterventionRequest, PageRequest};
use crate::core::ids::{AgentId, CallId, ConnectionId, DealId};
use crate::core::intervention::{Change, Excluded, Intervention};
use crate::core::policy::{Exposure, Policy};
use crate::core::workspace::{ConnectionKind, Workspace};
use crate::http::access::Reader;
use crate::http::api::interventions;
use crate::http::api::page::{PageQuery, Query};
use crate::http::body::JsonBody;
use crate::http::problem::{Code, Problem};
use crate::http::state::AppState;

/// Calls of several connections may have one id: so many facts are looked at.
const CALLS_LOOKED_AT: usize = 500;

/// What shall not count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "what", rename_all = "snake_case", deny_unknown_fields)]
pub enum ExcludedSubject {
    /// A deal.
    Deal {
        /// In which CRM connection.
        connection: String,
        /// Its id there.
        deal: String,
    },
    /// A call.
    Call {
        /// Through which PBX connection it came.
        connection: String,
        /// Its id there.
        call: String,
    },
    /// Whole days in the workspace's zone, both included: what was decided, and which calls were handled, on them.
    Days {
        /// Whose; absent or null means everybody's.
        agent: Option<String>,
        /// The first day, as 2026-11-01.
        from: String,
        /// The last day.
        to: String,
    },
}

impl ExcludedSubject {
    /// As it is shown.
    pub(super) fn of(subject: &Excluded) -> Self {
        match subject {
            Excluded::Deal { connection, deal } => Self::Deal { connection: connection.to_string(), deal: deal.to_string() },
            Excluded::Call { connection, call } => Self::Call { connection: connection.to_string(), call: call.to_string() },
            Excluded::Days { agent, from, to } => {
                Self::Days { agent: agent.as_ref().map(AgentId::to_string), from: from.to_string(), to: to.to_string() }
            }
        }
    }
}

/// An exclusion to set.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ExclusionBody {
    /// What shall not count.
    pub subject: ExcludedSubject,
    /// Why; the agents concerned read it.
    #[schema(min_length = 1, max_length = 200)]
    pub reason: String,
    /// True counts it again.
    #[serde(default)]
    pub lifted: bool,
}

/// An exclusion as set.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ExclusionItem {
    /// Its id.
    pub id: String,
    /// What does not count.
    pub subject: ExcludedSubject,
    /// Why.
    pub reason: String,
    /// Whether it counts again.
    pub lifted: bool,
    /// When it was set.
    pub set_at: String,
    /// By whom.
    pub by: AuthorItem,
}

/// Exclusions, newest first: of two with one subject the newer holds.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ExclusionList {
    /// Newest first.
    pub items: Vec<ExclusionItem>,
    /// The cursor of the next page; null at the end.
    pub next: Option<String>,
}

/// What was excluded from scores.
#[utoipa::path(
    get,
    path = "/api/v1/workspaces/{workspace}/scores/exclusions",
    tag = "distribution",
    params(("workspace" = String, Path, description = "The workspace's id"), PageQuery),
    responses((status = 200, body = ExclusionList), (status = "default", body = Problem, content_type = "application/problem+json"))
)]
pub async fn list_exclusions(
    State(state): State<AppState>,
    reader: Reader,
    Query(query): Query<PageQuery>,
) -> Result<Json<ExclusionList>, Problem> {
    let page = query.page()?;
    let wanted = InterventionRequest {
        cursor: page.cursor,
        limit: page.limit,
        kinds: vec!["exclusion".to_owned()],
        ..InterventionRequest::default()
    };
    let page = state.store.interventions(&reader.tenant.workspace.id, wanted).await?;
    Ok(Json(ExclusionList { items: page.items.iter().filter_map(item).collect(), next: page.next }))
}

/// Takes a deal, a call or days out of scores, at once, or counts them again: by a sales lead or an operator.
#[utoipa::path(
    post,
    path = "/api/v1/workspaces/{workspace}/scores/exclusions",
    tag = "distribution",
    params(("workspace" = String, Path, description = "The workspace's id")),
    request_body = ExclusionBody,
    responses((status = 200, body = ExclusionItem), (status = "default", body = Problem, content_type = "application/problem+json"))
)]
pub async fn post_exclusion(
    State(state): State<AppState>,
    reader: Reader,
    JsonBody(body): JsonBody<ExclusionBody>,
) -> Result<Json<ExclusionItem>, Problem> {
    let_correct(&reader)?;
    let reason = checked_text("reason", &body.reason, 200)?;
    let subject = checked_subject(&reader.tenant.workspace, body.subject)?;
    match &subject {
        Excluded::Deal { connection, deal } => check_deal(&state, &reader, connection, deal).await?,
        // Whatever takes out nothing may be lifted all the same.
        Excluded::Call { connection, call } if !body.lifted => check_call(&state, &reader, connection, call).await?,
        Excluded::Call { .. } | Excluded::Days { .. } => {}
    }
    let set = interventions::set(&state, &reader, Change::Exclusion { subject, reason, lifted: body.lifted }).await?;
    refresh_scores::refresh_all(&state.store, &reader.tenant, state.clock.now()).await?;
    item(&set).map(Json).ok_or_else(|| Problem::new(Code::Internal, "The exclusion was set but could not be shown."))
}

fn checked_subject(workspace: &Workspace, subject: ExcludedSubject) -> Result<Excluded, Problem> {
    let is_crm = |id: &ConnectionId| match workspace.find_connection(id).map(|connection| connection.kind) {
        Some(ConnectionKind::Crm { .. }) => Some(true),
        Some(ConnectionKind::Pbx { .. }) => Some(false),
        None => None,
    };
    let no_connection = |kind: &str, id: &ConnectionId| {
        Problem::new(Code::NotFound, format!("There is no {kind} connection `{id}` in this workspace."))
    };
    match subject {
        ExcludedSubject::Deal { connection, deal } => {
            let connection = ConnectionId::from(connection);
            if is_crm(&connection) != Some(true) {
                return Err(no_connection("CRM", &connection));
            }
            Ok(Excluded::Deal { connection, deal: deal.into() })
        }
        ExcludedSubject::Call { connection, call } => {
            let connection = ConnectionId::from(connection);
            if is_crm(&connection) != Some(false) {
                return Err(no_connection("PBX", &connection));
            }
            Ok(Excluded::Call { connection, call: call.into() })
        }
        ExcludedSubject::Days { agent, from, to } => {
            let agent = agent.map(AgentId::from);
            if let Some(agent) = agent.as_ref().filter(|agent| workspace.find_agent(agent).is_none()) {
                return Err(Problem::new(Code::NotFound, format!("There is no agent `{agent}` in this workspace.")));
            }
            let (from, to) = (read_day("from", &from)?, read_day("to", &to)?);
            if to < from {
                return Err(Problem::new(Code::InvalidBody, "`to` lies before `from`."));
            }
            Ok(Excluded::Days { agent, from, to })
        }
    }
}

fn read_day(name: &str, text: &str) -> Result<Date, Problem> {
    text.parse().map_err(|_| Problem::new(Code::InvalidBody, format!("`{name}` is not a day: write it as 2026-11-01.")))
}

/// A misspelt id would take out nothing and look as if it had.
async fn check_deal(state: &AppState, reader: &Reader, connection: &ConnectionId, deal: &DealId) -> Result<(), Problem> {
    let deals = state.store.deals(&reader.tenant.workspace.id, connection).await?;
    if deals.iter().any(|known| known.deal == *deal) {
        return Ok(());
    }
    Err(Problem::new(Code::NotFound, format!("`{connection}` has shown no deal `{deal}` so far.")))
}

/// So would that of a call where no score rests on calls.
async fn check_call(state: &AppState, reader: &Reader, connection: &ConnectionId, call: &CallId) -> Result<(), Problem> {
    let workspace = &reader.tenant.workspace;
    let counts_calls = |policy: &Policy| policy.score.as_ref().is_some_and(|score| score.exposure == Exposure::Calls);
    if !workspace.policies.iter().any(counts_calls) {
        let detail = "Taking out a call would change nothing: no policy counts conversions from calls (`exposure: calls`). Exclude \
                      the deal, or days.";
        return Err(Problem::new(Code::InvalidBody, detail));
    }
    let wanted = || PageRequest { cursor: None, limit: CALLS_LOOKED_AT, call: Some(call.clone()) };
    let decisions = state.store.decisions(&workspace.id, wanted()).await?;
    let events = state.store.events(&workspace.id, wanted()).await?;
    let is_known = decisions.items.iter().any(|record| record.call_key().connection == *connection)
        || events.items.iter().any(|event| event.received.connection == *connection);
    if is_known {
        return Ok(());
    }
    Err(Problem::new(Code::NotFound, format!("`{connection}` has told of no call `{call}` so far.")))
}

fn item(intervention: &Intervention) -> Option<ExclusionItem> {
    let Change::Exclusion { subject, reason, lifted } = &intervention.change else { return None };
    Some(ExclusionItem {
        id: intervention.id.to_string(),
        subject: ExcludedSubject::of(subject),
        reason: reason.clone(),
        lifted: *lifted,
        set_at: intervention.set_at.to_string(),
        by: AuthorItem::of(intervention),
    })
}
