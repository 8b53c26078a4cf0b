//! How long recorded calls take to run again under another policy: 10 000 calls of a group of 20, each answered.
//!
//! Run with `cargo bench --bench replay`.

#![allow(
    missing_docs,
    dead_code,
    clippy::allow_attributes,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    unreachable_pub,
    reason = "a benchmark may stop at once"
)]

#[path = "../tests/it/support/floor.rs"]
mod floor;

use std::sync::Arc;

use floor::{Floor, plain_policy};
use meritline::core::call::CallEventType::{Answered, Ended};
use meritline::core::policy::{Count, Mode};
use meritline::core::record::DecisionRecord;
use meritline::core::replay::{RecordedCall, Replay};

const CALLS: usize = 10_000;

fn main() {
    divan::main();
}

fn recorded() -> Vec<(RecordedCall, Arc<DecisionRecord>)> {
    let shares: Vec<f64> = (0..20).map(|i| f64::from(i % 7 + 1)).collect();
    let mut floor = Floor::of_shares(&shares, plain_policy("p", Mode::Percent, Count::Answered));
    let mut calls = Vec::with_capacity(CALLS);
    for number in 0..CALLS {
        let call = format!("c{number}");
        let record = floor.decide(&call);
        let agent = record.decision.targets[0].agent.to_string();
        floor.event(&call, Answered, Some(&agent));
        floor.pass(20.0);
        floor.event(&call, Ended, None);
        let state = floor.tally.call(&Floor::key(&call)).unwrap();
        calls.push((RecordedCall::of(state, "RU").unwrap(), record));
        if number % 512 == 0 {
            floor.tally.forget(floor.now);
        }
    }
    calls
}

/// Ten times this is a busy team's year.
#[divan::bench(sample_count = 10)]
fn ten_thousand_calls(bencher: divan::Bencher<'_, '_>) {
    let calls = recorded();
    let shares: Vec<f64> = (0..20).map(|i| f64::from(i % 5 + 1)).collect();
    let other = Floor::of_shares(&shares, plain_policy("p", Mode::Percent, Count::Answered));
    bencher.bench_local(|| {
        let mut replay = Replay::new(Arc::clone(other.tally.workspace()), other.shares.clone(), []);
        calls.iter().for_each(|(call, record)| replay.call(call, record));
        replay.outcome().first_differs
    });
}
