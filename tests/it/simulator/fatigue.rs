//! What loads people, by hand.

use meritline::core::load::guard::{Band, Indicator, Limits, Readings, Stop, taper};
use meritline::core::simulate::CallLog;

const MINUTE_US: i64 = 60_000_000;

/// Talk 300 min of 270 to 360, 11 calls of 10 to 14, occupancy 0.78 of 0.80 to 0.90: (360 - 300) / 90, (14 - 11) / 4, all.
#[test]
fn the_smallest_taper_counts_and_says_why() {
    assert!((taper(300.0, Band { lo: 270.0, hi: 360.0 }) - 0.6667).abs() < 5e-5);
    assert_eq!(taper(11.0, Band { lo: 10.0, hi: 14.0 }), 0.75);
    assert_eq!(taper(0.78, Band { lo: 0.80, hi: 0.90 }), 1.0);
    let readings = Readings { talk_minutes: 300.0, calls_per_hour: 11.0, occupancy: 0.78, ..Readings::default() };
    let (factor, reason) = Limits::STANDARD.factor(&readings);
    assert!((factor - 2.0 / 3.0).abs() < 1e-12);
    assert_eq!(reason, Some(Indicator::TalkMinutes));
    assert_eq!(Limits::default().factor(&readings), (1.0, None));
}

/// Three calls of 5 minutes with 1 minute of after-call time, each a minute after the last was over, from minute 10 on.
#[test]
fn indicators_follow_the_calls() {
    let mut log = CallLog::new(0);
    for call in 0..3 {
        let start = (10 + 7 * call) * MINUTE_US;
        log.take(start, 5 * MINUTE_US, start + 6 * MINUTE_US);
    }
    // In the middle of the third, at minute 26: 5 + 5 + 2 min of talk, 6 + 6 + 2 min busy, rested until minute 10.
    let seen = log.readings(26 * MINUTE_US);
    assert!((seen.talk_minutes - 12.0).abs() < 1e-9);
    assert!((seen.occupancy - 14.0 / 60.0).abs() < 1e-9);
    assert_eq!((seen.calls_per_hour, seen.calls_in_a_row, seen.idle_minutes), (3.0, 3.0, 0.0));
    assert!((seen.minutes_since_rest - 16.0).abs() < 1e-9);
    // At minute 34, idle since 30: the row is over, the rest is not long enough.
    let seen = log.readings(34 * MINUTE_US);
    assert_eq!((seen.calls_in_a_row, seen.talk_minutes), (0.0, 15.0));
    assert!((seen.minutes_since_rest - 24.0).abs() < 1e-9);
    // At minute 75 the hour begins at 15: the first call lies before it but for its last minute.
    let seen = log.readings(75 * MINUTE_US);
    assert_eq!((seen.calls_per_hour, seen.minutes_since_rest), (2.0, 0.0));
    assert!((seen.occupancy - 13.0 / 60.0).abs() < 1e-9);
    log.begin_shift(80 * MINUTE_US);
    assert_eq!(log.readings(80 * MINUTE_US).talk_minutes, 0.0);
}

#[test]
fn whoever_was_stopped_comes_back_in_the_middle_of_the_band_or_after_a_rest() {
    let limits = Limits::STANDARD;
    let (mut stop, mut at_once) = (Stop::default(), Stop::default());
    let calls = |calls_per_hour| Readings { calls_per_hour, ..Readings::default() };
    assert_eq!(stop.factor(&limits, &calls(14.0), true), 0.0);
    assert_eq!(at_once.factor(&limits, &calls(14.0), false), 0.0);
    assert_eq!(stop.factor(&limits, &calls(13.0), true), 0.0);
    assert_eq!(at_once.factor(&limits, &calls(13.0), false), 0.25);
    assert_eq!(stop.factor(&limits, &calls(12.0), true), 0.5);
    let row = |calls_in_a_row, idle_minutes| Readings { calls_in_a_row, idle_minutes, ..Readings::default() };
    assert_eq!(stop.factor(&limits, &row(8.0, 0.0), true), 0.0);
    assert_eq!(stop.factor(&limits, &row(0.0, 9.0), true), 0.0);
    assert_eq!(stop.factor(&limits, &row(0.0, 10.0), true), 1.0);
}
