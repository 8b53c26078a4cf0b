//! The brake: equal shares at once, instead of a policy's.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::interventions;
use crate::core::distribution::tally::Tally;
use crate::core::ids::PolicyId;
use crate::core::intervention::{BrakeInForce, Change};
use crate::http::access::Reader;
use crate::http::body::JsonBody;
use crate::http::problem::{Code, Problem};
use crate::http::state::AppState;

const REASON_CHARACTERS_MAX: usize = 200;

/// A brake to pull or to let go.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BrakeBody {
    /// Under which policy; null or absent means all. A brake on all and a brake on one are set and let go each on its own.
    pub policy: Option<String>,
    /// True: equal shares hold from the next decision on. False: the policy's again, at once.
    pub on: bool,
    /// Why.
    #[schema(max_length = 200)]
    pub reason: Option<String>,
}

/// A brake that holds.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct BrakeItem {
    /// Under which policy; null means all.
    pub policy: Option<String>,
    /// Why.
    pub reason: Option<String>,
    /// Since when.
    pub since: String,
    /// The role of who pulled it.
    pub by: String,
}

/// The brakes that hold.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct BrakeList {
    /// That on all policies first.
    pub items: Vec<BrakeItem>,
    /// Always null: there is one page.
    pub next: Option<String>,
}

/// The brakes that hold now.
#[utoipa::path(
    get,
    path = "/api/v1/workspaces/{workspace}/brake",
    tag = "distribution",
    params(("workspace" = String, Path, description = "The workspace's id")),
    responses((status = 200, body = BrakeList), (status = "default", body = Problem, content_type = "application/problem+json"))
)]
pub async fn show_brake(State(state): State<AppState>, reader: Reader) -> Result<Json<BrakeList>, Problem> {
    brakes(&state, &reader).await.map(Json)
}

/// Puts equal shares in place of a policy's, or takes them back: by a sales lead or an operator. Answers with the brakes that hold.
#[utoipa::path(
    put,
    path = "/api/v1/workspaces/{workspace}/brake",
    tag = "distribution",
    params(("workspace" = String, Path, description = "The workspace's id")),
    request_body = BrakeBody,
    responses((status = 200, body = BrakeList), (status = "default", body = Problem, content_type = "application/problem+json"))
)]
pub async fn put_brake(
    State(state): State<AppState>,
    reader: Reader,
    JsonBody(body): JsonBody<BrakeBody>,
) -> Result<Json<BrakeList>, Problem> {
    if !reader.role.may_brake() {
        return Err(Problem::new(Code::Forbidden, "Only a sales lead or an operator may pull the brake or let it go."));
    }
    let workspace = &reader.tenant.workspace;
    let policy = body.policy.map(PolicyId::from);
    if let Some(unknown) = policy.as_ref().filter(|policy| workspace.find_policy(policy).is_none()) {
        let known: Vec<&str> = workspace.policies.iter().map(|policy| policy.id.as_str()).collect();
        let detail = format!("There is no policy `{unknown}` in this workspace; there are {}.", known.join(", "));
        return Err(Problem::new(Code::InvalidBody, detail));
    }
    if body.reason.as_ref().is_some_and(|reason| reason.chars().count() > REASON_CHARACTERS_MAX) {
        return Err(Problem::new(Code::InvalidBody, "`reason` is longer than 200 characters."));
    }
    interventions::set(&state, &reader, Change::EqualShares { policy, on: body.on, reason: body.reason }).await?;
    brakes(&state, &reader).await.map(Json)
}

async fn brakes(state: &AppState, reader: &Reader) -> Result<BrakeList, Problem> {
    let mut items = Vec::new();
    let mut look = |tally: &Tally| items = tally.interventions().brakes().into_iter().map(item).collect();
    state.store.view(&reader.tenant.workspace.id, state.clock.now(), &mut look).await?;
    Ok(BrakeList { items, next: None })
}

fn item(brake: &BrakeInForce) -> BrakeItem {
    BrakeItem {
        policy: brake.policy.as_ref().map(ToString::to_string),
        reason: brake.reason.clone(),
        since: brake.since.to_string(),
        by: brake.by.role.to_string(),
    }
}
