//! Results fade by time on duty: a leave does not lower a score.

use super::*;
use jiff::civil::date;
use meritline::core::agent::{Absence, Duty};
use meritline::core::working_time::duty_days::{DutyCalendar, OFF_DUTY_ABSENCE_SECONDS, OffDutySpan, working_days};
use meritline::core::workspace::AgentIx;

const FOUR: [&str; 4] = ["anna", "boris", "clara", "denis"];

/// Two deals a day for everybody, over 200 days until `until`; Anna wins one of them, the others one every second day. Nobody
/// works for Anna from `away` on.
fn floor(until: Timestamp, away: Option<Timestamp>) -> Vec<Deal> {
    let mut deals = Vec::new();
    for day in 0..200 {
        let at = until - SignedDuration::from_hours(24 * day + 12);
        for seller in FOUR.into_iter().filter(|seller| *seller != "anna" || away.is_none_or(|away| at < away)) {
            let wins = seller == "anna" || day % 2 == 0;
            let id = format!("{seller}-{}", at.as_second());
            let first = if wins { won(&id, seller, "100") } else { lost(&id, seller) };
            deals.extend([first, lost(&format!("{id}-b"), seller)].map(|deal| Deal { closed_at: Some(at), ..deal }));
        }
    }
    deals
}

/// Anna's indices at a moment, with these absences of hers.
fn indices(at: Timestamp, deals: &[Deal], absences: Vec<Absence>, off_duty: &[OffDutySpan]) -> (f64, f64) {
    let settings = ScoreSettings { horizon_seconds: Some(90 * DAY), half_life_seconds: Some(30 * DAY), ..timeless() };
    let mut parts = parts(&FOUR, policy("by-results", Mode::Performance, Some(settings)));
    parts.agents[0].duty = Duty { absences, ..Duty::default() };
    let workspace = Workspace::build(parts).unwrap();
    let bitrix = ConnectionId::from("bitrix");
    let usual = ScoreInput::of(&workspace, BY_RESULTS, at).unwrap();
    let table = score::compute(&ScoreInput { off_duty, ..usual }, deals.iter().map(|deal| (&bitrix, deal)));
    (of(&table, "anna").conversion_index, of(&table, "anna").check_index)
}

#[test]
fn four_weeks_away_do_not_move_an_index() {
    let leaves: Timestamp = "2026-07-01T00:00:00Z".parse().unwrap();
    let returns: Timestamp = "2026-07-29T00:00:00Z".parse().unwrap();
    let before = indices(leaves, &floor(leaves, None), Vec::new(), &[]);
    let without_her = floor(returns, Some(leaves));
    let leave = vec![Absence { from: date(2026, 7, 1), to: date(2026, 7, 28) }];
    let after = indices(returns, &without_her, leave, &[]);
    assert!((after.0 / before.0 - 1.0).abs() <= 0.01, "{before:?} {after:?}");
    assert!((after.1 / before.1 - 1.0).abs() <= 0.01, "{before:?} {after:?}");
    // By the calendar she would have lost: the case this test is about.
    let forgotten = indices(returns, &without_her, Vec::new(), &[]);
    assert!(forgotten.0 / before.0 < 0.98, "{before:?} {forgotten:?}");
    // Being set off duty for as long is a leave, too; the weekend of somebody who takes the phone off the hook is none.
    let off = |from: &str, to: Option<&str>| OffDutySpan {
        agent: "anna".into(),
        from: from.parse().unwrap(),
        to: to.map(|to| to.parse().unwrap()),
    };
    assert_eq!(indices(returns, &without_her, Vec::new(), &[off("2026-07-01T00:00:00Z", None)]), after);
    let weekend = [off("2026-07-03T15:00:00Z", Some("2026-07-06T06:00:00Z"))];
    assert_eq!(indices(returns, &without_her, Vec::new(), &weekend), forgotten);
}

#[test]
fn an_open_deal_grows_no_older_while_its_owner_is_away() {
    // Patience ends after 10 days; the deal of 14 days ago has been Anna's for 4.
    let usual = [0, 1].map(|at| Deal {
        opened_at: Some(days_ago(7)),
        closed_at: Some(days_ago(2)),
        ..won(&format!("{at}"), "boris", "1")
    });
    let deals = [usual.to_vec(), vec![open("slow", "anna", 14)]].concat();
    let opportunities = |absences: Vec<Absence>| {
        let mut parts = parts(&FOUR, policy("by-results", Mode::Performance, Some(timeless())));
        parts.agents[0].duty.absences = absences;
        let workspace = Workspace::build(parts).unwrap();
        let bitrix = ConnectionId::from("bitrix");
        let input = ScoreInput::of(&workspace, BY_RESULTS, now()).unwrap();
        of(&score::compute(&input, deals.iter().map(|deal| (&bitrix, deal))), "anna").opportunities
    };
    assert_eq!(opportunities(Vec::new()), 1);
    assert_eq!(opportunities(vec![Absence { from: date(2026, 11, 11), to: date(2026, 11, 20) }]), 0);
}

#[test]
fn overlapping_absences_are_taken_out_once_and_days_are_those_of_the_zone() {
    let mut parts = parts(&["anna", "boris"], policy("fixed", Mode::Percent, None));
    parts.time_zone = jiff::tz::TimeZone::get("Europe/Berlin").unwrap();
    let absence = |from, to| Absence { from, to };
    // The clocks went back in the night to 25 October: that day had 25 hours.
    parts.agents[0].duty.absences = vec![
        absence(date(2026, 10, 24), date(2026, 10, 25)),
        absence(date(2026, 10, 25), date(2026, 10, 26)),
        absence(date(2026, 12, 31), date(2026, 12, 1)),
    ];
    let workspace = Workspace::build(parts).unwrap();
    let calendar = DutyCalendar::of(&workspace, &[], OFF_DUTY_ABSENCE_SECONDS);
    let at = |text: &str| text.parse::<Timestamp>().unwrap();
    let (from, to) = (at("2026-10-23T22:00:00Z"), at("2026-10-26T23:00:00Z"));
    assert_eq!(calendar.seconds_on_duty(AgentIx(0), from, to), 0.0);
    assert_eq!(calendar.seconds_on_duty(AgentIx(1), from, to), 73.0 * 3600.0);
    assert_eq!(calendar.seconds_on_duty(AgentIx(0), from, at("2026-10-27T00:00:00Z")), 3600.0);
    assert_eq!(calendar.seconds_on_duty(AgentIx(0), at("2026-10-23T21:00:00Z"), at("2026-10-24T12:00:00Z")), 3600.0);
    assert_eq!(calendar.seconds_on_duty(AgentIx(1), to, from), 0.0);
}

#[test]
fn working_days_are_counted_up_to_a_bound() {
    let all = |_| true;
    assert_eq!(working_days(date(2026, 11, 2), date(2026, 11, 2), 20, all), 0);
    assert_eq!(working_days(date(2026, 11, 2), date(2026, 11, 9), 20, all), 7);
    assert_eq!(working_days(date(1900, 1, 1), date(2026, 11, 9), 20, all), 20);
    assert_eq!(working_days(date(2026, 11, 9), date(2026, 11, 2), 20, all), 0);
}
