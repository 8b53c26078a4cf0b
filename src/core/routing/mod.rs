//! Which route a call takes, and what becomes of it there.
//!
//! It must not choose anybody: that is `core::distribution`.

pub mod route;
pub(in crate::core) mod route_check;
pub mod route_match;
