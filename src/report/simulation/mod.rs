//! The report of one simulation.

mod charts;
mod json;
mod page;
mod table;
mod words;

use crate::core::erlang::Team;
use crate::core::simulate::{Load, PolicySummary, Scenario};

pub use charts::{Chart, charts};
pub use json::json;
pub use page::page;
pub use table::table;
pub use words::{Shown, shown};

/// What was simulated and what came of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Report<'a> {
    /// Names the simulation.
    pub id: &'a str,
    /// What it shows.
    pub title: &'a str,
    /// What to look at.
    pub description: &'a str,
    /// Where chance began.
    pub seed: u64,
    /// How many independent runs.
    pub replications: u32,
    /// The floor.
    pub scenario: &'a Scenario,
    /// The policies, in the order of the file.
    pub policies: Vec<PolicySummary>,
    /// The policy that revenue is compared with, by position.
    pub compared_with: usize,
}

impl Report<'_> {
    /// The same team by Erlang's formulas (endless patience, nobody away); none where the load changes.
    pub fn by_formula(&self) -> Option<Team> {
        let rate = match &self.scenario.load {
            Load::PerHour(rates) if rates.len() == 1 => *rates.first()?,
            Load::PerHour(_) | Load::Log(_) => return None,
        };
        let handling_seconds = self.scenario.handling_seconds();
        let agents = u32::try_from(self.scenario.agents.len()).ok()?;
        Some(Team { erlangs: rate * handling_seconds / 3600.0, agents, handling_seconds })
    }

    fn reference(&self) -> &str {
        self.policies.get(self.compared_with).map_or("", |policy| &policy.policy)
    }

    fn agent(&self, position: usize) -> &str {
        self.scenario.agents.get(position).map_or("", |agent| &agent.id)
    }
}

/// A time of day: hours and minutes since the opening.
fn hours_minutes(seconds: f64) -> String {
    let minutes = (seconds / 60.0).round() as u64;
    format!("{}:{:02}", minutes / 60, minutes % 60)
}
