//! The notations of manifests: names and JSONPath for data, MiniJinja for conditions and texts, trees for bodies.
//!
//! Knows neither PBX nor CRM. Nothing here reaches the outside, and every evaluation is bounded.

mod filters;
mod path;
mod template;
mod tree;

pub(super) use path::FieldName;
pub(super) use template::{Formula, Text, known};
pub(super) use tree::Tree;

use serde_json::Value;

/// A text, or a number as its text.
pub(super) fn scalar_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.trim().to_owned()),
        Value::Number(number) => Some(number.to_string()),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

/// The kind of a JSON value, with its article.
pub(super) fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}
