//! Agents' own say: how many calls they want, one call more, a rest now, a pause after the call at hand.
//!
//! An agent sets it for the own person, within the sales lead's bounds; a sales lead or an operator for anybody.

use axum::Json;
use axum::extract::{Path, State};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use utoipa::ToSchema;

use super::agents::{AgentItem, LoadName, future, read_back, settable_agent, short};
use super::interventions;
use crate::core::distribution::rotation;
use crate::core::distribution::tally::Tally;
use crate::core::intervention::{Change, Load};
use crate::core::record::{Presence, PresenceState};
use crate::core::workspace::{AgentIx, Workspace};
use crate::http::access::Reader;
use crate::http::body::JsonBody;
use crate::http::problem::{Code, Problem};
use crate::http::state::AppState;

const REST_MINUTES: std::ops::RangeInclusive<u32> = 5..=30;
const REST_MINUTES_DEFAULT: u32 = 10;

/// A load to set.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LoadBody {
    /// `lighter`, `normal` or `heavier`.
    #[schema(value_type = LoadName)]
    pub load: Load,
}

/// A rest to take.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RestBody {
    /// How long.
    #[schema(minimum = 5, maximum = 30, default = 10)]
    pub minutes: Option<u32>,
}

/// A pause to take after the call at hand.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PauseAfterCallBody {
    /// Why.
    #[schema(max_length = 200)]
    pub reason: Option<String>,
    /// When it ends by itself (RFC 3339); absent or null until a presence is set.
    pub until: Option<String>,
}

/// Sets how many calls an agent wants: by the agent within what the policies of the agent's groups allow, or by a sales lead
/// or an operator.
#[utoipa::path(
    put,
    path = "/api/v1/workspaces/{workspace}/agents/{agent}/load",
    tag = "agents",
    params(("workspace" = String, Path, description = "The workspace's id"), ("agent" = String, Path, description = "The agent's id")),
    request_body = LoadBody,
    responses((status = 200, body = AgentItem), (status = "default", body = Problem, content_type = "application/problem+json"))
)]
pub async fn put_load(
    State(state): State<AppState>,
    reader: Reader,
    Path((_, agent)): Path<(String, String)>,
    JsonBody(LoadBody { load }): JsonBody<LoadBody>,
) -> Result<Json<AgentItem>, Problem> {
    let ix = settable_agent(&reader, &agent)?;
    if !reader.role.may_set_presence_of_others() {
        within_bounds(&reader.tenant.workspace, ix, load)?;
    }
    interventions::set(&state, &reader, Change::Load { agent: agent.into(), load }).await?;
    read_back(&state, &reader, ix).await
}

/// Asks for one call more though the guard eases the agent: the next call that names the agent first uses it up.
#[utoipa::path(
    post,
    path = "/api/v1/workspaces/{workspace}/agents/{agent}/one-more",
    tag = "agents",
    params(("workspace" = String, Path, description = "The workspace's id"), ("agent" = String, Path, description = "The agent's id")),
    responses((status = 200, body = AgentItem), (status = "default", body = Problem, content_type = "application/problem+json"))
)]
pub async fn post_one_more(
    State(state): State<AppState>,
    reader: Reader,
    Path((_, agent)): Path<(String, String)>,
) -> Result<Json<AgentItem>, Problem> {
    let ix = settable_agent(&reader, &agent)?;
    interventions::set(&state, &reader, Change::OneMore { agent: agent.into() }).await?;
    read_back(&state, &reader, ix).await
}

/// Rests now, for some minutes. Refused (409 `not_now`) when nobody else in one of the agent's groups takes calls.
#[utoipa::path(
    post,
    path = "/api/v1/workspaces/{workspace}/agents/{agent}/rest",
    tag = "agents",
    params(("workspace" = String, Path, description = "The workspace's id"), ("agent" = String, Path, description = "The agent's id")),
    request_body(content = Option<RestBody>, description = "Absent: 10 minutes"),
    responses((status = 200, body = AgentItem), (status = "default", body = Problem, content_type = "application/problem+json"))
)]
pub async fn post_rest(
    State(state): State<AppState>,
    reader: Reader,
    Path((_, agent)): Path<(String, String)>,
    JsonBody(body): JsonBody<RestBody>,
) -> Result<Json<AgentItem>, Problem> {
    let ix = settable_agent(&reader, &agent)?;
    let minutes = body.minutes.unwrap_or(REST_MINUTES_DEFAULT);
    if !REST_MINUTES.contains(&minutes) {
        return Err(Problem::new(Code::InvalidBody, "`minutes` must be from 5 to 30; a longer pause is a presence."));
    }
    {
        let _turn = reader.tenant.rest_turn.lock().await;
        let now = state.clock.now();
        allow_rest(&state, &reader, ix, now).await?;
        let until = now.checked_add(SignedDuration::from_mins(i64::from(minutes))).ok();
        let (agent, reason) = (agent.into(), Some("rest".to_owned()));
        let presence = Presence { agent, state: PresenceState::Paused, reason, until, set_at: now };
        interventions::set_presence(&state, &reader, presence).await?;
    }
    read_back(&state, &reader, ix).await
}

/// Pauses the agent when the call at hand ends; at once when there is none. A presence set later takes it back.
#[utoipa::path(
    post,
    path = "/api/v1/workspaces/{workspace}/agents/{agent}/pause-after-call",
    tag = "agents",
    params(("workspace" = String, Path, description = "The workspace's id"), ("agent" = String, Path, description = "The agent's id")),
    request_body(content = Option<PauseAfterCallBody>, description = "Absent: without a reason, until a presence is set"),
    responses((status = 200, body = AgentItem), (status = "default", body = Problem, content_type = "application/problem+json"))
)]
pub async fn post_pause_after_call(
    State(state): State<AppState>,
    reader: Reader,
    Path((_, agent)): Path<(String, String)>,
    JsonBody(body): JsonBody<PauseAfterCallBody>,
) -> Result<Json<AgentItem>, Problem> {
    let ix = settable_agent(&reader, &agent)?;
    let until = future(body.until.as_deref(), state.clock.now())?;
    let reason = short(body.reason)?;
    let change = Change::PauseAfterCall { agent: agent.into(), reason, until, taken_back: false };
    interventions::set(&state, &reader, change).await?;
    read_back(&state, &reader, ix).await
}

/// Takes the pause after the call at hand back, whether it has begun or not.
#[utoipa::path(
    delete,
    path = "/api/v1/workspaces/{workspace}/agents/{agent}/pause-after-call",
    tag = "agents",
    params(("workspace" = String, Path, description = "The workspace's id"), ("agent" = String, Path, description = "The agent's id")),
    responses((status = 200, body = AgentItem), (status = "default", body = Problem, content_type = "application/problem+json"))
)]
pub async fn delete_pause_after_call(
    State(state): State<AppState>,
    reader: Reader,
    Path((_, agent)): Path<(String, String)>,
) -> Result<Json<AgentItem>, Problem> {
    let ix = settable_agent(&reader, &agent)?;
    let change = Change::PauseAfterCall { agent: agent.into(), reason: None, until: None, taken_back: true };
    interventions::set(&state, &reader, change).await?;
    read_back(&state, &reader, ix).await
}

/// What an agent may choose is allowed by the policies of all the agent's groups; back to `normal` is always open.
fn within_bounds(workspace: &Workspace, agent: AgentIx, load: Load) -> Result<(), Problem> {
    let policies = rotation::groups_of(workspace, agent).map(|group| workspace.policy_of(group));
    let mut bounds = policies.filter(|policy| load != Load::Normal && !policy.own_setting.allowed.contains(&load));
    let Some(policy) = bounds.next() else { return Ok(()) };
    let text = format!("Policy `{}` leaves this load to the sales lead: ask one, or choose another.", policy.id);
    Err(Problem::new(Code::Forbidden, text))
}

async fn allow_rest(state: &AppState, reader: &Reader, ix: AgentIx, now: Timestamp) -> Result<(), Problem> {
    let workspace = &reader.tenant.workspace;
    let mut refusal = None;
    let mut look = |tally: &Tally| {
        let here = tally.workspace().find_agent(&workspace.agent(ix).id);
        refusal = here.and_then(|ix| rotation::may_rest(tally, ix, now).err());
    };
    state.store.view(&workspace.id, now, &mut look).await?;
    match refusal {
        Some(refusal) => Err(Problem::new(Code::NotNow, format!("No rest now: {refusal}."))),
        None => Ok(()),
    }
}
