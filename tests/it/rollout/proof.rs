//! What is proved, and what is not yet. Expected figures are hand calculations and those of the published sample formula.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use meritline::core::proving::attribution::{Contract, Contracts};
use meritline::core::proving::experiment::Experiment;
use meritline::core::proving::rollout::Arm;
use meritline::core::proving::statistics::{Cluster, Mean, calls_needed, difference, relative_uplift, smallest_uplift};
use meritline::core::proving::uplift::{Comparison, LeftOut, OfferedCall, UnmatchedContracts, Verdict, of_experiment, of_spans};
use rust_decimal::Decimal;

use crate::support::floor::Draw;

fn near(value: f64, expected: f64, tolerance: f64) {
    assert!((value - expected).abs() <= tolerance, "{value} is not {expected}");
}

fn mean(totals: [f64; 3]) -> Mean {
    Mean::of(&totals.map(|total| Cluster { calls: 10.0, total }))
}

/// Three blocks of 10 calls with 1, 2, 3 contracts against 3, 4, 5. Means 0.2 and 0.4; deviations of the blocks -1, 0, 1 on both
/// sides, so both variances are 3/2 x 2 / 30^2 = 1/300. Degrees of freedom 4, t = 2.776; half an interval is
/// 2.776 x sqrt(2/300) = 0.2267. Fieller: a = 0.04 - 7.706/300 = 0.014313, b = 0.08, c = 0.16 - 7.706/300 = 0.134313; roots
/// (0.08 -+ 0.066914)/a = 0.9143 and 10.265.
#[test]
fn intervals_are_those_of_the_textbook() {
    let (control, treatment) = (mean([1.0, 2.0, 3.0]), mean([3.0, 4.0, 5.0]));
    near(control.variance.unwrap(), 1.0 / 300.0, 1e-12);
    let difference = difference(&control, &treatment);
    near(difference.value, 0.2, 1e-12);
    near(difference.interval.unwrap().low, 0.2 - 0.2267, 0.0003);
    near(difference.interval.unwrap().high, 0.2 + 0.2267, 0.0003);
    let uplift = relative_uplift(&control, &treatment).unwrap();
    near(uplift.value, 1.0, 1e-12);
    near(uplift.interval.unwrap().low, -0.0857, 0.003);
    near(uplift.interval.unwrap().high, 9.265, 0.1);
    // Blocks of unequal size: 1 of 10, 4 of 20, 1 of 30: mean 0.1; deviations 0, 2, -2; variance 3/2 x 8 / 60^2 = 1/300.
    let clusters = [(10.0, 1.0), (20.0, 4.0), (30.0, 1.0)].map(|(calls, total)| Cluster { calls, total });
    near(Mean::of(&clusters).value, 0.1, 1e-12);
    near(Mean::of(&clusters).variance.unwrap(), 1.0 / 300.0, 1e-12);
}

/// Published: win rate 10 % (CV^2 = 9) needs 14 100 (14 130), 3 530, 1 570 calls per arm for +10, +20, +30 %; revenue (CV^2 = 19)
/// 29 800, 7 460, 3 310; rounded to three digits.
#[test]
fn the_sample_needed_is_the_published_one() {
    let published = [(9.0, [14_130, 3_530, 1_570]), (19.0, [29_800, 7_460, 3_310])];
    for (cv_squared, calls) in published {
        for (uplift, expected) in [0.1, 0.2, 0.3].into_iter().zip(calls) {
            let needed = calls_needed(cv_squared, uplift) as f64;
            near(needed / f64::from(expected), 1.0, 0.002);
            near(smallest_uplift(cv_squared, needed).unwrap(), uplift, 1e-4);
        }
    }
}

fn experiment(days: i64) -> Experiment {
    let from: Timestamp = "2026-09-01T00:00:00Z".parse().unwrap();
    Experiment {
        treatment_percent: 50,
        block_seconds: 3600,
        drop_first_seconds: 300,
        seed: 7,
        from,
        until: from.checked_add(SignedDuration::from_hours(24 * days)).unwrap(),
        attribution_days: 30,
    }
}

fn later(at: Timestamp, seconds: i64) -> Timestamp {
    at.checked_add(SignedDuration::from_secs(seconds)).unwrap()
}

/// Calls and contracts in the making.
#[derive(Default)]
struct Made {
    calls: Vec<OfferedCall>,
    contracts: Contracts,
}

impl Made {
    fn call(&mut self, at: Timestamp, arm: Arm) -> &mut OfferedCall {
        self.calls.push(OfferedCall { at, caller: None, arm: Some(arm), personal: false });
        self.calls.last_mut().unwrap()
    }

    /// A call that nothing comes of.
    fn idle(&mut self, at: Timestamp, arm: Arm) {
        self.call(at, arm);
    }

    /// A call that a contract comes of a day later.
    fn sold(&mut self, at: Timestamp, arm: Arm, amount: Option<i64>) {
        let phone = format!("+7916{:07}", self.calls.len());
        self.call(at, arm).caller = Some(phone.clone());
        let amount = amount.map(Decimal::from);
        self.contracts.items.push(Contract { closed_at: later(at, 86_400), phones: vec![phone], amount });
    }

    fn compare(&self, experiment: &Experiment) -> Comparison {
        let long_after = later(experiment.until, 400 * 86_400);
        of_experiment(experiment, &self.calls, &self.contracts, long_after)
    }
}

/// In each block 10 calls, evenly spread over its middle; of those of the treatment `won` bring a contract, of the control 1.
fn steady(experiment: &Experiment, won: impl Fn(u64) -> usize) -> Made {
    let mut made = Made::default();
    for block in experiment.blocks_from(experiment.from) {
        let sold = if block.arm == Arm::Policy { won(block.number) } else { 1 + usize::from(block.number.is_multiple_of(7)) };
        for call in 0..10 {
            let at = later(block.from, 600 + 200 * call as i64);
            if call < sold { made.sold(at, block.arm, Some(1000)) } else { made.idle(at, block.arm) }
        }
    }
    made
}

#[test]
fn a_clear_difference_is_proved_one_way_or_the_other() {
    let experiment = experiment(3);
    let better = steady(&experiment, |block| 3 + usize::from(block.is_multiple_of(3))).compare(&experiment);
    assert_eq!(better.contracts.verdict, Verdict::ProvenBetter);
    assert_eq!((better.control.calls, better.treatment.calls, better.control.clusters), (360, 360, 36));
    assert!(better.contracts.uplift.unwrap().interval.unwrap().low > 0.0);
    assert_eq!(better.revenue.verdict, Verdict::ProvenBetter, "every contract is worth the same here");
    let worse = steady(&experiment, |block| usize::from(block.is_multiple_of(5))).compare(&experiment);
    assert_eq!(worse.contracts.verdict, Verdict::ProvenWorse);
    assert_eq!(Verdict::ProvenBetter.as_str(), "proven better");
    assert_eq!(Verdict::ProvenWorse.as_str(), "proven worse");
}

#[test]
fn not_proven_yet_is_said_in_these_words_while_it_is_so() {
    assert_eq!(Verdict::NotProvenYet.as_str(), "not proven yet");
    let experiment = experiment(3);
    let same = steady(&experiment, |block| 1 + usize::from(block.is_multiple_of(5))).compare(&experiment);
    assert_eq!(same.contracts.verdict, Verdict::NotProvenYet, "the interval holds 0");
    let nothing = Made::default().compare(&experiment);
    assert_eq!(nothing.contracts.verdict, Verdict::NotProvenYet);
    // What a sample needs is told before there is one: with one contract in ten calls +20 % needs 3533 calls (15.7 x 9 / 0.04).
    let needed = &nothing.contracts.needed[1];
    assert_eq!((nothing.contracts.cv_squared, needed.uplift), (None, 0.2));
    assert_eq!((needed.calls_per_side, needed.still_needed), (3533, 3533));
}

/// A third of a day has 4 blocks of each kind: the interval lies above 0, and yet nothing is called proven.
#[test]
fn a_small_sample_proves_nothing_however_clear_it_looks() {
    let short = Experiment { until: later(experiment(1).from, 8 * 3600), ..experiment(1) };
    let compared = steady(&short, |block| 5 + usize::from(block.is_multiple_of(3))).compare(&short);
    assert!(compared.contracts.difference.interval.unwrap().low > 0.0);
    assert!(compared.contracts.looks_clear());
    assert_eq!(compared.contracts.verdict, Verdict::NotProvenYet);
}

/// A customer calls in the first minutes of a block, which do not count, and again in a block of the other arm. The contract came of
/// the first call: it counts for no side.
#[test]
fn a_contract_of_a_call_that_does_not_count_falls_to_no_later_call() {
    let experiment = experiment(3);
    let mut made = Made::default();
    let blocks: Vec<_> = experiment.blocks_from(experiment.from).collect();
    let other = blocks.iter().find(|block| block.arm != blocks[0].arm).unwrap();
    made.sold(later(blocks[0].from, 10), blocks[0].arm, Some(1000));
    let phone = made.calls[0].caller.clone();
    made.call(later(other.from, 1000), other.arm).caller = phone;
    let compared = made.compare(&experiment);
    assert_eq!((compared.left_out.after_switch, compared.control.calls + compared.treatment.calls), (1, 1));
    assert_eq!(compared.control.contracts + compared.treatment.contracts, 0);
    assert_eq!(compared.unmatched, UnmatchedContracts { without_phone: 0, without_call: 0, of_calls_left_out: 1 });

    // Two spans of days: the first call went to the caller's own manager.
    let mut calls = made.calls.clone();
    calls[0].personal = true;
    let now = later(experiment.until, 400 * 86_400);
    let spans = of_spans(&calls[..1], &calls[1..], &made.contracts, (30, now), &TimeZone::UTC);
    assert_eq!((spans.treatment.contracts, spans.unmatched.of_calls_left_out), (0, 1));
}

/// Of contracts closed from the first call to 30 days after the last one: those before and after are nobody's business.
#[test]
fn contracts_that_belong_to_no_call_are_counted() {
    let experiment = experiment(3);
    let mut made = Made::default();
    let block = experiment.blocks_from(experiment.from).next().unwrap();
    made.sold(later(block.from, 1000), block.arm, None);
    let closed = |seconds: i64, phones: &[&str]| Contract {
        closed_at: later(block.from, seconds),
        phones: phones.iter().map(|phone| (*phone).to_owned()).collect(),
        amount: None,
    };
    let stranger: &[&str] = &["+79990000000"];
    made.contracts.items.extend([closed(2000, &[]), closed(86_400, &[]), closed(999, &[]), closed(1000 + 31 * 86_400, &[])]);
    made.contracts.items.extend([closed(2000, stranger), closed(-5, stranger)]);
    let compared = made.compare(&experiment);
    assert_eq!(compared.unmatched, UnmatchedContracts { without_phone: 2, without_call: 1, of_calls_left_out: 0 });
}

/// 60 of 600 calls close: variance 0.1 x 0.9 over 0.01 is 9, so +20 % needs 3533 calls per side; the smaller has 300, so 3233 more.
#[test]
fn what_is_still_needed_follows_from_the_calls_themselves() {
    let experiment = experiment(3);
    let mut made = Made::default();
    for block in experiment.blocks_from(experiment.from).take(60) {
        made.sold(later(block.from, 900), block.arm, None);
        (0..9).for_each(|call| made.idle(later(block.from, 1000 + call), block.arm));
    }
    let compared = made.compare(&experiment);
    near(compared.contracts.cv_squared.unwrap(), 9.0, 1e-9);
    let needed = compared.contracts.needed.iter().find(|needed| needed.uplift == 0.2).unwrap();
    assert_eq!((needed.calls_per_side, needed.still_needed), (3533, 3233));
    near(compared.contracts.smallest_uplift.unwrap(), (15.7_f64 * 9.0 / 300.0).sqrt(), 1e-9);
    assert_eq!(compared.treatment.contracts_without_amount + compared.control.contracts_without_amount, 60);
    assert_eq!(compared.revenue.verdict, Verdict::NotProvenYet);
}

#[test]
fn calls_that_do_not_count_are_left_out_and_told() {
    let experiment = experiment(3);
    let mut made = Made::default();
    made.contracts.usual_seconds_to_close = Some(10.0 * 86_400.0);
    let blocks: Vec<_> = experiment.blocks_from(experiment.from).collect();
    let switch = blocks[0];
    let calm = blocks.iter().find(|block| !block.is_switch).unwrap();
    let other = |arm: Arm| if arm == Arm::Policy { Arm::Comparison } else { Arm::Policy };
    made.call(later(switch.from, 299), switch.arm);
    made.call(later(switch.from, 300), switch.arm);
    made.call(later(calm.from, 1), calm.arm);
    made.call(later(calm.from, 2), calm.arm).personal = true;
    made.call(later(calm.from, 3), Arm::Brake);
    made.call(later(calm.from, 4), other(calm.arm));
    made.call(later(calm.from, 5), calm.arm).arm = None;
    made.call(later(experiment.from, -1), calm.arm);
    let last = blocks[71];
    made.call(later(last.from, 1000), last.arm);
    // Ten days after the last call but for one second.
    let now = later(last.from, 1000 + 10 * 86_400 - 1);
    let compared = of_experiment(&experiment, &made.calls, &made.contracts, now);
    let expected = LeftOut { after_switch: 1, immature: 1, personal: 1, braked: 1, off_schedule: 2 };
    assert_eq!(compared.left_out, expected);
    assert_eq!(compared.control.calls + compared.treatment.calls, 2);
}

/// Contracts of a policy that changes nothing. Blocks differ: in half of them one call in fifty closes, in the others nine. Of 400
/// experiments 95 in 100 must hold 0: 380, with a standard deviation of 4.4; 3.3 points are three of them. Counting calls as if
/// they were independent gives intervals that are far too narrow, so the test would notice it.
#[test]
fn of_experiments_without_effect_one_in_twenty_looks_like_one() {
    let mut draw = Draw(2026);
    let (mut held, mut held_by_calls) = (0, 0);
    for seed in 0..400 {
        let experiment = Experiment { seed, until: later(experiment(1).from, 40 * 3600), ..experiment(1) };
        let mut made = Made::default();
        for block in experiment.blocks_from(experiment.from) {
            let rate = if draw.uniform() < 0.5 { 0.02 } else { 0.18 };
            for call in 0..25 {
                let at = later(block.from, 600 + call);
                if draw.uniform() < rate { made.sold(at, block.arm, None) } else { made.idle(at, block.arm) }
            }
        }
        let compared = made.compare(&experiment);
        let interval = compared.contracts.difference.interval.unwrap();
        held += usize::from(interval.low <= 0.0 && interval.high >= 0.0);
        let (n, p) = (500.0, compared.contracts);
        let by_calls = 1.96 * ((p.control * (1.0 - p.control) + p.treatment * (1.0 - p.treatment)) / n).sqrt();
        held_by_calls += usize::from(p.difference.value.abs() <= by_calls);
    }
    let (held, held_by_calls) = (held as f64 / 400.0, held_by_calls as f64 / 400.0);
    near(held, 0.95, 0.033);
    assert!(held_by_calls < 0.85, "{held_by_calls} by calls");
}

/// With a true change of +50 % the interval of the uplift holds it as often as it should, too.
#[test]
fn the_true_uplift_is_held_as_often_as_stated() {
    let mut draw = Draw(77);
    let mut held = 0;
    for seed in 0..400 {
        let experiment = Experiment { seed, until: later(experiment(1).from, 40 * 3600), ..experiment(1) };
        let mut made = Made::default();
        for block in experiment.blocks_from(experiment.from) {
            let rate = if block.arm == Arm::Policy { 0.18 } else { 0.12 };
            for call in 0..30 {
                let at = later(block.from, 600 + call);
                if draw.uniform() < rate { made.sold(at, block.arm, None) } else { made.idle(at, block.arm) }
            }
        }
        let interval = made.compare(&experiment).contracts.uplift.unwrap().interval.unwrap();
        held += usize::from(interval.low <= 0.5 && interval.high >= 0.5);
    }
    near(held as f64 / 400.0, 0.95, 0.033);
}

/// 30 days of 10 calls with one contract each day, then 30 days with two or three; the days are the unit.
#[test]
fn two_spans_of_days_are_compared_per_offered_call() {
    let from: Timestamp = "2026-07-01T00:00:00Z".parse().unwrap();
    let (mut before, mut after) = (Made::default(), Made::default());
    for day in 0..60 {
        let (side, won) = if day < 30 { (&mut before, 1 + day % 2) } else { (&mut after, 3 + day % 2) };
        for call in 0..10 {
            let at = later(from, day * 86_400 + 36_000 + call * 600);
            if call < won { side.sold(at, Arm::Policy, None) } else { side.idle(at, Arm::Policy) }
        }
    }
    let mut contracts = Contracts::default();
    for (side, made) in [&mut before, &mut after].into_iter().enumerate() {
        // Phones of both sides apart.
        let renamed = |phone: &String| format!("{phone}{side}");
        made.calls.iter_mut().for_each(|call| call.caller = call.caller.as_ref().map(renamed));
        made.contracts.items.iter_mut().for_each(|contract| contract.phones = contract.phones.iter().map(renamed).collect());
        contracts.items.append(&mut made.contracts.items);
    }
    let spans = |now: Timestamp| of_spans(&before.calls, &after.calls, &contracts, (30, now), &TimeZone::UTC);
    let compared = spans(later(from, 100 * 86_400));
    assert_eq!((compared.control.calls, compared.control.contracts, compared.control.clusters), (300, 45, 30));
    assert_eq!((compared.treatment.calls, compared.treatment.contracts, compared.treatment.clusters), (300, 105, 30));
    assert_eq!(compared.contracts.verdict, Verdict::ProvenBetter);
    // On day 80 the calls since day 50 are younger than 30 days.
    let young = spans(later(from, 80 * 86_400));
    assert_eq!((young.left_out.immature, young.treatment.calls), (100, 200));
}
