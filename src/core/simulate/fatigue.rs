//! How loaded a person is, and by how much the guard lowers their share for it.
//!
//! ```text
//! taper(x; lo, hi) = 1 if x <= lo; 0 if x >= hi; (hi - x) / (hi - lo) between
//! g = the smallest taper of the indicators; g = 0 takes the person out of the rotation
//! ```
//!
//! Indicators are kept as calls come and go, at the cost of a few additions a call. It must not choose anybody.

use std::collections::VecDeque;

use super::distribution::to_seconds;

const HOUR_US: i64 = 3_600_000_000;
/// A gap of so much ends a row of calls.
const ROW_GAP_US: i64 = 180_000_000;
/// A gap of so much is a rest.
const REST_US: i64 = 600_000_000;

/// Between `lo` and `hi` an indicator lowers the share from all to nothing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Band {
    /// Up to here nothing is lowered.
    pub lo: f64,
    /// From here on nothing is left.
    pub hi: f64,
}

/// The part of a share that an indicator leaves.
pub fn taper(x: f64, band: Band) -> f64 {
    if x <= band.lo {
        1.0
    } else if x >= band.hi {
        0.0
    } else {
        (band.hi - x) / (band.hi - band.lo)
    }
}

/// What load is measured by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Indicator {
    /// Minutes of talk this shift.
    TalkMinutes,
    /// Calls taken in the last 60 minutes.
    CallsPerHour,
    /// Part of the last 60 minutes spent on talk and after-call time.
    Occupancy,
    /// Calls without a gap of 3 minutes.
    CallsInARow,
    /// Minutes since a rest of 10 minutes.
    MinutesSinceRest,
}

impl Indicator {
    /// As a policy writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::TalkMinutes => "talk_minutes",
            Self::CallsPerHour => "calls_per_hour",
            Self::Occupancy => "occupancy",
            Self::CallsInARow => "calls_in_a_row",
            Self::MinutesSinceRest => "minutes_since_rest",
        }
    }
}

/// A guard's bands; an absent one is off.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Limits {
    /// Minutes of talk this shift.
    pub talk_minutes: Option<Band>,
    /// Calls in the last 60 minutes.
    pub calls_per_hour: Option<Band>,
    /// Busy part of the last 60 minutes.
    pub occupancy: Option<Band>,
    /// Calls without a gap of 3 minutes.
    pub calls_in_a_row: Option<Band>,
    /// Minutes since a rest of 10 minutes.
    pub minutes_since_rest: Option<Band>,
}

impl Limits {
    /// What `guard: standard` means.
    pub const STANDARD: Self = Self {
        talk_minutes: Some(Band { lo: 270.0, hi: 360.0 }),
        calls_per_hour: Some(Band { lo: 10.0, hi: 14.0 }),
        occupancy: Some(Band { lo: 0.80, hi: 0.90 }),
        calls_in_a_row: Some(Band { lo: 5.0, hi: 8.0 }),
        minutes_since_rest: Some(Band { lo: 90.0, hi: 120.0 }),
    };

    /// Each indicator with its band.
    pub fn bands(&self) -> [(Indicator, Option<Band>); 5] {
        [
            (Indicator::TalkMinutes, self.talk_minutes),
            (Indicator::CallsPerHour, self.calls_per_hour),
            (Indicator::Occupancy, self.occupancy),
            (Indicator::CallsInARow, self.calls_in_a_row),
            (Indicator::MinutesSinceRest, self.minutes_since_rest),
        ]
    }

    /// The smallest taper, and whose it is when below 1.
    pub fn factor(&self, readings: &Readings) -> (f64, Option<Indicator>) {
        let mut smallest = (1.0, None);
        let mut look = |indicator: Indicator, reading: f64, band: Option<Band>| {
            if let Some(band) = band.filter(|band| reading > band.lo) {
                let left = taper(reading, band);
                if left < smallest.0 {
                    smallest = (left, Some(indicator));
                }
            }
        };
        look(Indicator::TalkMinutes, readings.talk_minutes, self.talk_minutes);
        look(Indicator::CallsPerHour, readings.calls_per_hour, self.calls_per_hour);
        look(Indicator::Occupancy, readings.occupancy, self.occupancy);
        look(Indicator::CallsInARow, readings.calls_in_a_row, self.calls_in_a_row);
        look(Indicator::MinutesSinceRest, readings.minutes_since_rest, self.minutes_since_rest);
        smallest
    }
}

/// What the indicators show of one person at one moment.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Readings {
    /// Minutes of talk this shift.
    pub talk_minutes: f64,
    /// Calls taken in the last 60 minutes.
    pub calls_per_hour: f64,
    /// Busy part of the last 60 minutes. Time before the shift counts as idle, so that the first call does not stop anybody.
    pub occupancy: f64,
    /// Calls without a gap of 3 minutes.
    pub calls_in_a_row: f64,
    /// Minutes since a rest of 10 minutes, or since the shift began.
    pub minutes_since_rest: f64,
    /// Minutes without a call up to now.
    pub idle_minutes: f64,
}

impl Readings {
    fn of(&self, indicator: Indicator) -> f64 {
        match indicator {
            Indicator::TalkMinutes => self.talk_minutes,
            Indicator::CallsPerHour => self.calls_per_hour,
            Indicator::Occupancy => self.occupancy,
            Indicator::CallsInARow => self.calls_in_a_row,
            Indicator::MinutesSinceRest => self.minutes_since_rest,
        }
    }
}

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

/// Whether the guard has stopped a person, and by what.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stop(Option<Indicator>);

impl Stop {
    /// The factor on the share now; 0 means stopped. With `hysteresis` whoever was stopped stays so until the same indicator is
    /// back at the middle of its band; for calls in a row and time since rest until a rest.
    pub fn factor(&mut self, limits: &Limits, readings: &Readings, hysteresis: bool) -> f64 {
        if let Some(by) = self.0
            && hysteresis
            && !released(by, limits, readings)
        {
            return 0.0;
        }
        let (factor, by) = limits.factor(readings);
        self.0 = by.filter(|_| factor == 0.0);
        factor
    }

    /// Nobody is stopped when a shift begins.
    pub fn clear(&mut self) {
        self.0 = None;
    }
}

fn released(by: Indicator, limits: &Limits, readings: &Readings) -> bool {
    let back = |band: Option<Band>| band.is_none_or(|band| readings.of(by) <= (band.lo + band.hi) / 2.0);
    match by {
        Indicator::TalkMinutes => back(limits.talk_minutes),
        Indicator::CallsPerHour => back(limits.calls_per_hour),
        Indicator::Occupancy => back(limits.occupancy),
        Indicator::CallsInARow | Indicator::MinutesSinceRest => readings.idle_minutes * 60.0 >= to_seconds(REST_US),
    }
}
