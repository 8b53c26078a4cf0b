//! How each metric is called, what it means in one sentence, and how its figures are written.

use crate::core::simulate::{Interval, Metric};

/// How a metric is shown.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shown {
    /// Its name with the unit.
    pub name: &'static str,
    /// What it means.
    pub sentence: &'static str,
    /// Figures are multiplied by this: 100 where parts are shown as per cent.
    pub scale: f64,
    /// Digits after the point.
    pub digits: usize,
}

/// How a metric is shown.
pub fn shown(metric: Metric) -> Shown {
    let of = |name, sentence, scale, digits| Shown { name, sentence, scale, digits };
    match metric {
        Metric::RevenuePerOfferedCall => {
            of("Revenue per offered call", "Money from contracts divided by all callers, answered or not.", 1.0, 3)
        }
        Metric::Abandonment => {
            of("Abandonment, %", "Callers who hung up or were still waiting when everybody went home.", 100.0, 2)
        }
        Metric::AnswerSpeed => of("Mean wait, s", "How long answered callers waited on average (ASA).", 1.0, 2),
        Metric::ServiceLevel => of("Service level, %", "Callers answered within the goal.", 100.0, 2),
        Metric::Waiting => of("Had to wait, %", "Callers who were not put through at once.", 100.0, 2),
        Metric::Occupancy => of("Occupancy, %", "Part of the time on duty spent on talk and after-call time.", 100.0, 2),
        Metric::Gini => {
            of("Gini of talk", "How unequal talk time is within a day: 0 = everybody the same, 1 = one person has all.", 1.0, 3)
        }
        Metric::LongestTalk => of("Longest talk, min", "Net talk of whoever talked most, the mean of all days.", 1.0, 1),
        Metric::TalkSpread => of("Talk spread, min", "Longest less shortest net talk within a day.", 1.0, 1),
        Metric::CallsSpread => of("Calls spread", "Most less fewest calls within a day.", 1.0, 1),
        Metric::ShareError => of(
            "Share error, pp",
            "The largest difference between the calls somebody got in a day and the calls due, in percentage points of all.",
            1.0,
            2,
        ),
        Metric::TiredCalls => {
            of("Tired calls, %", "Calls taken by somebody whose share the standard guard would have more than halved.", 100.0, 2)
        }
        Metric::ReturnBurst => of(
            "Burst after return",
            "Calls in the first 30 minutes after an absence divided by the fair number; the largest of all absences.",
            1.0,
            2,
        ),
    }
}

impl Shown {
    /// Mean and half the 95 % interval, as in `0.36 ±0.02`.
    pub(super) fn figure(&self, interval: &Interval) -> String {
        let digits = self.digits;
        let mean = format!("{:.digits$}", interval.mean * self.scale);
        match interval.half {
            Some(half) => format!("{mean} ±{:.digits$}", half * self.scale),
            None => mean,
        }
    }
}

/// What stands where too little was seen to say anything: no figure, above all no 0.
const TOO_FEW: &str = "too few calls";

/// Calls over calls due, as in `1.06`.
pub(super) fn times(ratio: Option<f64>) -> String {
    ratio.map_or_else(|| TOO_FEW.to_owned(), |ratio| format!("{ratio:.2}"))
}

/// A part of the next 60 calls, as in `36.3 %`.
pub(super) fn part_of_60(part: Option<f64>) -> String {
    part.map_or_else(|| TOO_FEW.to_owned(), |part| format!("{:.1} %", part * 100.0))
}

/// Most calls within 11 in a row; not told where too few followed.
pub(super) fn most_of_11(part_of_60: Option<f64>, most: u32) -> String {
    part_of_60.map_or_else(|| TOO_FEW.to_owned(), |_| format!("{most} of 11"))
}

/// An uplift as in `+10.3 ±1.9 %`.
pub(super) fn uplift(interval: &Interval) -> String {
    match interval.half {
        Some(half) => format!("{:+.1} ±{:.1} %", interval.mean * 100.0, half * 100.0),
        None => format!("{:+.1} %", interval.mean * 100.0),
    }
}
