//! Scores and target shares.
