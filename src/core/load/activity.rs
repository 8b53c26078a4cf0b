//! What a person did over the last day: conversations over all groups and numbers, and when the person was away.
//!
//! A part of the fold: each call writes what it says of a person now, in place of what it said before, so neither order nor repetition
//! can matter; what a call said stays when the call is let go. What it adds up to is in `core::load::workload`; it decides nothing.
//!
//! Conversations are placed by our receipt of the event that ended them and are as long as the PBX's own clock or word says; one that
//! goes on counts up to the instant asked for. Where a PBX tells nothing (`events: none`) nothing is known of talk: a call counts as
//! taken at the decision by the first target, who is busy for `hold_seconds`; it adds no talk and no after-call time.

use std::collections::{HashSet, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::OnceLock;

use foldhash::fast::RandomState;
use jiff::Timestamp;

use super::workload::Course;
use crate::core::call::PbxAgentState;
use crate::core::distribution::availability::PbxWord;
use crate::core::ids::CallKey;
use crate::core::policy::Guard;
use crate::core::record::{Presence, PresenceState};

/// What is further back cannot matter: see `core::load::workload` on shifts. A restart reads back as much.
pub const KEPT_SECONDS: i64 = 24 * 3600;

/// At most so many conversations of a person are kept, the latest; more than anybody can have in a day.
const CONVERSATIONS_MAX: usize = 512;

/// At most so many changes of presence of a person are kept, the latest.
const CHANGES_MAX: usize = 256;

/// How much is known of a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Told {
    /// It is over.
    Ended,
    /// It goes on, until then at the longest.
    Running,
    /// The PBX tells nothing: a call given by a decision.
    Nothing,
}

/// A person's part in one call. Times are microseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Conversation {
    /// When it began.
    pub start_us: i64,
    /// When it ended, or will be taken as over.
    pub end_us: i64,
    /// How much of it is known.
    pub told: Told,
}

/// A call, as conversations name it: the same for a call that was let go and read back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CallMark(u64);

impl CallMark {
    /// That of a call.
    pub fn of(call: &CallKey) -> Self {
        let mut hasher = DefaultHasher::new();
        call.hash(&mut hasher);
        Self(hasher.finish())
    }
}

/// A presence set by hand, as far as it matters afterwards.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct ByHand {
    set_at_us: i64,
    until_us: i64,
    state: PresenceState,
}

/// What one person did over the last day.
#[derive(Debug, Clone, Default)]
pub struct Activity {
    /// By their beginning.
    conversations: VecDeque<(Conversation, CallMark)>,
    /// The calls in them: nearly every call is new, and need not be looked for among a thousand.
    calls: HashSet<CallMark, RandomState>,
    by_hand: Vec<ByHand>,
    /// The PBX's words with their receipt, in the order of receipt.
    words: Vec<(i64, PbxWord)>,
    /// What it adds up to under each policy; empty where nobody asked since the last change.
    courses: Vec<OnceLock<Box<Course>>>,
}

impl Activity {
    /// Nothing done yet, in a workspace of so many policies.
    pub fn new(policies: usize) -> Self {
        Self { courses: vec![OnceLock::new(); policies], ..Self::default() }
    }

    /// Goes on in a workspace of so many policies.
    pub fn bind(&mut self, policies: usize) {
        self.courses = vec![OnceLock::new(); policies];
    }

    /// Puts in what a call says of the person now.
    pub fn set(&mut self, call: CallMark, conversation: Conversation) {
        if !self.calls.insert(call) {
            let known = self.conversations.iter().rposition(|(_, known)| *known == call);
            match known.and_then(|place| Some((place, self.conversations.get(place)?.0))) {
                Some((_, known)) if known == conversation => return,
                Some((place, _)) => drop(self.conversations.remove(place)),
                None => {}
            }
        }
        let entry = (conversation, call);
        if self.conversations.back().is_none_or(|last| *last < entry) {
            self.conversations.push_back(entry);
        } else {
            let place = self.conversations.partition_point(|known| *known < entry);
            self.conversations.insert(place, entry);
        }
        if self.conversations.len() > CONVERSATIONS_MAX
            && let Some((_, oldest)) = self.conversations.pop_front()
        {
            self.calls.remove(&oldest);
        }
        self.changed();
    }

    /// Takes out a call that was none of the person's after all.
    pub fn take(&mut self, call: CallMark) {
        if self.calls.remove(&call) {
            self.conversations.retain(|(_, known)| *known != call);
            self.changed();
        }
    }

    /// Hears of a presence set by hand; of two set at one instant the one heard later holds.
    pub fn hear_presence(&mut self, presence: &Presence) {
        let set_at_us = presence.set_at.as_microsecond();
        let until_us = presence.until.map_or(i64::MAX, Timestamp::as_microsecond);
        let entry = ByHand { set_at_us, until_us, state: presence.state };
        let place = self.by_hand.partition_point(|known| known.set_at_us < set_at_us);
        match self.by_hand.get_mut(place) {
            Some(known) if known.set_at_us == set_at_us => *known = entry,
            Some(_) | None => self.by_hand.insert(place, entry),
        }
        if self.by_hand.len() > CHANGES_MAX {
            self.by_hand.remove(0);
        }
        self.changed();
    }

    /// Hears the PBX's word on the person; the same one again changes nothing.
    pub fn hear_word(&mut self, received_at: Timestamp, word: &PbxWord) {
        if self.words.iter().any(|(_, known)| known == word) {
            return;
        }
        let entry = (received_at.as_microsecond(), word.clone());
        let place = self.words.partition_point(|known| *known < entry);
        self.words.insert(place, entry);
        if self.words.len() > CHANGES_MAX {
            self.words.remove(0);
        }
        self.changed();
    }

    /// Forgets what cannot matter any more. The last presence and the last word stay: they may still hold.
    pub fn forget(&mut self, now: Timestamp) {
        let before = now.as_microsecond().saturating_sub(KEPT_SECONDS * 1_000_000);
        let kept = |(conversation, _): &(Conversation, CallMark)| conversation.end_us >= before;
        if !self.conversations.front().is_none_or(kept) {
            self.conversations.retain(kept);
            self.calls = self.conversations.iter().map(|(_, call)| *call).collect();
            self.changed();
        }
        let past = self.by_hand.partition_point(|known| known.set_at_us < before).saturating_sub(1);
        self.by_hand.drain(..past);
        // Of the words before, the one that held then: by the PBX's clock, so not always the one received last.
        let held = self.words.iter().filter(|(received_us, _)| *received_us < before).map(|(_, word)| word).max().cloned();
        self.words.retain(|(received_us, word)| *received_us >= before || Some(word) == held.as_ref());
    }

    /// What it adds up to under a policy (its place in the workspace) with this guard.
    pub fn with_course<T>(&self, policy: usize, guard: &Guard, look: impl FnOnce(&Course) -> T) -> T {
        match self.courses.get(policy) {
            Some(known) => look(known.get_or_init(|| Box::new(Course::of(self, guard)))),
            None => look(&Course::of(self, guard)),
        }
    }

    /// The conversations kept, by their beginning.
    pub(in crate::core) fn conversations(&self) -> impl DoubleEndedIterator<Item = &Conversation> {
        self.conversations.iter().map(|(conversation, _)| conversation)
    }

    /// When something was last heard of the person's presence.
    pub(in crate::core) fn presence_heard_us(&self) -> Option<i64> {
        let by_hand = self.by_hand.last().map(|known| known.set_at_us);
        by_hand.max(self.words.last().map(|(received_us, _)| *received_us))
    }

    /// When, after an instant, a presence set by hand ends by itself.
    pub(in crate::core) fn presence_ends_us(&self, after_us: i64) -> Option<i64> {
        self.by_hand.last().map(|known| known.until_us).filter(|until| *until > after_us && *until < i64::MAX)
    }

    /// The stretches during which the person was at least so far from taking calls, in order. Pauses that follow from misses or that
    /// were asked for after a call are not among them: without calls they are rests all the same.
    pub(in crate::core) fn away(&self, least: PresenceState) -> Vec<(i64, i64)> {
        if self.by_hand.is_empty() && self.words.is_empty() {
            return Vec::new();
        }
        let mut changes: Vec<i64> = self.by_hand.iter().flat_map(|known| [known.set_at_us, known.until_us]).collect();
        changes.extend(self.words.iter().map(|(received_us, _)| *received_us));
        changes.sort_unstable();
        changes.dedup();
        let mut spans: Vec<(i64, i64)> = Vec::new();
        let ends = changes.iter().copied().skip(1).chain([i64::MAX]);
        for (from, to) in changes.iter().copied().zip(ends).filter(|(from, _)| self.presence_at(*from) >= least) {
            match spans.last_mut() {
                Some(last) if last.1 == from => last.1 = to,
                Some(_) | None => spans.push((from, to)),
            }
        }
        spans
    }

    fn presence_at(&self, at_us: i64) -> PresenceState {
        let set = self.by_hand.partition_point(|known| known.set_at_us <= at_us).checked_sub(1);
        let set = set.and_then(|last| self.by_hand.get(last)).filter(|known| at_us < known.until_us);
        let word = self.words.iter().take_while(|(received_us, _)| *received_us <= at_us).map(|(_, word)| word).max();
        let by_pbx = word.map_or(PresenceState::Available, |word| match word.state {
            PbxAgentState::Available => PresenceState::Available,
            PbxAgentState::Away | PbxAgentState::DoNotDisturb => PresenceState::Paused,
            PbxAgentState::Offline => PresenceState::OffDuty,
        });
        set.map_or(PresenceState::Available, |known| known.state).max(by_pbx)
    }

    fn changed(&mut self) {
        for course in &mut self.courses {
            course.take();
        }
    }
}
