//! Secrets by reference: `env:NAME` or `file:PATH`. Errors name the reference, never the value.

use std::path::{Component, Path, PathBuf};

use secrecy::SecretString;

/// The largest secret file, in bytes.
const FILE_BYTES_MAX: u64 = 64 * 1024;

/// Resolves references.
pub trait Secrets: Send + Sync {
    /// The secret behind `env:NAME` or `file:PATH`.
    fn resolve(&self, reference: &str) -> Result<SecretString, SecretError>;
}

/// Why a secret cannot be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    /// The setting holds something else; it is not repeated, since it may be the secret itself.
    #[error("is no reference to a secret: write `env:NAME` or `file:PATH`, and put the secret itself there")]
    NotAReference,
    /// The environment has no such variable, or an empty one.
    #[error("environment variable `{0}` is not set: set it for the service")]
    NotInEnvironment(String),
    /// The file lies elsewhere.
    #[error("`{0}` leaves the folder in which files of connections may lie: move the file, or set `files_root`")]
    Outside(String),
    /// The file cannot be read, or is empty.
    #[error("`{path}`: {detail}")]
    File {
        /// As the reference says it.
        path: String,
        /// What is wrong.
        detail: String,
    },
}

/// Reads an environment variable.
pub type ReadEnv = dyn Fn(&str) -> Option<String> + Send + Sync;

/// Environment variables, and files below a folder.
pub struct EnvAndFiles {
    /// Reads a variable.
    pub env: Box<ReadEnv>,
    /// The folder.
    pub files_root: PathBuf,
}

impl Secrets for EnvAndFiles {
    fn resolve(&self, reference: &str) -> Result<SecretString, SecretError> {
        if let Some(name) = reference.strip_prefix("env:") {
            let value = (self.env)(name).filter(|value| !value.trim().is_empty());
            return value.map(|value| value.trim().into()).ok_or_else(|| SecretError::NotInEnvironment(name.to_owned()));
        }
        let Some(path) = reference.strip_prefix("file:") else { return Err(SecretError::NotAReference) };
        let fault = |detail: String| SecretError::File { path: path.to_owned(), detail };
        let whole = below(&self.files_root, path).map_err(|error| match error {
            NotBelow::Outside => SecretError::Outside(path.to_owned()),
            NotBelow::Missing(detail) => fault(detail),
        })?;
        let size = std::fs::metadata(&whole).map_err(|error| fault(error.to_string()))?.len();
        if size > FILE_BYTES_MAX {
            return Err(fault(format!("is larger than {FILE_BYTES_MAX} bytes: that is no secret")));
        }
        let text = std::fs::read_to_string(&whole).map_err(|error| fault(error.to_string()))?;
        match text.trim() {
            "" => Err(fault("is empty".to_owned())),
            secret => Ok(secret.into()),
        }
    }
}

/// Why a path is not used.
#[derive(Debug)]
pub(super) enum NotBelow {
    /// It leads out of the folder.
    Outside,
    /// There is no such file.
    Missing(String),
}

/// A file below a folder; neither `..` nor a link may lead out of it.
pub(super) fn below(root: &Path, path: &str) -> Result<PathBuf, NotBelow> {
    if Path::new(path).components().any(|part| matches!(part, Component::ParentDir)) {
        return Err(NotBelow::Outside);
    }
    let missing = |error: std::io::Error| NotBelow::Missing(error.to_string());
    let root = root.canonicalize().map_err(missing)?;
    let whole = root.join(path).canonicalize().map_err(missing)?;
    if whole.starts_with(&root) { Ok(whole) } else { Err(NotBelow::Outside) }
}
