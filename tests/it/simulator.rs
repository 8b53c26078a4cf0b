//! The simulator: its arithmetic is the service's, its queue is Erlang's, and what it shows of each rule is what others measured.

mod command;
mod engine;
mod erlang;
mod fatigue;
mod files;
mod generator;
mod pictures;
mod same_as_service;
mod tables;

use meritline::core::policy::Mode;
use meritline::core::simulate::{
    AfterCall, Away, Distribution, Figures, GrowsOver, Load, Rule, Scenario, SimulatedAgent, SimulatedPolicy, run,
};

/// Somebody of average results.
fn agent(id: &str, base: f64) -> SimulatedAgent {
    SimulatedAgent {
        id: id.to_owned(),
        base,
        conversion: 0.1,
        average_check: 100.0,
        answer_probability: 1.0,
        away: Vec::<Away>::new(),
    }
}

/// People `a000, a001, ...` with these bases; so many calls an hour, nine hours a day.
fn floor(bases: &[f64], calls_per_hour: f64, talk: Distribution) -> Scenario {
    Scenario {
        agents: bases.iter().enumerate().map(|(at, base)| agent(&format!("a{at:03}"), *base)).collect(),
        load: Load::PerHour(vec![calls_per_hour]),
        days: 20,
        open_seconds: 9.0 * 3600.0,
        warm_up_seconds: 0.0,
        talk,
        after_call: AfterCall::None,
        patience: None,
        ring_seconds: 20.0,
        check_cv: 1.0,
        fatigue: None,
        base_changes: Vec::new(),
        answer_goal_seconds: 20.0,
    }
}

fn with_rule(mode: Mode, rule: Rule) -> SimulatedPolicy {
    SimulatedPolicy { rule, ..SimulatedPolicy::of_mode("p", mode) }
}

fn credit(grows_over: GrowsOver, cap: Option<f64>) -> Rule {
    Rule::Credit { grows_over, cap }
}

/// Independent runs.
fn runs(scenario: &Scenario, policy: &SimulatedPolicy, count: u64) -> Vec<Figures> {
    (1..=count).map(|seed| run(scenario, policy, seed)).collect()
}

/// Mean and standard deviation.
fn mean_and_deviation(values: &[f64]) -> (f64, f64) {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    (mean, (squares / (count - 1.0)).sqrt())
}
