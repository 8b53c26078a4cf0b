//! Which records of deals are read: one per contract, of those a policy wants.
//!
//! It must not know whom a deal counts for, nor how it ended.

use std::collections::HashMap;

use super::score_table::DealNotes;
use crate::core::deal::{Deal, DealStatus};
use crate::core::ids::ConnectionId;
use crate::core::policy::DealFilter;

/// One record of a deal.
pub(in crate::core) struct Record<'a, 'd> {
    rank: usize,
    /// Which system told it.
    pub(in crate::core) connection: &'a ConnectionId,
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
