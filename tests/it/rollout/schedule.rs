//! An experiment's schedule: random, repeatable, and with the stated ratio.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use meritline::core::chance::SplitMix64;
use meritline::core::proving::experiment::{Block, Experiment};
use meritline::core::proving::rollout::{Arm, FollowedCalls, Rollout};

fn experiment(treatment_percent: u8, seed: u64) -> Experiment {
    Experiment {
        treatment_percent,
        block_seconds: 45 * 60,
        drop_first_seconds: 300,
        seed,
        from: "2026-11-01T00:00:00Z".parse().unwrap(),
        until: "2027-02-01T00:00:00Z".parse().unwrap(),
        attribution_days: 30,
    }
}

fn arms(experiment: &Experiment) -> Vec<Arm> {
    experiment.blocks_from(experiment.from).map(|block| block.arm).collect()
}

fn after(at: Timestamp, seconds: i64) -> Timestamp {
    at.checked_add(SignedDuration::from_secs(seconds)).unwrap()
}

/// The generator's published first outputs for seed 0, and uniform draws for seed 42.
#[test]
fn the_generator_is_split_mix_64() {
    let mut zero = SplitMix64::new(0);
    let first = [(); 3].map(|()| zero.next_u64());
    assert_eq!(first, [16_294_208_416_658_607_535, 7_960_286_522_194_355_700, 487_617_019_471_545_679]);
    let mut other = SplitMix64::new(42);
    for expected in [0.741_564_878_771_823_3, 0.159_910_392_876_920_1, 0.278_601_130_255_138_66] {
        assert!((other.unit() - expected).abs() < 1e-15);
    }
}

/// So many blocks make a round (the fewest, at least four, of which the stated part is whole), and so many of them are treatment.
#[test]
fn the_stated_ratio_holds_in_every_round() {
    for (percent, blocks, treated) in
        [(50, 4, 2), (25, 4, 1), (75, 4, 3), (20, 5, 1), (60, 5, 3), (30, 10, 3), (5, 20, 1), (95, 20, 19)]
    {
        let arms = arms(&experiment(percent, 7));
        assert_eq!(arms.len(), 92 * 32, "92 days of 32 blocks");
        for round in arms.chunks_exact(blocks) {
            assert_eq!(round.iter().filter(|arm| **arm == Arm::Policy).count(), treated, "{percent} %");
        }
    }
}

#[test]
fn the_order_follows_from_the_seed_and_from_nothing_else() {
    let schedule = arms(&experiment(50, 7));
    assert_eq!(schedule, arms(&experiment(50, 7)));
    assert_ne!(schedule, arms(&experiment(50, 8)));
    let longer = Experiment { until: "2027-06-01T00:00:00Z".parse().unwrap(), ..experiment(50, 7) };
    assert_eq!(arms(&longer)[..schedule.len()], schedule, "a longer experiment begins alike");
    let orders: BTreeSet<Vec<bool>> =
        schedule.chunks_exact(4).map(|round| round.iter().map(|arm| *arm == Arm::Policy).collect()).collect();
    assert_eq!(orders.len(), 6, "two of four can be put in six orders, and each comes up");
}

#[test]
fn an_instant_lies_in_one_block_and_the_last_is_cut_at_the_end() {
    let experiment = Experiment { until: "2026-11-01T02:00:00Z".parse().unwrap(), ..experiment(50, 7) };
    let blocks: Vec<Block> = experiment.blocks_from(after(experiment.from, -3600)).collect();
    let spans: Vec<(i64, i64)> = blocks
        .iter()
        .map(|block| {
            let minute = |at: Timestamp| at.duration_since(experiment.from).as_mins();
            (minute(block.from), minute(block.until))
        })
        .collect();
    assert_eq!(spans, [(0, 45), (45, 90), (90, 120)]);
    for block in &blocks {
        assert_eq!(experiment.block_at(block.from), Some(*block));
        assert_eq!(experiment.block_at(after(block.until, -1)), Some(*block));
    }
    assert_eq!(experiment.block_at(after(experiment.from, -1)), None);
    assert_eq!(experiment.block_at(experiment.until), None);
}

/// Five minutes after the arm changed, and after the beginning; nothing where the arm stays.
#[test]
fn the_first_minutes_after_a_switch_are_dropped() {
    let experiment = experiment(50, 7);
    let blocks: Vec<Block> = experiment.blocks_from(experiment.from).take(400).collect();
    assert!(blocks[0].is_switch, "before the first block something else held");
    let (mut switches, mut same) = (0, 0);
    for pair in blocks.windows(2) {
        let block = pair[1];
        let is_switch = pair[0].arm != block.arm;
        assert_eq!(block.is_switch, is_switch);
        assert_eq!(experiment.drops(&block, block.from), is_switch);
        assert_eq!(experiment.drops(&block, after(block.from, 299)), is_switch);
        assert!(!experiment.drops(&block, after(block.from, 300)));
        if is_switch { switches += 1 } else { same += 1 }
    }
    assert!(switches > 100 && same > 50, "{switches} switches, {same} without");
}

/// Before and after it the rollout holds, meanwhile the block does.
#[test]
fn an_experiment_says_more_than_the_rollout_while_it_runs() {
    let experiment = experiment(50, 7);
    let key = crate::support::floor::Floor::key("c-1");
    for (calls, outside) in [(FollowedCalls::None, Some(Arm::Comparison)), (FollowedCalls::All, None)] {
        let rollout = Rollout { calls, experiment: Some(experiment.clone()) };
        let arm = |at: Timestamp| rollout.arm(&"p".into(), &key, at);
        assert_eq!(arm(after(experiment.from, -1)), outside);
        assert_eq!(arm(experiment.until), outside);
        for block in experiment.blocks_from(experiment.from).take(20) {
            assert_eq!(arm(block.from), Some(block.arm));
        }
        assert_eq!(rollout.told(experiment.from), "experiment");
    }
}
