//! The demo's parts, each against what it claims to be: the published figures, the documented CRM, an honest PBX.

mod company;
mod crm;
mod run;
mod screen;
mod teller;
mod traffic;

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use meritline::broker::ports::Clock;

/// Runs from a fixed instant with the monotonic clock.
pub struct SteadyClock {
    start: Timestamp,
    since: tokio::time::Instant,
}

impl SteadyClock {
    /// 24 November 2026, 14:00 in Moscow.
    pub fn shared() -> Arc<dyn Clock> {
        let start = "2026-11-24T11:00:00Z".parse().unwrap();
        Arc::new(Self { start, since: tokio::time::Instant::now() })
    }
}

impl Clock for SteadyClock {
    fn now(&self) -> Timestamp {
        self.start + SignedDuration::try_from(self.since.elapsed()).unwrap()
    }
}
