//! How a workspace document lies in the store: the document itself, and the folder its file was applied from.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::workspace_file::WorkspaceDocument;

/// A workspace document with the folder it came from.
#[derive(Debug, Clone)]
pub struct StoredDocument {
    /// The folder of the file; where `file:` secrets and CSV paths lie unless `files_root` says otherwise.
    pub applied_from: PathBuf,
    /// The document.
    pub workspace: WorkspaceDocument,
}

#[derive(Serialize, Deserialize)]
struct Wire {
    #[serde(default)]
    applied_from: PathBuf,
    workspace: serde_json::Value,
}

impl StoredDocument {
    /// Reads the stored form.
    pub fn read(text: &str) -> Result<Self, String> {
        let wire: Wire = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let workspace = WorkspaceDocument::from_json(&wire.workspace.to_string()).map_err(|error| error.to_string())?;
        Ok(Self { applied_from: wire.applied_from, workspace })
    }

    /// Writes the stored form.
    pub fn write(&self) -> Result<String, String> {
        let workspace = serde_json::from_str(&self.workspace.to_json()).map_err(|error| error.to_string())?;
        let wire = Wire { applied_from: self.applied_from.clone(), workspace };
        serde_json::to_string(&wire).map_err(|error| error.to_string())
    }
}
