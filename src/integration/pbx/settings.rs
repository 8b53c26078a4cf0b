//! What an administrator may set on a connection: checked against what the dialect's manifest declares.
//!
//! Faults carry a JSON Pointer into the settings, so that the workspace file's checker can add line and column. Secrets are
//! references (`env:NAME`, `file:PATH`) here; nothing resolves them.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::fault::kind_of;
use super::field::FieldName;
use super::manifest::Manifest;

/// One setting as a manifest declares it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SettingSpec {
    /// What it may hold.
    #[serde(rename = "type")]
    pub kind: SettingKind,
    /// Whether a connection must have it.
    #[serde(default)]
    pub required: bool,
    /// When a connection must have it.
    pub required_when: Option<RequiredWhen>,
    /// What holds when it is absent.
    pub default: Option<Value>,
    /// For `choice`: what it may be; for `map`: what its values may be (any text when empty).
    #[serde(default)]
    pub values: Vec<String>,
    /// For `map`: which keys it may have (any when empty).
    #[serde(default)]
    pub keys: Vec<String>,
    /// What it does, for the administrator.
    pub about: String,
}

/// Makes a setting required by the value of another.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RequiredWhen {
    /// The other setting.
    pub setting: String,
    /// Its value.
    pub is: String,
}

/// What a setting may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SettingKind {
    /// A secret, by reference.
    Secret,
    /// A text.
    Text,
    /// A whole number.
    Integer,
    /// One of `values`.
    Choice,
    /// Texts by name.
    Map,
    /// A time zone by its IANA name.
    TimeZone,
}

/// One thing wrong with a connection's settings.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("settings{pointer}: {message}")]
pub struct SettingFault {
    /// JSON Pointer (RFC 6901) into the settings; empty for the settings as a whole.
    pub pointer: String,
    /// What is wrong and what to do.
    pub message: String,
}

/// Settings with defaults filled in: every declared setting is there, null where nothing is said.
#[derive(Clone, PartialEq)]
pub(super) struct Settings(Map<String, Value>);

impl Settings {
    /// Fills in defaults. Assumes that [`check`] found nothing.
    pub(super) fn resolve(manifest: &Manifest, given: &Value) -> Self {
        let filled = manifest.settings.iter().map(|(name, spec)| {
            let value = given.get(name).filter(|value| !value.is_null()).or(spec.default.as_ref());
            // Secrets are never part of what templates see.
            let value = if spec.kind == SettingKind::Secret { None } else { value };
            (name.clone(), value.cloned().unwrap_or(Value::Null))
        });
        Self(filled.collect())
    }

    /// As JSON, for templates.
    pub(super) fn as_json(&self) -> Value {
        Value::Object(self.0.clone())
    }

    /// A setting that is a text.
    pub(super) fn text(&self, name: Option<&String>) -> Option<&str> {
        self.0.get(name?)?.as_str()
    }

    /// A setting that holds texts by name; numbers are taken as their text.
    pub(super) fn map(&self, name: Option<&String>) -> BTreeMap<String, String> {
        let entries = name.and_then(|name| self.0.get(name)).and_then(Value::as_object);
        entries.into_iter().flatten().filter_map(|(key, value)| Some((key.clone(), scalar_text(value)?))).collect()
    }
}

/// All that is wrong with `given` for this dialect.
pub(super) fn check(manifest: &Manifest, given: &Value) -> Vec<SettingFault> {
    let empty = Map::new();
    let given = match given {
        Value::Null => &empty,
        Value::Object(given) => given,
        other => {
            let message = format!("must be a map of settings, not {}", kind_of(other));
            return vec![SettingFault { pointer: String::new(), message }];
        }
    };
    let mut faults = Vec::new();
    for (name, value) in given {
        match manifest.settings.get(name) {
            None => faults.push(unknown(name, manifest)),
            Some(_) if value.is_null() => {}
            Some(spec) => check_value(&pointer(&[name]), spec, value, &mut faults),
        }
    }
    for (name, spec) in &manifest.settings {
        if !is_given(given, name) && spec.default.is_none() {
            faults.extend(missing(name, spec, manifest, given));
        }
    }
    faults
}

fn is_given(given: &Map<String, Value>, name: &str) -> bool {
    match given.get(name) {
        None | Some(Value::Null) => false,
        Some(Value::Object(map)) => !map.is_empty(),
        Some(_) => true,
    }
}

fn missing(name: &str, spec: &SettingSpec, manifest: &Manifest, given: &Map<String, Value>) -> Option<SettingFault> {
    let dialect = &manifest.dialect;
    let because = if spec.required {
        format!("`{name}` is required by pbx/{dialect}")
    } else {
        let condition = spec.required_when.as_ref()?;
        let holds = given.get(&condition.setting).and_then(Value::as_str) == Some(condition.is.as_str());
        if !holds {
            return None;
        }
        format!("`{name}` is required by pbx/{dialect} when `{}` is `{}`", condition.setting, condition.is)
    };
    Some(SettingFault { pointer: String::new(), message: format!("{because}: add it. {}", spec.about) })
}

fn unknown(name: &str, manifest: &Manifest) -> SettingFault {
    let known = manifest.settings.keys().map(String::as_str);
    let message = format!("pbx/{} has no setting `{name}`; {}", manifest.dialect, suggestion(name, known));
    SettingFault { pointer: pointer(&[name]), message }
}

fn check_value(at: &str, spec: &SettingSpec, value: &Value, faults: &mut Vec<SettingFault>) {
    let mut refuse = |message: String| faults.push(SettingFault { pointer: at.to_owned(), message });
    match spec.kind {
        SettingKind::Secret => {
            if value.as_str().is_none_or(|text| text.trim().is_empty()) {
                refuse("must be a reference to a secret: `env:NAME` or `file:PATH`".to_owned());
            }
        }
        SettingKind::Text => {
            if scalar_text(value).is_none_or(|text| text.is_empty()) {
                refuse(format!("must be a text, not {}; leave it out if there is none", kind_of(value)));
            }
        }
        SettingKind::Integer => {
            if value.as_u64().is_none() {
                refuse(format!("must be a whole number, not {}", kind_of(value)));
            }
        }
        SettingKind::Choice => {
            if !value.as_str().is_some_and(|text| spec.values.iter().any(|known| known == text)) {
                let near = suggestion(value.as_str().unwrap_or_default(), spec.values.iter().map(String::as_str));
                refuse(format!("is none of its values; {near}"));
            }
        }
        SettingKind::TimeZone => {
            if value.as_str().is_none_or(|name| TimeZone::get(name).is_err()) {
                refuse("is no time zone: write an IANA name such as `Europe/Moscow`".to_owned());
            }
        }
        SettingKind::Map => match value {
            Value::Object(entries) => check_entries(at, spec, entries, faults),
            other => refuse(format!("must be a map of texts, not {}", kind_of(other))),
        },
    }
}

fn check_entries(at: &str, spec: &SettingSpec, entries: &Map<String, Value>, faults: &mut Vec<SettingFault>) {
    for (key, value) in entries {
        let at = format!("{at}{}", pointer(&[key]));
        let keys = || spec.keys.iter().map(String::as_str);
        if !spec.keys.is_empty() && keys().all(|known| known != key) {
            faults.push(SettingFault { pointer: at, message: format!("`{key}` is not known here; {}", suggestion(key, keys())) });
            continue;
        }
        let Some(text) = scalar_text(value).filter(|text| !text.is_empty()) else {
            faults.push(SettingFault { pointer: at, message: format!("must be a text, not {}", kind_of(value)) });
            continue;
        };
        let values = || spec.values.iter().map(String::as_str);
        if !spec.values.is_empty() && values().all(|known| known != text) {
            faults.push(SettingFault {
                pointer: at,
                message: format!("`{text}` is not known here; {}", suggestion(&text, values())),
            });
        } else if !spec.keys.is_empty()
            && let Err(detail) = FieldName::read(&text)
        {
            faults.push(SettingFault { pointer: at, message: detail });
        }
    }
}

/// `did you mean ...?`, or all there is.
fn suggestion<'a>(word: &str, known: impl Iterator<Item = &'a str> + Clone) -> String {
    let near = known.clone().map(|candidate| (strsim::damerau_levenshtein(word, candidate), candidate)).min();
    match near {
        Some((distance, candidate)) if distance <= 2.max(candidate.len() / 4) => format!("did you mean `{candidate}`?"),
        _ => format!("known are {}", known.map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")),
    }
}

fn pointer(segments: &[&str]) -> String {
    segments.iter().map(|segment| format!("/{}", segment.replace('~', "~0").replace('/', "~1"))).collect()
}

/// A text, or a number as its text.
pub(super) fn scalar_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.trim().to_owned()),
        Value::Number(number) => Some(number.to_string()),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}
