//! Working days of a schedule as a measure of time: how long a span was for somebody who works by it.
//!
//! A day counts from midnight to midnight if work begins on it, else not at all. It counts 7 / (working days per week) days, so
//! that an ordinary week is a week for everybody: a half-life of 30 days means the same for who works five days and who works two,
//! and a holiday or a leave ages nobody's results.

use jiff::Timestamp;
use jiff::civil::{Date, date};
use jiff::tz::TimeZone;

use super::hours::Hours;

const DAY_SECONDS: f64 = 86_400.0;

/// The working days of one schedule.
#[derive(Debug, Clone)]
pub(in crate::core) struct WorkingDays {
    time_zone: TimeZone,
    week: [bool; 7],
    per_week: i64,
    /// Days that differ from their weekday, in order: the day's number, and how many working days more there are up to and
    /// including it than by weekdays alone.
    differing: Vec<(i64, i64)>,
}

impl WorkingDays {
    /// Of a schedule.
    pub(in crate::core) fn of(hours: &Hours) -> Self {
        let week = hours.ordinary_week();
        let (mut differing, mut more) = (Vec::new(), 0);
        for day in hours.days_that_differ() {
            let (works, usually) = (hours.is_working_day(day), works_on(&week, number(day)));
            more += i64::from(works) - i64::from(usually);
            if works != usually {
                differing.push((number(day), more));
            }
        }
        let per_week = week.iter().map(|works| i64::from(*works)).sum::<i64>().max(1);
        Self { time_zone: hours.time_zone().clone(), week, per_week, differing }
    }

    /// Seconds of working days from one instant to another, stretched so that an ordinary week has seven days; 0 when `to`
    /// lies before `from`.
    pub(in crate::core) fn seconds(&self, from: Timestamp, to: Timestamp) -> f64 {
        let worked = self.worked_until(to) - self.worked_until(from);
        (worked * 7.0 / self.per_week as f64).max(0.0)
    }

    /// Seconds of working days since the start of the count.
    fn worked_until(&self, at: Timestamp) -> f64 {
        let at = self.time_zone.to_datetime(at);
        let today = number(at.date());
        let (before, with_today) = (self.days_before(today), self.days_before(today + 1));
        let since_midnight = f64::from(at.hour()) * 3600.0
            + f64::from(at.minute()) * 60.0
            + f64::from(at.second())
            + f64::from(at.subsec_nanosecond()) / 1e9;
        before as f64 * DAY_SECONDS + (with_today - before) as f64 * since_midnight
    }

    /// Working days before a day, since the start of the count.
    fn days_before(&self, day: i64) -> i64 {
        let (weeks, weekday) = (day.div_euclid(7), day.rem_euclid(7));
        let of_this_week = (0..weekday).filter(|day| works_on(&self.week, *day)).count();
        let known = self.differing.partition_point(|(differs, _)| *differs < day);
        let more = known.checked_sub(1).and_then(|place| self.differing.get(place)).map_or(0, |(_, more)| *more);
        weeks * self.per_week + i64::try_from(of_this_week).unwrap_or_default() + more
    }
}

/// Days since Monday, 5 January 1970.
fn number(day: Date) -> i64 {
    day.duration_since(date(1970, 1, 5)).as_hours() / 24
}

fn works_on(week: &[bool; 7], day: i64) -> bool {
    usize::try_from(day.rem_euclid(7)).ok().and_then(|place| week.get(place)).copied().unwrap_or(false)
}
