//! How many calls a second of CPU the simulator lives through: a group of 20, a hundred thousand calls.
//!
//! Run with `cargo bench --bench simulate`; a run is one thread, so calls a second of time are calls a second of CPU.

#![allow(missing_docs, clippy::allow_attributes, reason = "a benchmark has no public surface")]

use divan::counter::ItemsCount;
use meritline::core::policy::{Mode, WrapUp};
use meritline::core::simulate::{AfterCall, Distribution, Load, Scenario, SimulatedAgent, SimulatedGuard, SimulatedPolicy, run};

fn main() {
    divan::main();
}

/// Twenty people with shares of 1 to 7, 160 calls an hour (an occupancy of about 64 %), callers who give up.
fn floor() -> Scenario {
    let agent = |at: u32| SimulatedAgent {
        id: format!("a{at:02}"),
        base: f64::from(at % 7 + 1),
        conversion: 0.1,
        average_check: 100.0,
        answer_probability: 1.0,
        away: Vec::new(),
    };
    Scenario {
        agents: (0..20).map(agent).collect(),
        load: Load::PerHour(vec![160.0]),
        days: 70,
        open_seconds: 9.0 * 3600.0,
        warm_up_seconds: 0.0,
        talk: Distribution::LogNormal { mean: 240.0, cv: 0.8 },
        after_call: AfterCall::ByTalk(WrapUp { base_seconds: 30.0, per_talk_second: 0.1, max_seconds: 180.0 }),
        patience: Some(Distribution::Exponential(150.0)),
        ring_seconds: 20.0,
        check_cv: 1.0,
        fatigue: None,
        base_changes: Vec::new(),
        answer_goal_seconds: 20.0,
    }
}

fn measure(bencher: divan::Bencher<'_, '_>, mode: Mode, guard: Option<SimulatedGuard>) {
    let scenario = floor();
    let policy = SimulatedPolicy { guard, ..SimulatedPolicy::of_mode("p", mode) };
    let calls = run(&scenario, &policy, 1).offered;
    bencher.counter(ItemsCount::new(calls)).bench_local(|| run(&scenario, &policy, 1));
}

#[divan::bench]
fn percent(bencher: divan::Bencher<'_, '_>) {
    measure(bencher, Mode::Percent, None);
}

#[divan::bench]
fn percent_with_guard(bencher: divan::Bencher<'_, '_>) {
    measure(bencher, Mode::Percent, Some(SimulatedGuard::STANDARD));
}

#[divan::bench]
fn performance(bencher: divan::Bencher<'_, '_>) {
    measure(bencher, Mode::Performance, None);
}

#[divan::bench]
fn performance_with_guard(bencher: divan::Bencher<'_, '_>) {
    measure(bencher, Mode::Performance, Some(SimulatedGuard::STANDARD));
}

#[divan::bench]
fn equal_talk_time(bencher: divan::Bencher<'_, '_>) {
    measure(bencher, Mode::EqualTalkTime, None);
}
