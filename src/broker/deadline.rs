//! The time a hook has left, and what may still be tried in it.

use std::time::Duration;

use tokio::time::Instant;

/// Kept back for choosing, encoding and writing the answer.
const RESERVE: Duration = Duration::from_millis(20);

/// Most of the time that a caller lookup may take from a hook.
const LOOKUP_MAX: Duration = Duration::from_millis(150);

/// When a hook must be answered. An instant, never a duration: awaits inside cannot add up beyond it.
#[derive(Debug, Clone, Copy)]
pub struct Deadline(Instant);

impl Deadline {
    /// For a hook that arrived at `arrival` on a connection with this deadline.
    pub fn after(arrival: Instant, deadline_ms: u32) -> Self {
        Self(arrival + Duration::from_millis(u64::from(deadline_ms)))
    }

    /// When reading the body must be over.
    pub fn for_body(self) -> Instant {
        self.0 - RESERVE
    }

    /// Until when to wait for a caller lookup that starts now.
    pub fn for_lookup(self) -> Instant {
        (Instant::now() + LOOKUP_MAX).min(self.0 - RESERVE)
    }

    /// Until when to wait for the store.
    pub fn for_store(self) -> Instant {
        self.0 - RESERVE / 2
    }

    /// The deadline itself.
    pub fn at(self) -> Instant {
        self.0
    }
}
