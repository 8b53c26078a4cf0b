//! The real clock and the real ids: the only places that ask the system for either.

use std::sync::atomic::{AtomicU64, Ordering};

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

/// UUIDs version 7 that count up from a random start (RFC 9562, section 6.2): asking the system for randomness takes longer
/// than the rest of an id, and nobody is kept out by not knowing one.
#[derive(Debug)]
pub struct RandomIds {
    prefix: [u8; 2],
    next: AtomicU64,
}

impl Default for RandomIds {
    fn default() -> Self {
        let (start, prefix) = Uuid::new_v4().as_u64_pair();
        let prefix = prefix.to_le_bytes();
        Self { prefix: [prefix[0], prefix[1]], next: AtomicU64::new(start) }
    }
}

impl IdSource for RandomIds {
    fn next_id(&self, at: Timestamp) -> Uuid {
        let millis = u64::try_from(at.as_millisecond()).unwrap_or(0);
        let mut tail = [0; 10];
        tail[..2].copy_from_slice(&self.prefix);
        tail[2..].copy_from_slice(&self.next.fetch_add(1, Ordering::Relaxed).to_be_bytes());
        uuid::Builder::from_unix_timestamp_millis(millis, &tail).into_uuid()
    }
}

/// A token of 244 random bits, with a prefix by which a leaked one is found.
pub fn random_token() -> String {
    format!("mlt_{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple())
}
