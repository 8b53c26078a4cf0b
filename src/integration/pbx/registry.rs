//! The dialects that come with the program: every `integrations/pbx/<dialect>/manifest.yaml`, embedded when it is built.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use serde_json::Value;

use super::manifest::Manifest;
use super::manifest_check::ManifestError;
use super::settings::{self, SettingFault};

mod embedded {
    #![allow(dead_code, unreachable_pub, missing_docs, reason = "generated for both kinds of integration")]
    include!(concat!(env!("OUT_DIR"), "/embedded_manifests.rs"));
}

type Loaded = BTreeMap<&'static str, Result<Arc<Manifest>, ManifestError>>;

static DIALECTS: LazyLock<Loaded> =
    LazyLock::new(|| embedded::PBX_MANIFESTS.iter().map(|(name, yaml)| (*name, Manifest::parse(yaml).map(Arc::new))).collect());

/// Why an integration cannot be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RegistryError {
    /// There is none of this name.
    #[error("there is no integration `{name}`; known are {}", known.join(", "))]
    Unknown {
        /// The name asked for.
        name: String,
        /// The names there are.
        known: Vec<String>,
    },
    /// Its manifest is at fault.
    #[error("integration `{name}`: {error}")]
    Faulty {
        /// The name asked for.
        name: String,
        /// What is wrong.
        error: ManifestError,
    },
}

/// The integrations there are, as a workspace file names them: `pbx/native`.
pub fn names() -> impl Iterator<Item = String> {
    DIALECTS.keys().map(|name| format!("pbx/{name}"))
}

/// The manifest of an integration: `pbx/native`.
pub fn find(integration: &str) -> Result<Arc<Manifest>, RegistryError> {
    let unknown = || RegistryError::Unknown { name: integration.to_owned(), known: names().collect() };
    let name = integration.strip_prefix("pbx/").ok_or_else(unknown)?;
    match DIALECTS.get(name) {
        None => Err(unknown()),
        Some(Ok(manifest)) => Ok(Arc::clone(manifest)),
        Some(Err(error)) => Err(RegistryError::Faulty { name: integration.to_owned(), error: error.clone() }),
    }
}

/// All that is wrong with a connection's settings; an unknown integration is one fault of the whole.
pub fn check_settings(integration: &str, settings: &Value) -> Vec<SettingFault> {
    match find(integration) {
        Ok(manifest) => settings::check(&manifest, settings),
        Err(error) => vec![SettingFault { pointer: String::new(), message: error.to_string() }],
    }
}
