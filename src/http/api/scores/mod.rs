//! Scores: what each agent's results come to under a policy.

pub mod corrections;
pub mod exclusions;
pub mod explanation;
pub mod groups;
pub mod objections;
pub mod pool;
pub mod refused;
pub mod versions;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use self::groups::GroupScoreItem;
use self::pool::{NotesItem, PoolItem};
use super::page::Query;
use crate::broker::score_book::PolicyScores;
use crate::core::ids::AgentId;
use crate::core::intervention::Intervention;
use crate::core::metric::Direction;
use crate::core::money;
use crate::core::policy::Policy;
use crate::core::scoring::adjustments::Adjustment;
use crate::core::scoring::score_table::{AgentScore, Explanation, MetricExplanation, ScoreTable};
use crate::core::workspace::{PolicyIx, Workspace};
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

/// Whether more or less of a metric is better.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub enum DirectionName {
    /// More is better.
    More,
    /// Less is better: the index is one over what it would be.
    Less,
}

/// One metric of a score; contributions, and the correction, multiply out to `value`.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct MetricItem {
    /// `contracts_closed`, `average_check`, `revenue`, or a figure that the CRM supplies.
    pub metric: String,
    /// Whether more or less is better.
    #[schema(value_type = DirectionName)]
    pub direction: Direction,
    /// The agent's own figure: contracts per opportunity (or call), mean amount after the cap, mean per contract, money per
    /// opportunity; null where there is no sample.
    pub figure: Option<f64>,
    /// The figure as a multiple of an average agent's; null where there is no sample.
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
    /// Open deals that count as lost though they are not overdue, faded: so many more of that age would others have decided.
    pub undecided: f64,
    /// First conversations with callers within the horizon; 0 where conversion is counted from opportunities.
    pub calls_handled: u64,
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
    /// The score, corrected: 1 for an average or unknown person.
    pub value: f64,
    /// A lead's factor in it; 1 without one.
    pub correction: f64,
    /// A newcomer's part of the base share; 1 for anybody else.
    pub ramp_up: f64,
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
    /// Their version; null before the first.
    pub version: Option<u64>,
    /// Whether a lead holds shares to this version.
    pub pinned: bool,
    /// In the order of the workspace.
    pub agents: Vec<ScoreItem>,
    /// Groups that share calls by their results as a whole; empty where the policy only compares people.
    pub groups: Vec<GroupScoreItem>,
    /// CRM users with deals who are mapped to no agent.
    pub unmapped_users: Vec<UnmappedItem>,
    /// What everybody is compared with; null before the first scores, and for agents.
    pub pool: Option<PoolItem>,
    /// What was left out, guessed, or counted otherwise than the CRM states it; null before the first scores.
    pub notes: Option<NotesItem>,
    /// Contracts whose amount is left out for another currency.
    pub foreign_currency_deals: u64,
    /// Contracts without an amount.
    pub contracts_without_amount: u64,
    /// Contracts from no first conversation that counts; only where conversion is counted from calls.
    pub contracts_without_call: u64,
    /// Values of supplied metrics left out: below 0, or beyond all reason.
    pub metric_values_left_out: u64,
    /// Why the newest table was not taken, if it was not; the last good one is shown.
    pub refused: Option<String>,
}

/// Who set something by hand.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct AuthorItem {
    /// The role of the token.
    pub role: String,
    /// The agent, where the token is an agent's own.
    pub agent: Option<String>,
}

impl AuthorItem {
    fn of(intervention: &Intervention) -> Self {
        let by = &intervention.by;
        Self { role: by.role.to_string(), agent: by.agent.as_ref().map(AgentId::to_string) }
    }
}

/// What each agent's results come to. An agent sees the own.
#[utoipa::path(
    get,
    path = "/api/v1/workspaces/{workspace}/scores",
    tag = "distribution",
    params(("workspace" = String, Path, description = "The workspace's id"), ScoresQuery),
    responses((status = 200, body = ScoresBody), (status = "default", body = Problem, content_type = "application/problem+json"))
)]
pub async fn list_scores(
    State(state): State<AppState>,
    reader: Reader,
    Query(query): Query<ScoresQuery>,
) -> Result<Json<ScoresBody>, Problem> {
    let (ix, policy) = scored_policy(&reader.tenant.workspace, query.policy.as_deref())?;
    let scores = reader.tenant.scores.policy(&policy.id).unwrap_or_default();
    let groups =
        if reader.agent.is_some() { Vec::new() } else { groups::items(&reader.tenant.workspace, ix, &scores, state.clock.now()) };
    Ok(Json(ScoresBody { groups, ..body(policy, &scores, &reader) }))
}

/// The policy asked for; without a name the only one that has scores.
fn scored_policy<'w>(workspace: &'w Workspace, wanted: Option<&str>) -> Result<(PolicyIx, &'w Policy), Problem> {
    let scored: Vec<(PolicyIx, &Policy)> =
        (0..).map(PolicyIx).zip(&workspace.policies).filter(|(_, policy)| policy.score.is_some()).collect();
    match (wanted, scored.as_slice()) {
        (Some(wanted), scored) => scored.iter().find(|(_, policy)| policy.id.as_str() == wanted).copied().ok_or_else(|| {
            Problem::new(Code::NotFound, format!("There is no policy `{wanted}` with mode `performance` in this workspace."))
        }),
        (None, [only]) => Ok(*only),
        (None, []) => Err(Problem::new(Code::NotFound, "No policy of this workspace has mode `performance`.")),
        (None, _) => Err(Problem::new(Code::InvalidParameter, "Several policies have scores: name one with `policy`.")),
    }
}

/// Lets who may correct scores pass.
fn let_correct(reader: &Reader) -> Result<(), Problem> {
    if reader.role.may_correct_scores() {
        return Ok(());
    }
    Err(Problem::new(Code::Forbidden, "Only a sales lead or an operator may do this."))
}

/// A reason in somebody's words: not empty, at most so many characters.
fn checked_text(name: &str, text: &str, most: usize) -> Result<String, Problem> {
    let text = text.trim();
    if text.is_empty() {
        return Err(Problem::new(Code::InvalidBody, format!("`{name}` is empty: say why, in a few words.")));
    }
    if text.chars().count() > most {
        return Err(Problem::new(Code::InvalidBody, format!("`{name}` is longer than {most} characters.")));
    }
    Ok(text.to_owned())
}

fn body(policy: &Policy, scores: &PolicyScores, reader: &Reader) -> ScoresBody {
    let table = scores.in_use();
    let notes = table.map(|table| table.notes.clone()).unwrap_or_default();
    // The figures of the pool would tell a colleague's, where there is one.
    let sees_all = reader.role.may_see_scores_of_others();
    let is_seen = |score: &&AgentScore| sees_all || reader.agent.as_ref() == Some(&score.agent);
    let unmapped = table.into_iter().flat_map(|table| &table.unmapped_users).filter(|_| sees_all);
    let agents = table.into_iter().flat_map(|table| table.agents.iter().filter(is_seen).map(|score| item(table, score, scores)));
    ScoresBody {
        policy: policy.id.to_string(),
        as_of: table.map(|table| table.as_of.to_string()),
        version: scores.version_in_use(),
        pinned: scores.pinned.is_some(),
        agents: agents.collect(),
        groups: Vec::new(),
        unmapped_users: unmapped
            .map(|user| UnmappedItem { connection: user.connection.to_string(), user: user.user.to_string(), deals: user.deals })
            .collect(),
        pool: table.filter(|_| sees_all).map(|table| PoolItem::of(&table.pool)),
        notes: table.map(|table| NotesItem::of(&table.notes)),
        foreign_currency_deals: notes.foreign_currency_deals,
        contracts_without_amount: notes.contracts_without_amount,
        contracts_without_call: notes.contracts_without_call,
        metric_values_left_out: notes.metric_values_left_out,
        refused: scores.refused.clone(),
    }
}

fn item(table: &ScoreTable, score: &AgentScore, scores: &PolicyScores) -> ScoreItem {
    let Adjustment { correction, ramp_up } = scores.adjustments.of(&score.agent);
    ScoreItem {
        agent: score.agent.to_string(),
        contracts_closed: score.contracts_closed,
        opportunities: score.opportunities,
        undecided: score.faded_undecided,
        calls_handled: score.calls_handled,
        revenue: money::to_text(score.revenue),
        average_check: score.average_check.map(money::to_text),
        capped_check: score.capped_check.map(money::to_text),
        conversion_index: score.conversion_index,
        check_index: score.check_index,
        value: score.value * correction,
        correction,
        ramp_up,
        metrics: metric_items(table.explain(&score.agent).as_ref()),
    }
}

fn metric_items(explanation: Option<&Explanation>) -> Vec<MetricItem> {
    let metrics = explanation.into_iter().flat_map(|explanation| &explanation.metrics);
    let item = |metric: &MetricExplanation| MetricItem {
        metric: metric.metric.to_string(),
        direction: metric.direction,
        figure: metric.figure,
        raw: metric.raw,
        sample: metric.sample,
        index: metric.index,
        weight: metric.weight,
        contribution: metric.contribution,
    };
    metrics.map(item).collect()
}
