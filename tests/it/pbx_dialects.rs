//! PBX dialects: what each reads and writes, and that no input harms them.

mod hostile;
mod manifests;
mod native;
mod samples;
mod settings;
mod support;
