//! The connectors that come with the program: every `integrations/crm/<connector>/manifest.yaml`, embedded when it is built.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use serde_json::Value;

use super::manifest::Manifest;
use super::manifest_check::ManifestError;
use super::segments::{self, Segments};
use crate::integration::embedded::CRM_MANIFESTS;
use crate::integration::settings::{self, SettingFault};

type Loaded = BTreeMap<&'static str, Result<Arc<Manifest>, ManifestError>>;

static CONNECTORS: LazyLock<Loaded> =
    LazyLock::new(|| CRM_MANIFESTS.iter().map(|(name, yaml)| (*name, Manifest::parse(yaml).map(Arc::new))).collect());

/// The integrations there are, as a workspace file names them: `crm/bitrix24`.
pub fn names() -> impl Iterator<Item = String> {
    CONNECTORS.keys().map(|name| format!("crm/{name}"))
}

/// The manifest of an integration: `crm/bitrix24`. The error says what to do.
pub fn find(integration: &str) -> Result<Arc<Manifest>, String> {
    let found = integration.strip_prefix("crm/").and_then(|name| CONNECTORS.get(name));
    match found {
        Some(Ok(manifest)) => Ok(Arc::clone(manifest)),
        Some(Err(error)) => Err(format!("integration `{integration}`: {error}")),
        None => {
            let known: Vec<String> = names().collect();
            Err(format!("there is no integration `{integration}`; known are {}", known.join(", ")))
        }
    }
}

/// All that is wrong with a connection's settings; an unknown integration is one fault of the whole.
pub fn check_settings(integration: &str, given: &Value) -> Vec<SettingFault> {
    match find(integration) {
        Ok(manifest) => settings::check(&manifest.settings, integration, given),
        Err(message) => vec![SettingFault { pointer: String::new(), message }],
    }
}

/// What segments an integration tells of callers; none where it looks up nobody, or there is no such integration.
pub fn caller_segments(integration: &str) -> Option<Segments> {
    segments::told(&*find(integration).ok()?)
}
