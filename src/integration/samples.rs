//! What samples of both kinds of integration have in common: the folder of cases, and how one went.

use std::fs;
use std::path::{Path, PathBuf};

/// Why samples cannot be run at all.
#[derive(Debug, thiserror::Error)]
pub enum SamplesError {
    /// A file is missing or cannot be written.
    #[error("{path}: {error}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// The manifest is at fault.
    #[error("{path}: {fault}")]
    Manifest {
        /// Which.
        path: PathBuf,
        /// Why.
        fault: String,
    },
}

/// How one case went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaseReport {
    /// The folder's name.
    pub case: String,
    /// What differs; empty when the case holds.
    pub failures: Vec<String>,
    /// The case's README, to be shown when it fails.
    pub readme: String,
}

impl CaseReport {
    /// How the case in this folder went.
    pub(super) fn of(folder: &Path, failures: Vec<String>) -> Self {
        let case = folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        Self { case, failures, readme: fs::read_to_string(folder.join("README.md")).unwrap_or_default() }
    }
}

/// The folders of all cases of an integration, sorted by name.
pub(super) fn cases(integration: &Path) -> Result<Vec<PathBuf>, SamplesError> {
    let samples = integration.join("samples");
    let told = |error| SamplesError::File { path: samples.clone(), error };
    let mut cases = Vec::new();
    for entry in fs::read_dir(&samples).map_err(told)? {
        let path = entry.map_err(told)?.path();
        if path.is_dir() {
            cases.push(path);
        }
    }
    cases.sort();
    Ok(cases)
}

/// A file's text.
pub(super) fn read(path: &Path) -> Result<String, SamplesError> {
    fs::read_to_string(path).map_err(|error| SamplesError::File { path: path.to_owned(), error })
}
