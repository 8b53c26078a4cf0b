//! Lets workspace files be checked against the integrations there are.

use serde_json::Value;

use crate::core::ids::GroupId;
use crate::core::routing::route::Outcome;
use crate::integration::{crm, pbx};
use crate::workspace_file::{IntegrationKind, Segments, SettingsCheck, Supplied, Told};

/// The integrations that come with the program.
#[derive(Debug, Clone, Copy, Default)]
pub struct Integrations;

impl SettingsCheck for Integrations {
    fn check(&self, integration: &str, settings: &Value) -> Vec<(String, String)> {
        let faults = match self.kind(integration) {
            Some(IntegrationKind::Pbx) => pbx::check_settings(integration, settings),
            Some(IntegrationKind::Crm) => crm::check_settings(integration, settings),
            None => Vec::new(),
        };
        faults.into_iter().map(|fault| (fault.pointer, fault.message)).collect()
    }

    fn kind(&self, integration: &str) -> Option<IntegrationKind> {
        if pbx::registry::names().any(|name| name == integration) {
            Some(IntegrationKind::Pbx)
        } else if crm::registry::names().any(|name| name == integration) {
            Some(IntegrationKind::Crm)
        } else {
            None
        }
    }

    fn caller_segments(&self, integration: &str) -> Option<Segments> {
        Some(match crm::caller_segments(integration)? {
            crm::Segments::Named(names) => Segments::Named(names),
            crm::Segments::Any => Segments::Any,
        })
    }

    fn tells(&self, integration: &str, settings: &Value, outcome: &Outcome<GroupId>) -> Told {
        match pbx::tells(integration, settings, outcome) {
            pbx::Told::AsMeant => Told::AsMeant,
            pbx::Told::Instead(message) => Told::Instead(message),
            pbx::Told::Lacking(message) => Told::Lacking(message),
        }
    }

    fn known(&self) -> Vec<String> {
        pbx::registry::names().chain(crm::registry::names()).collect()
    }

    fn supplied(&self, integration: &str, settings: &Value) -> Option<Supplied> {
        let crm::Supplies { contact_phones, metrics } = crm::supplies(integration, settings)?;
        Some(Supplied { contact_phones, metrics })
    }
}
