//! Decisions: the latest ones, and one explained step by step.

use axum::Json;
use axum::extract::{Path, State};
use serde::Serialize;
use utoipa::ToSchema;

use super::decision_guard::{GuardItem, guard_item};
use super::decision_sentence::sentence;
use super::page::{PageQuery, Query};
use super::route_explanation::{self, RouteExplained};
use crate::core::decision::{Decision, Stage};
use crate::core::phone_number::masked;
use crate::core::policy::Count;
use crate::core::proving::trial::{PolicyArm, Trial};
use crate::core::record::{DecisionRecord, GroupView, MemberStanding, Step};
use crate::http::access::Reader;
use crate::http::problem::{Code, Problem};
use crate::http::state::AppState;

/// One target of an answer.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct TargetItem {
    /// The agent.
    pub agent: String,
    /// `free` or `busy`.
    pub stage: String,
    /// The agent's share of the route's calls.
    pub share: f64,
    /// How long to ring.
    pub ring_seconds: u32,
    /// The groups from the route's group down to the one the agent was chosen in.
    pub groups: Vec<String>,
}

/// One decision in a list.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct DecisionItem {
    /// UUID version 7.
    pub decision_id: String,
    /// The order of decisions in the workspace.
    pub sequence: u64,
    /// When the hook was received.
    pub received_at: String,
    /// Through which connection.
    pub connection: String,
    /// The call.
    pub call_id: String,
    /// From 1.
    pub attempt: u32,
    /// The caller; masked for roles that may not see callers. Null when withheld.
    pub caller: Option<String>,
    /// What was dialled.
    pub called: String,
    /// The route that matched.
    pub route: Option<String>,
    /// What became of the call: `ring` (the targets, then the fallback), `reject`, `branch`, `callback`, or `none` without a route.
    pub outcome: String,
    /// The branch of the PBX's scenario, for outcome `branch`.
    pub branch: Option<String>,
    /// Why.
    pub reason: String,
    /// Which shares the answer followed: `policy`, `comparison` (equal ones, to compare a policy under test with) or `brake`
    /// (equal ones, by a lead's brake).
    pub arm: String,
    /// Whom to ring, in this order.
    pub targets: Vec<TargetItem>,
    /// The backup number.
    pub fallback: Option<String>,
    /// Age of the scores used.
    pub scores_age_seconds: Option<u64>,
    /// What had to be done without.
    pub degraded: Vec<String>,
}

/// Decisions, newest first.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct DecisionList {
    /// The decisions.
    pub items: Vec<DecisionItem>,
    /// Where the next page starts; null at the end.
    pub next: Option<String>,
}

/// One member as the decision saw it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Candidate {
    /// An agent or a group.
    pub member: String,
    /// `free busy reserved off_duty paused stopped no_share outside_hours planned_break shift_ending`.
    pub standing: String,
    /// Published share.
    pub target: f64,
    /// What the overload guard and the own setting did to the share; null where they did nothing.
    pub guard: Option<GuardItem>,
    /// Expected share of this one call, over those in rotation.
    pub expected: f64,
    /// Credit before the call, in `unit`.
    pub owed_before: f64,
    /// Credit that was compared: `owed_before` plus `expected` times the call's weight.
    pub owed_compared: f64,
    /// Whether the first target was found through this member.
    pub chosen: bool,
}

/// One group on the way.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct DecisionStep {
    /// The group.
    pub group: String,
    /// `offered` or `answered`: what its policy charges.
    pub count: String,
    /// `calls`, or `seconds` of talk.
    pub unit: String,
    /// What one call weighs: 1, or the mean talk in seconds.
    pub call_weight: f64,
    /// In one sentence: who was taken here and why, or why nobody was.
    pub sentence: String,
    /// The members, the most behind first.
    pub candidates: Vec<Candidate>,
}

/// The arm of a decision under one policy.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ArmItem {
    /// The policy under test, or braked.
    pub policy: String,
    /// `policy`, `comparison` or `brake`.
    pub arm: String,
}

/// What of a decision was under test.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct TrialItem {
    /// The policies under test that the call could meet.
    pub arms: Vec<ArmItem>,
    /// Whom the other arm would have named first; null where nobody could be rung.
    pub other_agent: Option<String>,
    /// Why it would have.
    pub other_reason: Option<String>,
    /// Whether it would have named the same agent.
    pub same_agent: bool,
}

/// One decision explained.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct DecisionExplained {
    /// The decision.
    pub decision: DecisionItem,
    /// Why this route and not an earlier one.
    pub route: RouteExplained,
    /// The caller's name, where a CRM knows it and the role may see it.
    pub caller_name: Option<String>,
    /// The caller's responsible manager, where one of our agents is.
    pub responsible: Option<String>,
    /// Whether the call moves credit; a personal call kept apart does not.
    pub moves_credit: bool,
    /// What was under test; null where nothing was.
    pub trial: Option<TrialItem>,
    /// The groups on the way to the targets, the route's group first. Where nobody could be rung: all groups looked into, each with how its
    /// people stood; none in records of versions that did not keep them.
    pub steps: Vec<DecisionStep>,
}

/// Decisions, newest first.
#[utoipa::path(
    get,
    path = "/api/v1/workspaces/{workspace}/decisions",
    tag = "decisions",
    params(("workspace" = String, Path, description = "The workspace's id"), PageQuery),
    responses((status = 200, body = DecisionList), (status = "default", body = Problem, content_type = "application/problem+json"))
)]
pub async fn list_decisions(
    State(state): State<AppState>,
    reader: Reader,
    Query(query): Query<PageQuery>,
) -> Result<Json<DecisionList>, Problem> {
    let page = state.store.decisions(&reader.tenant.workspace.id, query.page()?).await?;
    let items = page.items.iter().map(|record| item(record, &reader)).collect();
    Ok(Json(DecisionList { items, next: page.next }))
}

/// One decision: every step, with all candidates and their numbers.
#[utoipa::path(
    get,
    path = "/api/v1/workspaces/{workspace}/decisions/{decision}",
    tag = "decisions",
    params(("workspace" = String, Path, description = "The workspace's id"), ("decision" = String, Path, description = "The decision's id")),
    responses((status = 200, body = DecisionExplained), (status = "default", body = Problem, content_type = "application/problem+json"))
)]
pub async fn explain_decision(
    State(state): State<AppState>,
    reader: Reader,
    Path((_, decision)): Path<(String, String)>,
) -> Result<Json<DecisionExplained>, Problem> {
    let not_found = || Problem::new(Code::NotFound, "There is no such decision in this workspace.");
    let id = decision.parse().map_err(|_| not_found())?;
    let record = state.store.decision(&reader.tenant.workspace.id, id).await?.ok_or_else(not_found)?;
    let sees_callers = reader.role.may_see_callers();
    let steps = record.groups.iter().zip(0u32..).map(|(view, at)| step(&record, view, chosen_in(&record, at))).collect();
    Ok(Json(DecisionExplained {
        decision: item(&record, &reader),
        route: route_explanation::explain(&record, &reader.tenant.workspace),
        caller_name: record.decision.caller.name.clone().filter(|_| sees_callers),
        responsible: record.decision.caller.responsible.as_ref().map(ToString::to_string),
        moves_credit: record.moves_credit,
        trial: trial(&record),
        steps,
    }))
}

fn trial(record: &DecisionRecord) -> Option<TrialItem> {
    let Trial { arms, other } = &record.trial;
    let named = record.decision.targets.first().map(|target| &target.agent);
    let arm = |of: &PolicyArm| ArmItem { policy: of.policy.to_string(), arm: of.arm.as_str().to_owned() };
    (!arms.is_empty()).then(|| TrialItem {
        arms: arms.iter().map(arm).collect(),
        other_agent: other.as_ref().and_then(|other| other.agent.as_ref()).map(ToString::to_string),
        other_reason: other.as_ref().map(|other| other.reason.as_str().to_owned()),
        same_agent: other.as_ref().is_some_and(|other| other.agent.as_ref() == named),
    })
}

fn item(record: &DecisionRecord, reader: &Reader) -> DecisionItem {
    let decision: &Decision = &record.decision;
    let shown = |caller: &String| if reader.role.may_see_callers() { caller.clone() } else { masked(caller) };
    DecisionItem {
        decision_id: decision.decision_id.to_string(),
        sequence: record.sequence,
        received_at: decision.received_at.to_string(),
        connection: record.connection.to_string(),
        call_id: decision.call_id.to_string(),
        attempt: decision.attempt,
        caller: record.asked.caller.as_ref().map(shown),
        called: record.asked.called.clone(),
        route: decision.route.as_ref().map(ToString::to_string),
        outcome: decision.outcome_word().to_owned(),
        branch: decision.outcome.as_ref().and_then(|outcome| outcome.branch()).map(ToString::to_string),
        reason: decision.reason.as_str().to_owned(),
        arm: record.trial.arm().as_str().to_owned(),
        targets: decision
            .targets
            .iter()
            .map(|target| TargetItem {
                agent: target.agent.to_string(),
                stage: match target.stage {
                    Stage::Free => "free",
                    Stage::Busy => "busy",
                }
                .to_owned(),
                share: target.share,
                ring_seconds: target.ring_seconds,
                groups: target.groups.iter().map(ToString::to_string).collect(),
            })
            .collect(),
        fallback: decision.fallback.as_ref().map(|fallback| fallback.number.clone()),
        scores_age_seconds: decision.scores_age_seconds,
        degraded: decision.degraded.iter().map(|what| what.as_str().to_owned()).collect(),
    }
}

/// Which member of a group the first target was found through, if it was.
fn chosen_in(record: &DecisionRecord, group: u32) -> Option<usize> {
    let first: &[Step] = record.paths.first().map(|steps| &**steps).unwrap_or_default();
    first.iter().find(|step| step.group == group).map(|step| step.member as usize)
}

fn step(record: &DecisionRecord, view: &GroupView, chosen: Option<usize>) -> DecisionStep {
    let at = |values: &[f64], position: usize| values.get(position).copied().unwrap_or(0.0);
    let mut candidates: Vec<Candidate> = view
        .lambda
        .members
        .iter()
        .enumerate()
        .map(|(position, id)| {
            let (expected, owed_before) = (at(&view.lambda.values, position), at(&view.credit, position));
            Candidate {
                member: id.to_string(),
                standing: standing_name(view.standing.get(position)).to_owned(),
                target: at(&view.lambda.published, position),
                guard: view.eased(position).map(guard_item),
                expected,
                owed_before,
                owed_compared: owed_before + expected * view.unit,
                chosen: chosen == Some(position),
            }
        })
        .collect();
    candidates.sort_by(|a, b| b.owed_compared.total_cmp(&a.owed_compared));
    DecisionStep {
        group: view.group.to_string(),
        count: match view.count {
            Count::Offered => "offered",
            Count::Answered => "answered",
        }
        .to_owned(),
        unit: if view.in_seconds { "seconds" } else { "calls" }.to_owned(),
        call_weight: view.unit,
        sentence: sentence(record, view, &candidates),
        candidates,
    }
}

fn standing_name(standing: Option<&MemberStanding>) -> &'static str {
    match standing {
        Some(MemberStanding::Free) => "free",
        Some(MemberStanding::Busy) => "busy",
        Some(MemberStanding::Reserved) => "reserved",
        Some(MemberStanding::OffDuty) => "off_duty",
        Some(MemberStanding::Paused) => "paused",
        Some(MemberStanding::OutsideHours) => "outside_hours",
        Some(MemberStanding::PlannedBreak) => "planned_break",
        Some(MemberStanding::ShiftEnding) => "shift_ending",
        Some(MemberStanding::Stopped) => "stopped",
        Some(MemberStanding::NoShare) | None => "no_share",
    }
}
