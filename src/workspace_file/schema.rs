//! Holds a document against its schema and tells violations in plain words.

use std::sync::LazyLock;

use jsonschema::error::{TypeKind, ValidationErrorKind};
use jsonschema::{Draft, ValidationError, Validator};
use serde_json::Value;

use super::problem::{Problems, did_you_mean};

/// The schema of a workspace file, as text.
pub const WORKSPACE_SCHEMA: &str = include_str!("../../schemas/workspace.schema.json");

static WORKSPACE: LazyLock<DocumentSchema> = LazyLock::new(|| DocumentSchema::compile(WORKSPACE_SCHEMA));

pub(super) fn check(document: &Value, problems: &mut Problems<'_>) {
    WORKSPACE.check(document, problems);
}

/// A schema of files, ready for use.
pub(crate) struct DocumentSchema {
    schema: Value,
    validator: Validator,
}

impl DocumentSchema {
    /// Of a schema that is part of the program.
    #[expect(clippy::expect_used, reason = "the schema is part of the program; every test of a file compiles it")]
    pub(crate) fn compile(text: &'static str) -> Self {
        let schema: Value = serde_json::from_str(text).expect("the embedded schema is JSON");
        let validator =
            jsonschema::options().with_draft(Draft::Draft202012).build(&schema).expect("the embedded schema compiles");
        Self { schema, validator }
    }

    /// Tells every violation.
    pub(crate) fn check(&self, document: &Value, problems: &mut Problems<'_>) {
        for error in self.validator.iter_errors(document) {
            self.tell(&error, problems);
        }
    }

    fn tell(&self, error: &ValidationError<'_>, problems: &mut Problems<'_>) {
        let pointer = error.instance_path().as_str().to_owned();
        match error.kind() {
            ValidationErrorKind::AdditionalProperties { unexpected } => {
                let known = self.known_keys(error);
                for key in unexpected {
                    let near = did_you_mean(key, known.iter().map(String::as_str));
                    let near =
                        if near.is_empty() && !known.is_empty() { format!("; known are {}", known.join(", ")) } else { near };
                    problems.push(&format!("{pointer}/{}", escaped(key)), format!("`{key}` is not known here{near}"));
                }
            }
            ValidationErrorKind::Required { property } => {
                let name = property.as_str().unwrap_or_default();
                problems.push(&pointer, format!("`{name}` is missing"));
            }
            ValidationErrorKind::Type { kind } => {
                problems.push(&pointer, format!("expected {}, found {}", types(kind), found(error.instance())));
            }
            ValidationErrorKind::Enum { options } => {
                let options: Vec<String> = options
                    .as_array()
                    .into_iter()
                    .flatten()
                    .map(|option| option.as_str().map_or_else(|| option.to_string(), str::to_owned))
                    .collect();
                let near = error.instance().as_str().map(|text| did_you_mean(text, options.iter().map(String::as_str)));
                problems.push(
                    &pointer,
                    format!(
                        "expected one of {}, found {}{}",
                        options.join(", "),
                        found(error.instance()),
                        near.unwrap_or_default()
                    ),
                );
            }
            ValidationErrorKind::AnyOf { context } | ValidationErrorKind::OneOfNotValid { context } => {
                match meant(error, context) {
                    Some(inside) => inside.iter().for_each(|inside| self.tell(inside, problems)),
                    None => {
                        let expected = self.described(error);
                        problems.push(&pointer, format!("expected {expected}, found {}", found(error.instance())));
                    }
                }
            }
            ValidationErrorKind::Pattern { .. } => {
                problems.push(&pointer, format!("expected {}, found {}", self.described(error), found(error.instance())));
            }
            ValidationErrorKind::UniqueItems => problems.push(&pointer, "an entry is given twice: keep one"),
            ValidationErrorKind::MinItems { limit } => problems.push(&pointer, format!("at least {limit} must be given")),
            ValidationErrorKind::MaxItems { limit } => problems.push(&pointer, format!("at most {limit} may be given")),
            ValidationErrorKind::Minimum { limit } => {
                problems.push(&pointer, format!("expected at least {limit}, found {}", error.instance()))
            }
            ValidationErrorKind::ExclusiveMinimum { limit } => {
                problems.push(&pointer, format!("expected more than {limit}, found {}", error.instance()));
            }
            ValidationErrorKind::Maximum { limit } => {
                problems.push(&pointer, format!("expected at most {limit}, found {}", error.instance()))
            }
            ValidationErrorKind::MinLength { .. } => problems.push(&pointer, "expected a text that is not empty"),
            ValidationErrorKind::MaxLength { limit } => problems.push(&pointer, format!("expected at most {limit} characters")),
            _ => problems.push(&pointer, error.to_string()),
        }
    }

    /// The part of the schema an error comes from: the object around the failed keyword, references followed.
    fn schema_of(&self, error: &ValidationError<'_>) -> Option<&Value> {
        let path = error.schema_path().as_str();
        let around = path.rsplit_once('/').map_or("", |(around, _)| around);
        let mut at = &self.schema;
        for segment in around.split('/').skip(1) {
            if segment == "$ref" {
                at = self.schema.pointer(at.get("$ref")?.as_str()?.strip_prefix('#')?)?;
            } else {
                let segment = segment.replace("~1", "/").replace("~0", "~");
                at = match at {
                    Value::Array(items) => items.get(segment.parse::<usize>().ok()?)?,
                    other => other.get(segment.as_str())?,
                };
            }
        }
        Some(at)
    }

    fn known_keys(&self, error: &ValidationError<'_>) -> Vec<String> {
        let properties = self.schema_of(error).and_then(|schema| schema.get("properties")).and_then(Value::as_object);
        properties.into_iter().flat_map(|properties| properties.keys().cloned()).collect()
    }

    /// What the schema says a value should be: its `x-expected`, written for this.
    fn described(&self, error: &ValidationError<'_>) -> String {
        let expected = self.schema_of(error).and_then(|schema| schema.get("x-expected")).and_then(Value::as_str);
        expected.map_or_else(|| "another form".to_owned(), str::to_owned)
    }
}

/// What is wrong with a value under the one alternative it is meant as: the only one whose kind it is, so that all faults are of
/// its keys or inside it.
fn meant<'e, 'i>(error: &ValidationError<'i>, alternatives: &'e [Vec<ValidationError<'i>>]) -> Option<&'e [ValidationError<'i>]> {
    let is_of_keys = |fault: &ValidationError<'_>| {
        matches!(fault.kind(), ValidationErrorKind::AdditionalProperties { .. } | ValidationErrorKind::Required { .. })
            || fault.instance_path() != error.instance_path()
    };
    let mut fitting = alternatives.iter().filter(|faults| faults.iter().all(is_of_keys));
    let only = fitting.next()?;
    fitting.next().is_none().then_some(only)
}

fn escaped(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

fn types(kind: &TypeKind) -> String {
    let name = |json_type: &str| match json_type {
        "string" => "a text".to_owned(),
        "integer" => "a whole number".to_owned(),
        "number" => "a number".to_owned(),
        "boolean" => "true or false".to_owned(),
        "array" => "a list".to_owned(),
        "object" => "a block with keys".to_owned(),
        other => other.to_owned(),
    };
    match kind {
        TypeKind::Single(one) => name(one.as_str()),
        TypeKind::Multiple(several) => several.iter().map(|one| name(one.as_str())).collect::<Vec<_>>().join(" or "),
    }
}

fn found(value: &Value) -> String {
    match value {
        Value::Null => "nothing".to_owned(),
        Value::Bool(yes) => format!("the truth value {yes}"),
        Value::Number(number) => format!("the number {number} (put it in quotes if it is meant as text)"),
        Value::String(text) if text.chars().count() <= 40 => format!("`{text}`"),
        Value::String(_) => "a long text".to_owned(),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "a block with keys".to_owned(),
    }
}
