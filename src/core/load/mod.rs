//! How much people carry: what they did lately, what keeps them from overload, and what one person can carry.
//!
//! It must not choose anybody.

pub mod activity;
pub(in crate::core) mod all_stopped_check;
pub mod feasible_share;
pub mod group_guard;
pub mod guard;
pub mod load_meter;
pub mod offered_load;
pub mod workload;
