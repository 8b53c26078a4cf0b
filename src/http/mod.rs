//! The HTTP surface: hooks, API, operations. Speaks HTTP and JSON; decides nothing and never touches the store's insides.

pub mod access;
pub mod hooks;
pub mod problem;
pub mod state;
