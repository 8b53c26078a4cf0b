//! The reading API, one file per resource. Lists are `{"items":[...],"next":cursor|null}` unless a resource says
//! otherwise.

pub mod agents;
pub mod brake;
pub mod callbacks;
pub mod comparison;
pub mod connections;
mod decision_guard;
mod decision_sentence;
pub mod decisions;
pub mod events;
pub mod experiment;
mod interventions;
pub mod notices;
pub mod own_say;
pub mod page;
mod route_explanation;
pub mod scores;
pub mod share_explanation;
pub mod shares;
pub mod tags;
