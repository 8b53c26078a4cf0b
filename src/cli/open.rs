//! What every command that touches the store does first: read settings, open the store.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;

use crate::broker::store::StoredWorkspace;
use crate::config::Settings;
use crate::integration::secrets::{EnvAndFiles, Secrets};
use crate::store::sqlite::SqliteStore;

/// The settings file looked for when none is named.
const DEFAULT_FILE: &str = "meritline.toml";

/// Where settings are read from.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct SettingsFile {
    /// Settings file; default: meritline.toml in this folder, if there is one
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

impl SettingsFile {
    /// Reads the settings: the file, then the environment.
    pub fn read(&self) -> anyhow::Result<Settings> {
        let (path, named) = match &self.config {
            Some(path) => (path.as_path(), true),
            None => (Path::new(DEFAULT_FILE), false),
        };
        let text = match std::fs::read_to_string(path) {
            Ok(text) => Some(text),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && !named => None,
            Err(error) => return Err(error).with_context(|| format!("cannot read the settings file {}", path.display())),
        };
        let name = path.display().to_string();
        let file = text.as_deref().map(|text| (name.as_str(), text));
        Ok(Settings::read(file, std::env::vars())?)
    }
}

/// Opens the store that the settings name.
pub async fn store(settings: &Settings) -> anyhow::Result<Arc<SqliteStore>> {
    let opened = SqliteStore::connect(&settings.database_url).await;
    opened.with_context(|| format!("cannot open the store {}", settings.database_url))
}

/// Opens the store that the settings name if there is one already; makes none.
pub async fn existing_store(settings: &Settings) -> anyhow::Result<Option<Arc<SqliteStore>>> {
    if SqliteStore::is_there(&settings.database_url) { store(settings).await.map(Some) } else { Ok(None) }
}

/// Opens the store that the settings name, for a command that only makes sense where there is one already; makes none.
pub async fn store_that_is_there(settings: &Settings) -> anyhow::Result<Arc<SqliteStore>> {
    let found = existing_store(settings).await?;
    found.with_context(|| {
        format!(
            "there is no database {}: name the right one (`database_url` in meritline.toml, or MERITLINE_DATABASE_URL), or make \
             it with `meritline workspace apply FILE`",
            settings.database_url
        )
    })
}

/// Says that a workspace is not in the store, and which are.
pub fn no_workspace(id: &str, known: &[StoredWorkspace], settings: &Settings) -> anyhow::Error {
    let url = &settings.database_url;
    if known.is_empty() {
        return anyhow::anyhow!(
            "there is no workspace `{id}`: the database {url} holds none yet; `meritline workspace apply FILE` sets one up"
        );
    }
    let known: Vec<&str> = known.iter().map(|workspace| workspace.id.as_str()).collect();
    anyhow::anyhow!("there is no workspace `{id}` in the database {url}; there are: {}", known.join(", "))
}

/// Resolves `env:` references from the process's environment and `file:` references below a folder.
pub fn secrets(files_root: &Path) -> Arc<dyn Secrets> {
    let env = |name: &str| std::env::var(name).ok();
    Arc::new(EnvAndFiles { env: Box::new(env), files_root: files_root.to_owned() })
}
