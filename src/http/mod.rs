//! The HTTP surface: hooks, API, operations. Speaks HTTP and JSON; decides nothing and never touches the store's insides.

pub mod access;
pub mod api;
pub mod body;
pub mod hooks;
pub mod operations;
pub mod problem;
pub mod router;
pub mod serve;
pub mod state;
