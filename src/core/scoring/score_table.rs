//! The score table: what deals say about the agents of one policy at one moment, and why.
//!
//! Immutable once computed (`score::compute`). It is stored as JSON: fields are only ever added, each with a default, and
//! unknown ones are ignored, so that an older program reads a newer table and the other way round. It computes no shares.

use jiff::Timestamp;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde::{Deserialize, Serialize};

use super::exclusions::AppliedExclusion;
use crate::core::ids::{AgentId, ConnectionId, CrmUserId, GroupId, PolicyId};
use crate::core::metric::{Direction, Metric, MetricSetting};
use crate::core::policy::metric_setting;

/// All scores of one policy at one moment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ScoreTable {
    /// Whose pool it is.
    pub policy: PolicyId,
    /// When the deals it was computed from were known to be current.
    pub as_of: Timestamp,
    /// The pool in the order of the workspace document.
    pub agents: Vec<AgentScore>,
    /// Groups that are members of a group with the policy, each measured as a whole.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<GroupScore>,
    /// What everybody is compared with.
    #[serde(default)]
    pub pool: PoolFigures,
    /// With which settings the indices were computed and joined.
    #[serde(default)]
    pub terms: ScoreTerms,
    /// Owners of deals that are no agent of the workspace, most deals first; a bounded list.
    #[serde(default)]
    pub unmapped_users: Vec<UnmappedUser>,
    /// What was left out, guessed or counted otherwise than the CRM states it.
    #[serde(default)]
    pub notes: DealNotes,
    /// What exclusions took out, by agent.
    #[serde(default)]
    pub exclusions: Vec<AppliedExclusion>,
}

/// One agent's results. Counts and money are raw (not faded) figures inside the horizon; the `faded_*` ones are real
/// numbers in which a result counts the less the older it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AgentScore {
    /// Who.
    pub agent: AgentId,
    /// Contracts closed inside the horizon.
    pub contracts_closed: u64,
    /// Deals handled inside the horizon: won, lost, and open ones that are overdue.
    pub opportunities: u64,
    /// Sum of the contracts' amounts after returns, in the workspace's currency.
    pub revenue: Decimal,
    /// Mean amount; none without a contract that has one.
    #[serde(default)]
    pub average_check: Option<Decimal>,
    /// Mean of the amounts after the cap; none without a contract that has one.
    #[serde(default)]
    pub capped_check: Option<Decimal>,
    /// How often a contract follows, compared with the pool: 1 is average or unknown.
    pub conversion_index: f64,
    /// How large the contracts are, compared with the pool: 1 is average or unknown.
    pub check_index: f64,
    /// The indices joined: 1 is average or unknown.
    pub value: f64,
    /// First contacts handled that count; 0 where conversion is counted from opportunities.
    #[serde(default)]
    pub calls_handled: u64,
    /// Contracts of any age, horizon or not: falls only when the source loses data (or returns them).
    #[serde(default)]
    pub contracts_known: u64,
    /// Faded contracts: `k` of the conversion index.
    #[serde(default)]
    pub faded_contracts: f64,
    /// Faded opportunities (or calls): `n` of the conversion index.
    #[serde(default)]
    pub faded_exposure: f64,
    /// Open deals in it that are not overdue: as many, faded, as others would have decided by their age beyond what the agent has.
    #[serde(default)]
    pub faded_undecided: f64,
    /// Contracts an average agent would have closed with that exposure: `E` of the conversion index.
    #[serde(default)]
    pub expected_contracts: f64,
    /// Faded contracts that have an amount: `k` of the check index.
    #[serde(default)]
    pub faded_priced_contracts: f64,
    /// Their capped amounts in units of the pool's mean: how many average contracts they are worth.
    #[serde(default)]
    pub faded_worth: f64,
    /// What an average agent's contracts of the same time are worth, in the same units; as many as there are, where the
    /// agent was there throughout.
    #[serde(default)]
    pub expected_worth: f64,
    /// Metrics beside conversion and check, in the order of the policy.
    #[serde(default)]
    pub further: Vec<FurtherMetric>,
}

/// A group's results: those of its people added up, and measured by the same formulas as a person's. Somebody who is in two groups
/// counts with everything in each.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GroupScore {
    /// Which group.
    pub group: GroupId,
    /// Whose results it is made of, in the order of the workspace document.
    pub people: Vec<AgentId>,
    /// The sums and what follows from them, under the group's id.
    pub pooled: AgentScore,
}

/// An agent's figures of a metric beside conversion and check.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FurtherMetric {
    /// Which.
    pub metric: Metric,
    /// The agent's own figure: mean per contract, or money per opportunity (or call); none without a sample.
    #[serde(default)]
    pub figure: Option<f64>,
    /// On how much it rests, faded: contracts that have the figure, or opportunities (or calls).
    pub sample: f64,
    /// The figure as a multiple of an average agent's; none where there is nothing to compare.
    #[serde(default)]
    pub raw: Option<f64>,
    /// `raw` pulled towards 1 by caution, before it is turned over where less is better.
    pub index: f64,
}

/// What everybody of a pool is compared with.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct PoolFigures {
    /// Contracts of all agents inside the horizon.
    pub contracts_closed: u64,
    /// Deals handled by all agents inside the horizon.
    pub opportunities: u64,
    /// Amounts of all contracts.
    pub revenue: Decimal,
    /// Faded contracts over faded exposure; none without exposure.
    pub base_rate: Option<f64>,
    /// Median amount of the pool's contracts; none without amounts.
    pub median_amount: Option<Decimal>,
    /// One contract counts at most this much; none without a cap.
    pub cap: Option<Decimal>,
    /// Faded mean of the capped amounts, to 12 digits after the point; none without amounts.
    pub mean_capped_amount: Option<Decimal>,
    /// Median time from opening to closing, in seconds; none when no closed deal has both dates.
    pub median_seconds_to_close: Option<f64>,
}

/// The settings a table was computed with, as far as its explanation needs them.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ScoreTerms {
    /// Exponent of the conversion index; for programs that know no `metrics`.
    pub contracts_closed_weight: f64,
    /// Exponent of the check index; likewise.
    pub average_check_weight: f64,
    /// How many average contracts everybody starts with.
    pub caution: f64,
    /// What counts, and how much; empty in tables of programs that knew only the two weights above.
    pub metrics: Vec<MetricSetting>,
}

impl ScoreTerms {
    /// How much a metric counts.
    pub fn metric(&self, metric: &Metric) -> MetricSetting {
        let old = |weight| MetricSetting::more(metric.clone(), weight);
        match metric {
            Metric::ContractsClosed if self.metrics.is_empty() => old(self.contracts_closed_weight),
            Metric::AverageCheck if self.metrics.is_empty() => old(self.average_check_weight),
            Metric::ContractsClosed | Metric::AverageCheck | Metric::Revenue | Metric::Supplied(_) => {
                metric_setting(&self.metrics, metric)
            }
        }
    }
}

/// A CRM user who owns deals and is mapped to nobody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnmappedUser {
    /// In which CRM.
    pub connection: ConnectionId,
    /// The user's id there.
    pub user: CrmUserId,
    /// How many deals that would otherwise be looked at.
    pub deals: u64,
}

/// What was left out, guessed, or counted otherwise than the CRM states it. All figures count deals unless they say otherwise.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct DealNotes {
    /// Contracts in another currency than the workspace's: counted, their amounts left out.
    pub foreign_currency_deals: u64,
    /// Contracts without an amount: counted, but not in the check index.
    pub contracts_without_amount: u64,
    /// Won deals that were returned in full: counted as handled, not as contracts.
    pub returned_contracts: u64,
    /// Closed deals without a close date, and losses that lie before their opening: dated by opening and usual time, else by today.
    pub undated_deals: u64,
    /// Open deals counted as lost because they are overdue.
    pub overdue_open_deals: u64,
    /// Open deals that cannot become overdue because nothing says when they were opened.
    pub open_deals_without_start: u64,
    /// Deals nobody owns.
    pub ownerless_deals: u64,
    /// Deals of agents who are not in this pool.
    pub other_agents_deals: u64,
    /// Records left out because another CRM has the same contract.
    pub linked_duplicates: u64,
    /// How many users are unmapped, listed or not.
    pub unmapped_users_total: u64,
    /// Contracts from no first contact that counts: in the check, but not in the conversion; only where it is counted from calls.
    pub contracts_without_call: u64,
    /// First contacts that are too young for a contract to have followed.
    pub calls_too_young: u64,
    /// Calls left out because an agent tagged them.
    pub tagged_calls: u64,
    /// Values of supplied metrics left out: no number, or beyond all reason.
    pub metric_values_left_out: u64,
    /// Values of supplied metrics below 0: counted as 0.
    pub metric_values_below_zero: u64,
}

impl ScoreTable {
    /// An agent's scores.
    pub fn score_of(&self, agent: &AgentId) -> Option<&AgentScore> {
        self.agents.iter().find(|score| score.agent == *agent)
    }

    /// An agent's value; 1 for somebody the table does not know, like for everybody without results.
    pub fn value_of(&self, agent: &AgentId) -> f64 {
        self.score_of(agent).map_or(1.0, |score| score.value)
    }

    /// A group's results as a whole.
    pub fn score_of_group(&self, group: &GroupId) -> Option<&GroupScore> {
        self.groups.iter().find(|score| score.group == *group)
    }

    /// A group's value; 1 for one that the table does not know.
    pub fn value_of_group(&self, group: &GroupId) -> f64 {
        self.score_of_group(group).map_or(1.0, |score| score.pooled.value)
    }

    /// Why an agent has that value.
    pub fn explain(&self, agent: &AgentId) -> Option<Explanation> {
        Some(self.explain_score(self.score_of(agent)?))
    }

    /// Why a group has that value.
    pub fn explain_group(&self, group: &GroupId) -> Option<Explanation> {
        Some(self.explain_score(&self.score_of_group(group)?.pooled))
    }

    fn explain_score(&self, score: &AgentScore) -> Explanation {
        let conversion = self.explain_metric(FurtherMetric {
            metric: Metric::ContractsClosed,
            figure: ratio(score.faded_contracts, score.faded_exposure),
            sample: score.faded_exposure,
            raw: ratio(score.faded_contracts, score.expected_contracts),
            index: score.conversion_index,
        });
        // Tables of older programs knew no expected worth: everybody was measured by the same mean.
        let expected_worth = if score.expected_worth > 0.0 { score.expected_worth } else { score.faded_priced_contracts };
        let check = self.explain_metric(FurtherMetric {
            metric: Metric::AverageCheck,
            figure: score.capped_check.and_then(|check| check.to_f64()),
            sample: score.faded_priced_contracts,
            raw: ratio(score.faded_worth, expected_worth),
            index: score.check_index,
        });
        let further = score.further.iter().map(|metric| self.explain_metric(metric.clone()));
        let metrics = [conversion, check].into_iter().chain(further).collect();
        Explanation { agent: score.agent.clone(), metrics, caution: self.terms.caution, value: score.value }
    }

    fn explain_metric(&self, known: FurtherMetric) -> MetricExplanation {
        let setting = self.terms.metric(&known.metric);
        let index = setting.direction.turn(known.index);
        MetricExplanation {
            metric: known.metric,
            direction: setting.direction,
            figure: known.figure,
            raw: known.raw,
            sample: known.sample,
            index,
            weight: setting.weight,
            contribution: contribution(index, setting.weight),
        }
    }

    /// Whether another table says something else of anybody: other counts, or a value that differs by more than a thousandth.
    /// Values fade from minute to minute; that alone is no news.
    pub fn differs_from(&self, other: &ScoreTable) -> bool {
        let counts =
            |score: &AgentScore| (score.contracts_known, score.contracts_closed, score.opportunities, score.calls_handled);
        let same = |(a, b): (&AgentScore, &AgentScore)| {
            a.agent == b.agent && counts(a) == counts(b) && (a.value - b.value).abs() <= 1e-3 * b.value.abs()
        };
        let groups = |table: &Self| table.groups.iter().map(|score| score.pooled.clone()).collect::<Vec<_>>();
        let (groups, others) = (groups(self), groups(other));
        self.terms != other.terms
            || (self.agents.len(), groups.len()) != (other.agents.len(), others.len())
            || !self.agents.iter().zip(&other.agents).chain(groups.iter().zip(&others)).all(same)
    }
}

/// One metric's part in a value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MetricExplanation {
    /// Which.
    pub metric: Metric,
    /// Whether more or less is better.
    pub direction: Direction,
    /// The agent's own figure, faded: contracts per opportunity (or call), mean amount after the cap, ...; none without a sample.
    pub figure: Option<f64>,
    /// The figure as a multiple of an average agent's before caution; none without results.
    pub raw: Option<f64>,
    /// How much the figure rests on: faded opportunities (or calls), faded contracts that have it.
    pub sample: f64,
    /// `raw` pulled towards 1 by caution, the more the smaller the sample; turned over where less is better.
    pub index: f64,
    /// The exponent.
    pub weight: f64,
    /// `index^weight`.
    pub contribution: f64,
}

/// Why an agent has its value: the contributions multiply out to it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Explanation {
    /// Who.
    pub agent: AgentId,
    /// Each metric's part: conversion, check, then the others in the order of the policy.
    pub metrics: Vec<MetricExplanation>,
    /// How many average contracts everybody starts with.
    pub caution: f64,
    /// The product of the contributions.
    pub value: f64,
}

fn ratio(part: f64, whole: f64) -> Option<f64> {
    (whole > 0.0).then(|| part / whole)
}

/// No contribution is larger: it would change no share, and many of them would overflow.
const CONTRIBUTION_MAX: f64 = 1e12;

/// `index^weight`: 1 for weight 0, which leaves the metric out.
pub(in crate::core) fn contribution(index: f64, weight: f64) -> f64 {
    index.powf(weight).min(CONTRIBUTION_MAX)
}
