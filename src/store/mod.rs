//! Stores: where facts are kept, and the live distribution state that is folded from them.
//!
//! Implements `broker::store::Store`. Decides nothing: which agent is rung is the closure's business, what a fact does to
//! credit is `core::distribution::tally`'s.

mod decision_page;
mod rows;
pub mod sqlite;
mod trial_texts;
