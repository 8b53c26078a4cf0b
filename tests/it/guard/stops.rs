//! Who was stopped, by what, since when, and what lets go again.

use meritline::core::call::CallEventType;
use meritline::core::load::guard::Indicator;
use meritline::core::policy::Guard;
use meritline::core::record::PresenceState;

use super::floor::{only, team};

/// 14 calls in an hour stop; 12, the middle of 10 to 14, let go, with the half of the share that 12 leave.
#[test]
fn calls_per_hour_let_go_in_the_middle_of_the_band() {
    let mut floor = team(&["anna"], only(Indicator::CallsPerHour, 10.0, 14.0));
    floor.talks("c", "anna", 13, (1.0, 1.0));
    assert_eq!(floor.factor("anna"), 0.25);
    let begun = floor.now;
    floor.talk("last", "anna", 1.0);
    let eased = floor.eased("anna").expect("stopped");
    assert_eq!((eased.factor, eased.by, eased.since_us), (0.0, Indicator::CallsPerHour, begun.as_microsecond()));
    // The first began 27 minutes ago: after 33 minutes 13 are left, after 35 there are 12.
    floor.pass(33.5 * 60.0);
    assert_eq!(floor.readings("anna").calls_per_hour, 13.0);
    assert_eq!(floor.factor("anna"), 0.0, "13 stop no one, but let nobody go");
    floor.pass(120.0);
    assert_eq!(floor.factor("anna"), 0.5);
}

/// 54 of 60 minutes stop, 51 let go; decisions need not have looked in between.
#[test]
fn occupancy_lets_go_in_the_middle_of_the_band() {
    let mut floor = team(&["anna"], only(Indicator::Occupancy, 0.80, 0.90));
    floor.talk("c0", "anna", 27.0);
    floor.pass(60.0);
    floor.talk("c1", "anna", 27.0);
    let eased = floor.eased("anna").expect("stopped");
    assert_eq!((eased.factor, eased.by), (0.0, Indicator::Occupancy));
    // 55 minutes after the first began; its minutes leave the hour from 60 on: 53 / 60 after 61, 51 / 60 after 63.
    floor.pass(6.5 * 60.0);
    assert_eq!(floor.factor("anna"), 0.0);
    floor.pass(2.0 * 60.0);
    // 50.5 of 60 are left: told as 84 %, and 6 of 10 points are left of the band.
    assert!((floor.factor("anna") - 0.6).abs() < 1e-9, "{:?}", floor.eased("anna"));
}

/// Six hours of talk stop until the next shift: talk of a shift never becomes less.
#[test]
fn talk_of_a_shift_lets_go_with_the_next_shift() {
    let mut floor = team(&["anna"], only(Indicator::TalkMinutes, 270.0, 360.0));
    floor.talks("c", "anna", 10, (30.0, 15.0));
    assert!((floor.factor("anna") - 60.0 / 90.0).abs() < 1e-9, "300 minutes");
    floor.talk("d0", "anna", 30.0);
    floor.event("d1", CallEventType::Answered, Some("anna"));
    floor.pass(30.0 * 60.0);
    let reached = floor.now;
    assert_eq!(floor.factor("anna"), 0.0, "in mid-call, at the 360th minute");
    floor.pass(300.0);
    assert_eq!(floor.eased("anna").expect("stopped").since_us, reached.as_microsecond());
    floor.event("d1", CallEventType::Ended, None);
    floor.pass(3.9 * 3600.0);
    assert_eq!(floor.factor("anna"), 0.0);
    floor.pass(0.2 * 3600.0);
    assert_eq!(floor.factor("anna"), 1.0);
}

/// Eight calls in a row stop until a rest of ten minutes; that the row is broken after three does not help.
#[test]
fn calls_in_a_row_need_a_rest() {
    let mut floor = team(&["anna"], only(Indicator::CallsInARow, 5.0, 8.0));
    floor.talks("c", "anna", 7, (1.0, 1.0));
    assert!((floor.factor("anna") - 1.0 / 3.0).abs() < 1e-9);
    floor.talk("last", "anna", 1.0);
    assert_eq!(floor.factor("anna"), 0.0);
    floor.pass(9.0 * 60.0);
    assert_eq!(floor.readings("anna").calls_in_a_row, 0.0);
    assert_eq!(floor.factor("anna"), 0.0);
    // A call of her own meanwhile puts the rest off.
    floor.talk("own", "anna", 1.0);
    floor.pass(9.9 * 60.0);
    assert_eq!(floor.factor("anna"), 0.0);
    floor.pass(0.1 * 60.0);
    assert_eq!(floor.factor("anna"), 1.0);
}

/// Two hours without ten minutes in between stop until there were ten minutes.
#[test]
fn time_since_rest_needs_a_rest() {
    let mut floor = team(&["anna"], only(Indicator::MinutesSinceRest, 90.0, 120.0));
    floor.talks("c", "anna", 9, (5.0, 5.0));
    assert_eq!(floor.factor("anna"), 1.0, "90 minutes");
    floor.talks("d", "anna", 2, (5.0, 5.0));
    assert!((floor.factor("anna") - 10.0 / 30.0).abs() < 1e-9, "110 minutes");
    floor.pass(240.0);
    assert!((floor.factor("anna") - 6.0 / 30.0).abs() < 1e-9, "9 idle minutes are none yet");
    floor.pass(60.0);
    assert_eq!(floor.factor("anna"), 1.0, "10 are a rest");
    floor.talks("e", "anna", 20, (5.0, 5.0));
    assert_eq!(floor.factor("anna"), 0.0);
    floor.talk("f", "anna", 5.0);
    floor.pass(599.0);
    assert_eq!(floor.factor("anna"), 0.0);
    floor.pass(1.0);
    assert_eq!(floor.factor("anna"), 1.0);
}

/// The rest that a person takes by a pause of exactly ten minutes lets go, also when the next call comes in that moment.
#[test]
fn a_rest_of_ten_minutes_by_pause_lets_go() {
    let mut floor = team(&["anna"], Guard { limits: only(Indicator::CallsInARow, 2.0, 3.0).limits, ..Guard::standard() });
    floor.talks("c", "anna", 3, (1.0, 1.0));
    floor.talk("d", "anna", 1.0);
    assert_eq!(floor.factor("anna"), 0.0);
    floor.set_presence("anna", PresenceState::Paused);
    floor.pass(600.0);
    floor.set_presence("anna", PresenceState::Available);
    assert_eq!(floor.factor("anna"), 1.0);
    floor.event("e", CallEventType::Answered, Some("anna"));
    assert_eq!((floor.readings("anna").calls_in_a_row, floor.factor("anna")), (1.0, 1.0));
}

/// The smallest taper gives the reason, also between a stop and tapers.
#[test]
fn one_reason_is_told() {
    let mut floor = team(&["anna"], Guard::standard());
    // 20 conversations of 12 minutes with 3.7 minutes of idle time after 102 s of after-call time: rows of one, no rests.
    floor.talks("c", "anna", 6, (12.0, 5.4));
    // 104 minutes since a rest: 16 / 30; occupancy (12 + 1.7) of 17.4 = 0.787: all.
    let eased = floor.eased("anna").expect("eased");
    assert_eq!(eased.by, Indicator::MinutesSinceRest);
    assert!((eased.factor - 16.0 / 30.0).abs() < 1e-9, "{eased:?}");
    assert_eq!(eased.by.told(eased.readings.of(eased.by)), "104 minutes since a rest");
}
