//! What one person can carry of an offered load, by the published figures and by hand.

use meritline::core::load::offered_load::{OCCUPANCY_MAX, OfferedLoad};

/// Calls of seven minutes each over a day of nine hours.
fn of_seven_minutes(calls_per_hour: u64) -> OfferedLoad {
    let calls = 9 * calls_per_hour;
    OfferedLoad::measured(calls, calls as f64 * 420.0, 9.0 * 3600.0).unwrap()
}

#[test]
fn one_person_carries_the_published_share_of_seven_minute_calls() {
    for (calls_per_hour, percent) in [(25, 29), (40, 18), (55, 13)] {
        let load = of_seven_minutes(calls_per_hour);
        assert_eq!((100.0 * load.feasible_share(OCCUPANCY_MAX)).round() as u32, percent, "{calls_per_hour} calls an hour");
        assert_eq!(load.calls_per_hour().round() as u64, calls_per_hour);
        assert!((load.busy_seconds_per_call() - 420.0).abs() < 1e-9);
    }
}

/// 40 calls of 7 minutes are 280 minutes of every 60: 4 2/3 people, of whom 8 are busy for 7/12 of their time.
#[test]
fn offered_load_and_occupancy_are_what_they_are_by_hand() {
    let load = of_seven_minutes(40);
    assert!((load.erlangs() - 14.0 / 3.0).abs() < 1e-9);
    assert!((load.occupancy(8).unwrap() - 7.0 / 12.0).abs() < 1e-9);
    assert!(load.occupancy(4).unwrap() > 1.0, "four people cannot carry it");
    assert_eq!(load.occupancy(0), None);
}

#[test]
fn nobody_is_said_to_carry_more_than_all_calls() {
    let quiet = OfferedLoad::measured(3, 3.0 * 60.0, 3600.0).unwrap();
    assert_eq!(quiet.feasible_share(OCCUPANCY_MAX), 1.0);
}

#[test]
fn figures_that_are_no_load_make_none() {
    for (calls, handling_seconds, span_seconds) in
        [(0, 60.0, 60.0), (1, 0.0, 60.0), (1, 60.0, 0.0), (1, -60.0, 60.0), (1, f64::NAN, 60.0), (1, 60.0, f64::INFINITY)]
    {
        assert_eq!(OfferedLoad::measured(calls, handling_seconds, span_seconds), None);
    }
}
