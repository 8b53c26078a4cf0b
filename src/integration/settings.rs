//! What an administrator may set on a connection: checked against what the integration's manifest declares.
//!
//! Faults carry a JSON Pointer into the settings, so that the workspace file's checker can add line and column. Secrets are
//! references (`env:NAME`, `file:PATH`) here; nothing resolves them.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::expression::{FieldName, kind_of, scalar_text};
use crate::core::money::Currency;

/// Settings by name, as a manifest declares them.
pub type SettingSpecs = BTreeMap<String, SettingSpec>;

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
    /// For `group`: the settings in it.
    #[serde(default)]
    pub fields: SettingSpecs,
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
    /// Where a server is: a host, or a base address such as `http://10.0.0.5:8080`.
    Address,
    /// Several texts.
    List,
    /// A currency code (ISO 4217).
    Currency,
    /// How dates are written, in the letters of `strftime`.
    DateFormat,
    /// Settings in a map of their own.
    Group,
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
pub(in crate::integration) struct Settings(Map<String, Value>);

impl Settings {
    /// Fills in defaults. Assumes that [`check`] found nothing.
    pub(in crate::integration) fn resolve(specs: &SettingSpecs, given: &Value) -> Self {
        let filled = specs.iter().map(|(name, spec)| {
            let value = given.get(name).filter(|value| !value.is_null()).or(spec.default.as_ref());
            let value = match (spec.kind, value) {
                // Secrets are never part of what templates see.
                (SettingKind::Secret, _) => None,
                (SettingKind::Group, value) => Some(Self::resolve(&spec.fields, value.unwrap_or(&Value::Null)).as_json()),
                (SettingKind::Address, Some(Value::String(text))) => Some(Value::String(base_address(text))),
                (_, value) => value.cloned(),
            };
            (name.clone(), value.unwrap_or(Value::Null))
        });
        Self(filled.collect())
    }

    /// As JSON, for templates.
    pub(in crate::integration) fn as_json(&self) -> Value {
        Value::Object(self.0.clone())
    }

    /// A setting that is a text.
    pub(in crate::integration) fn text(&self, name: Option<&String>) -> Option<&str> {
        self.0.get(name?)?.as_str()
    }

    /// A setting that holds texts by name; numbers are taken as their text.
    pub(in crate::integration) fn map(&self, name: Option<&String>) -> BTreeMap<String, String> {
        let entries = name.and_then(|name| self.0.get(name)).and_then(Value::as_object);
        entries.into_iter().flatten().filter_map(|(key, value)| Some((key.clone(), scalar_text(value)?))).collect()
    }
}

/// `acme.example.com` and `https://acme.example.com/` are the same base address.
fn base_address(text: &str) -> String {
    let text = text.trim().trim_end_matches('/');
    if text.contains("://") { text.to_owned() } else { format!("https://{text}") }
}

/// All that is wrong with `given`; `integration` names it in the texts.
pub(in crate::integration) fn check(specs: &SettingSpecs, integration: &str, given: &Value) -> Vec<SettingFault> {
    let mut faults = Vec::new();
    check_group(&Declared { specs, integration, at: "" }, given, &mut faults);
    faults
}

/// The settings of one map, and where it stands.
struct Declared<'a> {
    specs: &'a SettingSpecs,
    integration: &'a str,
    at: &'a str,
}

fn check_group(declared: &Declared<'_>, given: &Value, faults: &mut Vec<SettingFault>) {
    let empty = Map::new();
    let given = match given {
        Value::Null => &empty,
        Value::Object(given) => given,
        other => {
            let message = format!("must be a map of settings, not {}", kind_of(other));
            faults.push(SettingFault { pointer: declared.at.to_owned(), message });
            return;
        }
    };
    for (name, value) in given {
        let at = format!("{}{}", declared.at, pointer(&[name]));
        match declared.specs.get(name) {
            None => faults.push(unknown(name, at, declared)),
            Some(_) if value.is_null() => {}
            Some(spec) if spec.kind == SettingKind::Group => {
                check_group(&Declared { specs: &spec.fields, integration: declared.integration, at: &at }, value, faults);
            }
            Some(spec) => check_value(&at, spec, value, faults),
        }
    }
    for (name, spec) in declared.specs {
        if !is_given(given, name) && spec.default.is_none() {
            faults.extend(missing(name, spec, declared, given));
        }
    }
}

fn is_given(given: &Map<String, Value>, name: &str) -> bool {
    match given.get(name) {
        None | Some(Value::Null) => false,
        Some(Value::Object(map)) => !map.is_empty(),
        Some(_) => true,
    }
}

fn missing(name: &str, spec: &SettingSpec, declared: &Declared<'_>, given: &Map<String, Value>) -> Option<SettingFault> {
    let integration = declared.integration;
    let because = if spec.required {
        format!("`{name}` is required by {integration}")
    } else {
        let condition = spec.required_when.as_ref()?;
        let holds = given.get(&condition.setting).and_then(Value::as_str) == Some(condition.is.as_str());
        if !holds {
            return None;
        }
        format!("`{name}` is required by {integration} when `{}` is `{}`", condition.setting, condition.is)
    };
    Some(SettingFault { pointer: declared.at.to_owned(), message: format!("{because}: add it. {}", spec.about) })
}

fn unknown(name: &str, at: String, declared: &Declared<'_>) -> SettingFault {
    let known = declared.specs.keys().map(String::as_str);
    let message = format!("{} has no setting `{name}`; {}", declared.integration, suggestion(name, known));
    SettingFault { pointer: at, message }
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
        SettingKind::Address => {
            let text = value.as_str().map(base_address).unwrap_or_default();
            let sound = url::Url::parse(&text).is_ok_and(|url| {
                matches!(url.scheme(), "http" | "https")
                    && url.host().is_some()
                    && url.username().is_empty()
                    && url.query().is_none()
            });
            if !sound {
                refuse("must be a host (`acme.example.com`) or a base address (`https://acme.example.com`)".to_owned());
            }
        }
        SettingKind::Currency => {
            if let Err(error) = value.as_str().unwrap_or_default().parse::<Currency>() {
                refuse(error.to_string());
            }
        }
        SettingKind::DateFormat => {
            let sound = value.as_str().is_some_and(|form| {
                form.contains('%') && jiff::fmt::strtime::format(form, jiff::civil::date(2026, 11, 24).at(9, 5, 7, 0)).is_ok()
            });
            if !sound {
                refuse("is no form of a date: write it as in `%Y-%m-%d` or `%d.%m.%Y`".to_owned());
            }
        }
        SettingKind::List => {
            let texts = value.as_array().filter(|items| !items.is_empty());
            if texts.is_none_or(|items| items.iter().any(|item| scalar_text(item).is_none_or(|text| text.is_empty()))) {
                refuse("must be a list of texts: `[Won]`".to_owned());
            }
        }
        // Checked as settings of their own.
        SettingKind::Group => {}
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
pub(in crate::integration) fn suggestion<'a>(word: &str, known: impl Iterator<Item = &'a str> + Clone) -> String {
    let near = known.clone().map(|candidate| (strsim::damerau_levenshtein(word, candidate), candidate)).min();
    match near {
        Some((distance, candidate)) if distance <= 2.max(candidate.len() / 4) => format!("did you mean `{candidate}`?"),
        _ => format!("known are {}", known.map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")),
    }
}

fn pointer(segments: &[&str]) -> String {
    segments.iter().map(|segment| format!("/{}", segment.replace('~', "~0").replace('/', "~1"))).collect()
}
