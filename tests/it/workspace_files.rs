//! Workspace files.
