//! Working hours: what a schedule says of an instant, how files write it, and what it does to calls.

mod duty;
mod files;
mod people;
mod schedule;
mod service;

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;
use meritline::core::working_time::day_span::{DaySpan, Week};
use meritline::core::working_time::hours::{Hours, HoursParts};

fn span(text: &str) -> DaySpan {
    text.parse().unwrap()
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn week(days: &[(Weekday, &str)]) -> Week {
    let mut week = Week::default();
    days.iter().for_each(|(day, text)| week.add(*day, span(text)));
    week
}

fn schedule(zone: &str, weekly: Week, breaks: Week, days: &[(Date, &[&str])]) -> Hours {
    let time_zone = TimeZone::get(zone).unwrap();
    let days: BTreeMap<Date, Vec<DaySpan>> =
        days.iter().map(|(day, spans)| (*day, spans.iter().map(|text| span(text)).collect())).collect();
    Hours::new(HoursParts { id: "office".into(), time_zone, weekly, breaks, days }).unwrap()
}
