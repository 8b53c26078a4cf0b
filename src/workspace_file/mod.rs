//! Reads, checks, compares and writes workspace files.
//!
//! Text in, a checked workspace out, or every problem with its place. Touches neither disk nor store nor any secret.

mod build;
mod diff;
mod document;
pub(crate) mod durations;
mod guard;
mod hours;
mod people_rules;
mod policies;
mod policy_warnings;
pub(crate) mod problem;
mod rollout;
mod route_warnings;
mod routes;
pub(crate) mod schema;
mod scores;
mod supply_warnings;
pub(crate) mod yaml;

use std::collections::BTreeSet;

use serde_json::Value;

pub use diff::{Changes, diff, diff_with_consequences};
pub use document::{DocumentError, WorkspaceDocument};
pub use problem::{Positions, Problem};
pub use schema::WORKSPACE_SCHEMA;

use crate::core::ids::GroupId;
use crate::core::routing::route::Outcome;
use crate::core::workspace::Workspace;
use problem::Problems;

/// What an integration is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IntegrationKind {
    /// A phone system.
    Pbx,
    /// Supplies deals and knows callers.
    Crm,
}

/// The integrations a file may name.
pub trait SettingsCheck {
    /// What is wrong with a connection's settings: (JSON Pointer into them, what and what to do).
    fn check(&self, integration: &str, settings: &Value) -> Vec<(String, String)>;

    /// What an integration is for; none if there is no such.
    fn kind(&self, integration: &str) -> Option<IntegrationKind>;

    /// All there are.
    fn known(&self) -> Vec<String>;

    /// What segments an integration tells of callers; none where it looks up nobody.
    fn caller_segments(&self, _integration: &str) -> Option<Segments> {
        None
    }

    /// How a phone system can be told an outcome.
    fn tells(&self, _integration: &str, _settings: &Value, _outcome: &Outcome<GroupId>) -> Told {
        Told::AsMeant
    }

    /// What a CRM connection with these settings can ever supply; none where that is not known.
    fn supplied(&self, _integration: &str, _settings: &Value) -> Option<Supplied> {
        None
    }
}

/// Segments of callers that a CRM connector tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Segments {
    /// These.
    Named(Vec<String>),
    /// Whatever the CRM calls them.
    Any,
}

/// How a phone system can be told what becomes of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// As it is meant.
    AsMeant,
    /// Not quite: what happens instead, and what to do.
    Instead(String),
    /// Not without something that is missing: what to add.
    Lacking(String),
}

/// What a CRM connection can supply beside the usual.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Supplied {
    /// Phone numbers of a deal's contacts.
    pub contact_phones: bool,
    /// Further figures, by name.
    pub metrics: BTreeSet<String>,
}

/// A file that is sound.
#[derive(Debug, Clone)]
pub struct Checked {
    /// What it says.
    pub document: WorkspaceDocument,
    /// The same, ready for use.
    pub workspace: Workspace,
    /// What is allowed but hardly meant.
    pub warnings: Vec<Problem>,
    /// The file, as named by whoever asked.
    file: String,
    /// Where each part stands in it.
    positions: Positions,
}

impl Checked {
    /// Something found out about a part of the file later on, by its JSON Pointer.
    pub fn problem(&self, pointer: &str, message: impl Into<String>) -> Problem {
        Problem::at(&self.file, &self.positions, pointer, message)
    }
}

/// Reads a file's text. All problems are told at once, sorted by place.
pub fn read(text: &str, file_name: &str, checks: &dyn SettingsCheck) -> Result<Checked, Vec<Problem>> {
    let (value, positions) = yaml::read(text, file_name, "workspace").map_err(|problem| vec![problem])?;
    let mut problems = Problems::new(file_name, &positions);
    schema::check(&value, &mut problems);
    if !problems.found.is_empty() {
        return Err(problems.finish());
    }
    let Some(workspace) = build::build(&value, checks, &mut problems) else { return Err(problems.finish()) };
    let mut warnings = Problems::new(file_name, &positions);
    policy_warnings::warn(&workspace, &value, checks, &mut warnings);
    route_warnings::warn(&workspace, checks, &mut warnings);
    supply_warnings::warn(&workspace, checks, &mut warnings);
    let warnings = warnings.finish();
    Ok(Checked { document: WorkspaceDocument(value), workspace, warnings, file: file_name.to_owned(), positions })
}

/// A secret that a connection refers to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretReference {
    /// The connection's id.
    pub connection: String,
    /// JSON Pointer into its settings.
    pub pointer: String,
    /// `env:NAME` or `file:PATH`.
    pub reference: String,
}

/// All secrets a document refers to.
pub fn secret_references(document: &WorkspaceDocument) -> Vec<SecretReference> {
    fn walk(value: &Value, pointer: String, connection: &str, found: &mut Vec<SecretReference>) {
        match value {
            Value::String(text) if text.starts_with("env:") || text.starts_with("file:") => {
                found.push(SecretReference { connection: connection.to_owned(), pointer, reference: text.clone() });
            }
            Value::Object(fields) => {
                fields.iter().for_each(|(key, value)| walk(value, format!("{pointer}/{key}"), connection, found))
            }
            Value::Array(items) => {
                items.iter().enumerate().for_each(|(at, value)| walk(value, format!("{pointer}/{at}"), connection, found));
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    let mut found = Vec::new();
    let connections = document.0.get("connections").and_then(Value::as_array);
    for connection in connections.into_iter().flatten() {
        let id = connection.get("id").and_then(Value::as_str).unwrap_or_default();
        if let Some(settings) = connection.get("settings") {
            walk(settings, String::new(), id, &mut found);
        }
    }
    found
}
