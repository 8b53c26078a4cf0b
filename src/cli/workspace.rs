//! `meritline workspace apply | export | list`: declarative set-up.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};

use super::open::{self, SettingsFile};
use super::share_warnings;
use crate::broker::ports::Clock;
use crate::broker::store::{Store, StoreError, StoredWorkspace, WorkspaceChange};
use crate::core::ids::WorkspaceId;
use crate::service::clock::SystemClock;
use crate::service::settings_check::Integrations;
use crate::service::stored_document::StoredDocument;
use crate::workspace_file::{self, Checked};

/// What to do with workspaces.
#[derive(Debug, clap::Subcommand)]
pub enum WorkspaceCommand {
    /// Applies workspace files: all of them or none; prints what changes
    Apply {
        /// Workspace files (YAML)
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
        /// Where the store is
        #[command(flatten)]
        settings: SettingsFile,
    },
    /// Prints a workspace as a file; secrets stay references
    Export {
        /// The workspace's id
        name: String,
        /// Where the store is
        #[command(flatten)]
        settings: SettingsFile,
    },
    /// Lists workspaces
    List {
        /// Machine-readable
        #[arg(long)]
        json: bool,
        /// Where the store is
        #[command(flatten)]
        settings: SettingsFile,
    },
}

/// Runs it.
pub async fn run(command: WorkspaceCommand) -> anyhow::Result<ExitCode> {
    match command {
        WorkspaceCommand::Apply { files, settings } => apply(&files, &settings).await,
        WorkspaceCommand::Export { name, settings } => export(&name, &settings).await,
        WorkspaceCommand::List { json, settings } => list(json, &settings).await,
    }
}

/// A file that was read and found sound.
struct Sound {
    file: String,
    folder: PathBuf,
    checked: Checked,
}

async fn apply(files: &[PathBuf], settings: &SettingsFile) -> anyhow::Result<ExitCode> {
    let Some(sound) = read_all(files)? else { return Ok(ExitCode::from(1)) };
    let store = open::store(&settings.read()?).await?;
    let stored = store.workspaces().await?;
    let mut changes = Vec::new();
    for one in &sound {
        let before = stored.iter().find(|known| known.id == one.checked.workspace.id);
        changes.extend(change(one, before)?);
        share_warnings::warn(&*store, &one.checked).await;
    }
    if changes.is_empty() {
        println!("Nothing changes.");
    } else {
        match store.apply_workspaces(changes, SystemClock.now()).await {
            Ok(()) => println!("Applied."),
            Err(StoreError::Conflict(what)) => {
                bail!("nothing was applied: somebody else changed it meanwhile ({what}); try again")
            }
            Err(error) => return Err(error.into()),
        }
    }
    store.shut_down().await;
    Ok(ExitCode::SUCCESS)
}

/// Reads all files; prints what is wrong with them and gives none if anything is.
fn read_all(files: &[PathBuf]) -> anyhow::Result<Option<Vec<Sound>>> {
    let (mut sound, mut problems): (Vec<Sound>, usize) = (Vec::new(), 0);
    for path in files {
        let file = path.display().to_string();
        let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {file}"))?;
        let folder = path.canonicalize()?.parent().map(Path::to_owned).unwrap_or_default();
        match workspace_file::read(&text, &file, &Integrations) {
            Ok(checked) => sound.push(Sound { file, folder, checked }),
            Err(found) => {
                problems += found.len();
                found.iter().for_each(|problem| eprintln!("{problem}"));
            }
        }
    }
    let mut seen: BTreeMap<WorkspaceId, &str> = BTreeMap::new();
    for one in &sound {
        let id = &one.checked.workspace.id;
        if let Some(first) = seen.insert(id.clone(), &one.file) {
            problems += 1;
            eprintln!("{}: workspace `{id}` is also in {first}: a file is the whole truth for its workspace", one.file);
        }
        one.checked.warnings.iter().for_each(|warning| eprintln!("warning: {warning}"));
    }
    if problems > 0 {
        eprintln!("{problems} problem{}; nothing was applied.", if problems == 1 { "" } else { "s" });
        return Ok(None);
    }
    Ok(Some(sound))
}

/// What applying one file changes, printed; none when it changes nothing.
fn change(one: &Sound, before: Option<&StoredWorkspace>) -> anyhow::Result<Option<WorkspaceChange>> {
    let id = &one.checked.workspace.id;
    let known = before.map(|known| StoredDocument::read(&known.document)).transpose();
    let known = known.map_err(|why| anyhow::anyhow!("stored workspace `{id}` cannot be read: {why}"))?;
    let difference = workspace_file::diff_with_consequences(
        known.as_ref().map(|known| &known.workspace),
        &one.checked.document,
        &Integrations,
    );
    let moved = known.as_ref().is_some_and(|known| known.applied_from != one.folder);
    if difference.is_empty() && !moved {
        return Ok(None);
    }
    println!("workspace {id}{}", if before.is_none() { " (new)" } else { "" });
    difference.lines.iter().for_each(|line| println!("  {line}"));
    if moved {
        println!("  ~ files are now looked for in {}", one.folder.display());
    }
    let stored = StoredDocument { applied_from: one.folder.clone(), workspace: one.checked.document.clone() };
    let document = stored.write().map_err(anyhow::Error::msg)?;
    let based_on = before.map_or(0, |known| known.revision);
    Ok(Some(WorkspaceChange { id: id.clone(), based_on, document, credit_resets: difference.credit_resets }))
}

async fn export(name: &str, settings: &SettingsFile) -> anyhow::Result<ExitCode> {
    let settings = settings.read()?;
    let store = open::store_that_is_there(&settings).await?;
    let stored = store.workspaces().await?;
    let Some(found) = stored.iter().find(|workspace| workspace.id.as_str() == name) else {
        return Err(open::no_workspace(name, &stored, &settings));
    };
    let document = StoredDocument::read(&found.document).map_err(anyhow::Error::msg)?;
    print!("{}", document.workspace.to_yaml());
    store.shut_down().await;
    Ok(ExitCode::SUCCESS)
}

async fn list(json: bool, settings: &SettingsFile) -> anyhow::Result<ExitCode> {
    let store = open::store_that_is_there(&settings.read()?).await?;
    let stored = store.workspaces().await?;
    if json {
        let item = |known: &StoredWorkspace| serde_json::json!({"workspace": known.id, "revision": known.revision, "applied_at": known.applied_at});
        let items: Vec<serde_json::Value> = stored.iter().map(item).collect();
        println!("{}", serde_json::json!({"items": items, "next": null}));
    } else if stored.is_empty() {
        println!("There is no workspace yet: `meritline workspace apply FILE` sets one up.");
    } else {
        for workspace in &stored {
            println!("{}  revision {}  applied {}", workspace.id, workspace.revision, workspace.applied_at);
        }
    }
    store.shut_down().await;
    Ok(ExitCode::SUCCESS)
}
