//! Results that can be added up: a group is measured by the sums of its people's, with the formulas of a person.
//!
//! The sum of one person's results is that person's to the last bit. It must not know where results come from: that is `score`.

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use super::expected::Measured;
use super::formulas::shrunken;
use super::per_contract::MemberFigure;
use super::score_table::FurtherMetric;
use crate::core::metric::Metric;

/// Raw counts, and open deals that count as lost.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::core) struct Counts {
    pub(in crate::core) contracts: u64,
    pub(in crate::core) contracts_known: u64,
    pub(in crate::core) opportunities: u64,
    pub(in crate::core) calls: u64,
    /// Faded.
    pub(in crate::core) undecided: f64,
}

impl Counts {
    /// Of several together.
    pub(in crate::core) fn sum<'a>(all: impl Iterator<Item = &'a Self>) -> Self {
        all.fold(Self::default(), |sum, one| Self {
            contracts: sum.contracts + one.contracts,
            contracts_known: sum.contracts_known + one.contracts_known,
            opportunities: sum.opportunities + one.opportunities,
            calls: sum.calls + one.calls,
            undecided: sum.undecided + one.undecided,
        })
    }
}

impl Measured {
    /// Of several together.
    pub(in crate::core) fn sum<'a>(all: impl Iterator<Item = &'a Self>) -> Self {
        all.fold(Self { chances: 0.0, results: 0.0, comparable: 0.0 }, |sum, one| Self {
            chances: sum.chances + one.chances,
            results: sum.results + one.results,
            comparable: sum.comparable + one.comparable,
        })
    }
}

impl MemberFigure {
    /// Of several together.
    pub(in crate::core) fn sum<'a>(all: impl Iterator<Item = &'a Self>) -> Self {
        all.fold(Self::default(), |sum, one| Self {
            contracts: sum.contracts + one.contracts,
            sum: sum.sum.saturating_add(one.sum),
            capped_sum: sum.capped_sum.saturating_add(one.capped_sum),
            sample: sum.sample + one.sample,
            worth: sum.worth + one.worth,
            expected: sum.expected + one.expected,
        })
    }
}

/// A metric beside conversion and check: what each member of the pool brought, and what that is measured by.
pub(in crate::core) enum FurtherResults {
    /// Money per opportunity (or call).
    Revenue {
        /// Average contracts per chance; none without any.
        base_rate: Option<f64>,
        /// What an average contract comes to; none without amounts.
        mean_amount: Option<f64>,
        /// By member.
        members: Vec<Measured>,
    },
    /// A figure that CRMs supply with contracts.
    Supplied {
        /// Which.
        metric: Metric,
        /// Whether the pool has anything to compare.
        tells: bool,
        /// By member.
        members: Vec<MemberFigure>,
    },
}

impl FurtherResults {
    /// The metric of some members together.
    pub(in crate::core) fn of(&self, members: &[usize], caution: f64) -> FurtherMetric {
        match self {
            Self::Revenue { base_rate, mean_amount, members: all } => {
                let measured = Measured::sum(members.iter().filter_map(|member| all.get(*member)));
                let expected = base_rate.map(|rate| rate * measured.comparable);
                let has_chances = measured.chances > 0.0;
                FurtherMetric {
                    metric: Metric::Revenue,
                    figure: mean_amount.filter(|_| has_chances).map(|mean| mean * measured.results / measured.chances),
                    sample: measured.chances,
                    raw: expected.filter(|expected| *expected > 0.0).map(|expected| measured.results / expected),
                    index: expected.map_or(1.0, |expected| shrunken(measured.results, expected, caution)),
                }
            }
            Self::Supplied { metric, tells, members: all } => {
                let member = MemberFigure::sum(members.iter().filter_map(|member| all.get(*member)));
                FurtherMetric {
                    metric: metric.clone(),
                    figure: member.capped_sum.checked_div(Decimal::from(member.contracts)).and_then(|mean| mean.to_f64()),
                    sample: member.sample,
                    raw: (member.expected > 0.0 && *tells).then(|| member.worth / member.expected),
                    index: if *tells { shrunken(member.worth, member.expected, caution) } else { 1.0 },
                }
            }
        }
    }
}
