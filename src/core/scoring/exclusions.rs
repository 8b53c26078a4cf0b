//! What shall not count for scores: deals, calls and days that a lead took out, and calls that agents tagged.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::core::ids::{AgentId, CallKey, ConnectionId, DealId};
use crate::core::intervention::{Excluded, InterventionBook};

/// What shall not count.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Exclusions {
    subjects: BTreeSet<Excluded>,
    days: Vec<Excluded>,
    /// With when they were tagged.
    tagged: HashMap<CallKey, Timestamp>,
}

impl Exclusions {
    /// What holds by hand now.
    pub fn of(book: &InterventionBook) -> Self {
        let subjects: BTreeSet<Excluded> = book.exclusions().map(|(subject, _)| subject.clone()).collect();
        let is_days = |subject: &&Excluded| matches!(subject, Excluded::Days { .. });
        Self {
            days: subjects.iter().filter(is_days).cloned().collect(),
            subjects,
            tagged: book.tags().map(|(call, at)| (call.clone(), at)).collect(),
        }
    }

    /// The exclusion of a deal.
    pub(in crate::core) fn deal(&self, connection: &ConnectionId, deal: &DealId) -> Option<&Excluded> {
        if self.subjects.is_empty() {
            return None;
        }
        self.subjects.get(&Excluded::Deal { connection: connection.clone(), deal: deal.clone() })
    }

    /// The exclusion of a call.
    pub(in crate::core) fn call(&self, key: &CallKey) -> Option<&Excluded> {
        if self.subjects.is_empty() {
            return None;
        }
        self.subjects.get(&Excluded::Call { connection: key.connection.clone(), call: key.call.clone() })
    }

    /// The exclusion of an agent's day.
    pub(in crate::core) fn day(&self, agent: &AgentId, day: Date) -> Option<&Excluded> {
        self.days.iter().find(|days| match days {
            Excluded::Days { agent: of, from, to } => of.as_ref().is_none_or(|of| of == agent) && (*from..=*to).contains(&day),
            Excluded::Deal { .. } | Excluded::Call { .. } => false,
        })
    }

    /// The last day that is taken out of an agent's results, of those up to a day.
    pub(in crate::core) fn last_day(&self, agent: &AgentId, until: Date) -> Option<Date> {
        let last = |days: &Excluded| match days {
            Excluded::Days { agent: of, from, to } => {
                (of.as_ref().is_none_or(|of| of == agent) && *from <= until).then(|| (*to).min(until))
            }
            Excluded::Deal { .. } | Excluded::Call { .. } => None,
        };
        self.days.iter().filter_map(last).max()
    }

    /// Whether an agent said that nothing could be sold in a call that was answered at an instant. A PBX may use an id again: an
    /// earlier tag is of an earlier call.
    pub(in crate::core) fn is_tagged(&self, key: &CallKey, answered_at: Timestamp) -> bool {
        self.tagged.get(key).is_some_and(|tagged_at| answered_at <= *tagged_at)
    }
}

/// An exclusion that took something out of an agent's results.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppliedExclusion {
    /// Whose results.
    pub agent: AgentId,
    /// By which exclusion.
    pub subject: Excluded,
    /// How many deals and calls it took out.
    pub items: u64,
}

/// Counts what exclusions take out.
#[derive(Debug, Default)]
pub(in crate::core) struct Applied(BTreeMap<(AgentId, Excluded), u64>);

impl Applied {
    /// One item less for an agent.
    pub(in crate::core) fn note(&mut self, agent: &AgentId, subject: &Excluded) {
        *self.0.entry((agent.clone(), subject.clone())).or_default() += 1;
    }

    /// All of them, by agent.
    pub(in crate::core) fn finish(self) -> Vec<AppliedExclusion> {
        self.0.into_iter().map(|((agent, subject), items)| AppliedExclusion { agent, subject, items }).collect()
    }
}
