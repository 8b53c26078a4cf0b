//! Agents: how they stand now, and setting their presence.

use axum::Json;
use axum::extract::{Path, State};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::core::availability::AgentState;
use crate::core::ids::AgentId;
use crate::core::policy::Guard;
use crate::core::record::{Presence, PresenceState};
use crate::core::tally::Tally;
use crate::core::workspace::{AgentIx, ConnectionKind, EventFeed, MemberRef, Workspace};
use crate::http::access::Reader;
use crate::http::body::JsonBody;
use crate::http::problem::{Code, Problem};
use crate::http::state::AppState;

/// How an agent stands now.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct AgentItem {
    /// The agent.
    pub agent: String,
    /// The agent's name.
    pub name: String,
    /// `unknown` where no PBX of the workspace posts events: then nobody can tell whether an agent talks.
    #[schema(value_type = AgentStateName)]
    pub state: AgentState,
    /// Calls that hold the agent now, reservations included.
    pub calls: usize,
    /// Why, where the presence was set with a reason.
    pub reason: Option<String>,
    /// Until when the presence holds, where it ends by itself.
    pub until: Option<String>,
}

/// Names of agents' states.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub enum AgentStateName {
    /// Can be rung.
    Free,
    /// A call is offered.
    Ringing,
    /// In a conversation.
    Talking,
    /// In after-call time.
    WrapUp,
    /// Rests.
    Paused,
    /// Stopped by the guard.
    Stopped,
    /// Not on duty.
    OffDuty,
    /// On duty; no PBX tells whether talking.
    Unknown,
}

/// All agents.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct AgentList {
    /// In the order of the workspace.
    pub items: Vec<AgentItem>,
    /// Always null: there is one page.
    pub next: Option<String>,
}

/// A presence to set.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PresenceBody {
    /// `available`, `paused` or `off_duty`.
    #[schema(value_type = PresenceStateName)]
    pub state: PresenceState,
    /// Why.
    #[schema(max_length = 200)]
    pub reason: Option<String>,
    /// When it ends by itself (RFC 3339); absent or null until it is set again.
    pub until: Option<String>,
}

/// Names of presence states.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub enum PresenceStateName {
    /// On duty, takes calls.
    Available,
    /// On duty, rests.
    Paused,
    /// Not on duty.
    OffDuty,
}

/// How the agents stand now.
#[utoipa::path(
    get,
    path = "/api/v1/workspaces/{workspace}/agents",
    tag = "agents",
    params(("workspace" = String, Path, description = "The workspace's id")),
    responses((status = 200, body = AgentList), (status = "default", body = Problem, content_type = "application/problem+json"))
)]
pub async fn list_agents(State(state): State<AppState>, reader: Reader) -> Result<Json<AgentList>, Problem> {
    let now = state.clock.now();
    let workspace = &reader.tenant.workspace;
    let told = calls_are_told(workspace);
    let mut items = Vec::new();
    let mut look = |tally: &Tally| {
        let agents = (0..).map(AgentIx).take(tally.workspace().agents.len());
        items = agents.map(|ix| item(tally, ix, now, told)).collect();
    };
    state.store.view(&workspace.id, now, &mut look).await?;
    Ok(Json(AgentList { items, next: None }))
}

/// Sets an agent's presence: by the agent, a sales lead or an operator.
#[utoipa::path(
    put,
    path = "/api/v1/workspaces/{workspace}/agents/{agent}/presence",
    tag = "agents",
    params(("workspace" = String, Path, description = "The workspace's id"), ("agent" = String, Path, description = "The agent's id")),
    request_body = PresenceBody,
    responses((status = 200, body = AgentItem), (status = "default", body = Problem, content_type = "application/problem+json"))
)]
pub async fn put_presence(
    State(state): State<AppState>,
    reader: Reader,
    Path((_, agent)): Path<(String, String)>,
    JsonBody(body): JsonBody<PresenceBody>,
) -> Result<Json<AgentItem>, Problem> {
    let agent = AgentId::from(agent);
    let own = reader.agent.as_ref() == Some(&agent);
    if !own && !reader.role.may_set_presence_of_others() {
        return Err(Problem::new(Code::Forbidden, "Only the agent, a sales lead or an operator may set this presence."));
    }
    let workspace = &reader.tenant.workspace;
    let Some(ix) = workspace.find_agent(&agent) else {
        return Err(Problem::new(Code::NotFound, format!("There is no agent `{agent}` in this workspace.")));
    };
    let now = state.clock.now();
    let until = body.until.as_deref().map(read_until).transpose()?;
    if until.is_some_and(|until| until <= now) {
        return Err(Problem::new(Code::InvalidBody, "`until` lies in the past: leave it out, or name a later time."));
    }
    if body.reason.as_ref().is_some_and(|reason| reason.chars().count() > 200) {
        return Err(Problem::new(Code::InvalidBody, "`reason` is longer than 200 characters."));
    }
    let presence = Presence { agent, state: body.state, reason: body.reason, until, set_at: now };
    state.store.set_presence(&workspace.id, presence).await?;
    let told = calls_are_told(workspace);
    let mut found = None;
    let mut look = |tally: &Tally| found = Some(item(tally, ix, now, told));
    state.store.view(&workspace.id, now, &mut look).await?;
    found.map(Json).ok_or_else(|| Problem::new(Code::Internal, "The presence was set but could not be read back."))
}

fn read_until(text: &str) -> Result<Timestamp, Problem> {
    text.parse().map_err(|_| Problem::new(Code::InvalidBody, "`until` is not a time: write it as 2026-11-23T13:30:00+03:00."))
}

fn item(tally: &Tally, ix: AgentIx, now: Timestamp, told: bool) -> AgentItem {
    let (agent, live) = (tally.workspace().agent(ix), tally.agent(ix));
    let set = live.presence.as_ref().filter(|presence| presence.until.is_none_or(|until| now < until));
    AgentItem {
        agent: agent.id.to_string(),
        name: agent.name.to_string(),
        state: live.state(&strictest_guard(tally.workspace(), ix), now, told),
        calls: live.holds.iter().filter(|hold| now < hold.until).count(),
        reason: set.and_then(|presence| presence.reason.clone()),
        until: set.and_then(|presence| presence.until).map(|until| until.to_string()),
    }
}

/// The guard by which after-call time is shown: of the groups the agent is in, the one that keeps it longest.
fn strictest_guard(workspace: &Workspace, ix: AgentIx) -> Guard {
    let groups = workspace.groups.iter().filter(|group| group.members.iter().any(|member| member.who == MemberRef::Agent(ix)));
    let guards = groups.map(|group| workspace.policy(group.policy).guard);
    let longest = |guard: &Guard| guard.wrap_up.map_or(0.0, |wrap_up| wrap_up.max_seconds);
    guards.max_by(|a, b| longest(a).total_cmp(&longest(b))).unwrap_or_default()
}

/// Whether any PBX of the workspace posts events.
fn calls_are_told(workspace: &Workspace) -> bool {
    workspace.connections.iter().any(|connection| matches!(connection.kind, ConnectionKind::Pbx { events: EventFeed::Full, .. }))
}
