//! The pure core: values in, values out.
//!
//! No clock, no randomness, no I/O, no async, no logging inside: times and seeds come in as arguments. The service, the
//! simulator, the replay and the property tests call the same functions.

pub mod adjustments;
pub mod agent;
pub mod attribution;
pub mod availability;
pub mod call;
pub mod call_state;
pub mod callback;
pub mod chance;
pub mod choose;
pub mod credit_book;
pub mod deal;
mod deal_history;
pub mod decision;
pub mod duty_days;
pub mod erlang;
pub mod exclusions;
mod expected;
pub mod experiment;
mod first_contacts;
pub mod handled_call;
pub mod ids;
pub mod intervention;
pub mod mean_talk;
pub mod metric;
pub mod misses;
pub mod money;
pub mod notice;
pub mod offered_load;
mod per_contract;
pub mod phone_number;
pub mod policy;
pub mod recent_calls;
pub mod record;
pub mod replay;
pub mod rollout;
pub mod rotation;
pub mod route_match;
pub mod score;
pub mod score_judge;
mod score_scope;
pub mod score_table;
pub mod selection;
mod shadow_books;
pub mod share_board;
pub mod share_plan;
pub mod share_report;
pub mod simulate;
pub mod statistics;
pub mod tally;
pub mod target_share;
pub mod trial;
pub mod uplift;
pub mod workspace;
mod workspace_check;
