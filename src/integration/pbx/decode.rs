//! Reads a decision request of a dialect whose fields its manifest names.

use serde_json::{Map, Value};

use super::fault::{HookFault, kind_of};
use super::field::{FieldName, Fields};
use super::hook::Echo;
use super::manifest::{DecisionField, DecisionSpec};
use super::party;
use super::settings::{Settings, scalar_text};
use crate::core::call::{DecisionRequest, DialledNumber};
use crate::core::ids::{AgentId, CallId};

/// At most this many agents are excluded in one question.
const EXCLUDED_MAX: usize = 1000;

/// A question and what its answer must repeat.
#[derive(Debug, Clone, PartialEq)]
pub struct Question {
    /// The canonical question.
    pub request: DecisionRequest,
    /// What the answer repeats.
    pub echo: Echo,
}

/// The compiled reader.
#[derive(Debug, Clone)]
pub(super) struct DecisionReader {
    fields: Fields<DecisionField>,
    expect: Vec<(FieldName, String)>,
    echo: Vec<(String, Vec<FieldName>)>,
}

impl DecisionReader {
    pub(super) fn compile(spec: &DecisionSpec, settings: &Settings) -> Result<Self, String> {
        let fields = Fields::compile(&spec.fields, &settings.map(spec.rename_by.as_ref()))?;
        let expect =
            spec.expect.iter().map(|(name, value)| Ok((FieldName::read(name)?, value.clone()))).collect::<Result<_, String>>()?;
        let echo = spec
            .echo
            .iter()
            .map(|(name, field)| {
                let names = field.from.iter().map(|name| FieldName::read(name)).collect::<Result<_, _>>()?;
                Ok((name.clone(), names))
            })
            .collect::<Result<_, String>>()?;
        Ok(Self { fields, expect, echo })
    }

    pub(super) fn decode(&self, document: &Value, default_region: &str) -> Result<DecisionRequest, HookFault> {
        if !document.is_object() {
            return Err(HookFault::WrongType {
                field: "/".to_owned(),
                expected: "an object".to_owned(),
                found: kind_of(document),
            });
        }
        for (name, expected) in &self.expect {
            let found = name.find(document).and_then(scalar_text);
            if found.as_ref() != Some(expected) {
                return Err(HookFault::WrongValue { field: name.spelling().to_owned(), expected: format!("`{expected}`") });
            }
        }
        let text = |field| self.fields.text(field, document);
        let attempt = self.fields.whole_number(DecisionField::Attempt, document)?;
        if attempt == Some(0) {
            let field = self.fields.spelling(DecisionField::Attempt, document);
            return Err(HookFault::WrongValue { field, expected: "1 or more".to_owned() });
        }
        let excluded = self.fields.list(DecisionField::Exclude, document, EXCLUDED_MAX)?;
        Ok(DecisionRequest {
            call_id: CallId::new(self.fields.required(DecisionField::CallId, document)?),
            caller: text(DecisionField::Caller)?.and_then(|caller| party::caller(&caller, default_region)),
            called: self.called(document, default_region)?,
            scenario: text(DecisionField::Scenario)?,
            operation: text(DecisionField::Operation)?,
            attempt,
            exclude: excluded.into_iter().map(AgentId::new).collect(),
            at: None,
        })
    }

    fn called(&self, document: &Value, default_region: &str) -> Result<DialledNumber, HookFault> {
        Ok(party::called(&self.fields.required(DecisionField::Called, document)?, default_region))
    }

    /// What the answer repeats: texts and numbers only, as they came.
    pub(super) fn echo(&self, document: &Value) -> Echo {
        let found = self.echo.iter().filter_map(|(name, places)| {
            let value = places.iter().find_map(|place| place.find(document))?;
            matches!(value, Value::String(_) | Value::Number(_)).then(|| (name.clone(), value.clone()))
        });
        Echo(found.collect::<Map<_, _>>())
    }
}
