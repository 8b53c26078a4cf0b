//! Versions of a policy's score table: which are kept, which one shares follow, and taking one that was refused.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::refused::{self, RefusedVersion};
use super::{ScoresQuery, checked_text, let_correct, scored_policy};
use crate::broker::refresh_scores;
use crate::broker::store::StoredScoreVersion;
use crate::core::intervention::Change;
use crate::core::policy::Policy;
use crate::core::scoring::score_table::ScoreTable;
use crate::core::workspace::PolicyIx;
use crate::http::access::Reader;
use crate::http::api::interventions;
use crate::http::api::page::Query;
use crate::http::body::JsonBody;
use crate::http::problem::{Code, Problem};
use crate::http::state::AppState;

/// An agent's value in a version, without corrections.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct VersionValue {
    /// The agent.
    pub agent: String,
    /// What the results came to.
    pub value: f64,
}

impl VersionValue {
    pub(super) fn of(table: &ScoreTable) -> Vec<Self> {
        table.agents.iter().map(|score| Self { agent: score.agent.to_string(), value: score.value }).collect()
    }
}

/// A version of a score table.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct VersionItem {
    /// Its number, from 1; a table that was kept out has had a number, too.
    pub version: u64,
    /// When it was taken.
    pub taken_at: String,
    /// When its deals were known to be current.
    pub as_of: String,
    /// Whether shares follow it.
    pub in_use: bool,
    /// Contracts within the horizon, of all agents.
    pub contracts_closed: u64,
    /// In the order of the workspace.
    pub agents: Vec<VersionValue>,
}

/// The versions of a policy's score table.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct VersionList {
    /// The policy.
    pub policy: String,
    /// The version that a lead holds shares to; null means the newest.
    pub pinned: Option<u64>,
    /// The table that was not taken, if one waits to be accepted.
    pub refused: Option<RefusedVersion>,
    /// Kept ones, newest first: the newest 20, and the last of each of 30 days.
    pub items: Vec<VersionItem>,
    /// Always null: there is one page.
    pub next: Option<String>,
}

/// Which version shares shall follow.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PinBody {
    /// The policy; may be left out when exactly one is `performance`.
    pub policy: Option<String>,
    /// A kept version, or null for the newest again.
    #[schema(required = true)]
    #[serde(deserialize_with = "given")]
    pub version: Option<u64>,
    /// Why.
    #[schema(max_length = 200)]
    pub reason: Option<String>,
}

/// Null is a value like another, and must be given.
fn given<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<u64>, D::Error> {
    Option::deserialize(from)
}

/// Which refused table to take.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AcceptBody {
    /// The policy; may be left out when exactly one is `performance`.
    pub policy: Option<String>,
    /// The refused version, as shown; absent takes whichever is refused now.
    pub version: Option<u64>,
    /// Why.
    #[schema(max_length = 200)]
    pub reason: Option<String>,
}

/// The kept versions of a policy's score table.
#[utoipa::path(
    get,
    path = "/api/v1/workspaces/{workspace}/scores/versions",
    tag = "distribution",
    params(("workspace" = String, Path, description = "The workspace's id"), ScoresQuery),
    responses((status = 200, body = VersionList), (status = "default", body = Problem, content_type = "application/problem+json"))
)]
pub async fn list_versions(
    State(state): State<AppState>,
    reader: Reader,
    Query(query): Query<ScoresQuery>,
) -> Result<Json<VersionList>, Problem> {
    if !reader.role.may_see_scores_of_others() {
        return Err(Problem::new(Code::Forbidden, "The team's scores are for those who lead: an agent's own are at `scores`."));
    }
    let scored = scored_policy(&reader.tenant.workspace, query.policy.as_deref())?;
    list(&state, &reader, scored).await.map(Json)
}

/// Holds shares to a version of the score table, at once, or lets them follow the newest again: by a sales lead or an operator.
#[utoipa::path(
    put,
    path = "/api/v1/workspaces/{workspace}/scores/pin",
    tag = "distribution",
    params(("workspace" = String, Path, description = "The workspace's id")),
    request_body = PinBody,
    responses((status = 200, body = VersionList), (status = "default", body = Problem, content_type = "application/problem+json"))
)]
pub async fn put_pin(
    State(state): State<AppState>,
    reader: Reader,
    JsonBody(body): JsonBody<PinBody>,
) -> Result<Json<VersionList>, Problem> {
    let_correct(&reader)?;
    let (ix, policy) = scored_policy(&reader.tenant.workspace, body.policy.as_deref())?;
    let reason = body.reason.as_deref().map(|reason| checked_text("reason", reason, 200)).transpose()?;
    if let Some(version) = body.version {
        let kept = state.store.score_versions(&reader.tenant.workspace.id, &policy.id).await?;
        if !kept.iter().any(|kept| kept.version == version) {
            let detail =
                format!("Version {version} of policy `{}` is not kept; `scores/versions` lists those that are.", policy.id);
            return Err(Problem::new(Code::NotFound, detail));
        }
    }
    let change = Change::ScorePin { policy: policy.id.clone(), version: body.version, reason };
    interventions::set(&state, &reader, change).await?;
    refresh_scores::step_now(&state.store, &reader.tenant, state.clock.now()).await?;
    list(&state, &reader, (ix, policy)).await.map(Json)
}

/// Takes a score table after all that was refused for moving too much: by a sales lead or an operator. It is computed anew, and not
/// taken (409) where it is another one by now.
#[utoipa::path(
    post,
    path = "/api/v1/workspaces/{workspace}/scores/accept",
    tag = "distribution",
    params(("workspace" = String, Path, description = "The workspace's id")),
    request_body = AcceptBody,
    responses((status = 200, body = VersionList), (status = "default", body = Problem, content_type = "application/problem+json"))
)]
pub async fn post_accept(
    State(state): State<AppState>,
    reader: Reader,
    JsonBody(body): JsonBody<AcceptBody>,
) -> Result<Json<VersionList>, Problem> {
    let_correct(&reader)?;
    let (ix, policy) = scored_policy(&reader.tenant.workspace, body.policy.as_deref())?;
    let reason = body.reason.as_deref().map(|reason| checked_text("reason", reason, 200)).transpose()?;
    let scores = reader.tenant.scores.policy(&policy.id).unwrap_or_default();
    let Some(waiting) = scores.kept_out.map(|kept_out| kept_out.version) else {
        let detail = format!("No score table of policy `{}` waits to be accepted.", policy.id);
        return Err(Problem::new(Code::NotFound, detail));
    };
    if let Some(version) = body.version.filter(|version| *version != waiting) {
        let detail = format!("Version {version} does not wait to be accepted, version {waiting} does: look at it first.");
        return Err(Problem::new(Code::InvalidBody, detail));
    }
    let change = Change::ScoreAccept { policy: policy.id.clone(), version: waiting, reason };
    interventions::set(&state, &reader, change).await?;
    if !refresh_scores::refresh(&state.store, &reader.tenant, ix, state.clock.now()).await? {
        return Err(not_taken(&reader, policy, waiting));
    }
    list(&state, &reader, (ix, policy)).await.map(Json)
}

/// What is computed on accepting may be another table than the one that was looked at.
fn not_taken(reader: &Reader, policy: &Policy, accepted: u64) -> Problem {
    let waiting = reader.tenant.scores.policy(&policy.id).and_then(|scores| scores.kept_out).map(|kept_out| kept_out.version);
    match waiting.filter(|waiting| *waiting != accepted) {
        Some(waiting) => {
            let detail = format!(
                "The CRM shows something else than in version {accepted} by now, so nothing was taken: version {waiting} waits to be \
                 accepted now. Look at it in `scores/versions` and accept it by its number."
            );
            Problem::new(Code::NotNow, detail)
        }
        None => Problem::new(Code::Internal, "The scores could not be computed; the log says why."),
    }
}

async fn list(state: &AppState, reader: &Reader, (ix, policy): (PolicyIx, &Policy)) -> Result<VersionList, Problem> {
    let kept = state.store.score_versions(&reader.tenant.workspace.id, &policy.id).await?;
    let scores = reader.tenant.scores.policy(&policy.id).unwrap_or_default();
    let in_use = scores.version_in_use();
    Ok(VersionList {
        policy: policy.id.to_string(),
        pinned: scores.pin.filter(|_| scores.pinned.is_some()),
        refused: refused::shown(&reader.tenant.workspace, ix, &scores),
        items: kept.iter().filter_map(|kept| item(kept, in_use)).collect(),
        next: None,
    })
}

/// One that cannot be read is left out: it could not be pinned either.
fn item(kept: &StoredScoreVersion, in_use: Option<u64>) -> Option<VersionItem> {
    let table: ScoreTable = serde_json::from_str(&kept.body).ok()?;
    Some(VersionItem {
        version: kept.version,
        taken_at: kept.taken_at.to_string(),
        as_of: table.as_of.to_string(),
        in_use: in_use == Some(kept.version),
        contracts_closed: table.pool.contracts_closed,
        agents: VersionValue::of(&table),
    })
}
