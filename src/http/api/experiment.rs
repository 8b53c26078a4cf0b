//! What a policy brings: the result of its experiment, and two spans of days compared.

use axum::Json;
use axum::extract::{Path, State};
use jiff::Timestamp;
use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::comparison::{LeftOutItem, MeasureItem, Names, SideItem, UnmatchedItem, sentence};
use super::page::Query;
use crate::broker::uplift::{self, Span, UpliftError};
use crate::core::ids::PolicyId;
use crate::core::proving::experiment::{Block, Experiment};
use crate::core::proving::rollout::{Arm, people_under};
use crate::core::proving::uplift::{ATTRIBUTION_DAYS, Comparison};
use crate::core::workspace::{PolicyIx, Workspace};
use crate::http::access::Reader;
use crate::http::problem::{Code, Problem};
use crate::http::state::AppState;

/// So many blocks ahead are told.
const SCHEDULE_BLOCKS: usize = 48;

/// A span to compare has at most so many days.
const SPAN_DAYS_MAX: i32 = 366;

/// With fewer agents one person's good or bad month weighs more than any policy.
const AGENTS_MIN: usize = 5;

/// A comparison that would only show larger changes than this is too small to be of use.
const UPLIFT_OF_USE: f64 = 0.3;

/// A block of an experiment.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct BlockItem {
    /// From 0.
    pub number: u64,
    /// Its first instant.
    pub from: String,
    /// The first instant after it.
    pub until: String,
    /// `treatment` (answers follow the policy) or `control` (equal shares).
    pub arm: String,
}

/// An experiment and what it has come to.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ExperimentBody {
    /// The policy.
    pub policy: String,
    /// `planned`, `running` or `ended`.
    pub state: String,
    /// Its first instant.
    pub from: String,
    /// The first instant after it.
    pub until: String,
    /// In which part of the blocks answers follow the policy.
    pub treatment_share: f64,
    /// Length of a block.
    pub block_seconds: u32,
    /// So long after a switch calls do not count.
    pub drop_first_seconds: u32,
    /// What the order of the blocks is drawn from.
    pub seed: u64,
    /// A contract counts for a call of its customer so many days back at most.
    pub attribution_days: u16,
    /// By contracts per offered call: `not proven yet`, `proven better` or `proven worse`.
    pub verdict: String,
    /// The same in one sentence, with what is still needed.
    pub sentence: String,
    /// Answered by the policy.
    pub treatment: SideItem,
    /// Answered by equal shares.
    pub control: SideItem,
    /// Contracts per offered call, treatment against control.
    pub contracts: MeasureItem,
    /// Revenue per offered call, treatment against control.
    pub revenue: MeasureItem,
    /// Calls that do not count, and why.
    pub left_out: LeftOutItem,
    /// Contracts that count for no side, and why.
    pub unmatched_contracts: UnmatchedItem,
    /// Calls younger than this many days are left out as immature: the usual time from opening a deal to closing it. Null where no
    /// deal has both dates; then every call counts at once.
    pub matures_after_days: Option<f64>,
    /// Contracts without a day, which belong to no call.
    pub undated_contracts: u64,
    /// The blocks from the one at hand on, at most 48; none for agents.
    pub schedule: Vec<BlockItem>,
}

/// Which spans.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct SpansQuery {
    /// The earlier days, both included: `2026-09-01..2026-09-30`.
    pub before: String,
    /// The later days, both included.
    pub after: String,
    /// Contracts count for calls so many days back at most, and calls younger than that do not count; the experiment's
    /// attribution, or 30, where absent.
    #[param(minimum = 1, maximum = 365)]
    pub within_days: Option<u16>,
}

/// Two spans of days compared.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct SpansBody {
    /// The policy.
    pub policy: String,
    /// The earlier days.
    pub before_days: String,
    /// The later days.
    pub after_days: String,
    /// By contracts per offered call: `not proven yet`, `proven better` or `proven worse`.
    pub verdict: String,
    /// The same in one sentence, with what is still needed.
    pub sentence: String,
    /// What speaks against trusting it.
    pub warnings: Vec<String>,
    /// How many people get calls by the policy now.
    pub agents: usize,
    /// The earlier days.
    pub before: SideItem,
    /// The later days.
    pub after: SideItem,
    /// Contracts per offered call, after against before.
    pub contracts: MeasureItem,
    /// Revenue per offered call, after against before.
    pub revenue: MeasureItem,
    /// Calls that do not count, and why.
    pub left_out: LeftOutItem,
    /// Contracts that count for no side, and why.
    pub unmatched_contracts: UnmatchedItem,
    /// Calls younger than this many days do not count.
    pub matures_after_days: u16,
    /// Contracts without a day, which belong to no call.
    pub undated_contracts: u64,
}

/// A policy's experiment: its schedule, its result per offered call, and the sample still needed.
#[utoipa::path(
    get,
    path = "/api/v1/workspaces/{workspace}/policies/{policy}/experiment",
    tag = "distribution",
    params(("workspace" = String, Path, description = "The workspace's id"), ("policy" = String, Path, description = "The policy's id")),
    responses((status = 200, body = ExperimentBody), (status = "default", body = Problem, content_type = "application/problem+json"))
)]
pub async fn show_experiment(
    State(state): State<AppState>,
    reader: Reader,
    Path((_, policy)): Path<(String, String)>,
) -> Result<Json<ExperimentBody>, Problem> {
    let workspace = &reader.tenant.workspace;
    let ix = find(workspace, &policy)?;
    let Some(experiment) = &workspace.policy(ix).rollout.experiment else {
        let detail = format!("Policy `{policy}` has no experiment: add `experiment` to it in the workspace file.");
        return Err(Problem::new(Code::NotFound, detail));
    };
    let now = state.clock.now();
    let compared = uplift::of_experiment(&state.store, workspace, ix, experiment, now).await.map_err(told)?;
    let sees_schedule = reader.role.may_see_schedule();
    let ahead = experiment.blocks_from(now).take(if sees_schedule { SCHEDULE_BLOCKS } else { 0 });
    let schedule = ahead.map(|block| block_item(&block)).collect();
    Ok(Json(experiment_body(policy, experiment, &compared, schedule, now)))
}

fn experiment_body(
    policy: String,
    experiment: &Experiment,
    compared: &Comparison,
    schedule: Vec<BlockItem>,
    now: Timestamp,
) -> ExperimentBody {
    let state = match (now < experiment.from, now < experiment.until) {
        (true, _) => "planned",
        (false, true) => "running",
        (false, false) => "ended",
    };
    ExperimentBody {
        policy,
        state: state.to_owned(),
        from: experiment.from.to_string(),
        until: experiment.until.to_string(),
        treatment_share: f64::from(experiment.treatment_percent) / 100.0,
        block_seconds: experiment.block_seconds,
        drop_first_seconds: experiment.drop_first_seconds,
        seed: experiment.seed,
        attribution_days: experiment.attribution_days,
        verdict: compared.contracts.verdict.as_str().to_owned(),
        sentence: sentence(compared, Names { first: "equal shares", second: "the policy", clusters: "blocks" }),
        treatment: SideItem::of(&compared.treatment),
        control: SideItem::of(&compared.control),
        contracts: MeasureItem::of(&compared.contracts),
        revenue: MeasureItem::of(&compared.revenue),
        left_out: LeftOutItem::of(&compared.left_out),
        unmatched_contracts: UnmatchedItem::of(&compared.unmatched),
        matures_after_days: compared.matures_after_seconds.map(|seconds| seconds / 86_400.0),
        undated_contracts: compared.undated_contracts,
        schedule,
    }
}

fn block_item(block: &Block) -> BlockItem {
    let arm = match block.arm {
        Arm::Policy => "treatment",
        Arm::Comparison | Arm::Brake => "control",
    };
    BlockItem { number: block.number, from: block.from.to_string(), until: block.until.to_string(), arm: arm.to_owned() }
}

/// Two spans of days under a policy, compared per offered call.
#[utoipa::path(
    get,
    path = "/api/v1/workspaces/{workspace}/policies/{policy}/comparison",
    tag = "distribution",
    params(
        ("workspace" = String, Path, description = "The workspace's id"),
        ("policy" = String, Path, description = "The policy's id"),
        SpansQuery
    ),
    responses((status = 200, body = SpansBody), (status = "default", body = Problem, content_type = "application/problem+json"))
)]
pub async fn compare_spans(
    State(state): State<AppState>,
    reader: Reader,
    Path((_, policy)): Path<(String, String)>,
    Query(query): Query<SpansQuery>,
) -> Result<Json<SpansBody>, Problem> {
    let workspace = &reader.tenant.workspace;
    let ix = find(workspace, &policy)?;
    let before = span("before", &query.before, &workspace.time_zone)?;
    let after = span("after", &query.after, &workspace.time_zone)?;
    if before.1 > after.0 {
        let detail = "`before` must end before `after` begins: a call cannot be on both sides.";
        return Err(Problem::new(Code::InvalidParameter, detail));
    }
    let usual = workspace.policy(ix).rollout.experiment.as_ref().map_or(ATTRIBUTION_DAYS, |of| of.attribution_days);
    let days = query.within_days.unwrap_or(usual);
    if !(1..=365).contains(&days) {
        return Err(Problem::new(Code::InvalidParameter, "`within_days` must be from 1 to 365."));
    }
    let now = state.clock.now();
    let compared = uplift::of_spans(&state.store, workspace, ix, [before, after], (days, now)).await.map_err(told)?;
    let agents = people_under(workspace, ix).len();
    Ok(Json(SpansBody {
        policy,
        before_days: query.before,
        after_days: query.after,
        verdict: compared.contracts.verdict.as_str().to_owned(),
        sentence: sentence(&compared, Names { first: "before", second: "after", clusters: "days" }),
        warnings: warnings(&compared, agents, days),
        agents,
        before: SideItem::of(&compared.control),
        after: SideItem::of(&compared.treatment),
        contracts: MeasureItem::of(&compared.contracts),
        revenue: MeasureItem::of(&compared.revenue),
        left_out: LeftOutItem::of(&compared.left_out),
        unmatched_contracts: UnmatchedItem::of(&compared.unmatched),
        matures_after_days: days,
        undated_contracts: compared.undated_contracts,
    }))
}

fn find(workspace: &Workspace, policy: &str) -> Result<PolicyIx, Problem> {
    let not_found = || Problem::new(Code::NotFound, format!("There is no policy `{policy}` in this workspace."));
    workspace.find_policy(&PolicyId::from(policy)).ok_or_else(not_found)
}

fn told(error: UpliftError) -> Problem {
    match error {
        UpliftError::Store(error) => error.into(),
        UpliftError::TooManyCalls => Problem::new(Code::InvalidParameter, format!("Nothing was compared: {error}.")),
        UpliftError::Fault => Problem::new(Code::Internal, "Something failed inside; the log says what."),
    }
}

/// Reads `2026-09-01..2026-09-30`, both days included.
fn span(name: &str, text: &str, zone: &TimeZone) -> Result<Span, Problem> {
    let refuse = |what: &str| {
        let detail = format!("`{name}={text}` {what}; write two days, as 2026-09-01..2026-09-30.");
        Problem::new(Code::InvalidParameter, detail)
    };
    let days = text.split_once("..").and_then(|(from, to)| Some((from.parse::<Date>().ok()?, to.parse::<Date>().ok()?)));
    let (from, to) = days.ok_or_else(|| refuse("is no span of days"))?;
    if to < from {
        return Err(refuse("ends before it begins"));
    }
    let start = |date: Date| zone.to_timestamp(date.to_datetime(Time::midnight()));
    let after_last = to.tomorrow().map_err(|_| refuse("leaves the calendar"))?;
    if from.until(to).is_ok_and(|days| days.get_days() >= SPAN_DAYS_MAX) {
        return Err(refuse("is longer than 366 days"));
    }
    match (start(from), start(after_last)) {
        (Ok(from), Ok(until)) => Ok((from, until)),
        (Err(_), _) | (_, Err(_)) => Err(refuse("leaves the calendar")),
    }
}

/// What speaks against trusting a comparison of two spans.
fn warnings(compared: &Comparison, agents: usize, days: u16) -> Vec<String> {
    let mut warnings = vec![
        "Before and after differ in more than the policy: season, advertising, prices, people. Only an experiment in randomised \
         blocks tells causes apart."
            .to_owned(),
    ];
    let smallest = compared.contracts.smallest_uplift;
    match smallest {
        Some(smallest) if smallest <= UPLIFT_OF_USE => {}
        Some(smallest) => warnings.push(format!(
            "Too small for a before/after comparison: with these calls only a change of {:.0} % or more would show. Compare longer \
             spans.",
            smallest * 100.0
        )),
        None => warnings.push(
            "Too small for a before/after comparison: no contract came of any of these calls, so no change could show.".to_owned(),
        ),
    }
    if agents < AGENTS_MIN {
        warnings.push(format!(
            "Too small for a before/after comparison: with {agents} agents one person's leave or good month weighs more than any \
             policy."
        ));
    }
    if compared.left_out.immature > 0 {
        warnings.push(format!(
            "{} calls are younger than {days} days and do not count yet: their contracts are still to come.",
            compared.left_out.immature
        ));
    }
    warnings
}
