//! What can be wrong with a hook, as stable codes with texts that say what to do.
//!
//! Texts name fields and kinds, never values: a value may be a caller's number.

use std::borrow::Cow;

/// Why a whole hook cannot be used. [`HookFault::code`] is stable: it goes into problems, logs and metrics.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HookFault {
    /// The path is none of the dialect's.
    #[error("`{path}` is no hook of this dialect: use {expected}")]
    UnknownPath {
        /// What followed the connection, without the secret.
        path: String,
        /// The paths there are.
        expected: String,
    },
    /// The HTTP method is not the hook's.
    #[error("method {found} is not used here: send {expected}")]
    BadMethod {
        /// The method that came.
        found: String,
        /// The methods there are.
        expected: String,
    },
    /// The body is in no form the dialect reads.
    #[error("cannot read a body of type `{found}`: send {expected}")]
    UnsupportedMediaType {
        /// The media type that came.
        found: String,
        /// The forms there are.
        expected: String,
    },
    /// The body is not JSON.
    #[error("the body is not JSON: {detail}; check the body template of the PBX")]
    MalformedJson {
        /// Where and why, without the text itself.
        detail: String,
    },
    /// A field is in the body twice.
    #[error("field `{field}` is given twice: send it once")]
    DuplicateField {
        /// Its name.
        field: String,
    },
    /// A required field is missing, null or empty.
    #[error("field `{field}` is missing: {hint}")]
    MissingField {
        /// JSON Pointer or parameter name.
        field: String,
        /// What to do.
        hint: Cow<'static, str>,
    },
    /// A field is of another type than it must be.
    #[error("field `{field}` is {found}, expected {expected}: change it in what the PBX sends")]
    WrongType {
        /// JSON Pointer or parameter name.
        field: String,
        /// What it must be.
        expected: String,
        /// What it is.
        found: &'static str,
    },
    /// A field is of the right type and makes no sense.
    #[error("field `{field}` cannot be used: expected {expected}")]
    WrongValue {
        /// JSON Pointer or parameter name.
        field: String,
        /// What it must be.
        expected: String,
    },
    /// Too many events in one array.
    #[error("{found} events in one request, at most {limit} are taken: send them in smaller arrays")]
    TooManyEvents {
        /// How many came; at least this many.
        found: usize,
        /// How many may.
        limit: usize,
    },
}

impl HookFault {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::UnknownPath { .. } => "unknown_path",
            Self::BadMethod { .. } => "bad_method",
            Self::UnsupportedMediaType { .. } => "unsupported_media_type",
            Self::MalformedJson { .. } => "malformed_json",
            Self::DuplicateField { .. } => "duplicate_field",
            Self::MissingField { .. } => "missing_field",
            Self::WrongType { .. } => "wrong_type",
            Self::WrongValue { .. } => "wrong_value",
            Self::TooManyEvents { .. } => "too_many_events",
        }
    }

    /// The HTTP status of a problem that tells this fault (native dialect only; others get their safe answer).
    pub fn status(&self) -> u16 {
        match self {
            Self::UnknownPath { .. } => 404,
            Self::BadMethod { .. } => 405,
            Self::UnsupportedMediaType { .. } => 415,
            Self::MalformedJson { .. } | Self::DuplicateField { .. } => 400,
            Self::MissingField { .. } | Self::WrongType { .. } | Self::WrongValue { .. } => 422,
            Self::TooManyEvents { .. } => 413,
        }
    }

    /// The field at fault, as JSON Pointer or parameter name, where there is one.
    pub fn field(&self) -> Option<&str> {
        match self {
            Self::DuplicateField { field }
            | Self::MissingField { field, .. }
            | Self::WrongType { field, .. }
            | Self::WrongValue { field, .. } => Some(field),
            Self::UnknownPath { .. }
            | Self::BadMethod { .. }
            | Self::UnsupportedMediaType { .. }
            | Self::MalformedJson { .. }
            | Self::TooManyEvents { .. } => None,
        }
    }
}

/// Why one event of a request cannot be used; the others can.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("event {index}: {detail}")]
pub struct EventFault {
    /// Its position in the request, from 0.
    pub index: usize,
    /// The stable code, one of [`HookFault::code`].
    pub code: &'static str,
    /// What is wrong and what to do.
    pub detail: String,
}

impl EventFault {
    /// Tells the fault of the event at `index`.
    pub fn new(index: usize, fault: &HookFault) -> Self {
        Self { index, code: fault.code(), detail: fault.to_string() }
    }
}

/// The kind of a JSON value, with its article.
pub(super) fn kind_of(value: &serde_json::Value) -> &'static str {
    match value {
        serde_json::Value::Null => "null",
        serde_json::Value::Bool(_) => "a boolean",
        serde_json::Value::Number(_) => "a number",
        serde_json::Value::String(_) => "a string",
        serde_json::Value::Array(_) => "an array",
        serde_json::Value::Object(_) => "an object",
    }
}
