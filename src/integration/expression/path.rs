//! Where a value stands in a document: a name at its top, or a path into it.

use serde_json::Value;
use serde_json_path::JsonPath;

/// Where a field may stand.
#[derive(Debug, Clone)]
pub(in crate::integration) enum FieldName {
    /// A name at the top.
    Key(String),
    /// A path and its spelling.
    Path(JsonPath, String),
}

impl FieldName {
    /// Reads a name, or a path that begins with `$`.
    pub(in crate::integration) fn read(text: &str) -> Result<Self, String> {
        if !text.starts_with('$') {
            return Ok(Self::Key(text.to_owned()));
        }
        match JsonPath::parse(text) {
            Ok(path) => Ok(Self::Path(path, text.to_owned())),
            Err(error) => Err(format!("`{text}` is no JSONPath (RFC 9535): {error}")),
        }
    }

    /// The value there, if it is neither null nor an empty text.
    pub(in crate::integration) fn find<'v>(&self, document: &'v Value) -> Option<&'v Value> {
        let found = match self {
            Self::Key(key) => document.get(key)?,
            Self::Path(path, _) => path.query(document).first()?,
        };
        let empty = found.is_null() || found.as_str().is_some_and(|text| text.trim().is_empty());
        (!empty).then_some(found)
    }

    /// As the manifest or the administrator wrote it.
    pub(in crate::integration) fn spelling(&self) -> &str {
        match self {
            Self::Key(text) | Self::Path(_, text) => text,
        }
    }
}
