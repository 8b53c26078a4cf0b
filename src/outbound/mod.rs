//! The one HTTP client: address guard, timeouts, body cap, breaker.
