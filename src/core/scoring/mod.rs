//! From results to values: what counts, since when, for whom, and how sure it is.
//!
//! Deals and conversations come in as values; what comes out is a score table. It must not know shares or calls at hand.

pub mod adjustments;
pub(in crate::core) mod chance_sums;
pub(in crate::core) mod deal_ending;
pub(in crate::core) mod deal_history;
pub(in crate::core) mod deal_records;
pub mod exclusions;
pub(in crate::core) mod expected;
pub(in crate::core) mod first_contacts;
pub mod formulas;
pub mod handled_call;
pub(in crate::core) mod lead_sources;
pub(in crate::core) mod pace;
pub(in crate::core) mod participation;
pub(in crate::core) mod per_contract;
pub(in crate::core) mod results;
pub mod score;
pub mod score_input;
pub mod score_judge;
pub(in crate::core) mod score_scope;
pub mod score_table;
