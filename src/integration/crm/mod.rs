//! The CRM half of the engine: runs connector manifests.
//!
//! A connector pulls deals (pages over HTTP, or a table from a file or an address) and finds callers. It knows no CRM: what
//! to ask, where values stand in the answer and what an error means is data. Money is read as decimal text, never as float.

mod budget;
mod classify;
mod connector;
mod deals;
mod lookup;
mod manifest;
mod manifest_check;
mod map_deal;
mod read_value;
pub mod registry;
mod request;
pub mod samples;
mod segments;
mod supplies;
mod table;
mod transport;

pub use connector::{BuildError, Connector, ConnectorContext};
pub use manifest::Manifest;
pub use manifest_check::{CRM_MANIFEST_SCHEMA, ManifestError};
pub use registry::{caller_segments, check_settings};
pub use request::Patience;
pub use segments::Segments;
pub use supplies::{Supplies, supplies};
pub use transport::Transport;

pub use crate::integration::settings::SettingFault;
