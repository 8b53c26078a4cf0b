//! The one HTTP client: address guard, timeouts, body cap, breaker.
//!
//! Follows redirects only when told to, sends no credentials to another host, and puts no address into its errors: secrets
//! may stand there.

mod addresses;
pub mod breaker;
mod client;

pub use client::{HttpClient, OutboundError, OutboundReply, OutboundRequest, install_crypto};
