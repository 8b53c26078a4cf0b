//! The service's credits on plain arrays: the arithmetic of `selection` and `credit_book`, without their memory of single calls.

use super::distribution::to_seconds;
use super::per_agent::PerAgent;
use super::rule::Question;
use super::scenario::GrowsOver;
use crate::core::distribution::credit_book::{EntryKey, fading};
use crate::core::distribution::mean_talk::MeanTalk;
use crate::core::distribution::selection::{self, Adjustment, Standing, to_expected_shares};
use crate::core::policy::Count;

/// How credit is kept.
#[derive(Debug, Clone, Copy)]
pub(super) struct CreditTerms {
    pub(super) grows_over: GrowsOver,
    /// In calls; infinite without a cap.
    pub(super) cap: f64,
    pub(super) period_us: i64,
    pub(super) count: Count,
    /// Whether credit is in seconds of talk.
    pub(super) in_seconds: bool,
    /// Whether offers may be missed.
    pub(super) may_miss: bool,
}

/// What a call in progress moved, so that it can be taken back or corrected.
#[derive(Debug, Clone, Copy)]
struct Moved {
    at_us: i64,
    sequence: u64,
    unit: f64,
}

/// Everybody's credit.
#[derive(Debug)]
pub(super) struct Credit {
    terms: CreditTerms,
    credit: Vec<f64>,
    as_of_us: i64,
    moved: PerAgent<Moved>,
    moved_lambda: PerAgent<Vec<f64>>,
    mean_talk: MeanTalk,
    lambda: Vec<f64>,
    adjustment: Adjustment,
}

impl Credit {
    pub(super) fn new(terms: CreditTerms, agents: usize) -> Self {
        Self {
            terms,
            credit: vec![0.0; agents],
            as_of_us: 0,
            moved: PerAgent::same(Moved { at_us: 0, sequence: 0, unit: 1.0 }, agents),
            moved_lambda: PerAgent::same(Vec::new(), agents),
            mean_talk: MeanTalk::default(),
            lambda: vec![0.0; agents],
            adjustment: Adjustment::default(),
        }
    }

    /// Picks the largest credit among those that can be rung, and charges it. `last_given` breaks ties.
    pub(super) fn pick(&mut self, question: &Question<'_>, last_given: &[u64]) -> Option<usize> {
        self.spread(question);
        let unit = if self.terms.in_seconds { self.mean_talk.seconds() } else { 1.0 };
        let fade = fading(self.as_of_us, question.now_us, self.terms.period_us);
        self.as_of_us = question.now_us;
        for (credit, share) in self.credit.iter_mut().zip(&self.lambda) {
            *credit = *credit * fade + share * unit;
        }
        let known = self.credit.iter().zip(last_given).zip(&self.lambda).zip(question.ids);
        let standing = known.map(|(((credit, last_given), weight), id)| Standing {
            credit: *credit,
            last_given: *last_given,
            weight: *weight,
            id,
        });
        let able = standing.enumerate().zip(question.can_ring).filter(|(_, can_ring)| **can_ring);
        let picked = selection::first_to_ring(able.map(|(candidate, _)| candidate))?;
        if let Some(credit) = self.credit.get_mut(picked) {
            *credit -= unit;
        }
        self.adjust(unit);
        self.moved[picked] = Moved { at_us: question.now_us, sequence: question.sequence, unit };
        if self.terms.in_seconds || self.terms.may_miss {
            self.moved_lambda[picked].clone_from(&self.lambda);
        }
        Some(picked)
    }

    fn spread(&mut self, question: &Question<'_>) {
        match self.terms.grows_over {
            GrowsOver::Rotation => self.lambda.copy_from_slice(question.lambda),
            GrowsOver::Everybody => {
                self.lambda.copy_from_slice(question.published);
                to_expected_shares(&mut self.lambda);
            }
            GrowsOver::Free => {
                for (share, (weight, busy)) in self.lambda.iter_mut().zip(question.weights.iter().zip(question.busy)) {
                    *share = if *busy { 0.0 } else { *weight };
                }
                to_expected_shares(&mut self.lambda);
            }
        }
    }

    fn adjust(&mut self, unit: f64) {
        let in_rotation = |at: usize| self.lambda.get(at).is_some_and(|share| *share > 0.0);
        selection::adjust_into(&mut self.adjustment, &self.credit, in_rotation, self.terms.cap * unit);
        for (at, by) in &self.adjustment.clamps {
            if let Some(credit) = self.credit.get_mut(*at as usize) {
                *credit += by;
            }
        }
        for (credit, share) in self.credit.iter_mut().zip(&self.lambda) {
            if *share > 0.0 {
                *credit += self.adjustment.recentre;
            }
        }
    }

    /// An offer was missed: where only answered calls count, it is as if it had not been.
    pub(super) fn missed(&mut self, agent: usize) {
        match self.terms.count {
            Count::Answered => self.change_units(agent, -self.moved[agent].unit),
            Count::Offered => {}
        }
    }

    /// A conversation ended: where credit is in seconds, the call weighs what it lasted.
    pub(super) fn hung_up(&mut self, agent: usize, talk_us: i64) {
        if self.terms.in_seconds {
            let (moved, seconds) = (self.moved[agent], to_seconds(talk_us));
            self.change_units(agent, seconds - moved.unit);
            self.mean_talk.note(EntryKey { at_us: moved.at_us, sequence: moved.sequence, target: 0 }, Some(seconds));
        }
    }

    /// Lets the part of an agent's call weigh more or less, as if it had from the beginning.
    fn change_units(&mut self, agent: usize, by: f64) {
        let faded = by * fading(self.moved[agent].at_us, self.as_of_us, self.terms.period_us);
        for (credit, share) in self.credit.iter_mut().zip(&self.moved_lambda[agent]) {
            *credit += faded * share;
        }
        if let Some(credit) = self.credit.get_mut(agent) {
            *credit -= faded;
        }
    }
}
