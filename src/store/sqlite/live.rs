//! One open workspace: its distribution state in memory, and which stored calls are not at hand.
//!
//! Touches no disk. The lock is held for the microseconds a decision takes, never across an await.

use std::collections::HashSet;
use std::hash::BuildHasher;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};

use foldhash::fast::RandomState;
use jiff::{SignedDuration, Timestamp};

use crate::broker::store::{StoreError, Verdict};
use crate::core::distribution::call_state::CallState;
use crate::core::distribution::tally::{CALLS_MAX, FINISHED_MAX, Tally};
use crate::core::ids::{CallKey, WorkspaceId};
use crate::core::record::DecisionRecord;

use super::queue::Queue;

/// A repeated question gets the stored answer for this long.
pub(super) const RETRY_SECONDS: i64 = 24 * 3600;

/// How often a task lets others go first before its thread waits for the lock. More often only turns tasks over while the thread
/// that has the lock waits for a processor: measured 5 % fewer hooks at 16.
const TURNS: usize = 4;

/// So many calls are let go at once because too many are at hand: whoever asks next waits for it.
const LET_GO_AT_ONCE: usize = 64;

/// How often calls that are over are let go.
const FORGET_EVERY_SECONDS: i64 = 5;

/// At most this many hashes in each half of [`StoredCalls`]: 40 MiB.
const STORED_CALLS_MAX: usize = 4_000_000;

/// An open workspace.
pub(super) struct Live {
    /// Which.
    pub(super) id: WorkspaceId,
    state: Mutex<State>,
}

/// A call to decide.
pub(super) struct Asked<'a> {
    /// Which.
    pub(super) call: &'a CallKey,
    /// When it was asked.
    pub(super) now: Timestamp,
    /// How.
    pub(super) decide: &'a (dyn Fn(&Tally) -> Verdict + Send + Sync),
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

    fn try_lock(&self) -> Option<MutexGuard<'_, State>> {
        match self.state.try_lock() {
            Ok(state) => Some(state),
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }

    /// The state, locked. While somebody else decides, this thread does something else: going to sleep and being woken up
    /// takes longer than a decision.
    async fn lock_in_turn(&self) -> MutexGuard<'_, State> {
        for _ in 0..TURNS {
            if let Some(state) = self.try_lock() {
                return state;
            }
            tokio::task::yield_now().await;
        }
        self.lock()
    }

    /// Decides one call. A new record is handed over before anybody else can decide, so that records go to the disk in the
    /// order of their sequence.
    ///
    /// None when the call's history must be read back first; `read_back` says that it was, whatever was found.
    ///
    /// The closure may run several times by contract. Here once is enough, because the lock is held from reading to
    /// committing; the sequence it was computed from is compared all the same, as any store must before it commits.
    pub(super) async fn decide(
        &self,
        asked: &Asked<'_>,
        read_back: bool,
        queue: &Queue,
    ) -> Result<Option<Arc<DecisionRecord>>, StoreError> {
        let now = asked.now;
        let mut state = self.lock_in_turn().await;
        // First: a call that has been over for long is not this one, though nothing happened since and the PBX uses its id again.
        let gone = state.forget(now, queue.log_is_current());
        if !read_back && state.must_read_back(asked.call) {
            drop(state);
            drop(gone);
            return Ok(None);
        }
        state.tally.advance(now);
        match (asked.decide)(&state.tally) {
            Verdict::Known(record) => Ok(Some(record)),
            Verdict::New(record) => {
                let due = state.tally.sequence() + 1;
                if record.sequence != due {
                    let text = format!("decision {} was computed for another state: {due} is next", record.sequence);
                    return Err(StoreError::Conflict(text));
                }
                state.tally.add_decision(Arc::clone(&record));
                queue.hand_over(&self.id, &record);
                drop(state);
                drop(gone);
                Ok(Some(record))
            }
        }
    }
}

impl State {
    fn must_read_back(&self, call: &CallKey) -> bool {
        self.tally.call(call).is_none_or(|known| known.decisions.is_empty()) && self.elsewhere.may_contain(call)
    }

    /// Lets calls go that are over, now and then. While records wait for the disk a call is only let go where too many
    /// are at hand: it could not be read back.
    ///
    /// Gives them back: dropping many takes a while, which nobody need wait for.
    #[must_use]
    pub(super) fn forget(&mut self, now: Timestamp, log_is_current: bool) -> Vec<CallState> {
        let finished_max = if log_is_current { FINISHED_MAX } else { CALLS_MAX };
        let exceeds = |count: usize, most: usize| count >= most + LET_GO_AT_ONCE;
        let too_many = exceeds(self.tally.calls_at_hand(), CALLS_MAX) || exceeds(self.tally.finished_at_hand(), finished_max);
        let due = now.duration_since(self.forgot_at).abs() >= SignedDuration::from_secs(FORGET_EVERY_SECONDS);
        let gone = if due && log_is_current {
            self.forgot_at = now;
            self.tally.forget(now)
        } else if too_many {
            self.tally.let_excess_go(finished_max, LET_GO_AT_ONCE)
        } else {
            return Vec::new();
        };
        for call in &gone {
            self.elsewhere.add(&call.key, now);
        }
        gone
    }
}

/// Calls of the last day that are in the store but not at hand, as hashes: a new call costs no disk read, a forgotten one
/// is never missed. Says "perhaps" too often rather than too seldom.
#[derive(Debug)]
pub(super) struct StoredCalls {
    young: HashSet<u32, RandomState>,
    old: HashSet<u32, RandomState>,
    hashing: RandomState,
    turned_at: Timestamp,
    overflowed: bool,
}

impl StoredCalls {
    /// None yet.
    pub(super) fn new(now: Timestamp) -> Self {
        let (young, old, hashing) = (HashSet::default(), HashSet::default(), RandomState::default());
        Self { young, old, hashing, turned_at: now, overflowed: false }
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
            self.young.insert(self.hash_of(call));
        } else {
            self.overflowed = true;
        }
    }

    /// Whether the call is perhaps one of them.
    pub(super) fn may_contain(&self, call: &CallKey) -> bool {
        if self.young.is_empty() && self.old.is_empty() {
            return self.overflowed;
        }
        let hash = self.hash_of(call);
        self.overflowed || self.young.contains(&hash) || self.old.contains(&hash)
    }

    /// Half a hash: of four million calls, one new call in a thousand looks like one of them.
    fn hash_of(&self, call: &CallKey) -> u32 {
        (self.hashing.hash_one(call) >> 32) as u32
    }
}
