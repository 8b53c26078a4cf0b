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
use super::decision::Reason;
use super::experiment::Experiment;
use super::ids::PolicyId;
use super::record::DecisionRecord;
use super::rollout::Arm;
use super::route::Outcome;
use super::statistics::{self, Cluster, Estimate, Mean};
use super::workspace::{PolicyIx, Workspace};

/// A contract counts for a call so many days back where no experiment says otherwise.
pub const ATTRIBUTION_DAYS: u16 = 30;

/// Fewer blocks or days with calls on a side are too few for a verdict.
pub const CLUSTERS_MIN: usize = 10;

/// Fewer contracts on both sides together are too few for a verdict.
const CONTRACTS_MIN: u64 = 10;

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

fn has_policy(workspace: &Workspace, group: &super::ids::GroupId, policy: PolicyIx) -> bool {
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
    /// What larger samples would show.
    pub needed: Vec<Needed>,
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
    /// Calls younger than this many seconds are left out as immature; none where it is not known how long a contract takes.
    pub matures_after_seconds: Option<f64>,
    /// Contracts without a day, which belong to no call.
    pub undated_contracts: u64,
}

/// What an experiment has come to by `now`.
///
/// Calls younger than the usual time to close are left out: on both sides alike, since blocks alternate.
pub fn of_experiment(
    experiment: &Experiment,
    calls: &[OfferedCall],
    contracts: &Contracts,
    time_zone: &TimeZone,
    now: Timestamp,
) -> Comparison {
    let matures_after = contracts.usual_seconds_to_close;
    let mut left_out = LeftOut::default();
    let mut counted = Vec::new();
    for call in calls {
        let Some(block) = experiment.block_at(call.at) else { continue };
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
            counted.push(Counted { call, treated: block.arm == Arm::Policy, cluster: block.number.cast_signed() });
            continue;
        };
        *counter += 1;
    }
    let sides = Sides::of(&counted, contracts, experiment.attribution_days, time_zone);
    sides.compare(left_out, matures_after, contracts.undated)
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
    let mut counted = Vec::new();
    let sides = before.iter().map(|call| (call, false)).chain(after.iter().map(|call| (call, true)));
    for (call, treated) in sides {
        if call.personal {
            left_out.personal += 1;
        } else if is_immature(call, matures_after, now) {
            left_out.immature += 1;
        } else {
            let local_seconds = call.at.as_second() + i64::from(time_zone.to_offset(call.at).seconds());
            let cluster = local_seconds.div_euclid(86_400);
            counted.push(Counted { call, treated, cluster });
        }
    }
    Sides::of(&counted, contracts, days, time_zone).compare(left_out, matures_after, contracts.undated)
}

fn is_immature(call: &OfferedCall, matures_after: Option<f64>, now: Timestamp) -> bool {
    matures_after.is_some_and(|seconds| now.duration_since(call.at) < SignedDuration::from_secs_f64(seconds))
}

/// A call that counts.
struct Counted<'a> {
    call: &'a OfferedCall,
    treated: bool,
    /// The block or the day.
    cluster: i64,
}

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
}

impl Sides {
    fn of(counted: &[Counted<'_>], contracts: &Contracts, days: u16, time_zone: &TimeZone) -> Self {
        let leads: Vec<Lead<'_>> =
            counted.iter().map(|one| Lead { at: one.call.at, caller: one.call.caller.as_deref() }).collect();
        let mut closed: BTreeMap<usize, Sum> = BTreeMap::new();
        for (contract, call) in contracts.items.iter().zip(attribute(&leads, &contracts.items, days, time_zone)) {
            let Some(sum) = call.map(|call| closed.entry(call).or_default()) else { continue };
            sum.contracts += 1;
            sum.without_amount += u64::from(contract.amount.is_none());
            sum.revenue = sum.revenue.saturating_add(contract.amount.unwrap_or_default());
        }
        let mut sides = Self { control: BTreeMap::new(), treatment: BTreeMap::new(), moments: Moments::default() };
        for (position, one) in counted.iter().enumerate() {
            let came = closed.remove(&position).unwrap_or_default();
            sides.moments.add(came.contracts, number(came.revenue));
            let side = if one.treated { &mut sides.treatment } else { &mut sides.control };
            let sum = side.entry(one.cluster).or_default();
            sum.calls += 1;
            sum.contracts += came.contracts;
            sum.without_amount += came.without_amount;
            sum.revenue = sum.revenue.saturating_add(came.revenue);
        }
        sides
    }

    fn compare(self, left_out: LeftOut, matures_after_seconds: Option<f64>, undated_contracts: u64) -> Comparison {
        let (control, treatment) = (side(&self.control), side(&self.treatment));
        let measure = |figure: fn(&Sum) -> f64, proofs: u64, moments: [f64; 2]| {
            let mean = |of: &BTreeMap<i64, Sum>| {
                let clusters: Vec<Cluster> =
                    of.values().map(|sum| Cluster { calls: sum.calls as f64, total: figure(sum) }).collect();
                Mean::of(&clusters)
            };
            let smaller = control.calls.min(treatment.calls);
            measure(&mean(&self.control), &mean(&self.treatment), proofs, (self.moments.cv_squared(moments), smaller))
        };
        let contracts = control.contracts + treatment.contracts;
        let with_amount = contracts - control.contracts_without_amount - treatment.contracts_without_amount;
        Comparison {
            contracts: measure(|sum| sum.contracts as f64, contracts, self.moments.contracts),
            revenue: measure(|sum| number(sum.revenue), with_amount, self.moments.revenue),
            control,
            treatment,
            left_out,
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

/// `proofs` is how many contracts the figure rests on; `sample` how much calls differ, and how many the smaller side has.
fn measure(control: &Mean, treatment: &Mean, proofs: u64, sample: (Option<f64>, u64)) -> Measure {
    let difference = statistics::difference(control, treatment);
    let is_small = control.clusters.min(treatment.clusters) < CLUSTERS_MIN || proofs < CONTRACTS_MIN;
    let verdict = match difference.interval.filter(|_| !is_small) {
        Some(interval) if interval.low > 0.0 => Verdict::ProvenBetter,
        Some(interval) if interval.high < 0.0 => Verdict::ProvenWorse,
        Some(_) | None => Verdict::NotProvenYet,
    };
    let (cv_squared, calls) = sample;
    let needed = |cv_squared: f64| {
        UPLIFTS.map(|uplift| {
            let calls_per_side = statistics::calls_needed(cv_squared, uplift);
            Needed { uplift, calls_per_side, still_needed: calls_per_side.saturating_sub(calls) }
        })
    };
    Measure {
        control: control.value,
        treatment: treatment.value,
        difference,
        uplift: statistics::relative_uplift(control, treatment),
        verdict,
        cv_squared,
        smallest_uplift: cv_squared.and_then(|cv_squared| statistics::smallest_uplift(cv_squared, calls as f64)),
        needed: cv_squared.map(needed).into_iter().flatten().collect(),
    }
}

fn number(amount: Decimal) -> f64 {
    amount.to_f64().unwrap_or(0.0)
}
