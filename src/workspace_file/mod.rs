//! Reads, checks, compares and writes workspace files.
