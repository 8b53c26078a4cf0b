//! Guards in workspace files: presets, overrides, orders, own settings.

use meritline::core::load::guard::{Band, Limits};
use meritline::core::policy::{Guard, OwnSetting, Policy, WhenAllStopped, WrapUp};
use meritline::workspace_file::{WorkspaceDocument, read};

use crate::workspace_files::{ACME, Known};

const USUAL: &str = "guard: {concurrent_calls: 1, wrap_up: {base_seconds: 30, per_talk_second: 0.1, max_seconds: 180}}";

fn policy(piece: &str) -> (Policy, WorkspaceDocument) {
    assert!(ACME.contains(USUAL));
    let read = read(&ACME.replace(USUAL, piece), "workspace.yaml", &Known).expect("a sound file");
    (read.workspace.policies[0].clone(), read.document)
}

fn guard(text: &str) -> Guard {
    policy(&format!("guard: {text}")).0.guard
}

#[test]
fn presets_mean_their_tables() {
    assert_eq!(guard("light"), Guard::light());
    assert_eq!(guard("standard"), Guard::standard());
    assert_eq!(guard("strict"), Guard::strict());
    assert_eq!(guard("{}"), Guard::default());
    let (wrap_up, limits) = (Some(WrapUp::STANDARD), Limits::default());
    assert_eq!(policy(USUAL).0.guard, Guard { wrap_up, limits, ..Guard::default() }, "an absent indicator is off");
}

#[test]
fn a_preset_is_changed_indicator_by_indicator() {
    let changed = guard("{preset: standard, talk_minutes: [200, 240], occupancy: \"off\", concurrent_calls: 2}");
    let limits = Limits { talk_minutes: Some(Band::new(200.0, 240.0)), occupancy: None, ..Limits::STANDARD };
    assert_eq!(changed, Guard { concurrent_calls: 2, limits, ..Guard::standard() });
    let wrap_up = WrapUp { base_seconds: 15.0, per_talk_second: 0.0, max_seconds: 3600.0 };
    assert_eq!(guard("{preset: strict, wrap_up: {base_seconds: 15}}"), Guard { wrap_up: Some(wrap_up), ..Guard::strict() });
}

#[test]
fn an_order_names_where_calls_go_when_everybody_rests() {
    let piece = "guard: {preset: standard, when_all_stopped: [least_over, {group: support}, fallback]}";
    let file = ACME
        .replace(USUAL, piece)
        .replace("  - id: sales\n", "  - {id: support, members: [clara], policy: fixed}\n  - id: sales\n");
    let read = read(&file, "workspace.yaml", &Known).expect("a sound file");
    let order = &read.workspace.policies[0].guard.when_all_stopped;
    let expected = [WhenAllStopped::LeastOver, WhenAllStopped::Group("support".into()), WhenAllStopped::Fallback];
    assert_eq!(order[..], expected);
}

#[test]
fn loads_weigh_what_the_lead_says() {
    let (policy, _) = policy(&format!("{USUAL}\n    own_setting: {{lighter: 0.7, heavier: 1.1}}"));
    assert_eq!(policy.own_setting, OwnSetting { lighter: 0.7, heavier: 1.1, ..OwnSetting::default() });
    for (piece, told) in [
        ("lighter: 1.2", "expected at most 1, found 1.2"),
        ("heavier: 3", "expected at most 2, found 3"),
        ("lighter: 0", "expected at least 0.1, found 0"),
    ] {
        let file = ACME.replace(USUAL, &format!("{USUAL}\n    own_setting: {{{piece}}}"));
        let problems = read(&file, "workspace.yaml", &Known).expect_err("out of bounds");
        assert!(problems[0].to_string().contains(told), "{}", problems[0]);
    }
}

/// What was written comes out again, and reads as the same.
#[test]
fn export_writes_what_was_written() {
    let piece = "guard: {preset: strict, occupancy: \"off\", calls_per_hour: [6, 9], when_all_stopped: [least_over, fallback]}";
    let (policy, document) = policy(piece);
    let exported = document.to_yaml();
    let again = read(&exported, "workspace.yaml", &Known).expect("what was exported");
    assert_eq!(again.workspace.policies[0].guard, policy.guard);
    assert_eq!(again.document, document);
}
