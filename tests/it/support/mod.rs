//! What several test modules use.

pub(crate) mod sample_workspace;
