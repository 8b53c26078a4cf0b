//! Agents: how they stand now, and setting their presence.

use axum::Json;
use axum::extract::{Path, State};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::interventions;
use crate::core::distribution::availability::{AgentState, Pause, PauseCause};
use crate::core::distribution::misses::{MissKind, MissPause};
use crate::core::distribution::rotation;
use crate::core::distribution::tally::Tally;
use crate::core::ids::AgentId;
use crate::core::intervention::Load;
use crate::core::policy::Guard;
use crate::core::record::{Presence, PresenceState};
use crate::core::working_time::shifts::{self, AtWork};
use crate::core::workspace::{AgentIx, ConnectionKind, EventFeed, GroupIx, MemberRef, Workspace};
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
    /// Why, where the presence was set with a reason, a pause came by itself (`3 missed calls in a row`, `planned break`), the working
    /// hours say so (`outside working hours`) or the guard has stopped the agent (`361 minutes of talk this shift`).
    pub reason: Option<String>,
    /// Since when the overload guard has stopped the agent in all groups of the agent; null where it has not.
    pub stopped_since: Option<String>,
    /// Until when that holds, where it ends by itself.
    pub until: Option<String>,
    /// How many calls the agent wants compared with the own share.
    #[schema(value_type = LoadName)]
    pub load: Load,
    /// The pause that begins when the call at hand ends; null without one.
    pub pause_after_call: Option<AskedPauseItem>,
    /// The groups in which misses in a row pause the agent now. In all groups of the agent: then `state` is `paused`.
    pub paused_in: Vec<PausedInItem>,
    /// Offers not taken since the last answered one and since a presence was last set, by kind.
    pub misses: MissCounts,
}

/// A pause asked for after the call at hand.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct AskedPauseItem {
    /// When it was asked for.
    pub asked_at: String,
    /// Why.
    pub reason: Option<String>,
    /// When it ends by itself.
    pub until: Option<String>,
}

/// An automatic pause in one group.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct PausedInItem {
    /// The group.
    pub group: String,
    /// Why: `3 missed calls in a row`.
    pub reason: String,
    /// When it ends by itself.
    pub until: String,
}

/// How many offers in a row an agent did not take.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub struct MissCounts {
    /// Not picked up in time.
    pub missed: u32,
    /// Declined.
    pub rejected: u32,
    /// The number was busy.
    pub busy: u32,
    /// The number could not be reached.
    pub unreachable: u32,
}

/// Names of loads.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub enum LoadName {
    /// Fewer calls than the own share.
    Lighter,
    /// The own share.
    Normal,
    /// More.
    Heavier,
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
    /// `available`, `paused` or `off_duty`. Outside the working hours `available` is extra work: until its end, or without one until
    /// the schedule's next change. A planned break is overridden by nothing.
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
    let ix = settable_agent(&reader, &agent)?;
    let now = state.clock.now();
    let until = future(body.until.as_deref(), now)?;
    let reason = short(body.reason)?;
    let presence = Presence { agent: agent.into(), state: body.state, reason, until, set_at: now };
    interventions::set_presence(&state, &reader, presence).await?;
    read_back(&state, &reader, ix).await
}

/// The agent of a path, if the reader may set something for that agent: agents for themselves, a sales lead and an operator
/// for anybody.
pub(super) fn settable_agent(reader: &Reader, agent: &str) -> Result<AgentIx, Problem> {
    let agent = AgentId::from(agent);
    let own = reader.agent.as_ref() == Some(&agent);
    if !own && !reader.role.may_set_presence_of_others() {
        return Err(Problem::new(Code::Forbidden, "Only the agent, a sales lead or an operator may set this."));
    }
    let found = reader.tenant.workspace.find_agent(&agent);
    found.ok_or_else(|| Problem::new(Code::NotFound, format!("There is no agent `{agent}` in this workspace.")))
}

/// An end that a body names: a time to come.
pub(super) fn future(until: Option<&str>, now: Timestamp) -> Result<Option<Timestamp>, Problem> {
    let Some(text) = until else { return Ok(None) };
    let until: Timestamp = text
        .parse()
        .map_err(|_| Problem::new(Code::InvalidBody, "`until` is not a time: write it as 2026-11-23T13:30:00+03:00."))?;
    if until <= now {
        return Err(Problem::new(Code::InvalidBody, "`until` lies in the past: leave it out, or name a later time."));
    }
    Ok(Some(until))
}

/// A reason of a bounded length.
pub(super) fn short(reason: Option<String>) -> Result<Option<String>, Problem> {
    match reason {
        Some(reason) if reason.chars().count() > 200 => {
            Err(Problem::new(Code::InvalidBody, "`reason` is longer than 200 characters."))
        }
        reason => Ok(reason),
    }
}

/// How an agent stands after something was set.
pub(super) async fn read_back(state: &AppState, reader: &Reader, ix: AgentIx) -> Result<Json<AgentItem>, Problem> {
    let (now, workspace) = (state.clock.now(), &reader.tenant.workspace);
    let told = calls_are_told(workspace);
    let mut found = None;
    let mut look = |tally: &Tally| {
        // The state may be one version of the workspace ahead of the reader.
        let here = tally.workspace().find_agent(&workspace.agent(ix).id);
        found = here.map(|ix| item(tally, ix, now, told));
    };
    state.store.view(&workspace.id, now, &mut look).await?;
    found.map(Json).ok_or_else(|| Problem::new(Code::Internal, "It was set, but could not be read back."))
}

fn item(tally: &Tally, ix: AgentIx, now: Timestamp, told: bool) -> AgentItem {
    let (agent, live) = (tally.workspace().agent(ix), tally.agent(ix));
    let pause = rotation::pause_of(tally, ix, now);
    let opens = match shifts::at_work(tally, ix, now) {
        AtWork::Off { until } if live.presence(now) != PresenceState::OffDuty => Some(until),
        AtWork::Off { .. } | AtWork::Break { .. } | AtWork::Ending { .. } | AtWork::Yes { .. } => None,
    };
    let stop = rotation::stop_of(tally, ix, now).filter(|_| pause.is_none() && opens.is_none());
    let by_calls = live.state(&strictest_guard(tally.workspace(), ix), now, told);
    let is_idle = match by_calls {
        AgentState::Talking | AgentState::Ringing | AgentState::WrapUp => false,
        AgentState::Free | AgentState::Unknown | AgentState::Paused | AgentState::Stopped | AgentState::OffDuty => true,
    };
    let state = match (&pause, opens) {
        // Who is in a last call before the end of the shift is shown in it.
        (Some(Pause { cause: PauseCause::ShiftEnding, .. }), _) if !is_idle => by_calls,
        (Some(_), _) => AgentState::Paused,
        (None, Some(_)) => AgentState::OffDuty,
        (None, None) if is_idle && stop.is_some() => AgentState::Stopped,
        (None, None) => by_calls,
    };
    let (reason, until) = match (pause, opens, &stop) {
        (Some(pause), ..) => (reason_of(&pause), pause.until),
        (None, Some(until), _) => (Some("outside working hours".to_owned()), until),
        (None, None, Some(stop)) => (Some(stop.by.told(stop.readings.of(stop.by))), None),
        (None, None, None) => live.set_by_hand(now).map_or((None, None), |set| (set.reason.clone(), set.until)),
    };
    let stopped_since = stop.and_then(|stop| Timestamp::from_microsecond(stop.since_us).ok());
    let presence_set_at = live.presence.as_ref().map(|presence| presence.set_at);
    let misses = |kind| live.misses.count(kind, presence_set_at, now);
    AgentItem {
        agent: agent.id.to_string(),
        name: agent.name.to_string(),
        state,
        calls: live.holds.iter().filter(|hold| now < hold.until).count(),
        reason,
        stopped_since: stopped_since.map(|since| since.to_string()),
        until: until.map(|until| until.to_string()),
        load: tally.interventions().load(&agent.id),
        pause_after_call: live.pending_pause(now).map(|asked| AskedPauseItem {
            asked_at: asked.asked_at.to_string(),
            reason: asked.reason.clone(),
            until: asked.until.map(|until| until.to_string()),
        }),
        paused_in: paused_in(tally, ix, now),
        misses: MissCounts {
            missed: misses(MissKind::Missed),
            rejected: misses(MissKind::Rejected),
            busy: misses(MissKind::Busy),
            unreachable: misses(MissKind::Unreachable),
        },
    }
}

fn paused_in(tally: &Tally, ix: AgentIx, now: Timestamp) -> Vec<PausedInItem> {
    let told = |(group, pause): (GroupIx, Option<MissPause>)| {
        let pause = pause?;
        let group = tally.workspace().group(group).id.to_string();
        Some(PausedInItem { group, reason: pause.to_string(), until: pause.until.to_string() })
    };
    match tally.agent(ix).presence(now) {
        PresenceState::Available => rotation::miss_pauses(tally, ix, now).into_iter().filter_map(told).collect(),
        PresenceState::Paused | PresenceState::OffDuty => Vec::new(),
    }
}

fn reason_of(pause: &Pause<'_>) -> Option<String> {
    match &pause.cause {
        PauseCause::ByHand(reason) | PauseCause::AfterCall(reason) => reason.map(str::to_owned),
        PauseCause::Misses(misses) => Some(misses.to_string()),
        PauseCause::PlannedBreak => Some("planned break".to_owned()),
        PauseCause::ShiftEnding => Some("too little is left of the shift, or until the next break, for another call".to_owned()),
        PauseCause::Pbx => None,
    }
}

/// The guard by which after-call time is shown: of the groups the agent is in, the one that keeps it longest.
fn strictest_guard(workspace: &Workspace, ix: AgentIx) -> Guard {
    let groups = workspace.groups.iter().filter(|group| group.members.iter().any(|member| member.who == MemberRef::Agent(ix)));
    let guards = groups.map(|group| &workspace.policy(group.policy).guard);
    let longest = |guard: &Guard| guard.wrap_up.map_or(0.0, |wrap_up| wrap_up.max_seconds);
    guards.max_by(|a, b| longest(a).total_cmp(&longest(b))).cloned().unwrap_or_default()
}

/// Whether any PBX of the workspace posts events.
fn calls_are_told(workspace: &Workspace) -> bool {
    workspace.connections.iter().any(|connection| matches!(connection.kind, ConnectionKind::Pbx { events: EventFeed::Full, .. }))
}
