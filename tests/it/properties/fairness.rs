//! How closely real shares follow the targets.

use meritline::core::call::CallEventType;
use meritline::core::policy::{Count, Mode};
use meritline::core::record::Feed;
use meritline::core::selection::CREDIT_CAP_CALLS;
use meritline::core::workspace::GroupIx;
use proptest::prelude::*;

use crate::support::floor::{Draw, Floor, plain_policy};

/// Follows `got - expected` of every member over calls given at once to free people.
struct Deviation {
    share: Vec<f64>,
    got: Vec<f64>,
    calls: f64,
    most_ahead: f64,
    most_behind: f64,
    largest_credit: f64,
}

fn run_everybody_free(weights: &[f64], calls: usize) -> Deviation {
    let mut floor = Floor::of_shares(weights, plain_policy("p", Mode::Percent, Count::Offered));
    floor.feed = Feed::Silent { hold_seconds: 0 };
    let sum: f64 = weights.iter().sum();
    let mut seen = Deviation {
        share: weights.iter().map(|w| w / sum).collect(),
        got: vec![0.0; weights.len()],
        calls: 0.0,
        most_ahead: 0.0,
        most_behind: 0.0,
        largest_credit: 0.0,
    };
    for call in 0..calls {
        let record = floor.decide(&format!("c{call}"));
        let place = record.paths[0][0].member as usize;
        seen.got[place] += 1.0;
        seen.calls += 1.0;
        for (got, share) in seen.got.iter().zip(&seen.share) {
            let ahead = got - seen.calls * share;
            seen.most_ahead = seen.most_ahead.max(ahead);
            seen.most_behind = seen.most_behind.max(-ahead);
        }
        if call % 64 == 0 {
            floor.tally.forget(floor.now);
            let largest = floor.owed(GroupIx(0)).into_iter().fold(0.0, |most: f64, c| most.max(c.abs()));
            seen.largest_credit = seen.largest_credit.max(largest);
        }
    }
    seen
}

fn harmonic_tail(n: usize) -> f64 {
    (2..=n).map(|k| 1.0 / k as f64).sum()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, max_shrink_iters: 64, ..ProptestConfig::default() })]

    /// Invariant 5, proven bounds: never more than 1 - 1/n ahead, nor more than 1/2 + ... + 1/n behind, for any shares
    /// while no credit reaches the cap.
    #[test]
    fn with_everybody_free_nobody_strays_beyond_the_proven_bounds(
        weights in prop::collection::vec(prop_oneof![0.01..1.0f64, 1.0..1000.0f64], 2..40)
    ) {
        let seen = run_everybody_free(&weights, 1500);
        let n = weights.len();
        prop_assert!(seen.largest_credit < CREDIT_CAP_CALLS);
        prop_assert!(seen.most_ahead <= 1.0 - 1.0 / n as f64 + 1e-6, "{} ahead with {n} agents", seen.most_ahead);
        prop_assert!(seen.most_behind <= harmonic_tail(n) + 1e-6, "{} behind with {n} agents", seen.most_behind);
    }
}

/// Invariant 5 at length: 100 000 calls; shares drawn uniformly stay within 1.25 calls.
#[test]
fn a_hundred_thousand_calls_stay_within_a_call_and_a_quarter() {
    for (agents, seed) in [(2, 1), (8, 2), (35, 3), (200, 4)] {
        let mut draw = Draw(seed);
        let weights: Vec<f64> = (0..agents).map(|_| draw.uniform()).collect();
        let seen = run_everybody_free(&weights, 100_000);
        assert!(seen.most_ahead <= 1.25 && seen.most_behind <= 1.25, "{agents}: {} {}", seen.most_ahead, seen.most_behind);
        assert!(seen.most_ahead <= 1.0 - 1.0 / agents as f64 + 1e-6);
        assert!(seen.most_behind <= harmonic_tail(agents) + 1e-6);
    }
}

/// Very skewed shares reach more than 1.25 (1.47 is known for these), but never the proven bound.
#[test]
fn very_skewed_shares_stay_within_the_proven_bound() {
    let weights = [
        31122.0, 21361.0, 19156.0, 18290.0, 2833.0, 2677.0, 2596.0, 379.0, 318.0, 291.0, 288.0, 288.0, 224.0, 53.0, 39.0, 36.0,
        35.0, 12.0, 2.0, 1.0,
    ];
    let seen = run_everybody_free(&weights, 100_000);
    assert!(seen.most_behind <= harmonic_tail(20) && seen.most_ahead <= 0.95);
    assert!((1.4..1.5).contains(&seen.most_behind), "{}", seen.most_behind);
}

/// Eight people of 20/18/15/13/11/9/8/6 %, 25 calls an hour, busy seven minutes a call, nine hours a day: the mean over
/// days of the largest |actual - target|. Measured by others for this rule: 0.36 points; naive rules: over 4.
#[test]
fn busy_people_keep_their_shares() {
    let shares = [20.0, 18.0, 15.0, 13.0, 11.0, 9.0, 8.0, 6.0];
    let error = mean_daily_error(&shares, 25.0, 20);
    assert!(error <= 0.6, "share error {error} percentage points");
}

fn mean_daily_error(shares: &[f64], calls_per_hour: f64, days: u64) -> f64 {
    let mut total = 0.0;
    for day in 0..days {
        let mut draw = Draw(1000 + day);
        let mut floor = Floor::of_shares(shares, plain_policy("p", Mode::Percent, Count::Answered));
        let end = floor.now.as_second() + 9 * 3600;
        let mut hang_ups: Vec<(f64, String, String)> = Vec::new();
        let (mut got, mut call, mut clock) = (vec![0.0; shares.len()], 0u32, 0.0);
        loop {
            clock += draw.exponential(3600.0 / calls_per_hour);
            let start = f64::from(9 * 3600);
            if clock >= start || floor.now.as_second() >= end {
                break;
            }
            hang_ups.sort_by(|a, b| a.0.total_cmp(&b.0));
            while hang_ups.first().is_some_and(|(at, ..)| *at <= clock) {
                let (at, call, agent) = hang_ups.remove(0);
                let now = floor.now.as_second() as f64 - (end - 9 * 3600) as f64;
                floor.pass((at - now).max(0.0));
                floor.event(&call, CallEventType::Ended, Some(&agent));
                floor.event(&call, CallEventType::Ended, None);
            }
            let since_start = floor.now.duration_since(jiff::Timestamp::from_second(end - 9 * 3600).unwrap()).as_secs_f64();
            floor.pass(clock - since_start);
            call += 1;
            let name = format!("d{day}c{call}");
            let record = floor.decide(&name);
            if let Some(target) = record.decision.targets.first() {
                let agent = target.agent.to_string();
                got[record.paths[0][0].member as usize] += 1.0;
                floor.event(&name, CallEventType::Answered, Some(&agent));
                hang_ups.push((clock + 420.0, name, agent));
            }
        }
        let calls: f64 = got.iter().sum();
        let sum: f64 = shares.iter().sum();
        let error = got.iter().zip(shares).map(|(got, share)| (got / calls - share / sum).abs()).fold(0.0, f64::max);
        total += error * 100.0;
    }
    total / days as f64
}

/// One call in five is answered by nobody; where only answered calls count, the shares of the answered ones hold.
#[test]
fn unanswered_calls_do_not_bend_the_shares_of_answered_ones() {
    let shares = [30.0, 25.0, 20.0, 15.0, 10.0];
    let mut floor = Floor::of_shares(&shares, plain_policy("p", Mode::Percent, Count::Answered));
    let mut draw = Draw(7);
    let mut got = [0.0; 5];
    for call in 0..100_000 {
        let name = format!("c{call}");
        floor.pass(30.0);
        let record = floor.decide(&name);
        let agent = record.decision.targets[0].agent.to_string();
        if draw.uniform() < 0.2 {
            floor.event(&name, CallEventType::Missed, Some(&agent));
        } else {
            floor.event(&name, CallEventType::Answered, Some(&agent));
            got[record.paths[0][0].member as usize] += 1.0;
        }
        floor.pass(5.0);
        floor.event(&name, CallEventType::Ended, None);
        if call % 256 == 0 {
            floor.tally.forget(floor.now);
        }
    }
    let answered: f64 = got.iter().sum();
    for (got, share) in got.iter().zip(shares) {
        let error = (got / answered * 100.0 - share).abs();
        assert!(error <= 0.1, "{error} points away from {share} %");
    }
}
