//! What conversations of the demo lead to: some open a deal, which is won or lost a little later, each agent by its own
//! record in the sample. So scores move while one looks.
//!
//! A real deal takes weeks; here it takes minutes of the demo's time, else nobody would see it close.

use std::time::Duration;

use jiff::Timestamp;
use rust_decimal::Decimal;
use tokio::time::Instant;

use super::company::Company;
use super::crm::Crm;
use super::speed::Speed;
use crate::core::chance::SplitMix64;

/// How many conversations open a deal.
const OPENING_RATE: f64 = 0.5;
/// Mean time from opening to closing, in seconds of the demo's time.
const CLOSING_SECONDS_MEAN: f64 = 900.0;

struct OpenDeal {
    deal: u64,
    agent: usize,
    due: Instant,
    amount: Option<Decimal>,
}

/// A deal that was just closed.
#[derive(Debug, Clone, PartialEq)]
pub struct Closed {
    /// Position in [`Company::agents`].
    pub agent: usize,
    /// The contract's amount; none when it was lost.
    pub amount: Option<Decimal>,
}

/// The deals the demo's calls opened.
pub struct Sales {
    chance: SplitMix64,
    speed: Speed,
    open: Vec<OpenDeal>,
}

impl Sales {
    /// Nothing open yet.
    pub fn new(seed: u64, speed: Speed) -> Self {
        Self { chance: SplitMix64::stream(seed, u64::MAX), speed, open: Vec::new() }
    }

    /// A conversation is over: perhaps it opens a deal. The outcome is drawn at once, from the agent's own record.
    pub fn after_talk(&mut self, company: &Company, crm: &Crm, agent: usize, at: Timestamp) {
        let (Some(person), Some(record)) = (company.agents.get(agent), company.track_record(agent)) else { return };
        if !self.chance.happens(OPENING_RATE) {
            return;
        }
        let won = self.chance.happens(record.win_rate);
        let amount = self.chance.pick(&record.amounts).copied().unwrap_or_default();
        let deal = crm.add_deal(person.crm_user, "Order by telephone", amount, at);
        let wait = Duration::from_secs_f64(self.chance.exponential(CLOSING_SECONDS_MEAN) / self.speed.times());
        self.open.push(OpenDeal { deal, agent, due: Instant::now() + wait, amount: won.then_some(amount) });
    }

    /// Closes what is due.
    pub fn close_due(&mut self, crm: &Crm, at: Timestamp) -> Vec<Closed> {
        let now = Instant::now();
        let (due, open) = std::mem::take(&mut self.open).into_iter().partition(|deal: &OpenDeal| deal.due <= now);
        self.open = open;
        let close = |deal: OpenDeal| {
            match deal.amount {
                Some(_) => crm.win(deal.deal, at),
                None => crm.lose(deal.deal, at),
            };
            Closed { agent: deal.agent, amount: deal.amount }
        };
        due.into_iter().map(close).collect()
    }
}
