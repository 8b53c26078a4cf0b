//! Who of a group is there to take calls at an instant, the guard apart: working hours first, then automatic pauses.
//!
//! One place for the order in which these are laid over what presence and calls say. The guard comes after it, because it looks at
//! whoever is there: `core::load::group_guard`.

use jiff::Timestamp;

use super::availability::AgentLive;
use super::rotation::AutomaticPauses;
use super::tally::Tally;
use crate::core::record::MemberStanding;
use crate::core::working_time::shifts::Shifts;
use crate::core::workspace::{AgentIx, GroupIx};

/// Who of a group is there at an instant.
#[derive(Debug, Clone)]
pub struct Roster<'a> {
    shifts: Shifts<'a>,
    pauses: AutomaticPauses<'a>,
}

impl<'a> Roster<'a> {
    /// That of a group.
    pub fn of_group(tally: &'a Tally, group: GroupIx, now: Timestamp) -> Self {
        Self { shifts: Shifts::in_group(tally, group, now), pauses: AutomaticPauses::in_group(tally, group, now) }
    }

    /// How an agent stands who stands like this by presence and calls alone.
    pub fn over(&self, agent: AgentIx, live: &AgentLive, stands: MemberStanding) -> MemberStanding {
        self.pauses.over(live, self.shifts.over(agent, live, stands))
    }
}
