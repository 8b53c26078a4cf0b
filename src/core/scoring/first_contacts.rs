//! Which calls are chances, and from which of them a contract came: only for scores that count conversions from calls.
//!
//! A chance is the first conversation of a caller that was long enough; whoever rings again is no new one. A contract belongs
//! to the first contact from one of its contact's phones, to the agent of that call and to its day, whoever closed it.
//! A call that was tagged or excluded is taken as never made; one of an excluded day was made, but does not count.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;
use jiff::civil::Date;

use super::chance_sums::Kind;
use super::exclusions::Applied;
use super::handled_call::HandledCall;
use super::score_scope::{Scope, Week};
use super::score_table::DealNotes;
use crate::core::deal::Deal;
use crate::core::ids::CallKey;
use crate::core::workspace::AgentIx;

/// The first conversation with somebody.
#[derive(Debug, Clone)]
pub(in crate::core) struct Contact<'a> {
    /// Who talked.
    pub(in crate::core) agent: AgentIx,
    /// Position in the pool; none for an agent of another pool.
    pub(in crate::core) member: Option<usize>,
    /// When.
    pub(in crate::core) at: Timestamp,
    /// How long ago, in the agent's seconds on duty.
    pub(in crate::core) age_seconds: f64,
    week: Week,
    source: Option<&'a str>,
    excluded: bool,
}

impl<'a> Contact<'a> {
    /// Which kind of chance it is.
    pub(in crate::core) fn kind(&self) -> Kind<'a> {
        (self.source, self.week)
    }

    /// Whether it counts, given how long it takes until a contract can have followed.
    pub(in crate::core) fn counts(&self, scope: &Scope<'_>, ripe_after_seconds: f64) -> bool {
        !self.excluded && scope.is_inside_horizon(self.age_seconds) && scope.calendar_seconds(self.at) >= ripe_after_seconds
    }
}

/// Which call a contract came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::core) enum Origin {
    /// Nothing tells: the deal has no phone number. It is its owner's.
    Untold,
    /// From this first contact, by position.
    Contact(usize),
    /// From no call we know of: a visitor, a letter, or a call before we listened.
    NoCall,
}

/// The first contacts of a workspace.
#[derive(Debug, Default)]
pub(in crate::core) struct FirstContacts<'a> {
    contacts: Vec<Contact<'a>>,
    by_caller: HashMap<&'a str, usize>,
}

impl<'a> FirstContacts<'a> {
    /// Picks them from all conversations. `deals` tell the lead source of a caller.
    pub(in crate::core) fn pick(
        scope: &Scope<'a>,
        deals: impl Iterator<Item = &'a Deal>,
        applied: &mut Applied,
        notes: &mut DealNotes,
    ) -> Self {
        let sources = sources_of_callers(deals);
        let min_talk = f64::from(scope.input.settings.min_talk_seconds);
        let mut talks: Vec<&HandledCall> =
            scope.input.handled_calls.iter().filter(|call| call.talk_seconds >= min_talk).collect();
        talks.sort_by(|a, b| (a.at, &a.call, &a.agent).cmp(&(b.at, &b.call, &b.agent)));
        let mut found = Self::default();
        let mut seen: HashSet<&CallKey> = HashSet::new();
        for talk in talks {
            if seen.insert(&talk.call) && !is_taken_out(scope, talk, applied, notes) {
                found.add(scope, talk, &sources, applied);
            }
        }
        found
    }

    fn add(&mut self, scope: &Scope<'a>, talk: &'a HandledCall, sources: &HashMap<&str, &'a str>, applied: &mut Applied) {
        let caller = talk.caller.as_ref().map(|caller| caller.expose());
        let known = caller.is_some_and(|caller| self.by_caller.contains_key(caller));
        let Some(agent) = scope.input.workspace.find_agent(&talk.agent).filter(|_| !known) else { return };
        let member = scope.member(agent);
        let day = scope.input.exclusions.and_then(|exclusions| exclusions.day(&talk.agent, scope.day(talk.at)));
        if let Some(subject) = day.filter(|_| member.is_some()) {
            applied.note(&talk.agent, subject);
        }
        if let Some(caller) = caller {
            self.by_caller.insert(caller, self.contacts.len());
        }
        self.contacts.push(Contact {
            agent,
            member,
            at: talk.at,
            age_seconds: scope.age_seconds(agent, talk.at),
            week: scope.week(talk.at),
            source: caller.and_then(|caller| sources.get(caller).copied()),
            excluded: day.is_some(),
        });
    }

    /// All of them, in the order of time.
    pub(in crate::core) fn iter(&self) -> impl Iterator<Item = &Contact<'a>> {
        self.contacts.iter()
    }

    /// The one at a position.
    pub(in crate::core) fn get(&self, position: usize) -> Option<&Contact<'a>> {
        self.contacts.get(position)
    }

    /// From which call a contract of this day came. The call may be of the same day: a close date often has no time.
    pub(in crate::core) fn origin(&self, scope: &Scope<'_>, deal: &Deal, closed: Date) -> Origin {
        if deal.contact_phones.is_empty() {
            return Origin::Untold;
        }
        let positions = deal.contact_phones.iter().filter_map(|phone| self.by_caller.get(phone.as_str()).copied());
        let before = positions.filter(|position| self.get(*position).is_some_and(|contact| scope.day(contact.at) <= closed));
        // Positions are in the order of time.
        before.min().map_or(Origin::NoCall, Origin::Contact)
    }
}

/// Whether a call counts as never made. It is told where it would have counted.
fn is_taken_out(scope: &Scope<'_>, talk: &HandledCall, applied: &mut Applied, notes: &mut DealNotes) -> bool {
    let Some(exclusions) = scope.input.exclusions else { return false };
    let in_pool = scope.input.workspace.find_agent(&talk.agent).is_some_and(|agent| scope.member(agent).is_some());
    if exclusions.is_tagged(&talk.call, talk.at) {
        notes.tagged_calls += u64::from(in_pool);
        return true;
    }
    let subject = exclusions.call(&talk.call);
    if let Some(subject) = subject.filter(|_| in_pool) {
        applied.note(&talk.agent, subject);
    }
    subject.is_some()
}

/// Where each caller's lead came from: by the first deal, in the order of records, that tells.
fn sources_of_callers<'a>(deals: impl Iterator<Item = &'a Deal>) -> HashMap<&'a str, &'a str> {
    let mut sources = HashMap::new();
    for deal in deals {
        if let Some(source) = deal.source() {
            for phone in &deal.contact_phones {
                sources.entry(phone.as_str()).or_insert(source);
            }
        }
    }
    sources
}
