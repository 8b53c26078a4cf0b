//! How long one decision takes inside the core: state read, chosen, folded.
//!
//! Run with `cargo bench --bench decide`.

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

use floor::{Floor, plain_policy};
use meritline::core::policy::{Count, Mode};
use meritline::core::record::Feed;

fn main() {
    divan::main();
}

fn floor_of(agents: u32) -> Floor {
    let shares: Vec<f64> = (0..agents).map(|i| f64::from(i % 7 + 1)).collect();
    let mut floor = Floor::of_shares(&shares, plain_policy("p", Mode::Percent, Count::Answered));
    floor.feed = Feed::Silent { hold_seconds: 0 };
    for call in 0..1000 {
        floor.decide(&format!("warm{call}"));
    }
    floor
}

/// The choice alone: five targets in order.
#[divan::bench(args = [10, 35, 100])]
fn choose(bencher: divan::Bencher<'_, '_>, agents: u32) {
    let floor = floor_of(agents);
    bencher.bench_local(|| floor.choose("c", &[]));
}

/// The choice and its fold into the state.
#[divan::bench(args = [10, 35, 100])]
fn choose_and_fold(bencher: divan::Bencher<'_, '_>, agents: u32) {
    let mut floor = floor_of(agents);
    let mut call = 0u64;
    bencher.bench_local(|| {
        call += 1;
        if call.is_multiple_of(4096) {
            floor.tally.forget(floor.now);
        }
        floor.decide(&call.to_string())
    });
}
