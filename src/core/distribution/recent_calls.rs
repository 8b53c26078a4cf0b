//! The calls of the last day, as far as later calls need them: who called, who talked, what was missed.
//!
//! A part of the fold: each call writes what is known of it now, so order and repetition cannot matter. A call stays here when
//! it is let go. It decides nothing: see `core::distribution::callback`.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};

use foldhash::fast::RandomState;
use jiff::{SignedDuration, Timestamp};
use smallvec::SmallVec;

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
#[derive(Debug, Clone, Default)]
pub struct RecentCalls {
    /// In the order in which they were first heard of.
    calls: VecDeque<Remembered>,
    /// How many were forgotten: the first of `calls` has this number.
    forgotten: u64,
    numbers: HashMap<CallKey, u64, RandomState>,
    /// The latest calls of each caller, by their numbers.
    by_caller: HashMap<PhoneNumber, SmallVec<[u64; 2]>, RandomState>,
}

#[derive(Debug, Clone)]
struct Remembered {
    key: CallKey,
    call: RecentCall,
    /// When it was asked about, as it was known first: by that it is forgotten.
    since: Timestamp,
}

impl RecentCalls {
    /// Puts in what is known of a call now.
    pub fn put(&mut self, key: &CallKey, call: RecentCall) {
        let place = self.numbers.get(key).and_then(|number| self.place(*number));
        if let Some(known) = place.and_then(|place| self.calls.get_mut(place)) {
            known.call = call;
            return;
        }
        let number = self.forgotten + self.calls.len() as u64;
        if let Some(caller) = &call.caller {
            let numbers = self.by_caller.entry(caller.clone()).or_default();
            numbers.push(number);
            if numbers.len() > CALLS_PER_CALLER_MAX {
                numbers.remove(0);
            }
        }
        self.numbers.insert(key.clone(), number);
        self.calls.push_back(Remembered { key: key.clone(), since: call.asked_at, call });
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
        self.numbers.get(key).and_then(|number| self.numbered(*number)).map(|(_, call)| call)
    }

    /// All calls remembered, in the order in which they were first heard of.
    pub fn iter(&self) -> impl Iterator<Item = (&CallKey, &RecentCall)> {
        self.calls.iter().map(|remembered| (&remembered.key, &remembered.call))
    }

    /// The latest calls of a caller.
    pub fn of_caller(&self, caller: &PhoneNumber) -> impl Iterator<Item = (&CallKey, &RecentCall)> {
        let numbers = self.by_caller.get(caller).into_iter().flatten();
        numbers.filter_map(|number| self.numbered(*number))
    }

    fn place(&self, number: u64) -> Option<usize> {
        usize::try_from(number.checked_sub(self.forgotten)?).ok()
    }

    fn numbered(&self, number: u64) -> Option<(&CallKey, &RecentCall)> {
        let remembered = self.calls.get(self.place(number)?)?;
        Some((&remembered.key, &remembered.call))
    }

    fn drop_oldest(&mut self) {
        let Some(Remembered { key, call, .. }) = self.calls.pop_front() else { return };
        let number = self.forgotten;
        self.forgotten += 1;
        self.numbers.remove(&key);
        if let Some(caller) = call.caller
            && let Entry::Occupied(mut of_caller) = self.by_caller.entry(caller)
        {
            of_caller.get_mut().retain(|known| *known != number);
            if of_caller.get().is_empty() {
                of_caller.remove();
            }
        }
    }
}
