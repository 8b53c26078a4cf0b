//! What a policy brings: contracts and revenue per offered call, compared between an experiment's arms or two spans of days.
//!
//! Everything is counted per call that was offered to the policy, taken or not: who lets calls ring must not look better for it.
//! Contracts come first, since amounts vary so much that far more calls are needed to say anything about revenue. It says
//! "not proven yet" as long as that is the truth.
//!
//! It reads no clock and decides nothing. How sure a figure is: `statistics`; which contract belongs to which call: `attribution`.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use super::attribution::{Contracts, Lead, attribute};
use super::experiment::Experiment;
use super::rollout::Arm;
use super::statistics::{self, Cluster, Estimate, Mean};
use crate::core::decision::Reason;
use crate::core::ids::PolicyId;
use crate::core::record::DecisionRecord;
use crate::core::routing::route::Outcome;
use crate::core::workspace::{PolicyIx, Workspace};

/// A contract counts for a call so many days back where no experiment says otherwise.
pub const ATTRIBUTION_DAYS: u16 = 30;

/// Fewer blocks or days with calls on a side are too few for a verdict.
pub const CLUSTERS_MIN: usize = 10;

/// Fewer contracts on both sides together are too few for a verdict.
pub const CONTRACTS_MIN: u64 = 10;

/// While no contract came of any call, samples are reckoned as if one call in ten brought one: variance 0.1 x 0.9 over 0.1 squared.
const CONTRACTS_CV_SQUARED_USUAL: f64 = 9.0;

/// The same for revenue, whose amounts vary besides: measured on simulated days with usual amounts.
const REVENUE_CV_SQUARED_USUAL: f64 = 19.0;

/// The relative changes for which it is said how many calls they need.
const UPLIFTS: [f64; 3] = [0.1, 0.2, 0.3];

/// What a comparison comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The interval holds 0, or the sample is too small.
    NotProvenYet,
    /// The whole interval lies above 0.
    ProvenBetter,
    /// The whole interval lies below 0.
    ProvenWorse,
}

impl Verdict {
    /// In words.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotProvenYet => "not proven yet",
            Self::ProvenBetter => "proven better",
            Self::ProvenWorse => "proven worse",
        }
    }
}

/// A call that was offered to a policy: its first decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OfferedCall {
    /// When.
    pub at: Timestamp,
    /// The caller in E.164; none where withheld.
    pub caller: Option<String>,
    /// Its arm under the policy; none where nothing was tested.
    pub arm: Option<Arm>,
    /// Whether it went to the caller's own manager, so that no shares had a say.
    pub personal: bool,
}

impl OfferedCall {
    /// The call of a decision, if the policy had a say in it: somebody was named through one of its groups, or nobody could be rung
    /// and the route leads to one. A task to call back is no further call: its missed call was offered before.
    pub fn of(record: &DecisionRecord, workspace: &Workspace, policy: PolicyIx) -> Option<Self> {
        if record.asked.calls_back.is_some() {
            return None;
        }
        let id: &PolicyId = &workspace.policy(policy).id;
        let concerns = match record.decision.targets.first() {
            Some(first) => first.groups.iter().any(|group| has_policy(workspace, group, policy)),
            None => match &record.decision.outcome {
                Some(Outcome::Ring { group }) => has_policy(workspace, group, policy),
                // Nobody was to be rung: no policy had a say.
                Some(Outcome::Reject | Outcome::Branch { .. } | Outcome::Callback { .. }) => false,
                None => {
                    let route = workspace.routes.iter().find(|route| Some(&route.id) == record.decision.route.as_ref());
                    let group = route.and_then(|route| route.outcome.group());
                    group.is_some_and(|group| workspace.group(*group).policy == policy)
                }
            },
        };
        concerns.then(|| Self {
            at: record.decision.received_at,
            caller: record.asked.caller.clone(),
            arm: record.trial.arm_under(id),
            personal: record.decision.reason == Reason::PersonalManager,
        })
    }
}

fn has_policy(workspace: &Workspace, group: &crate::core::ids::GroupId, policy: PolicyIx) -> bool {
    workspace.find_group(group).is_some_and(|ix| workspace.group(ix).policy == policy)
}

/// One side of a comparison.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Side {
    /// Blocks or days with calls.
    pub clusters: usize,
    /// Calls that count.
    pub calls: u64,
    /// Contracts that came of them.
    pub contracts: u64,
    /// Those without an amount in the workspace's currency: contracts, but no revenue.
    pub contracts_without_amount: u64,
    /// Sum of amounts.
    pub revenue: Decimal,
}

/// How many calls a relative change needs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Needed {
    /// The relative change.
    pub uplift: f64,
    /// Calls on each side.
    pub calls_per_side: u64,
    /// How many the smaller side still lacks.
    pub still_needed: u64,
}

/// One figure compared.
#[derive(Debug, Clone, PartialEq)]
pub struct Measure {
    /// Per call of the first side (control, before).
    pub control: f64,
    /// Per call of the second side (treatment, after).
    pub treatment: f64,
    /// Second minus first.
    pub difference: Estimate,
    /// Second over first, minus 1; none while the first is 0.
    pub uplift: Option<Estimate>,
    /// What it comes to.
    pub verdict: Verdict,
    /// Variance of one call's outcome over its mean squared; none while nothing came of any call.
    pub cv_squared: Option<f64>,
    /// The smallest relative change that this sample would show.
    pub smallest_uplift: Option<f64>,
    /// What larger samples would show; reckoned with usual figures while nothing came of any call.
    pub needed: Vec<Needed>,
}

impl Measure {
    /// Whether the interval leaves 0 out, so that only the size of the sample stands against a verdict.
    pub fn looks_clear(&self) -> bool {
        self.difference.interval.is_some_and(|interval| interval.low > 0.0 || interval.high < 0.0)
    }
}

/// Calls that do not count, and why.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LeftOut {
    /// In the first minutes after a switch.
    pub after_switch: u64,
    /// So young that their contracts are still to come.
    pub immature: u64,
    /// Went to the caller's own manager.
    pub personal: u64,
    /// Answered while a lead's brake held.
    pub braked: u64,
    /// Answered otherwise than the schedule says: before the experiment was set up, or under other settings of it.
    pub off_schedule: u64,
}

/// Contracts that count for no side, and why: of those closed between the first call and the end of the last one's days.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct UnmatchedContracts {
    /// The CRM tells no phone of a contact: they can belong to no call.
    pub without_phone: u64,
    /// None of their phones called, within the days.
    pub without_call: u64,
    /// Their call does not count.
    pub of_calls_left_out: u64,
}

/// Two sides compared.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// The first side: control, before.
    pub control: Side,
    /// The second side: treatment, after.
    pub treatment: Side,
    /// Contracts per call.
    pub contracts: Measure,
    /// Revenue per call.
    pub revenue: Measure,
    /// Calls that do not count.
    pub left_out: LeftOut,
    /// Contracts that count for no side.
    pub unmatched: UnmatchedContracts,
    /// Calls younger than this many seconds are left out as immature; none where it is not known how long a contract takes.
    pub matures_after_seconds: Option<f64>,
    /// Contracts without a day, which belong to no call.
    pub undated_contracts: u64,
}

/// What an experiment has come to by `now`.
///
/// Calls younger than the usual time to close are left out: on both sides alike, since blocks alternate.
pub fn of_experiment(experiment: &Experiment, calls: &[OfferedCall], contracts: &Contracts, now: Timestamp) -> Comparison {
    let matures_after = contracts.usual_seconds_to_close;
    let mut left_out = LeftOut::default();
    let mut place = |call: &OfferedCall| {
        let block = experiment.block_at(call.at)?;
        let counter = if call.arm == Some(Arm::Brake) {
            &mut left_out.braked
        } else if call.arm != Some(block.arm) {
            &mut left_out.off_schedule
        } else if experiment.drops(&block, call.at) {
            &mut left_out.after_switch
        } else if call.personal {
            &mut left_out.personal
        } else if is_immature(call, matures_after, now) {
            &mut left_out.immature
        } else {
            return Some(Place { treated: block.arm == Arm::Policy, cluster: block.number.cast_signed() });
        };
        *counter += 1;
        None
    };
    let placed: Vec<Placed<'_>> = calls.iter().map(|call| (call, place(call))).collect();
    Sides::of(&placed, contracts, experiment.attribution_days).compare(left_out, matures_after, contracts.undated)
}

/// Two spans of days compared; `after` lies behind `before`.
///
/// The later span has had less time to close contracts, so on both sides only calls count whose `days` to do so are over.
pub fn of_spans(
    before: &[OfferedCall],
    after: &[OfferedCall],
    contracts: &Contracts,
    (days, now): (u16, Timestamp),
    time_zone: &TimeZone,
) -> Comparison {
    let matures_after = Some(f64::from(days) * 86_400.0);
    let mut left_out = LeftOut::default();
    let mut place = |call: &OfferedCall, treated: bool| {
        let counter = if call.personal {
            &mut left_out.personal
        } else if is_immature(call, matures_after, now) {
            &mut left_out.immature
        } else {
            let local_seconds = call.at.as_second() + i64::from(time_zone.to_offset(call.at).seconds());
            return Some(Place { treated, cluster: local_seconds.div_euclid(86_400) });
        };
        *counter += 1;
        None
    };
    let sides = before.iter().map(|call| (call, false)).chain(after.iter().map(|call| (call, true)));
    let placed: Vec<Placed<'_>> = sides.map(|(call, treated)| (call, place(call, treated))).collect();
    Sides::of(&placed, contracts, days).compare(left_out, matures_after, contracts.undated)
}

fn is_immature(call: &OfferedCall, matures_after: Option<f64>, now: Timestamp) -> bool {
    matures_after.is_some_and(|seconds| now.duration_since(call.at) < SignedDuration::from_secs_f64(seconds))
}

/// Where a call that counts belongs.
struct Place {
    treated: bool,
    /// The block or the day.
    cluster: i64,
}

/// A call offered, and where it belongs if it counts. Contracts are looked for among all of them: a contract of a call that does not
/// count must not fall to a later call of the same customer, which may be of the other side.
type Placed<'a> = (&'a OfferedCall, Option<Place>);

/// What came of the calls that belong together.
#[derive(Default)]
struct Sum {
    calls: u64,
    contracts: u64,
    without_amount: u64,
    revenue: Decimal,
}

/// Sums of the figures of single calls, over both sides: how much calls differ.
#[derive(Default)]
struct Moments {
    calls: f64,
    contracts: [f64; 2],
    revenue: [f64; 2],
}

impl Moments {
    fn add(&mut self, contracts: u64, revenue: f64) {
        self.calls += 1.0;
        let contracts = contracts as f64;
        for ([sum, squares], value) in [(&mut self.contracts, contracts), (&mut self.revenue, revenue)] {
            *sum += value;
            *squares += value * value;
        }
    }

    fn cv_squared(&self, [sum, squares]: [f64; 2]) -> Option<f64> {
        let mean = sum / self.calls;
        (mean > 0.0).then(|| (squares / self.calls - mean * mean) / (mean * mean))
    }
}

struct Sides {
    control: BTreeMap<i64, Sum>,
    treatment: BTreeMap<i64, Sum>,
    moments: Moments,
    unmatched: UnmatchedContracts,
}

impl Sides {
    fn of(placed: &[Placed<'_>], contracts: &Contracts, days: u16) -> Self {
        let mut sides = Self {
            control: BTreeMap::new(),
            treatment: BTreeMap::new(),
            moments: Moments::default(),
            unmatched: UnmatchedContracts::default(),
        };
        let mut closed = sides.match_contracts(placed, contracts, days);
        for (position, (_, place)) in placed.iter().enumerate() {
            let Some(place) = place else { continue };
            let came = closed.remove(&position).unwrap_or_default();
            sides.moments.add(came.contracts, number(came.revenue));
            let side = if place.treated { &mut sides.treatment } else { &mut sides.control };
            let sum = side.entry(place.cluster).or_default();
            sum.calls += 1;
            sum.contracts += came.contracts;
            sum.without_amount += came.without_amount;
            sum.revenue = sum.revenue.saturating_add(came.revenue);
        }
        sides
    }

    /// What came of each call that counts, by position; the other contracts are told.
    fn match_contracts(&mut self, placed: &[Placed<'_>], contracts: &Contracts, days: u16) -> BTreeMap<usize, Sum> {
        let leads: Vec<Lead<'_>> = placed.iter().map(|(call, _)| Lead { at: call.at, caller: call.caller.as_deref() }).collect();
        let mut closed: BTreeMap<usize, Sum> = BTreeMap::new();
        let reach = reach_of(placed, days);
        for (contract, call) in contracts.items.iter().zip(attribute(&leads, &contracts.items, days)) {
            let counts = call.filter(|call| placed.get(*call).is_some_and(|(_, place)| place.is_some()));
            let Some(position) = counts else {
                let in_reach = reach.as_ref().is_some_and(|reach| reach.contains(&contract.closed_at));
                self.unmatched.of_calls_left_out += u64::from(call.is_some());
                self.unmatched.without_phone += u64::from(in_reach && contract.phones.is_empty());
                self.unmatched.without_call += u64::from(in_reach && call.is_none() && !contract.phones.is_empty());
                continue;
            };
            let sum = closed.entry(position).or_default();
            sum.contracts += 1;
            sum.without_amount += u64::from(contract.amount.is_none());
            sum.revenue = sum.revenue.saturating_add(contract.amount.unwrap_or_default());
        }
        closed
    }

    fn compare(self, left_out: LeftOut, matures_after_seconds: Option<f64>, undated_contracts: u64) -> Comparison {
        let (control, treatment) = (side(&self.control), side(&self.treatment));
        let measure = |figure: fn(&Sum) -> f64, proofs: u64, (moments, usual): ([f64; 2], f64)| {
            let mean = |of: &BTreeMap<i64, Sum>| {
                let clusters: Vec<Cluster> =
                    of.values().map(|sum| Cluster { calls: sum.calls as f64, total: figure(sum) }).collect();
                Mean::of(&clusters)
            };
            let smaller = control.calls.min(treatment.calls);
            let sample = Sample { cv_squared: self.moments.cv_squared(moments), usual, calls: smaller };
            measure(&mean(&self.control), &mean(&self.treatment), proofs, &sample)
        };
        let contracts = control.contracts + treatment.contracts;
        let with_amount = contracts - control.contracts_without_amount - treatment.contracts_without_amount;
        Comparison {
            contracts: measure(|sum| sum.contracts as f64, contracts, (self.moments.contracts, CONTRACTS_CV_SQUARED_USUAL)),
            revenue: measure(|sum| number(sum.revenue), with_amount, (self.moments.revenue, REVENUE_CV_SQUARED_USUAL)),
            control,
            treatment,
            left_out,
            unmatched: self.unmatched,
            matures_after_seconds,
            undated_contracts,
        }
    }
}

fn side(clusters: &BTreeMap<i64, Sum>) -> Side {
    let mut side = Side { clusters: clusters.len(), ..Side::default() };
    for sum in clusters.values() {
        side.calls += sum.calls;
        side.contracts += sum.contracts;
        side.contracts_without_amount += sum.without_amount;
        side.revenue = side.revenue.saturating_add(sum.revenue);
    }
    side
}

/// When contracts of these calls may have been closed; none without calls.
fn reach_of(placed: &[Placed<'_>], days: u16) -> Option<std::ops::RangeInclusive<Timestamp>> {
    let at = || placed.iter().map(|(call, _)| call.at);
    let days = SignedDuration::from_hours(24 * i64::from(days));
    Some(at().min()?..=at().max()?.checked_add(days).unwrap_or(Timestamp::MAX))
}

/// How large a sample is, and how large it must be.
struct Sample {
    /// How much calls differ; none while nothing came of any.
    cv_squared: Option<f64>,
    /// How much they usually do.
    usual: f64,
    /// How many the smaller side has.
    calls: u64,
}

/// `proofs` is how many contracts the figure rests on.
fn measure(control: &Mean, treatment: &Mean, proofs: u64, sample: &Sample) -> Measure {
    let difference = statistics::difference(control, treatment);
    let is_small = control.clusters.min(treatment.clusters) < CLUSTERS_MIN || proofs < CONTRACTS_MIN;
    let verdict = match difference.interval.filter(|_| !is_small) {
        Some(interval) if interval.low > 0.0 => Verdict::ProvenBetter,
        Some(interval) if interval.high < 0.0 => Verdict::ProvenWorse,
        Some(_) | None => Verdict::NotProvenYet,
    };
    let Sample { cv_squared, usual, calls } = *sample;
    let needed = UPLIFTS.map(|uplift| {
        let calls_per_side = statistics::calls_needed(cv_squared.unwrap_or(usual), uplift);
        Needed { uplift, calls_per_side, still_needed: calls_per_side.saturating_sub(calls) }
    });
    Measure {
        control: control.value,
        treatment: treatment.value,
        difference,
        uplift: statistics::relative_uplift(control, treatment),
        verdict,
        cv_squared,
        smallest_uplift: cv_squared.and_then(|cv_squared| statistics::smallest_uplift(cv_squared, calls as f64)),
        needed: needed.into(),
    }
}

fn number(amount: Decimal) -> f64 {
    amount.to_f64().unwrap_or(0.0)
}
