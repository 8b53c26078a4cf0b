//! How often a CRM may be asked: a bucket for all, of which pulls leave a part to lookups, and the CRM's own "not before".

use std::num::NonZeroU32;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use tokio::time::Instant;

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lane {
    /// A caller is on the line.
    Lookup,
    /// Nobody waits.
    Pull,
}

/// The budget of one connection.
pub(super) struct Budget {
    all: DefaultDirectRateLimiter,
    pulls: DefaultDirectRateLimiter,
    /// Set when the CRM asked to be left alone.
    not_before: Mutex<Option<Instant>>,
}

impl Budget {
    /// `burst` requests at once, `per_second` after that; pulls leave the part `reserve` of both.
    pub(super) fn new(burst: u32, per_second: u32, reserve: f64) -> Self {
        let part = |whole: u32| {
            let rest = (f64::from(whole) * (1.0 - reserve.clamp(0.0, 0.9))).floor();
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and a u32")]
            let rest = rest as u32;
            rest
        };
        // Whole numbers per second would round a reserve of 2 per second to nothing: the pull's pace is a period.
        let pace = Duration::from_secs_f64(1.0 / (f64::from(per_second.max(1)) * (1.0 - reserve.clamp(0.0, 0.9))));
        let pulls = Quota::with_period(pace).unwrap_or_else(|| quota(per_second)).allow_burst(at_least_one(part(burst)));
        Self {
            all: RateLimiter::direct(quota(per_second).allow_burst(at_least_one(burst))),
            pulls: RateLimiter::direct(pulls),
            not_before: Mutex::new(None),
        }
    }

    /// Takes one request out of the budget: a pull waits for it, a lookup gets it now or is told for how long there is none.
    pub(super) async fn take(&self, lane: Lane) -> Result<(), Duration> {
        if let Some(left) = self.left_alone_for() {
            return Err(left);
        }
        match lane {
            Lane::Lookup => self.all.check().map_err(|not_until| not_until.wait_time_from(DefaultClock::default().now())),
            Lane::Pull => {
                wait(&self.pulls).await;
                wait(&self.all).await;
                Ok(())
            }
        }
    }

    /// The CRM asks to be left alone for so long.
    pub(super) fn leave_alone(&self, wait: Duration) {
        let until = Instant::now() + wait;
        let mut not_before = self.not_before.lock().unwrap_or_else(PoisonError::into_inner);
        *not_before = Some(not_before.map_or(until, |known| known.max(until)));
    }

    fn left_alone_for(&self) -> Option<Duration> {
        let not_before = (*self.not_before.lock().unwrap_or_else(PoisonError::into_inner))?;
        not_before.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())
    }
}

async fn wait(limiter: &DefaultDirectRateLimiter) {
    while let Err(not_until) = limiter.check() {
        tokio::time::sleep(not_until.wait_time_from(DefaultClock::default().now())).await;
    }
}

fn quota(per_second: u32) -> Quota {
    Quota::per_second(at_least_one(per_second))
}

fn at_least_one(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN)
}
