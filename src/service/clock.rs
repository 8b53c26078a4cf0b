//! The real clock and the real ids: the only places that ask the system for either.

use jiff::Timestamp;
use uuid::Uuid;

use crate::broker::ports::{Clock, IdSource};

/// The system's wall clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the clock")]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

/// UUIDs version 7 with the system's randomness.
#[derive(Debug, Clone, Copy, Default)]
pub struct RandomIds;

impl IdSource for RandomIds {
    fn next_id(&self, at: Timestamp) -> Uuid {
        let seconds = u64::try_from(at.as_second()).unwrap_or(0);
        let nanoseconds = u32::try_from(at.subsec_nanosecond()).unwrap_or(0);
        Uuid::new_v7(uuid::Timestamp::from_unix(uuid::NoContext, seconds, nanoseconds))
    }
}

/// A token of 244 random bits, with a prefix by which a leaked one is found.
pub fn random_token() -> String {
    format!("mlt_{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple())
}
