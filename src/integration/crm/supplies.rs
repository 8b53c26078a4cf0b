//! What a connection's settings make of its manifest: which figures of a deal it can ever supply. It asks no CRM.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::manifest::DealField;
use super::map_deal::settled;
use super::registry;
use crate::integration::settings::Settings;

/// What a connection can supply beside the usual.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Supplies {
    /// Phone numbers of a deal's contacts.
    pub contact_phones: bool,
    /// Further figures, by name.
    pub metrics: BTreeSet<String>,
}

/// What a connection of an integration supplies; none where that cannot be told, its settings being at fault.
pub fn supplies(integration: &str, given: &Value) -> Option<Supplies> {
    let manifest = registry::find(integration).ok()?;
    let mut scope = Map::new();
    scope.insert("settings".to_owned(), Settings::resolve(&manifest.settings, given).as_json());
    let deals = &manifest.streams.deals;
    let contact_phones = match deals.fields.get(&DealField::ContactPhones).and_then(|field| field.path.as_ref()) {
        Some(path) => !settled(path, &scope).ok()?.is_null(),
        None => false,
    };
    let metrics = match &deals.metrics {
        Some(metrics) => settled(&metrics.places, &scope).ok()?.as_object().into_iter().flat_map(Map::keys).cloned().collect(),
        None => BTreeSet::new(),
    };
    Some(Supplies { contact_phones, metrics })
}
