//! What a workspace file may say about `rollout` and `experiment`, and in which words it is refused.

use meritline::core::proving::experiment::Experiment;
use meritline::core::proving::rollout::{FollowedCalls, Rollout};
use meritline::workspace_file::{IntegrationKind, SettingsCheck, read};
use serde_json::Value;

struct Anything;

impl SettingsCheck for Anything {
    fn check(&self, _: &str, _: &Value) -> Vec<(String, String)> {
        Vec::new()
    }

    fn kind(&self, integration: &str) -> Option<IntegrationKind> {
        Some(if integration.starts_with("crm/") { IntegrationKind::Crm } else { IntegrationKind::Pbx })
    }

    fn known(&self) -> Vec<String> {
        Vec::new()
    }
}

/// A file whose one policy has these lines.
fn file(policy: &str) -> String {
    format!(
        "workspace: acme\ntime_zone: Europe/Berlin\nagents: [{{id: anna, numbers: [{{sip: \"101\"}}]}}]\n\
         groups: [{{id: sales, members: [anna], policy: p}}]\n\
         policies:\n  - {{id: p, {policy}}}\n\
         routes: [{{id: main, group: sales}}]\n\
         connections: [{{id: pbx, integration: pbx/native}}, {{id: bitrix, integration: crm/bitrix24}}]\n"
    )
}

fn rollout(policy: &str) -> Rollout {
    let text = file(policy);
    let checked = read(&text, "w.yaml", &Anything).unwrap_or_else(|problems| panic!("{problems:?}"));
    let exported = checked.document.to_yaml();
    assert_eq!(read(&exported, "exported.yaml", &Anything).unwrap().document, checked.document, "{exported}");
    checked.workspace.policies[0].rollout.clone()
}

fn problems(policy: &str) -> String {
    let problems = read(&file(policy), "w.yaml", &Anything).expect_err("a file with problems");
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_rollout_is_read_as_written() {
    let calls = |policy: &str| rollout(policy).calls;
    assert_eq!(calls("mode: percent"), FollowedCalls::All);
    assert_eq!(calls("mode: percent, rollout: on"), FollowedCalls::All);
    assert_eq!(calls("mode: percent, rollout: observe"), FollowedCalls::None);
    assert_eq!(calls("mode: percent, rollout: 30%"), FollowedCalls::Percent(30));
    assert_eq!(calls("mode: equal_calls, rollout: observe"), FollowedCalls::None);
    assert!(problems("mode: percent, rollout: 130%").contains("expected observe, on, or a percentage such as 30%"));
    assert!(problems("mode: percent, rollout: 30").contains("expected a text, found the number 30"));
}

/// Berlin's clocks go back on 25 October 2026: its days from the 24th to the 26th have 73 hours, the first beginning at 22:00 UTC.
#[test]
fn an_experiment_is_read_as_written() {
    let written = "mode: percent, rollout: observe, experiment: {treatment_share: 0.25, block: 30m, seed: 7, drop_first: 2m, \
                   from: 2026-10-24, to: 2026-10-26, attribution: 14d}";
    let read = rollout(written);
    assert_eq!(read.calls, FollowedCalls::None);
    let expected = Experiment {
        treatment_percent: 25,
        block_seconds: 1800,
        drop_first_seconds: 120,
        seed: 7,
        from: "2026-10-23T22:00:00Z".parse().unwrap(),
        until: "2026-10-26T23:00:00Z".parse().unwrap(),
        attribution_days: 14,
    };
    assert_eq!(read.experiment, Some(expected));
    let defaults = rollout("mode: percent, experiment: {seed: 0, from: 2026-11-01, to: 2026-11-30}").experiment.unwrap();
    assert_eq!(
        (defaults.treatment_percent, defaults.block_seconds, defaults.drop_first_seconds, defaults.attribution_days),
        (50, 2700, 300, 30)
    );
}

#[test]
fn experiments_that_could_prove_nothing_are_refused_with_what_to_do() {
    let with = |change: &str, to: &str| {
        let text = "mode: percent, experiment: {treatment_share: 0.5, block: 45m, seed: 7, drop_first: 5m, from: 2026-11-01, \
                    to: 2026-11-30, attribution: 30d}";
        assert!(text.contains(change), "{change}");
        problems(&text.replacen(change, to, 1))
    };
    let cases = [
        ("0.5", "0", "`0` leaves nothing to compare: all blocks would be of one kind; write from 0.05 to 0.95"),
        ("0.5", "1", "`1` leaves nothing to compare"),
        ("0.5", "-0.5", "`-0.5` leaves nothing to compare"),
        ("0.5", "0.33", "`0.33` is not in steps of 0.05"),
        ("45m", "9m", "`9m` is not from 10m to 24h: in shorter blocks calls still feel the block before"),
        ("45m", "25h", "`25h` is not from 10m to 24h"),
        ("45m", "soon", "expected a duration such as 45m"),
        ("seed: 7, ", "", "`seed` is missing: write any whole number"),
        ("seed: 7", "seed: -7", "expected at least 0, found -7"),
        ("drop_first: 5m", "drop_first: 45m", "`45m` leaves nothing of a block of 45 minutes"),
        ("to: 2026-11-30", "to: 2026-10-30", "would end on 2026-10-30, before it begins on 2026-11-01"),
        ("to: 2026-11-30, ", "", "`to` is missing: write a day, as 2026-11-23"),
        ("2026-11-30", "2026-11-31", "`2026-11-31` is no day: write it as 2026-11-23"),
        ("attribution: 30d", "attribution: 36h", "`36h` is not from 1d to 365d in whole days"),
        ("attribution: 30d", "attribution: 366d", "`366d` is not from 1d to 365d"),
        ("45m", "24h", "there are 30 blocks"),
        ("percent", "equal_calls", "mode `equal_calls` shares equally already"),
        (
            "percent, ",
            "percent, rollout: 30%, ",
            "`rollout: 30%` divides the calls one by one and `experiment` by blocks of time",
        ),
        ("seed: 7", "sead: 7", "`sead` is not known here; did you mean `seed`?"),
    ];
    for (change, to, expected) in cases {
        if to == "24h" {
            // Thirty blocks are enough for half and half, not for one in twenty.
            assert!(with("treatment_share: 0.5, block: 45m", "treatment_share: 0.05, block: 24h").contains(expected));
            continue;
        }
        let told = with(change, to);
        assert!(told.contains(expected), "{change} -> {to}: {told}");
    }
}

#[test]
fn an_experiment_needs_somebody_who_tells_of_contracts() {
    let text = file("mode: percent, experiment: {seed: 7, from: 2026-11-01, to: 2026-11-30}")
        .replace(", {id: bitrix, integration: crm/bitrix24}", "");
    let problems = read(&text, "w.yaml", &Anything).expect_err("no CRM");
    assert!(problems[0].to_string().contains("no CRM connection here tells of any"), "{problems:?}");
}
