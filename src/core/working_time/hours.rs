//! When people work: a week of intervals in a time zone, days that differ, planned breaks.
//!
//! A schedule is asked about an instant and says in which [`Window`] it lies and when that ends. Times of day are civil: on a day
//! on which clocks are put forward or back, a time that is skipped means the instant of the jump, and a time that comes twice
//! means the first for a beginning and the second for an end. It reads no clock and knows no agents: see `core::working_time::shifts`.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::{AmbiguousOffset, TimeZone};

use super::day_span::{DaySpan, WEEKDAYS, Week};
use crate::core::ids::HoursId;

/// A change is first looked for within so many days, then within so many.
const DAYS_LOOKED_AT: [i32; 2] = [8, 400];

/// What a schedule is made of, before it is checked.
#[derive(Debug, Clone)]
pub struct HoursParts {
    /// The workspace's id of it.
    pub id: HoursId,
    /// In which the times are meant.
    pub time_zone: TimeZone,
    /// When work is done.
    pub weekly: Week,
    /// When it pauses; what lies outside the hours of a day has no effect on that day.
    pub breaks: Week,
    /// Days that differ from their weekday: without intervals a holiday. The weekday's breaks stay.
    pub days: BTreeMap<Date, Vec<DaySpan>>,
}

/// Why a schedule makes no sense.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HoursFault {
    /// No interval in the week.
    #[error("these hours are never open: give at least one interval in `weekly`")]
    NeverOpen,
    /// Two intervals share time.
    #[error("two intervals of these hours overlap")]
    Overlap,
}

/// A schedule of working hours, by a name.
#[derive(Debug)]
pub struct Hours {
    parts: HoursParts,
    memo: Mutex<Option<Known>>,
}

/// What a schedule says at an instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Work is done.
    Open,
    /// A planned break.
    Break,
    /// Outside the hours.
    Closed,
}

/// A phase with its bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// What it is.
    pub phase: Phase,
    /// When it began; none when that is over a year ago.
    pub since: Option<Timestamp>,
    /// When it ends; none when it does not within a year.
    pub until: Option<Timestamp>,
    /// What follows; the same where no end is known.
    pub next: Phase,
}

/// The window last asked for, and for which instants it holds.
#[derive(Debug, Clone, Copy)]
struct Known {
    from: Timestamp,
    to: Timestamp,
    window: Window,
}

/// Which side of an interval a time of day is.
#[derive(Clone, Copy)]
enum Edge {
    Begins,
    Ends,
}

/// How often an instant lies in hours, and in breaks.
#[derive(Debug, Clone, Copy, Default)]
struct Depth {
    open: i32,
    paused: i32,
}

impl Depth {
    fn phase(self) -> Phase {
        match (self.open > 0, self.paused > 0) {
            (false, _) => Phase::Closed,
            (true, true) => Phase::Break,
            (true, false) => Phase::Open,
        }
    }
}

impl Hours {
    /// Checks the parts.
    pub fn new(parts: HoursParts) -> Result<Self, HoursFault> {
        if parts.weekly.is_empty() {
            return Err(HoursFault::NeverOpen);
        }
        if !parts.weekly.overlaps().is_empty() {
            return Err(HoursFault::Overlap);
        }
        Ok(Self { parts, memo: Mutex::new(None) })
    }

    /// The workspace's id of it.
    pub fn id(&self) -> &HoursId {
        &self.parts.id
    }

    /// In which the times are meant.
    pub fn time_zone(&self) -> &TimeZone {
        &self.parts.time_zone
    }

    /// Whether work is done at an instant; not in a planned break.
    pub fn is_open(&self, at: Timestamp) -> bool {
        self.window(at).phase == Phase::Open
    }

    /// When what holds at an instant ends; none when it does not within a year.
    pub fn next_change(&self, at: Timestamp) -> Option<Timestamp> {
        self.window(at).until
    }

    /// The window an instant lies in: from its beginning, up to but not including its end. The calendar is walked only when the
    /// last answer does not hold any more.
    pub fn window(&self, at: Timestamp) -> Window {
        let mut memo = self.memo.lock().unwrap_or_else(PoisonError::into_inner);
        match *memo {
            Some(known) if known.from <= at && at < known.to => known.window,
            Some(_) | None => {
                let known = self.look_up(at);
                *memo = Some(known);
                known.window
            }
        }
    }

    /// Whether work is done on a day: its own hours if it has some, else its weekday's.
    pub fn is_working_day(&self, day: Date) -> bool {
        !self.spans(day).is_empty()
    }

    /// On how many days of an ordinary week work is done; at least 1.
    pub fn working_days_per_week(&self) -> usize {
        self.parts.weekly.days().max(1)
    }

    /// Whether work is done on a weekday of an ordinary week, Monday first.
    pub(in crate::core) fn ordinary_week(&self) -> [bool; 7] {
        WEEKDAYS.map(|day| !self.parts.weekly.of(day).is_empty())
    }

    /// The days that differ from their weekday.
    pub(in crate::core) fn days_that_differ(&self) -> impl Iterator<Item = Date> {
        self.parts.days.keys().copied()
    }

    fn spans(&self, day: Date) -> &[DaySpan] {
        self.parts.days.get(&day).map_or_else(|| self.parts.weekly.of(day.weekday()), Vec::as_slice)
    }

    fn look_up(&self, at: Timestamp) -> Known {
        let [near, far] = DAYS_LOOKED_AT;
        let known = self.look_within(at, near);
        if known.window.since.is_some() && known.window.until.is_some() { known } else { self.look_within(at, far) }
    }

    /// Walks the changes around an instant.
    fn look_within(&self, at: Timestamp, days: i32) -> Known {
        let today = self.parts.time_zone.to_datetime(at).date();
        let (first, last) = (moved(today, -days), moved(today, days));
        let changes = self.changes(first, last);
        let next = changes.partition_point(|(change, _)| *change <= at);
        let (before, after) = (next.checked_sub(1).and_then(|place| changes.get(place)), changes.get(next));
        // What begins outside these days is not seen: changes at their edges are not trusted.
        let (trusted, untrusted) = (self.midnight(moved(first, 2)), self.midnight(moved(last, 1)));
        let since = before.map(|(change, _)| *change).filter(|change| *change >= trusted);
        let after = after.filter(|(change, _)| *change < untrusted);
        let (phase, until) = (before.map_or(Phase::Closed, |(_, phase)| *phase), after.map(|(change, _)| *change));
        let window = Window { phase, since, until, next: after.map_or(phase, |(_, next)| *next) };
        let (from, to) = (since.unwrap_or_else(|| self.midnight(today)), until.unwrap_or_else(|| self.midnight(moved(today, 1))));
        Known { from, to, window }
    }

    fn midnight(&self, day: Date) -> Timestamp {
        self.instant(day, 0, Edge::Begins)
    }

    /// Every change of phase that intervals beginning on these days make, in order.
    fn changes(&self, first: Date, last: Date) -> Vec<(Timestamp, Phase)> {
        let mut edges: Vec<(Timestamp, Depth)> = Vec::new();
        let mut add = |day: Date, span: &DaySpan, by: Depth| {
            let from = self.instant(day, span.from_minute(), Edge::Begins);
            let to = self.instant(day, span.to_minute(), Edge::Ends);
            edges.push((from, by));
            edges.push((to.max(from), Depth { open: -by.open, paused: -by.paused }));
        };
        let mut day = first;
        while day <= last {
            self.spans(day).iter().for_each(|span| add(day, span, Depth { open: 1, paused: 0 }));
            self.parts.breaks.of(day.weekday()).iter().for_each(|span| add(day, span, Depth { open: 0, paused: 1 }));
            match day.tomorrow() {
                Ok(next) => day = next,
                Err(_) => break,
            }
        }
        edges.sort_unstable_by_key(|(at, _)| *at);
        let (mut depth, mut changes) = (Depth::default(), Vec::<(Timestamp, Phase)>::new());
        let mut edges = edges.into_iter().peekable();
        while let Some((at, by)) = edges.next() {
            depth = Depth { open: depth.open + by.open, paused: depth.paused + by.paused };
            let more_here = edges.peek().is_some_and(|(next, _)| *next == at);
            let phase = depth.phase();
            if !more_here && changes.last().map_or(Phase::Closed, |(_, phase)| *phase) != phase {
                changes.push((at, phase));
            }
        }
        changes
    }

    /// The instant of a time of day, in minutes since the day's midnight.
    fn instant(&self, day: Date, minute: u16, edge: Edge) -> Timestamp {
        let zone = &self.parts.time_zone;
        let at = civil(day, minute);
        let ambiguous = zone.to_ambiguous_timestamp(at);
        let found = match (ambiguous.offset(), edge) {
            (AmbiguousOffset::Unambiguous { .. } | AmbiguousOffset::Fold { .. }, Edge::Begins) => ambiguous.earlier(),
            (AmbiguousOffset::Unambiguous { .. } | AmbiguousOffset::Fold { .. }, Edge::Ends) => ambiguous.later(),
            (AmbiguousOffset::Gap { .. }, _) => {
                ambiguous.earlier().map(|before| zone.following(before).next().map_or(before, |jump| jump.timestamp()))
            }
        };
        found.unwrap_or(if at.year() < 0 { Timestamp::MIN } else { Timestamp::MAX })
    }
}

impl Clone for Hours {
    fn clone(&self) -> Self {
        Self { parts: self.parts.clone(), memo: Mutex::new(None) }
    }
}

fn civil(day: Date, minute: u16) -> DateTime {
    let day = if minute < 1440 { day } else { day.tomorrow().unwrap_or(day) };
    let minute = i8::try_from(minute % 1440 / 60).ok().zip(i8::try_from(minute % 60).ok());
    let (hour, minute) = minute.unwrap_or_default();
    day.at(hour, minute, 0, 0)
}

fn moved(day: Date, days: i32) -> Date {
    day.saturating_add(jiff::Span::new().days(days))
}
