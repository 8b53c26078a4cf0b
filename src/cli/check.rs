//! `meritline check`: validates workspace files and integration manifests, and runs the manifests' samples.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;

use super::open;
use crate::integration::{crm, pbx};
use crate::service::settings_check::Integrations;
use crate::workspace_file;

/// Arguments of `check`.
#[derive(Debug, clap::Args)]
pub struct CheckArguments {
    /// Workspace files, or folders with a manifest.yaml
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
}

/// Checks every path; prints what is wrong and what is well.
pub fn run(arguments: &CheckArguments) -> anyhow::Result<ExitCode> {
    let mut failed = false;
    for path in &arguments.paths {
        failed |= if path.is_dir() { !check_integration(path)? } else { !check_workspace(path)? };
    }
    Ok(if failed { ExitCode::from(1) } else { ExitCode::SUCCESS })
}

fn check_workspace(path: &Path) -> anyhow::Result<bool> {
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
    let workspace = &checked.workspace;
    println!(
        "{file}: workspace `{}` is sound: {} agents, {} groups, {} policies, {} routes, {} connections",
        workspace.id,
        workspace.agents.len(),
        workspace.groups.len(),
        workspace.policies.len(),
        workspace.routes.len(),
        workspace.connections.len()
    );
    Ok(true)
}

fn check_integration(folder: &Path) -> anyhow::Result<bool> {
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
            let reports = crm::samples::run(folder).with_context(|| name.clone())?;
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
