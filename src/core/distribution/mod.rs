//! Who is rung: the fold of decisions and events, who can be rung, what is owed to whom, and the choice itself.
//!
//! It must not compute scores or shares: they come in as a board.

pub mod availability;
pub mod call_state;
pub mod callback;
pub mod callback_choice;
pub mod choose;
pub mod credit_book;
pub mod mean_talk;
pub mod misses;
pub mod pbx_clock;
pub mod recent_calls;
pub mod roster;
pub mod rotation;
pub mod selection;
pub mod tally;
