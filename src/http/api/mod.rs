//! The reading API, one file per resource. Lists are `{"items":[...],"next":cursor|null}` unless a resource says
//! otherwise.

pub mod agents;
pub mod brake;
pub mod comparison;
pub mod connections;
pub mod decisions;
pub mod events;
pub mod experiment;
pub mod page;
pub mod scores;
pub mod shares;
