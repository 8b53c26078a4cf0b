//! How closely real shares follow the targets while everybody is free.

use meritline::core::call::CallEventType;
use meritline::core::policy::{Count, Mode};
use meritline::core::record::{DecisionRecord, Feed};
use meritline::core::shares::share_board::{GroupShares, ShareBoard};
use proptest::prelude::*;

use crate::support::floor::{Draw, Floor, near, plain_policy};

/// A run over calls given at once to free people, up to the first credit that reaches the cap.
struct Run {
    agents: usize,
    most_ahead: f64,
    most_behind: f64,
    is_capped: bool,
}

/// Everybody free, nothing told: the first target counts as received. No further targets: nothing here is about them.
fn floor(weights: &[f64]) -> Floor {
    let mut policy = plain_policy("p", Mode::Percent, Count::Offered);
    policy.dialling.targets_max = 1;
    let mut floor = Floor::of_shares(weights, policy);
    floor.feed = Feed::Silent { hold_seconds: 0 };
    floor
}

fn has_clamp(record: &DecisionRecord) -> bool {
    record.adjustments.iter().any(|adjustment| !adjustment.clamps.is_empty())
}

fn run_everybody_free(weights: &[f64], calls: usize) -> Run {
    let mut floor = floor(weights);
    let sum: f64 = weights.iter().sum();
    let share: Vec<f64> = weights.iter().map(|weight| weight / sum).collect();
    let mut got = vec![0.0; weights.len()];
    let mut run = Run { agents: weights.len(), most_ahead: 0.0, most_behind: 0.0, is_capped: false };
    for call in 0..calls {
        let record = floor.decide(&format!("c{call}"));
        if has_clamp(&record) {
            run.is_capped = true;
            break;
        }
        got[record.paths[0][0].member as usize] += 1.0;
        let decided = (call + 1) as f64;
        for (got, share) in got.iter().zip(&share) {
            let ahead = got - decided * share;
            run.most_ahead = run.most_ahead.max(ahead);
            run.most_behind = run.most_behind.max(-ahead);
        }
        if call % 4096 == 0 {
            floor.tally.forget(floor.now);
        }
    }
    run
}

/// `1/2 + 1/3 + ... + 1/n`.
fn harmonic_tail(n: usize) -> f64 {
    (2..=n).map(|k| 1.0 / k as f64).sum()
}

/// Invariant 5, proven for any shares while no credit reaches the cap: never more than `1 - 1/n` ahead, nor more than
/// `1/2 + ... + 1/n` behind. So up to 82 agents (where that sum is 3.99) no credit ever reaches the cap of 4.
fn check_proven_bounds(run: &Run) -> Result<(), TestCaseError> {
    let n = run.agents;
    prop_assert!(n > 82 || !run.is_capped, "a credit of one of {n} agents reached the cap");
    prop_assert!(run.most_ahead <= 1.0 - 1.0 / n as f64 + 1e-6, "{} ahead with {n} agents", run.most_ahead);
    prop_assert!(run.most_behind <= harmonic_tail(n) + 1e-6, "{} behind with {n} agents", run.most_behind);
    Ok(())
}

/// Any shares: most of them within a few sizes of each other, some a million times as large as others.
fn any_shares() -> impl Strategy<Value = Vec<f64>> {
    let alike = prop::collection::vec(prop_oneof![0.01..1.0f64, 1.0..1000.0f64], 2..=200);
    let skewed = prop::collection::vec((-3.0..3.0f64).prop_map(|exponent| 10f64.powf(exponent)), 2..=200);
    prop_oneof![alike, skewed]
}

fn uniform_shares(seed: u64, agents: usize) -> Vec<f64> {
    let mut draw = Draw(seed);
    (0..agents).map(|_| 1.0 - draw.uniform()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, max_shrink_iters: 64, ..ProptestConfig::default() })]

    #[test]
    fn with_everybody_free_nobody_strays_beyond_the_proven_bounds(weights in any_shares()) {
        check_proven_bounds(&run_everybody_free(&weights, 1500))?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2, max_shrink_iters: 4, ..ProptestConfig::default() })]

    /// The same at length: an error that adds up from call to call would be seen here.
    #[test]
    fn a_hundred_thousand_calls_stay_within_the_proven_bounds(weights in any_shares()) {
        check_proven_bounds(&run_everybody_free(&weights, 100_000))?;
    }

    /// Invariant 5 for shares drawn uniformly (the worst seen by others is 1.07).
    #[test]
    fn a_hundred_thousand_calls_by_uniform_shares_stay_within_a_call_and_a_quarter(seed: u64, agents in 2usize..=200) {
        let run = run_everybody_free(&uniform_shares(seed, agents), 100_000);
        check_proven_bounds(&run)?;
        prop_assert!(!run.is_capped);
        prop_assert!(run.most_ahead <= 1.25 && run.most_behind <= 1.25, "{} {}", run.most_ahead, run.most_behind);
    }
}

/// Very skewed shares reach more than 1.25 (1.47 is known for these), but never the proven bound.
#[test]
fn very_skewed_shares_stay_within_the_proven_bound() {
    let weights = [
        31122.0, 21361.0, 19156.0, 18290.0, 2833.0, 2677.0, 2596.0, 379.0, 318.0, 291.0, 288.0, 288.0, 224.0, 53.0, 39.0, 36.0,
        35.0, 12.0, 2.0, 1.0,
    ];
    let run = run_everybody_free(&weights, 100_000);
    check_proven_bounds(&run).unwrap();
    assert!((1.4..1.5).contains(&run.most_behind), "{}", run.most_behind);
}

/// Who may choose the shares anew before every call can drive a credit to `1 + 1/2 + ... + 1/n`, and no further: equal shares
/// among those who got no call yet, next to nothing for the others. By hand for n = 4: after three calls the last one is
/// owed 1/4 + 1/3 + 1/2, and grows to 2.083 before she gets the fourth. That is ln n, not n: 32 people reach 4.059.
#[test]
fn shares_that_change_against_somebody_cost_no_more_than_a_harmonic_number() {
    for (agents, known) in [(4, 2.0833), (8, 2.7179), (16, 3.3807), (32, 4.0585)] {
        let mut floor = floor(&vec![1.0; agents]);
        let mut waiting = vec![true; agents];
        let mut owed_before_the_pick = 0.0;
        for call in 0..agents {
            floor.shares = shares_among(&waiting);
            let record = floor.decide(&format!("c{call}"));
            let member = record.paths[0][0].member as usize;
            assert!(waiting[member], "the most owed is one who waits");
            waiting[member] = false;
            let view = &record.groups[0];
            owed_before_the_pick = view.credit[member] + view.lambda.values[member];
        }
        near(&[owed_before_the_pick], &[1.0 + harmonic_tail(agents)], 1e-6);
        near(&[owed_before_the_pick], &[known], 0.00006);
    }
}

/// Equal shares among those who wait; a billionth of that for each of the others, who so stay in the rotation.
fn shares_among(waiting: &[bool]) -> ShareBoard {
    let weights: Vec<f64> = waiting.iter().map(|waits| if *waits { 1.0 } else { 1e-9 }).collect();
    let sum: f64 = weights.iter().sum();
    let published: std::sync::Arc<[f64]> = weights.iter().map(|weight| weight / sum).collect();
    let base = published.clone();
    ShareBoard::new(vec![GroupShares { base, published, scores_as_of: None, stale_at: None, follows_scores: false }])
}

/// One call in five is answered by nobody; where only answered calls count, the shares of the answered ones hold. (Without
/// giving them back, others measured 1.9 points.)
#[test]
fn unanswered_calls_do_not_bend_the_shares_of_answered_ones() {
    let shares = [30.0, 25.0, 20.0, 15.0, 10.0];
    let mut floor = Floor::of_shares(&shares, plain_policy("p", Mode::Percent, Count::Answered));
    let mut draw = Draw(7);
    let mut got = [0.0; 5];
    for call in 0..50_000 {
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
