//! Scores: what each agent's results come to under a policy.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::page::Query;
use crate::core::money;
use crate::core::score_table::{AgentScore, ScoreTable};
use crate::http::access::Reader;
use crate::http::problem::{Code, Problem};
use crate::http::state::AppState;

/// Which policy's scores.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ScoresQuery {
    /// The policy; may be left out when exactly one is `performance`.
    pub policy: Option<String>,
}

/// One metric of a score; contributions multiply out to `value`.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct MetricItem {
    /// `contracts_closed` or `average_check`.
    pub metric: String,
    /// The raw rate or amount; null where there is no sample.
    pub raw: Option<f64>,
    /// On how much it rests, faded.
    pub sample: f64,
    /// The shrunken index; 1 = average.
    pub index: f64,
    /// Its exponent.
    pub weight: f64,
    /// `index` to the power of `weight`.
    pub contribution: f64,
}

/// One agent's score. Money as decimal text with at least six digits after the point.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ScoreItem {
    /// The agent.
    pub agent: String,
    /// Deals won within the horizon.
    pub contracts_closed: u64,
    /// Deals won, lost or overdue within the horizon.
    pub opportunities: u64,
    /// Sum of amounts.
    pub revenue: String,
    /// Revenue per contract with an amount; null without contracts.
    pub average_check: Option<String>,
    /// The same with big deals capped.
    pub capped_check: Option<String>,
    /// Conversion against the pool's; 1 = average.
    pub conversion_index: f64,
    /// Check against the pool's; 1 = average.
    pub check_index: f64,
    /// The score: 1 for an average or unknown person.
    pub value: f64,
    /// How the value comes about.
    pub metrics: Vec<MetricItem>,
}

/// A CRM user who is nobody here.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct UnmappedItem {
    /// The CRM connection.
    pub connection: String,
    /// The user's id there.
    pub user: String,
    /// How many deals are left out for that.
    pub deals: u64,
}

/// Scores under a policy.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ScoresBody {
    /// The policy.
    pub policy: String,
    /// When the scores were computed; null before the first.
    pub as_of: Option<String>,
    /// In the order of the workspace.
    pub agents: Vec<ScoreItem>,
    /// CRM users with deals who are mapped to no agent.
    pub unmapped_users: Vec<UnmappedItem>,
    /// Contracts whose amount is left out for another currency.
    pub foreign_currency_deals: u64,
    /// Contracts without an amount.
    pub contracts_without_amount: u64,
    /// Why the newest table was not taken, if it was not; the last good one is shown.
    pub refused: Option<String>,
}

/// What each agent's results come to.
#[utoipa::path(
    get,
    path = "/api/v1/workspaces/{workspace}/scores",
    tag = "distribution",
    params(("workspace" = String, Path, description = "The workspace's id"), ScoresQuery),
    responses((status = 200, body = ScoresBody), (status = "default", body = Problem, content_type = "application/problem+json"))
)]
pub async fn list_scores(
    State(_): State<AppState>,
    reader: Reader,
    Query(query): Query<ScoresQuery>,
) -> Result<Json<ScoresBody>, Problem> {
    let workspace = &reader.tenant.workspace;
    let scored: Vec<_> = workspace.policies.iter().filter(|policy| policy.score.is_some()).collect();
    let policy = match (&query.policy, scored.as_slice()) {
        (Some(wanted), scored) => scored.iter().find(|policy| policy.id.as_str() == wanted).copied().ok_or_else(|| {
            Problem::new(Code::NotFound, format!("There is no policy `{wanted}` with mode `performance` in this workspace."))
        })?,
        (None, [only]) => only,
        (None, []) => return Err(Problem::new(Code::NotFound, "No policy of this workspace has mode `performance`.")),
        (None, _) => return Err(Problem::new(Code::InvalidParameter, "Several policies have scores: name one with `policy=`.")),
    };
    let scores = reader.tenant.scores.policy(&policy.id);
    let refused = scores.as_ref().and_then(|scores| scores.refused.clone());
    let body = match scores.and_then(|scores| scores.table) {
        Some(table) => body(&table, refused),
        None => ScoresBody {
            policy: policy.id.to_string(),
            as_of: None,
            agents: Vec::new(),
            unmapped_users: Vec::new(),
            foreign_currency_deals: 0,
            contracts_without_amount: 0,
            refused,
        },
    };
    Ok(Json(body))
}

fn body(table: &ScoreTable, refused: Option<String>) -> ScoresBody {
    ScoresBody {
        policy: table.policy.to_string(),
        as_of: Some(table.as_of.to_string()),
        agents: table.agents.iter().map(|score| item(table, score)).collect(),
        unmapped_users: table
            .unmapped_users
            .iter()
            .map(|user| UnmappedItem { connection: user.connection.to_string(), user: user.user.to_string(), deals: user.deals })
            .collect(),
        foreign_currency_deals: table.notes.foreign_currency_deals,
        contracts_without_amount: table.notes.contracts_without_amount,
        refused,
    }
}

fn item(table: &ScoreTable, score: &AgentScore) -> ScoreItem {
    let explanation = table.explain(&score.agent);
    let metrics = explanation.iter().flat_map(|explanation| &explanation.metrics).map(|metric| MetricItem {
        metric: metric.metric.as_str().to_owned(),
        raw: metric.raw,
        sample: metric.sample,
        index: metric.index,
        weight: metric.weight,
        contribution: metric.contribution,
    });
    ScoreItem {
        agent: score.agent.to_string(),
        contracts_closed: score.contracts_closed,
        opportunities: score.opportunities,
        revenue: money::to_text(score.revenue),
        average_check: score.average_check.map(money::to_text),
        capped_check: score.capped_check.map(money::to_text),
        conversion_index: score.conversion_index,
        check_index: score.check_index,
        value: score.value,
        metrics: metrics.collect(),
    }
}
