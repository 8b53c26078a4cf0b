//! Tasks to call somebody back: who owes whom a call, and what came of it.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::interventions;
use crate::broker::assign_callbacks::{CallbackAssigner, tasks_of};
use crate::core::distribution::callback::{CallbackTask, TaskState};
use crate::core::distribution::tally::Tally;
use crate::core::ids::{AgentId, CallKey};
use crate::core::intervention::{CallbackOutcome, Change};
use crate::http::access::Reader;
use crate::http::body::JsonBody;
use crate::http::problem::{Code, Problem};
use crate::http::state::AppState;

/// One task.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct CallbackItem {
    /// Through which connection the missed call came.
    pub connection: String,
    /// The missed call.
    pub call_id: String,
    /// Whom to call; masked but for the agent who has the task and for roles that may see callers.
    pub caller: String,
    /// When the call was missed, or its caller promised a call.
    pub missed_at: String,
    /// Whether a route promised the caller a call (outcome `callback`); else nobody answered.
    pub promised: bool,
    /// The route it took.
    pub route: Option<String>,
    /// Among whom the task is shared.
    pub group: String,
    /// `open`: nobody has it yet; `assigned`; `reached`; `dropped`: nobody needs to call any more.
    #[schema(value_type = CallbackStateName)]
    pub state: String,
    /// Who has it, had it when it was dropped, or reached the caller; null while it is open.
    pub agent: Option<String>,
    /// Since when it stands so; null while it is open.
    pub since: Option<String>,
    /// How often nobody answered.
    pub attempts: u32,
}

/// Names of a task's states.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub enum CallbackStateName {
    /// Nobody has it yet.
    Open,
    /// Somebody is to call.
    Assigned,
    /// The caller was reached.
    Reached,
    /// Nobody needs to call any more.
    Dropped,
}

/// All tasks of the last day.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct CallbackList {
    /// Oldest first.
    pub items: Vec<CallbackItem>,
    /// Always null: there is one page.
    pub next: Option<String>,
}

/// What came of a task.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CallbackBody {
    /// `reached`, `no_answer` (the task stays), or `dropped` (not needed; the charge comes back).
    #[schema(value_type = CallbackOutcomeName)]
    pub outcome: CallbackOutcome,
}

/// Who is to have a task.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CallbackAgentBody {
    /// An agent who takes calls in the task's group now, busy or not.
    pub agent: String,
}

/// Names of what came of a task.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub enum CallbackOutcomeName {
    /// The caller was reached.
    Reached,
    /// Nobody answered.
    NoAnswer,
    /// It is not needed any more.
    Dropped,
}

/// Tasks to call back: an agent sees the own ones, everybody else all.
#[utoipa::path(
    get,
    path = "/api/v1/workspaces/{workspace}/callbacks",
    tag = "callbacks",
    params(("workspace" = String, Path, description = "The workspace's id")),
    responses((status = 200, body = CallbackList), (status = "default", body = Problem, content_type = "application/problem+json"))
)]
pub async fn list_callbacks(State(state): State<AppState>, reader: Reader) -> Result<Json<CallbackList>, Problem> {
    let tasks = tasks(&state, &reader).await?;
    let mine = |task: &&CallbackTask| reader.agent.is_none() || is_own(task, &reader);
    let items = tasks.iter().filter(mine).map(|task| item(task, &reader)).collect();
    Ok(Json(CallbackList { items, next: None }))
}

/// Says what came of a task: the agent who has it, a sales lead or an operator.
#[utoipa::path(
    post,
    path = "/api/v1/workspaces/{workspace}/callbacks/{connection}/{call}",
    tag = "callbacks",
    params(
        ("workspace" = String, Path, description = "The workspace's id"),
        ("connection" = String, Path, description = "Through which connection the missed call came"),
        ("call" = String, Path, description = "The missed call")
    ),
    request_body = CallbackBody,
    responses((status = 200, body = CallbackItem), (status = "default", body = Problem, content_type = "application/problem+json"))
)]
pub async fn post_callback(
    State(state): State<AppState>,
    reader: Reader,
    Path((_, connection, call)): Path<(String, String, String)>,
    JsonBody(body): JsonBody<CallbackBody>,
) -> Result<Json<CallbackItem>, Problem> {
    let key = CallKey { connection: connection.into(), call: call.into() };
    let task = task(&state, &reader, &key).await?;
    if !is_own(&task, &reader) && !reader.role.may_set_presence_of_others() {
        return Err(Problem::new(Code::Forbidden, "Only the agent who has the task, a sales lead or an operator may say this."));
    }
    let agent = reader.agent.clone().or_else(|| holder(&task).or(task.holder.as_ref()).cloned());
    let change = Change::Callback { connection: key.connection.clone(), call: key.call.clone(), agent, outcome: body.outcome };
    interventions::set(&state, &reader, change).await?;
    let task = self::task(&state, &reader, &key).await?;
    Ok(Json(item(&task, &reader)))
}

/// Gives a task to an agent, whoever has it: a sales lead or an operator. The charge goes with it.
#[utoipa::path(
    put,
    path = "/api/v1/workspaces/{workspace}/callbacks/{connection}/{call}/agent",
    tag = "callbacks",
    params(
        ("workspace" = String, Path, description = "The workspace's id"),
        ("connection" = String, Path, description = "Through which connection the missed call came"),
        ("call" = String, Path, description = "The missed call")
    ),
    request_body = CallbackAgentBody,
    responses((status = 200, body = CallbackItem), (status = "default", body = Problem, content_type = "application/problem+json"))
)]
pub async fn put_callback_agent(
    State(state): State<AppState>,
    reader: Reader,
    Path((_, connection, call)): Path<(String, String, String)>,
    JsonBody(body): JsonBody<CallbackAgentBody>,
) -> Result<Json<CallbackItem>, Problem> {
    if !reader.role.may_set_presence_of_others() {
        return Err(Problem::new(Code::Forbidden, "Only a sales lead or an operator may give a task to somebody."));
    }
    let (key, agent) = (CallKey { connection: connection.into(), call: call.into() }, AgentId::from(body.agent));
    if reader.tenant.workspace.find_agent(&agent).is_none() {
        return Err(Problem::new(Code::InvalidBody, format!("There is no agent `{agent}` in this workspace.")));
    }
    let task = task(&state, &reader, &key).await?;
    let assigner = CallbackAssigner {
        store: Arc::clone(&state.store),
        clock: Arc::clone(&state.clock),
        ids: Arc::clone(&state.ids),
        tenant: Arc::clone(&reader.tenant),
    };
    if !assigner.give_to(&task, &agent, state.clock.now()).await? {
        let why = format!(
            "The task cannot be given to `{agent}` now: it is finished, or `{agent}` is not on duty in group `{}`, paused or stopped. \
             Name somebody who takes calls there now.",
            task.group
        );
        return Err(Problem::new(Code::NotNow, why));
    }
    let task = self::task(&state, &reader, &key).await?;
    Ok(Json(item(&task, &reader)))
}

async fn task(state: &AppState, reader: &Reader, key: &CallKey) -> Result<CallbackTask, Problem> {
    let missing = || Problem::new(Code::NotFound, "There is no task to call back for this call; tasks are kept for a day.");
    tasks(state, reader).await?.into_iter().find(|task| task.call == *key).ok_or_else(missing)
}

async fn tasks(state: &AppState, reader: &Reader) -> Result<Vec<CallbackTask>, Problem> {
    let now = state.clock.now();
    let mut found = Vec::new();
    let mut look = |tally: &Tally| found = tasks_of(tally, now);
    state.store.view(&reader.tenant.workspace.id, now, &mut look).await?;
    Ok(found)
}

fn holder(task: &CallbackTask) -> Option<&AgentId> {
    match &task.state {
        TaskState::Assigned { agent, .. } => Some(agent),
        TaskState::Reached { agent, .. } => agent.as_ref(),
        TaskState::Dropped { .. } => task.holder.as_ref(),
        TaskState::Open => None,
    }
}

/// Whether the task is the reader's own. Whoever went away may still say what came of it, until somebody else has it.
fn is_own(task: &CallbackTask, reader: &Reader) -> bool {
    reader.agent.is_some() && (holder(task) == reader.agent.as_ref() || task.holder == reader.agent)
}

fn item(task: &CallbackTask, reader: &Reader) -> CallbackItem {
    let (state, since) = match &task.state {
        TaskState::Open => ("open", None),
        TaskState::Assigned { since, .. } => ("assigned", Some(since)),
        TaskState::Reached { at, .. } => ("reached", Some(at)),
        TaskState::Dropped { at } => ("dropped", Some(at)),
    };
    let own = is_own(task, reader);
    CallbackItem {
        connection: task.call.connection.to_string(),
        call_id: task.call.call.to_string(),
        caller: if own || reader.role.may_see_callers() { task.caller.expose().to_owned() } else { task.caller.to_string() },
        missed_at: task.missed_at.to_string(),
        promised: task.promised,
        route: task.route.as_ref().map(ToString::to_string),
        group: task.group.to_string(),
        state: state.to_owned(),
        agent: holder(task).map(ToString::to_string),
        since: since.map(ToString::to_string),
        attempts: task.attempts,
    }
}
