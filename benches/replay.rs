//! How long recorded calls take to run again under another policy: 100 000 calls of a group of 20, each answered.
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
use meritline::core::record::{DecisionRecord, ReceivedEvent};
use meritline::core::replay::{RecordedCall, Replay, Unchanged};

const CALLS: usize = 100_000;

fn main() {
    divan::main();
}

/// What was recorded, in the order it was received in.
enum Fact {
    Call(Box<RecordedCall>, Arc<DecisionRecord>),
    Event(ReceivedEvent),
}

fn recorded() -> Vec<Fact> {
    let shares: Vec<f64> = (0..20).map(|i| f64::from(i % 7 + 1)).collect();
    let mut floor = Floor::of_shares(&shares, plain_policy("p", Mode::Percent, Count::Answered));
    let mut facts = Vec::with_capacity(3 * CALLS);
    for number in 0..CALLS {
        let call = format!("c{number}");
        let record = floor.decide(&call);
        let agent = record.decision.targets[0].agent.to_string();
        floor.pass(4.0);
        let answered = floor.event(&call, Answered, Some(&agent));
        floor.pass(20.0);
        let ended = floor.event(&call, Ended, None);
        floor.pass(1.0);
        let state = floor.tally.call(&Floor::key(&call)).unwrap();
        facts.push(Fact::Call(Box::new(RecordedCall::of(state, "RU").unwrap()), record));
        facts.extend([Fact::Event(answered), Fact::Event(ended)]);
        if number % 512 == 0 {
            floor.tally.forget(floor.now);
        }
    }
    facts
}

fn replayed(facts: &[Fact], other: &Floor) -> u64 {
    let mut replay = Replay::new(Arc::clone(other.tally.workspace()), Unchanged::default());
    for (number, fact) in facts.iter().enumerate() {
        match fact {
            Fact::Call(call, record) => replay.call(call, record),
            Fact::Event(received) => replay.event(received.clone()),
        }
        if number % 9000 == 0
            && let Fact::Call(call, _) = fact
        {
            replay.end_day(call.asked_at);
        }
    }
    replay.outcome().first_differs
}

/// A busy team's year under other shares: most calls go to somebody else.
#[divan::bench(sample_count = 10)]
fn under_other_shares(bencher: divan::Bencher<'_, '_>) {
    let facts = recorded();
    let shares: Vec<f64> = (0..20).map(|i| f64::from(i % 5 + 1)).collect();
    let other = Floor::of_shares(&shares, plain_policy("p", Mode::Percent, Count::Answered));
    bencher.bench_local(|| replayed(&facts, &other));
}

/// The same under the shares they were recorded under: every event happens again.
#[divan::bench(sample_count = 10)]
fn under_the_same_shares(bencher: divan::Bencher<'_, '_>) {
    let facts = recorded();
    let shares: Vec<f64> = (0..20).map(|i| f64::from(i % 7 + 1)).collect();
    let same = Floor::of_shares(&shares, plain_policy("p", Mode::Percent, Count::Answered));
    bencher.bench_local(|| replayed(&facts, &same));
    assert_eq!(replayed(&facts, &same), 0);
}
