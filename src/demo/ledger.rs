//! Counts what happens, as the PBX sees it.

use std::collections::VecDeque;
use std::time::Duration;

use super::screen::{Latency, Totals};
use super::traffic::What;

/// Hook times kept: the latest ones tell how it is now.
const TIMES_MAX: usize = 2000;

/// Counts and hook times.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    pub(super) totals: Totals,
    times: VecDeque<Duration>,
}

impl Ledger {
    /// Adds a happening.
    pub(super) fn add(&mut self, what: &What) {
        let totals = &mut self.totals;
        match what {
            What::Decided { took, .. } => {
                totals.calls += 1;
                totals.in_flight += 1;
                if self.times.len() == TIMES_MAX {
                    self.times.pop_front();
                }
                self.times.push_back(*took);
            }
            What::Rang { .. } | What::Busy { .. } => {}
            What::Answered { .. } => totals.answered += 1,
            What::Missed { .. } => totals.missed += 1,
            What::Ended { .. } => totals.in_flight = totals.in_flight.saturating_sub(1),
            What::HungUp { .. } => {
                totals.hung_up += 1;
                totals.in_flight = totals.in_flight.saturating_sub(1);
            }
            What::Fallback { .. } => {
                totals.fallback += 1;
                totals.in_flight = totals.in_flight.saturating_sub(1);
            }
            What::LinesBusy => {
                totals.calls += 1;
                totals.lines_busy += 1;
            }
            What::HookFailed { decision, .. } => {
                totals.calls += u64::from(*decision);
                totals.hook_failures += 1;
            }
        }
    }

    /// Half and 99 of 100 of the latest hooks, by nearest rank.
    pub(super) fn latency(&self) -> Option<Latency> {
        let mut times: Vec<Duration> = self.times.iter().copied().collect();
        times.sort_unstable();
        let rank = |percent: usize| times.get((times.len() * percent).div_ceil(100).saturating_sub(1)).copied();
        Some(Latency { p50: rank(50)?, p99: rank(99)? })
    }
}
