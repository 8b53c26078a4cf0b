//! The integration tests: one binary, so that everything links once. Each module reads as the specification of a part.
#![allow(
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may stop at once"
)]

mod api;
mod architecture;
mod bad_input;
mod bodies;
mod callbacks;
mod cli;
mod clocks;
mod crash_safety;
mod crm_connectors;
mod crm_trouble;
mod deadlines;
mod demo_parts;
mod events;
mod explained;
mod group_shares;
mod guard;
mod hooks;
mod hours;
mod impossible_shares;
mod influence;
mod isolation;
mod legs;
mod metrics;
mod openapi;
mod pbx_dialects;
mod properties;
mod pulls;
mod readiness;
mod replay;
mod rollout;
mod routes;
mod scores;
mod scores_api;
mod share_explanation;
mod simulator;
mod store_contract;
mod supply_warnings;
mod support;
mod workspace_files;
