//! Who is calling: a CRM's word on a phone number, cached, asked once for all who wait, never in the way of the answer.
//!
//! The question to the CRM runs as a task of its own with its own time limit. A caller waits for it as long as the hook's
//! deadline allows; when that is too short, the answer goes out without it and the result still fills the cache. (A fetch
//! driven by its first waiter would be dropped with that waiter, and the cache would never fill.)

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use moka::future::Cache;
use tokio::sync::{Semaphore, watch};
use tokio::time::Instant;

use super::ports::{CallerDirectory, CallerRecord};
use super::supervise::Tasks;
use crate::core::phone_number::PhoneNumber;

/// Bounds and ages of the caller cache.
#[derive(Debug, Clone, Copy)]
pub struct LookupLimits {
    /// How many callers are remembered.
    pub entries_max: u64,
    /// A known caller is served without asking for so long (shortened or lengthened by up to a tenth).
    pub fresh: Duration,
    /// After that it is served at once and asked for again, for so long.
    pub stale: Duration,
    /// A failure is remembered for so long: a dead CRM is not asked on every call.
    pub failure: Duration,
    /// How long one question may take.
    pub question: Duration,
    /// How many questions may run at once.
    pub in_flight_max: usize,
}

impl Default for LookupLimits {
    fn default() -> Self {
        Self {
            entries_max: 100_000,
            fresh: Duration::from_secs(60),
            stale: Duration::from_secs(24 * 3600),
            failure: Duration::from_secs(3),
            question: Duration::from_secs(5),
            in_flight_max: 8,
        }
    }
}

/// What a lookup came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lookup {
    /// The CRM's word, young enough.
    Fresh(Option<CallerRecord>),
    /// An older word; it is being asked for again.
    Stale(Option<CallerRecord>),
    /// No word in time.
    Late,
    /// The CRM failed.
    Failed,
}

#[derive(Debug, Clone)]
struct Entry {
    word: Option<CallerRecord>,
    asked_at: Instant,
    failed: bool,
}

type Flights = Mutex<HashMap<PhoneNumber, watch::Receiver<Option<Entry>>>>;

/// The caller cache of one workspace in front of its CRM.
#[derive(Clone)]
pub struct CallerLookup {
    inner: Arc<Inner>,
}

struct Inner {
    directory: Arc<dyn CallerDirectory>,
    limits: LookupLimits,
    cache: Cache<PhoneNumber, Entry>,
    flights: Flights,
    permits: Semaphore,
    jitter: RandomState,
    tasks: Tasks,
}

impl CallerLookup {
    /// A cache in front of `directory`; its questions run among `tasks`.
    pub fn new(directory: Arc<dyn CallerDirectory>, limits: LookupLimits, tasks: Tasks) -> Self {
        let cache = Cache::builder().max_capacity(limits.entries_max).time_to_live(limits.fresh + limits.stale).build();
        let inner = Inner {
            directory,
            limits,
            cache,
            flights: Mutex::default(),
            permits: Semaphore::new(limits.in_flight_max),
            jitter: RandomState::new(),
            tasks,
        };
        Self { inner: Arc::new(inner) }
    }

    /// Finds the caller, waiting until `until` at the latest.
    pub async fn find(&self, caller: &PhoneNumber, until: Instant) -> Lookup {
        if let Some(entry) = self.inner.cache.get(caller).await {
            let age = Instant::now().saturating_duration_since(entry.asked_at);
            if entry.failed && age < self.inner.limits.failure {
                return Lookup::Failed;
            }
            if !entry.failed {
                if age < self.fresh_for(caller) {
                    return Lookup::Fresh(entry.word);
                }
                self.ask(caller);
                return Lookup::Stale(entry.word);
            }
        }
        let mut flight = self.ask(caller);
        let landed = tokio::time::timeout_at(until, flight.wait_for(Option::is_some)).await;
        match landed {
            Ok(Ok(entry)) => match entry.as_ref() {
                Some(entry) if !entry.failed => Lookup::Fresh(entry.word.clone()),
                Some(_) | None => Lookup::Failed,
            },
            // The asking task ended without a word: it panicked.
            Ok(Err(_)) => Lookup::Failed,
            Err(_) => Lookup::Late,
        }
    }

    /// How many callers are remembered.
    pub async fn entries(&self) -> u64 {
        // The cache counts when it tidies up.
        self.inner.cache.run_pending_tasks().await;
        self.inner.cache.entry_count()
    }

    /// Whether the CRM failed so often that it is left alone for now.
    pub fn breaker_is_open(&self) -> bool {
        self.inner.directory.breaker_is_open()
    }

    /// Different callers expire at different times, so that a quiet morning does not end in one burst of questions.
    fn fresh_for(&self, caller: &PhoneNumber) -> Duration {
        let mut hasher = self.inner.jitter.build_hasher();
        caller.hash(&mut hasher);
        let draw = std::hash::Hasher::finish(&hasher) % 1000;
        #[expect(clippy::cast_precision_loss, reason = "below 1000")]
        self.inner.limits.fresh.mul_f64(0.9 + 0.2 * draw as f64 / 1000.0)
    }

    /// Joins the question about this caller that runs, or starts one.
    fn ask(&self, caller: &PhoneNumber) -> watch::Receiver<Option<Entry>> {
        let mut flights = self.inner.flights.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(flight) = flights.get(caller).filter(|flight| flight.has_changed().is_ok()) {
            return flight.clone();
        }
        let (land, flight) = watch::channel(None);
        flights.insert(caller.clone(), flight.clone());
        drop(flights);
        let (inner, caller) = (Arc::clone(&self.inner), caller.clone());
        self.inner.tasks.spawn("caller lookup", async move {
            let entry = inner.question(&caller).await;
            // A failure never replaces a word: an old one beats none.
            let keeps_old = entry.failed && inner.cache.get(&caller).await.is_some_and(|old| !old.failed);
            if !keeps_old {
                inner.cache.insert(caller.clone(), entry.clone()).await;
            }
            inner.flights.lock().unwrap_or_else(PoisonError::into_inner).remove(&caller);
            land.send_replace(Some(entry));
        });
        flight
    }
}

impl Inner {
    async fn question(&self, caller: &PhoneNumber) -> Entry {
        let failed = || Entry { word: None, asked_at: Instant::now(), failed: true };
        let Ok(_permit) = self.permits.try_acquire() else {
            tracing::warn!(in_flight = self.limits.in_flight_max, "caller not looked up: the CRM is busy with earlier questions");
            return failed();
        };
        match tokio::time::timeout(self.limits.question, self.directory.find(caller)).await {
            Ok(Ok(word)) => Entry { word, asked_at: Instant::now(), failed: false },
            Ok(Err(error)) => {
                tracing::warn!(%error, "the CRM could not be asked who is calling; calls go on without it");
                failed()
            }
            Err(_) => {
                let seconds = self.limits.question.as_secs();
                tracing::warn!(seconds, "the CRM did not say in time who is calling; calls go on without it");
                failed()
            }
        }
    }
}
