//! The calls of the last day, as far as later calls need them: who called, who talked, what was missed.
//!
//! A part of the fold: each call writes what is known of it now, so order and repetition cannot matter. A call stays here when
//! it is let go. It decides nothing: see `core::distribution::callback`.

use std::collections::VecDeque;
use std::hash::BuildHasher;

use foldhash::fast::RandomState;
use hashbrown::HashTable;
use hashbrown::hash_table::Entry;
use jiff::{SignedDuration, Timestamp};

use crate::core::ids::{AgentId, CallId, CallKey, GroupId, RouteId};
use crate::core::phone_number::PhoneNumber;

/// How long a call is remembered.
const KEPT_HOURS: i64 = 24;

/// At most so many calls are remembered; the oldest go first.
const CALLS_MAX: usize = 50_000;

/// Of one caller at most so many calls are looked at, the latest: who calls all day must not make every hook slower.
pub const CALLS_PER_CALLER_MAX: usize = 32;

/// What is remembered of one call.
#[derive(Debug, Clone, PartialEq)]
pub struct RecentCall {
    /// The caller; none when withheld.
    pub caller: Option<PhoneNumber>,
    /// Receipt of its first decision.
    pub asked_at: Timestamp,
    /// Receipt of its last decision.
    pub named_at: Timestamp,
    /// The route it took.
    pub route: Option<RouteId>,
    /// The route's group; none when nobody was looked for and none is to call back.
    pub group: Option<GroupId>,
    /// Whether the route told the caller to be called back.
    pub promised: bool,
    /// The missed call this one calls back.
    pub calls_back: Option<CallId>,
    /// The caller's own manager, if the call went to that agent for being it.
    pub manager: Option<AgentId>,
    /// Who was offered the call last.
    pub offered: Option<AgentId>,
    /// Who talked last, and when that ended; no end while it lasts.
    pub talked: Option<(AgentId, Option<Timestamp>)>,
    /// From when on the call counts as missed; none once somebody answered, or where the PBX tells nothing.
    pub missed_at: Option<Timestamp>,
}

/// The calls of the last day.
///
/// Found by number, so that a new call reads nothing of the old ones: which of them a table names is only looked at where hashes agree.
#[derive(Debug, Clone, Default)]
pub struct RecentCalls {
    /// In the order in which they were first heard of.
    calls: VecDeque<Remembered>,
    /// How many were forgotten: the first of `calls` has this number.
    forgotten: u64,
    /// Their numbers, by key.
    by_key: HashTable<u64>,
    /// The number of the latest call of each caller.
    by_caller: HashTable<u64>,
    hashing: RandomState,
}

#[derive(Debug, Clone)]
struct Remembered {
    key: CallKey,
    call: RecentCall,
    /// Who called, as the call was known first: by that it is found.
    caller: Option<PhoneNumber>,
    /// The call of the same caller before this one, forgotten or not.
    before: Option<u64>,
    /// When it was asked about, as it was known first: by that it is forgotten.
    since: Timestamp,
}

impl RecentCalls {
    /// Puts in what is known of a call now.
    pub fn put(&mut self, key: &CallKey, call: RecentCall) {
        if let Some(known) = self.number(key).and_then(|number| remembered_mut(&mut self.calls, self.forgotten, number)) {
            known.call = call;
            return;
        }
        let number = self.forgotten + self.calls.len() as u64;
        let (calls, forgotten, hashing) = (&self.calls, self.forgotten, &self.hashing);
        let caller = call.caller.clone();
        let before = caller.as_ref().and_then(|caller| {
            let is_of_caller = |known: &u64| caller_of(calls, forgotten, *known) == Some(caller);
            let hash_of = |known: &u64| hashing.hash_one(caller_of(calls, forgotten, *known));
            match self.by_caller.entry(hashing.hash_one(Some(caller)), is_of_caller, hash_of) {
                Entry::Occupied(mut latest) => Some(std::mem::replace(latest.get_mut(), number)),
                Entry::Vacant(place) => {
                    place.insert(number);
                    None
                }
            }
        });
        let hash_of = |known: &u64| hashing.hash_one(remembered(calls, forgotten, *known).map(|known| &known.key));
        self.by_key.insert_unique(hashing.hash_one(Some(key)), number, hash_of);
        self.calls.push_back(Remembered { key: key.clone(), since: call.asked_at, call, caller, before });
        if self.calls.len() > CALLS_MAX {
            self.drop_oldest();
        }
    }

    /// Forgets what is too old.
    pub fn forget(&mut self, now: Timestamp) {
        let before = now.checked_sub(SignedDuration::from_hours(KEPT_HOURS)).unwrap_or(Timestamp::MIN);
        while self.calls.front().is_some_and(|oldest| oldest.since < before) {
            self.drop_oldest();
        }
    }

    /// A call.
    pub fn get(&self, key: &CallKey) -> Option<&RecentCall> {
        remembered(&self.calls, self.forgotten, self.number(key)?).map(|known| &known.call)
    }

    /// All calls remembered, in the order in which they were first heard of.
    pub fn iter(&self) -> impl Iterator<Item = (&CallKey, &RecentCall)> {
        self.calls.iter().map(|known| (&known.key, &known.call))
    }

    /// The latest calls of a caller, the last one first.
    pub fn of_caller(&self, caller: &PhoneNumber) -> impl Iterator<Item = (&CallKey, &RecentCall)> {
        let is_of_caller = |known: &u64| caller_of(&self.calls, self.forgotten, *known) == Some(caller);
        let latest = self.by_caller.find(self.hashing.hash_one(Some(caller)), is_of_caller);
        let found = |number: &u64| remembered(&self.calls, self.forgotten, *number);
        let first = latest.and_then(found);
        let calls = std::iter::successors(first, move |known| known.before.as_ref().and_then(found));
        calls.take(CALLS_PER_CALLER_MAX).map(|known| (&known.key, &known.call))
    }

    fn number(&self, key: &CallKey) -> Option<u64> {
        let is_it = |number: &u64| remembered(&self.calls, self.forgotten, *number).is_some_and(|known| known.key == *key);
        self.by_key.find(self.hashing.hash_one(Some(key)), is_it).copied()
    }

    fn drop_oldest(&mut self) {
        let Some(Remembered { key, caller, .. }) = self.calls.pop_front() else { return };
        let number = self.forgotten;
        self.forgotten += 1;
        let is_it = |known: &u64| *known == number;
        if let Ok(found) = self.by_key.find_entry(self.hashing.hash_one(Some(&key)), is_it) {
            found.remove();
        }
        // Of a caller with later calls, the last of them stands there.
        if let Ok(found) = self.by_caller.find_entry(self.hashing.hash_one(caller.as_ref()), is_it) {
            found.remove();
        }
    }
}

fn remembered(calls: &VecDeque<Remembered>, forgotten: u64, number: u64) -> Option<&Remembered> {
    calls.get(usize::try_from(number.checked_sub(forgotten)?).ok()?)
}

fn remembered_mut(calls: &mut VecDeque<Remembered>, forgotten: u64, number: u64) -> Option<&mut Remembered> {
    calls.get_mut(usize::try_from(number.checked_sub(forgotten)?).ok()?)
}

fn caller_of(calls: &VecDeque<Remembered>, forgotten: u64, number: u64) -> Option<&PhoneNumber> {
    remembered(calls, forgotten, number)?.caller.as_ref()
}
