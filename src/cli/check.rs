//! `meritline check`: validates workspace files and integration manifests, and runs the manifests' samples.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;

use super::open::{self, SettingsFile};
use super::share_warnings;
use crate::broker::store::Store;
use crate::integration::{crm, pbx};
use crate::service::settings_check::Integrations;
use crate::workspace_file::{self, Checked};

/// Arguments of `check`.
#[derive(Debug, clap::Args)]
pub struct CheckArguments {
    /// Workspace files, or folders with a manifest.yaml
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Where the store is, whose recorded calls tell whether shares can be carried; without one nothing is said of that
    #[command(flatten)]
    settings: SettingsFile,
}

/// Checks every path; prints what is wrong and what is well.
pub async fn run(arguments: &CheckArguments) -> anyhow::Result<ExitCode> {
    let mut failed = false;
    for path in &arguments.paths {
        failed |=
            if path.is_dir() { !check_integration(path).await? } else { !check_workspace(path, &arguments.settings).await? };
    }
    Ok(if failed { ExitCode::from(1) } else { ExitCode::SUCCESS })
}

async fn check_workspace(path: &Path, settings: &SettingsFile) -> anyhow::Result<bool> {
    let file = path.display().to_string();
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {file}"))?;
    let checked = match workspace_file::read(&text, &file, &Integrations) {
        Ok(checked) => checked,
        Err(problems) => {
            problems.iter().for_each(|problem| eprintln!("{problem}"));
            return Ok(false);
        }
    };
    checked.warnings.iter().for_each(|warning| eprintln!("warning: {warning}"));
    let folder = path.canonicalize()?.parent().map(Path::to_owned).unwrap_or_default();
    let secrets = open::secrets(&folder);
    for reference in workspace_file::secret_references(&checked.document) {
        if let Err(error) = secrets.resolve(&reference.reference) {
            eprintln!("warning: {file}: connection `{}`: {error}; `serve` would disable it", reference.connection);
        }
    }
    warn_of_shares(&checked, settings).await;
    let workspace = &checked.workspace;
    let parts = [
        counted(workspace.agents.len(), "agent", "agents"),
        counted(workspace.groups.len(), "group", "groups"),
        counted(workspace.policies.len(), "policy", "policies"),
        counted(workspace.routes.len(), "route", "routes"),
        counted(workspace.connections.len(), "connection", "connections"),
    ];
    println!("{file}: workspace `{}` is sound: {}", workspace.id, parts.join(", "));
    Ok(true)
}

fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// A store that is not there, or cannot be read, is no fault of the file.
async fn warn_of_shares(checked: &Checked, settings: &SettingsFile) {
    let opened = match settings.read() {
        Ok(settings) => open::existing_store(&settings).await,
        Err(error) => Err(error),
    };
    match opened {
        Ok(None) => {}
        Ok(Some(store)) => {
            share_warnings::warn(&*store, checked).await;
            store.shut_down().await;
        }
        Err(error) => eprintln!("warning: whether shares can be carried could not be told: {error:#}"),
    }
}

async fn check_integration(folder: &Path) -> anyhow::Result<bool> {
    let name = folder.display().to_string();
    anyhow::ensure!(folder.join("manifest.yaml").is_file(), "{name}: there is no manifest.yaml in this folder");
    let whole = folder.canonicalize()?;
    let kind = whole.parent().and_then(Path::file_name).and_then(|kind| kind.to_str());
    let cases: Vec<(String, Vec<String>)> = match kind {
        Some("pbx") => {
            let reports = pbx::samples::run(folder, false).with_context(|| name.clone())?;
            reports.into_iter().map(|report| (report.case, report.failures)).collect()
        }
        Some("crm") => {
            let reports = crm::samples::run(folder, false).await.with_context(|| name.clone())?;
            reports.into_iter().map(|report| (report.case, report.failures)).collect()
        }
        _ => anyhow::bail!("{name}: an integration lies under `pbx/` or `crm/`"),
    };
    for (case, failures) in &cases {
        failures.iter().for_each(|failure| eprintln!("{name}/samples/{case}: {failure}"));
    }
    let sound = cases.iter().all(|(_, failures)| failures.is_empty());
    if sound {
        println!("{name}: the manifest is sound, {} samples agree", cases.len());
    }
    Ok(sound)
}
