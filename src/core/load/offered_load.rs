//! What the calls of a group ask of its people: the offered load, and what one person can carry of it.
//!
//! ```text
//! A = calls per hour * busy seconds per call / 3600     offered load, Erlangs; busy = talk and after-call time
//! largest share of one person = rho_max / A, at most 1  more than that, one person cannot be free for
//! occupancy = A / m                                     part of their time that m people are busy
//! ```
//!
//! It measures nothing itself: calls, seconds and span come in.

/// Part of the time one person can be busy with calls at most; above it waiting and errors grow.
pub const OCCUPANCY_MAX: f64 = 0.85;

/// From so few calls nothing follows about what one person can carry.
pub const CALLS_MIN: u64 = 20;

/// Calls that came over a span, and the time they took.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OfferedLoad {
    calls: u64,
    handling_seconds: f64,
    span_seconds: f64,
}

impl OfferedLoad {
    /// So many calls over so many seconds, with the seconds people were busy with all of them together: talk and after-call
    /// time. None where there is no load: no calls, no span, nobody busy, or a figure that is not a number.
    pub fn measured(calls: u64, handling_seconds: f64, span_seconds: f64) -> Option<Self> {
        let positive = |seconds: f64| seconds.is_finite() && seconds > 0.0;
        (calls > 0 && positive(handling_seconds) && positive(span_seconds)).then_some(Self {
            calls,
            handling_seconds,
            span_seconds,
        })
    }

    /// How many calls.
    pub fn calls(&self) -> u64 {
        self.calls
    }

    /// Calls per hour.
    pub fn calls_per_hour(&self) -> f64 {
        self.calls as f64 * 3600.0 / self.span_seconds
    }

    /// How long one call keeps a person busy on average, in seconds.
    pub fn busy_seconds_per_call(&self) -> f64 {
        self.handling_seconds / self.calls as f64
    }

    /// The offered load in Erlangs: how many people are busy with it on average.
    pub fn erlangs(&self) -> f64 {
        self.handling_seconds / self.span_seconds
    }

    /// The largest share of the calls that one person who is busy at most `rho_max` of the time can carry, from 0 to 1.
    pub fn feasible_share(&self, rho_max: f64) -> f64 {
        (rho_max / self.erlangs()).clamp(0.0, 1.0)
    }

    /// Part of their time that so many people are busy; above 1 they cannot carry the load. None for nobody.
    pub fn occupancy(&self, people: u32) -> Option<f64> {
        (people > 0).then(|| self.erlangs() / f64::from(people))
    }
}
