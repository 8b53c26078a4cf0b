//! People's own part: what agents set for themselves, offers they do not take, and what a sales lead is told of both.

mod changes;
mod files;
mod misses;
mod notices;
mod order;
mod own_say;
mod pauses;
mod restart;

use jiff::{SignedDuration, Timestamp};
use meritline::core::call::CallEventType::{self, Ended};
use meritline::core::distribution::rotation;
use meritline::core::policy::{Count, MissedOffers, Mode, Policy};
use meritline::core::record::{Presence, PresenceState};
use meritline::core::workspace::AgentIx;

use crate::support::floor::{Floor, plain_policy};

/// A percent policy that pauses after misses by the default rule.
fn pausing(id: &str) -> Policy {
    Policy { missed_offers: MissedOffers::default(), ..plain_policy(id, Mode::Percent, Count::Answered) }
}

/// A team of so many agents with equal shares under the default rule.
fn team(agents: usize) -> Floor {
    Floor::of_shares(&vec![1.0; agents], pausing("p"))
}

/// A call that one agent does not take; rung for 20 s, then over. Gives when that was received.
fn not_taken(floor: &mut Floor, call: &str, agent: &str, kind: CallEventType) -> Timestamp {
    floor.decide(call);
    floor.pass(20.0);
    floor.event(call, kind, Some(agent));
    let received_at = floor.now;
    floor.pass(1.0);
    floor.event(call, Ended, None);
    floor.pass(9.0);
    received_at
}

/// Whom a new call would be rung to, in order.
fn rung(floor: &Floor) -> Vec<String> {
    floor.choose("a new call", &[]).targets.iter().map(|target| target.agent.to_string()).collect()
}

/// The pause that keeps an agent from all calls: when it ends.
fn paused_until(floor: &Floor, agent: u32) -> Option<Timestamp> {
    rotation::pause_of(&floor.tally, AgentIx(agent), floor.now).and_then(|pause| pause.until)
}

fn set(floor: &mut Floor, agent: &str, state: PresenceState) {
    let presence = Presence { agent: agent.into(), state, reason: None, until: None, set_at: floor.now };
    floor.tally.set_presence(presence);
}

fn seconds_after(at: Timestamp, seconds: i64) -> Timestamp {
    at.checked_add(SignedDuration::from_secs(seconds)).unwrap()
}
