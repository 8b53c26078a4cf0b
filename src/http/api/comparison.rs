//! How two sides compared are shown: per offered call, with intervals.

use rust_decimal::Decimal;
use serde::Serialize;
use utoipa::ToSchema;

use crate::core::money;
use crate::core::proving::statistics::Estimate;
use crate::core::proving::uplift::{
    CLUSTERS_MIN, CONTRACTS_MIN, Comparison, LeftOut, Measure, Side, UnmatchedContracts, Verdict,
};

/// One side of a comparison. Money as decimal text.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct SideItem {
    /// Blocks or days with calls: what the intervals rest on.
    pub clusters: usize,
    /// Offered calls that count.
    pub calls: u64,
    /// Contracts that came of them.
    pub contracts: u64,
    /// Contracts per offered call; null without calls.
    pub contracts_per_call: Option<f64>,
    /// Sum of their amounts after returns, in the workspace's currency.
    pub revenue: String,
    /// Revenue per offered call; null without calls.
    pub revenue_per_call: Option<String>,
    /// Contracts without an amount in that currency: they count as contracts, but bring no revenue.
    pub contracts_without_amount: u64,
}

/// A figure with its 95 % interval.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct EstimateItem {
    /// The figure.
    pub value: f64,
    /// Lower bound; null where the sample gives none.
    pub low: Option<f64>,
    /// Upper bound; null where the sample gives none.
    pub high: Option<f64>,
}

/// How many calls a relative change needs.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct NeededItem {
    /// The relative change: 0.1 = a tenth more.
    pub uplift: f64,
    /// Calls on each side: `15.7 x cv_squared / uplift^2` (two-sided 5 %, power 80 %).
    pub calls_per_side: u64,
    /// How many the smaller side still lacks.
    pub still_needed: u64,
}

/// One figure compared. Intervals take whole blocks (or days) as the unit, so that calls which resemble each other fake no
/// certainty: variance of a ratio by clusters, Welch's t for the difference, Fieller's theorem for the uplift.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct MeasureItem {
    /// `not proven yet` while the interval holds 0 or the sample is too small (less than 10 blocks or days on each side, or 10
    /// contracts in all); else `proven better` or `proven worse`.
    pub verdict: String,
    /// The second side's figure per call minus the first side's.
    pub difference: EstimateItem,
    /// The second over the first, minus 1; null while the first is 0.
    pub uplift: Option<EstimateItem>,
    /// Variance of one call's outcome over its mean squared; null while nothing came of any call.
    pub cv_squared: Option<f64>,
    /// The smallest relative change that this sample would show; null while that is not known.
    pub smallest_uplift: Option<f64>,
    /// What larger samples would show; while nothing came of any call, reckoned as if one call in ten brought a contract.
    pub needed: Vec<NeededItem>,
}

/// Calls that do not count, and why.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct LeftOutItem {
    /// In the first minutes after a switch of blocks.
    pub after_switch: u64,
    /// So young that their contracts are still to come.
    pub immature: u64,
    /// Went to the caller's own manager, so no shares had a say.
    pub personal: u64,
    /// Answered while a lead's brake held.
    pub braked: u64,
    /// Answered before the experiment was set up, or under other settings of it.
    pub off_schedule: u64,
}

/// Contracts that count for no side, and why: of those closed between the first call and the end of the last one's days.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct UnmatchedItem {
    /// The CRM tells no phone of a contact, so they can belong to no call.
    pub without_phone: u64,
    /// None of their phones called within the days.
    pub without_call: u64,
    /// Their call does not count: see `left_out`.
    pub of_calls_left_out: u64,
}

impl UnmatchedItem {
    pub(super) fn of(unmatched: &UnmatchedContracts) -> Self {
        let UnmatchedContracts { without_phone, without_call, of_calls_left_out } = *unmatched;
        Self { without_phone, without_call, of_calls_left_out }
    }
}

impl SideItem {
    pub(super) fn of(side: &Side) -> Self {
        let calls = Decimal::from(side.calls);
        Self {
            clusters: side.clusters,
            calls: side.calls,
            contracts: side.contracts,
            contracts_per_call: (side.calls > 0).then(|| side.contracts as f64 / side.calls as f64),
            revenue: money::to_text(side.revenue),
            revenue_per_call: side.revenue.checked_div(calls).map(money::to_text),
            contracts_without_amount: side.contracts_without_amount,
        }
    }
}

impl EstimateItem {
    fn of(estimate: Estimate) -> Self {
        let bound = estimate.interval;
        Self { value: estimate.value, low: bound.map(|bound| bound.low), high: bound.map(|bound| bound.high) }
    }
}

impl MeasureItem {
    pub(super) fn of(measure: &Measure) -> Self {
        let needed = measure.needed.iter().map(|needed| NeededItem {
            uplift: needed.uplift,
            calls_per_side: needed.calls_per_side,
            still_needed: needed.still_needed,
        });
        Self {
            verdict: measure.verdict.as_str().to_owned(),
            difference: EstimateItem::of(measure.difference),
            uplift: measure.uplift.map(EstimateItem::of),
            cv_squared: measure.cv_squared,
            smallest_uplift: measure.smallest_uplift,
            needed: needed.collect(),
        }
    }
}

impl LeftOutItem {
    pub(super) fn of(left_out: &LeftOut) -> Self {
        let LeftOut { after_switch, immature, personal, braked, off_schedule } = *left_out;
        Self { after_switch, immature, personal, braked, off_schedule }
    }
}

/// How the parts of a comparison are called.
#[derive(Clone, Copy)]
pub(super) struct Names {
    /// The first side.
    pub(super) first: &'static str,
    /// The second side.
    pub(super) second: &'static str,
    /// What the intervals rest on.
    pub(super) clusters: &'static str,
}

/// What a comparison of contracts says, in one sentence: the verdict, why it is none yet, and what is still needed.
pub(super) fn sentence(compared: &Comparison, names: Names) -> String {
    let measure = &compared.contracts;
    let verdict = measure.verdict.as_str();
    let needed = match measure.verdict {
        Verdict::ProvenBetter | Verdict::ProvenWorse => None,
        Verdict::NotProvenYet => still_needed(measure),
    };
    if compared.control.calls + compared.treatment.calls == 0 {
        return format!("{verdict}: no call counts so far{}{}.", left_out(&compared.left_out), needed.unwrap_or_default());
    }
    let rates = format!(
        "{:.1} contracts per 100 calls ({}, {} calls) against {:.1} ({}, {} calls)",
        measure.treatment * 100.0,
        names.second,
        compared.treatment.calls,
        measure.control * 100.0,
        names.first,
        compared.control.calls,
    );
    let interval = measure.uplift.and_then(|uplift| uplift.interval).map(|interval| {
        format!("; between {:+.0} % and {:+.0} % with 95 % confidence", interval.low * 100.0, interval.high * 100.0)
    });
    let too_small = too_small(compared, names).unwrap_or_default();
    let unmatched = unmatched(compared);
    format!("{verdict}: {rates}{}{too_small}{}{unmatched}.", interval.unwrap_or_default(), needed.unwrap_or_default())
}

/// What the smallest change needs that the sample does not show yet.
fn still_needed(measure: &Measure) -> Option<String> {
    let needed = measure.needed.iter().find(|needed| needed.still_needed > 0)?;
    let supposed = if measure.cv_squared.is_none() { ", if one call in ten brings a contract," } else { "" };
    Some(format!(
        "; to see a change of {:.0} %{supposed} each side needs {} calls, {} more than the smaller one has",
        needed.uplift * 100.0,
        needed.calls_per_side,
        needed.still_needed,
    ))
}

/// Why a difference that looks clear is not called proven.
fn too_small(compared: &Comparison, names: Names) -> Option<String> {
    let measure = &compared.contracts;
    if measure.verdict != Verdict::NotProvenYet || !measure.looks_clear() {
        return None;
    }
    let (clusters, unit) = (compared.control.clusters.min(compared.treatment.clusters), names.clusters);
    let contracts = compared.control.contracts + compared.treatment.contracts;
    if clusters < CLUSTERS_MIN {
        return Some(format!("; it looks clear, but a verdict needs {CLUSTERS_MIN} {unit} on each side, and one has {clusters}"));
    }
    (contracts < CONTRACTS_MIN)
        .then(|| format!("; it looks clear, but a verdict needs {CONTRACTS_MIN} contracts, not {contracts}"))
}

fn left_out(left_out: &LeftOut) -> String {
    let LeftOut { after_switch, immature, personal, braked, off_schedule } = *left_out;
    match after_switch + immature + personal + braked + off_schedule {
        0 => String::new(),
        calls => format!(", {calls} are left out"),
    }
}

/// Contracts that cannot be matched, where that is worth knowing.
fn unmatched(compared: &Comparison) -> String {
    let UnmatchedContracts { without_phone, without_call, .. } = compared.unmatched;
    let matched = compared.control.contracts + compared.treatment.contracts;
    let phones = match without_phone {
        0 => String::new(),
        count if matched == 0 && without_call == 0 => format!(
            "; none of the {count} contracts of this time has a phone number, so none can be matched with a call and nothing can ever \
             be proved: let the CRM connection supply `contact_phones`"
        ),
        count => format!("; {count} contracts have no phone number and belong to no call"),
    };
    let calls = match without_call {
        0 => String::new(),
        count => format!("; {count} contracts came of no offered call"),
    };
    format!("{phones}{calls}")
}
