//! Measures the offered load of a group from its conversations, live or recorded.
//!
//! Calls an hour follow from the mean time between calls. Times without calls for longer than two hours (nights, closed
//! days) are left out, so that a load is that of the hours in which calls came. Calls that nobody answered keep nobody busy and
//! are no part of it: where many are lost, the load is really higher.

use jiff::Timestamp;

use super::offered_load::{CALLS_MIN, OfferedLoad};
use crate::core::distribution::call_state::{GroupPart, later};
use crate::core::distribution::tally::Tally;
use crate::core::workspace::{GroupIx, MemberRef, Workspace};

/// After so long without a call the line is taken as closed.
const BREAK_HOURS: i64 = 2;

/// The live load is measured over a group's period, but over so many hours at least.
const LIVE_HOURS_MIN: i64 = 4;

const HOUR_US: i64 = 3_600_000_000;

/// Conversations of one group.
#[derive(Debug, Clone, Default)]
pub struct LoadMeter {
    /// When the call was asked about (microseconds since 1970), and for how long it kept somebody busy.
    calls: Vec<(i64, f64)>,
}

impl LoadMeter {
    /// Adds a call's part in a group's book, once it is known how long the agent talked.
    pub fn add_part(&mut self, part: &GroupPart, workspace: &Workspace, group: GroupIx) {
        if let Some(talk_seconds) = part.talk_seconds {
            self.add(part.key.at_us, talk_seconds + after_call_seconds(workspace, group, talk_seconds));
        }
    }

    /// Adds a conversation: when its call was asked about (microseconds since 1970), and for how long it kept somebody busy.
    fn add(&mut self, at_us: i64, busy_seconds: f64) {
        self.calls.push((at_us, busy_seconds));
    }

    /// How many conversations.
    pub fn calls(&self) -> u64 {
        self.calls.len() as u64
    }

    /// The load; none for too few calls to say.
    pub fn offered(mut self) -> Option<OfferedLoad> {
        let calls = self.calls();
        if calls < CALLS_MIN {
            return None;
        }
        self.calls.sort_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
        let busy_seconds = self.calls.iter().map(|(_, busy)| busy).sum();
        let pauses = self.calls.windows(2).filter_map(|pair| match pair {
            [(before, _), (after, _)] => Some(after - before).filter(|pause| *pause <= BREAK_HOURS * HOUR_US),
            _ => None,
        });
        let (count, sum_us) = pauses.fold((0_u64, 0_i64), |(count, sum), pause| (count + 1, sum + pause));
        if count == 0 {
            return None;
        }
        // As many pauses as calls, each of the mean length.
        let span_seconds = sum_us as f64 / 1e6 / count as f64 * calls as f64;
        OfferedLoad::measured(calls, busy_seconds, span_seconds)
    }
}

/// The load of a group at an instant: of its conversations in the last period (or the last hours, where that is longer), as far
/// as they are at hand. None for too few of them to say.
pub fn load_now(tally: &Tally, group: GroupIx, now: Timestamp) -> Option<OfferedLoad> {
    let (workspace, book, now_us) = (tally.workspace(), tally.book(group), now.as_microsecond());
    let since_us = measured_since(tally, group, now).as_microsecond();
    let mut meter = LoadMeter::default();
    for (at_us, talk_seconds) in book.talks().filter(|(at_us, _)| (since_us..=now_us).contains(at_us)) {
        meter.add(at_us, talk_seconds + after_call_seconds(workspace, group, talk_seconds));
    }
    meter.offered()
}

/// From when on the load of now is measured.
pub fn measured_since(tally: &Tally, group: GroupIx, now: Timestamp) -> Timestamp {
    let seconds = i64::from(tally.workspace().policy_of(group).period_seconds).max(LIVE_HOURS_MIN * 3600);
    later(now, -seconds)
}

/// After-call time by the group's policy; for a group of groups the longest of those below.
fn after_call_seconds(workspace: &Workspace, group: GroupIx, talk_seconds: f64) -> f64 {
    let own = workspace.policy_of(group).guard.wrap_up.map_or(0.0, |wrap_up| wrap_up.seconds(talk_seconds));
    let below = workspace.group(group).members.iter().filter_map(|member| match member.who {
        MemberRef::Group(below) => Some(after_call_seconds(workspace, below, talk_seconds)),
        MemberRef::Agent(_) => None,
    });
    below.fold(own, f64::max)
}
