//! From deals to scores: how much better or worse than the pool's average somebody closes, believed with caution.
//!
//! For the agents of one policy, with every result counting `w = 2^(-age / half_life)`:
//!
//! ```text
//! n_i = sum of w over deals handled (or calls)      k_i = sum of w over contracts
//! R0  = sum k / sum n                                E_i = n_i * R0
//! conversion_i = (k_i + caution) / (E_i + caution)
//!
//! cap = deal_cap * median(amount)     amount' = min(amount, cap)     A0 = weighted mean of amount'
//! check_i = (sum of w * amount'/A0 + caution) / (contracts with an amount, weighted + caution)
//!
//! value_i = conversion_i^weight * check_i^weight
//! ```
//!
//! The conversion index is Gamma-Poisson shrinkage (empirical Bayes for rates): contracts are Poisson with mean `E_i`
//! times a personal factor, whose prior is Gamma with mean 1 and shape `caution`. The check index is a shrunken mean of
//! amounts cut off at the cap (winsorised), with the same prior weight. Both are 1 for an average and for an unknown person.
//! Raw totals are never used: who gets more calls closes more, and would get more calls still.
//!
//! It must not read a clock, fetch deals or compute shares. Which deals count is decided in `deal_history`.

use jiff::Timestamp;
use rust_decimal::Decimal;
use rust_decimal::prelude::{FromPrimitive, ToPrimitive};

use super::deal::Deal;
use super::deal_history::{self, CountedDeal, History, Outcome};
use super::ids::ConnectionId;
use super::policy::{Exposure, ScoreSettings};
use super::score_table::{AgentScore, PoolFigures, ScoreTable, ScoreTerms, contribution};
use super::workspace::{AgentIx, PolicyIx, Workspace};

/// A conversation that may lead to a contract; long enough, with a new contact: the caller decides which ones are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HandledCall {
    /// Who talked.
    pub agent: AgentIx,
    /// When.
    pub at: Timestamp,
}

/// What scores are computed from, besides the deals.
#[derive(Debug, Clone, Copy)]
pub struct ScoreInput<'a> {
    /// Agents, their CRM users and the currency.
    pub workspace: &'a Workspace,
    /// Whose pool is compared.
    pub policy: PolicyIx,
    /// The policy's score settings.
    pub settings: &'a ScoreSettings,
    /// Calls handled, in any order; read only with [`Exposure::Calls`].
    pub handled_calls: &'a [HandledCall],
    /// When the deals were last known to be current: the oldest of the connections' last good pulls.
    pub as_of: Timestamp,
    /// The moment from which ages are counted.
    pub now: Timestamp,
}

impl<'a> ScoreInput<'a> {
    /// The input for a policy whose deals are current now, without calls; none when the policy keeps no scores.
    pub fn of(workspace: &'a Workspace, policy: PolicyIx, now: Timestamp) -> Option<Self> {
        let settings = workspace.policy(policy).score.as_ref()?;
        Some(Self { workspace, policy, settings, handled_calls: &[], as_of: now, now })
    }
}

/// Computes the scores of one policy's pool.
///
/// `deals` are the records of the CRM connections, in any order; connections that the policy does not name are passed over.
/// Equal input gives bit-equal output: sums run over deals by (connection, deal id), then over agents in the order of
/// the document.
pub fn compute<'d>(input: &ScoreInput<'_>, deals: impl IntoIterator<Item = (&'d ConnectionId, &'d Deal)>) -> ScoreTable {
    let pool = input.workspace.pool(input.policy);
    let history = deal_history::read(input, &pool, deals);
    let median_amount = median_amount(&history.counted);
    let cap = median_amount.and_then(|median| cap(input.settings.deal_cap, median));

    let mut ledgers = vec![Ledger::default(); pool.len()];
    for deal in &history.counted {
        if let Some(ledger) = ledgers.get_mut(deal.member) {
            ledger.add(deal, cap);
        }
    }
    if input.settings.exposure == Exposure::Calls {
        replace_exposure_by_calls(input, &pool, history.median_seconds_to_close, &mut ledgers);
    }

    let averages = Averages::of(&ledgers);
    let agents = pool
        .iter()
        .zip(&ledgers)
        .zip(&history.contracts_known)
        .map(|((agent, ledger), known)| agent_score(input, *agent, ledger, *known, averages))
        .collect();
    ScoreTable {
        policy: input.workspace.policy(input.policy).id.clone(),
        as_of: input.as_of.min(input.now),
        agents,
        pool: pool_figures(&ledgers, averages, &history, median_amount, cap),
        terms: ScoreTerms {
            contracts_closed_weight: input.settings.contracts_closed_weight,
            average_check_weight: input.settings.average_check_weight,
            caution: input.settings.caution,
        },
        unmapped_users: history.unmapped_users,
        notes: history.notes,
    }
}

/// What one agent has done. Money is exact; the faded sums are real numbers: their weights are irrational powers of 2,
/// so they measure evidence, not money, and the indices made of them are ratios.
#[derive(Debug, Clone, Default)]
struct Ledger {
    contracts: u64,
    opportunities: u64,
    calls: u64,
    revenue: Decimal,
    priced: u64,
    capped_revenue: Decimal,
    faded_contracts: f64,
    faded_exposure: f64,
    faded_priced: f64,
    faded_capped_revenue: f64,
}

impl Ledger {
    fn add(&mut self, deal: &CountedDeal, cap: Option<Decimal>) {
        self.opportunities += 1;
        self.faded_exposure += deal.weight;
        match &deal.outcome {
            Outcome::NoContract => return,
            Outcome::Contract(_) => {}
        }
        self.contracts += 1;
        self.faded_contracts += deal.weight;
        if let Outcome::Contract(Some(amount)) = deal.outcome {
            let capped = cap.map_or(amount, |cap| amount.min(cap));
            // Saturating: a nonsensical amount in a CRM must not stop the others' scores.
            self.revenue = self.revenue.saturating_add(amount);
            self.capped_revenue = self.capped_revenue.saturating_add(capped);
            self.priced += 1;
            self.faded_priced += deal.weight;
            self.faded_capped_revenue += deal.weight * capped.to_f64().unwrap_or(0.0);
        }
    }
}

/// Faded averages of the pool that everybody is measured by.
#[derive(Debug, Clone, Copy)]
struct Averages {
    base_rate: Option<f64>,
    capped_amount: Option<f64>,
}

impl Averages {
    fn of(ledgers: &[Ledger]) -> Self {
        let sum = |part: fn(&Ledger) -> f64| ledgers.iter().map(part).sum::<f64>();
        let mean = |total: f64, count: f64| (count > 0.0).then(|| total / count);
        Self {
            base_rate: mean(sum(|ledger| ledger.faded_contracts), sum(|ledger| ledger.faded_exposure)),
            capped_amount: mean(sum(|ledger| ledger.faded_capped_revenue), sum(|ledger| ledger.faded_priced)),
        }
    }
}

fn agent_score(input: &ScoreInput<'_>, agent: AgentIx, ledger: &Ledger, contracts_known: u64, averages: Averages) -> AgentScore {
    let settings = input.settings;
    let expected = averages.base_rate.map_or(0.0, |rate| ledger.faded_exposure * rate);
    // Without a single conversion in the pool there is nothing to compare, and without amounts (or with amounts of 0
    // throughout) no check: everybody is average.
    let conversion_index = match averages.base_rate {
        Some(rate) if rate > 0.0 => shrunken(ledger.faded_contracts, expected, settings.caution),
        Some(_) | None => 1.0,
    };
    let average_amount = averages.capped_amount.filter(|amount| *amount > 0.0);
    let worth = average_amount.map_or(0.0, |amount| ledger.faded_capped_revenue / amount);
    let check_index = match average_amount {
        Some(_) => shrunken(worth, ledger.faded_priced, settings.caution),
        None => 1.0,
    };
    let value = contribution(conversion_index, settings.contracts_closed_weight)
        * contribution(check_index, settings.average_check_weight);
    AgentScore {
        agent: input.workspace.agent(agent).id.clone(),
        contracts_closed: ledger.contracts,
        opportunities: ledger.opportunities,
        revenue: ledger.revenue,
        average_check: ledger.revenue.checked_div(Decimal::from(ledger.priced)),
        capped_check: ledger.capped_revenue.checked_div(Decimal::from(ledger.priced)),
        conversion_index,
        check_index,
        value: if value.is_finite() { value } else { 1.0 },
        calls_handled: ledger.calls,
        contracts_known,
        faded_contracts: ledger.faded_contracts,
        faded_exposure: ledger.faded_exposure,
        expected_contracts: expected,
        faded_priced_contracts: ledger.faded_priced,
        faded_worth: worth,
    }
}

/// `(seen + caution) / (expected + caution)`; 1 when both are 0 (no caution and nothing known).
pub fn shrunken(seen: f64, expected: f64, caution: f64) -> f64 {
    let below = expected + caution;
    if below > 0.0 { (seen + caution) / below } else { 1.0 }
}

fn pool_figures(
    ledgers: &[Ledger],
    averages: Averages,
    history: &History,
    median_amount: Option<Decimal>,
    cap: Option<Decimal>,
) -> PoolFigures {
    PoolFigures {
        contracts_closed: ledgers.iter().map(|ledger| ledger.contracts).sum(),
        opportunities: ledgers.iter().map(|ledger| ledger.opportunities).sum(),
        revenue: ledgers.iter().fold(Decimal::ZERO, |sum, ledger| sum.saturating_add(ledger.revenue)),
        base_rate: averages.base_rate,
        median_amount,
        cap,
        mean_capped_amount: averages.capped_amount.and_then(Decimal::from_f64).map(|mean| mean.round_dp(12).normalize()),
        median_seconds_to_close: history.median_seconds_to_close,
    }
}

/// The pool's typical amount: fading plays no part in it, so that the cap does not wander from day to day.
fn median_amount(counted: &[CountedDeal]) -> Option<Decimal> {
    let mut amounts: Vec<Decimal> = counted
        .iter()
        .filter_map(|deal| match deal.outcome {
            Outcome::Contract(amount) => amount,
            Outcome::NoContract => None,
        })
        .collect();
    amounts.sort_unstable();
    let upper = *amounts.get(amounts.len() / 2)?;
    if amounts.len() % 2 == 1 {
        return Some(upper);
    }
    let lower = *amounts.get(amounts.len() / 2 - 1)?;
    lower.saturating_add(upper).checked_div(Decimal::TWO)
}

fn cap(deal_cap: Option<f64>, median: Decimal) -> Option<Decimal> {
    Some(Decimal::from_f64(deal_cap?)?.saturating_mul(median))
}

/// Exposure from calls instead of deals. Calls younger than the usual time to close are left out: no contract can have
/// followed yet, and whoever has just begun would look bad.
fn replace_exposure_by_calls(input: &ScoreInput<'_>, pool: &[AgentIx], seconds_to_close: Option<f64>, ledgers: &mut [Ledger]) {
    let ripe_after = seconds_to_close.unwrap_or(0.0);
    let horizon = input.settings.horizon_seconds.map_or(f64::INFINITY, |seconds| seconds as f64);
    for (agent, ledger) in pool.iter().zip(ledgers) {
        let mut ages: Vec<f64> = input
            .handled_calls
            .iter()
            .filter(|call| call.agent == *agent)
            .map(|call| deal_history::seconds_between(call.at, input.now))
            .filter(|age| (ripe_after..=horizon).contains(age))
            .collect();
        ages.sort_unstable_by(f64::total_cmp);
        ledger.calls = ages.len() as u64;
        ledger.faded_exposure = ages.iter().map(|age| deal_history::fading(*age, input.settings.half_life_seconds)).sum();
    }
}
