//! What everybody should get: published shares, lowered by the guard, as expected shares over the rotation.

use super::calls::DAY_US;
use super::distribution::to_seconds;
use super::learning::Learning;
use super::people::People;
use super::per_agent::PerAgent;
use super::scenario::{Rule, Scenario, ShareSource, SimulatedPolicy};
use crate::core::distribution::selection::{expected_shares, to_expected_shares};
use crate::core::load::guard::Stop;
use crate::core::policy::Mode;
use crate::core::shares::share_plan::left_of_way;
use crate::core::shares::target_share::bounded_shares;

/// How often published shares take a step on their way, as in the service.
const STEP_US: i64 = 10_000_000;
/// So little of the way is no way.
const ARRIVED: f64 = 1e-6;

/// Shares of one run.
#[derive(Debug)]
pub(super) struct Sharing<'a> {
    scenario: &'a Scenario,
    policy: &'a SimulatedPolicy,
    learning: Option<Learning>,
    base: Vec<f64>,
    values: Vec<f64>,
    start: Vec<f64>,
    target: Vec<f64>,
    published: Vec<f64>,
    since_us: i64,
    stepped_us: i64,
    on_the_way: bool,
    stops: PerAgent<Stop>,
    weights: Vec<f64>,
    lambda: Vec<f64>,
    stale: bool,
}

impl<'a> Sharing<'a> {
    pub(super) fn new(scenario: &'a Scenario, policy: &'a SimulatedPolicy) -> Self {
        let agents = scenario.agents.len();
        let learns = match (policy.shares, policy.rule) {
            (ShareSource::RawTotals | ShareSource::Mode(Mode::Performance), _) | (_, Rule::BestFirst) => true,
            (ShareSource::Mode(Mode::Percent | Mode::EqualCalls | Mode::EqualTalkTime | Mode::HeadCount), _) => false,
        };
        let mut sharing = Self {
            scenario,
            policy,
            learning: learns.then(|| Learning::new(policy.score, agents)),
            base: scenario.agents.iter().map(|agent| agent.base).collect(),
            values: vec![1.0; agents],
            start: Vec::new(),
            target: Vec::new(),
            published: Vec::new(),
            since_us: 0,
            stepped_us: 0,
            on_the_way: false,
            stops: PerAgent::same(Stop::default(), agents),
            weights: vec![0.0; agents],
            lambda: vec![0.0; agents],
            stale: true,
        };
        sharing.aim(0, true);
        sharing
    }

    /// The expected shares of the next call; all 0 when nobody is in the rotation.
    pub(super) fn lambda(&self) -> &[f64] {
        &self.lambda
    }

    /// Published shares after the guard; 0 outside the rotation.
    pub(super) fn weights(&self) -> &[f64] {
        &self.weights
    }

    /// Published shares before the guard.
    pub(super) fn published(&self) -> &[f64] {
        &self.published
    }

    /// What results say of everybody.
    pub(super) fn values(&self) -> &[f64] {
        &self.values
    }

    /// Somebody came or went.
    pub(super) fn rotation_changed(&mut self) {
        self.stale = true;
    }

    /// A new day: yesterday's results count, typed shares are the old ones again, nobody is stopped.
    pub(super) fn begin_day(&mut self, now_us: i64) {
        self.stops.all_mut().iter_mut().for_each(Stop::clear);
        self.stale = true;
        let typed: Vec<f64> = self.scenario.agents.iter().map(|agent| agent.base).collect();
        let base_changed = typed != self.base;
        self.base = typed;
        let today = u32::try_from(now_us / DAY_US).unwrap_or(u32::MAX);
        if let Some(learning) = &mut self.learning {
            learning.begin_day(today);
            self.values = learning.values();
        }
        if base_changed || self.learning.is_some() {
            self.aim(now_us, base_changed || today <= 1);
        }
    }

    /// A typed share changes: it is published at once.
    pub(super) fn type_base(&mut self, agent: usize, base: f64, now_us: i64) {
        if let Some(known) = self.base.get_mut(agent) {
            *known = base;
        }
        self.aim(now_us, true);
    }

    /// A conversation and what it led to.
    pub(super) fn learn(&mut self, agent: usize, amount: Option<f64>) {
        let Some(learning) = &mut self.learning else { return };
        learning.handled(agent);
        if let Some(amount) = amount {
            learning.won(agent, amount);
        }
    }

    /// Where shares go from here. The first scores, like every change of base, are published at once.
    fn aim(&mut self, now_us: i64, at_once: bool) {
        let knobs = &self.policy.score;
        let typed = |equal: bool| {
            let base = |base: &f64| if equal && *base > 0.0 { 1.0 } else { *base };
            expected_shares(&self.base.iter().map(base).collect::<Vec<f64>>())
        };
        self.target = match self.policy.shares {
            ShareSource::Mode(Mode::Percent) => typed(false),
            ShareSource::Mode(Mode::EqualCalls | Mode::EqualTalkTime | Mode::HeadCount) => typed(true),
            ShareSource::Mode(Mode::Performance) => {
                bounded_shares(&self.base, &self.values, knobs.strength, knobs.floor, knobs.ceiling)
            }
            ShareSource::RawTotals => {
                let totals = self.learning.as_ref().map(Learning::raw_totals).unwrap_or_default();
                let counted = |(total, base): (&f64, &f64)| if *base > 0.0 { *total } else { 0.0 };
                expected_shares(&totals.iter().zip(&self.base).map(counted).collect::<Vec<f64>>())
            }
        };
        self.start.clone_from(if at_once { &self.target } else { &self.published });
        (self.since_us, self.on_the_way) = (now_us, true);
        self.step(now_us);
    }

    fn step(&mut self, now_us: i64) {
        let left = left_of_way(to_seconds(now_us - self.since_us), self.policy.score.smoothing_seconds);
        self.on_the_way = left > ARRIVED && self.start != self.target;
        let left = if self.on_the_way { left } else { 0.0 };
        self.published.clear();
        self.published.extend(self.target.iter().zip(&self.start).map(|(target, start)| target + (start - target) * left));
        (self.stepped_us, self.stale) = (now_us, true);
    }

    /// Brings expected shares up to date.
    pub(super) fn refresh(&mut self, people: &mut People, now_us: i64) {
        if self.on_the_way && now_us - self.stepped_us >= STEP_US {
            self.step(now_us);
        }
        if !self.stale && self.policy.guard.is_none() {
            return;
        }
        self.stale = false;
        for (agent, (weight, share)) in self.weights.iter_mut().zip(&self.published).enumerate() {
            let present = people.on_duty().get(agent).is_some_and(|on_duty| *on_duty);
            let factor = match &self.policy.guard {
                Some(guard) if present => {
                    self.stops[agent].factor(&guard.limits, &people.readings(agent, now_us), guard.hysteresis)
                }
                Some(_) | None => 1.0,
            };
            *weight = if present { share * factor } else { 0.0 };
        }
        self.lambda.clone_from(&self.weights);
        to_expected_shares(&mut self.lambda);
    }
}
