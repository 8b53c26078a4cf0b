//! Reads working hours: weeks, days that differ, breaks; and says what is wrong with them where it stands.

use std::collections::BTreeMap;

use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::problem::Problems;
use crate::core::working_time::day_span::{DaySpan, WEEKDAYS, Week};
use crate::core::working_time::hours::{Hours, HoursFault, HoursParts};

const DAY_NAMES: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// Longer spans of holidays are a slip of the pen, in days.
const HOLIDAYS_MAX: i32 = 366;

/// A schedule as a file gives it.
#[derive(Debug, Deserialize)]
pub(super) struct HoursPart {
    pub(super) id: String,
    time_zone: Option<String>,
    weekly: Map<String, Value>,
    breaks: Option<Value>,
    #[serde(default)]
    holidays: Vec<Value>,
}

/// Reads a schedule; what is wrong goes to `problems`, and then there is none.
pub(super) fn hours(at: usize, part: &HoursPart, usual_zone: &TimeZone, problems: &mut Problems<'_>) -> Option<Hours> {
    let (pointer, before) = (format!("/hours/{at}"), problems.found.len());
    let time_zone = part.time_zone.as_deref().map_or_else(
        || Some(usual_zone.clone()),
        |name| {
            let zone = TimeZone::get(name).ok();
            if zone.is_none() {
                problems.push(&format!("{pointer}/time_zone"), format!("`{name}` is no time zone: write it as in Europe/Moscow"));
            }
            zone
        },
    );
    let weekly = Placed::by_weekday(&format!("{pointer}/weekly"), &part.weekly, problems);
    weekly.tell_overlaps(problems);
    let breaks = breaks(&format!("{pointer}/breaks"), part.breaks.as_ref(), &weekly.week, problems);
    let days = holidays(&format!("{pointer}/holidays"), &part.holidays, problems);
    let id = part.id.as_str().into();
    let schedule = Hours::new(HoursParts { id, time_zone: time_zone?, weekly: weekly.week, breaks, days });
    match schedule {
        Ok(schedule) => (problems.found.len() == before).then_some(schedule),
        // Told above, with both intervals.
        Err(HoursFault::Overlap) => None,
        Err(fault @ HoursFault::NeverOpen) => {
            if problems.found.len() == before {
                problems.push(&format!("{pointer}/weekly"), fault.to_string());
            }
            None
        }
    }
}

/// Intervals of a week, and where each stands in the file.
#[derive(Default)]
struct Placed {
    week: Week,
    pointers: BTreeMap<(i8, usize), String>,
}

impl Placed {
    /// `{mon-fri: [...], sat: [...]}`. The intervals of a weekday that is named more than once add up.
    fn by_weekday(pointer: &str, days: &Map<String, Value>, problems: &mut Problems<'_>) -> Self {
        let mut placed = Self::default();
        for (name, spans) in days {
            let pointer = format!("{pointer}/{name}");
            let Some(weekdays) = weekdays(name) else {
                let message =
                    format!("`{name}` is no day of the week: write mon, tue, wed, thu, fri, sat, sun, or a span as mon-fri");
                problems.push(&pointer, message);
                continue;
            };
            for (pointer, span) in spans_of(&pointer, spans, problems) {
                weekdays.iter().for_each(|day| placed.add(*day, span, &pointer));
            }
        }
        placed
    }

    fn add(&mut self, day: Weekday, span: DaySpan, pointer: &str) {
        self.pointers.insert((day.to_monday_zero_offset(), self.week.of(day).len()), pointer.to_owned());
        self.week.add(day, span);
    }

    fn get(&self, (day, at): (Weekday, usize)) -> Option<(DaySpan, &str)> {
        let pointer = self.pointers.get(&(day.to_monday_zero_offset(), at))?;
        Some((*self.week.of(day).get(at)?, pointer))
    }

    fn tell_overlaps(&self, problems: &mut Problems<'_>) {
        for overlap in self.week.overlaps() {
            let Some(((first, earlier), (second, later))) = self.get(overlap.first).zip(self.get(overlap.second)) else {
                continue;
            };
            // The later in the file is told: the earlier stands already.
            let (told, span, other) = if earlier <= later { (later, second, first) } else { (earlier, first, second) };
            let day = |(day, _): (Weekday, usize)| named(day);
            let where_ = match (day(overlap.first), day(overlap.second)) {
                (one, other) if one == other => format!("on {one}"),
                (one, other) => format!("of {one} and {other}"),
            };
            let message =
                format!("`{span}` overlaps `{other}` {where_}: make one interval of them, or end one where the other begins");
            // Five days of mon-fri are one slip.
            if !problems.found.iter().any(|known| known.message.starts_with(&format!("`{span}` overlaps `{other}`"))) {
                problems.push(told, message);
            }
        }
    }
}

/// A list holds for every day, a block for the days it names.
fn breaks(pointer: &str, value: Option<&Value>, weekly: &Week, problems: &mut Problems<'_>) -> Week {
    let mut placed = Placed::default();
    match value {
        Some(Value::Object(days)) => {
            placed = Placed::by_weekday(pointer, days, problems);
            for day in WEEKDAYS {
                for at in 0..placed.week.of(day).len() {
                    let Some((span, pointer)) = placed.get((day, at)) else { continue };
                    if !weekly.covers(day, span) {
                        let message =
                            format!("the break `{span}` lies outside the hours of {}: nobody works then anyway", named(day));
                        problems.push(pointer, message);
                    }
                }
            }
        }
        Some(list) => {
            for (pointer, span) in spans_of(pointer, list, problems) {
                if !WEEKDAYS.into_iter().any(|day| weekly.covers(day, span)) {
                    let message = format!("the break `{span}` lies outside the hours of every day: nobody works then anyway");
                    problems.push(&pointer, message);
                }
                WEEKDAYS.into_iter().for_each(|day| placed.add(day, span, &pointer));
            }
        }
        None => {}
    }
    placed.tell_overlaps(problems);
    placed.week
}

/// A day, days from one to another, or a day with other hours.
fn holidays(pointer: &str, items: &[Value], problems: &mut Problems<'_>) -> BTreeMap<Date, Vec<DaySpan>> {
    let mut days: BTreeMap<Date, Vec<DaySpan>> = BTreeMap::new();
    for (at, item) in items.iter().enumerate() {
        let pointer = format!("{pointer}/{at}");
        let text = |key: &str| item.get(key).and_then(Value::as_str);
        let (first, last) = match (item.as_str(), text("date"), text("from").zip(text("to"))) {
            (Some(one), ..) | (None, Some(one), _) => (one, one),
            (None, None, Some(both)) => both,
            (None, None, None) => continue,
        };
        let (Some(from), Some(to)) = (day(&pointer, first, problems), day(&pointer, last, problems)) else { continue };
        if to < from {
            problems.push(&pointer, format!("the holidays end on {to} before they begin on {from}"));
            continue;
        }
        if from.saturating_add(jiff::Span::new().days(HOLIDAYS_MAX)) <= to {
            problems.push(&pointer, format!("these holidays last over a year, from {from} to {to}: is the year right?"));
            continue;
        }
        let hours = item.get("hours").map(|spans| spans_of(&format!("{pointer}/hours"), spans, problems));
        let spans: Vec<DaySpan> = hours.into_iter().flatten().map(|(_, span)| span).collect();
        let mut single = Week::default();
        spans.iter().for_each(|span| single.add(from.weekday(), *span));
        if !single.overlaps().is_empty() {
            problems.push(&format!("{pointer}/hours"), format!("two intervals of {from} overlap: make one of them"));
        }
        for day in from.series(jiff::Span::new().days(1)).take_while(|day| *day <= to) {
            if days.insert(day, spans.clone()).is_some() {
                problems.push(&pointer, format!("{day} is given twice among these holidays: keep one"));
                break;
            }
        }
    }
    days
}

fn day(pointer: &str, text: &str, problems: &mut Problems<'_>) -> Option<Date> {
    let read = text.parse::<Date>().ok();
    if read.is_none() {
        problems.push(pointer, format!("`{text}` is no day of the calendar"));
    }
    read
}

/// The intervals of a list, each with its pointer.
fn spans_of(pointer: &str, list: &Value, problems: &mut Problems<'_>) -> Vec<(String, DaySpan)> {
    let texts = list.as_array().into_iter().flatten().filter_map(Value::as_str).enumerate();
    let mut spans = Vec::new();
    for (at, text) in texts {
        let pointer = format!("{pointer}/{at}");
        match text.parse::<DaySpan>() {
            Ok(span) => spans.push((pointer, span)),
            Err(error) => problems.push(&pointer, error.to_string()),
        }
    }
    spans
}

/// `fri`, or `mon-fri`, which may go over the end of the week.
fn weekdays(name: &str) -> Option<Vec<Weekday>> {
    let place = |name: &str| DAY_NAMES.iter().position(|known| *known == name);
    let (first, last) = match name.split_once('-') {
        None => (place(name)?, place(name)?),
        Some((first, last)) => (place(first)?, place(last)?),
    };
    let count = (last + 7 - first) % 7 + 1;
    Some(WEEKDAYS.into_iter().cycle().skip(first).take(count).collect())
}

fn named(day: Weekday) -> &'static str {
    match day {
        Weekday::Monday => "Monday",
        Weekday::Tuesday => "Tuesday",
        Weekday::Wednesday => "Wednesday",
        Weekday::Thursday => "Thursday",
        Weekday::Friday => "Friday",
        Weekday::Saturday => "Saturday",
        Weekday::Sunday => "Sunday",
    }
}
