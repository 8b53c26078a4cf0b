//! Shrunken means of a figure per contract: the average check, and any figure that a CRM supplies.
//!
//! One contract counts at most as some typical ones (the big-deal cap). It must not know which figure it is.

use rust_decimal::Decimal;
use rust_decimal::prelude::{FromPrimitive, ToPrimitive};

use super::deal_history::CountedDeal;
use super::expected::Chances;

/// A figure of a pool's contracts.
pub(in crate::core) struct PerContract {
    /// Median of the pool; none without contracts that have the figure.
    pub(in crate::core) median: Option<Decimal>,
    /// One contract counts at most this much; none without a cap.
    pub(in crate::core) cap: Option<Decimal>,
    /// Faded mean after the cap, of those who were there throughout; none without contracts that have the figure.
    pub(in crate::core) mean: Option<f64>,
    /// By member.
    pub(in crate::core) members: Vec<MemberFigure>,
}

/// A figure of one member's contracts. Money is exact; the faded sums are real numbers: their weights are irrational powers
/// of 2, so they measure evidence, not money.
#[derive(Debug, Clone, Default)]
pub(in crate::core) struct MemberFigure {
    /// Contracts that have the figure.
    pub(in crate::core) contracts: u64,
    /// Its sum.
    pub(in crate::core) sum: Decimal,
    /// Its sum after the cap.
    pub(in crate::core) capped_sum: Decimal,
    /// Faded contracts that have it.
    pub(in crate::core) sample: f64,
    /// Its faded sum after the cap, in units of the pool's mean.
    pub(in crate::core) worth: f64,
    /// What the same contracts of an average agent come to, in the same units.
    pub(in crate::core) expected: f64,
}

impl PerContract {
    /// Reads a figure off the contracts that have it.
    pub(in crate::core) fn read<'d>(
        counted: &[CountedDeal<'d>],
        members: usize,
        deal_cap: Option<f64>,
        figure: impl Fn(&CountedDeal<'d>) -> Option<Decimal>,
    ) -> Self {
        let figures: Vec<(&CountedDeal<'d>, Decimal)> = counted.iter().filter_map(|deal| Some((deal, figure(deal)?))).collect();
        let median = median(figures.iter().map(|(_, value)| *value).collect());
        let cap = median.filter(|median| !median.is_zero()).and_then(|median| cap(deal_cap, median));
        let mut of_members = vec![MemberFigure::default(); members];
        let mut chances = Chances::new(members);
        for (deal, value) in figures {
            let capped = cap.map_or(value, |cap| value.min(cap));
            let kind = (None, deal.week);
            chances.had(deal.member, kind, deal.weight);
            chances.came_of(deal.member, Some(kind), deal.weight * capped.to_f64().unwrap_or(0.0));
            if let Some(member) = of_members.get_mut(deal.member) {
                member.contracts += 1;
                // Saturating: a nonsensical amount in a CRM must not stop the others' scores.
                member.sum = member.sum.saturating_add(value);
                member.capped_sum = member.capped_sum.saturating_add(capped);
            }
        }
        let yardstick = chances.measure();
        let mean = yardstick.base_rate.filter(|mean| *mean > 0.0);
        for (member, measured) in of_members.iter_mut().zip(yardstick.members) {
            member.sample = measured.chances;
            member.worth = mean.map_or(0.0, |mean| measured.results / mean);
            member.expected = measured.comparable;
        }
        Self { median, cap, mean: yardstick.base_rate, members: of_members }
    }

    /// Whether the pool has anything to compare: without the figure, or with 0 throughout, everybody is average.
    pub(in crate::core) fn tells(&self) -> bool {
        self.mean.is_some_and(|mean| mean > 0.0)
    }
}

/// The pool's typical figure: fading plays no part in it, so that the cap does not wander from day to day.
fn median(mut figures: Vec<Decimal>) -> Option<Decimal> {
    figures.sort_unstable();
    let upper = *figures.get(figures.len() / 2)?;
    if figures.len() % 2 == 1 {
        return Some(upper);
    }
    let lower = *figures.get(figures.len() / 2 - 1)?;
    lower.saturating_add(upper).checked_div(Decimal::TWO)
}

fn cap(deal_cap: Option<f64>, median: Decimal) -> Option<Decimal> {
    Some(Decimal::from_f64(deal_cap?)?.saturating_mul(median))
}
