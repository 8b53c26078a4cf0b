//! Why somebody has that score and share: every metric, what was corrected and excluded, what was objected and answered.

use axum::Json;
use axum::extract::{Path, State};
use serde::Serialize;
use utoipa::ToSchema;

use super::exclusions::ExcludedSubject;
use super::objections::{self, ObjectionItem};
use super::{ScoreItem, ScoresQuery, scored_policy};
use crate::broker::score_book::PolicyScores;
use crate::core::distribution::tally::Tally;
use crate::core::ids::AgentId;
use crate::core::intervention::InterventionBook;
use crate::core::scoring::adjustments;
use crate::core::scoring::exclusions::AppliedExclusion;
use crate::core::shares::target_share::{self, Limit};
use crate::core::workspace::{GroupIx, MemberRef, PolicyIx, Workspace};
use crate::http::access::{Reader, Role};
use crate::http::api::page::Query;
use crate::http::problem::{Code, Problem};
use crate::http::state::AppState;

/// A correction in force.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct CorrectionInForce {
    /// Its id.
    pub id: String,
    /// Times the value.
    pub factor: f64,
    /// Why.
    pub reason: String,
    /// When it ends by itself.
    pub until: Option<String>,
}

/// How far a newcomer is.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct RampUpItem {
    /// The first day.
    pub since: String,
    /// Working days since then, today not counted.
    pub days_worked: u32,
    /// Working days until the whole share.
    pub working_days: u32,
    /// Times the base share today.
    pub factor: f64,
}

/// How a target share comes about: `target = clamp(tau * part * value^strength, floor * part, ceiling * part)`.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct SharePart {
    /// In which group.
    pub group: String,
    /// Typed share, 0 to 1.
    pub base: f64,
    /// A newcomer's part of it; 1 for anybody else.
    pub ramp_up: f64,
    /// The score, corrected.
    pub value: f64,
    /// To this power.
    pub strength: f64,
    /// Target over `base * ramp_up * value^strength`, floor and ceiling included; another number for each member. Null where the base
    /// is 0.
    pub scale: Option<f64>,
    /// The base after ramp-up as a part of everybody's.
    pub part: f64,
    /// One number for all members of the group, so that their shares sum to 1: the target is `tau * part * value^strength`, but not
    /// less than `floor * part` nor more than `ceiling * part`. Null where everybody who can rise is at the ceiling.
    pub tau: Option<f64>,
    /// `floor` or `ceiling` where one of them holds; null where the share follows the value.
    pub limited_by: Option<&'static str>,
    /// Where the share goes, 0 to 1.
    pub target: f64,
    /// Where it is now: published shares follow changed scores smoothly.
    pub published: Option<f64>,
}

/// An exclusion that took something out of the agent's results.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ExclusionPart {
    /// What does not count.
    pub subject: ExcludedSubject,
    /// How many deals and calls of the agent it took out.
    pub items: u64,
    /// Why; null when it was lifted since.
    pub reason: Option<String>,
}

/// Why an agent has that score and share.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ExplanationBody {
    /// The policy.
    pub policy: String,
    /// The agent.
    pub agent: String,
    /// When the scores were computed; null before the first.
    pub as_of: Option<String>,
    /// Their version; null before the first.
    pub version: Option<u64>,
    /// How many average contracts everybody starts with; null before the first scores.
    pub caution: Option<f64>,
    /// The score: contributions times correction is the value; null before the first scores.
    pub score: Option<ScoreItem>,
    /// A lead's correction; null without one.
    pub correction: Option<CorrectionInForce>,
    /// How far a newcomer is; null for anybody else.
    pub ramp_up: Option<RampUpItem>,
    /// The share in each group of the policy.
    pub shares: Vec<SharePart>,
    /// What exclusions took out.
    pub exclusions: Vec<ExclusionPart>,
    /// Objections and answers, newest first.
    pub objections: Vec<ObjectionItem>,
}

/// Why an agent has that score and share. An agent sees the own.
///
/// An open deal counts as lost from twice the pool's usual time to close on; of younger ones as many, in parts, as others would have
/// decided by their age beyond what the agent has (`undecided`). So leaving lost deals open does not pay.
#[utoipa::path(
    get,
    path = "/api/v1/workspaces/{workspace}/scores/{agent}",
    tag = "distribution",
    params(
        ("workspace" = String, Path, description = "The workspace's id"),
        ("agent" = String, Path, description = "The agent's id"),
        ScoresQuery
    ),
    responses((status = 200, body = ExplanationBody), (status = "default", body = Problem, content_type = "application/problem+json"))
)]
pub async fn explain_score(
    State(state): State<AppState>,
    reader: Reader,
    Path((_, agent)): Path<(String, String)>,
    Query(query): Query<ScoresQuery>,
) -> Result<Json<ExplanationBody>, Problem> {
    let agent = AgentId::from(agent);
    if reader.role == Role::Agent && reader.agent.as_ref() != Some(&agent) {
        return Err(Problem::new(Code::Forbidden, "With a token of role `agent` only the own score is explained."));
    }
    let workspace = &reader.tenant.workspace;
    let (policy_ix, policy) = scored_policy(workspace, query.policy.as_deref())?;
    let pooled = workspace.find_agent(&agent).filter(|ix| workspace.pool(policy_ix).contains(ix));
    let Some(ix) = pooled else {
        let detail = format!("There is no agent `{agent}` in a group with policy `{}`.", policy.id);
        return Err(Problem::new(Code::NotFound, detail));
    };
    let now = state.clock.now();
    let scores = reader.tenant.scores.policy(&policy.id).unwrap_or_default();
    let table = scores.in_use();
    let applied: Vec<&AppliedExclusion> =
        table.into_iter().flat_map(|table| &table.exclusions).filter(|applied| applied.agent == agent).collect();
    let (mut correction, mut exclusions) = (None, Vec::new());
    let mut look = |tally: &Tally| {
        let book = tally.interventions();
        correction = book.correction(&agent, now).map(|correction| CorrectionInForce {
            id: correction.id.to_string(),
            factor: scores.adjustments.of(&agent).correction,
            reason: correction.reason.clone(),
            until: correction.until.map(|until| until.to_string()),
        });
        exclusions = applied.iter().map(|applied| exclusion(applied, book)).collect();
    };
    state.store.view(&workspace.id, now, &mut look).await?;
    let today = workspace.time_zone.to_datetime(now).date();
    let ramp_up = adjustments::ramp_up(workspace.agent(ix), workspace.schedule_of_results(ix), policy.ramp_up, today);
    Ok(Json(ExplanationBody {
        policy: policy.id.to_string(),
        as_of: table.map(|table| table.as_of.to_string()),
        version: scores.version_in_use(),
        caution: table.map(|table| table.terms.caution),
        score: table.and_then(|table| Some(super::item(table, table.score_of(&agent)?, &scores))),
        correction,
        ramp_up: ramp_up.map(|state| RampUpItem {
            since: state.since.to_string(),
            days_worked: state.days_worked,
            working_days: policy.ramp_up.working_days,
            factor: state.factor,
        }),
        shares: shares(workspace, (policy_ix, MemberRef::Agent(ix)), &scores, now),
        exclusions,
        objections: objections::of_agent(&state, &reader, &agent).await?,
        agent: agent.to_string(),
    }))
}

/// A member's share in each group of a policy.
pub(super) fn shares(
    workspace: &Workspace,
    (policy, who): (PolicyIx, MemberRef),
    scores: &PolicyScores,
    now: jiff::Timestamp,
) -> Vec<SharePart> {
    let table = scores.in_use().map(|table| &**table);
    let groups = (0..).map(GroupIx).zip(&workspace.groups).filter(|(_, group)| group.policy == policy);
    let part = |(ix, group): (GroupIx, &crate::core::workspace::Group)| {
        let why = target_share::explain(workspace, (ix, who), table, &scores.adjustments)?;
        let member = workspace.member_name(who).into();
        Some(SharePart {
            group: group.id.to_string(),
            base: why.base,
            ramp_up: why.ramp_up,
            value: why.value,
            strength: why.strength,
            scale: why.scale,
            part: why.part,
            tau: why.tau,
            limited_by: why.limited_by.map(|limit| match limit {
                Limit::Floor => "floor",
                Limit::Ceiling => "ceiling",
            }),
            target: why.target,
            published: scores.plans.get(&group.id).and_then(|plan| plan.published_of(&member, now)),
        })
    };
    groups.filter_map(part).collect()
}

fn exclusion(applied: &AppliedExclusion, book: &InterventionBook) -> ExclusionPart {
    let reason = book.exclusions().find(|(subject, _)| **subject == applied.subject).map(|(_, reason)| reason.to_owned());
    ExclusionPart { subject: ExcludedSubject::of(&applied.subject), items: applied.items, reason }
}
