//! A schedule and the instants at which it changes, worked out by hand.

use jiff::Timestamp;
use jiff::civil::{Weekday, date};
use jiff::tz::TimeZone;
use meritline::core::working_time::day_span::{DaySpan, WEEKDAYS, Week};
use meritline::core::working_time::hours::{Hours, HoursFault, HoursParts, Phase, Window};
use proptest::prelude::*;

use super::{at, schedule, span, week};

const MON_TO_FRI: [Weekday; 5] = [Weekday::Monday, Weekday::Tuesday, Weekday::Wednesday, Weekday::Thursday, Weekday::Friday];

/// Monday to Friday nine to six, Saturday ten to two, lunch at one; New Year's Eve short, then eight days off. Moscow is
/// three hours ahead of UTC all year.
fn office() -> Hours {
    let mut weekly = week(&[(Weekday::Saturday, "10:00-14:00")]);
    MON_TO_FRI.iter().for_each(|day| weekly.add(*day, span("09:00-18:00")));
    let mut breaks = Week::default();
    WEEKDAYS.iter().for_each(|day| breaks.add(*day, span("13:00-14:00")));
    let new_year = (1..=8).map(|day| (date(2027, 1, day), [].as_slice()));
    let days: Vec<_> = new_year.chain([(date(2026, 12, 31), ["09:00-13:30"].as_slice())]).collect();
    schedule("Europe/Moscow", weekly, breaks, &days)
}

#[track_caller]
fn says(hours: &Hours, instant: &str, phase: Phase, since: &str, until: &str) {
    let window = hours.window(at(instant));
    let expected = (phase, Some(at(since)), Some(at(until)));
    assert_eq!((window.phase, window.since, window.until), expected, "at {instant}");
}

#[test]
fn a_week_of_an_office() {
    let office = office();
    // Monday is 23 November 2026. Saturday's lunch goes on until the day ends.
    says(&office, "2026-11-21T10:00:00Z", Phase::Break, "2026-11-21T10:00:00Z", "2026-11-21T11:00:00Z");
    says(&office, "2026-11-22T12:00:00Z", Phase::Closed, "2026-11-21T11:00:00Z", "2026-11-23T06:00:00Z");
    says(&office, "2026-11-23T05:59:59.999Z", Phase::Closed, "2026-11-21T11:00:00Z", "2026-11-23T06:00:00Z");
    says(&office, "2026-11-23T06:00:00Z", Phase::Open, "2026-11-23T06:00:00Z", "2026-11-23T10:00:00Z");
    says(&office, "2026-11-23T10:00:00Z", Phase::Break, "2026-11-23T10:00:00Z", "2026-11-23T11:00:00Z");
    says(&office, "2026-11-23T11:00:00Z", Phase::Open, "2026-11-23T11:00:00Z", "2026-11-23T15:00:00Z");
    says(&office, "2026-11-23T15:00:00Z", Phase::Closed, "2026-11-23T15:00:00Z", "2026-11-24T06:00:00Z");
    assert_eq!(office.window(at("2026-11-23T12:00:00Z")).next, Phase::Closed);
    assert_eq!(office.window(at("2026-11-23T07:00:00Z")).next, Phase::Break);
    assert!(office.is_open(at("2026-11-23T06:00:00Z")) && !office.is_open(at("2026-11-23T10:30:00Z")));
    assert_eq!(office.next_change(at("2026-11-23T06:00:00Z")), Some(at("2026-11-23T10:00:00Z")));
}

#[test]
fn days_that_differ() {
    let office = office();
    // Lunch on New Year's Eve is cut off by the end of the day; the next working day is Saturday, 9 January.
    says(&office, "2026-12-31T10:00:00Z", Phase::Break, "2026-12-31T10:00:00Z", "2026-12-31T10:30:00Z");
    says(&office, "2027-01-05T09:00:00Z", Phase::Closed, "2026-12-31T10:30:00Z", "2027-01-09T07:00:00Z");
    assert!(office.is_working_day(date(2026, 12, 31)) && !office.is_working_day(date(2027, 1, 8)));
    assert!(office.is_working_day(date(2027, 1, 9)) && !office.is_working_day(date(2027, 1, 10)));
    assert_eq!(office.working_days_per_week(), 6);
}

#[test]
fn an_order_of_questions_does_not_matter() {
    let (office, fresh) = (office(), office);
    let instants = ["2026-11-23T07:00:00Z", "2027-01-05T09:00:00Z", "2026-11-23T15:00:00Z", "2026-11-23T07:00:00Z"];
    for instant in instants {
        assert_eq!(office.window(at(instant)), fresh().window(at(instant)));
    }
}

#[test]
fn over_midnight_belongs_to_the_day_on_which_it_begins() {
    let night =
        schedule("Europe/Moscow", week(&[(Weekday::Friday, "22:00-06:00")]), week(&[(Weekday::Saturday, "02:00-02:30")]), &[]);
    says(&night, "2026-11-27T20:00:00Z", Phase::Open, "2026-11-27T19:00:00Z", "2026-11-27T23:00:00Z");
    says(&night, "2026-11-27T23:10:00Z", Phase::Break, "2026-11-27T23:00:00Z", "2026-11-27T23:30:00Z");
    says(&night, "2026-11-28T02:00:00Z", Phase::Open, "2026-11-27T23:30:00Z", "2026-11-28T03:00:00Z");
    assert!(night.is_working_day(date(2026, 11, 27)) && !night.is_working_day(date(2026, 11, 28)));
    // A holiday takes away what begins on it, not the end of the evening before.
    let holiday =
        schedule("Europe/Moscow", week(&[(Weekday::Friday, "22:00-06:00")]), Week::default(), &[(date(2026, 11, 28), &[])]);
    says(&holiday, "2026-11-28T02:00:00Z", Phase::Open, "2026-11-27T19:00:00Z", "2026-11-28T03:00:00Z");
    let closed =
        schedule("Europe/Moscow", week(&[(Weekday::Friday, "22:00-06:00")]), Week::default(), &[(date(2026, 11, 27), &[])]);
    says(&closed, "2026-11-28T02:00:00Z", Phase::Closed, "2026-11-21T03:00:00Z", "2026-12-04T19:00:00Z");
}

/// Berlin goes from 02:00 to 03:00 on 29 March 2026 and from 03:00 to 02:00 on 25 October 2026, both at 01:00 UTC.
fn berlin(day: Weekday, text: &str) -> Hours {
    schedule("Europe/Berlin", week(&[(day, text)]), Week::default(), &[])
}

#[test]
fn a_skipped_hour() {
    let night = berlin(Weekday::Saturday, "22:00-06:00");
    // Seven hours, not eight.
    says(&night, "2026-03-29T00:59:00Z", Phase::Open, "2026-03-28T21:00:00Z", "2026-03-29T04:00:00Z");
    says(&night, "2026-03-29T01:00:00Z", Phase::Open, "2026-03-28T21:00:00Z", "2026-03-29T04:00:00Z");
    let begins = berlin(Weekday::Sunday, "02:30-10:00");
    says(&begins, "2026-03-29T02:00:00Z", Phase::Open, "2026-03-29T01:00:00Z", "2026-03-29T08:00:00Z");
    let ends = berlin(Weekday::Sunday, "00:00-02:30");
    says(&ends, "2026-03-29T00:30:00Z", Phase::Open, "2026-03-28T23:00:00Z", "2026-03-29T01:00:00Z");
    // Nothing is left of what lies inside it: the week before it was open from 01:10 to 01:50 UTC.
    let inside = berlin(Weekday::Sunday, "02:10-02:50");
    says(&inside, "2026-03-29T01:00:00Z", Phase::Closed, "2026-03-22T01:50:00Z", "2026-04-05T00:10:00Z");
}

#[test]
fn a_repeated_hour() {
    let night = berlin(Weekday::Saturday, "22:00-06:00");
    // Nine hours.
    says(&night, "2026-10-25T01:30:00Z", Phase::Open, "2026-10-24T20:00:00Z", "2026-10-25T05:00:00Z");
    let begins = berlin(Weekday::Sunday, "02:30-10:00");
    says(&begins, "2026-10-25T01:15:00Z", Phase::Open, "2026-10-25T00:30:00Z", "2026-10-25T09:00:00Z");
    let ends = berlin(Weekday::Sunday, "00:00-02:30");
    says(&ends, "2026-10-25T01:15:00Z", Phase::Open, "2026-10-24T22:00:00Z", "2026-10-25T01:30:00Z");
}

#[test]
fn always_open_but_for_a_day() {
    let mut weekly = Week::default();
    WEEKDAYS.iter().for_each(|day| weekly.add(*day, span("00:00-24:00")));
    let always = schedule("Europe/Moscow", weekly.clone(), Week::default(), &[]);
    let expected = Window { phase: Phase::Open, since: None, until: None, next: Phase::Open };
    assert_eq!(always.window(at("2026-11-23T07:00:00Z")), expected);
    let but_one = schedule("Europe/Moscow", weekly, Week::default(), &[(date(2027, 1, 1), &[])]);
    assert_eq!(but_one.next_change(at("2026-11-23T07:00:00Z")), Some(at("2026-12-31T21:00:00Z")));
    says(&but_one, "2027-01-01T10:00:00Z", Phase::Closed, "2026-12-31T21:00:00Z", "2027-01-01T21:00:00Z");
    // A day too far away to be seen yet is seen when it comes near.
    let far = "2024-11-23T07:00:00Z";
    assert_eq!(but_one.next_change(at(far)), None);
    assert_eq!(but_one.next_change(at("2026-11-23T07:00:00Z")), Some(at("2026-12-31T21:00:00Z")));
}

#[test]
fn what_makes_no_schedule() {
    let parts = |weekly| HoursParts {
        id: "x".into(),
        time_zone: TimeZone::UTC,
        weekly,
        breaks: Week::default(),
        days: Default::default(),
    };
    assert_eq!(Hours::new(parts(Week::default())).unwrap_err(), HoursFault::NeverOpen);
    let twice = week(&[(Weekday::Monday, "09:00-13:00"), (Weekday::Monday, "12:00-18:00")]);
    assert_eq!(Hours::new(parts(twice)).unwrap_err(), HoursFault::Overlap);
    let over_the_week = week(&[(Weekday::Sunday, "22:00-06:00"), (Weekday::Monday, "05:00-12:00")]);
    assert_eq!(Hours::new(parts(over_the_week)).unwrap_err(), HoursFault::Overlap);
    let touching = week(&[(Weekday::Sunday, "22:00-06:00"), (Weekday::Monday, "06:00-12:00"), (Weekday::Monday, "12:00-18:00")]);
    assert!(Hours::new(parts(touching)).is_ok());
}

#[test]
fn intervals_as_people_write_them() {
    for text in ["09:00-18:00", "22:00-06:00", "00:00-24:00", "18:00-00:00"] {
        assert!(text.parse::<DaySpan>().is_ok(), "{text}");
    }
    assert_eq!(span("22:00-06:00").to_string(), "22:00-06:00");
    for text in
        ["", "9-18", "09:00", "09:00-25:00", "24:00-25:00", "09:60-18:00", "-09:00-18:00", "09:00-18:00-20:00", "09:0-18:00"]
    {
        assert!(text.parse::<DaySpan>().is_err(), "{text}");
    }
}

/// Minutes of a week in UTC that a schedule is open, told by a plain list.
fn painted(week: &Week) -> Vec<bool> {
    let mut minutes = vec![false; 7 * 1440];
    for (day, spans) in week.0.iter().enumerate() {
        for span in spans {
            for minute in span.from_minute()..span.to_minute() {
                minutes[(day * 1440 + usize::from(minute)) % (7 * 1440)] = true;
            }
        }
    }
    minutes
}

fn any_week() -> impl Strategy<Value = Week> {
    let one = (0..7usize, 0..1440u32, 1..900u32).prop_map(|(day, from, length)| {
        let to = (from + length) % 1440;
        (WEEKDAYS[day], format!("{:02}:{:02}-{:02}:{:02}", from / 60, from % 60, to / 60, to % 60))
    });
    prop::collection::vec(one, 1..5).prop_map(|spans| {
        let mut week = Week::default();
        spans.iter().for_each(|(day, text)| week.add(*day, span(text)));
        week
    })
}

proptest! {
    /// Without changes of clocks, a schedule is what a week painted minute by minute is, and its windows are the stretches in it.
    #[test]
    fn a_week_in_utc_is_what_it_is_painted(weekly in any_week(), breaks in any_week(), seconds in 0i64..4_000_000) {
        prop_assume!(weekly.overlaps().is_empty());
        let (open, paused) = (painted(&weekly), painted(&breaks));
        let hours = schedule("UTC", weekly, breaks, &[]);
        let phase = |instant: Timestamp| {
            let monday = at("2026-11-23T00:00:00Z");
            let minute = (instant.as_second() - monday.as_second()).div_euclid(60).rem_euclid(7 * 1440) as usize;
            match (open[minute], paused[minute]) {
                (false, _) => Phase::Closed,
                (true, true) => Phase::Break,
                (true, false) => Phase::Open,
            }
        };
        let instant = Timestamp::from_second(at("2026-11-23T00:00:00Z").as_second() + seconds).unwrap();
        let window = hours.window(instant);
        prop_assert_eq!(window.phase, phase(instant));
        let (Some(since), Some(until)) = (window.since, window.until) else { return Ok(()) };
        prop_assert!(since <= instant && instant < until);
        let minutes = (until.as_second() - since.as_second()) / 60;
        for minute in 0..minutes {
            let inside = Timestamp::from_second(since.as_second() + minute * 60).unwrap();
            prop_assert_eq!(phase(inside), window.phase);
        }
        prop_assert_eq!(phase(until), window.next);
        prop_assert_ne!(window.next, window.phase);
        prop_assert_ne!(phase(Timestamp::from_second(since.as_second() - 1).unwrap()), window.phase);
    }

    /// Where clocks change too, windows follow each other without a gap, and an instant lies in its own.
    #[test]
    fn windows_follow_each_other(weekly in any_week(), breaks in any_week(), day in 0i64..365) {
        prop_assume!(weekly.overlaps().is_empty());
        let hours = schedule("Europe/Berlin", weekly, breaks, &[(date(2026, 3, 29), &["01:00-03:30"])]);
        let mut instant = Timestamp::from_second(at("2026-01-01T00:00:00Z").as_second() + day * 86_400).unwrap();
        for _ in 0..8 {
            let window = hours.window(instant);
            prop_assert!(window.since.is_none_or(|since| since <= instant));
            let Some(until) = window.until else { return Ok(()) };
            prop_assert!(instant < until);
            let next = hours.clone().window(until);
            prop_assert_eq!((next.phase, next.since), (window.next, Some(until)));
            instant = until;
        }
    }
}
