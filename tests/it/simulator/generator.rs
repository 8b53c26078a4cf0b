//! Draws that are the same on every machine.

use meritline::core::chance::{LogNormal, SplitMix64};

/// As published with the generator's reference implementation, and in the rosetta of generators.
#[test]
fn the_generator_is_the_published_one() {
    let mut chance = SplitMix64::new(0);
    let drawn: Vec<u64> = (0..3).map(|_| chance.next_u64()).collect();
    assert_eq!(drawn, [16_294_208_416_658_607_535, 7_960_286_522_194_355_700, 487_617_019_471_545_679]);
}

#[test]
fn uniform_draws_are_the_upper_53_bits() {
    let mut chance = SplitMix64::new(42);
    let drawn: Vec<f64> = (0..3).map(|_| chance.unit()).collect();
    assert_eq!(drawn, [0.741_564_878_771_823_3, 0.159_910_392_876_920_1, 0.278_601_130_255_138_66]);
}

/// The distributions have the mean and spread they are asked for: within 4 standard errors of 100 000 draws.
#[test]
fn durations_have_the_mean_and_spread_they_are_asked_for() {
    let count = 100_000;
    let mut chance = SplitMix64::new(7);
    let log_normal = LogNormal::of_cv(300.0, 0.8);
    let drawn: Vec<f64> = (0..count).map(|_| log_normal.draw(&mut chance)).collect();
    let (mean, deviation) = super::mean_and_deviation(&drawn);
    assert!((mean - 300.0).abs() < 4.0 * 240.0 / f64::from(count).sqrt(), "{mean}");
    assert!((deviation / mean - 0.8).abs() < 0.03, "{deviation}");
    let drawn: Vec<f64> = (0..count).map(|_| chance.exponential(150.0)).collect();
    let (mean, deviation) = super::mean_and_deviation(&drawn);
    assert!((mean - 150.0).abs() < 4.0 * 150.0 / f64::from(count).sqrt(), "{mean}");
    assert!((deviation / mean - 1.0).abs() < 0.03, "{deviation}");
}
