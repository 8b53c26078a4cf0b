//! A group's shares: what each member should get and got.

use axum::Json;
use axum::extract::{Path, State};
use serde::Serialize;
use utoipa::ToSchema;

use crate::core::head_count;
use crate::core::ids::GroupId;
use crate::core::policy::Mode;
use crate::core::rotation;
use crate::core::tally::Tally;
use crate::core::workspace::{GroupIx, MemberRef, Workspace};
use crate::http::access::Reader;
use crate::http::problem::{Code, Problem};
use crate::http::state::AppState;

/// What reduces or stops a member's calls.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct MemberGuard {
    /// 1 = nothing, 0 = stopped.
    pub factor: f64,
    /// Why, below 1.
    pub reason: Option<String>,
}

/// One member's shares.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct MemberShare {
    /// An agent or a group.
    pub member: String,
    /// Typed share, 0 to 1; all members together 1.
    pub base: f64,
    /// Published share before the guard, 0 to 1.
    pub target: f64,
    /// Share over those in rotation now, after the guard; 0 for who is not.
    pub weight: f64,
    /// Share of what was received over the period, 0 to 1; null while nothing was.
    pub actual: Option<f64>,
    /// What was due over the period, in `unit`.
    pub expected: f64,
    /// What was received over the period, in `unit`.
    pub received: f64,
    /// What is owed now, in `unit`; negative when ahead.
    pub owed: f64,
    /// The guard's word.
    pub guard: MemberGuard,
}

/// A group's shares.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct GroupSharesBody {
    /// The group.
    pub group: String,
    /// `calls`, or `seconds` of talk.
    pub unit: String,
    /// The period, in seconds.
    pub period_seconds: u32,
    /// Which calls are answered by the policy: `on`, `observe`, a percentage, or `experiment` while one runs.
    pub rollout: String,
    /// Whether a lead's brake holds: equal shares are published instead of the policy's.
    pub brake: bool,
    /// When the scores behind the targets were computed; null where shares follow no scores, or there are none yet.
    pub scores_as_of: Option<String>,
    /// In the order of the workspace.
    pub members: Vec<MemberShare>,
}

/// What each member of a group should get and got.
#[utoipa::path(
    get,
    path = "/api/v1/workspaces/{workspace}/groups/{group}/shares",
    tag = "distribution",
    params(("workspace" = String, Path, description = "The workspace's id"), ("group" = String, Path, description = "The group's id")),
    responses((status = 200, body = GroupSharesBody), (status = "default", body = Problem, content_type = "application/problem+json"))
)]
pub async fn group_shares(
    State(state): State<AppState>,
    reader: Reader,
    Path((_, group)): Path<(String, String)>,
) -> Result<Json<GroupSharesBody>, Problem> {
    let workspace = &reader.tenant.workspace;
    let Some(ix) = workspace.find_group(&GroupId::from(group.as_str())) else {
        return Err(Problem::new(Code::NotFound, format!("There is no group `{group}` in this workspace.")));
    };
    let now = state.clock.now();
    let shares = reader.tenant.shares.load_full();
    let Some(published) = shares.group(ix) else {
        return Err(Problem::new(Code::Internal, "This group has no published shares yet; ask again in a moment."));
    };
    let policy = workspace.policy_of(ix);
    let (mut members, mut brake) = (Vec::new(), false);
    let mut look = |tally: &Tally| {
        let (book, ids) = (tally.book(ix), tally.members(ix));
        let window = book.window(ids, now.as_microsecond());
        let owed = book.credits(ids, now.as_microsecond());
        let received: f64 = window.received.iter().sum();
        brake = tally.interventions().equal_shares(&policy.id);
        let targets = if brake { workspace.equal_shares(ix) } else { &published.published };
        let by_heads = policy.mode == Mode::HeadCount && !brake;
        let weights = weights(tally, (ix, by_heads), targets, now);
        let at = |values: &[f64], position: usize| values.get(position).copied().unwrap_or(0.0);
        members = ids
            .iter()
            .enumerate()
            .map(|(position, id)| MemberShare {
                member: id.to_string(),
                base: at(&published.base, position),
                target: at(targets, position),
                weight: at(&weights, position),
                actual: (received > 0.0).then(|| at(&window.received, position) / received),
                expected: at(&window.expected, position),
                received: at(&window.received, position),
                owed: at(&owed, position),
                guard: MemberGuard { factor: 1.0, reason: None },
            })
            .collect();
    };
    state.store.view(&workspace.id, now, &mut look).await?;
    Ok(Json(GroupSharesBody {
        group,
        unit: if policy.mode.counts_seconds() { "seconds" } else { "calls" }.to_owned(),
        period_seconds: policy.period_seconds,
        rollout: policy.rollout.told(now),
        brake,
        scores_as_of: published.scores_as_of.map(|at| at.to_string()),
        members,
    }))
}

fn weights(tally: &Tally, (ix, by_heads): (GroupIx, bool), published: &[f64], now: jiff::Timestamp) -> Vec<f64> {
    let workspace = tally.workspace();
    let parts = if by_heads { head_count::parts_there(tally, ix, now) } else { Vec::new() };
    let weigh = |(position, (member, share)): (usize, (&crate::core::workspace::Member, &f64))| {
        let part = parts.get(position).copied().unwrap_or(1.0);
        if in_rotation(tally, workspace, ix, member.who, now) { *share * part } else { 0.0 }
    };
    let raw: Vec<f64> = workspace.group(ix).members.iter().zip(published).enumerate().map(weigh).collect();
    crate::core::selection::expected_shares(&raw)
}

fn in_rotation(tally: &Tally, workspace: &Workspace, group: GroupIx, who: MemberRef, now: jiff::Timestamp) -> bool {
    match who {
        MemberRef::Agent(agent) => rotation::standing(tally, group, agent, now).in_rotation(),
        MemberRef::Group(below) => workspace
            .group(below)
            .members
            .iter()
            .any(|member| member.base > 0.0 && in_rotation(tally, workspace, below, member.who, now)),
    }
}
