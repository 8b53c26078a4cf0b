//! Holds JSON against the schemas of the native dialect, and tells the first violation as a [`HookFault`].
//!
//! The schemas under `schemas/` are the contract: they are compiled in and enforced here, so that what is documented and
//! what is accepted cannot differ. Texts name the field and the kinds, never the value.

use std::sync::LazyLock;

use jsonschema::error::{TypeKind, ValidationErrorKind};
use jsonschema::{ValidationError, Validator};
use serde_json::Value;

use super::fault::HookFault;
use crate::integration::contract::{self, place};
use crate::integration::expression::kind_of;

/// The schema of a decision request, as text.
pub const DECISION_REQUEST_SCHEMA: &str = include_str!("../../../schemas/decision-request.schema.json");
/// The schema of a decision, as text.
pub const DECISION_SCHEMA: &str = include_str!("../../../schemas/decision.schema.json");
/// The schema of a call event, as text.
pub const CALL_EVENT_SCHEMA: &str = include_str!("../../../schemas/call-event.schema.json");
/// The schema of a dialect's manifest, as text.
pub const PBX_MANIFEST_SCHEMA: &str = include_str!("../../../schemas/pbx-manifest.schema.json");

/// A compiled schema.
pub(super) struct Contract(Validator);

/// What a decision request must be.
pub(super) static DECISION_REQUEST: LazyLock<Contract> = LazyLock::new(|| Contract::compile(DECISION_REQUEST_SCHEMA));
/// What a call event must be.
pub(super) static CALL_EVENT: LazyLock<Contract> = LazyLock::new(|| Contract::compile(CALL_EVENT_SCHEMA));
/// What a manifest must be.
pub(super) static PBX_MANIFEST: LazyLock<Contract> = LazyLock::new(|| Contract::compile(PBX_MANIFEST_SCHEMA));

impl Contract {
    fn compile(text: &str) -> Self {
        Self(contract::compile(text))
    }

    /// The first violation, the outermost before those it causes.
    pub(super) fn check(&self, value: &Value) -> Result<(), HookFault> {
        // Asked first, since nearly everything is as it should be and collecting faults costs more than finding none.
        if self.0.is_valid(value) {
            return Ok(());
        }
        match self.0.iter_errors(value).min_by_key(|error| rank(error.kind())) {
            None => Ok(()),
            Some(error) => Err(told(&error)),
        }
    }

    /// All violations, each as one line with its place.
    pub(super) fn violations(&self, value: &Value) -> Vec<String> {
        contract::violations(&self.0, value)
    }
}

/// Missing fields are told before wrong ones, and both before conditions that follow from them.
fn rank(kind: &ValidationErrorKind) -> u8 {
    match kind {
        ValidationErrorKind::Type { .. } => 0,
        ValidationErrorKind::Required { .. } => 1,
        ValidationErrorKind::AnyOf { .. } => 3,
        _ => 2,
    }
}

fn told(error: &ValidationError<'_>) -> HookFault {
    let field = place(error.instance_path().as_str());
    let wrong = |expected: String| HookFault::WrongValue { field: field.clone(), expected };
    match error.kind() {
        ValidationErrorKind::Type { kind } => {
            HookFault::WrongType { field, expected: types(kind), found: kind_of(error.instance()) }
        }
        ValidationErrorKind::Required { property } => missing(error.instance_path().as_str(), property),
        ValidationErrorKind::Enum { options } => {
            wrong(format!("one of {}", list(options.as_array().map(Vec::as_slice).unwrap_or_default())))
        }
        ValidationErrorKind::MinLength { .. } => wrong("a text that is not empty".to_owned()),
        ValidationErrorKind::MaxLength { limit } => wrong(format!("at most {limit} characters")),
        ValidationErrorKind::MaxItems { limit } => wrong(format!("at most {limit} entries")),
        ValidationErrorKind::Minimum { limit } => wrong(format!("at least {limit}")),
        ValidationErrorKind::Maximum { limit } => wrong(format!("at most {limit}")),
        ValidationErrorKind::AnyOf { context } => {
            let names: Vec<String> = context.iter().flatten().filter_map(needed).collect();
            HookFault::MissingField { field: names.join("` or `"), hint: "one of them must be sent".into() }
        }
        other => wrong(format!("what the schema says under `{}`", other.keyword())),
    }
}

fn missing(at: &str, property: &Value) -> HookFault {
    let name = property.as_str().unwrap_or_default();
    HookFault::MissingField { field: format!("{at}/{name}"), hint: "the PBX must send it".into() }
}

/// The field that one branch of an alternative wants.
fn needed(error: &ValidationError<'static>) -> Option<String> {
    match error.kind() {
        ValidationErrorKind::Required { property } => property.as_str().map(|name| format!("/{name}")),
        _ => Some(error.instance_path().as_str().to_owned()),
    }
}

fn types(kind: &TypeKind) -> String {
    match kind {
        TypeKind::Single(one) => one.to_string(),
        TypeKind::Multiple(several) => several.iter().map(|one| one.to_string()).collect::<Vec<_>>().join(" or "),
    }
}

fn list(options: &[Value]) -> String {
    options.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", ")
}
