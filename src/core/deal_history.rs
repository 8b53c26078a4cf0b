//! Which deals count for a score, for whom, how much they weigh, and what was left out.
//!
//! Turns the records of several CRMs into one deterministic list of [`CountedDeal`]s. It must not know the formulas
//! of the indices: those are in `score`.
//!
//! Rules, in the order they are applied:
//! 1. One record per deal id of a connection; connections the policy does not name are not read.
//! 2. The same `link_key` in two connections is one contract: the connection named first in the policy is believed.
//! 3. Filters (pipeline, lead source, new customers).
//! 4. The owner must be an agent of the pool; others are told in the notes.
//! 5. Won and lost deals count inside the horizon, by `closed_at`. Where it is missing, `opened_at` stands in for it, and
//!    without either the deal counts as of today. Leaving such deals out would reward whoever clears the date of a lost
//!    deal, and would make the scores of a CRM without dates empty; how many there are is told.
//! 6. Open deals count as lost from the moment they are older than twice the median time to close, and fade from then on.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use rust_decimal::Decimal;

use super::deal::{Deal, DealStatus};
use super::ids::{ConnectionId, CrmUserId};
use super::money::Currency;
use super::policy::DealFilter;
use super::score::ScoreInput;
use super::score_table::{DealNotes, UnmappedUser};
use super::workspace::AgentIx;

/// An open deal counts as lost when it is older than this many median times to close.
const PATIENCE_IN_MEDIANS: f64 = 2.0;

/// How many unmapped users a table lists; the number of all is told beside the list.
const UNMAPPED_USERS_MAX: usize = 200;

/// How a counted deal ended.
pub(super) enum Outcome {
    /// A contract; with its amount after returns, when it has one in the workspace's currency.
    Contract(Option<Decimal>),
    /// None.
    NoContract,
}

/// One deal that counts.
pub(super) struct CountedDeal {
    /// Position of its owner in the pool.
    pub(super) member: usize,
    /// What is left of it after fading: 0 to 1.
    pub(super) weight: f64,
    /// How it ended.
    pub(super) outcome: Outcome,
}

/// What the CRMs say about a pool.
pub(super) struct History {
    /// Decided deals by (connection, deal id), then overdue open ones in the same order: the order of summation.
    pub(super) counted: Vec<CountedDeal>,
    /// Contracts of each pool member whatever their age.
    pub(super) contracts_known: Vec<u64>,
    /// Median time from opening to closing of the counted won and lost deals, in seconds.
    pub(super) median_seconds_to_close: Option<f64>,
    /// Owners that are no agents, most deals first; at most [`UNMAPPED_USERS_MAX`].
    pub(super) unmapped_users: Vec<UnmappedUser>,
    /// What was left out or guessed.
    pub(super) notes: DealNotes,
}

/// Seconds from `from` to `to`, never below 0: a date in the future has age 0.
pub(super) fn seconds_between(from: Timestamp, to: Timestamp) -> f64 {
    to.duration_since(from).as_secs_f64().max(0.0)
}

/// `2^(-age/half_life)`; 1 without a half-life.
pub(super) fn fading(age_seconds: f64, half_life_seconds: Option<u64>) -> f64 {
    match half_life_seconds {
        Some(half_life) => (-age_seconds / half_life.max(1) as f64).exp2(),
        None => 1.0,
    }
}

/// The middle value (the mean of the two middle ones). Sorts `values`.
pub(super) fn median_of(values: &mut [f64]) -> Option<f64> {
    values.sort_unstable_by(f64::total_cmp);
    let upper = *values.get(values.len() / 2)?;
    if values.len() % 2 == 1 {
        return Some(upper);
    }
    let lower = *values.get(values.len() / 2 - 1)?;
    Some(lower + (upper - lower) / 2.0)
}

/// Reads the deals of a pool.
pub(super) fn read<'d>(
    input: &ScoreInput<'_>,
    pool: &[AgentIx],
    deals: impl IntoIterator<Item = (&'d ConnectionId, &'d Deal)>,
) -> History {
    let mut notes = DealNotes::default();
    let records = canonical(&input.settings.crm, deals, &mut notes);
    let mut reader = Reader::new(input, pool, notes);
    let mut open = Vec::new();
    for record in records.into_iter().filter(|record| passes(&input.settings.deals, record.deal)) {
        match record.deal.status {
            DealStatus::Won | DealStatus::Lost => reader.decided(&record),
            DealStatus::Open => {
                if let Some(member) = reader.owner(&record) {
                    open.push((member, record.deal));
                }
            }
        }
    }
    let median_seconds_to_close = median_of(&mut reader.seconds_to_close);
    for (member, deal) in open {
        reader.open(member, deal, median_seconds_to_close);
    }
    reader.finish(median_seconds_to_close)
}

/// One record of a deal.
pub(super) struct Record<'a, 'd> {
    rank: usize,
    connection: &'a ConnectionId,
    /// The deal.
    pub(super) deal: &'d Deal,
}

/// One record per contract, ordered by (place of the connection in the policy, deal id), so that the order in which deals
/// arrive cannot move a sum by a single bit.
pub(super) fn canonical<'a, 'd>(
    order: &'a [ConnectionId],
    deals: impl IntoIterator<Item = (&'d ConnectionId, &'d Deal)>,
    notes: &mut DealNotes,
) -> Vec<Record<'a, 'd>> {
    let mut ranks: HashMap<&ConnectionId, usize> = HashMap::new();
    for (rank, connection) in order.iter().enumerate() {
        ranks.entry(connection).or_insert(rank);
    }
    let mut records: Vec<Record<'a, 'd>> = deals
        .into_iter()
        .filter_map(|(connection, deal)| {
            let rank = *ranks.get(connection)?;
            Some(Record { rank, connection: order.get(rank)?, deal })
        })
        .collect();
    records.sort_by(|a, b| (a.rank, &a.deal.deal).cmp(&(b.rank, &b.deal.deal)));
    // The sort is stable: of records with the same id, the one that arrived last is the last of its run.
    records.reverse();
    records.dedup_by(|later, kept| later.rank == kept.rank && later.deal.deal == kept.deal.deal);
    records.reverse();

    // Only across connections: within one system two records with one key are two deals of the same customer contract.
    let mut first_seen: HashMap<&str, usize> = HashMap::new();
    let before = records.len();
    records.retain(|record| match record.deal.link_key.as_deref().map(str::trim).filter(|key| !key.is_empty()) {
        Some(key) => *first_seen.entry(key).or_insert(record.rank) == record.rank,
        None => true,
    });
    notes.linked_duplicates = (before - records.len()) as u64;
    records
}

/// Whether a deal is one of those a policy wants.
pub(super) fn passes(filter: &DealFilter, deal: &Deal) -> bool {
    let named =
        |wanted: &[String], has: Option<&str>| wanted.is_empty() || has.is_some_and(|has| wanted.iter().any(|name| name == has));
    named(&filter.pipelines, deal.pipeline.as_deref())
        && named(&filter.sources, deal.lead_source.as_deref())
        && (!filter.new_customers_only || deal.new_customer == Some(true))
}

struct Reader<'i> {
    input: &'i ScoreInput<'i>,
    positions: HashMap<AgentIx, usize>,
    counted: Vec<CountedDeal>,
    contracts_known: Vec<u64>,
    seconds_to_close: Vec<f64>,
    unmapped: BTreeMap<(ConnectionId, CrmUserId), u64>,
    notes: DealNotes,
}

impl<'i> Reader<'i> {
    fn new(input: &'i ScoreInput<'i>, pool: &[AgentIx], notes: DealNotes) -> Self {
        Self {
            input,
            positions: pool.iter().enumerate().map(|(position, agent)| (*agent, position)).collect(),
            counted: Vec::new(),
            contracts_known: vec![0; pool.len()],
            seconds_to_close: Vec::new(),
            unmapped: BTreeMap::new(),
            notes,
        }
    }

    /// The owner's position in the pool; otherwise it is noted why there is none.
    fn owner(&mut self, record: &Record<'_, '_>) -> Option<usize> {
        let Some(user) = &record.deal.user else {
            self.notes.ownerless_deals += 1;
            return None;
        };
        let Some(agent) = self.input.workspace.find_agent_by_crm_user(record.connection, user) else {
            *self.unmapped.entry((record.connection.clone(), user.clone())).or_default() += 1;
            return None;
        };
        let position = self.positions.get(&agent).copied();
        if position.is_none() {
            self.notes.other_agents_deals += 1;
        }
        position
    }

    fn decided(&mut self, record: &Record<'_, '_>) {
        let deal = record.deal;
        let decided_at = deal.closed_at.or(deal.opened_at).unwrap_or(self.input.now);
        let age_seconds = seconds_between(decided_at, self.input.now);
        let outcome = outcome_of(deal, self.input.workspace.currency);
        if !self.is_inside_horizon(age_seconds) {
            if let Some(member) = deal.user.as_ref().and_then(|user| self.quiet_owner(record.connection, user)) {
                self.know(member, &outcome);
            }
            return;
        }
        let Some(member) = self.owner(record) else { return };
        self.know(member, &outcome);
        self.notes.undated_deals += u64::from(deal.closed_at.is_none());
        self.note_amount(deal, &outcome);
        if let (Some(opened), Some(closed)) = (deal.opened_at, deal.closed_at) {
            // A date without a time is the start of its day, so a deal closed on the day it was opened may seem to end
            // before it began: that is 0, and leaving it out would bend the median upwards.
            self.seconds_to_close.push(seconds_between(opened, closed));
        }
        self.count(member, age_seconds, outcome);
    }

    fn open(&mut self, member: usize, deal: &Deal, median_seconds_to_close: Option<f64>) {
        let Some(opened_at) = deal.opened_at else {
            self.notes.open_deals_without_start += 1;
            return;
        };
        // A median of 0 comes from dates without a time and says nothing about how long a deal takes.
        let Some(median) = median_seconds_to_close.filter(|median| *median > 0.0) else { return };
        let overdue_seconds = seconds_between(opened_at, self.input.now) - PATIENCE_IN_MEDIANS * median;
        if overdue_seconds > 0.0 && self.is_inside_horizon(overdue_seconds) {
            self.notes.overdue_open_deals += 1;
            self.count(member, overdue_seconds, Outcome::NoContract);
        }
    }

    fn is_inside_horizon(&self, age_seconds: f64) -> bool {
        self.input.settings.horizon_seconds.is_none_or(|horizon| age_seconds <= horizon as f64)
    }

    fn quiet_owner(&self, connection: &ConnectionId, user: &CrmUserId) -> Option<usize> {
        let agent = self.input.workspace.find_agent_by_crm_user(connection, user)?;
        self.positions.get(&agent).copied()
    }

    fn know(&mut self, member: usize, outcome: &Outcome) {
        if let (Outcome::Contract(_), Some(known)) = (outcome, self.contracts_known.get_mut(member)) {
            *known += 1;
        }
    }

    fn note_amount(&mut self, deal: &Deal, outcome: &Outcome) {
        match outcome {
            Outcome::Contract(None) if deal.amount.is_some() => self.notes.foreign_currency_deals += 1,
            Outcome::Contract(None) => self.notes.contracts_without_amount += 1,
            Outcome::Contract(Some(_)) => {}
            Outcome::NoContract => self.notes.returned_contracts += u64::from(deal.status == DealStatus::Won),
        }
    }

    fn count(&mut self, member: usize, age_seconds: f64, outcome: Outcome) {
        let weight = fading(age_seconds, self.input.settings.half_life_seconds);
        self.counted.push(CountedDeal { member, weight, outcome });
    }

    fn finish(mut self, median_seconds_to_close: Option<f64>) -> History {
        self.notes.unmapped_users_total = self.unmapped.len() as u64;
        let mut unmapped_users: Vec<UnmappedUser> =
            self.unmapped.into_iter().map(|((connection, user), deals)| UnmappedUser { connection, user, deals }).collect();
        unmapped_users.sort_by_key(|user| std::cmp::Reverse(user.deals));
        unmapped_users.truncate(UNMAPPED_USERS_MAX);
        History {
            counted: self.counted,
            contracts_known: self.contracts_known,
            median_seconds_to_close,
            unmapped_users,
            notes: self.notes,
        }
    }
}

/// A won deal is a contract unless all of it was returned (or its amount is below 0, a credit note): then it is a deal
/// that was handled and brought nothing. The amount is what is left after returns, whatever sign the CRM gives them.
pub(super) fn outcome_of(deal: &Deal, currency: Currency) -> Outcome {
    match deal.status {
        DealStatus::Lost | DealStatus::Open => return Outcome::NoContract,
        DealStatus::Won => {}
    }
    let Some(amount) = deal.amount else { return Outcome::Contract(None) };
    let returned = deal.returned_amount.unwrap_or_default().abs();
    let left = amount.saturating_sub(returned);
    if left < Decimal::ZERO || (left.is_zero() && !returned.is_zero()) {
        return Outcome::NoContract;
    }
    match deal.currency {
        Some(other) if other != currency => Outcome::Contract(None),
        Some(_) | None => Outcome::Contract(Some(left)),
    }
}
