//! The engine that runs integration manifests: PBX dialects and CRM connectors are data, not code.
//!
//! Knows no particular PBX or CRM. Uses `outbound` to reach the network.

pub mod crm;
pub mod expression;
pub mod pbx;
