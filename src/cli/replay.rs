//! `meritline replay`: recorded calls under another version of a workspace file, and what would have changed.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, bail};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::open::{self, SettingsFile};
use crate::broker::ports::Clock;
use crate::broker::replay::{ReplayRequest, ReplayResult, replay};
use crate::broker::store::{PageRequest, Store, StoredWorkspace};
use crate::core::ids::{AgentId, WorkspaceId};
use crate::core::replay::{AgentTotal, Side};
use crate::core::workspace::Workspace;
use crate::service::clock::SystemClock;
use crate::service::settings_check::Integrations;
use crate::service::stored_document::StoredDocument;
use crate::workspace_file;

/// What to replay.
#[derive(Debug, clap::Args)]
pub struct ReplayArguments {
    /// The workspace's id
    #[arg(long, value_name = "ID")]
    pub workspace: String,
    /// The workspace file to compare with; without it the replay checks itself: nothing should change
    #[arg(long = "with", value_name = "FILE")]
    pub with: Option<PathBuf>,
    /// From when on: a date in the workspace's zone, or a time such as 2026-11-23T10:00:00+03:00 [default: seven days ago]
    #[arg(long, value_name = "TIME")]
    pub from: Option<String>,
    /// Until when [default: now]
    #[arg(long, value_name = "TIME")]
    pub to: Option<String>,
    /// Machine-readable
    #[arg(long)]
    pub json: bool,
    /// Where the store is
    #[command(flatten)]
    pub settings: SettingsFile,
}

/// Runs it.
pub async fn run(arguments: ReplayArguments) -> anyhow::Result<ExitCode> {
    let settings = arguments.settings.read()?;
    let store = open::store_that_is_there(&settings).await?;
    let all = store.workspaces().await?;
    let Some(found) = all.iter().find(|workspace| workspace.id.as_str() == arguments.workspace) else {
        return Err(open::no_workspace(&arguments.workspace, &all, &settings));
    };
    let (current, applied_at) = (built(found)?, found.applied_at);
    let other = match &arguments.with {
        None => Arc::clone(&current),
        Some(path) => match read(path, &current)? {
            Some(other) => other,
            None => return Ok(ExitCode::from(1)),
        },
    };
    let now = SystemClock.now();
    let week_ago = now.checked_sub(SignedDuration::from_hours(7 * 24)).unwrap_or(now);
    let from = arguments.from.as_deref().map(|text| time(text, &current.time_zone)).transpose()?.unwrap_or(week_ago);
    let until = arguments.to.as_deref().map(|text| time(text, &current.time_zone)).transpose()?.unwrap_or(now);
    if from >= until {
        bail!("the span is empty: --from {from} is not before --to {until}");
    }
    let request = ReplayRequest { current, applied_at, other, from, until };
    let shown = !arguments.json && std::io::stderr().is_terminal();
    let mut progress = |at: Timestamp| {
        if shown {
            eprint!("\rreplayed until {at} ");
        }
    };
    let result = replay(&*store, &request, &mut progress).await?;
    if shown {
        eprintln!();
    }
    let report = Report::of(&request, &result, latest_call(&*store, &request.current.id).await?);
    store.shut_down().await;
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&report)?)
    } else {
        print!("{}", report.text())
    }
    Ok(ExitCode::SUCCESS)
}

fn built(found: &StoredWorkspace) -> anyhow::Result<Arc<Workspace>> {
    let document = StoredDocument::read(&found.document).map_err(anyhow::Error::msg)?;
    let told = |problems: Vec<_>| anyhow::anyhow!("workspace `{}` as stored cannot be used: {problems:?}", found.id);
    Ok(Arc::new(document.workspace.build(&Integrations).map_err(told)?))
}

/// When the last call was asked about.
async fn latest_call(store: &dyn Store, workspace: &WorkspaceId) -> anyhow::Result<Option<Timestamp>> {
    let newest = store.decisions(workspace, PageRequest { limit: 1, ..PageRequest::default() }).await?;
    Ok(newest.items.first().map(|record| record.decision.received_at))
}

/// Reads the file to compare with; none when it has problems, which are printed.
fn read(path: &Path, current: &Workspace) -> anyhow::Result<Option<Arc<Workspace>>> {
    let file = path.display().to_string();
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {file}"))?;
    match workspace_file::read(&text, &file, &Integrations) {
        Ok(checked) if checked.workspace.id != current.id => {
            bail!("{file} describes workspace `{}`, the recorded calls are those of `{}`", checked.workspace.id, current.id)
        }
        Ok(checked) => Ok(Some(Arc::new(checked.workspace))),
        Err(problems) => {
            problems.iter().for_each(|problem| eprintln!("{problem}"));
            Ok(None)
        }
    }
}

fn time(text: &str, zone: &TimeZone) -> anyhow::Result<Timestamp> {
    if let Ok(at) = text.parse::<Timestamp>() {
        return Ok(at);
    }
    let date: jiff::civil::Date =
        text.parse().with_context(|| format!("`{text}` is neither a date such as 2026-11-23 nor a time with its offset"))?;
    Ok(zone.to_timestamp(date.at(0, 0, 0, 0))?)
}

/// What is printed.
#[derive(Debug, Serialize)]
struct Report {
    from: String,
    until: String,
    calls: u64,
    /// When the last call of all was recorded, whatever the span; null where none is.
    latest_call: Option<String>,
    first_differs: u64,
    without_route: u64,
    not_rung: u64,
    caller_not_known: u64,
    /// Tasks to call back that were given to somebody.
    tasks: u64,
    /// Those that somebody else would have been given, or nobody.
    tasks_differ: u64,
    without_target_recorded: u64,
    without_target_replayed: u64,
    agents: Vec<AgentLine>,
    /// Change of expected value per answered call, by the scores of the file compared with; null without scores.
    value_change: Option<f64>,
    cannot_know: Vec<String>,
}

#[derive(Debug, Serialize)]
struct AgentLine {
    agent: String,
    calls_recorded: u64,
    calls_replayed: u64,
    calls_change: i64,
    share_recorded: f64,
    share_replayed: f64,
    talk_minutes_recorded: f64,
    talk_minutes_replayed: f64,
}

impl Report {
    fn of(request: &ReplayRequest, result: &ReplayResult, latest: Option<Timestamp>) -> Self {
        let outcome = &result.outcome;
        let (recorded, replayed) = (&outcome.recorded, &outcome.replayed);
        let people: BTreeSet<&AgentId> = recorded.agents.keys().chain(replayed.agents.keys()).collect();
        let (all_recorded, all_replayed) = (answered(recorded), answered(replayed));
        let line = |agent: &AgentId| {
            let of = |side: &Side| side.agents.get(agent).copied().unwrap_or_default();
            let (was, would): (AgentTotal, AgentTotal) = (of(recorded), of(replayed));
            AgentLine {
                agent: agent.to_string(),
                calls_recorded: was.calls,
                calls_replayed: would.calls,
                calls_change: would.calls.cast_signed() - was.calls.cast_signed(),
                share_recorded: part(was.calls, all_recorded),
                share_replayed: part(would.calls, all_replayed),
                talk_minutes_recorded: was.talk_seconds / 60.0,
                talk_minutes_replayed: would.talk_seconds / 60.0,
            }
        };
        Self {
            from: request.from.to_string(),
            until: request.until.to_string(),
            calls: outcome.calls,
            latest_call: latest.map(|at| at.to_string()),
            first_differs: outcome.first_differs,
            without_route: outcome.without_route,
            not_rung: outcome.not_rung,
            caller_not_known: outcome.caller_not_known,
            tasks: outcome.tasks,
            tasks_differ: outcome.tasks_differ,
            without_target_recorded: recorded.without_target,
            without_target_replayed: replayed.without_target,
            agents: people.into_iter().map(line).collect(),
            value_change: value_change(result),
            cannot_know: result.cannot_know.clone(),
        }
    }

    fn text(&self) -> String {
        if self.calls == 0 {
            let latest = match &self.latest_call {
                Some(at) => format!("The latest one came at {at}: move --from and --to."),
                None => "No call is recorded at all yet.".to_owned(),
            };
            return format!(
                "No call is recorded from {} to {}, so there is nothing to compare. {latest}\n",
                self.from, self.until
            );
        }
        let mut text = self.summary();
        text.push_str(".\n\n");
        let _ = writeln!(
            text,
            "{:<24} {:>9} {:>9} {:>8} {:>8} {:>8} {:>10} {:>10}",
            "Agent", "Recorded", "Replayed", "Change", "Share", "Would be", "Talk, min", "Would be"
        );
        for line in &self.agents {
            let _ = writeln!(
                text,
                "{:<24} {:>9} {:>9} {:>+8} {:>6.1} % {:>6.1} % {:>10.0} {:>10.0}",
                line.agent,
                line.calls_recorded,
                line.calls_replayed,
                line.calls_change,
                100.0 * line.share_recorded,
                100.0 * line.share_replayed,
                line.talk_minutes_recorded,
                line.talk_minutes_replayed,
            );
        }
        match self.value_change {
            Some(change) => {
                let _ =
                    writeln!(text, "\nExpected value per answered call, by the scores of that file: {:+.1} %.", 100.0 * change);
            }
            None => text.push_str("\nWithout scores nothing can be said about the expected value.\n"),
        }
        text.push_str("What a replay cannot know:\n");
        for line in &self.cannot_know {
            let _ = writeln!(text, "- {line}");
        }
        text
    }

    /// What differs, in one sentence without its end.
    fn summary(&self) -> String {
        let mut text = format!(
            "{} calls from {} to {}.\nFirst in {} of them ({:.1} %) would have been somebody else",
            self.calls,
            self.from,
            self.until,
            self.first_differs,
            100.0 * part(self.first_differs, self.calls),
        );
        let _ = write!(
            text,
            "; nobody to ring: {} recorded, {} replayed",
            self.without_target_recorded, self.without_target_replayed
        );
        if self.without_route > 0 {
            let _ = write!(text, "; {} calls have no route in the other file", self.without_route);
        }
        if self.not_rung > 0 {
            let _ = write!(text, "; {} are refused, sent to a branch or promised a call by it", self.not_rung);
        }
        if self.caller_not_known > 0 {
            let _ =
                write!(text, "; for {} a route was passed over because no CRM had been asked who calls", self.caller_not_known);
        }
        if self.tasks > 0 {
            let _ = write!(
                text,
                "; of {} callbacks {} would have been given to somebody else or nobody",
                self.tasks, self.tasks_differ
            );
        }
        text
    }
}

fn answered(side: &Side) -> u64 {
    side.agents.values().map(|total| total.calls).sum()
}

fn part(of: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { of as f64 / whole as f64 }
}

/// Mean value of who answered, compared.
fn value_change(result: &ReplayResult) -> Option<f64> {
    let (recorded, replayed) = (result.outcome.recorded.mean_value()?, result.outcome.replayed.mean_value()?);
    (recorded > 0.0).then(|| replayed / recorded - 1.0)
}
