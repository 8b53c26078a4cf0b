//! From values to shares: where each share goes, how it moves there, what one person can carry, and why it came out so.
//!
//! It must not choose anybody: that is `core::distribution`.

pub mod head_count;
pub mod share_board;
pub mod share_plan;
pub mod share_report;
pub mod target_share;
