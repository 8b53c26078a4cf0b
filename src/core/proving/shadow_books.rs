//! The credits of answers that were not given.
//!
//! While a policy is under test, each call is answered in one arm, and the answer moves the group's own book, whichever arm it was.
//! What the other arm would have answered cannot be read off that book: it is never charged for what it would have given, so it
//! would name the same person again and again, or just follow the answers. So each arm of a group has a shadow book beside the
//! group's own, moved by the arm's would-be choices alone: over the calls it did not answer, the arm gives exactly its shares.
//!
//! Nobody is rung for a would-be choice and no event will tell of it, so it counts as received when it is made, once per call.
//! Shadow books never touch what people are owed.

use std::collections::HashMap;
use std::sync::Arc;

use super::rollout::Arm;
use super::trial::OtherStep;
use crate::core::distribution::credit_book::{Contribution, CreditBook, EntryKey};
use crate::core::ids::{GroupId, MemberId};
use crate::core::record::DecisionRecord;

/// Shadow books by group and arm.
#[derive(Default)]
pub(in crate::core) struct ShadowBooks {
    of: HashMap<GroupId, Pair>,
}

/// A group's shadows.
struct Pair {
    policy: CreditBook,
    comparison: CreditBook,
}

impl Pair {
    fn new(period_seconds: u32) -> Self {
        Self { policy: CreditBook::new(period_seconds), comparison: CreditBook::new(period_seconds) }
    }

    fn each(&mut self) -> [&mut CreditBook; 2] {
        [&mut self.policy, &mut self.comparison]
    }
}

impl ShadowBooks {
    /// Prepares for a group as it is now.
    pub(in crate::core) fn bind(&mut self, group: &GroupId, period_seconds: u32, members: &Arc<[MemberId]>) {
        let pair = self.of.entry(group.clone()).or_insert_with(|| Pair::new(period_seconds));
        for book in pair.each() {
            book.set_period(period_seconds);
            book.set_members(members);
        }
    }

    /// An arm's shadow of a group.
    pub(in crate::core) fn get(&self, group: &GroupId, arm: Arm) -> Option<&CreditBook> {
        let pair = self.of.get(group)?;
        Some(match arm {
            Arm::Policy => &pair.policy,
            Arm::Comparison | Arm::Brake => &pair.comparison,
        })
    }

    /// Adds what a decision's other arm would have done; the same one again changes nothing.
    pub(in crate::core) fn add(&mut self, record: &DecisionRecord) {
        let key = EntryKey::of_first_target(record);
        for step in record.trial.other.iter().flat_map(|other| &other.steps) {
            let OtherStep { group, arm, lambda, member, unit, adjustment } = step;
            let pair = self.of.entry(group.clone()).or_insert_with(|| Pair::new(300));
            let book = match arm {
                Arm::Policy => &mut pair.policy,
                Arm::Comparison | Arm::Brake => &mut pair.comparison,
            };
            book.given(key, lambda, *member, adjustment);
            book.put(key, Contribution { lambda: Arc::clone(lambda), member: *member, units: *unit });
        }
    }

    /// Starts a group's would-be credits again at 0.
    pub(in crate::core) fn reset(&mut self, group: &GroupId, at_us: i64) {
        self.of.get_mut(group).into_iter().flat_map(Pair::each).for_each(|book| book.reset(at_us));
    }

    /// Forgets what is past its weight.
    pub(in crate::core) fn forget_before(&mut self, now_us: i64) {
        self.of.values_mut().flat_map(Pair::each).for_each(|book| book.forget_before(now_us));
    }
}
