//! The stamp of what is set by hand, so that the last word is the last.
//!
//! What holds is the latest by stamp. A clock that was set back would leave the word to what was set before, so a new stamp lies
//! above everything it must overrule. Nothing is stored here, and nothing is ordered by arrival.

use jiff::{SignedDuration, Timestamp};

use super::distribution::availability::AgentLive;
use super::distribution::call_state::Occupancy;
use super::distribution::tally::Tally;
use super::ids::{AgentId, CallKey};
use super::intervention::{Change, InterventionBook};

/// The stamp of a presence that is set now: above the presence, the asked pause and the misses that it ends.
pub fn stamp_of_presence(tally: &Tally, agent: &AgentId, now: Timestamp) -> Timestamp {
    let live = live(tally, agent);
    let presence = live.and_then(|live| live.presence.as_ref()).map(|presence| presence.set_at);
    let missed = live.and_then(|live| live.misses.last_at());
    after(now, [presence, pause_set_at(tally.interventions(), agent), missed])
}

/// The stamp of a change that is made now: above what it replaces, and not before what it is about.
pub fn stamp_of_change(tally: &Tally, change: &Change, now: Timestamp) -> Timestamp {
    let replaced = tally.interventions().last_set_at(change);
    match change {
        Change::PauseAfterCall { agent, .. } => {
            let live = live(tally, agent);
            let presence = live.and_then(|live| live.presence.as_ref()).map(|presence| presence.set_at);
            let holds = live.into_iter().flat_map(|live| &live.holds);
            let talks =
                holds.filter(|hold| hold.occupancy == Occupancy::Talking && now < hold.until).map(|hold| hold.since).max();
            after(now, [replaced, presence]).max(talks.unwrap_or(now))
        }
        Change::Tag { connection, call, .. } | Change::Callback { connection, call, .. } => {
            let key = CallKey { connection: connection.clone(), call: call.clone() };
            let asked = tally.recent().get(&key).map(|call| call.asked_at);
            let answered = tally.call(&key).and_then(|call| call.answered()).map(|answer| answer.received_at);
            after(now, [replaced]).max(asked.unwrap_or(now)).max(answered.unwrap_or(now))
        }
        Change::OneMore { agent } => after(now, [replaced, live(tally, agent).and_then(|live| live.named_first_at)]),
        Change::Load { .. }
        | Change::Correction { .. }
        | Change::Exclusion { .. }
        | Change::Objection { .. }
        | Change::ObjectionAnswer { .. }
        | Change::EqualShares { .. }
        | Change::ScorePin { .. }
        | Change::ScoreAccept { .. } => after(now, [replaced]),
    }
}

/// Now, or a microsecond after the latest of what was before, whichever is later.
pub fn after<const N: usize>(now: Timestamp, before: [Option<Timestamp>; N]) -> Timestamp {
    let last = before.into_iter().flatten().max();
    let next = last.and_then(|last| last.checked_add(SignedDuration::from_micros(1)).ok());
    next.map_or(now, |next| now.max(next))
}

fn pause_set_at(set: &InterventionBook, agent: &AgentId) -> Option<Timestamp> {
    let asked = Change::PauseAfterCall { agent: agent.clone(), reason: None, until: None, taken_back: true };
    set.last_set_at(&asked)
}

fn live<'a>(tally: &'a Tally, agent: &AgentId) -> Option<&'a AgentLive> {
    tally.workspace().find_agent(agent).map(|ix| tally.agent(ix))
}
