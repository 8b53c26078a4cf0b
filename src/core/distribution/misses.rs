//! Offers that an agent did not take, one after another: what they add up to, and the pause that follows.
//!
//! Whoever never picks up keeps the largest credit and would be rung first for every call, so after some misses in a row
//! the agent is paused. A call counts once for an agent: answered, or by its last miss. Everything is a maximum over what
//! was received, so neither order nor repetition matters, and a call that was let go has left here all that is needed.
//! Whether a pause that is due also holds in a group is decided in `core::distribution::rotation`.

use std::fmt;

use jiff::Timestamp;

use super::call_state::later;
use crate::core::call::{CallEventType, Direction};
use crate::core::ids::{AgentId, CallKey, EventId};
use crate::core::policy::MissedOffers;
use crate::core::record::ReceivedEvent;

/// Only misses of the eight hours up to the last one stand in a row with it: one shift.
const RUN_SECONDS: i64 = 8 * 3600;

/// So long after the last miss all of it is forgotten: the next shift starts afresh. With [`RUN_SECONDS`] this stays within
/// the day of calls that a restart always reads back, so that a restart cannot end or begin a pause.
const FORGOTTEN_AFTER_SECONDS: i64 = 12 * 3600;

/// At most this many misses of an agent are kept, the latest; more than any policy can ask for.
const KEPT_MAX: usize = 64;

/// How an offer was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum MissKind {
    /// Not picked up in time.
    Missed,
    /// Declined.
    Rejected,
    /// The number was busy.
    Busy,
    /// The number could not be reached.
    Unreachable,
}

impl MissKind {
    /// Every kind there is.
    pub const ALL: [Self; 4] = [Self::Missed, Self::Rejected, Self::Busy, Self::Unreachable];

    fn of(event_type: CallEventType) -> Option<Self> {
        match event_type {
            CallEventType::Missed => Some(Self::Missed),
            CallEventType::Rejected => Some(Self::Rejected),
            CallEventType::Busy => Some(Self::Busy),
            CallEventType::Unreachable => Some(Self::Unreachable),
            CallEventType::Started
            | CallEventType::Offered
            | CallEventType::Answered
            | CallEventType::Cancelled
            | CallEventType::Transferred
            | CallEventType::Held
            | CallEventType::Resumed
            | CallEventType::Ended
            | CallEventType::Recorded
            | CallEventType::AgentState => None,
        }
    }
}

/// An event's place in the order in which it was received; the PBX's clock and the id decide within one receipt.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Stamp {
    received_at: Timestamp,
    at: Timestamp,
    id: EventId,
}

/// What one call came to for one agent.
#[derive(Debug, Clone, Default)]
pub struct Outcome {
    answered: Option<Stamp>,
    miss: Option<(Stamp, MissKind)>,
}

/// What one call came to for each agent it was offered to.
#[derive(Debug, Clone, Default)]
pub struct Outcomes {
    by_agent: Vec<(AgentId, Outcome)>,
}

impl Outcomes {
    /// Takes in an event of the call. Calls that an agent makes are offers to somebody else.
    pub fn hear(&mut self, received: &ReceivedEvent) {
        let event = &received.event;
        let (Some(agent), Direction::In) = (&event.agent, event.direction) else { return };
        let (kind, answers) = (MissKind::of(event.event_type), event.event_type == CallEventType::Answered);
        if kind.is_none() && !answers {
            return;
        }
        let stamp = Stamp { received_at: received.received_at, at: event.at, id: event.event_id.clone() };
        let known = self.by_agent.iter().position(|(known, _)| known == agent).unwrap_or_else(|| {
            self.by_agent.push((agent.clone(), Outcome::default()));
            self.by_agent.len() - 1
        });
        let Some((_, outcome)) = self.by_agent.get_mut(known) else { return };
        match kind {
            None => keep_later(&mut outcome.answered, stamp),
            Some(kind) => keep_later(&mut outcome.miss, (stamp, kind)),
        }
    }

    /// Each agent with what the call came to.
    pub fn iter(&self) -> impl Iterator<Item = &(AgentId, Outcome)> {
        self.by_agent.iter()
    }
}

fn keep_later<T: Ord>(slot: &mut Option<T>, value: T) {
    if slot.as_ref().is_none_or(|known| *known < value) {
        *slot = Some(value);
    }
}

#[derive(Debug, Clone)]
struct Miss {
    stamp: Stamp,
    kind: MissKind,
    call: CallKey,
}

/// An agent's misses since the last answered offer.
#[derive(Debug, Clone, Default)]
pub struct Misses {
    answered: Option<Stamp>,
    /// By stamp.
    since: Vec<Miss>,
}

/// A pause that misses in a row ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MissPause {
    /// What happened.
    pub kind: MissKind,
    /// How often in a row.
    pub count: u32,
    /// Since when: the last of these misses.
    pub since: Timestamp,
    /// Until when, unless a presence is set before.
    pub until: Timestamp,
}

impl fmt::Display for MissPause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let calls = if self.count == 1 { "1 call".to_owned() } else { format!("{} calls in a row", self.count) };
        match (self.kind, self.count) {
            (MissKind::Missed, 1) => f.write_str("1 missed call"),
            (MissKind::Missed, count) => write!(f, "{count} missed calls in a row"),
            (MissKind::Rejected, 1) => f.write_str("1 rejected call"),
            (MissKind::Rejected, count) => write!(f, "{count} rejected calls in a row"),
            (MissKind::Busy, _) => write!(f, "the phone was busy for {calls}"),
            (MissKind::Unreachable, _) => write!(f, "the phone could not be reached for {calls}"),
        }
    }
}

impl Misses {
    /// Takes in what a call came to so far; the same again changes nothing.
    pub fn note(&mut self, call: &CallKey, outcome: &Outcome) {
        self.since.retain(|miss| miss.call != *call);
        match (&outcome.answered, &outcome.miss) {
            (Some(answered), _) => keep_later(&mut self.answered, answered.clone()),
            (None, Some((stamp, kind))) => {
                let place = self.since.partition_point(|miss| miss.stamp < *stamp);
                self.since.insert(place, Miss { stamp: stamp.clone(), kind: *kind, call: call.clone() });
            }
            (None, None) => {}
        }
        self.since.retain(|miss| self.answered.as_ref().is_none_or(|answered| *answered < miss.stamp));
        let excess = self.since.len().saturating_sub(KEPT_MAX);
        self.since.drain(..excess);
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.since.is_empty()
    }

    /// Receipt of the last of them.
    pub fn last_at(&self) -> Option<Timestamp> {
        self.since.last().map(|miss| miss.stamp.received_at)
    }

    /// How often in a row a kind of miss happened: since the last answered offer, and since a presence was last set by hand.
    pub fn count(&self, kind: MissKind, presence_set_at: Option<Timestamp>, now: Timestamp) -> u32 {
        self.run(kind, presence_set_at, now).map_or(0, |(count, _)| count)
    }

    /// The pause due under a rule; of several the one that ends last.
    pub fn pause(&self, rule: &MissedOffers, presence_set_at: Option<Timestamp>, now: Timestamp) -> Option<MissPause> {
        if self.is_empty() {
            return None;
        }
        let due = MissKind::ALL.into_iter().filter_map(|kind| {
            let limit = rule.limit(kind)?;
            let (count, since) = self.run(kind, presence_set_at, now)?;
            let seconds = rule.pause_seconds.map_or(FORGOTTEN_AFTER_SECONDS, i64::from);
            let until = later(since, seconds.min(FORGOTTEN_AFTER_SECONDS));
            (count >= limit && now < until).then_some(MissPause { kind, count, since, until })
        });
        due.max_by_key(|pause| pause.until)
    }

    fn run(&self, kind: MissKind, presence_set_at: Option<Timestamp>, now: Timestamp) -> Option<(u32, Timestamp)> {
        let counts = |miss: &&Miss| miss.kind == kind && presence_set_at.is_none_or(|set_at| set_at < miss.stamp.received_at);
        let last = self.since.iter().rev().find(counts)?.stamp.received_at;
        if later(last, FORGOTTEN_AFTER_SECONDS) <= now {
            return None;
        }
        let from = later(last, -RUN_SECONDS);
        let count = self.since.iter().filter(counts).filter(|miss| from < miss.stamp.received_at).count();
        Some((u32::try_from(count).unwrap_or(u32::MAX), last))
    }
}
