//! Makes one JSON document of what a PBX sends, whether it stands in the query, in a form or in JSON.
//!
//! Knows no field. A dialect that reads several forms gets the query first and the body over it.

use serde_json::{Map, Value};

use super::fault::HookFault;
use super::hook::HookRequest;
use super::manifest::{BodyForm, HookSpec};

/// The form of the body, by its media type and, where that lies, by its first character.
///
/// Asterisk's `CURL()` and curl itself label any body as a form, so JSON under that label is still taken as JSON.
pub(super) fn body_form(hook: &HookRequest<'_>, spec: &HookSpec) -> Result<Option<BodyForm>, HookFault> {
    let first = hook.body.iter().copied().find(|byte| !byte.is_ascii_whitespace());
    let Some(first) = first else { return Ok(None) };
    let media = media_type(hook.content_type);
    let looks_json = matches!(first, b'{' | b'[');
    let takes = |form: BodyForm| spec.body.contains(&form);
    let unlabelled = matches!(media.as_str(), "" | "text/plain" | "application/octet-stream");
    let is_form = media == "application/x-www-form-urlencoded";
    let is_json = media == "application/json" || media.ends_with("+json") || media == "text/json";
    if is_json && takes(BodyForm::Json) || looks_json && (unlabelled || is_form) && takes(BodyForm::Json) {
        Ok(Some(BodyForm::Json))
    } else if (is_form || unlabelled) && takes(BodyForm::Form) {
        Ok(Some(BodyForm::Form))
    } else if unlabelled && takes(BodyForm::Json) {
        Ok(Some(BodyForm::Json))
    } else {
        let expected = spec.body.iter().map(|form| form.told()).collect::<Vec<_>>().join(" or ");
        Err(HookFault::UnsupportedMediaType { found: bounded(&media), expected })
    }
}

impl BodyForm {
    fn told(self) -> &'static str {
        match self {
            Self::Query => "parameters in the query",
            Self::Form => "application/x-www-form-urlencoded",
            Self::Json => "application/json",
        }
    }
}

/// The document: fields of the query and of the body in one object, or the array that the body is.
pub(super) fn read(hook: &HookRequest<'_>, spec: &HookSpec) -> Result<Value, HookFault> {
    let mut fields = if spec.body.contains(&BodyForm::Query) { parameters(hook.query.as_bytes()) } else { Map::new() };
    match body_form(hook, spec)? {
        None | Some(BodyForm::Query) => {}
        Some(BodyForm::Form) => fields.extend(parameters(hook.body)),
        Some(BodyForm::Json) => match json(hook.body)? {
            Value::Object(body) => fields.extend(body),
            other => return Ok(other),
        },
    }
    Ok(Value::Object(fields))
}

/// Reads JSON; the error says where, not what.
pub(super) fn json<'de, T: serde::Deserialize<'de>>(body: &'de [u8]) -> Result<T, HookFault> {
    serde_json::from_slice(body).map_err(|error| malformed(&error))
}

/// Tells a reader's error without repeating the text.
pub(super) fn malformed(error: &serde_json::Error) -> HookFault {
    let what = match error.classify() {
        serde_json::error::Category::Eof => "it ends too early",
        serde_json::error::Category::Io | serde_json::error::Category::Syntax | serde_json::error::Category::Data => {
            let text = error.to_string();
            if text.starts_with("recursion limit") { "it is nested too deeply" } else { "syntax error" }
        }
    };
    HookFault::MalformedJson { detail: format!("{what} at line {}, column {}", error.line(), error.column()) }
}

fn parameters(text: &[u8]) -> Map<String, Value> {
    url::form_urlencoded::parse(text).map(|(name, value)| (name.into_owned(), Value::String(value.into_owned()))).collect()
}

fn media_type(content_type: Option<&str>) -> String {
    content_type.unwrap_or_default().split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// Keeps a stranger's text short enough for an error text.
pub(super) fn bounded(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(60).collect()
}
