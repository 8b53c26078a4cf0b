//! Who stays in a group's rotation: automatic pauses, and whether somebody may leave for a rest.
//!
//! An automatic pause follows from missed offers (`core::distribution::misses`) under the group's policy. It never empties a group: while
//! all who are left in the rotation are due one, none of them is paused, and the sales lead is told (`core::notice`).

use jiff::Timestamp;

use super::availability::{AgentLive, Pause, PauseCause};
use super::misses::MissPause;
use super::roster::Roster;
use super::tally::Tally;
use crate::core::ids::GroupId;
use crate::core::load::group_guard::{self, GroupGuard};
use crate::core::load::workload::Eased;
use crate::core::policy::MissedOffers;
use crate::core::record::{MemberStanding, PresenceState};
use crate::core::working_time::shifts::{self, AtWork, Shifts};
use crate::core::workspace::{AgentIx, GroupIx, MemberRef, PolicyIx, Workspace};

/// The automatic pauses of one group at an instant.
#[derive(Debug, Clone, Copy)]
pub struct AutomaticPauses<'a> {
    rule: &'a MissedOffers,
    now: Timestamp,
    hold: bool,
}

impl<'a> AutomaticPauses<'a> {
    /// Those of a group.
    pub fn in_group(tally: &'a Tally, group: GroupIx, now: Timestamp) -> Self {
        let rule = &tally.workspace().policy_of(group).missed_offers;
        let is_due = |agent: AgentIx| tally.agent(agent).miss_pause(rule, now).is_some();
        let hold = agents_of(tally.workspace(), group).any(is_due) && somebody_stays(tally, group, None, now);
        Self { rule, now, hold }
    }

    /// Whether they hold: not while nobody else is left.
    pub fn hold(&self) -> bool {
        self.hold
    }

    /// The pause an agent is due, whether it holds or not.
    pub fn due(&self, agent: &AgentLive) -> Option<MissPause> {
        agent.miss_pause(self.rule, self.now)
    }

    /// How an agent stands who would stand like this without automatic pauses.
    pub fn over(&self, agent: &AgentLive, stands: MemberStanding) -> MemberStanding {
        if self.hold && stands.in_rotation() && self.due(agent).is_some() { MemberStanding::Paused } else { stands }
    }
}

/// The pause that keeps an agent from all calls, and why; none for who is off duty, by hand or by the working hours. An automatic
/// pause keeps from all calls when it holds in every group the agent is in; until the first of them ends.
pub fn pause_of(tally: &Tally, agent: AgentIx, now: Timestamp) -> Option<Pause<'_>> {
    let live = tally.agent(agent);
    match live.presence(now) {
        PresenceState::OffDuty => return None,
        PresenceState::Paused | PresenceState::Available => {}
    }
    let by_hours = match shifts::at_work(tally, agent, now) {
        AtWork::Off { .. } => return None,
        AtWork::Break { until } => Some(Pause { cause: PauseCause::PlannedBreak, until }),
        AtWork::Ending { until } => Some(Pause { cause: PauseCause::ShiftEnding, until: Some(until) }),
        AtWork::Yes { .. } => None,
    };
    if let Some(pause) = live.pause(now).or(by_hours) {
        return Some(pause);
    }
    let first = miss_pauses(tally, agent, now).into_iter().map(|(_, pause)| pause).collect::<Option<Vec<MissPause>>>()?;
    let first = first.into_iter().min_by_key(|pause| pause.until)?;
    Some(Pause { cause: PauseCause::Misses(first), until: Some(first.until) })
}

/// The automatic pause that holds in each group an agent is rung through and at work in; none where the group rings the agent.
pub fn miss_pauses(tally: &Tally, agent: AgentIx, now: Timestamp) -> Vec<(GroupIx, Option<MissPause>)> {
    let live = tally.agent(agent);
    if live.misses.is_empty() {
        return Vec::new();
    }
    let works = |group: &GroupIx| matches!(Shifts::in_group(tally, *group, now).at_work(agent, live), AtWork::Yes { .. });
    let in_group = |group| {
        let pauses = AutomaticPauses::in_group(tally, group, now);
        (group, pauses.due(live).filter(|_| pauses.hold()))
    };
    groups_of(tally.workspace(), agent).filter(works).map(in_group).collect()
}

/// The guard's stop that keeps an agent from all calls: it holds in every group the agent is in; the one that came first. None for
/// who is off duty or paused.
pub fn stop_of(tally: &Tally, agent: AgentIx, now: Timestamp) -> Option<Eased> {
    if tally.agent(agent).presence(now) != PresenceState::Available {
        return None;
    }
    let in_group = |group| {
        let guard = GroupGuard::in_group(tally, group, &Roster::of_group(tally, group, now), now);
        guard.eased().iter().find(|member| member.agent == agent && member.is_stopped()).map(|member| member.eased)
    };
    let all: Option<Vec<Eased>> = groups_of(tally.workspace(), agent).map(in_group).collect();
    all?.into_iter().min_by_key(|eased| eased.since_us)
}

/// How an agent stands for a new call through a group, everything considered.
pub fn standing(tally: &Tally, group: GroupIx, agent: AgentIx, now: Timestamp) -> MemberStanding {
    let (live, roster) = (tally.agent(agent), Roster::of_group(tally, group, now));
    let there = roster.over(agent, live, live.standing(&tally.workspace().policy_of(group).guard, now, None));
    let guard = GroupGuard::in_group(tally, group, &roster, now);
    let stopped = guard.eased().iter().any(|member| member.agent == agent && member.is_stopped());
    if there.in_rotation() && stopped { MemberStanding::Stopped } else { there }
}

/// Why an agent cannot rest now.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RestRefusal {
    /// The rest would end on duty.
    #[error("who is off duty does not rest: set the presence to available first")]
    OffDuty,
    /// There is a pause already, which may be longer.
    #[error("the agent is paused already: set another pause to change its end")]
    Paused,
    /// A group needs the agent.
    #[error("nobody else takes calls in group `{0}` now: rest once somebody is back, or let a sales lead bring somebody in")]
    NobodyElse(GroupId),
}

/// Whether an agent may rest now: in each group of the agent somebody else must stay in the rotation. Who is paused for
/// misses may: that pause comes from nobody's wish.
pub fn may_rest(tally: &Tally, agent: AgentIx, now: Timestamp) -> Result<(), RestRefusal> {
    match tally.agent(agent).presence(now) {
        PresenceState::OffDuty => return Err(RestRefusal::OffDuty),
        PresenceState::Paused => return Err(RestRefusal::Paused),
        PresenceState::Available => {}
    }
    match shifts::at_work(tally, agent, now) {
        AtWork::Off { .. } => return Err(RestRefusal::OffDuty),
        AtWork::Break { .. } => return Err(RestRefusal::Paused),
        AtWork::Ending { .. } | AtWork::Yes { .. } => {}
    }
    let workspace = tally.workspace();
    match groups_of(workspace, agent).find(|group| !somebody_stays(tally, *group, Some(agent), now)) {
        Some(emptied) => Err(RestRefusal::NobodyElse(workspace.group(emptied).id.clone())),
        None => Ok(()),
    }
}

/// The groups that an agent is rung through.
pub fn groups_of(workspace: &Workspace, agent: AgentIx) -> impl Iterator<Item = GroupIx> {
    let groups = (0..).map(GroupIx).take(workspace.groups.len());
    groups.filter(move |group| agents_of(workspace, *group).any(|member| member == agent))
}

/// The agents that are rung through a group itself, not through groups inside it.
pub fn agents_of(workspace: &Workspace, group: GroupIx) -> impl Iterator<Item = AgentIx> {
    let members = workspace.group(group).members.iter().filter(|member| member.base > 0.0);
    members.filter_map(|member| match member.who {
        MemberRef::Agent(agent) => Some(agent),
        MemberRef::Group(_) => None,
    })
}

/// Whether anybody of a group, apart from one agent, takes calls now and goes on doing so.
fn somebody_stays(tally: &Tally, group: GroupIx, apart_from: Option<AgentIx>, now: Timestamp) -> bool {
    let (policy, shifts) = (tally.workspace().group(group).policy, Shifts::in_group(tally, group, now));
    let members = tally.workspace().group(group).members.iter().filter(|member| member.base > 0.0);
    members.into_iter().any(|member| match member.who {
        MemberRef::Agent(agent) => {
            let works = || matches!(shifts.at_work(agent, tally.agent(agent)), AtWork::Yes { .. });
            Some(agent) != apart_from && stays(tally, agent, policy, now) && works()
        }
        MemberRef::Group(below) => somebody_stays(tally, below, apart_from, now),
    })
}

/// Whom the guard stops does not stay, even where it is held back because of the load.
fn stays(tally: &Tally, ix: AgentIx, policy_ix: PolicyIx, now: Timestamp) -> bool {
    let (agent, policy) = (tally.agent(ix), tally.workspace().policy(policy_ix));
    let leaves = agent.pending_pause(now).is_some() || agent.miss_pause(&policy.missed_offers, now).is_some();
    let stopped = || group_guard::eased(tally, ix, policy_ix, now).is_some_and(|eased| eased.factor == 0.0);
    !leaves && agent.standing(&policy.guard, now, None).in_rotation() && !stopped()
}
