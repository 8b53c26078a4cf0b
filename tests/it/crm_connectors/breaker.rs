//! When a peer that fails is left alone. Times are handed in.

use std::time::Duration;

use meritline::outbound::breaker::{Admission, Breaker};
use tokio::time::Instant;

const MIDDLE: f64 = 0.5;

fn fail(breaker: &mut Breaker, now: Instant) {
    assert_eq!(breaker.admit(now), Admission::Go);
    breaker.record(true, now, MIDDLE);
}

#[tokio::test]
async fn five_failures_in_a_row_open_it_and_one_probe_at_a_time_goes_out() {
    let (mut breaker, start) = (Breaker::default(), Instant::now());
    for at in 0..5 {
        fail(&mut breaker, start + Duration::from_secs(20 * at));
    }
    let opened = start + Duration::from_secs(80);
    assert_eq!(breaker.admit(opened), Admission::Wait(Duration::from_secs(1)));
    let later = opened + Duration::from_secs(1);
    assert_eq!(breaker.admit(later), Admission::Go);
    assert!(matches!(breaker.admit(later), Admission::Wait(_)), "only one probe");
    breaker.record(false, later, MIDDLE);
    assert!(!breaker.is_open());
    assert_eq!(breaker.admit(later), Admission::Go);
}

/// 1, 2, 4 ... seconds, never more than a minute.
#[tokio::test]
async fn each_probe_that_fails_doubles_the_pause_up_to_a_minute() {
    let (mut breaker, mut now) = (Breaker::default(), Instant::now());
    (0..5).for_each(|_| fail(&mut breaker, now));
    for pause in [1, 2, 4, 8, 16, 32, 60, 60, 60] {
        let pause = Duration::from_secs(pause);
        assert_eq!(breaker.admit(now), Admission::Wait(pause));
        now += pause;
        fail(&mut breaker, now);
    }
}

#[tokio::test]
async fn half_of_the_last_ten_seconds_opens_it_too() {
    let (mut breaker, now) = (Breaker::default(), Instant::now());
    for failed in [false, true, false, true, false, true] {
        assert_eq!(breaker.admit(now), Admission::Go);
        breaker.record(failed, now, MIDDLE);
    }
    assert!(breaker.is_open(), "three of six");
    let mut calm = Breaker::default();
    for failed in [false, true, false, false, false, true, false] {
        calm.record(failed, now, MIDDLE);
    }
    assert!(!calm.is_open(), "two of seven");
}

/// A probe whose asker was given up does not lock the peer out for ever.
#[tokio::test]
async fn a_probe_that_never_tells_is_given_up() {
    let (mut breaker, now) = (Breaker::default(), Instant::now());
    (0..5).for_each(|_| fail(&mut breaker, now));
    assert_eq!(breaker.admit(now + Duration::from_secs(2)), Admission::Go);
    assert_eq!(breaker.admit(now + Duration::from_secs(13)), Admission::Go);
}
