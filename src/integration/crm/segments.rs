//! The segments a CRM puts a caller in, as one field of a lookup's row tells them.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::manifest::{CallerField, FieldSpec, Manifest};
use super::map_deal::settled;
use crate::integration::expression::{FieldName, scalar_text};

/// More segments of one caller than this are not kept.
const SEGMENTS_MAX: usize = 20;

/// The longest name of a segment, in characters.
const NAME_CHARS_MAX: usize = 100;

/// The segments a connector can tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Segments {
    /// These; none where the manifest names no field for them.
    Named(Vec<String>),
    /// Whatever the CRM calls them.
    Any,
}

/// Reads segments: one value, or a list of them.
pub(super) struct SegmentsField {
    at: FieldName,
    /// The CRM's word in small letters, and the segment it means; empty: its words are the segments.
    words: Vec<(String, Arc<str>)>,
}

impl SegmentsField {
    pub(super) fn compile(spec: &FieldSpec, scope: &Map<String, Value>) -> Result<Self, String> {
        let path = spec.path.as_ref().ok_or("`segments` of a lookup needs a `path`")?;
        let mut words = Vec::new();
        for (segment, called) in &spec.values {
            let called = match called {
                Value::String(text) => settled(text, scope)?,
                other => other.clone(),
            };
            let called = called.as_array().into_iter().flatten().filter_map(scalar_text);
            words.extend(called.map(|word| (word.to_lowercase(), Arc::from(segment.as_str()))));
        }
        Ok(Self { at: FieldName::read(path)?, words })
    }

    /// The segments of a row; words that mean none are left out.
    pub(super) fn of(&self, row: &Value) -> Vec<Arc<str>> {
        let mut segments: Vec<Arc<str>> = Vec::new();
        let texts: Vec<String> = match self.at.find(row) {
            Some(Value::Array(items)) => items.iter().filter_map(scalar_text).collect(),
            Some(one) => scalar_text(one).into_iter().collect(),
            None => Vec::new(),
        };
        for text in texts.iter().filter(|text| !text.is_empty() && text.chars().nth(NAME_CHARS_MAX).is_none()) {
            let segment = if self.words.is_empty() {
                Some(Arc::from(text.as_str()))
            } else {
                let word = text.to_lowercase();
                self.words.iter().find(|(known, _)| *known == word).map(|(_, segment)| Arc::clone(segment))
            };
            if let Some(segment) = segment.filter(|segment| !segments.contains(segment)) {
                segments.push(segment);
            }
        }
        segments.truncate(SEGMENTS_MAX);
        segments
    }
}

/// What segments a connector's lookup tells of callers; none where it looks up nobody.
pub(super) fn told(manifest: &Manifest) -> Option<Segments> {
    let lookup = manifest.lookup.as_ref()?;
    Some(match lookup.fields.get(&CallerField::Segments) {
        None => Segments::Named(Vec::new()),
        Some(spec) if spec.values.is_empty() => Segments::Any,
        Some(spec) => Segments::Named(spec.values.keys().cloned().collect()),
    })
}
