//! Whole working days with busy people: the simulated tables of another implementation of the rule, reproduced within their noise.
//!
//! Each figure is a mean over days that differ in their seed only. "Known" figures come from those tables; so does the number
//! of days behind them, 20 where nothing else is said.

use meritline::core::policy::{Count, Mode, Policy};
use meritline::core::record::PresenceState;

use crate::support::day::{Day, Taken};
use crate::support::floor::{Draw, Floor, plain_policy};

const DAYS: u64 = 20;

/// How long a call keeps somebody busy: seven minutes in the mean, as in the tables. They do not say how it varies; the
/// coefficient of variation taken here is the one assumption, and it fits all of them.
fn busy_seconds(draw: &mut Draw) -> f64 {
    draw.log_normal(420.0, 0.5)
}

fn by_percent(period_hours: u32) -> Policy {
    Policy { period_seconds: period_hours * 3600, ..plain_policy("p", Mode::Percent, Count::Answered) }
}

/// How many calls each of `members` took.
fn calls_of(members: usize, taken: &[Taken]) -> Vec<f64> {
    (0..members).map(|member| taken.iter().filter(|call| call.member == member).count() as f64).collect()
}

/// Most minus least.
fn spread(figures: &[f64]) -> f64 {
    figures.iter().copied().fold(f64::MIN, f64::max) - figures.iter().copied().fold(f64::MAX, f64::min)
}

fn mean(figures: &[f64]) -> f64 {
    figures.iter().sum::<f64>() / figures.len() as f64
}

/// The largest |actual - target| at the end of a day of nine hours, in percentage points: the mean of the days. Eight people of
/// 20/18/15/13/11/9/8/6 %.
fn share_error(calls_per_hour: f64, period_hours: u32) -> f64 {
    let shares = [20.0, 18.0, 15.0, 13.0, 11.0, 9.0, 8.0, 6.0];
    let error_of_day = |seed| {
        let floor = Floor::of_shares(&shares, by_percent(period_hours));
        let taken = Day::new(floor, seed, calls_per_hour, busy_seconds).until(9.0);
        let got = calls_of(8, &taken);
        got.iter().zip(shares).map(|(got, share)| (got / taken.len() as f64 * 100.0 - share).abs()).fold(0.0, f64::max)
    };
    mean(&(1000..1000 + DAYS).map(error_of_day).collect::<Vec<_>>())
}

/// With 25 calls an hour shares hold to a third of a point, where growing credit for the free only, or drawing lots, misses
/// them by over 4. With 40 and 55 the rest is physics: who should get 20 % cannot carry it. Two means of 20 days may differ by
/// two standard errors of their difference: one day differs from another by 0.16, 1.1 and 0.9 points.
#[test]
fn busy_people_keep_their_shares() {
    for (calls_per_hour, known, noise) in [(25.0, 0.36, 0.1), (40.0, 2.18, 0.7), (55.0, 4.54, 0.6)] {
        let error = share_error(calls_per_hour, 24);
        assert!((error - known).abs() <= noise, "{calls_per_hour} calls an hour: {error} points, known {known}");
    }
}

/// A period of an hour forgets imbalance with that half-life, which costs accuracy. Known: 0.63 points instead of 0.36; one day
/// differs from another by 0.3.
#[test]
fn a_short_period_forgets_imbalance() {
    let error = share_error(25.0, 1);
    assert!((error - 0.63).abs() <= 0.2, "share error {error} percentage points");
}

/// Calls that one of eight equals got, and a fair eighth of all, in spans of the day that end at these hours: sums of 40 days
/// with 40 calls an hour. She is away from hour `from` to hour `to`.
fn calls_around_an_absence(period_hours: u32, (from, to): (f64, f64), ends: &[f64]) -> Vec<(f64, f64)> {
    let mut spans = vec![(0.0, 0.0); ends.len()];
    for seed in 500..540 {
        let mut day = Day::new(Floor::of_shares(&[1.0; 8], by_percent(period_hours)), seed, 40.0, busy_seconds);
        for ((hers, fair), end) in spans.iter_mut().zip(ends) {
            let taken = day.until(*end);
            *hers += calls_of(8, &taken)[0];
            *fair += taken.len() as f64 / 8.0;
            if *end == from {
                day.floor.set_presence("a000", PresenceState::OffDuty);
            } else if *end == to {
                day.floor.set_presence("a000", PresenceState::Available);
            }
        }
    }
    spans
}

/// Away for four hours. Known for this rule: 1.06 times a fair share in the first half hour after the return, 1.01 in the first
/// two hours; for counting in a window 2.19 and 2.08.
#[test]
fn who_was_away_is_not_flooded_on_return() {
    let spans = calls_around_an_absence(24, (1.0, 5.0), &[1.0, 5.0, 5.5, 7.0]);
    assert_eq!(spans[1].0, 0.0, "nobody off duty is rung");
    let half_hour = spans[2].0 / spans[2].1;
    assert!((0.85..=1.15).contains(&half_hour), "{half_hour}");
    let two_hours = (spans[2].0 + spans[3].0) / (spans[2].1 + spans[3].1);
    assert!((0.95..=1.05).contains(&two_hours), "{two_hours}");
}

/// A period of four hours, away in the fourth and the fifth hour of twelve. Counting in a window of that length sends the
/// absence back as waves: 2.14 1.87 0.35 0.23 1.38 1.76 0.76 of a fair share in the hours that follow.
#[test]
fn an_absence_has_no_echo() {
    let hours: Vec<f64> = (1..=12).map(f64::from).collect();
    let spans = calls_around_an_absence(4, (3.0, 5.0), &hours);
    let ratios: Vec<f64> = spans.iter().map(|(hers, fair)| hers / fair).collect();
    assert_eq!(ratios[3..5], [0.0, 0.0]);
    assert!(ratios[5..].iter().all(|ratio| (0.85..=1.15).contains(ratio)), "{ratios:?}");
}

/// Spreads among five people at the end of a day of nine hours, of talk minutes and of calls: means of the days. 25 calls an
/// hour, talk log-normal with mean 300 s and coefficient of variation 0.8.
fn spreads(mode: Mode) -> (f64, f64) {
    let (mut talk_minutes, mut calls) = (Vec::new(), Vec::new());
    for seed in 3000..3000 + DAYS {
        let floor = Floor::of_shares(&[1.0; 5], plain_policy("p", mode, Count::Answered));
        let taken = Day::new(floor, seed, 25.0, |draw| draw.log_normal(300.0, 0.8)).until(9.0);
        let talked = |member| taken.iter().filter(|call| call.member == member).map(|call| call.talk_seconds / 60.0).sum();
        talk_minutes.push(spread(&(0..5).map(talked).collect::<Vec<f64>>()));
        calls.push(spread(&calls_of(5, &taken)));
    }
    (mean(&talk_minutes), mean(&calls))
}

/// Known: 8.9 minutes of talk apart where talk time is made equal, 61 where calls are; the price is 12 calls apart instead of 1.
/// Where calls are counted one day differs from another by 24 minutes: two means of 20 days by 15.
#[test]
fn equal_talk_time_is_equal_to_minutes() {
    let (talk_minutes, calls) = spreads(Mode::EqualTalkTime);
    assert!(talk_minutes <= 12.0, "{talk_minutes} minutes apart");
    assert!((calls - 12.0).abs() <= 3.0, "{calls} calls apart");
    let (talk_minutes, calls) = spreads(Mode::EqualCalls);
    assert!((talk_minutes - 61.0).abs() <= 15.0, "{talk_minutes} minutes apart where calls are counted");
    assert!(calls <= 2.0, "{calls} calls apart where calls are counted");
}
