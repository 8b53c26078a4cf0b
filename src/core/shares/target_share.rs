//! How much of a group's calls each member should get: typed base shares, bent by value, kept between bounds.
//!
//! ```text
//! share_i = clamp(tau * base_i * value_i^strength, floor * base_i, ceiling * base_i), one tau so that the shares sum to 1
//! ```
//!
//! A share in proportion to money per call, never far from what the sales lead typed in; the floor is also how the system
//! keeps learning about everybody. It must not smooth over time: that is `share_plan`.

use std::collections::HashMap;

use jiff::Timestamp;

use super::head_count;
use crate::core::ids::{AgentId, MemberId};
use crate::core::policy::{Mode, Policy, ScoreSettings};
use crate::core::scoring::adjustments::{Adjustment, Adjustments};
use crate::core::scoring::score_table::ScoreTable;
use crate::core::workspace::{GroupIx, Member, MemberRef, Workspace};

/// A ceiling or a pull beyond these bounds changes no share and would only overflow.
const CEILING_MAX: f64 = 1e100;
const PULL_MIN: f64 = 1e-200;

/// What a group's shares should become.
#[derive(Debug, Clone, PartialEq)]
pub struct ShareTargets {
    /// In the order of the group's members.
    pub members: Vec<MemberTarget>,
    /// Half-life with which published shares follow a changed score, in seconds; 0 means at once.
    pub smoothing_seconds: u64,
    /// How old the scores are that targets were bent by; none when no score plays a part.
    pub scores_as_of: Option<Timestamp>,
}

/// One member's part.
#[derive(Debug, Clone, PartialEq)]
pub struct MemberTarget {
    /// Who.
    pub member: MemberId,
    /// Share by typed base alone; all of a group's sum to 1.
    pub base: f64,
    /// Share after scores; all of a group's sum to 1.
    pub target: f64,
}

/// The targets of a group under its policy's mode, when nothing else bends its shares.
pub fn targets(workspace: &Workspace, group: GroupIx, table: Option<&ScoreTable>) -> ShareTargets {
    adjusted_targets(workspace, group, table, &Adjustments::default())
}

/// The targets of a group under its policy's mode.
///
/// `percent`: the base shares. `equal_calls`, `equal_talk_time`: the same for everybody whose base is above 0. `performance`: bent
/// by the values of `table`; without a table, or with another policy's, everybody's value is 1. A member that is itself a group
/// has the value of its people's results added up. `head_count`: by the number of people. Where the base counts, a newcomer's is a part of
/// what was typed, before scores; a correction multiplies the value; both of people only.
pub fn adjusted_targets(
    workspace: &Workspace,
    group: GroupIx,
    table: Option<&ScoreTable>,
    adjustments: &Adjustments,
) -> ShareTargets {
    let Bent { base, solved, table } = bent(workspace, group, table, adjustments);
    let members = &workspace.group(group).members;
    let settings = scored(workspace.policy_of(group));
    let target = solved.map_or_else(|| base.clone(), |solved| solved.shares);
    ShareTargets {
        members: members
            .iter()
            .zip(base)
            .zip(target)
            .map(|((member, base), target)| MemberTarget { member: member_id(workspace, member.who), base, target })
            .collect(),
        smoothing_seconds: settings.map_or(0, |score| score.smoothing_seconds),
        scores_as_of: table.map(|table| table.as_of),
    }
}

/// What a group's shares are made of.
struct Bent<'t> {
    /// Each member's part of the base, newcomers reduced.
    base: Vec<f64>,
    /// None where nothing bends the base.
    solved: Option<SolvedShares>,
    /// The scores that play a part.
    table: Option<&'t ScoreTable>,
}

fn scored(policy: &Policy) -> Option<&ScoreSettings> {
    match policy.mode {
        Mode::Performance => policy.score.as_ref(),
        Mode::Percent | Mode::EqualCalls | Mode::EqualTalkTime | Mode::HeadCount => None,
    }
}

fn bent<'t>(workspace: &Workspace, group: GroupIx, table: Option<&'t ScoreTable>, adjustments: &Adjustments) -> Bent<'t> {
    let members = &workspace.group(group).members;
    let policy = workspace.policy_of(group);
    let adjustment = |who: MemberRef| match who {
        MemberRef::Agent(ix) => adjustments.of(&workspace.agent(ix).id),
        MemberRef::Group(_) => Adjustment::NONE,
    };
    let typed = |member: &Member| {
        let ramp_up = if policy.mode.uses_base() { adjustment(member.who).ramp_up } else { 1.0 };
        head_count::typed(workspace, policy, member) * ramp_up
    };
    let base = normalised(&members.iter().map(typed).collect::<Vec<f64>>());
    let settings = scored(policy);
    let table = table.filter(|table| settings.is_some() && table.policy == policy.id);
    let known: HashMap<&AgentId, f64> =
        table.iter().flat_map(|table| &table.agents).map(|score| (&score.agent, score.value)).collect();
    let of_group = |ix: GroupIx| table.map_or(1.0, |table| table.value_of_group(&workspace.group(ix).id));
    let value = |member: &Member| match member.who {
        MemberRef::Agent(ix) => known.get(&workspace.agent(ix).id).copied().unwrap_or(1.0) * adjustment(member.who).correction,
        MemberRef::Group(ix) => of_group(ix),
    };
    let values: Vec<f64> = members.iter().map(value).collect();
    let bends = settings.filter(|_| values.iter().any(|value| *value != 1.0));
    let solved = bends.map(|score| solve(&base, &values, score.strength, score.floor, score.ceiling));
    Bent { base, solved, table }
}

/// What keeps a share from following the value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// It would be less than the floor times the base.
    Floor,
    /// It would be more than the ceiling times the base.
    Ceiling,
}

/// How a member's target share in a group comes about:
/// `target = clamp(tau * part * value^strength, floor * part, ceiling * part)`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ShareExplanation {
    /// Typed share, as a part of all that were typed.
    pub base: f64,
    /// Times that, for a newcomer.
    pub ramp_up: f64,
    /// What results come to, corrected.
    pub value: f64,
    /// To this power.
    pub strength: f64,
    /// What brings everybody's shares to 1, floor and ceiling included: `base * ramp_up * value^strength * scale = target`.
    /// None where that cannot be, because the base is 0. Of another member it is another number: what is common to all is `tau`.
    pub scale: Option<f64>,
    /// The base after ramp-up as a part of everybody's.
    pub part: f64,
    /// One number for all members of the group, so that their shares sum to 1. None where everybody who can rise is at the
    /// ceiling.
    pub tau: Option<f64>,
    /// Whether the floor or the ceiling holds; none where the share follows the value.
    pub limited_by: Option<Limit>,
    /// The target share.
    pub target: f64,
}

/// Explains a member's target share; none for who is no member.
pub fn explain(
    workspace: &Workspace,
    (group, who): (GroupIx, MemberRef),
    table: Option<&ScoreTable>,
    adjustments: &Adjustments,
) -> Option<ShareExplanation> {
    let members = &workspace.group(group).members;
    let position = members.iter().position(|member| member.who == who)?;
    let policy = workspace.policy_of(group);
    let bent = bent(workspace, group, table, adjustments);
    let part = *bent.base.get(position)?;
    let target = bent.solved.as_ref().map_or(Some(part), |solved| solved.shares.get(position).copied())?;
    let typed = |member: &Member| head_count::typed(workspace, policy, member);
    let base = *normalised(&members.iter().map(typed).collect::<Vec<f64>>()).get(position)?;
    let table = table.filter(|table| table.policy == policy.id);
    let (adjustment, value) = match who {
        MemberRef::Agent(ix) => {
            let id = &workspace.agent(ix).id;
            (adjustments.of(id), table.map_or(1.0, |table| table.value_of(id)))
        }
        MemberRef::Group(ix) => (Adjustment::NONE, table.map_or(1.0, |table| table.value_of_group(&workspace.group(ix).id))),
    };
    let ramp_up = if policy.mode.uses_base() { adjustment.ramp_up } else { 1.0 };
    let (value, strength) = match &policy.score {
        Some(score) => (value * adjustment.correction, score.strength),
        None => (1.0, 0.0),
    };
    let pulled = base * ramp_up * value.powf(strength);
    let scale = (pulled > 0.0 && pulled.is_finite()).then(|| target / pulled);
    let (tau, limited_by) = match &bent.solved {
        Some(solved) => (solved.tau, solved.limits.get(position).copied().flatten().filter(|_| part > 0.0)),
        None => (Some(1.0), None),
    };
    Some(ShareExplanation { base, ramp_up, value, strength, scale, part, tau, limited_by, target })
}

fn member_id(workspace: &Workspace, member: MemberRef) -> MemberId {
    match member {
        MemberRef::Agent(ix) => MemberId::from(&workspace.agent(ix).id),
        MemberRef::Group(ix) => MemberId::from(&workspace.group(ix).id),
    }
}

/// Shares in proportion to `base * value^strength`, each between `floor` and `ceiling` times its normalised base, that
/// sum to 1. Solved exactly: the sum grows in straight pieces with tau, so the piece in which it reaches 1 is found and its line
/// solved.
///
/// Members with base 0 get 0; when all bases are 0, or there are no members, all shares are 0. A base that is negative or
/// not a number counts as 0; such a value, or a missing one, as 1. A floor above 1 or a ceiling below 1 could not sum to 1 and count as
/// 1. Value 0 is the limit of ever smaller values: the floor, unless the others' ceilings leave more.
pub fn bounded_shares(base: &[f64], value: &[f64], strength: f64, floor: f64, ceiling: f64) -> Vec<f64> {
    solve(base, value, strength, floor, ceiling).shares
}

/// Shares with what they come from.
struct SolvedShares {
    shares: Vec<f64>,
    /// In units of `value^strength`; none where everybody who can rise is at the ceiling, or where no number holds it.
    tau: Option<f64>,
    limits: Vec<Option<Limit>>,
}

fn solve(base: &[f64], value: &[f64], strength: f64, floor: f64, ceiling: f64) -> SolvedShares {
    let base = normalised(base);
    let bounds = Bounds::sane(floor, ceiling, &base);
    let (pulls, unit) = pulls(value, base.len(), strength);
    let members: Vec<Pulled> = base.iter().zip(pulls).map(|(base, pull)| Pulled::new(*base, pull, bounds)).collect();
    match tau_for_sum_one(&members, bounds) {
        Some(tau) => SolvedShares {
            shares: members.iter().map(|member| member.share(tau, bounds)).collect(),
            tau: Some(tau / unit).filter(|tau| tau.is_finite() && *tau > 0.0),
            limits: members.iter().map(|member| member.limit(tau)).collect(),
        },
        None => SolvedShares {
            shares: shares_at_the_ceiling(&members, bounds),
            tau: None,
            limits: members.iter().map(|member| (member.pull > 0.0).then_some(Limit::Ceiling)).collect(),
        },
    }
}

/// Each part of the whole; all 0 when the whole is 0. What is negative or not finite counts as 0.
fn normalised(base: &[f64]) -> Vec<f64> {
    let usable = |base: &f64| if base.is_finite() && *base > 0.0 { *base } else { 0.0 };
    let largest = base.iter().map(usable).fold(0.0, f64::max);
    if largest <= 0.0 {
        return vec![0.0; base.len()];
    }
    // Divided by the largest first, so that no sum can overflow.
    let scaled: Vec<f64> = base.iter().map(|base| usable(base) / largest).collect();
    let sum: f64 = scaled.iter().sum();
    scaled.iter().map(|base| base / sum).collect()
}

/// `value^strength` as a part of the largest, and the largest: only proportions matter, and powers of large values would overflow.
fn pulls(value: &[f64], count: usize, strength: f64) -> (Vec<f64>, f64) {
    let strength = if strength.is_finite() { strength.max(0.0) } else { 1.0 };
    let usable = |at: usize| value.get(at).copied().filter(|value| value.is_finite() && *value >= 0.0).unwrap_or(1.0);
    let largest = (0..count).map(usable).fold(0.0, f64::max);
    if largest <= 0.0 {
        return (vec![1.0; count], 1.0);
    }
    let pull = |at: usize| (usable(at) / largest).powf(strength);
    let pulls = (0..count).map(pull).map(|pull| if pull < PULL_MIN { 0.0 } else { pull }).collect();
    (pulls, largest.powf(strength))
}

#[derive(Debug, Clone, Copy)]
struct Bounds {
    floor: f64,
    ceiling: f64,
}

impl Bounds {
    fn sane(floor: f64, ceiling: f64, base: &[f64]) -> Self {
        // Nobody can have more than everything: a ceiling beyond that never binds.
        let smallest = base.iter().copied().filter(|base| *base > 0.0).fold(1.0, f64::min);
        let no_ceiling = (1.0 / smallest).min(CEILING_MAX);
        Self {
            floor: if floor.is_nan() { 0.0 } else { floor.clamp(0.0, 1.0) },
            ceiling: if ceiling.is_nan() { no_ceiling } else { ceiling.clamp(1.0, no_ceiling.max(1.0)) },
        }
    }
}

/// A member with the two values of tau between which its share moves.
#[derive(Debug, Clone, Copy)]
struct Pulled {
    base: f64,
    pull: f64,
    leaves_floor: f64,
    meets_ceiling: f64,
}

impl Pulled {
    fn new(base: f64, pull: f64, bounds: Bounds) -> Self {
        let edge = |bound: f64| if pull > 0.0 { bound / pull } else { f64::INFINITY };
        Self { base, pull, leaves_floor: edge(bounds.floor), meets_ceiling: edge(bounds.ceiling) }
    }

    fn share(&self, tau: f64, bounds: Bounds) -> f64 {
        self.base * (tau * self.pull).clamp(bounds.floor, bounds.ceiling)
    }

    fn limit(&self, tau: f64) -> Option<Limit> {
        if tau > self.meets_ceiling {
            Some(Limit::Ceiling)
        } else if tau < self.leaves_floor {
            Some(Limit::Floor)
        } else {
            None
        }
    }
}

/// The tau at which shares sum to 1; none when they stay below 1 with everybody who can rise at the ceiling.
fn tau_for_sum_one(members: &[Pulled], bounds: Bounds) -> Option<f64> {
    let mut edges: Vec<f64> = members
        .iter()
        .filter(|member| member.base > 0.0 && member.pull > 0.0)
        .flat_map(|member| [member.leaves_floor, member.meets_ceiling])
        .collect();
    edges.sort_unstable_by(f64::total_cmp);
    let sum_at = |tau: f64| members.iter().map(|member| member.share(tau, bounds)).sum::<f64>();
    let piece = edges.partition_point(|tau| sum_at(*tau) < 1.0);
    let upper = *edges.get(piece)?;
    let lower = piece.checked_sub(1).and_then(|before| edges.get(before)).copied().unwrap_or(0.0);

    let (mut fixed, mut slope) = (0.0, 0.0);
    for member in members {
        if member.leaves_floor >= upper {
            fixed += member.base * bounds.floor;
        } else if member.meets_ceiling <= lower {
            fixed += member.base * bounds.ceiling;
        } else {
            slope += member.base * member.pull;
        }
    }
    let tau = if slope > 0.0 { (1.0 - fixed) / slope } else { upper };
    Some(tau.clamp(lower, upper))
}

/// Everybody who can rise is at the ceiling, and those of value 0 share what is left in proportion to base.
fn shares_at_the_ceiling(members: &[Pulled], bounds: Bounds) -> Vec<f64> {
    let base_of =
        |rises: bool| -> f64 { members.iter().filter(|member| (member.pull > 0.0) == rises).map(|member| member.base).sum() };
    let left = 1.0 - bounds.ceiling * base_of(true);
    let waiting = base_of(false);
    let level = if waiting > 0.0 { (left / waiting).clamp(bounds.floor, bounds.ceiling) } else { bounds.floor };
    members.iter().map(|member| member.base * if member.pull > 0.0 { bounds.ceiling } else { level }).collect()
}
