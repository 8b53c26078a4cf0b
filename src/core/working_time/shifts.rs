//! What working hours do to people: who is off duty by them, in a planned break, or could not finish one more call.
//!
//! Everything follows from the schedule, the presence set by hand and the instant. The rules:
//!
//! - Outside the hours an agent is off duty. `available` set by hand is extra work: with an end it holds until then, whatever the
//!   schedule does; without one until the schedule's next change.
//! - `off_duty` and `paused` set by hand hold as ever.
//! - A planned break is overridden by nothing.
//! - Whoever could not finish a call of the group's mean length before the end of the shift or the next break is given none.
//!
//! An agent's own hours hold whichever group a call comes through; without them it is each group's that hold.

use jiff::Timestamp;

use super::hours::{Phase, Window};
use crate::core::distribution::availability::AgentLive;
use crate::core::distribution::rotation;
use crate::core::distribution::tally::Tally;
use crate::core::record::{MemberStanding, PresenceState};
use crate::core::workspace::{AgentIx, GroupIx, HoursIx, Workspace};

/// Whether an agent works, by the hours alone; who is nearest to taking a call first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AtWork {
    /// Works; until when, where that is known.
    Yes {
        /// The end of the shift, or the next planned break.
        until: Option<Timestamp>,
    },
    /// Works, but could not finish one more call before the shift ends or a break begins.
    Ending {
        /// When that is.
        until: Timestamp,
    },
    /// In a planned break.
    Break {
        /// When it ends.
        until: Option<Timestamp>,
    },
    /// Outside the hours.
    Off {
        /// When they begin.
        until: Option<Timestamp>,
    },
}

impl AtWork {
    /// By a window of the schedule and what was set by hand; `call_seconds` is how long one more call would take.
    pub fn of(window: &Window, live: &AgentLive, now: Timestamp, call_seconds: f64) -> Self {
        let by_hand = live.set_by_hand(now).filter(|set| set.state == PresenceState::Available);
        let hand_until = by_hand.and_then(|set| set.until);
        let ends = match window.phase {
            Phase::Break => return Self::Break { until: window.until },
            Phase::Open if window.next == Phase::Closed => {
                window.until.map(|until| hand_until.map_or(until, |hand| until.max(hand)))
            }
            Phase::Open => window.until,
            Phase::Closed => match by_hand {
                // Extra work that goes on into the hours has no end of its own.
                Some(set) if set.until.is_some() => set.until.filter(|end| window.until.is_none_or(|opens| *end < opens)),
                Some(set) if window.since.is_none_or(|closed| closed <= set.set_at) => None,
                Some(_) | None => return Self::Off { until: window.until },
            },
        };
        match ends {
            Some(until) if until.duration_since(now).as_secs_f64() < call_seconds => Self::Ending { until },
            Some(_) | None => Self::Yes { until: ends },
        }
    }

    /// Sorts by who is nearest to taking a call, then by when that changes for the better.
    fn order(self) -> (u8, Timestamp) {
        let soon = |until: Option<Timestamp>| until.unwrap_or(Timestamp::MAX);
        match self {
            Self::Yes { .. } => (0, Timestamp::MIN),
            Self::Ending { until } => (1, until),
            Self::Break { until } => (2, soon(until)),
            Self::Off { until } => (3, soon(until)),
        }
    }
}

/// The working hours of one group's people at an instant. The calendar is asked once per schedule, not per person.
#[derive(Debug, Clone)]
pub struct Shifts<'a> {
    workspace: &'a Workspace,
    group: GroupIx,
    now: Timestamp,
    windows: Vec<(HoursIx, Window)>,
    call_seconds: f64,
}

impl<'a> Shifts<'a> {
    /// Those of a group.
    pub fn in_group(tally: &'a Tally, group: GroupIx, now: Timestamp) -> Self {
        let workspace = &**tally.workspace();
        let used = workspace.hours_in_group(group);
        if used.is_empty() {
            return Self { workspace, group, now, windows: Vec::new(), call_seconds: 0.0 };
        }
        let windows = used.iter().filter_map(|ix| Some((*ix, workspace.window(*ix, now)?))).collect();
        Self { workspace, group, now, windows, call_seconds: call_seconds(tally, group) }
    }

    /// Whether an agent works.
    pub fn at_work(&self, agent: AgentIx, live: &AgentLive) -> AtWork {
        let always = AtWork::Yes { until: None };
        let Some(ix) = self.workspace.hours_of(agent, self.group) else { return always };
        let known = self.windows.iter().find(|(known, _)| *known == ix).map(|(_, window)| *window);
        // Somebody who is no member has hours that the group does not know.
        let window = known.or_else(|| self.workspace.window(ix, self.now));
        window.map_or(always, |window| AtWork::of(&window, live, self.now, self.call_seconds))
    }

    /// How an agent stands who would stand like this without working hours.
    pub fn over(&self, agent: AgentIx, live: &AgentLive, stands: MemberStanding) -> MemberStanding {
        if self.workspace.hours.is_empty() || matches!(stands, MemberStanding::OffDuty | MemberStanding::NoShare) {
            return stands;
        }
        match self.at_work(agent, live) {
            AtWork::Off { .. } => MemberStanding::OutsideHours,
            AtWork::Break { .. } if stands != MemberStanding::Paused => MemberStanding::PlannedBreak,
            AtWork::Ending { .. } if stands.in_rotation() => MemberStanding::ShiftEnding,
            AtWork::Yes { .. } | AtWork::Ending { .. } | AtWork::Break { .. } => stands,
        }
    }
}

/// Whether an agent works in any group: of those the agent is rung through, the one that is nearest to taking a call counts.
pub fn at_work(tally: &Tally, agent: AgentIx, now: Timestamp) -> AtWork {
    let workspace = tally.workspace();
    if workspace.hours.is_empty() {
        return AtWork::Yes { until: None };
    }
    let live = tally.agent(agent);
    let in_groups = rotation::groups_of(workspace, agent).map(|group| Shifts::in_group(tally, group, now).at_work(agent, live));
    in_groups.min_by_key(|at_work| at_work.order()).unwrap_or_else(|| {
        // In no group: as the hours nearest to the agent say.
        let window = workspace.own_hours(agent).or(workspace.usual_hours()).and_then(|ix| workspace.window(ix, now));
        window.map_or(AtWork::Yes { until: None }, |window| AtWork::of(&window, live, now, 0.0))
    })
}

/// How long one more call would take, in seconds: the mean talk of the group's calls and the after-call time that follows it.
fn call_seconds(tally: &Tally, group: GroupIx) -> f64 {
    let talk = tally.book(group).mean_talk_seconds();
    talk + tally.workspace().policy_of(group).guard.wrap_up.map_or(0.0, |wrap_up| wrap_up.seconds(talk))
}
