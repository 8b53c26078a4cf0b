//! The worked numbers of the guard.

use meritline::core::load::guard::{Band, Indicator, Limits, Readings, taper};
use meritline::core::policy::{Guard, WhenAllStopped, WrapUp};

use crate::support::floor::near;

/// Talk 300 min of 270 to 360, 11 calls of 10 to 14, occupancy 0.78 of 0.80 to 0.90: (360 - 300) / 90, (14 - 11) / 4, all.
#[test]
fn the_smallest_taper_counts_not_their_product() {
    assert!((taper(300.0, Band::new(270.0, 360.0)) - 0.6667).abs() < 5e-5);
    assert_eq!(taper(11.0, Band::new(10.0, 14.0)), 0.75);
    assert_eq!(taper(0.78, Band::new(0.80, 0.90)), 1.0);
    let readings = Readings { talk_minutes: 300.0, calls_per_hour: 11.0, occupancy: 0.78, ..Readings::default() };
    let (factor, reason) = Limits::STANDARD.factor(&readings);
    assert!((factor - 2.0 / 3.0).abs() < 1e-12, "not 0.6667 x 0.75");
    assert_eq!(reason.map(Indicator::as_str), Some("talk_minutes"));
}

#[test]
fn a_taper_has_all_at_its_beginning_and_nothing_at_its_end() {
    let band = Band::new(5.0, 8.0);
    let tapers = [0.0, 5.0, 6.0, 7.0, 8.0, 9.0].map(|x| taper(x, band));
    near(&tapers, &[1.0, 1.0, 2.0 / 3.0, 1.0 / 3.0, 0.0, 0.0], 1e-12);
}

/// 60 s of talk -> 36 s, 300 -> 60, 1500 -> 180 = the most.
#[test]
fn after_call_time_follows_the_talk() {
    near(&[60.0, 300.0, 1500.0].map(|talk| WrapUp::STANDARD.seconds(talk)), &[36.0, 60.0, 180.0], 1e-9);
}

/// Each preset has every indicator; strict stops before standard, standard before light.
#[test]
fn presets_are_ordered() {
    let [light, standard, strict] = [Guard::light(), Guard::standard(), Guard::strict()];
    for indicator in Indicator::ALL {
        let band = |guard: &Guard| guard.limits.of(indicator).expect("every indicator");
        let (light, standard, strict) = (band(&light), band(&standard), band(&strict));
        assert!(strict.lo < standard.lo && standard.lo < light.lo, "{indicator:?}");
        assert!(strict.hi < standard.hi && standard.hi < light.hi, "{indicator:?}");
        assert!(strict.lo < strict.hi && standard.lo < standard.hi && light.lo < light.hi);
    }
    for guard in [light, standard, strict] {
        assert_eq!((guard.concurrent_calls, guard.wrap_up), (1, Some(WrapUp::STANDARD)));
        assert_eq!(guard.when_all_stopped, [WhenAllStopped::Fallback]);
    }
    assert!(Guard::default().limits.are_off());
}
