//! Who is held for a call though the PBX has told nothing of it yet, and how that moves on with what the PBX tells.
//!
//! An event does not say to which attempt it belongs. What comes late of an earlier attempt must not move the reservation of a later
//! one, so an offer of the last answer counts as over only once more offers to its agent ended than earlier answers began, and
//! only when the PBX has come to it.

use jiff::Timestamp;

use super::{CallState, Leg, Mark, RING_GRACE_SECONDS, later};
use crate::core::call::CallEventType;
use crate::core::ids::{AgentId, EventId};
use crate::core::record::{DecisionRecord, Feed};

/// More ends of offers to one agent in one call are not told apart.
const ENDINGS_MAX: usize = 16;

/// How often offers to an agent ended in a call. A PBX may tell both what became of an offer and that its leg ended: the two are
/// counted apart, and the larger number holds.
#[derive(Debug, Clone, Default)]
pub(super) struct Endings {
    not_taken: Vec<EventId>,
    ended: Vec<EventId>,
}

impl Endings {
    /// Takes in what the PBX told; the same event again changes nothing.
    pub(super) fn hear(&mut self, mark: &Mark) {
        if !mark.kind.ends_offer() {
            return;
        }
        let known = if mark.kind == CallEventType::Ended { &mut self.ended } else { &mut self.not_taken };
        if let Err(place) = known.binary_search(&mark.id) {
            known.insert(place, mark.id.clone());
            known.truncate(ENDINGS_MAX);
        }
    }

    fn count(&self) -> usize {
        self.not_taken.len().max(self.ended.len())
    }
}

impl CallState {
    /// Who is held for this call though the PBX has told nothing, from when and until when: the first target, or the one after the
    /// last that did not take it.
    pub(super) fn reservation(&self) -> Option<(AgentId, Timestamp, Timestamp)> {
        let record = self.decisions.last()?;
        let targets = &record.decision.targets;
        if let Feed::Silent { hold_seconds } = record.feed {
            let first = targets.first()?;
            let since = record.decision.received_at;
            return Some((first.agent.clone(), since, later(since, i64::from(hold_seconds))));
        }
        if self.is_answered() {
            return None;
        }
        let mut reached = targets.iter().enumerate().filter_map(|(place, target)| {
            let leg = self.told_since(record, &target.agent)?;
            (!leg.latest.kind.ends_offer() || self.is_of_last_answer(record, leg, place)).then_some((place, leg))
        });
        let (next, since) = match reached.next_back() {
            None => (0, record.decision.received_at),
            Some((_, leg)) if !leg.latest.kind.ends_offer() => return None,
            Some((place, leg)) => (place + 1, leg.latest.received_at),
        };
        let target = targets.get(next)?;
        Some((target.agent.clone(), since, later(since, i64::from(target.ring_seconds) + RING_GRACE_SECONDS)))
    }

    /// What the PBX told of an agent since the last answer.
    fn told_since(&self, record: &DecisionRecord, agent: &AgentId) -> Option<&Leg> {
        let leg = self.legs.iter().find(|leg| leg.agent == *agent)?;
        (leg.latest.received_at >= record.decision.received_at).then_some(leg)
    }

    /// Whether the end of an offer, told since the last answer, ends the offer that answer made at a place.
    fn is_of_last_answer(&self, record: &DecisionRecord, leg: &Leg, place: usize) -> bool {
        let earlier = || self.decisions.iter().filter(|other| other.sequence < record.sequence);
        let begun =
            earlier().filter(|other| other.decision.targets.first().is_some_and(|first| first.agent == leg.agent)).count();
        if leg.endings.count() <= begun {
            return false;
        }
        // Whom an earlier answer named may have been rung for that one: the PBX comes to it after those before it.
        let named = earlier().flat_map(|other| &other.decision.targets).any(|target| target.agent == leg.agent);
        let mut before = record.decision.targets.iter().take(place);
        !named || before.all(|target| self.told_since(record, &target.agent).is_some())
    }
}

impl CallEventType {
    /// Whether an offer is over after this without a conversation.
    fn ends_offer(self) -> bool {
        match self {
            Self::Missed | Self::Rejected | Self::Busy | Self::Unreachable | Self::Cancelled | Self::Ended => true,
            Self::Started
            | Self::Offered
            | Self::Answered
            | Self::Transferred
            | Self::Held
            | Self::Resumed
            | Self::Recorded
            | Self::AgentState => false,
        }
    }
}
