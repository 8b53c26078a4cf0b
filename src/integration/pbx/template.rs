//! Expressions of manifests: conditions, and texts with `{{ }}`.
//!
//! Strict (an unknown name is an error, not an empty text), bounded by fuel, without loader, include or any way to reach the
//! outside. A text that is exactly one `{{ }}` keeps the type of its value.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use minijinja::{Environment, Expression, UndefinedBehavior, Value as Known};
use serde_json::Value;

/// Instructions one evaluation may take.
const FUEL: u64 = 50_000;

static ENVIRONMENT: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
    environment.set_fuel(Some(FUEL));
    environment
});

/// A condition or a value.
#[derive(Debug, Clone)]
pub(super) struct Formula(std::sync::Arc<Expression<'static, 'static>>);

/// A text of a tree.
#[derive(Debug, Clone)]
pub(super) enum Text {
    /// Exactly one `{{ }}`: keeps its type.
    Typed(Formula),
    /// Text with values in it.
    Mixed(String),
}

/// What expressions see.
pub(super) type Scope = Known;

/// Converts JSON for expressions. Numbers keep their text when the reader keeps exact decimals, and the engine's own
/// conversion would show that as a map: whole numbers become integers here, others texts.
pub(super) fn known(value: &Value) -> Known {
    match value {
        Value::Null => Known::from(()),
        Value::Bool(truth) => Known::from(*truth),
        Value::Number(number) => match (number.as_i64(), number.as_u64()) {
            (Some(whole), _) => Known::from(whole),
            (None, Some(whole)) => Known::from(whole),
            (None, None) => Known::from(number.to_string()),
        },
        Value::String(text) => Known::from(text.as_str()),
        Value::Array(items) => items.iter().map(known).collect(),
        Value::Object(fields) => {
            Known::from(fields.iter().map(|(name, value)| (name.clone(), known(value))).collect::<BTreeMap<String, Known>>())
        }
    }
}

impl Formula {
    pub(super) fn compile(text: &str) -> Result<Self, String> {
        let compiled = ENVIRONMENT.compile_expression_owned(text.to_owned());
        compiled.map(|expression| Self(expression.into())).map_err(|error| format!("`{text}`: {error}"))
    }

    pub(super) fn value(&self, scope: &Scope) -> Result<Value, String> {
        let value = self.0.eval(scope).map_err(|error| error.to_string())?;
        if value.is_undefined() {
            return Err("a name in an expression is not known".to_owned());
        }
        serde_json::to_value(&value).map_err(|error| error.to_string())
    }

    pub(super) fn holds(&self, scope: &Scope) -> Result<bool, String> {
        let value = self.0.eval(scope).map_err(|error| error.to_string())?;
        if value.is_undefined() {
            return Err("a name in a condition is not known".to_owned());
        }
        Ok(value.is_true())
    }
}

impl Text {
    /// None for a text without `{{ }}`.
    pub(super) fn compile(text: &str) -> Result<Option<Self>, String> {
        if !text.contains("{{") && !text.contains("{%") {
            return Ok(None);
        }
        if let Some(inner) = text.trim().strip_prefix("{{").and_then(|rest| rest.strip_suffix("}}"))
            && !inner.contains("{{")
        {
            return Formula::compile(inner.trim()).map(|formula| Some(Self::Typed(formula)));
        }
        ENVIRONMENT.template_from_str(text).map_err(|error| format!("`{text}`: {error}"))?;
        Ok(Some(Self::Mixed(text.to_owned())))
    }

    pub(super) fn value(&self, scope: &Scope) -> Result<Value, String> {
        match self {
            Self::Typed(formula) => formula.value(scope),
            Self::Mixed(text) => {
                ENVIRONMENT.render_str(text, scope.clone()).map(Value::String).map_err(|error| error.to_string())
            }
        }
    }
}
