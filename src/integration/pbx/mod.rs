//! The PBX half of the engine: runs dialect manifests.
//!
//! Bytes and header values in, canonical values out, and back; no I/O, no clock, no secret compared (only `samples` reads
//! files). It must not know any PBX by name: what differs from one to the next is in `integrations/pbx/<dialect>/`.
//!
//! The way of a hook: [`Dialect::credentials`], [`Dialect::classify`], [`Dialect::decode_decision`] or
//! [`Dialect::decode_events`], then [`Dialect::encode_decision`] or [`Dialect::encode_events_accepted`]; on a fault the
//! problem of [`HookFault`], or [`Dialect::safe_answer`].

mod answer;
mod canonical;
mod contract;
mod decode;
mod dialect;
mod document;
mod events;
mod fault;
mod field;
mod hook;
mod manifest;
mod manifest_check;
mod outcomes;
mod party;
mod port;
pub mod registry;
pub mod samples;

pub use answer::AnswerFault;
pub use canonical::EVENTS_MAX;
pub use contract::{CALL_EVENT_SCHEMA, DECISION_REQUEST_SCHEMA, DECISION_SCHEMA, PBX_MANIFEST_SCHEMA};
pub use decode::Question;
pub use dialect::{AnswerContext, BuildError, Dialect, EventsOutcome};
pub use events::{DecodedEvents, UnknownEvent};
pub use fault::{EventFault, HookFault};
pub use hook::{Echo, HookKind, HookReply, HookRequest};

pub use crate::integration::settings::SettingFault;
pub use manifest::Manifest;
pub use manifest_check::ManifestError;
pub use outcomes::{Told, tells};
pub use port::ConfiguredDialect;
pub use registry::check_settings;
