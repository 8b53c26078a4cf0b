//! What the tests are made with.

pub(crate) mod client;
pub(crate) mod contract;
pub mod day;
pub(crate) mod fakes;
pub mod floor;
pub(crate) mod program;
pub(crate) mod sample_workspace;
pub(crate) mod service;
pub(crate) mod sick_crm;
pub(crate) mod whole;
