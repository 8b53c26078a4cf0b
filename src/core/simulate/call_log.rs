//! One person's calls in the simulator, as far as the guard's indicators (`core::load::guard`) need them.
//!
//! Indicators are kept as calls come and go, at the cost of a few additions a call: a simulated person has one call at a time and
//! stays on duty. Time before the shift counts as idle, so that the first call does not stop anybody. It must not choose anybody.

use std::collections::VecDeque;

use crate::core::load::guard::Readings;

const HOUR_US: i64 = 3_600_000_000;
/// A gap of so much ends a row of calls.
const ROW_GAP_US: i64 = 180_000_000;
/// A gap of so much is a rest.
const REST_US: i64 = 600_000_000;

/// One person's calls as far as indicators need them.
#[derive(Debug, Clone)]
pub struct CallLog {
    recent: VecDeque<(i64, i64)>,
    recent_busy_us: i64,
    talk_us: i64,
    talk_until_us: i64,
    busy_until_us: i64,
    in_a_row: u32,
    rested_at_us: i64,
}

impl CallLog {
    /// A shift that begins rested.
    pub fn new(now_us: i64) -> Self {
        Self {
            recent: VecDeque::with_capacity(32),
            recent_busy_us: 0,
            talk_us: 0,
            talk_until_us: now_us,
            busy_until_us: now_us,
            in_a_row: 0,
            rested_at_us: now_us,
        }
    }

    /// A new shift: yesterday's talk does not count any more, the last hour does.
    pub fn begin_shift(&mut self, now_us: i64) {
        self.talk_us = (self.talk_until_us - now_us).max(0);
        self.in_a_row = 0;
        self.rested_at_us = now_us;
        self.busy_until_us = self.busy_until_us.max(now_us);
    }

    /// A call begins that ends, with its after-call time, at `busy_until_us`.
    pub fn take(&mut self, now_us: i64, talk_us: i64, busy_until_us: i64) {
        let gap = now_us - self.busy_until_us;
        if gap >= ROW_GAP_US {
            self.in_a_row = 0;
        }
        if gap >= REST_US {
            self.rested_at_us = now_us;
        }
        self.in_a_row += 1;
        self.talk_us += talk_us;
        self.talk_until_us = now_us + talk_us;
        self.busy_until_us = busy_until_us;
        self.forget(now_us);
        self.recent.push_back((now_us, busy_until_us));
        self.recent_busy_us += busy_until_us - now_us;
    }

    /// What the indicators show.
    pub fn readings(&mut self, now_us: i64) -> Readings {
        self.forget(now_us);
        let from = now_us - HOUR_US;
        // Calls of one person do not overlap: only the oldest can have begun before the hour, only the newest be unfinished.
        let cut = self.recent.front().map_or(0, |(start, _)| (from - start).max(0));
        let ahead = (self.busy_until_us - now_us).max(0);
        let idle = (now_us - self.busy_until_us).max(0);
        let calls = self.recent.len() - usize::from(cut > 0);
        let minutes = |us: i64| us as f64 * (1.0 / 60e6);
        Readings {
            talk_minutes: minutes(self.talk_us - (self.talk_until_us - now_us).max(0)),
            calls_per_hour: calls as f64,
            occupancy: minutes((self.recent_busy_us - cut - ahead).max(0)) * (1.0 / 60.0),
            calls_in_a_row: if idle >= ROW_GAP_US { 0.0 } else { f64::from(self.in_a_row) },
            minutes_since_rest: if idle >= REST_US { 0.0 } else { minutes(now_us - self.rested_at_us) },
            idle_minutes: minutes(idle),
        }
    }

    fn forget(&mut self, now_us: i64) {
        while let Some((start, end)) = self.recent.front().copied().filter(|(_, end)| *end <= now_us - HOUR_US) {
            self.recent_busy_us -= end - start;
            self.recent.pop_front();
        }
    }
}
