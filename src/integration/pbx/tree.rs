//! Bodies of replies as trees: built from values, never by pasting JSON text.
//!
//! Beyond templates in texts there are two notations. A name that ends in `?` is left out when its value is null. A map of
//! exactly `each`, `as` and `item` stands for a list: one item per entry.

use serde_json::{Map, Value};

use super::template::{Formula, Scope, Text, known};

/// A compiled tree.
#[derive(Debug, Clone)]
pub(super) enum Tree {
    /// As it stands.
    Literal(Value),
    /// A text with `{{ }}`.
    Text(Text),
    /// A list.
    List(Vec<Tree>),
    /// A map: name, whether it is left out when null, value.
    Map(Vec<(String, bool, Tree)>),
    /// One item per entry of a list.
    Each { entries: Formula, name: String, item: Box<Tree> },
}

impl Tree {
    pub(super) fn compile(value: &Value) -> Result<Self, String> {
        match value {
            Value::String(text) => Ok(match Text::compile(text)? {
                Some(text) => Self::Text(text),
                None => Self::Literal(value.clone()),
            }),
            Value::Array(items) => items.iter().map(Self::compile).collect::<Result<_, _>>().map(Self::List),
            Value::Object(fields) => match (fields.get("each"), fields.get("as"), fields.get("item"), fields.len()) {
                (Some(entries), Some(name), Some(item), 3) => Self::each(entries, name, item),
                _ => Self::fields(fields),
            },
            Value::Null | Value::Bool(_) | Value::Number(_) => Ok(Self::Literal(value.clone())),
        }
    }

    fn fields(fields: &Map<String, Value>) -> Result<Self, String> {
        let compiled = fields.iter().map(|(name, value)| {
            let optional = name.strip_suffix('?');
            Ok((optional.unwrap_or(name).to_owned(), optional.is_some(), Self::compile(value)?))
        });
        compiled.collect::<Result<_, String>>().map(Self::Map)
    }

    fn each(entries: &Value, name: &Value, item: &Value) -> Result<Self, String> {
        let (Some(entries), Some(name)) = (entries.as_str(), name.as_str()) else {
            return Err("`each` must be a text with one `{{ }}`, `as` a name".to_owned());
        };
        let Some(Text::Typed(entries)) = Text::compile(entries)? else {
            return Err(format!("`each: {entries}` must be exactly one `{{{{ }}}}`"));
        };
        Ok(Self::Each { entries, name: name.to_owned(), item: Box::new(Self::compile(item)?) })
    }

    /// The tree with its values. `scope` must be a map.
    pub(super) fn value(&self, scope: &Map<String, Value>) -> Result<Value, String> {
        self.evaluate(&known(&Value::Object(scope.clone())), scope)
    }

    fn evaluate(&self, seen: &Scope, scope: &Map<String, Value>) -> Result<Value, String> {
        match self {
            Self::Literal(value) => Ok(value.clone()),
            Self::Text(text) => text.value(seen),
            Self::List(items) => items.iter().map(|item| item.evaluate(seen, scope)).collect::<Result<_, _>>().map(Value::Array),
            Self::Map(fields) => {
                let mut map = Map::new();
                for (name, optional, tree) in fields {
                    let value = tree.evaluate(seen, scope)?;
                    if !(*optional && value.is_null()) {
                        map.insert(name.clone(), value);
                    }
                }
                Ok(Value::Object(map))
            }
            Self::Each { entries, name, item } => {
                let Value::Array(entries) = entries.value(seen)? else {
                    return Err(format!("what `each` names for `{name}` is no list"));
                };
                let mut inner = scope.clone();
                let mut list = Vec::with_capacity(entries.len());
                for entry in entries {
                    inner.insert(name.clone(), entry);
                    list.push(item.value(&inner)?);
                }
                Ok(Value::Array(list))
            }
        }
    }
}
