//! The commands: arguments in, exit code out. Each is a function that tests can call.
//!
//! Exit codes: 0 ok, 1 failed, 2 wrong usage.

pub mod check;
pub mod demo;
pub mod logging;
pub mod open;
pub mod replay;
pub mod serve;
mod share_warnings;
pub mod simulate;
pub mod token;
pub mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Answers a PBX in mid-call whom to ring, by performance-weighted percentage distribution from CRM results.
#[derive(Debug, Parser)]
#[command(name = "meritline", version, about, max_term_width = 100)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Shows everything at work in one process: sample data, a small CRM, PBX traffic
    Demo(demo::DemoArguments),
    /// Runs the service
    Serve(serve::ServeArguments),
    /// Sets workspaces up from files
    #[command(subcommand)]
    Workspace(workspace::WorkspaceCommand),
    /// Makes tokens for the API
    #[command(subcommand)]
    Token(token::TokenCommand),
    /// Runs recorded calls under another workspace file and says what would have changed
    Replay(replay::ReplayArguments),
    /// Checks workspace files and integration manifests without applying anything
    Check(check::CheckArguments),
    /// Tries policies on a sales floor in simulated time and compares them
    Simulate(simulate::SimulateArguments),
}

/// Runs what the arguments say.
pub async fn run(arguments: Arguments) -> ExitCode {
    let done = match arguments.command {
        Command::Demo(arguments) => demo::run(arguments).await,
        Command::Serve(arguments) => serve::run(arguments).await,
        Command::Workspace(command) => workspace::run(command).await,
        Command::Token(command) => token::run(command).await,
        Command::Replay(arguments) => replay::run(arguments).await,
        Command::Check(arguments) => check::run(&arguments).await,
        Command::Simulate(arguments) => simulate::run(&arguments),
    };
    match done {
        Ok(code) => code,
        Err(error) => {
            eprintln!("meritline: {error:#}");
            ExitCode::from(1)
        }
    }
}
