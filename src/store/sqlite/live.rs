//! One open workspace: its distribution state in memory, and which stored calls are not at hand.
//!
//! Touches no disk. The lock is held for the microseconds a decision takes, never across an await.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};

use crate::broker::store::{StoreError, Verdict};
use crate::core::ids::{CallKey, WorkspaceId};
use crate::core::record::DecisionRecord;
use crate::core::tally::{CALLS_MAX, Tally};

/// A repeated question gets the stored answer for this long.
pub(super) const RETRY_SECONDS: i64 = 24 * 3600;

/// How often calls that are over are let go.
const FORGET_EVERY_SECONDS: i64 = 5;

/// At most this many hashes in each half of [`StoredCalls`]: 8 MiB.
const STORED_CALLS_MAX: usize = 1_000_000;

/// An open workspace.
pub(super) struct Live {
    /// Which.
    pub(super) id: WorkspaceId,
    state: Mutex<State>,
}

/// What the lock guards.
pub(super) struct State {
    /// The fold.
    pub(super) tally: Tally,
    /// Calls that are in the store, but not at hand.
    pub(super) elsewhere: StoredCalls,
    forgot_at: Timestamp,
}

impl Live {
    /// A workspace whose state has been folded up to `now`.
    pub(super) fn new(tally: Tally, elsewhere: StoredCalls, now: Timestamp) -> Self {
        let id = tally.workspace().id.clone();
        Self { id, state: Mutex::new(State { tally, elsewhere, forgot_at: now }) }
    }

    /// The state, locked.
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        // A closure that panics has changed nothing: the state behind a poisoned lock is good.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the call's history must be read back before it can be decided.
    pub(super) fn must_read_back(&self, call: &CallKey) -> bool {
        let state = self.lock();
        state.tally.call(call).is_none_or(|known| known.decisions.is_empty()) && state.elsewhere.may_contain(call)
    }

    /// Decides one call; gives the record, and whether it is new.
    ///
    /// The closure may run several times by contract. Here once is enough, because the lock is held from reading to
    /// committing; the sequence it was computed from is compared all the same, as any store must before it commits.
    pub(super) fn decide(
        &self,
        now: Timestamp,
        log_is_current: bool,
        decide: &(dyn Fn(&Tally) -> Verdict + Send + Sync),
    ) -> Result<(Arc<DecisionRecord>, bool), StoreError> {
        let mut state = self.lock();
        state.tally.advance(now);
        match decide(&state.tally) {
            Verdict::Known(record) => Ok((record, false)),
            Verdict::New(record) => {
                let due = state.tally.sequence() + 1;
                if record.sequence != due {
                    let text = format!("decision {} was computed for another state: {due} is next", record.sequence);
                    return Err(StoreError::Conflict(text));
                }
                let record = Arc::new(*record);
                state.tally.add_decision(Arc::clone(&record));
                state.forget(now, log_is_current);
                Ok((record, true))
            }
        }
    }
}

impl State {
    /// Lets calls go that are over, now and then. While records wait for the disk a call is only let go where too many
    /// are at hand: it could not be read back.
    pub(super) fn forget(&mut self, now: Timestamp, log_is_current: bool) {
        if now.duration_since(self.forgot_at).abs() < SignedDuration::from_secs(FORGET_EVERY_SECONDS) {
            return;
        }
        if !log_is_current && self.tally.calls_at_hand() <= CALLS_MAX {
            return;
        }
        self.forgot_at = now;
        for call in self.tally.forget(now) {
            self.elsewhere.add(&call, now);
        }
    }
}

/// Calls of the last day that are in the store but not at hand, as hashes: a new call costs no disk read, a forgotten one
/// is never missed. Says "perhaps" too often rather than too seldom.
#[derive(Debug)]
pub(super) struct StoredCalls {
    young: HashSet<u64>,
    old: HashSet<u64>,
    turned_at: Timestamp,
    overflowed: bool,
}

impl StoredCalls {
    /// None yet.
    pub(super) fn new(now: Timestamp) -> Self {
        Self { young: HashSet::new(), old: HashSet::new(), turned_at: now, overflowed: false }
    }

    /// Adds one.
    pub(super) fn add(&mut self, call: &CallKey, now: Timestamp) {
        // Two halves, each a day: what was added is found for one to two days.
        if now.duration_since(self.turned_at) > SignedDuration::from_secs(RETRY_SECONDS) {
            self.old = std::mem::take(&mut self.young);
            self.turned_at = now;
            self.overflowed = false;
        }
        if self.young.len() < STORED_CALLS_MAX {
            self.young.insert(hash_of(call));
        } else {
            self.overflowed = true;
        }
    }

    /// Whether the call is perhaps one of them.
    pub(super) fn may_contain(&self, call: &CallKey) -> bool {
        let hash = hash_of(call);
        self.overflowed || self.young.contains(&hash) || self.old.contains(&hash)
    }
}

fn hash_of(call: &CallKey) -> u64 {
    let mut hasher = DefaultHasher::new();
    call.hash(&mut hasher);
    hasher.finish()
}
