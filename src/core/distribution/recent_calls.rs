//! The calls of the last day, as far as later calls need them: who called, who talked, what was missed.
//!
//! A part of the fold: each call writes what is known of it now, so order and repetition cannot matter. A call stays here when
//! it is let go. It decides nothing: see `core::distribution::callback`.

use std::collections::{HashMap, VecDeque};

use foldhash::fast::RandomState;
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
#[derive(Debug, Clone, Default)]
pub struct RecentCalls {
    calls: HashMap<CallKey, RecentCall, RandomState>,
    by_caller: HashMap<PhoneNumber, VecDeque<CallKey>, RandomState>,
    arrivals: VecDeque<(Timestamp, CallKey)>,
}

impl RecentCalls {
    /// Puts in what is known of a call now.
    pub fn put(&mut self, key: &CallKey, call: RecentCall) {
        if let Some(known) = self.calls.get_mut(key) {
            *known = call;
            return;
        }
        if let Some(caller) = &call.caller {
            let keys = self.by_caller.entry(caller.clone()).or_default();
            keys.push_back(key.clone());
            if keys.len() > CALLS_PER_CALLER_MAX {
                keys.pop_front();
            }
        }
        self.arrivals.push_back((call.asked_at, key.clone()));
        self.calls.insert(key.clone(), call);
        if self.calls.len() > CALLS_MAX {
            self.drop_oldest();
        }
    }

    /// Forgets what is too old.
    pub fn forget(&mut self, now: Timestamp) {
        let before = now.checked_sub(SignedDuration::from_hours(KEPT_HOURS)).unwrap_or(Timestamp::MIN);
        while self.arrivals.front().is_some_and(|(at, _)| *at < before) {
            self.drop_oldest();
        }
    }

    /// A call.
    pub fn get(&self, key: &CallKey) -> Option<&RecentCall> {
        self.calls.get(key)
    }

    /// All calls remembered.
    pub fn iter(&self) -> impl Iterator<Item = (&CallKey, &RecentCall)> {
        self.calls.iter()
    }

    /// The latest calls of a caller.
    pub fn of_caller(&self, caller: &PhoneNumber) -> impl Iterator<Item = (&CallKey, &RecentCall)> {
        let keys = self.by_caller.get(caller).into_iter().flatten();
        keys.filter_map(|key| self.calls.get_key_value(key))
    }

    fn drop_oldest(&mut self) {
        let Some((_, key)) = self.arrivals.pop_front() else { return };
        let Some(caller) = self.calls.remove(&key).and_then(|call| call.caller) else { return };
        if let Some(keys) = self.by_caller.get_mut(&caller) {
            keys.retain(|known| *known != key);
            if keys.is_empty() {
                self.by_caller.remove(&caller);
            }
        }
    }
}
