//! Tags on calls: "not a sale", "spam". A tagged call counts for nothing: its credit comes back, and it leaves the exposure.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::{Path, State};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::interventions;
use crate::core::distribution::recent_calls::RecentCall;
use crate::core::distribution::tally::Tally;
use crate::core::ids::{AgentId, CallKey};
use crate::core::intervention::{CallTag, Change};
use crate::http::access::Reader;
use crate::http::body::JsonBody;
use crate::http::problem::{Code, Problem};
use crate::http::state::AppState;

/// A tag to set.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TagBody {
    /// `not_a_sale`, `spam`, or null to take the tag back.
    #[schema(value_type = Option<CallTagName>, required = true)]
    #[serde(deserialize_with = "Option::deserialize")]
    pub tag: Option<CallTag>,
}

/// Names of tags.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub enum CallTagName {
    /// Nothing could be sold.
    NotASale,
    /// Spam.
    Spam,
}

/// A tagged call.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct TaggedCall {
    /// Through which connection it came.
    pub connection: String,
    /// The call.
    pub call_id: String,
    /// Whose call it was.
    pub agent: String,
    /// The tag now; null without one.
    #[schema(value_type = Option<CallTagName>, required = true)]
    pub tag: Option<CallTag>,
}

/// How many of an agent's calls were tagged.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct TagRate {
    /// The agent.
    pub agent: String,
    /// Calls the agent talked in.
    pub answered: u32,
    /// Those of them that are tagged.
    pub tagged: u32,
    /// `tagged / answered`, 0 to 1; null without a call.
    pub rate: Option<f64>,
}

/// Tag rates over the last day.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct TagRateList {
    /// In the order of the workspace.
    pub items: Vec<TagRate>,
    /// Always null: there is one page.
    pub next: Option<String>,
}

/// Tags a call of the last day: the agent who talked, a sales lead or an operator.
#[utoipa::path(
    put,
    path = "/api/v1/workspaces/{workspace}/calls/{connection}/{call}/tag",
    tag = "calls",
    params(
        ("workspace" = String, Path, description = "The workspace's id"),
        ("connection" = String, Path, description = "Through which connection the call came"),
        ("call" = String, Path, description = "The call")
    ),
    request_body = TagBody,
    responses((status = 200, body = TaggedCall), (status = "default", body = Problem, content_type = "application/problem+json"))
)]
pub async fn put_tag(
    State(state): State<AppState>,
    reader: Reader,
    Path((_, connection, call)): Path<(String, String, String)>,
    JsonBody(body): JsonBody<TagBody>,
) -> Result<Json<TaggedCall>, Problem> {
    let key = CallKey { connection: connection.into(), call: call.into() };
    let now = state.clock.now();
    let mut found = None;
    let mut look = |tally: &Tally| found = tally.recent().get(&key).and_then(talker).cloned();
    state.store.view(&reader.tenant.workspace.id, now, &mut look).await?;
    let agent = found.ok_or_else(|| {
        Problem::new(Code::NotFound, "No agent talked in such a call during the last day; older calls cannot be tagged.")
    })?;
    if reader.agent.as_ref() != Some(&agent) && !reader.role.may_set_presence_of_others() {
        return Err(Problem::new(Code::Forbidden, "Only the agent who talked, a sales lead or an operator may tag this call."));
    }
    let CallKey { connection, call } = key;
    let tagged =
        TaggedCall { connection: connection.to_string(), call_id: call.to_string(), agent: agent.to_string(), tag: body.tag };
    interventions::set(&state, &reader, Change::Tag { connection, call, agent, tag: body.tag }).await?;
    Ok(Json(tagged))
}

/// How many of each agent's calls of the last day were tagged.
#[utoipa::path(
    get,
    path = "/api/v1/workspaces/{workspace}/tags",
    tag = "calls",
    params(("workspace" = String, Path, description = "The workspace's id")),
    responses((status = 200, body = TagRateList), (status = "default", body = Problem, content_type = "application/problem+json"))
)]
pub async fn list_tag_rates(State(state): State<AppState>, reader: Reader) -> Result<Json<TagRateList>, Problem> {
    let mut items = Vec::new();
    let mut look = |tally: &Tally| items = rates(tally);
    state.store.view(&reader.tenant.workspace.id, state.clock.now(), &mut look).await?;
    Ok(Json(TagRateList { items, next: None }))
}

fn talker(call: &RecentCall) -> Option<&AgentId> {
    call.talked.as_ref().map(|(agent, _)| agent)
}

fn rates(tally: &Tally) -> Vec<TagRate> {
    let mut counts: BTreeMap<&AgentId, (u32, u32)> = BTreeMap::new();
    for (key, call, agent) in tally.recent().iter().filter_map(|(key, call)| Some((key, call, talker(call)?))) {
        let (answered, tagged) = counts.entry(agent).or_default();
        *answered += 1;
        *tagged += u32::from(tally.interventions().tag(key, call.asked_at).is_some());
    }
    let rate = |agent: &AgentId| {
        let (answered, tagged) = counts.get(agent).copied().unwrap_or_default();
        let rate = (answered > 0).then(|| f64::from(tagged) / f64::from(answered));
        TagRate { agent: agent.to_string(), answered, tagged, rate }
    };
    tally.workspace().agents.iter().map(|agent| rate(&agent.id)).collect()
}
