//! Who is picked: the rule of a policy with the memory it needs.

use super::credit::{Credit, CreditTerms};
use super::distribution::to_us;
use super::scenario::{Rule, Scenario, SimulatedPolicy};
use super::window::{CountsInWindow, FairWindow, most_behind};
use crate::core::chance::SplitMix64;

/// What a rule may look at. All lists go by position of the agent.
#[derive(Debug, Clone, Copy)]
pub(super) struct Question<'q> {
    pub(super) now_us: i64,
    /// Counts decisions from 1.
    pub(super) sequence: u64,
    /// Expected shares of this call over the rotation.
    pub(super) lambda: &'q [f64],
    /// Published shares after the guard; 0 outside the rotation.
    pub(super) weights: &'q [f64],
    /// Published shares before it, of everybody.
    pub(super) published: &'q [f64],
    /// What results say.
    pub(super) values: &'q [f64],
    /// Who can be rung.
    pub(super) can_ring: &'q [bool],
    pub(super) busy: &'q [bool],
    pub(super) idle_since_us: &'q [i64],
    pub(super) ids: &'q [&'q str],
}

#[derive(Debug)]
enum Memory {
    Credit(Credit),
    Counts(CountsInWindow),
    FairWindow(FairWindow),
    Webster(Vec<f64>),
    LongestIdle,
    Random,
    BestFirst,
}

/// A rule at work.
#[derive(Debug)]
pub(super) struct Chooser {
    memory: Memory,
    last_given: Vec<u64>,
    dice: SplitMix64,
}

impl Chooser {
    pub(super) fn new(scenario: &Scenario, policy: &SimulatedPolicy, seed: u64) -> Self {
        let agents = scenario.agents.len();
        let period_us = to_us(policy.period_seconds);
        let memory = match policy.rule {
            Rule::Credit { grows_over, cap } => {
                let terms = CreditTerms {
                    grows_over,
                    cap: cap.unwrap_or(f64::INFINITY),
                    period_us,
                    count: policy.count,
                    in_seconds: policy.counts_seconds(),
                    may_miss: scenario.agents.iter().any(|agent| agent.answer_probability < 1.0),
                };
                Memory::Credit(Credit::new(terms, agents))
            }
            Rule::LongestIdle => Memory::LongestIdle,
            Rule::Random => Memory::Random,
            Rule::CountsInWindow => Memory::Counts(CountsInWindow::new(period_us, agents)),
            Rule::FairWindow => Memory::FairWindow(FairWindow::new(period_us, agents)),
            Rule::Webster => Memory::Webster(vec![0.0; agents]),
            Rule::BestFirst => Memory::BestFirst,
        };
        Self { memory, last_given: vec![0; agents], dice: SplitMix64::stream(seed, 2) }
    }

    /// Whom to ring, of those that can be; charged at once where the rule charges.
    pub(super) fn pick(&mut self, question: &Question<'_>) -> Option<usize> {
        let last_given = &self.last_given;
        let picked = match &mut self.memory {
            Memory::Credit(credit) => credit.pick(question, last_given),
            Memory::Counts(counts) => counts.pick(question, last_given),
            Memory::FairWindow(window) => window.pick(question, last_given),
            // The smallest (got + 1/2) / share.
            Memory::Webster(got) => {
                let quotient = |(got, share): (&f64, &f64)| if *share > 0.0 { -(got + 0.5) / share } else { f64::NEG_INFINITY };
                most_behind(got.iter().zip(question.weights).map(quotient), question, last_given)
            }
            Memory::LongestIdle => {
                let idle = question.idle_since_us.iter().map(|since| -super::distribution::to_seconds(*since));
                most_behind(idle, question, last_given)
            }
            Memory::Random => roll(&mut self.dice, question),
            Memory::BestFirst => most_behind(question.values.iter().copied(), question, last_given),
        }?;
        if let Some(last) = self.last_given.get_mut(picked) {
            *last = question.sequence;
        }
        Some(picked)
    }

    /// The picked agent picked up.
    pub(super) fn answered(&mut self, agent: usize, now_us: i64, lambda: &[f64]) {
        match &mut self.memory {
            Memory::Counts(counts) => counts.given(agent, now_us),
            Memory::FairWindow(window) => window.given(agent, now_us, lambda),
            Memory::Webster(got) => got.iter_mut().skip(agent).take(1).for_each(|got| *got += 1.0),
            Memory::Credit(_) | Memory::LongestIdle | Memory::Random | Memory::BestFirst => {}
        }
    }

    /// The picked agent did not pick up.
    pub(super) fn missed(&mut self, agent: usize) {
        match &mut self.memory {
            Memory::Credit(credit) => credit.missed(agent),
            Memory::Counts(_)
            | Memory::FairWindow(_)
            | Memory::Webster(_)
            | Memory::LongestIdle
            | Memory::Random
            | Memory::BestFirst => {}
        }
    }

    /// A conversation ended.
    pub(super) fn hung_up(&mut self, agent: usize, talk_us: i64) {
        match &mut self.memory {
            Memory::Credit(credit) => credit.hung_up(agent, talk_us),
            Memory::Counts(_)
            | Memory::FairWindow(_)
            | Memory::Webster(_)
            | Memory::LongestIdle
            | Memory::Random
            | Memory::BestFirst => {}
        }
    }

    /// A new day: what is counted by day starts again. Credits and windows run on, as in the service.
    pub(super) fn begin_day(&mut self) {
        if let Memory::Webster(got) = &mut self.memory {
            got.fill(0.0);
        }
    }
}

/// One of those that can be rung, by weight.
fn roll(dice: &mut SplitMix64, question: &Question<'_>) -> Option<usize> {
    let able = || question.weights.iter().zip(question.can_ring).enumerate().filter(|(_, (_, can_ring))| **can_ring);
    let mut left = dice.unit() * able().map(|(_, (weight, _))| weight).sum::<f64>();
    let rolled = able().find(|(_, (weight, _))| {
        left -= *weight;
        left < 0.0
    });
    // Sums of floating-point weights may end a hair below the roll.
    rolled.or_else(|| able().next_back()).map(|(agent, _)| agent)
}
