//! `meritline simulate`: tries policies on a sales floor in simulated time.

use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::Context;

use crate::core::chance::SplitMix64;
use crate::core::simulate::{self, Figures, Load, PolicySummary};
use crate::report::simulation::{self, Report};
use crate::simulation_file::{self, SimulationFile};

/// Bytes of a table of recorded calls.
const TABLE_MAX: u64 = 256 * 1024 * 1024;

/// Arguments of `simulate`.
#[derive(Debug, clap::Args)]
pub struct SimulateArguments {
    /// The floor and the policies (YAML; schemas/simulation.schema.json explains every field)
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Prints the result as JSON
    #[arg(long)]
    json: bool,
    /// Writes a report with charts: one page that needs nothing else
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Writes each chart as an SVG file into this folder
    #[arg(long, value_name = "FOLDER")]
    svg: Option<PathBuf>,
    /// Another seed than the file's
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Another number of days than the file's
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    days: Option<u32>,
    /// So many calls an hour all day instead of the file's load
    #[arg(long, value_name = "N")]
    calls_per_hour: Option<f64>,
    /// Another number of independent runs than the file's
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    replications: Option<u32>,
}

/// Simulates and reports.
pub fn run(arguments: &SimulateArguments) -> anyhow::Result<ExitCode> {
    let Some(file) = read(arguments)? else { return Ok(ExitCode::from(1)) };
    let runs = run_all(&file);
    let report = Report {
        id: &file.id,
        title: &file.title,
        description: &file.description,
        seed: file.seed,
        replications: file.replications,
        scenario: &file.scenario,
        policies: summaries(&file, &runs),
        compared_with: file.compare_with,
    };
    if let Some(folder) = &arguments.svg {
        write_charts(&report, folder)?;
    }
    if let Some(path) = &arguments.html {
        std::fs::write(path, simulation::page(&report)).with_context(|| format!("cannot write {}", path.display()))?;
        eprintln!("The report is in {}", path.display());
    }
    let text = if arguments.json { format!("{:#}\n", simulation::json(&report)) } else { simulation::table(&report) };
    std::io::stdout().write_all(text.as_bytes()).context("cannot print the result")?;
    Ok(ExitCode::SUCCESS)
}

/// The file with what the arguments change; none when it is not sound, which has been told then.
fn read(arguments: &SimulateArguments) -> anyhow::Result<Option<SimulationFile>> {
    let name = arguments.file.display().to_string();
    let text = std::fs::read_to_string(&arguments.file).with_context(|| format!("cannot read {name}"))?;
    let folder = arguments.file.parent().unwrap_or(Path::new("")).to_owned();
    let tables = |table: &str| read_table(&folder.join(table));
    let mut file = match simulation_file::read(&text, &name, &tables) {
        Ok(file) => file,
        Err(problems) => {
            problems.iter().for_each(|problem| eprintln!("{problem}"));
            return Ok(None);
        }
    };
    file.seed = arguments.seed.unwrap_or(file.seed);
    file.replications = arguments.replications.unwrap_or(file.replications);
    file.scenario.days = arguments.days.unwrap_or(file.scenario.days);
    if let Some(rate) = arguments.calls_per_hour {
        file.scenario.load = Load::PerHour(vec![rate]);
    }
    let faults = simulate::check(&file.scenario, &file.policies);
    for fault in &faults {
        eprintln!("{name} with the options given: {fault}");
    }
    Ok(faults.is_empty().then_some(file))
}

fn read_table(path: &Path) -> Result<String, String> {
    let size = std::fs::metadata(path).map_err(|error| format!("cannot be read: {error}"))?.len();
    if size > TABLE_MAX {
        return Err(format!("has {size} bytes, at most {TABLE_MAX} are read: cut it"));
    }
    std::fs::read_to_string(path).map_err(|error| format!("cannot be read: {error}"))
}

/// Every policy with every seed, on as many threads as there are processors; the order of the results does not depend on them.
fn run_all(file: &SimulationFile) -> Vec<Vec<Figures>> {
    let seeds: Vec<u64> = (0..u64::from(file.replications)).map(|run| SplitMix64::stream(file.seed, run).next_u64()).collect();
    let jobs: Vec<(usize, u64)> =
        (0..file.policies.len()).flat_map(|policy| seeds.iter().map(move |seed| (policy, *seed))).collect();
    let (next, done) = (AtomicUsize::new(0), Progress::new(jobs.len()));
    let results: Mutex<Vec<(usize, Figures)>> = Mutex::new(Vec::with_capacity(jobs.len()));
    let work = || {
        while let Some((place, (policy, seed))) = take(&jobs, &next) {
            let Some(policy) = file.policies.get(policy) else { return };
            let figures = simulate::run(&file.scenario, policy, seed);
            results.lock().unwrap_or_else(PoisonError::into_inner).push((place, figures));
            done.one_more();
        }
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(jobs.len());
    std::thread::scope(|scope| (0..threads).for_each(|_| drop(scope.spawn(work))));
    done.clear();
    let mut results = results.into_inner().unwrap_or_else(PoisonError::into_inner);
    results.sort_by_key(|(place, _)| *place);
    let mut figures = results.into_iter().map(|(_, figures)| figures);
    file.policies.iter().map(|_| figures.by_ref().take(seeds.len()).collect()).collect()
}

fn take<T: Copy>(jobs: &[T], next: &AtomicUsize) -> Option<(usize, T)> {
    let place = next.fetch_add(1, Ordering::Relaxed);
    Some((place, *jobs.get(place)?))
}

fn summaries(file: &SimulationFile, runs: &[Vec<Figures>]) -> Vec<PolicySummary> {
    let reference = runs.get(file.compare_with).map(Vec::as_slice);
    let summary = |(place, (policy, runs)): (usize, (&simulate::SimulatedPolicy, &Vec<Figures>))| {
        simulate::summarise(&policy.id, runs, reference.filter(|_| place != file.compare_with))
    };
    file.policies.iter().zip(runs).enumerate().map(summary).collect()
}

fn write_charts(report: &Report<'_>, folder: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder).with_context(|| format!("cannot make the folder {}", folder.display()))?;
    let charts = simulation::charts(report);
    for chart in &charts {
        let path = folder.join(format!("{}.svg", chart.name));
        std::fs::write(&path, &chart.svg).with_context(|| format!("cannot write {}", path.display()))?;
    }
    eprintln!("{} charts are in {}", charts.len(), folder.display());
    Ok(())
}

/// A line on a terminal that says how far it is; nothing anywhere else.
struct Progress {
    shown: bool,
    all: usize,
    done: AtomicUsize,
}

const BAR: usize = 40;

impl Progress {
    fn new(all: usize) -> Self {
        Self { shown: std::io::stderr().is_terminal(), all, done: AtomicUsize::new(0) }
    }

    fn one_more(&self) {
        let done = self.done.fetch_add(1, Ordering::Relaxed) + 1;
        if self.shown {
            let full = BAR * done / self.all.max(1);
            let (bar, rest) = ("█".repeat(full), "░".repeat(BAR - full.min(BAR)));
            // A line that cannot be drawn is no reason to stop.
            let _drawn = write!(std::io::stderr(), "\r{bar}{rest} {done} of {} runs", self.all);
        }
    }

    fn clear(&self) {
        if self.shown {
            let _drawn = write!(std::io::stderr(), "\r\x1b[2K");
        }
    }
}
