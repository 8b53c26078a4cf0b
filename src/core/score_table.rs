//! The score table: what deals say about the agents of one policy at one moment, why, and whether a new one may replace
//! the old one.
//!
//! Immutable once computed (`score::compute`). It is stored as JSON: fields are only ever added, each with a default, and
//! unknown ones are ignored, so that an older program reads a newer table and the other way round. It computes no shares.

use std::collections::HashMap;

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::ids::{AgentId, ConnectionId, CrmUserId, PolicyId};

/// All scores of one policy at one moment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ScoreTable {
    /// Whose pool it is.
    pub policy: PolicyId,
    /// When the deals it was computed from were known to be current.
    pub as_of: Timestamp,
    /// The pool in the order of the workspace document.
    pub agents: Vec<AgentScore>,
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
    /// Calls handled; 0 where conversion is counted from opportunities.
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
    /// Contracts an average agent would have closed with that exposure: `E` of the conversion index.
    #[serde(default)]
    pub expected_contracts: f64,
    /// Faded contracts that have an amount: `k` of the check index.
    #[serde(default)]
    pub faded_priced_contracts: f64,
    /// Their capped amounts in units of the pool's mean: how many average contracts they are worth.
    #[serde(default)]
    pub faded_worth: f64,
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
    /// Exponent of the conversion index.
    pub contracts_closed_weight: f64,
    /// Exponent of the check index.
    pub average_check_weight: f64,
    /// How many average contracts everybody starts with.
    pub caution: f64,
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

/// What was left out, guessed, or counted otherwise than the CRM states it. All figures count deals (but one).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct DealNotes {
    /// Contracts in another currency than the workspace's: counted, their amounts left out.
    pub foreign_currency_deals: u64,
    /// Contracts without an amount: counted, but not in the check index.
    pub contracts_without_amount: u64,
    /// Won deals that were returned in full: counted as handled, not as contracts.
    pub returned_contracts: u64,
    /// Closed deals without a close date: dated by their opening, else by today.
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

    /// Why an agent has that value.
    pub fn explain(&self, agent: &AgentId) -> Option<Explanation> {
        let score = self.score_of(agent)?;
        let terms = &self.terms;
        let conversion = MetricExplanation {
            metric: Metric::ContractsClosed,
            raw: ratio(score.faded_contracts, score.expected_contracts),
            sample: score.faded_exposure,
            index: score.conversion_index,
            weight: terms.contracts_closed_weight,
            contribution: contribution(score.conversion_index, terms.contracts_closed_weight),
        };
        let check = MetricExplanation {
            metric: Metric::AverageCheck,
            raw: ratio(score.faded_worth, score.faded_priced_contracts),
            sample: score.faded_priced_contracts,
            index: score.check_index,
            weight: terms.average_check_weight,
            contribution: contribution(score.check_index, terms.average_check_weight),
        };
        Some(Explanation { agent: score.agent.clone(), metrics: [conversion, check], caution: terms.caution, value: score.value })
    }
}

/// A figure an index is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Metric {
    /// How often a contract follows.
    ContractsClosed,
    /// How large contracts are.
    AverageCheck,
}

impl Metric {
    /// The metric as a workspace file writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ContractsClosed => "contracts_closed",
            Self::AverageCheck => "average_check",
        }
    }
}

/// One metric's part in a value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MetricExplanation {
    /// Which.
    pub metric: Metric,
    /// The result as a multiple of the pool's average before caution; none without results.
    pub raw: Option<f64>,
    /// How much the result rests on: faded opportunities (or calls), faded contracts with an amount.
    pub sample: f64,
    /// `raw` pulled towards 1 by caution, the more the smaller the sample.
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
    /// Each metric's part.
    pub metrics: [MetricExplanation; 2],
    /// How many average contracts everybody starts with.
    pub caution: f64,
    /// The product of the contributions.
    pub value: f64,
}

fn ratio(part: f64, whole: f64) -> Option<f64> {
    (whole > 0.0).then(|| part / whole)
}

/// `index^weight`: 1 for weight 0, which leaves the metric out.
pub(super) fn contribution(index: f64, weight: f64) -> f64 {
    index.powf(weight)
}

/// Why a table is computed anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Occasion {
    /// Deals were pulled or pushed, or time went by; nothing else changed.
    Refresh,
    /// The policy, the mapping of users, the pool or the connections changed: other results are expected.
    Reconfigured,
}

/// Whether a new table replaces the one in use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It does.
    Accept,
    /// The one in use stays.
    Refuse(RefuseReason),
}

/// Why a new table is not believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RefuseReason {
    /// Nobody has a contract any more.
    #[error(
        "the CRM shows no contracts at all, {before} agents had some before; the last scores stay in use: check what the \
         connection may read, or save the policy again to accept"
    )]
    Empty {
        /// Agents with contracts in the table in use.
        before: usize,
    },
    /// Too many agents lost all their contracts at once.
    #[error(
        "{gone} of {before} agents with contracts have none any more; the last scores stay in use: check what the connection \
         may read, or save the policy again to accept"
    )]
    MostVanished {
        /// Agents who lost all contracts.
        gone: usize,
        /// Agents with contracts in the table in use.
        before: usize,
    },
}

/// Judges a new table against the one in use: a CRM that suddenly shows nothing (a lost permission, a filter, an emptied
/// file) must not level everybody's scores.
///
/// Contracts of any age are compared, so that results which merely leave the horizon raise no alarm, and only agents who
/// are in both pools, so that somebody who left does not count as vanished.
pub fn judge(previous: Option<&ScoreTable>, next: &ScoreTable, occasion: Occasion) -> Verdict {
    let Some(previous) = previous else { return Verdict::Accept };
    match occasion {
        Occasion::Reconfigured => return Verdict::Accept,
        Occasion::Refresh => {}
    }
    let known_now: HashMap<&AgentId, u64> = next.agents.iter().map(|score| (&score.agent, score.contracts_known)).collect();
    let still_there: Vec<u64> = previous
        .agents
        .iter()
        .filter(|before| before.contracts_known > 0)
        .filter_map(|before| known_now.get(&before.agent).copied())
        .collect();
    let before = still_there.len();
    let gone = still_there.iter().filter(|contracts| **contracts == 0).count();
    if before > 0 && next.agents.iter().all(|agent| agent.contracts_known == 0) {
        Verdict::Refuse(RefuseReason::Empty { before })
    } else if gone * 2 > before {
        Verdict::Refuse(RefuseReason::MostVanished { gone, before })
    } else {
        Verdict::Accept
    }
}
