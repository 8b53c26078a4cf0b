//! Reads simulation files: a sales floor and the policies that are tried on it.
//!
//! Text in, a sound scenario out, or every problem with its place, as with workspace files. Touches no disk: the table of recorded
//! calls that a file may name is handed in.

mod build;
mod call_table;
mod document;

use std::sync::LazyLock;

use crate::core::simulate::{Scenario, SimulatedPolicy};
use crate::workspace_file::Problem;
use crate::workspace_file::problem::Problems;
use crate::workspace_file::schema::DocumentSchema;
use crate::workspace_file::yaml;

/// The schema of a simulation file, as text.
pub const SIMULATION_SCHEMA: &str = include_str!("../../schemas/simulation.schema.json");

static SCHEMA: LazyLock<DocumentSchema> = LazyLock::new(|| DocumentSchema::compile(SIMULATION_SCHEMA));

/// A simulation file that is sound.
#[derive(Debug, Clone, PartialEq)]
pub struct SimulationFile {
    /// Names the simulation.
    pub id: String,
    /// What it shows, in a few words.
    pub title: String,
    /// What to look at.
    pub description: String,
    /// Where chance begins.
    pub seed: u64,
    /// How many independent runs.
    pub replications: u32,
    /// The floor.
    pub scenario: Scenario,
    /// What is compared.
    pub policies: Vec<SimulatedPolicy>,
    /// The policy that revenue of the others is compared with, by position.
    pub compare_with: usize,
}

/// Gives the text of a table that a file names, or says why not.
pub type Tables<'a> = &'a dyn Fn(&str) -> Result<String, String>;

/// Reads a file's text. All problems are told at once, sorted by place.
pub fn read(text: &str, file_name: &str, tables: Tables<'_>) -> Result<SimulationFile, Vec<Problem>> {
    let (value, positions) = yaml::read(text, file_name, "simulation").map_err(|problem| vec![problem])?;
    let mut problems = Problems::new(file_name, &positions);
    SCHEMA.check(&value, &mut problems);
    if !problems.found.is_empty() {
        return Err(problems.finish());
    }
    match build::build(value, tables, &mut problems) {
        Some(file) if problems.found.is_empty() => Ok(file),
        Some(_) | None => Err(problems.finish()),
    }
}
