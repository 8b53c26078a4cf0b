//! What a policy learns from results: every morning the indices of `core::scoring::score` over the days before.

use std::collections::VecDeque;

use super::per_agent::PerAgent;
use super::scenario::ScoreKnobs;
use crate::core::scoring::formulas::{fading, shrunken};
use crate::core::scoring::score_table::contribution;

const DAY_SECONDS: u64 = 86_400;

/// What one day brought.
#[derive(Debug, Clone)]
struct Day {
    day: u32,
    handled: PerAgent<f64>,
    /// By agent, the amount.
    contracts: Vec<(usize, f64)>,
}

/// Results so far. A result's age is counted in whole days.
#[derive(Debug)]
pub(super) struct Learning {
    knobs: ScoreKnobs,
    days: VecDeque<Day>,
    today: Day,
    revenue: PerAgent<f64>,
    contracts_ever: f64,
    amounts: Vec<f64>,
}

impl Learning {
    pub(super) fn new(knobs: ScoreKnobs, agents: usize) -> Self {
        Self {
            knobs,
            days: VecDeque::new(),
            today: Day { day: 0, handled: PerAgent::same(0.0, agents), contracts: Vec::new() },
            revenue: PerAgent::same(0.0, agents),
            contracts_ever: 0.0,
            amounts: Vec::new(),
        }
    }

    /// A conversation was held.
    pub(super) fn handled(&mut self, agent: usize) {
        self.today.handled[agent] += 1.0;
    }

    /// It became a contract.
    pub(super) fn won(&mut self, agent: usize, amount: f64) {
        self.today.contracts.push((agent, amount));
        self.revenue[agent] += amount;
        self.contracts_ever += 1.0;
    }

    /// A new day: yesterday's results are a day old, and what is older than the horizon is forgotten.
    pub(super) fn begin_day(&mut self, today: u32) {
        let agents = self.today.handled.all().len();
        let fresh = Day { day: today, handled: PerAgent::same(0.0, agents), contracts: Vec::new() };
        self.days.push_back(std::mem::replace(&mut self.today, fresh));
        if let Some(horizon) = self.knobs.horizon_days {
            while self.days.pop_front_if(|day| today - day.day > horizon).is_some() {}
        }
    }

    /// Everybody's value this morning: 1 for the average and the unknown.
    pub(super) fn values(&mut self) -> Vec<f64> {
        let agents = self.today.handled.all().len();
        let cap = self.cap();
        let nothing = || PerAgent::same(0.0, agents);
        let (mut handled, mut won, mut worth) = (nothing(), nothing(), nothing());
        for day in &self.days {
            let age = f64::from(self.today.day - day.day) * DAY_SECONDS as f64;
            let weight = fading(age, self.knobs.half_life_days.map(|days| u64::from(days) * DAY_SECONDS));
            for (sum, count) in handled.all_mut().iter_mut().zip(day.handled.all()) {
                *sum += weight * count;
            }
            for (agent, amount) in &day.contracts {
                won[*agent] += weight;
                worth[*agent] += weight * amount.min(cap);
            }
        }
        let sum = |of: &PerAgent<f64>| of.all().iter().sum::<f64>();
        let (all_handled, all_won, all_worth) = (sum(&handled), sum(&won), sum(&worth));
        let value = |((won, worth), handled): ((&f64, &f64), &f64)| {
            if all_won <= 0.0 || all_handled <= 0.0 {
                return 1.0;
            }
            let conversion = shrunken(*won, handled * all_won / all_handled, self.knobs.caution);
            let mean = all_worth / all_won;
            let check = if mean > 0.0 { shrunken(worth / mean, *won, self.knobs.caution) } else { 1.0 };
            contribution(conversion, 1.0) * contribution(check, 1.0)
        };
        won.all().iter().zip(worth.all()).zip(handled.all()).map(value).collect()
    }

    /// Everybody's revenue so far and one average contract, so that nobody begins with nothing.
    pub(super) fn raw_totals(&self) -> Vec<f64> {
        let all: f64 = self.revenue.all().iter().sum();
        let one = if self.contracts_ever > 0.0 { all / self.contracts_ever } else { 1.0 };
        self.revenue.all().iter().map(|revenue| revenue + one).collect()
    }

    /// The largest amount a contract counts with.
    fn cap(&mut self) -> f64 {
        let Some(times) = self.knobs.deal_cap else { return f64::INFINITY };
        self.amounts.clear();
        self.amounts.extend(self.days.iter().flat_map(|day| &day.contracts).map(|(_, amount)| *amount));
        median(&mut self.amounts).map_or(f64::INFINITY, |median| times * median)
    }
}

/// The middle value, or the mean of the two middle ones, without sorting all.
fn median(values: &mut [f64]) -> Option<f64> {
    let middle = values.len() / 2;
    if values.is_empty() {
        return None;
    }
    let odd = values.len() % 2 == 1;
    let (below, upper, _) = values.select_nth_unstable_by(middle, f64::total_cmp);
    let upper = *upper;
    let lower = below.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    Some(if odd { upper } else { (lower + upper) / 2.0 })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after_a_day(results: &[(u32, &[f64])]) -> Vec<f64> {
        let knobs = ScoreKnobs { half_life_days: None, ..ScoreKnobs::default() };
        let mut learning = Learning::new(knobs, results.len());
        for (agent, (calls, amounts)) in results.iter().enumerate() {
            (0..*calls).for_each(|_| learning.handled(agent));
            amounts.iter().for_each(|amount| learning.won(agent, *amount));
        }
        learning.begin_day(1);
        learning.values()
    }

    fn assert_values(found: &[f64], expected: &[f64]) {
        assert!(found.iter().zip(expected).all(|(found, expected)| (found - expected).abs() < 5e-7), "{found:?}");
    }

    /// Calls/contracts 200/30, 200/20, 20/4, 200/10, 0/0, all amounts equal: R0 = 64/620, and (k + 10) / (n R0 + 10).
    #[test]
    fn conversion_is_believed_with_caution() {
        let of = |count: usize| [50.0; 30].split_at(count).0.to_vec();
        let contracts = [of(30), of(20), of(4), of(10), of(0)];
        let calls = [200, 200, 20, 200, 0];
        let results: Vec<(u32, &[f64])> = calls.iter().copied().zip(contracts.iter().map(Vec::as_slice)).collect();
        assert_values(&after_a_day(&results), &[1.305263, 0.978947, 1.160428, 0.652632, 1.0]);
    }

    /// Ten contracts each of 100 calls; one of them of 1000 counts as three typical ones of 50: 600 and 500 of 55 on average.
    #[test]
    fn one_big_contract_counts_as_three() {
        let big = [40.0, 50.0, 60.0, 50.0, 45.0, 55.0, 50.0, 50.0, 50.0, 1000.0];
        assert_values(&after_a_day(&[(100, &big), (100, &[50.0; 10])]), &[1.045455, 0.954545]);
        assert_values(&after_a_day(&[(100, &[]), (50, &[])]), &[1.0, 1.0]);
    }

    /// 1 + 10 contracts for 1 expected + 10 would be 1; a contract as old as the half-life weighs half, one beyond the horizon nothing.
    #[test]
    fn results_fade_and_are_forgotten() {
        let mut learning = Learning::new(ScoreKnobs { horizon_days: Some(40), ..ScoreKnobs::default() }, 2);
        learning.handled(0);
        learning.won(0, 50.0);
        learning.handled(1);
        learning.begin_day(30);
        // k = 0.5 of E = 0.5 x 1/2: (0.5 + 10) / (0.25 + 10), and 10 / 10.25.
        assert_values(&learning.values(), &[1.024390, 0.975610]);
        learning.begin_day(41);
        assert_values(&learning.values(), &[1.0, 1.0]);
    }
}
