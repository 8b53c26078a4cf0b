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

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::deal_ending::{Outcome, believed_close, likely_close, outcome_of, patience_seconds};
use super::deal_records::{Record, canonical, is_wanted_result, passes};
use super::exclusions::{Applied, AppliedExclusion};
use super::first_contacts::{FirstContacts, Origin};
use super::formulas::median_of;
use super::pace::{self, Course, Decided, Undecided};
use super::score_scope::{Scope, Week};
use super::score_table::{DealNotes, UnmappedUser};
use crate::core::deal::{Deal, DealStatus};
use crate::core::ids::{ConnectionId, CrmUserId};
use crate::core::policy::Exposure;
use crate::core::working_time::duty_days::seconds_between;
use crate::core::workspace::AgentIx;

/// From this part of contracts on that have a phone, those without are taken as not called in.
const PHONES_KNOWN_MIN: f64 = 0.8;

/// How many unmapped users a table lists; the number of all is told beside the list.
const UNMAPPED_USERS_MAX: usize = 200;

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
