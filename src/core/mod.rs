//! The pure core: values in, values out.
//!
//! No clock, no randomness, no I/O, no async, no logging inside: times and seeds come in as arguments. The service, the
//! simulator, the replay and the property tests call the same functions.

pub mod agent;
pub mod call;
pub mod chance;
pub mod deal;
pub mod decision;
pub mod distribution;
pub mod erlang;
pub mod ids;
pub mod intervention;
pub mod load;
pub mod metric;
pub mod money;
pub mod notice;
pub mod phone_number;
pub mod policy;
pub mod proving;
pub mod record;
pub mod replay;
pub mod routing;
pub mod scoring;
pub mod set_order;
pub mod shares;
pub mod simulate;
pub mod working_time;
pub mod workspace;
mod workspace_check;
