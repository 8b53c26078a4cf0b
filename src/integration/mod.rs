//! The engine that runs integration manifests: PBX dialects and CRM connectors are data, not code.
//!
//! Knows no particular PBX or CRM. Uses `outbound` to reach the network.

mod contract;
pub mod crm;
mod embedded;
mod expression;
pub mod pbx;
pub mod samples;
pub mod secrets;
pub mod settings;
