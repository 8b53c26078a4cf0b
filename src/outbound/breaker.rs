//! When to leave a peer that fails alone, and when to try it again.
//!
//! Opens after five failures in a row, or when half of at least five requests of the last ten seconds failed. Then one probe
//! is let through after 1, 2, 4 ... 60 seconds; a probe that succeeds closes it. Time comes in as an argument.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

/// Failures in a row that open it.
const IN_A_ROW: u32 = 5;
/// The span over which the part of failures is looked at.
const WINDOW: Duration = Duration::from_secs(10);
/// Fewer requests than these say nothing about a part.
const WINDOW_REQUESTS_MIN: usize = 5;
/// The first pause.
const PAUSE: Duration = Duration::from_secs(1);
/// The longest pause.
const PAUSE_MAX: Duration = Duration::from_secs(60);

/// The breaker of one peer and operation.
#[derive(Debug, Default)]
pub struct Breaker {
    /// Outcomes of the last seconds: when, and whether it failed.
    recent: VecDeque<(Instant, bool)>,
    failures_in_a_row: u32,
    /// Set while open: until when, and how often it was opened without a success in between.
    open: Option<(Instant, u32)>,
    /// When the probe that is out went out.
    probing: Option<Instant>,
}

/// Whether a request may go out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// It may.
    Go,
    /// Not before so long.
    Wait(Duration),
}

impl Breaker {
    /// Asks for a request; each `Go` must be followed by [`Breaker::record`].
    pub fn admit(&mut self, now: Instant) -> Admission {
        let Some((until, _)) = self.open else { return Admission::Go };
        // A probe that never told how it went is given up.
        if self.probing.is_some_and(|since| now.saturating_duration_since(since) < WINDOW) {
            return Admission::Wait(PAUSE);
        }
        match until.checked_duration_since(now) {
            Some(left) if !left.is_zero() => Admission::Wait(left),
            _ => {
                self.probing = Some(now);
                Admission::Go
            }
        }
    }

    /// Tells how a request went. `spread` (0 to 1) moves the pause between half and one and a half of its length.
    pub fn record(&mut self, failed: bool, now: Instant, spread: f64) {
        self.probing = None;
        if !failed {
            self.failures_in_a_row = 0;
            if self.open.take().is_some() {
                self.recent.clear();
            }
        } else {
            self.failures_in_a_row = self.failures_in_a_row.saturating_add(1);
        }
        self.recent.push_back((now, failed));
        while self.recent.front().is_some_and(|(at, _)| now.saturating_duration_since(*at) > WINDOW) {
            self.recent.pop_front();
        }
        let failures = self.recent.iter().filter(|(_, failed)| *failed).count();
        let half = self.recent.len() >= WINDOW_REQUESTS_MIN && failures * 2 >= self.recent.len();
        if failed && (self.open.is_some() || self.failures_in_a_row >= IN_A_ROW || half) {
            let times = self.open.map_or(0, |(_, times)| times + 1);
            let pause = PAUSE.saturating_mul(1 << times.min(6)).min(PAUSE_MAX);
            self.open = Some((now + pause.mul_f64(0.5 + spread.clamp(0.0, 1.0)), times));
        }
    }

    /// Whether it is open.
    pub fn is_open(&self) -> bool {
        self.open.is_some()
    }
}
