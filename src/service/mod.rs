//! The service put together: store, workspaces, background work, HTTP. The only place that knows all adapters.

pub mod clock;
