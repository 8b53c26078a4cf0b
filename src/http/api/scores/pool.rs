//! What scores rest on: what everybody is compared with, and what was left out.

use serde::Serialize;
use utoipa::ToSchema;

use crate::core::money;
use crate::core::scoring::score_table::{DealNotes, PoolFigures};

/// What everybody of a pool is compared with. Money as decimal text with at least six digits after the point.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct PoolItem {
    /// Contracts of all agents within the horizon.
    pub contracts_closed: u64,
    /// Deals won, lost or overdue of all agents within the horizon.
    pub opportunities: u64,
    /// Sum of the contracts' amounts.
    pub revenue: String,
    /// Contracts per opportunity (or call), faded: what an average agent comes to; null without any.
    pub base_rate: Option<f64>,
    /// Median amount of a contract; null without amounts.
    pub median_amount: Option<String>,
    /// One contract counts at most this much; null without a limit.
    pub cap: Option<String>,
    /// Mean amount after that limit, faded; null without amounts.
    pub mean_capped_amount: Option<String>,
    /// Median time from opening a deal to closing it, in days; null where no deal has both dates.
    pub median_days_to_close: Option<f64>,
}

impl PoolItem {
    pub(super) fn of(pool: &PoolFigures) -> Self {
        Self {
            contracts_closed: pool.contracts_closed,
            opportunities: pool.opportunities,
            revenue: money::to_text(pool.revenue),
            base_rate: pool.base_rate,
            median_amount: pool.median_amount.map(money::to_text),
            cap: pool.cap.map(money::to_text),
            mean_capped_amount: pool.mean_capped_amount.map(money::to_text),
            median_days_to_close: pool.median_seconds_to_close.map(|seconds| seconds / 86_400.0),
        }
    }
}

/// What was left out, guessed, or counted otherwise than the CRM states it: counts of deals unless they say otherwise.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct NotesItem {
    /// Won deals that were returned in full: counted as handled, not as contracts.
    pub returned_contracts: u64,
    /// Closed deals without a close date: dated by their opening, else by today.
    pub undated_deals: u64,
    /// Open deals counted as lost because they are overdue: older than twice the usual time to close.
    pub overdue_open_deals: u64,
    /// Open deals that cannot become overdue because nothing says when they were opened.
    pub open_deals_without_start: u64,
    /// Deals nobody owns.
    pub ownerless_deals: u64,
    /// Deals of agents who share no calls under this policy.
    pub other_agents_deals: u64,
    /// Records left out because another CRM has the same contract.
    pub linked_duplicates: u64,
    /// How many CRM users with deals are mapped to no agent, listed or not.
    pub unmapped_users_total: u64,
    /// First conversations that are too young for a contract to have followed.
    pub calls_too_young: u64,
    /// Calls left out because an agent tagged them.
    pub tagged_calls: u64,
}

impl NotesItem {
    pub(super) fn of(notes: &DealNotes) -> Self {
        Self {
            returned_contracts: notes.returned_contracts,
            undated_deals: notes.undated_deals,
            overdue_open_deals: notes.overdue_open_deals,
            open_deals_without_start: notes.open_deals_without_start,
            ownerless_deals: notes.ownerless_deals,
            other_agents_deals: notes.other_agents_deals,
            linked_duplicates: notes.linked_duplicates,
            unmapped_users_total: notes.unmapped_users_total,
            calls_too_young: notes.calls_too_young,
            tagged_calls: notes.tagged_calls,
        }
    }
}
