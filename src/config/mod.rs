//! Settings of the process: file, then environment.
