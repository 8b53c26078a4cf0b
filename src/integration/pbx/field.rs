//! Finds the fields of a document by the names a manifest gives them, or by those an administrator gave instead.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json_path::JsonPath;

use super::fault::{HookFault, kind_of};
use super::manifest::FieldSpec;
use super::settings::scalar_text;

/// The longest text taken for an id, a name or a number, in characters.
const TEXT_CHARS_MAX: usize = 256;

/// Where a field may stand: a name at the top of the document, or a path into it.
#[derive(Debug, Clone)]
pub(super) enum FieldName {
    /// A name at the top.
    Key(String),
    /// A path and its spelling.
    Path(JsonPath, String),
}

impl FieldName {
    /// Reads a name, or a path that begins with `$`.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        if !text.starts_with('$') {
            return Ok(Self::Key(text.to_owned()));
        }
        match JsonPath::parse(text) {
            Ok(path) => Ok(Self::Path(path, text.to_owned())),
            Err(error) => Err(format!("`{text}` is no JSONPath (RFC 9535): {error}")),
        }
    }

    /// The value there, if it is neither null nor an empty text.
    pub(super) fn find<'v>(&self, document: &'v Value) -> Option<&'v Value> {
        let found = match self {
            Self::Key(key) => document.get(key)?,
            Self::Path(path, _) => path.query(document).first()?,
        };
        let empty = found.is_null() || found.as_str().is_some_and(|text| text.trim().is_empty());
        (!empty).then_some(found)
    }

    /// As the manifest or the administrator wrote it.
    pub(super) fn spelling(&self) -> &str {
        match self {
            Self::Key(text) | Self::Path(_, text) => text,
        }
    }
}

/// The fields of one kind of document, by what they mean.
#[derive(Debug, Clone)]
pub(super) struct Fields<K>(BTreeMap<K, Vec<FieldName>>);

impl<K: Ord + Copy + DeserializeOwned> Fields<K> {
    /// Compiles names; those of `renames` (meaning -> name) are looked at before the manifest's.
    pub(super) fn compile(specs: &BTreeMap<K, FieldSpec>, renames: &BTreeMap<String, String>) -> Result<Self, String> {
        let mut fields = BTreeMap::new();
        for (meaning, name) in renames {
            let Ok(meaning) = serde_json::from_value::<K>(Value::String(meaning.clone())) else { continue };
            fields.insert(meaning, vec![FieldName::read(name)?]);
        }
        for (meaning, spec) in specs {
            let names: &mut Vec<FieldName> = fields.entry(*meaning).or_default();
            for name in &spec.from {
                names.push(FieldName::read(name)?);
            }
        }
        Ok(Self(fields))
    }
}

impl<K: Ord + Copy> Fields<K> {
    /// The first value that a field's names find, and the name that found it.
    pub(super) fn find<'v>(&self, field: K, document: &'v Value) -> Option<(&FieldName, &'v Value)> {
        self.0.get(&field)?.iter().find_map(|name| Some((name, name.find(document)?)))
    }

    /// A field as text; numbers are taken as their text, since ids change type from PBX to PBX.
    pub(super) fn text(&self, field: K, document: &Value) -> Result<Option<String>, HookFault> {
        let Some((name, value)) = self.find(field, document) else { return Ok(None) };
        let Some(text) = scalar_text(value) else {
            let (field, found) = (name.spelling().to_owned(), kind_of(value));
            return Err(HookFault::WrongType { field, expected: "a text or a number".to_owned(), found });
        };
        if text.chars().nth(TEXT_CHARS_MAX).is_some() {
            let (field, expected) = (name.spelling().to_owned(), format!("at most {TEXT_CHARS_MAX} characters"));
            return Err(HookFault::WrongValue { field, expected });
        }
        Ok(Some(text))
    }

    /// A field that must be there.
    pub(super) fn required(&self, field: K, document: &Value) -> Result<String, HookFault> {
        self.text(field, document)?.ok_or_else(|| self.missing(field))
    }

    /// A field as a whole number.
    pub(super) fn whole_number(&self, field: K, document: &Value) -> Result<Option<u32>, HookFault> {
        let Some(text) = self.text(field, document)? else { return Ok(None) };
        let wrong = || HookFault::WrongValue { field: self.spelling(field, document), expected: "a whole number".to_owned() };
        text.parse().map(Some).map_err(|_| wrong())
    }

    /// A field as a list of texts: an array, or one text with commas.
    pub(super) fn list(&self, field: K, document: &Value, limit: usize) -> Result<Vec<String>, HookFault> {
        let Some((name, value)) = self.find(field, document) else { return Ok(Vec::new()) };
        let entries: Vec<String> = match value {
            Value::Array(entries) => entries.iter().filter_map(scalar_text).collect(),
            Value::String(text) => text.trim_matches(['[', ']']).split(',').map(|part| part.trim().to_owned()).collect(),
            Value::Number(number) => vec![number.to_string()],
            Value::Null | Value::Bool(_) | Value::Object(_) => {
                let (field, found) = (name.spelling().to_owned(), kind_of(value));
                return Err(HookFault::WrongType { field, expected: "a list".to_owned(), found });
            }
        };
        let entries: Vec<String> = entries.into_iter().filter(|entry| !entry.is_empty()).collect();
        if entries.len() > limit || entries.iter().any(|entry| entry.chars().nth(TEXT_CHARS_MAX).is_some()) {
            let expected = format!("at most {limit} entries of at most {TEXT_CHARS_MAX} characters");
            return Err(HookFault::WrongValue { field: name.spelling().to_owned(), expected });
        }
        Ok(entries)
    }

    /// The name under which a field was found, or the first it has.
    pub(super) fn spelling(&self, field: K, document: &Value) -> String {
        let found = self.find(field, document).map(|(name, _)| name);
        let name = found.or_else(|| self.0.get(&field)?.first());
        name.map(|name| name.spelling().to_owned()).unwrap_or_default()
    }

    fn missing(&self, field: K) -> HookFault {
        self.missing_any(&[field], "let the PBX send it, or say in the connection's settings what it is called")
    }

    /// The fault of none of these fields being there.
    pub(super) fn missing_any(&self, fields: &[K], hint: &'static str) -> HookFault {
        let names = fields.iter().filter_map(|field| self.0.get(field)).flatten();
        let spelled: Vec<&str> = names.map(FieldName::spelling).collect();
        HookFault::MissingField { field: spelled.join("` or `"), hint: hint.into() }
    }
}
