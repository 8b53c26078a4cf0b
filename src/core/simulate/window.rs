//! Rules that count calls in a sliding window.

use std::collections::VecDeque;

use super::rule::Question;
use crate::core::distribution::selection::{self, Standing};

/// Plain counts against nominal shares: what classic call distribution does with "20 % of the calls of the last hours".
#[derive(Debug)]
pub(super) struct CountsInWindow {
    window_us: i64,
    calls: VecDeque<(i64, usize)>,
    got: Vec<f64>,
}

impl CountsInWindow {
    pub(super) fn new(window_us: i64, agents: usize) -> Self {
        Self { window_us, calls: VecDeque::new(), got: vec![0.0; agents] }
    }

    pub(super) fn pick(&mut self, question: &Question<'_>, last_given: &[u64]) -> Option<usize> {
        while let Some((_, agent)) = self.calls.pop_front_if(|(at_us, _)| *at_us <= question.now_us - self.window_us) {
            if let Some(got) = self.got.get_mut(agent) {
                *got -= 1.0;
            }
        }
        let calls = self.calls.len() as f64 + 1.0;
        let behind = self.got.iter().zip(question.published).map(|(got, share)| share * calls - got);
        most_behind(behind, question, last_given)
    }

    pub(super) fn given(&mut self, agent: usize, now_us: i64) {
        self.calls.push_back((now_us, agent));
        if let Some(got) = self.got.get_mut(agent) {
            *got += 1.0;
        }
    }
}

/// Expected shares and calls received leave the window together, so that an absence leaves no trace in it.
#[derive(Debug)]
pub(super) struct FairWindow {
    window_us: i64,
    calls: VecDeque<(i64, usize)>,
    lambdas: VecDeque<f64>,
    owed: Vec<f64>,
}

impl FairWindow {
    pub(super) fn new(window_us: i64, agents: usize) -> Self {
        Self { window_us, calls: VecDeque::new(), lambdas: VecDeque::new(), owed: vec![0.0; agents] }
    }

    pub(super) fn pick(&mut self, question: &Question<'_>, last_given: &[u64]) -> Option<usize> {
        while let Some((_, agent)) = self.calls.pop_front_if(|(at_us, _)| *at_us <= question.now_us - self.window_us) {
            for (owed, share) in self.owed.iter_mut().zip(self.lambdas.drain(..question.lambda.len())) {
                *owed -= share;
            }
            if let Some(owed) = self.owed.get_mut(agent) {
                *owed += 1.0;
            }
        }
        let behind = self.owed.iter().zip(question.lambda).map(|(owed, share)| owed + share);
        most_behind(behind, question, last_given)
    }

    pub(super) fn given(&mut self, agent: usize, now_us: i64, lambda: &[f64]) {
        self.calls.push_back((now_us, agent));
        self.lambdas.extend(lambda);
        for (owed, share) in self.owed.iter_mut().zip(lambda) {
            *owed += share;
        }
        if let Some(owed) = self.owed.get_mut(agent) {
            *owed -= 1.0;
        }
    }
}

/// The member furthest behind among those that can be rung; ties as in the service.
pub(super) fn most_behind(behind: impl Iterator<Item = f64>, question: &Question<'_>, last_given: &[u64]) -> Option<usize> {
    let known = behind.zip(last_given).zip(question.weights).zip(question.ids);
    let standing =
        known.map(|(((credit, last_given), weight), id)| Standing { credit, last_given: *last_given, weight: *weight, id });
    let able = standing.enumerate().zip(question.can_ring).filter(|(_, can_ring)| **can_ring);
    selection::first_to_ring(able.map(|(candidate, _)| candidate))
}
