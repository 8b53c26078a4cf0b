//! What operators see: logs and metrics. Labels never hold callers or agents.

pub mod metrics;
pub mod observed;
