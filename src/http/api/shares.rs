//! A group's shares: what each member should get and got.

use axum::Json;
use axum::extract::{Path, State};
use serde::Serialize;
use utoipa::ToSchema;

use crate::core::distribution::roster::Roster;
use crate::core::distribution::rotation;
use crate::core::distribution::tally::Tally;
use crate::core::ids::GroupId;
use crate::core::load::feasible_share::GroupCeiling;
use crate::core::load::group_guard::{self, GroupGuard};
use crate::core::load::load_meter;
use crate::core::policy::Mode;
use crate::core::shares::head_count;
use crate::core::workspace::{GroupIx, MemberRef};
use crate::http::access::Reader;
use crate::http::problem::{Code, Problem};
use crate::http::state::AppState;

/// What reduces or stops a member's calls.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct MemberGuard {
    /// 1 = nothing, 0 = stopped: times the weight.
    pub factor: f64,
    /// Why, below 1: `talk_minutes calls_per_hour occupancy calls_in_a_row minutes_since_rest`.
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
    /// The largest share the member can carry at the load of now, 0 to 1: what one person can, and for a group what all its people
    /// can together. Null for too few calls to say.
    pub feasible: Option<f64>,
    /// Whether the target lies above it (by half a percentage point or more): what is missed goes to the others.
    pub above_feasible: bool,
}

/// What the calls of a group ask of its people.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct GroupLoad {
    /// Calls answered per hour, over the hours in which calls came.
    pub calls_per_hour: f64,
    /// For how long one of them keeps a person busy on average: talk and after-call time, in seconds.
    pub busy_seconds_per_call: f64,
    /// How many people are busy with them on average.
    pub erlangs: f64,
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
    /// The load of now, measured over the last period, or the last four hours where that is longer; null for too few calls to say.
    pub load: Option<GroupLoad>,
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
    let (mut members, mut brake, mut load) = (Vec::new(), false, None);
    let mut look = |tally: &Tally| {
        let (book, ids) = (tally.book(ix), tally.members(ix));
        let window = book.window(ids, now.as_microsecond());
        let owed = book.credits(ids, now.as_microsecond());
        let received: f64 = window.received.iter().sum();
        brake = tally.interventions().equal_shares(&policy.id);
        let targets = if brake { workspace.equal_shares(ix) } else { &published.published };
        let by_heads = policy.mode == Mode::HeadCount && !brake;
        let (weights, guards) = weights(tally, (ix, by_heads), targets, now);
        load = load_meter::load_now(tally, ix, now);
        let ceiling = load.map(|load| GroupCeiling { workspace: tally.workspace(), group: ix, load });
        let who = |position: usize| tally.workspace().group(ix).members.get(position).map(|member| member.who);
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
                guard: guards.get(position).cloned().unwrap_or(MemberGuard { factor: 1.0, reason: None }),
                feasible: ceiling.zip(who(position)).map(|(ceiling, who)| ceiling.feasible(who)),
                above_feasible: ceiling
                    .zip(who(position))
                    .is_some_and(|(ceiling, who)| ceiling.is_above(who, at(targets, position))),
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
        load: load.map(|load| GroupLoad {
            calls_per_hour: load.calls_per_hour(),
            busy_seconds_per_call: load.busy_seconds_per_call(),
            erlangs: load.erlangs(),
        }),
        members,
    }))
}

/// Shares over the rotation after the guard, and what the guard says of each member; `by_heads` where member groups count with the
/// part of their people that is there.
fn weights(
    tally: &Tally,
    (ix, by_heads): (GroupIx, bool),
    published: &[f64],
    now: jiff::Timestamp,
) -> (Vec<f64>, Vec<MemberGuard>) {
    let (workspace, policy) = (tally.workspace(), tally.workspace().policy_of(ix));
    let roster = Roster::of_group(tally, ix, now);
    let guard = GroupGuard::in_group(tally, ix, &roster, now);
    let parts = if by_heads { head_count::parts_there(tally, ix, now) } else { Vec::new() };
    let mut eased = Vec::new();
    let mut weights: Vec<f64> = Vec::with_capacity(published.len());
    for (position, (member, share)) in workspace.group(ix).members.iter().zip(published).enumerate() {
        weights.push(match member.who {
            MemberRef::Group(_) if !in_rotation(tally, ix, member.who, now) => 0.0,
            MemberRef::Group(_) => *share * parts.get(position).copied().unwrap_or(1.0),
            MemberRef::Agent(agent) => {
                let live = tally.agent(agent);
                let stands = roster.over(agent, live, live.standing(&policy.guard, now, None));
                if stands.in_rotation() {
                    eased.extend(guard.recorded(position, policy.own_setting.factor(live.load)));
                }
                if guard.over(position, stands).in_rotation() { *share } else { 0.0 }
            }
        });
    }
    group_guard::ease_weights(&mut weights, &mut eased);
    let mut told = vec![MemberGuard { factor: 1.0, reason: None }; weights.len()];
    for member in &eased {
        let cause = member.cause.filter(|_| member.factor < 1.0);
        if let Some(told) = told.get_mut(member.member as usize) {
            *told = MemberGuard { factor: member.factor, reason: cause.map(|cause| cause.by.as_str().to_owned()) };
        }
    }
    (crate::core::distribution::selection::expected_shares(&weights), told)
}

/// Whether a member takes calls now. For a group: somebody in it does.
fn in_rotation(tally: &Tally, group: GroupIx, who: MemberRef, now: jiff::Timestamp) -> bool {
    match who {
        MemberRef::Agent(agent) => rotation::standing(tally, group, agent, now).in_rotation(),
        MemberRef::Group(below) => {
            let mut members = tally.workspace().group(below).members.iter();
            members.any(|member| member.base > 0.0 && in_rotation(tally, below, member.who, now))
        }
    }
}
