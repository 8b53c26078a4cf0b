//! What the demo shows: pure functions from a snapshot to text. No terminal, no clock, no HTTP.
//!
//! Two faces: a live table for a terminal of known size, and a summary that reads well in a log.

mod paint;
mod summary;
mod table;

use std::time::Duration;

pub use paint::grouped;
pub use summary::render_summary;
pub use table::render_live;

/// One agent's line.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Row {
    /// The name.
    pub agent: String,
    /// The team lead's name.
    pub team: String,
    /// The regional office's name.
    pub office: String,
    /// Contracts closed; none before the first scores.
    pub contracts: Option<f64>,
    /// Mean amount of a contract.
    pub average_check: Option<f64>,
    /// The distribution factor; 1 = as the team's average.
    pub score: Option<f64>,
    /// Share of all calls the agent should get, 0 to 1.
    pub target_share: Option<f64>,
    /// Share of all calls the agent got, 0 to 1.
    pub actual_share: Option<f64>,
    /// Calls received.
    pub received: f64,
    /// Calls owed; negative when ahead.
    pub owed: Option<f64>,
    /// `free ringing talking wrap_up paused stopped off_duty unknown`.
    pub state: String,
}

impl Row {
    /// By how much the actual share misses the target, in percentage points; positive when ahead.
    pub fn points(&self) -> Option<f64> {
        Some((self.actual_share? - self.target_share?) * 100.0)
    }
}

/// What happened so far, counted by the PBX.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    /// Calls that came.
    pub calls: u64,
    /// Calls somebody answered.
    pub answered: u64,
    /// Phones that rang in vain.
    pub missed: u64,
    /// Callers who did not wait.
    pub hung_up: u64,
    /// Calls that went to the backup number.
    pub fallback: u64,
    /// Calls that found all lines in use.
    pub lines_busy: u64,
    /// Hooks that gave nothing.
    pub hook_failures: u64,
    /// Contracts closed by agents since the demo began.
    pub contracts: u64,
    /// Calls going on.
    pub in_flight: u64,
}

/// How long decision hooks took, measured by the PBX.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Latency {
    /// Half of the answers took no longer.
    pub p50: Duration,
    /// 99 of 100 took no longer.
    pub p99: Duration,
}

/// Something to open in a browser, or to try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LookAt {
    /// What it is: `web interface`.
    pub what: String,
    /// The address.
    pub address: String,
    /// How to get in: a ready-to-use login or token of the demo.
    pub login: String,
}

/// Everything the screen shows at one moment.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Snapshot {
    /// How many times faster than real the demo's time passes.
    pub speed: f64,
    /// Real time since the demo began.
    pub elapsed: Duration,
    /// One per agent, in the order of the company.
    pub rows: Vec<Row>,
    /// Counts.
    pub totals: Totals,
    /// None before the first decision.
    pub latency: Option<Latency>,
    /// Sentences, the latest last.
    pub recent: Vec<String>,
    /// What else to look at.
    pub look_at: Vec<LookAt>,
    /// What is wrong at the moment, if anything.
    pub trouble: Option<String>,
}

impl Snapshot {
    /// The row whose actual share misses its target most.
    pub fn largest_difference(&self) -> Option<&Row> {
        let by = |row: &&Row| row.points().map_or(0.0, f64::abs);
        self.rows.iter().filter(|row| row.points().is_some()).max_by(|a, b| by(a).total_cmp(&by(b)))
    }

    fn heads(&self) -> String {
        let count = |of: &dyn Fn(&Row) -> &str| {
            let mut names: Vec<&str> = self.rows.iter().map(of).collect();
            names.sort_unstable();
            names.dedup();
            names.len()
        };
        format!("{} agents, {} teams, {} offices", self.rows.len(), count(&|row| &row.team), count(&|row| &row.office))
    }
}

/// The place to draw on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame {
    /// Columns.
    pub width: usize,
    /// Lines.
    pub height: usize,
    /// Whether ANSI colours may be used.
    pub colour: bool,
}
