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
use meritline::core::call::CallEventType;
use meritline::core::load::guard::Band;
use meritline::core::policy::{Count, Guard, Mode, Policy};
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

/// The same floor by a guard, at an hour of usual work: people take seven calls an hour of three minutes each, with rests.
fn floor_at_work(agents: u32, guard: Guard) -> Floor {
    let shares: Vec<f64> = (0..agents).map(|i| f64::from(i % 7 + 1)).collect();
    let policy = Policy { guard, ..plain_policy("p", Mode::Percent, Count::Answered) };
    let mut floor = Floor::of_shares(&shares, policy);
    let mut call = 0u64;
    for _ in 0..35 {
        for agent in 0..agents {
            call += 1;
            let (name, agent) = (call.to_string(), format!("a{agent:03}"));
            floor.event(&name, CallEventType::Answered, Some(&agent));
            floor.pass(180.0 / f64::from(agents));
            floor.event(&name, CallEventType::Ended, None);
        }
        floor.pass(514.0 - 180.0 + if call.is_multiple_of(4) { 300.0 } else { 0.0 });
    }
    floor.tally.forget(floor.now);
    floor
}

/// The choice, without and with the standard guard: nobody is near a limit.
#[divan::bench(args = [10, 35, 100], consts = [false, true])]
fn choose_at_work<const GUARDED: bool>(bencher: divan::Bencher<'_, '_>, agents: u32) {
    let floor = floor_at_work(agents, if GUARDED { Guard::standard() } else { Guard::default() });
    bencher.bench_local(|| floor.choose("c", &[]));
}

/// A call decided, answered and ended, ten seconds apart: what people did changes all the time.
#[divan::bench(args = [10, 35, 100], consts = [false, true])]
fn call_at_work<const GUARDED: bool>(bencher: divan::Bencher<'_, '_>, agents: u32) {
    let mut floor = floor_at_work(agents, if GUARDED { Guard::standard() } else { Guard::default() });
    let mut call = 0u64;
    bencher.bench_local(|| {
        call += 1;
        floor.pass(10.0);
        if call.is_multiple_of(64) {
            floor.tally.forget(floor.now);
        }
        let name = format!("n{call}");
        let record = floor.decide(&name);
        if let Some(target) = record.decision.targets.first() {
            floor.event(&name, CallEventType::Answered, Some(target.agent.as_str()));
            floor.event(&name, CallEventType::Ended, None);
        }
    });
}

/// The choice while everybody is eased: the most that the guard can cost.
#[divan::bench(args = [10, 35, 100])]
fn choose_while_all_are_eased(bencher: divan::Bencher<'_, '_>, agents: u32) {
    let mut guard = Guard::standard();
    guard.limits.calls_per_hour = Some(Band::new(3.0, 40.0));
    let floor = floor_at_work(agents, guard);
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
