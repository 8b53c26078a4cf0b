//! Use cases: the only place where the pure core meets the world.
//!
//! Async is allowed here, frameworks are not: no web framework, no HTTP client, no SQL, no YAML. The outside is seen
//! only through [`ports`] and [`store`].

pub mod assign_callbacks;
pub mod caller_lookup;
pub mod deadline;
pub mod decide;
pub mod handled_calls;
pub mod hook;
pub mod permits;
pub mod poll_deals;
pub mod ports;
pub mod record_event;
mod recorded_calls;
pub mod recorded_load;
pub mod refresh_scores;
pub mod replay;
mod replayed_scores;
pub mod score_basis;
pub mod score_book;
pub mod share_report;
pub mod store;
pub mod supervise;
pub mod tenant;
pub mod uplift;
mod who_calls;
