//! The overload guard as arithmetic: how loaded a person is, and by how much that lowers their share.
//!
//! ```text
//! taper(x; lo, hi) = 1 if x <= lo; 0 if x >= hi; (hi - x) / (hi - lo) between
//! g = the smallest taper of the indicators; g = 0 takes the person out of the rotation
//! ```
//!
//! The smallest one, not their product: so there is one reason. Whoever was stopped comes back when the same indicator is in
//! the middle of its band again; after calls in a row or too long without a rest only a rest helps. The service
//! (`core::load::workload`) and the simulator use this same arithmetic. It knows no calls, chooses nobody and reads no clock.

use serde::{Deserialize, Serialize};

/// A gap of so many minutes ends a row of calls.
pub const ROW_GAP_MINUTES: f64 = 3.0;

/// A gap of so many minutes is a rest.
pub const REST_MINUTES: f64 = 10.0;

/// Between `lo` and `hi` an indicator lowers the share from all to nothing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Band {
    /// Up to here nothing is lowered.
    pub lo: f64,
    /// From here on nothing is left.
    pub hi: f64,
}

impl Band {
    /// From `lo` to `hi`.
    pub const fn new(lo: f64, hi: f64) -> Self {
        Self { lo, hi }
    }

    /// Where a stop ends.
    pub fn middle(self) -> f64 {
        (self.lo + self.hi) / 2.0
    }
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
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
    /// Every indicator, in the order in which they are named as a reason.
    pub const ALL: [Self; 5] =
        [Self::TalkMinutes, Self::CallsPerHour, Self::Occupancy, Self::CallsInARow, Self::MinutesSinceRest];

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

    /// A reading in words.
    pub fn told(self, reading: f64) -> String {
        match self {
            Self::TalkMinutes => format!("{reading:.0} minutes of talk this shift"),
            Self::CallsPerHour => format!("{reading:.0} calls in the last 60 minutes"),
            Self::Occupancy => format!("busy for {:.0} % of the last 60 minutes", 100.0 * reading),
            Self::CallsInARow => format!("{reading:.0} calls in a row"),
            Self::MinutesSinceRest => format!("{reading:.0} minutes since a rest"),
        }
    }

    fn bit(self) -> u8 {
        match self {
            Self::TalkMinutes => 1,
            Self::CallsPerHour => 2,
            Self::Occupancy => 4,
            Self::CallsInARow => 8,
            Self::MinutesSinceRest => 16,
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
    /// What `guard: light` means: later and wider than the standard.
    pub const LIGHT: Self = Self {
        talk_minutes: Some(Band::new(330.0, 420.0)),
        calls_per_hour: Some(Band::new(14.0, 20.0)),
        occupancy: Some(Band::new(0.85, 0.95)),
        calls_in_a_row: Some(Band::new(8.0, 12.0)),
        minutes_since_rest: Some(Band::new(120.0, 180.0)),
    };

    /// What `guard: standard` means.
    pub const STANDARD: Self = Self {
        talk_minutes: Some(Band::new(270.0, 360.0)),
        calls_per_hour: Some(Band::new(10.0, 14.0)),
        occupancy: Some(Band::new(0.80, 0.90)),
        calls_in_a_row: Some(Band::new(5.0, 8.0)),
        minutes_since_rest: Some(Band::new(90.0, 120.0)),
    };

    /// What `guard: strict` means: earlier than the standard.
    pub const STRICT: Self = Self {
        talk_minutes: Some(Band::new(210.0, 300.0)),
        calls_per_hour: Some(Band::new(8.0, 12.0)),
        occupancy: Some(Band::new(0.75, 0.85)),
        calls_in_a_row: Some(Band::new(4.0, 6.0)),
        minutes_since_rest: Some(Band::new(60.0, 90.0)),
    };

    /// The band of an indicator.
    pub fn of(&self, indicator: Indicator) -> Option<Band> {
        match indicator {
            Indicator::TalkMinutes => self.talk_minutes,
            Indicator::CallsPerHour => self.calls_per_hour,
            Indicator::Occupancy => self.occupancy,
            Indicator::CallsInARow => self.calls_in_a_row,
            Indicator::MinutesSinceRest => self.minutes_since_rest,
        }
    }

    /// Sets the band of an indicator.
    pub fn set(&mut self, indicator: Indicator, band: Option<Band>) {
        let slot = match indicator {
            Indicator::TalkMinutes => &mut self.talk_minutes,
            Indicator::CallsPerHour => &mut self.calls_per_hour,
            Indicator::Occupancy => &mut self.occupancy,
            Indicator::CallsInARow => &mut self.calls_in_a_row,
            Indicator::MinutesSinceRest => &mut self.minutes_since_rest,
        };
        *slot = band;
    }

    /// Each indicator with its band.
    pub fn bands(&self) -> [(Indicator, Option<Band>); 5] {
        Indicator::ALL.map(|indicator| (indicator, self.of(indicator)))
    }

    /// Whether every indicator is off.
    pub fn are_off(&self) -> bool {
        *self == Self::default()
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
    /// Busy part of the last 60 minutes on duty.
    pub occupancy: f64,
    /// Calls without a gap of 3 minutes.
    pub calls_in_a_row: f64,
    /// Minutes since a rest of 10 minutes, or since the shift began.
    pub minutes_since_rest: f64,
    /// Minutes without a call up to now.
    pub idle_minutes: f64,
}

impl Readings {
    /// What one indicator shows.
    pub fn of(&self, indicator: Indicator) -> f64 {
        match indicator {
            Indicator::TalkMinutes => self.talk_minutes,
            Indicator::CallsPerHour => self.calls_per_hour,
            Indicator::Occupancy => self.occupancy,
            Indicator::CallsInARow => self.calls_in_a_row,
            Indicator::MinutesSinceRest => self.minutes_since_rest,
        }
    }

    /// As they are told and as tapers use them: whole minutes and whole percent, rounded down. So weights, which are stored
    /// with each decision, stay the same for a while.
    pub fn rounded(&self) -> Self {
        // A sum of microseconds must not fall below the whole number that it is.
        let down = |x: f64| (x + 1e-6).floor();
        Self {
            talk_minutes: down(self.talk_minutes),
            calls_per_hour: self.calls_per_hour,
            occupancy: down(self.occupancy * 100.0) / 100.0,
            calls_in_a_row: self.calls_in_a_row,
            minutes_since_rest: down(self.minutes_since_rest),
            idle_minutes: down(self.idle_minutes),
        }
    }
}

/// Which indicators have stopped a person and not let go yet.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stop(u8);

impl Stop {
    /// Looks at a person: whoever is at the end of a band is stopped, and stays so until the same indicator is back in the
    /// middle of its band; for calls in a row and time since rest until a rest.
    pub fn look(&mut self, limits: &Limits, readings: &Readings) {
        for indicator in Indicator::ALL {
            let Some(band) = limits.of(indicator) else {
                self.0 &= !indicator.bit();
                continue;
            };
            let reading = readings.of(indicator);
            if reading >= band.hi {
                self.0 |= indicator.bit();
            } else if self.holds(indicator) && lets_go(indicator, reading, band, readings.idle_minutes) {
                self.0 &= !indicator.bit();
            }
        }
    }

    /// Whether an indicator keeps the person stopped.
    pub fn holds(self, indicator: Indicator) -> bool {
        self.0 & indicator.bit() != 0
    }

    /// The first indicator that keeps the person stopped.
    pub fn by(self) -> Option<Indicator> {
        Indicator::ALL.into_iter().find(|indicator| self.holds(*indicator))
    }

    /// Looks, and gives the factor on the share now; 0 means stopped. Without `hysteresis` whoever was stopped is let go as soon
    /// as no indicator is at the end of its band.
    pub fn factor(&mut self, limits: &Limits, readings: &Readings, hysteresis: bool) -> f64 {
        let (factor, _) = limits.factor(readings);
        if !hysteresis {
            return factor;
        }
        // Most of the time nobody is near a stop.
        if self.0 == 0 && factor > 0.0 {
            return factor;
        }
        self.look(limits, readings);
        if self.0 == 0 { factor } else { 0.0 }
    }

    /// Nobody is stopped when a shift begins.
    pub fn clear(&mut self) {
        self.0 = 0;
    }
}

fn lets_go(indicator: Indicator, reading: f64, band: Band, idle_minutes: f64) -> bool {
    match indicator {
        Indicator::TalkMinutes | Indicator::CallsPerHour | Indicator::Occupancy => reading <= band.middle(),
        // A microsecond less is enough: it is looked just before a conversation ends the rest.
        Indicator::CallsInARow | Indicator::MinutesSinceRest => idle_minutes >= REST_MINUTES - 1e-7,
    }
}

/// By how much a person's excess passes an indicator's band, in bands: 0 at its end, below 0 inside.
pub fn excess(indicator: Indicator, readings: &Readings, limits: &Limits) -> f64 {
    let Some(band) = limits.of(indicator) else { return f64::NEG_INFINITY };
    (readings.of(indicator) - band.hi) / (band.hi - band.lo)
}
