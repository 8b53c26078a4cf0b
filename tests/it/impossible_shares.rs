//! Shares nobody could carry are computed and said, not silently missed.

mod live;
mod load;
mod simulated;
mod warnings;
