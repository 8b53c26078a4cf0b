//! An interval of a day as people write it, `09:00-18:00`, and what a week of such intervals must not hold.
//!
//! Times of day are civil: which instants they are depends on the day and the zone, see `core::working_time::hours`.

use std::fmt;
use std::str::FromStr;

use jiff::civil::Weekday;

/// Minutes of a civil day.
const DAY: u16 = 24 * 60;

/// Minutes of a week.
const WEEK: u16 = 7 * DAY;

/// An interval that goes over midnight is shorter than this, in minutes: 16 hours. A longer one is a slip of the pen.
const OVER_MIDNIGHT_MAX: u16 = 16 * 60;

/// An interval that begins on a civil day; its end may lie on the next one. Never empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DaySpan {
    from: u16,
    to: u16,
}

/// Why a text is no interval of a day.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DaySpanError {
    /// Another form.
    #[error("`{0}` is no interval of a day: write it as 09:00-18:00, or 22:00-06:00 over midnight")]
    Form(String),
    /// Nothing between the two times.
    #[error("`{0}` begins and ends at the same time: write 00:00-24:00 for the whole day, or leave it out")]
    Empty(String),
    /// The end lies before the beginning, and midnight does not explain it.
    #[error(
        "`{text}` ends before it begins, and over midnight it would last {hours} hours: turn it round, or give two intervals"
    )]
    Backwards {
        /// As written.
        text: String,
        /// How long it would last.
        hours: u16,
    },
}

impl DaySpan {
    /// When it begins, in minutes since the day's midnight.
    pub fn from_minute(self) -> u16 {
        self.from
    }

    /// When it ends, in minutes since the midnight of the day on which it begins: above 1440 on the next day.
    pub fn to_minute(self) -> u16 {
        self.to
    }
}

impl FromStr for DaySpan {
    type Err = DaySpanError;

    fn from_str(text: &str) -> Result<Self, DaySpanError> {
        let form = || DaySpanError::Form(text.to_owned());
        let (from, to) = text.split_once('-').ok_or_else(form)?;
        let (from, to) = (minute(from).filter(|from| *from < DAY).ok_or_else(form)?, minute(to).ok_or_else(form)?);
        if from == to {
            return Err(DaySpanError::Empty(text.to_owned()));
        }
        if from < to {
            return Ok(Self { from, to });
        }
        let lasts = DAY - from + to;
        if lasts >= OVER_MIDNIGHT_MAX {
            return Err(DaySpanError::Backwards { text: text.to_owned(), hours: lasts / 60 });
        }
        Ok(Self { from, to: DAY + to })
    }
}

impl fmt::Display for DaySpan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let to = if self.to > DAY { self.to - DAY } else { self.to };
        write!(f, "{:02}:{:02}-{:02}:{:02}", self.from / 60, self.from % 60, to / 60, to % 60)
    }
}

/// `09:30` in minutes, up to 24:00.
fn minute(text: &str) -> Option<u16> {
    let (hour, minute) = text.trim().split_once(':')?;
    let number = |text: &str| text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse::<u16>().ok()).flatten();
    let (hour, minute) = (number(hour).filter(|_| hour.len() <= 2)?, number(minute).filter(|_| minute.len() == 2)?);
    let minutes = hour * 60 + minute;
    (minute < 60 && minutes <= DAY).then_some(minutes)
}

/// Intervals by weekday, Monday first. Each belongs to the day on which it begins.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Week(pub [Vec<DaySpan>; 7]);

/// Two intervals of a week that share time. Each is a weekday with a position among its intervals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Overlap {
    /// The one that begins first, or is named first.
    pub first: (Weekday, usize),
    /// The other.
    pub second: (Weekday, usize),
}

impl Week {
    /// The intervals that begin on a weekday.
    pub fn of(&self, day: Weekday) -> &[DaySpan] {
        self.0.get(place(day)).map(Vec::as_slice).unwrap_or_default()
    }

    /// Adds an interval to a weekday.
    pub fn add(&mut self, day: Weekday, span: DaySpan) {
        self.0.get_mut(place(day)).into_iter().for_each(|spans| spans.push(span));
    }

    /// Whether there is no interval at all.
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(Vec::is_empty)
    }

    /// On how many days of the week something begins.
    pub fn days(&self) -> usize {
        self.0.iter().filter(|spans| !spans.is_empty()).count()
    }

    /// Every interval with its place.
    fn each(&self) -> impl Iterator<Item = ((Weekday, usize), DaySpan)> {
        let days = WEEKDAYS.into_iter().zip(&self.0);
        days.flat_map(|(day, spans)| spans.iter().enumerate().map(move |(at, span)| ((day, at), *span)))
    }

    /// Intervals that share time, over midnight and from Sunday to Monday too. Those that only touch do not.
    pub fn overlaps(&self) -> Vec<Overlap> {
        let all: Vec<_> = self.each().collect();
        let mut found = Vec::new();
        for (at, (first, a)) in all.iter().enumerate() {
            for (second, b) in all.iter().skip(at + 1) {
                if on_week(first.0, *a).any(|a| on_week(second.0, *b).any(|b| a.0 < b.1 && b.0 < a.1)) {
                    found.push(Overlap { first: *first, second: *second });
                }
            }
        }
        found
    }

    /// Whether an interval of a weekday lies inside the time of this week; intervals that touch are one.
    pub fn covers(&self, day: Weekday, span: DaySpan) -> bool {
        let mut parts: Vec<(u16, u16)> = self.each().flat_map(|((day, _), span)| on_week(day, span)).collect();
        parts.sort_unstable();
        on_week(day, span).all(|(from, to)| {
            let reached =
                parts.iter().fold(from, |reached, (start, end)| if *start <= reached { reached.max(*end) } else { reached });
            reached >= to
        })
    }
}

/// The days of a week.
pub const WEEKDAYS: [Weekday; 7] = [
    Weekday::Monday,
    Weekday::Tuesday,
    Weekday::Wednesday,
    Weekday::Thursday,
    Weekday::Friday,
    Weekday::Saturday,
    Weekday::Sunday,
];

fn place(day: Weekday) -> usize {
    usize::try_from(day.to_monday_zero_offset()).unwrap_or_default()
}

/// An interval in minutes of the week; in two parts when it goes from Sunday to Monday.
fn on_week(day: Weekday, span: DaySpan) -> impl Iterator<Item = (u16, u16)> {
    let midnight = u16::try_from(place(day)).unwrap_or_default() * DAY;
    let (from, to) = (midnight + span.from, midnight + span.to);
    let rest = (to > WEEK).then(|| (0, to - WEEK));
    [(from, to.min(WEEK))].into_iter().chain(rest)
}
