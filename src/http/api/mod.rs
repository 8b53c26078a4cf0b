//! The reading API, one file per resource. Lists are `{"items":[...],"next":cursor|null}` unless a resource says
//! otherwise.

pub mod agents;
pub mod connections;
pub mod decisions;
pub mod events;
mod interventions;
pub mod page;
pub mod scores;
pub mod shares;
