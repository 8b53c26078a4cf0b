//! The guard in one group at an instant: who is eased, who is stopped, and whether the others could carry it.
//!
//! The guard moves load to the others, so it looks at everybody at once. Stops take effect in the order in which they were reached
//! (then in the order of the members). With the load A that the group's people carried in the last 60 minutes, in Erlangs, and m
//! people who would be left after one more stop: if A / m > 0.90 that stop and all after it are held back, and the lead is told
//! (`core::notice`). Who is held back stays in the rotation with the smallest weight of anybody whom the guard has not stopped, or
//! with the own one if that is smaller or there is nobody else. The last person of a group may be stopped: there is nobody whom that
//! would overload, and the policy says where calls go then (`guard.when_all_stopped`).
//!
//! One more call, asked for by the agent, lets a taper pass once, never a stop. It chooses nobody.

use jiff::Timestamp;

use super::guard::{self, Indicator};
use super::offered_load::OfferedLoad;
use super::workload::{Course, Eased};
use crate::core::distribution::availability::AgentLive;
use crate::core::distribution::roster::Roster;
use crate::core::distribution::tally::Tally;
use crate::core::policy::Policy;
use crate::core::record::{EaseCause, EasedMember, MemberStanding, Spared};
use crate::core::workspace::{AgentIx, GroupIx, MemberRef, PolicyIx};

/// Above this mean occupancy of those who would be left nobody more is stopped.
pub const TEAM_OCCUPANCY_MAX: f64 = 0.90;

/// A load that a group could not carry with one person fewer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TeamOverload {
    /// What the group's people carried in the last 60 minutes, in Erlangs.
    pub erlangs: f64,
    /// How many would have been left.
    pub left: u32,
    /// Since when the first stop is held back.
    pub since: Timestamp,
}

/// One member's word from the guard.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MemberEase {
    /// Position among the group's members.
    pub position: usize,
    /// Who.
    pub agent: AgentIx,
    /// What the indicators say.
    pub eased: Eased,
    /// Why less is done.
    pub spared: Option<Spared>,
}

impl MemberEase {
    /// Whether the member is out of the rotation.
    pub fn is_stopped(&self) -> bool {
        self.eased.factor == 0.0 && self.spared != Some(Spared::TeamOverloaded)
    }
}

/// The guard in one group at an instant.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct GroupGuard {
    /// By position.
    eased: Vec<MemberEase>,
    overload: Option<TeamOverload>,
}

impl GroupGuard {
    /// That of a group, given who is there.
    pub fn in_group(tally: &Tally, group: GroupIx, roster: &Roster<'_>, now: Timestamp) -> Self {
        let (workspace, policy) = (tally.workspace(), tally.workspace().group(group).policy);
        if workspace.policy(policy).guard.limits.are_off() {
            return Self::default();
        }
        let mut found = Self::default();
        for (position, member) in workspace.group(group).members.iter().enumerate().filter(|(_, member)| member.base > 0.0) {
            let MemberRef::Agent(agent) = member.who else { continue };
            if let Some((eased, spared)) = eased_by(tally.agent(agent), policy, workspace.policy(policy), now) {
                found.eased.push(MemberEase { position, agent, eased, spared });
            }
        }
        if found.eased.iter().any(MemberEase::is_stopped) {
            found.hold_back(tally, group, roster, now);
        }
        found
    }

    /// What it says of a member; none for who has the whole share.
    pub fn of(&self, position: usize) -> Option<&MemberEase> {
        let place = self.eased.binary_search_by_key(&position, |member| member.position).ok()?;
        self.eased.get(place)
    }

    /// How a member stands who would stand like this without it.
    pub fn over(&self, position: usize, stands: MemberStanding) -> MemberStanding {
        let stopped = stands.in_rotation() && self.of(position).is_some_and(MemberEase::is_stopped);
        if stopped { MemberStanding::Stopped } else { stands }
    }

    /// What is recorded of a member who is in the rotation, or would be but for the guard.
    pub fn recorded(&self, position: usize, own: f64) -> Option<EasedMember> {
        let member = u32::try_from(position).ok()?;
        match self.of(position) {
            None if own == 1.0 => None,
            None => Some(EasedMember { member, factor: 1.0, own, cause: None }),
            Some(MemberEase { eased, spared, .. }) => {
                let readings = Indicator::ALL.map(|indicator| eased.readings.of(indicator));
                let factor = if *spared == Some(Spared::OneMore) { 1.0 } else { eased.factor };
                Some(EasedMember { member, factor, own, cause: Some(EaseCause { by: eased.by, readings, spared: *spared }) })
            }
        }
    }

    /// All whom it eases or stops.
    pub fn eased(&self) -> &[MemberEase] {
        &self.eased
    }

    /// The load that holds stops back; none where nothing does.
    pub fn overload(&self) -> Option<TeamOverload> {
        self.overload
    }

    fn hold_back(&mut self, tally: &Tally, group: GroupIx, roster: &Roster<'_>, now: Timestamp) {
        let workspace = tally.workspace();
        let policy = workspace.policy_of(group);
        let takes_calls = |agent: AgentIx| {
            let live = tally.agent(agent);
            roster.over(agent, live, live.standing(&policy.guard, now, None)).in_rotation()
        };
        let agents = || crate::core::distribution::rotation::agents_of(workspace, group);
        let people = agents().filter(|agent| takes_calls(*agent)).count();
        let mut due: Vec<&mut MemberEase> =
            self.eased.iter_mut().filter(|member| member.is_stopped() && takes_calls(member.agent)).collect();
        due.sort_by_key(|member| (member.eased.since_us, member.position));
        let load = carried_load(tally, agents(), workspace.group(group).policy, now);
        for (stopped, left) in (1..=due.len()).map(|stops| (stops - 1, people.saturating_sub(stops))) {
            let left = u32::try_from(left).unwrap_or(u32::MAX);
            let occupancy = load.and_then(|load| load.occupancy(left));
            if let (Some(load), true) = (load, occupancy.is_some_and(|occupancy| occupancy > TEAM_OCCUPANCY_MAX)) {
                let held = due.iter_mut().skip(stopped);
                held.for_each(|member| member.spared = Some(Spared::TeamOverloaded));
                let since_us = due.get(stopped).map_or(0, |member| member.eased.since_us);
                let since = Timestamp::from_microsecond(since_us).unwrap_or(now);
                self.overload = Some(TeamOverload { erlangs: load.erlangs(), left, since });
                return;
            }
        }
    }
}

/// What the indicators say of an agent under a policy, and whether the agent asked to pass a taper.
fn eased_by(live: &AgentLive, policy_ix: PolicyIx, policy: &Policy, now: Timestamp) -> Option<(Eased, Option<Spared>)> {
    let now_us = now.as_microsecond();
    let eased = live.activity.with_course(policy_ix.0 as usize, &policy.guard, |course| course.eased(now_us))?;
    let passes = eased.factor > 0.0 && live.wants_one_more(now);
    Some((eased, passes.then_some(Spared::OneMore)))
}

/// What the indicators say of an agent under a policy, whatever the others carry; none for who has the whole share.
pub fn eased(tally: &Tally, agent: AgentIx, policy: PolicyIx, now: Timestamp) -> Option<Eased> {
    let rules = tally.workspace().policy(policy);
    if rules.guard.limits.are_off() {
        return None;
    }
    eased_by(tally.agent(agent), policy, rules, now).map(|(eased, _)| eased)
}

/// What people carried in the last 60 minutes, over all groups: each is one person.
fn carried_load(tally: &Tally, agents: impl Iterator<Item = AgentIx>, policy: PolicyIx, now: Timestamp) -> Option<OfferedLoad> {
    let guard = &tally.workspace().policy(policy).guard;
    let now_us = now.as_microsecond();
    let (mut calls, mut seconds) = (0u64, 0.0);
    for agent in agents {
        let read = |course: &Course| (course.workload().readings(now_us).calls_per_hour, course.workload().busy_seconds(now_us));
        let (taken, busy) = tally.agent(agent).activity.with_course(policy.0 as usize, guard, read);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count")]
        let taken = taken as u64;
        calls += taken;
        seconds += busy;
    }
    OfferedLoad::measured(calls.max(1), seconds, 3600.0)
}

/// Gives everybody who is eased the weight that is left, and who is held back the smallest one; `weights` are those before, 0 outside
/// the rotation.
pub fn ease_weights(weights: &mut [f64], eased: &mut [EasedMember]) {
    let is_held = |member: &EasedMember| member.cause.is_some_and(|cause| cause.spared == Some(Spared::TeamOverloaded));
    for member in eased.iter() {
        if let Some(weight) = weights.get_mut(member.member as usize) {
            *weight *= member.own * if is_held(member) { 1.0 } else { member.factor };
        }
    }
    if !eased.iter().any(is_held) {
        return;
    }
    let held: Vec<usize> = eased.iter().filter(|member| is_held(member)).map(|member| member.member as usize).collect();
    let others = weights.iter().enumerate().filter(|(position, weight)| **weight > 0.0 && !held.contains(position));
    let smallest = others.map(|(_, weight)| *weight).fold(f64::INFINITY, f64::min);
    for member in eased.iter_mut().filter(|member| is_held(member)) {
        let Some(weight) = weights.get_mut(member.member as usize).filter(|weight| **weight > 0.0) else { continue };
        member.factor = (smallest / *weight).min(1.0);
        *weight *= member.factor;
    }
}

/// By how much a stopped person is past the limits that stopped them: the most of the indicators, in bands.
pub fn excess(eased: &Eased, policy: &Policy) -> f64 {
    let limits = &policy.guard.limits;
    Indicator::ALL
        .into_iter()
        .map(|indicator| guard::excess(indicator, &eased.readings, limits))
        .fold(f64::NEG_INFINITY, f64::max)
}
