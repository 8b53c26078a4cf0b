//! When an experiment's answers follow the policy and when equal shares: a schedule of blocks in a random order that anybody can
//! work out again from the seed.
//!
//! Blocks of equal length follow each other from the first instant on. So many of them make a round; in each round the stated part
//! is treatment, in an order drawn from the seed and the round's number. So the ratio holds in every round, morning and evening get
//! both, and nobody can guess what comes next. It must not know what came of the calls: that is `uplift`.

use jiff::{SignedDuration, Timestamp};

use super::rollout::Arm;
use crate::core::chance::SplitMix64;

/// The treatment share is stated in steps of so many percent.
pub const SHARE_STEP_PERCENT: u8 = 5;

/// A round of fewer blocks would be guessed too easily.
const ROUND_MIN: u64 = 4;

/// An experiment's settings, already checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Experiment {
    /// In how many percent of the blocks answers follow the policy: 5 to 95, in steps of [`SHARE_STEP_PERCENT`].
    pub treatment_percent: u8,
    /// Length of a block, in seconds.
    pub block_seconds: u32,
    /// So many seconds after a switch do not count for the result: calls still feel the block before.
    pub drop_first_seconds: u32,
    /// What the order is drawn from.
    pub seed: u64,
    /// The first instant.
    pub from: Timestamp,
    /// The first instant after it.
    pub until: Timestamp,
    /// A contract counts for a call of its customer so many days back at most.
    pub attribution_days: u16,
}

/// One block of an experiment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Block {
    /// From 0.
    pub number: u64,
    /// Which shares answers follow: [`Arm::Policy`] or [`Arm::Comparison`].
    pub arm: Arm,
    /// Its first instant.
    pub from: Timestamp,
    /// The first instant after it.
    pub until: Timestamp,
    /// Whether the block before was of the other arm, or there was none.
    pub is_switch: bool,
}

impl Experiment {
    /// The block an instant lies in; none before and after the experiment.
    pub fn block_at(&self, at: Timestamp) -> Option<Block> {
        if at < self.from || at >= self.until {
            return None;
        }
        let number = at.duration_since(self.from).as_secs() / i64::from(self.block_seconds.max(1));
        self.block(u64::try_from(number).ok()?)
    }

    /// The blocks from the one an instant lies in, or from the first, to the last.
    pub fn blocks_from(&self, at: Timestamp) -> impl Iterator<Item = Block> {
        let first = if at < self.from { self.block(0) } else { self.block_at(at) };
        std::iter::successors(first, |block| self.block(block.number + 1))
    }

    /// Whether a call at this instant of the block is left out of the result, because the block has only just begun.
    pub fn drops(&self, block: &Block, at: Timestamp) -> bool {
        block.is_switch && at.duration_since(block.from) < SignedDuration::from_secs(i64::from(self.drop_first_seconds))
    }

    fn block(&self, number: u64) -> Option<Block> {
        let starts = |number: u64| {
            let seconds = i64::try_from(number).ok()?.checked_mul(i64::from(self.block_seconds.max(1)))?;
            self.from.checked_add(SignedDuration::from_secs(seconds)).ok()
        };
        let from = starts(number).filter(|from| *from < self.until)?;
        let until = starts(number + 1).map_or(self.until, |until| until.min(self.until));
        let arm = self.arm_of(number);
        let is_switch = number.checked_sub(1).is_none_or(|before| self.arm_of(before) != arm);
        Some(Block { number, arm, from, until, is_switch })
    }

    fn arm_of(&self, number: u64) -> Arm {
        let (blocks, treated) = self.round();
        let mut order: Vec<Arm> = (0..blocks).map(|at| if at < treated { Arm::Policy } else { Arm::Comparison }).collect();
        SplitMix64::stream(self.seed, number / blocks).shuffle(&mut order);
        let place = usize::try_from(number % blocks).unwrap_or(0);
        order.get(place).copied().unwrap_or(Arm::Comparison)
    }

    /// How many blocks make a round, and how many of them are treatment: the fewest in which the stated part is whole.
    fn round(&self) -> (u64, u64) {
        let percent = u64::from(self.treatment_percent.min(100));
        let fewest = (1..=100).find(|blocks| (blocks * percent).is_multiple_of(100)).unwrap_or(100);
        let blocks = fewest * ROUND_MIN.div_ceil(fewest);
        (blocks, blocks * percent / 100)
    }
}
