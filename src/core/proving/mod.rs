//! Bringing a policy in and proving it: for which calls it answers, what the comparison would have answered, what came of both.
//!
//! It must not change how either answers.

pub mod attribution;
pub mod experiment;
pub mod rollout;
pub(in crate::core) mod shadow_books;
pub mod statistics;
pub mod trial;
pub mod uplift;
