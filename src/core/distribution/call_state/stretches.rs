//! An agent's conversations in one call, one after another: whoever hands a call on may get it back.
//!
//! A set of what the PBX told, so order and repetition cannot matter; where one conversation ends and the next begins follows
//! from it.

use super::{CallState, Leg, Mark, TalkEnd};
use crate::core::call::CallEventType;
use crate::core::ids::AgentId;

/// Of one agent in one call at most so many words are kept, the first and the latest.
const MARKS_MAX: usize = 64;

/// What begins and ends an agent's conversations, and what was told of their lengths.
#[derive(Debug, Clone, Default)]
pub(super) struct Stretches {
    /// In the PBX's order, with the seconds of conversation told along.
    marks: Vec<(Mark, Option<u32>)>,
}

/// One conversation; without a beginning what was told of an end alone.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stretch<'a> {
    /// The answer, or the first word after a transfer.
    pub(super) begin: Option<&'a Mark>,
    /// The last end before the next conversation.
    pub(super) end: Option<&'a Mark>,
    told_seconds: Option<u32>,
}

impl Stretches {
    /// Takes in what the PBX told; the same again changes nothing.
    pub(super) fn hear(&mut self, mark: &Mark, told_seconds: Option<u32>) {
        if !begins(mark) && !ends(mark) && told_seconds.is_none() {
            return;
        }
        if let Err(place) = self.marks.binary_search_by(|(known, _)| known.cmp(mark)) {
            self.marks.insert(place, (mark.clone(), told_seconds));
            if self.marks.len() > MARKS_MAX {
                self.marks.remove(1);
            }
        }
    }

    /// The conversations, in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = Stretch<'_>> {
        self.marks.chunk_by(|(before, _), (next, _)| begins(before) || !begins(next)).map(|marks| Stretch {
            begin: marks.first().map(|(mark, _)| mark).filter(|mark| begins(mark)),
            end: marks.iter().rev().map(|(mark, _)| mark).find(|mark| ends(mark)),
            told_seconds: marks.iter().rev().find_map(|(_, told_seconds)| *told_seconds),
        })
    }

    /// The last word that the agent talks; none for who never did.
    pub(super) fn last_talk(&self) -> Option<&Mark> {
        self.marks.iter().rev().map(|(mark, _)| mark).find(|mark| begins(mark))
    }

    /// Whether the PBX told the length of a conversation.
    pub(super) fn tell_seconds(&self) -> bool {
        self.marks.iter().any(|(_, told_seconds)| told_seconds.is_some())
    }
}

impl Stretch<'_> {
    /// Its length in seconds: as told, else by the PBX's clock; none while it lasts.
    pub(super) fn seconds(&self, call_end: Option<&Mark>) -> Option<f64> {
        if let Some(told) = self.told_seconds {
            return Some(f64::from(told));
        }
        let end = self.end.or(call_end)?;
        Some(end.at.duration_since(self.begin?.at).as_secs_f64().max(0.0))
    }
}

impl CallState {
    /// When the last conversation of an agent in this call ended.
    pub fn talk_end(&self, agent: &AgentId) -> Option<TalkEnd> {
        let leg = self.legs.iter().find(|leg| leg.agent == *agent)?;
        let ends = leg.stretches.iter().filter(|stretch| stretch.begin.is_some()).filter_map(|stretch| self.end_of(&stretch));
        Some(TalkEnd { received_at: ends.last()?.received_at, talk_seconds: self.talk_seconds(leg)? })
    }

    /// How long an agent talked, over all conversations that are over; none while there is none.
    pub(super) fn talk_seconds(&self, leg: &Leg) -> Option<f64> {
        let last_talk = self.legs.iter().filter_map(Leg::last_talk).max();
        if !leg.stretches.tell_seconds()
            && leg.last_talk().is_some()
            && leg.last_talk() == last_talk
            && let Some((_, seconds)) = &self.told_talk
        {
            return Some(f64::from(*seconds));
        }
        leg.stretches.iter().filter_map(|stretch| stretch.seconds(self.ended.as_ref())).reduce(|sum, seconds| sum + seconds)
    }

    /// What ended a conversation: the agent's own end, else the call's. Who got a call back by transfer talks until then.
    pub(super) fn end_of<'a>(&'a self, stretch: &Stretch<'a>) -> Option<&'a Mark> {
        stretch.end.or(self.ended.as_ref())
    }
}

fn begins(mark: &Mark) -> bool {
    matches!(mark.kind, CallEventType::Answered | CallEventType::Held | CallEventType::Resumed)
}

fn ends(mark: &Mark) -> bool {
    matches!(mark.kind, CallEventType::Ended | CallEventType::Transferred)
}
