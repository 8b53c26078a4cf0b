//! What the tests are made with.

pub mod floor;
pub(crate) mod sample_workspace;
