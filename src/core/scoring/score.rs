//! From deals to scores: how much better or worse than the pool's average somebody closes, believed with caution.
//!
//! For the agents of one policy, with every result counting `w = 2^(-age / half_life)`, ages in time on duty:
//!
//! ```text
//! n_i = sum of w over deals handled (or first contacts)      k_i = sum of w over contracts
//! R0  = sum k / sum n                                         E_i = n_i * R0
//! conversion_i = (k_i + caution) / (E_i + caution)
//!
//! cap = deal_cap * median(amount)     amount' = min(amount, cap)     A0 = weighted mean of amount'
//! check_i = (sum of w * amount'/A0 + caution) / (contracts with an amount, weighted + caution)
//!
//! value_i = product of index^weight; an index of which less is better is turned over first
//! ```
//!
//! The conversion index is Gamma-Poisson shrinkage (empirical Bayes for rates): contracts are Poisson with mean `E_i`
//! times a personal factor, whose prior is Gamma with mean 1 and shape `caution`. The check index is a shrunken mean of
//! amounts cut off at the cap (winsorised), with the same prior weight; so is the index of any figure that a CRM supplies with its
//! contracts. The revenue index is money per opportunity (or call) in units of average contracts, with the same caution. All are 1
//! for an average and for an unknown person. Raw totals are never used: who gets more calls closes more, and would get more calls
//! still. Whose chances were of another kind (lead source, a few weeks only) is measured by its like: see `expected`.
//!
//! It must not read a clock, fetch deals or compute shares. Which deals count is decided in `deal_history`, which calls in
//! `first_contacts`.

use rust_decimal::Decimal;
use rust_decimal::prelude::{FromPrimitive, ToPrimitive};

use super::deal_ending::Outcome;
use super::deal_history::{self, CountedDeal, History};
use super::expected::{Chances, Measured, Yardstick};
use super::first_contacts::{Contact, Origin};
use super::formulas::shrunken;
use super::per_contract::{MemberFigure, PerContract};
use super::results::{Counts, FurtherResults};
use super::score_input::ScoreInput;
use super::score_scope::Scope;
use super::score_table::{AgentScore, FurtherMetric, GroupScore, PoolFigures, ScoreTable, ScoreTerms, contribution};
use crate::core::deal::Deal;
use crate::core::ids::{AgentId, ConnectionId};
use crate::core::metric::Metric;
use crate::core::policy::Exposure;
use crate::core::workspace::AgentIx;

/// A supplied figure beyond this is a mistake: 10^15.
const FIGURE_MAX: Decimal = Decimal::from_parts(2_764_472_320, 232_830, 0, false, 0);

/// Computes the scores of one policy's pool.
///
/// `deals` are the records of the CRM connections, in any order; connections that the policy does not name are passed over.
/// Equal input gives bit-equal output: sums run over deals by (connection, deal id), then over agents in the order of
/// the document.
pub fn compute<'d>(input: &ScoreInput<'_>, deals: impl IntoIterator<Item = (&'d ConnectionId, &'d Deal)>) -> ScoreTable {
    let scope = Scope::of(input);
    let mut history = deal_history::read(&scope, deals.into_iter().map(shortened));
    let counting = counting_contacts(&scope, &mut history);
    let check = PerContract::read(&history.counted, scope.pool.len(), input.settings.deal_cap, amount_of);
    let conversion = measure(&scope, &history, &counting, |_| 1.0);
    let further = further_metrics(&scope, &mut history, &counting, &check);
    let counts = counts(&scope, &history, &counting);
    let part = |members: &[usize]| MemberPart {
        counts: Counts::sum(members.iter().filter_map(|member| counts.get(*member))),
        conversion: Measured::sum(members.iter().filter_map(|member| conversion.members.get(*member))),
        base_rate: conversion.base_rate.filter(|rate| *rate > 0.0),
        check: MemberFigure::sum(members.iter().filter_map(|member| check.members.get(*member))),
        check_tells: check.tells(),
        further: further.iter().map(|metric| metric.of(members, input.settings.caution)).collect(),
    };
    let scored = |(member, agent): (usize, &AgentIx)| agent_score(input, &input.workspace.agent(*agent).id, part(&[member]));
    let agents: Vec<AgentScore> = scope.pool.iter().enumerate().map(scored).collect();
    let pooled = input.workspace.pooled_groups(input.policy).into_iter().map(|(group, people)| {
        let members: Vec<usize> = people.iter().filter_map(|agent| scope.member(*agent)).collect();
        let group = input.workspace.group(group).id.clone();
        GroupScore {
            people: people.iter().map(|agent| input.workspace.agent(*agent).id.clone()).collect(),
            pooled: agent_score(input, &AgentId::from(group.as_str()), part(&members)),
            group,
        }
    });
    ScoreTable {
        policy: input.workspace.policy(input.policy).id.clone(),
        as_of: input.as_of.min(input.now),
        pool: pool_figures(&agents, conversion.base_rate, &check, history.median_seconds_to_close),
        agents,
        groups: pooled.collect(),
        terms: ScoreTerms {
            contracts_closed_weight: input.settings.metric(&Metric::ContractsClosed).weight,
            average_check_weight: input.settings.metric(&Metric::AverageCheck).weight,
            caution: input.settings.caution,
            metrics: input.settings.metrics.clone(),
        },
        unmapped_users: history.unmapped_users,
        notes: history.notes,
        exclusions: history.exclusions,
    }
}

/// The same pair, borrowed for as long as the computation takes.
fn shortened<'s, 'd: 's>((connection, deal): (&'d ConnectionId, &'d Deal)) -> (&'s ConnectionId, &'s Deal) {
    (connection, deal)
}

fn amount_of(deal: &CountedDeal<'_>) -> Option<Decimal> {
    match deal.outcome {
        Outcome::Contract(amount) => amount,
        Outcome::NoContract => None,
    }
}

/// Which first contacts count. Calls younger than the usual time to close are left out: no contract can have followed yet, and
/// whoever has just begun would look bad.
fn counting_contacts(scope: &Scope<'_>, history: &mut History<'_>) -> Vec<bool> {
    let ripe_after = history.median_seconds_to_close.unwrap_or(0.0);
    let counting: Vec<bool> = history.contacts.iter().map(|contact| contact.counts(scope, ripe_after)).collect();
    let young = |(contact, counts): &(&Contact<'_>, &bool)| !**counts && contact.member.is_some() && contact.counts(scope, 0.0);
    history.notes.calls_too_young = history.contacts.iter().zip(&counting).filter(young).count() as u64;
    let without = |deal: &&CountedDeal<'_>| match (deal.outcome, deal.origin) {
        (Outcome::Contract(_), Origin::NoCall) => true,
        (Outcome::Contract(_), Origin::Contact(position)) => !counting.get(position).copied().unwrap_or(false),
        (Outcome::Contract(_), Origin::Untold) | (Outcome::NoContract, _) => false,
    };
    history.notes.contracts_without_call = history.counted.iter().filter(without).count() as u64;
    counting
}

/// Measures what came of opportunities, or of first contacts; `worth` says how much a contract comes to.
fn measure<'d>(
    scope: &Scope<'d>,
    history: &History<'d>,
    counting: &[bool],
    worth: impl Fn(&CountedDeal<'d>) -> f64,
) -> Yardstick {
    let mut chances = Chances::new(scope.pool.len());
    for (contact, _) in history.contacts.iter().zip(counting).filter(|(_, counts)| **counts) {
        if let Some(member) = contact.member {
            chances.had(member, contact.kind(), scope.weight(contact.age_seconds));
        }
    }
    for open in &history.undecided {
        chances.had_part(open.member, (open.deal.source(), open.week), open.weight, open.part);
    }
    for deal in &history.counted {
        // From which chance it came: none where nothing tells, and not at all where it came from none that counts.
        let kind = match (scope.input.settings.exposure, deal.origin) {
            (Exposure::Opportunities, _) => {
                let kind = (deal.deal.source(), deal.week);
                chances.had(deal.member, kind, deal.weight);
                Some(kind)
            }
            (Exposure::Calls, Origin::Untold) => None,
            (Exposure::Calls, Origin::NoCall) => continue,
            (Exposure::Calls, Origin::Contact(position)) => {
                let counts = counting.get(position).copied().unwrap_or(false);
                match history.contacts.get(position).filter(|_| counts) {
                    Some(contact) => Some(contact.kind()),
                    None => continue,
                }
            }
        };
        match deal.outcome {
            Outcome::Contract(_) => chances.came_of(deal.member, kind, deal.weight * worth(deal)),
            Outcome::NoContract => {}
        }
    }
    chances.measure()
}

/// The metrics that the policy names beside conversion and check.
fn further_metrics<'d>(
    scope: &Scope<'d>,
    history: &mut History<'d>,
    counting: &[bool],
    check: &PerContract,
) -> Vec<FurtherResults> {
    let settings = scope.input.settings;
    let (mut left_out, mut below_zero) = (0, 0);
    let of = |metric: &Metric| match metric {
        Metric::ContractsClosed | Metric::AverageCheck => None,
        Metric::Revenue => Some(revenue(scope, history, counting, check)),
        Metric::Supplied(name) => {
            let value = |deal: &CountedDeal<'_>| deal.deal.metrics.get(&**name).copied();
            let sane = |value: &Decimal| (-FIGURE_MAX..=FIGURE_MAX).contains(value);
            let contract = |deal: &&CountedDeal<'_>| matches!(deal.outcome, Outcome::Contract(_));
            for deal in history.counted.iter().filter(contract) {
                left_out += u64::from(deal.deal.unreadable_metrics.contains(&**name));
                left_out += u64::from(value(deal).is_some_and(|value| !sane(&value)));
                below_zero += u64::from(value(deal).is_some_and(|value| sane(&value) && value < Decimal::ZERO));
            }
            // A contract with a loss is worth nothing: leaving it out would make its seller's others look like all.
            let figure = |deal: &CountedDeal<'_>| match deal.outcome {
                Outcome::Contract(_) => value(deal).filter(sane).map(|value| value.max(Decimal::ZERO)),
                Outcome::NoContract => None,
            };
            let read = PerContract::read(&history.counted, scope.pool.len(), settings.deal_cap, figure);
            Some(FurtherResults::Supplied { metric: metric.clone(), tells: read.tells(), members: read.members })
        }
    };
    let metrics = settings.metrics.iter().map(|setting| &setting.metric).filter_map(of).collect();
    history.notes.metric_values_left_out = left_out;
    history.notes.metric_values_below_zero = below_zero;
    metrics
}

/// Money per opportunity (or call). A contract without an amount is worth an average one.
fn revenue(scope: &Scope<'_>, history: &History<'_>, counting: &[bool], check: &PerContract) -> FurtherResults {
    let mean = check.mean.filter(|_| check.tells());
    let worth = |deal: &CountedDeal<'_>| {
        let amount = amount_of(deal).map(|amount| check.cap.map_or(amount, |cap| amount.min(cap)));
        amount.zip(mean).map_or(1.0, |(amount, mean)| amount.to_f64().unwrap_or(0.0) / mean)
    };
    let yardstick = measure(scope, history, counting, worth);
    FurtherResults::Revenue {
        base_rate: yardstick.base_rate.filter(|rate| *rate > 0.0),
        mean_amount: mean,
        members: yardstick.members,
    }
}

fn counts(scope: &Scope<'_>, history: &History<'_>, counting: &[bool]) -> Vec<Counts> {
    let mut counts: Vec<Counts> = vec![Counts::default(); scope.pool.len()];
    for (member, known) in counts.iter_mut().zip(&history.contracts_known) {
        member.contracts_known = *known;
    }
    for deal in &history.counted {
        if let Some(member) = counts.get_mut(deal.member) {
            member.opportunities += 1;
            member.contracts += u64::from(matches!(deal.outcome, Outcome::Contract(_)));
        }
    }
    for open in &history.undecided {
        counts.get_mut(open.member).into_iter().for_each(|member| member.undecided += open.weight);
    }
    let contacts = history.contacts.iter().zip(counting).filter(|(_, counts)| **counts);
    for member in contacts.filter_map(|(contact, _)| contact.member) {
        counts.get_mut(member).into_iter().for_each(|member| member.calls += 1);
    }
    counts
}

/// What a score is made of: the results of one person, or of a group's people added up.
struct MemberPart {
    counts: Counts,
    conversion: Measured,
    /// None without a single conversion in the pool: then there is nothing to compare, and everybody is average.
    base_rate: Option<f64>,
    check: MemberFigure,
    check_tells: bool,
    further: Vec<FurtherMetric>,
}

fn agent_score(input: &ScoreInput<'_>, agent: &AgentId, part: MemberPart) -> AgentScore {
    let settings = input.settings;
    let MemberPart { counts, conversion, check, further, .. } = part;
    let expected = part.base_rate.map_or(0.0, |rate| conversion.comparable * rate);
    let conversion_index = part.base_rate.map_or(1.0, |_| shrunken(conversion.results, expected, settings.caution));
    let check_index = if part.check_tells { shrunken(check.worth, check.expected, settings.caution) } else { 1.0 };
    let part_of = |metric: &Metric, index: f64| {
        let setting = settings.metric(metric);
        contribution(setting.direction.turn(index), setting.weight)
    };
    let own = part_of(&Metric::ContractsClosed, conversion_index) * part_of(&Metric::AverageCheck, check_index);
    AgentScore {
        agent: agent.clone(),
        contracts_closed: counts.contracts,
        opportunities: counts.opportunities,
        revenue: check.sum,
        average_check: check.sum.checked_div(Decimal::from(check.contracts)),
        capped_check: check.capped_sum.checked_div(Decimal::from(check.contracts)),
        conversion_index,
        check_index,
        value: further.iter().fold(own, |value, metric| value * part_of(&metric.metric, metric.index)),
        calls_handled: counts.calls,
        contracts_known: counts.contracts_known,
        faded_contracts: conversion.results,
        faded_exposure: conversion.chances,
        faded_undecided: counts.undecided,
        expected_contracts: expected,
        faded_priced_contracts: check.sample,
        faded_worth: check.worth,
        expected_worth: check.expected,
        further,
    }
}

fn pool_figures(
    agents: &[AgentScore],
    base_rate: Option<f64>,
    check: &PerContract,
    median_seconds_to_close: Option<f64>,
) -> PoolFigures {
    PoolFigures {
        contracts_closed: agents.iter().map(|agent| agent.contracts_closed).sum(),
        opportunities: agents.iter().map(|agent| agent.opportunities).sum(),
        revenue: agents.iter().fold(Decimal::ZERO, |sum, agent| sum.saturating_add(agent.revenue)),
        base_rate,
        median_amount: check.median,
        cap: check.cap,
        mean_capped_amount: check.mean.and_then(Decimal::from_f64).map(|mean| mean.round_dp(12).normalize()),
        median_seconds_to_close,
    }
}
