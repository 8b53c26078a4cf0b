//! Which deals count for a score, for whom, how much they weigh, and what was left out.
//!
//! Turns the records of several CRMs into one deterministic list of [`CountedDeal`]s. It must not know the formulas
//! of the indices: those are in `score`.
//!
//! Rules, in the order they are applied:
//! 1. One record per deal id of a connection; connections the policy does not name are not read.
//! 2. The same `link_key` in two connections is one contract: of the connections in which it is decided, wanted and owned by an
//!    agent the one named first in the policy is believed; where it is so in none, the first of all.
//! 3. Filters (pipeline, lead source, new customers).
//! 4. A contract belongs to the agent of the call it came from, at the time of that call, where conversions are counted from
//!    calls and one of its phones had called; otherwise a deal belongs to its owner ([`Deal::owner`]). Whoever it is must be
//!    an agent of the pool; others are told in the notes.
//! 5. Won and lost deals count inside the horizon, by `closed_at`. Where it is missing, or a loss lies before its opening, the deal
//!    is taken to have lasted the pool's median time to close, and without an opening it counts as of today. Leaving such deals
//!    out would reward whoever clears the date of a lost deal, and would make the scores of a CRM without dates empty; how many
//!    there are is told.
//! 6. Open deals count as lost from the moment they are older than twice the median time to close (at least two days: dates
//!    often have no time), and fade from then on. No deal is younger than our first sight of it open.
//! 7. Of younger ones as many count as lost, in parts, as the member has decided fewer than others would have by their age (`pace`);
//!    where conversions are counted from opportunities.
//! 8. What a lead excluded does not count, and what an exclusion took out is told.
//!
//! Ages are time on duty ([`crate::core::working_time::duty_days`]).

use std::collections::{BTreeMap, HashMap};

use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;

use super::exclusions::{Applied, AppliedExclusion};
use super::first_contacts::{FirstContacts, Origin};
use super::pace::{self, Course, Decided, Undecided};
use super::score_scope::{Scope, Week};
use super::score_table::{DealNotes, UnmappedUser};
use crate::core::deal::{Deal, DealStatus};
use crate::core::ids::{ConnectionId, CrmUserId};
use crate::core::money::Currency;
use crate::core::policy::{DealFilter, Exposure};
use crate::core::workspace::AgentIx;

pub(in crate::core) use crate::core::working_time::duty_days::seconds_between;

/// An open deal counts as lost when it is older than this many median times to close.
const PATIENCE_IN_MEDIANS: f64 = 2.0;

/// No median is taken as shorter than a day: dates without a time make one of 0 where deals close on the day they come.
pub(in crate::core) const MEDIAN_SECONDS_MIN: f64 = 24.0 * 3600.0;

/// From this part of contracts on that have a phone, those without are taken as not called in.
const PHONES_KNOWN_MIN: f64 = 0.8;

/// How many unmapped users a table lists; the number of all is told beside the list.
const UNMAPPED_USERS_MAX: usize = 200;

/// How a counted deal ended.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::core) enum Outcome {
    /// A contract; with its amount after returns, when it has one in the workspace's currency.
    Contract(Option<Decimal>),
    /// None.
    NoContract,
}

/// One deal that counts.
pub(in crate::core) struct CountedDeal<'d> {
    /// Position in the pool of the agent it counts for.
    pub(in crate::core) member: usize,
    /// What is left of it after fading: 0 to 1.
    pub(in crate::core) weight: f64,
    /// How it ended.
    pub(in crate::core) outcome: Outcome,
    /// In which week the chance lay: that of its call, else of its opening, else of its close.
    pub(in crate::core) week: Week,
    /// From which call it came.
    pub(in crate::core) origin: Origin,
    /// The record.
    pub(in crate::core) deal: &'d Deal,
}

/// What the CRMs say about a pool.
pub(in crate::core) struct History<'d> {
    /// Dated deals by (connection, deal id), then undated and then overdue open ones in the same order: the order of summation.
    pub(in crate::core) counted: Vec<CountedDeal<'d>>,
    /// Open deals of which a part counts as lost; none where conversions are counted from calls.
    pub(in crate::core) undecided: Vec<Undecided<'d>>,
    /// First contacts; none where conversions are not counted from calls.
    pub(in crate::core) contacts: FirstContacts<'d>,
    /// Contracts of each pool member whatever their age.
    pub(in crate::core) contracts_known: Vec<u64>,
    /// Median time from opening to closing of the counted won and lost deals, in seconds.
    pub(in crate::core) median_seconds_to_close: Option<f64>,
    /// Owners that are no agents, most deals first; at most [`UNMAPPED_USERS_MAX`].
    pub(in crate::core) unmapped_users: Vec<UnmappedUser>,
    /// What exclusions took out.
    pub(in crate::core) exclusions: Vec<AppliedExclusion>,
    /// What was left out or guessed.
    pub(in crate::core) notes: DealNotes,
}

/// How old an open deal is when it counts as lost.
fn patience_seconds(median_seconds_to_close: f64) -> f64 {
    PATIENCE_IN_MEDIANS * median_seconds_to_close.max(MEDIAN_SECONDS_MIN)
}

/// `2^(-age/half_life)`; 1 without a half-life.
pub(in crate::core) fn fading(age_seconds: f64, half_life_seconds: Option<u64>) -> f64 {
    match half_life_seconds {
        Some(half_life) => (-age_seconds / half_life.max(1) as f64).exp2(),
        None => 1.0,
    }
}

/// The middle value (the mean of the two middle ones). Sorts `values`.
pub(in crate::core) fn median_of(values: &mut [f64]) -> Option<f64> {
    values.sort_unstable_by(f64::total_cmp);
    let upper = *values.get(values.len() / 2)?;
    if values.len() % 2 == 1 {
        return Some(upper);
    }
    let lower = *values.get(values.len() / 2 - 1)?;
    Some(lower + (upper - lower) / 2.0)
}

/// Reads the deals of a pool.
pub(in crate::core) fn read<'d>(scope: &Scope<'d>, deals: impl IntoIterator<Item = (&'d ConnectionId, &'d Deal)>) -> History<'d> {
    let (mut notes, mut applied) = (DealNotes::default(), Applied::default());
    let settings = scope.input.settings;
    let counts = |record: &Record<'_, '_>| is_wanted_result(&settings.deals, record.deal) && agent_of(scope, record).is_some();
    let mut records = canonical(&settings.crm, deals, counts, &mut notes);
    records.retain(|record| passes(&settings.deals, record.deal));
    let contacts = match settings.exposure {
        Exposure::Calls => FirstContacts::pick(scope, records.iter().map(|record| record.deal), &mut applied, &mut notes),
        Exposure::Opportunities => FirstContacts::default(),
    };
    let mut reader = Reader::new(scope, contacts, notes, applied);
    let mut open = Vec::new();
    let mut undated = Vec::new();
    for record in records {
        match record.deal.status {
            DealStatus::Won | DealStatus::Lost => match believed_close(record.deal) {
                Some(closed_at) => reader.decided(&record, closed_at),
                None => undated.push(record),
            },
            DealStatus::Open => {
                if let Some(owner) = reader.owner(&record).filter(|(agent, _)| !reader.is_excluded(&record, *agent)) {
                    open.push((owner, record));
                }
            }
        }
    }
    let median_seconds_to_close = median_of(&mut reader.seconds_to_close);
    for record in undated {
        reader.decided(&record, likely_close(record.deal, median_seconds_to_close, scope.input.now));
    }
    for (owner, record) in open {
        reader.open(owner, &record, median_seconds_to_close);
    }
    if settings.exposure == Exposure::Calls {
        reader.doubt_untold();
    }
    reader.finish(median_seconds_to_close)
}

/// One record of a deal.
pub(in crate::core) struct Record<'a, 'd> {
    rank: usize,
    connection: &'a ConnectionId,
    /// The deal.
    pub(in crate::core) deal: &'d Deal,
}

/// One record per contract, ordered by (place of the connection in the policy, deal id), so that the order in which deals
/// arrive cannot move a sum by a single bit.
///
/// Of connections that have the same contract the first is believed in which it counts; the first of all where it does so in none.
pub(in crate::core) fn canonical<'a, 'd>(
    order: &'a [ConnectionId],
    deals: impl IntoIterator<Item = (&'d ConnectionId, &'d Deal)>,
    counts: impl Fn(&Record<'a, 'd>) -> bool,
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
    let mut believed: HashMap<&'d str, (bool, usize)> = HashMap::new();
    for (record, key) in records.iter().filter_map(|record| Some((record, link_key(record.deal)?))) {
        let known = believed.entry(key).or_insert((false, record.rank));
        if !known.0 && counts(record) {
            *known = (true, record.rank);
        }
    }
    let before = records.len();
    records.retain(|record| link_key(record.deal).and_then(|key| believed.get(key)).is_none_or(|(_, rank)| *rank == record.rank));
    notes.linked_duplicates = (before - records.len()) as u64;
    records
}

fn link_key(deal: &Deal) -> Option<&str> {
    deal.link_key.as_deref().map(str::trim).filter(|key| !key.is_empty())
}

/// Whether a deal is decided and one of those a policy wants.
pub(in crate::core) fn is_wanted_result(filter: &DealFilter, deal: &Deal) -> bool {
    matches!(deal.status, DealStatus::Won | DealStatus::Lost) && passes(filter, deal)
}

/// Whether a deal is one of those a policy wants.
pub(in crate::core) fn passes(filter: &DealFilter, deal: &Deal) -> bool {
    let named =
        |wanted: &[String], has: Option<&str>| wanted.is_empty() || has.is_some_and(|has| wanted.iter().any(|name| name == has));
    named(&filter.pipelines, deal.pipeline.as_deref())
        && named(&filter.sources, deal.lead_source.as_deref())
        && (!filter.new_customers_only || deal.new_customer == Some(true))
}

/// A date without a time is the start of its day: a deal closed on the day it was opened may seem to end before it began.
const DATE_ONLY: SignedDuration = SignedDuration::from_hours(24);

/// When a decided deal ended; none where nothing tells, or where a loss is said to lie before its opening.
fn believed_close(deal: &Deal) -> Option<Timestamp> {
    let closed_at = deal.closed_at?;
    match deal.status {
        DealStatus::Won => Some(closed_at),
        DealStatus::Lost | DealStatus::Open => {
            let earliest = deal.known_since().and_then(|since| since.checked_sub(DATE_ONLY).ok());
            earliest.is_none_or(|earliest| earliest <= closed_at).then_some(closed_at)
        }
    }
}

/// When a deal without a date is taken to have ended: after the usual time, but not in the future; now, where nothing tells when it
/// came.
fn likely_close(deal: &Deal, median_seconds_to_close: Option<f64>, now: Timestamp) -> Timestamp {
    let usual = median_seconds_to_close.and_then(|median| SignedDuration::try_from_secs_f64(median).ok()).unwrap_or_default();
    let closed_at = deal.known_since().and_then(|since| since.checked_add(usual).ok());
    closed_at.unwrap_or(now).min(now)
}

/// The agent who owns a deal, in the pool or not.
fn agent_of(scope: &Scope<'_>, record: &Record<'_, '_>) -> Option<AgentIx> {
    scope.input.workspace.find_agent_by_crm_user(record.connection, record.deal.owner()?)
}

/// Whom a deal counts for: the agent, and the position in the pool.
type Owner = (AgentIx, usize);

struct Reader<'s, 'd> {
    scope: &'s Scope<'d>,
    contacts: FirstContacts<'d>,
    counted: Vec<CountedDeal<'d>>,
    contracts_known: Vec<u64>,
    seconds_to_close: Vec<f64>,
    courses: Vec<Course<'d>>,
    unmapped: BTreeMap<(ConnectionId, CrmUserId), u64>,
    applied: Applied,
    notes: DealNotes,
}

impl<'s, 'd> Reader<'s, 'd> {
    fn new(scope: &'s Scope<'d>, contacts: FirstContacts<'d>, notes: DealNotes, applied: Applied) -> Self {
        Self {
            scope,
            contacts,
            counted: Vec::new(),
            contracts_known: vec![0; scope.pool.len()],
            seconds_to_close: Vec::new(),
            courses: Vec::new(),
            unmapped: BTreeMap::new(),
            applied,
            notes,
        }
    }

    /// The owner, if in the pool; otherwise it is noted why there is none.
    fn owner(&mut self, record: &Record<'_, '_>) -> Option<Owner> {
        let Some(user) = record.deal.owner() else {
            self.notes.ownerless_deals += 1;
            return None;
        };
        let Some(agent) = self.scope.input.workspace.find_agent_by_crm_user(record.connection, user) else {
            *self.unmapped.entry((record.connection.clone(), user.clone())).or_default() += 1;
            return None;
        };
        self.in_pool(agent)
    }

    fn in_pool(&mut self, agent: AgentIx) -> Option<Owner> {
        let member = self.scope.member(agent);
        if member.is_none() {
            self.notes.other_agents_deals += 1;
        }
        Some((agent, member?))
    }

    /// Whether a deal is excluded. It is told by whom.
    fn is_excluded(&mut self, record: &Record<'_, '_>, agent: AgentIx) -> bool {
        let exclusions = self.scope.input.exclusions;
        let Some(subject) = exclusions.and_then(|exclusions| exclusions.deal(record.connection, &record.deal.deal)) else {
            return false;
        };
        self.applied.note(&self.scope.input.workspace.agent(agent).id, subject);
        true
    }

    /// Whether a lead took out what an agent did on the day of an instant. It is told by whom.
    fn is_day_excluded(&mut self, agent: AgentIx, at: Timestamp) -> bool {
        let Some(exclusions) = self.scope.input.exclusions else { return false };
        let agent = &self.scope.input.workspace.agent(agent).id;
        let Some(subject) = exclusions.day(agent, self.scope.day(at)) else { return false };
        self.applied.note(agent, subject);
        true
    }

    fn decided(&mut self, record: &Record<'_, 'd>, closed_at: Timestamp) {
        let deal = record.deal;
        let outcome = outcome_of(deal, self.scope.input.workspace.currency);
        let origin = self.origin(deal, &outcome, closed_at);
        let contact = match origin {
            Origin::Contact(position) => self.contacts.get(position).cloned(),
            Origin::Untold | Origin::NoCall => None,
        };
        let at = contact.as_ref().map_or(closed_at, |contact| contact.at);
        let agent = contact.as_ref().map(|contact| contact.agent).or_else(|| agent_of(self.scope, record));
        // By the calendar where it is nobody's here.
        let age_seconds = agent.map_or_else(|| self.scope.calendar_seconds(at), |agent| self.scope.age_seconds(agent, at));
        if !self.scope.is_inside_horizon(age_seconds) {
            // What could not count any more is not noted either.
            if let Some(member) = agent.and_then(|agent| self.scope.member(agent)) {
                self.know(member, &outcome);
            }
            return;
        }
        let owner = match &contact {
            Some(contact) => self.in_pool(contact.agent),
            None => self.owner(record),
        };
        let Some((agent, member)) = owner else { return };
        self.know(member, &outcome);
        if self.is_excluded(record, agent) || self.is_day_excluded(agent, at) {
            return;
        }
        self.notes.undated_deals += u64::from(believed_close(deal).is_none());
        self.note_amount(deal, &outcome);
        if let (Some(opened), Some(closed)) = (deal.known_since(), believed_close(deal)) {
            // What seems to have ended before it began took no time: leaving it out would bend the median upwards.
            self.seconds_to_close.push(seconds_between(opened, closed));
            let after_seconds = self.scope.deciding_seconds(agent, opened, closed);
            let decided = Decided { age_seconds: self.scope.age_seconds(agent, closed), after_seconds, outcome };
            self.follow((agent, member), record, opened, Some(decided));
        }
        let began_at = contact.as_ref().map(|contact| contact.at).or(deal.known_since()).unwrap_or(at);
        let (weight, week) = (self.scope.weight(age_seconds), self.scope.week(began_at));
        self.counted.push(CountedDeal { member, weight, outcome, week, origin, deal });
    }

    /// From which call a contract came; a deal without a contract needs none.
    fn origin(&self, deal: &Deal, outcome: &Outcome, closed_at: Timestamp) -> Origin {
        match (self.scope.input.settings.exposure, outcome) {
            (Exposure::Calls, Outcome::Contract(_)) => self.contacts.origin(self.scope, deal, self.scope.day(closed_at)),
            (Exposure::Calls, Outcome::NoContract) | (Exposure::Opportunities, _) => Origin::Untold,
        }
    }

    fn open(&mut self, (agent, member): Owner, record: &Record<'_, 'd>, median_seconds_to_close: Option<f64>) {
        let deal = record.deal;
        let Some(opened_at) = deal.known_since() else {
            self.notes.open_deals_without_start += 1;
            return;
        };
        self.follow((agent, member), record, opened_at, None);
        let Some(patience_seconds) = median_seconds_to_close.map(patience_seconds) else { return };
        let overdue_seconds = self.scope.age_seconds(agent, opened_at) - patience_seconds;
        if overdue_seconds <= 0.0 || !self.scope.is_inside_horizon(overdue_seconds) {
            return;
        }
        let patience = SignedDuration::try_from_secs_f64(patience_seconds).ok();
        let overdue_at = patience.and_then(|patience| opened_at.checked_add(patience).ok()).unwrap_or(opened_at);
        if self.is_day_excluded(agent, overdue_at) {
            return;
        }
        self.notes.overdue_open_deals += 1;
        self.counted.push(CountedDeal {
            member,
            weight: self.scope.weight(overdue_seconds),
            outcome: Outcome::NoContract,
            week: self.scope.week(opened_at),
            origin: Origin::Untold,
            deal,
        });
    }

    /// Notes a deal whose opening is known. One that another agent had open says nothing of its owner's pace: whoever takes deals over
    /// gets those that were not decided.
    fn follow(&mut self, (agent, member): Owner, record: &Record<'_, 'd>, opened_at: Timestamp, decided: Option<Decided>) {
        let first = record.deal.memory.first_seen_owner.as_ref();
        let first = first.and_then(|user| self.scope.input.workspace.find_agent_by_crm_user(record.connection, user));
        if first.is_some_and(|first| first != agent) {
            return;
        }
        let age_seconds = self.scope.age_seconds(agent, opened_at);
        let deciding_seconds = self.scope.deciding_seconds(agent, opened_at, self.scope.input.now);
        self.courses.push(Course { member, opened_at, age_seconds, deciding_seconds, decided, deal: record.deal });
    }

    fn undecided(&self, median_seconds_to_close: Option<f64>) -> Vec<Undecided<'d>> {
        match (self.scope.input.settings.exposure, median_seconds_to_close) {
            (Exposure::Opportunities, Some(median)) => pace::undecided(self.scope, &self.courses, patience_seconds(median)),
            (Exposure::Opportunities | Exposure::Calls, _) => Vec::new(),
        }
    }

    /// Where contracts have phones as a rule, one without came from no call we know of: else clearing the phone of a contract that no
    /// call of one's own led to would pay.
    fn doubt_untold(&mut self) {
        let contract = |deal: &&mut CountedDeal<'_>| matches!(deal.outcome, Outcome::Contract(_));
        let (mut all, mut told) = (0.0, 0.0);
        for deal in self.counted.iter_mut().filter(contract) {
            all += 1.0;
            told += f64::from(deal.origin != Origin::Untold);
        }
        if told >= PHONES_KNOWN_MIN * all {
            for deal in self.counted.iter_mut().filter(contract).filter(|deal| deal.origin == Origin::Untold) {
                deal.origin = Origin::NoCall;
            }
        }
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

    fn finish(mut self, median_seconds_to_close: Option<f64>) -> History<'d> {
        let undecided = self.undecided(median_seconds_to_close);
        self.notes.unmapped_users_total = self.unmapped.len() as u64;
        let mut unmapped_users: Vec<UnmappedUser> =
            self.unmapped.into_iter().map(|((connection, user), deals)| UnmappedUser { connection, user, deals }).collect();
        unmapped_users.sort_by_key(|user| std::cmp::Reverse(user.deals));
        unmapped_users.truncate(UNMAPPED_USERS_MAX);
        History {
            undecided,
            counted: self.counted,
            contacts: self.contacts,
            contracts_known: self.contracts_known,
            median_seconds_to_close,
            unmapped_users,
            exclusions: self.applied.finish(),
            notes: self.notes,
        }
    }
}

/// A won deal is a contract unless all of it was returned (or its amount is below 0, a credit note): then it is a deal
/// that was handled and brought nothing. The amount is what is left after returns, whatever sign the CRM gives them.
pub(in crate::core) fn outcome_of(deal: &Deal, currency: Currency) -> Outcome {
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
