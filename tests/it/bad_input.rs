//! Bad input and bad moments: each gets a specific error or does what is stated, as whoever meets it sees it.
//!
//! What is refused in workspace files is in `workspace_files`, changes in the middle of a call in `influence::changes`.

mod clock;
mod files;
mod metrics;
mod mid_call;
mod nobody;
