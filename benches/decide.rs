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

/// The same people in three offices: every third keeps hours of the group, of another zone, or of nights.
fn floor_with_hours(agents: u32) -> Floor {
    let own = ["", ", hours: east", ", hours: nights"];
    let people: Vec<String> =
        (0..agents).map(|i| format!("  - {{id: a{i:03}, numbers: [{{sip: \"{i}\"}}]{}}}", own[i as usize % 3])).collect();
    let members: Vec<String> = (0..agents).map(|i| format!("{{agent: a{i:03}, base: {}}}", i % 7 + 1)).collect();
    let text = format!(
        "workspace: floor\ntime_zone: Europe/Moscow\ndefault_hours: office\nhours:\n\
         \x20 - {{id: office, weekly: {{mon-fri: [\"08:00-18:00\"]}}, breaks: [\"13:00-14:00\"]}}\n\
         \x20 - {{id: east, time_zone: Asia/Yekaterinburg, weekly: {{mon-fri: [\"08:00-18:00\"]}}}}\n\
         \x20 - {{id: nights, weekly: {{mon-sun: [\"20:00-10:00\"]}}}}\n\
         agents:\n{}\ngroups:\n  - {{id: team, members: [{}], policy: p}}\npolicies:\n\
         \x20 - {{id: p, mode: percent, period: 24h, dialling: {{stages: [free]}}, personal_manager: \"off\"}}\n",
        people.join("\n"),
        members.join(", ")
    );
    let workspace = meritline::workspace_file::read(&text, "floor.yaml", &NoConnections).expect("a sound file").workspace;
    let mut floor = Floor::new(std::sync::Arc::new(workspace));
    floor.feed = Feed::Silent { hold_seconds: 0 };
    for call in 0..1000 {
        floor.decide(&format!("warm{call}"));
    }
    floor
}

struct NoConnections;

impl meritline::workspace_file::SettingsCheck for NoConnections {
    fn check(&self, _: &str, _: &serde_json::Value) -> Vec<(String, String)> {
        Vec::new()
    }

    fn kind(&self, _: &str) -> Option<meritline::workspace_file::IntegrationKind> {
        None
    }

    fn known(&self) -> Vec<String> {
        Vec::new()
    }
}

/// The choice alone, where everybody keeps working hours.
#[divan::bench(args = [10, 35, 100])]
fn choose_with_hours(bencher: divan::Bencher<'_, '_>, agents: u32) {
    let floor = floor_with_hours(agents);
    bencher.bench_local(|| floor.choose("c", &[]));
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
