//! The calls of one run, drawn one after the other. They do not depend on the policy: every policy of a comparison gets the same callers
//! with the same patience, the same talk and the same luck.

use std::sync::Arc;

use super::distribution::{Drawn, to_seconds, to_us};
use super::scenario::{AfterCall, Load, LoggedCall, Scenario};
use crate::core::chance::SplitMix64;
use crate::core::policy::WrapUp;

pub(super) const HOUR_US: i64 = 3_600_000_000;
pub(super) const DAY_US: i64 = 24 * HOUR_US;

/// Somebody who calls.
#[derive(Debug, Clone)]
pub(super) struct Caller {
    /// From 1, in order of arrival.
    pub(super) number: u64,
    /// When.
    pub(super) arrived_us: i64,
    /// Hangs up if nobody has answered after this instant.
    pub(super) deadline_us: i64,
    /// How long the conversation lasts.
    pub(super) talk_us: i64,
    /// How long the agent needs afterwards.
    pub(super) after_us: i64,
    /// Becomes a contract with whoever converts more than this, in [0, 1).
    pub(super) luck: f64,
    /// Whether the caller was not put through at once.
    pub(super) waited: bool,
    /// Who was rung in vain.
    pub(super) rung: Vec<usize>,
}

#[derive(Debug)]
enum After {
    None,
    ByTalk(WrapUp),
    Drawn(Drawn),
}

/// Draws the calls of one run.
#[derive(Debug)]
pub(super) struct Calls<'a> {
    load: &'a Load,
    log: Arc<[LoggedCall]>,
    days: i64,
    open_us: i64,
    talk: Drawn,
    after: After,
    patience: Option<Drawn>,
    chance: SplitMix64,
    next_us: Option<i64>,
    number: u64,
}

impl<'a> Calls<'a> {
    pub(super) fn new(scenario: &'a Scenario, seed: u64) -> Self {
        let log = match &scenario.load {
            Load::PerHour(_) => Arc::default(),
            Load::Log(calls) => {
                let mut calls = calls.clone();
                calls.sort_by(|a, b| a.at_seconds.total_cmp(&b.at_seconds));
                calls.into()
            }
        };
        let mut calls = Self {
            load: &scenario.load,
            log,
            days: i64::from(scenario.days),
            open_us: to_us(scenario.open_seconds).min(DAY_US),
            talk: Drawn::from(&scenario.talk),
            after: match &scenario.after_call {
                AfterCall::None => After::None,
                AfterCall::ByTalk(wrap_up) => After::ByTalk(*wrap_up),
                AfterCall::Drawn(distribution) => After::Drawn(distribution.into()),
            },
            patience: scenario.patience.as_ref().map(Drawn::from),
            chance: SplitMix64::stream(seed, 1),
            next_us: None,
            number: 0,
        };
        calls.next_us = calls.arrival_after(0);
        calls
    }

    /// When the next caller arrives; none when no more do.
    pub(super) fn next_us(&self) -> Option<i64> {
        self.next_us
    }

    /// The next caller.
    pub(super) fn take(&mut self) -> Option<Caller> {
        let arrived_us = self.next_us?;
        let logged = usize::try_from(self.number).ok().and_then(|at| self.log.get(at));
        let talk_us = match logged {
            Some(call) => to_us(call.talk_seconds),
            None => self.talk.draw_us(&mut self.chance),
        };
        let after_us = match &self.after {
            After::None => 0,
            After::ByTalk(wrap_up) => to_us(wrap_up.seconds(to_seconds(talk_us))),
            After::Drawn(drawn) => drawn.draw_us(&mut self.chance),
        };
        let patience_us = self.patience.as_ref().map(|patience| patience.draw_us(&mut self.chance));
        let luck = self.chance.unit();
        self.number += 1;
        self.next_us = self.arrival_after(arrived_us);
        let deadline_us = patience_us.map_or(i64::MAX, |patience| arrived_us + patience);
        Some(Caller { number: self.number, arrived_us, deadline_us, talk_us, after_us, luck, waited: false, rung: Vec::new() })
    }

    /// The first arrival after an instant. A Poisson process has no memory: where the rate changes, the gap is drawn anew.
    fn arrival_after(&mut self, from_us: i64) -> Option<i64> {
        let rates = match self.load {
            Load::Log(_) => {
                let at = usize::try_from(self.number).ok()?;
                return self.log.get(at).map(|call| super::distribution::log_time_us(call.at_seconds));
            }
            Load::PerHour(rates) => rates,
        };
        let mut at_us = from_us;
        loop {
            let (day, in_day) = (at_us / DAY_US, at_us % DAY_US);
            if day >= self.days {
                return None;
            }
            if in_day >= self.open_us {
                at_us = (day + 1) * DAY_US;
                continue;
            }
            let hour = in_day / HOUR_US;
            let rate = usize::try_from(hour).ok().and_then(|hour| rates.get(hour)).or(rates.last()).copied().unwrap_or(0.0);
            let end_us = ((hour + 1) * HOUR_US).min(self.open_us);
            if rate > 0.0 {
                let gap_us = to_us(self.chance.exponential(3600.0 / rate));
                if in_day + gap_us < end_us {
                    return Some(at_us + gap_us);
                }
            }
            at_us = day * DAY_US + end_us;
        }
    }
}
