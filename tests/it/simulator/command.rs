//! `meritline simulate` as people run it.

use serde_json::Value;

use crate::support::contract::file;
use crate::support::program::Program;

const SMALL: &str = r#"
simulation: small
title: Anna & <Boris>
days: 2
replications: 3
load: {calls_per_hour: 20}
talk: {exponential: 4m}
patience: {exponential: 2m}
agents:
  - {id: anna, base: 2, away: [{from: 1h, until: 2h}]}
  - {id: boris}
base_changes: [{agent: boris, at: 2h, base: 3}]
policies:
  - {id: ours, guard: standard}
  - {id: idle, rule: longest_idle}
compare_with: idle
"#;

fn program() -> Program {
    let program = Program::new();
    program.write("small.yaml", SMALL);
    program
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_result_is_a_table_with_intervals() {
    let shown = program().run(&["simulate", "small.yaml"]).await;
    assert_eq!((shown.code, shown.err.as_str()), (0, ""));
    for words in ["Anna & <Boris>", "│ ours", "Abandonment, %", " ±", "anna back at 2:00", "Erlang C for this load"] {
        assert!(shown.out.contains(words), "{words}: {}", shown.out);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_seed_prints_the_same_bytes() {
    let program = program();
    let first = program.run(&["simulate", "small.yaml", "--json"]).await;
    let again = program.run(&["simulate", "small.yaml", "--json"]).await;
    assert_eq!((first.code, &first.out), (0, &again.out), "{}", first.err);
    let other = program.run(&["simulate", "small.yaml", "--json", "--seed", "2"]).await;
    assert_ne!(first.out, other.out);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn json_is_what_the_schema_says() {
    let schema: Value =
        serde_json::from_str(&std::fs::read_to_string(file("schemas/simulation-result.schema.json")).unwrap()).unwrap();
    let schema = jsonschema::draft202012::new(&schema).unwrap();
    let program = program();
    for arguments in [&["--days", "3"][..], &["--replications", "1"], &["--seed", "9"]] {
        let shown = program.run(&[&["simulate", "small.yaml", "--json"], arguments].concat()).await;
        let result: Value = serde_json::from_str(&shown.out).unwrap();
        let faults: Vec<String> =
            schema.iter_errors(&result).map(|fault| format!("{}: {fault}", fault.instance_path())).collect();
        assert!(faults.is_empty(), "{faults:?}");
        let policy = &result["policies"][0];
        assert_eq!((&policy["policy"], &result["compared_with"]), (&Value::from("ours"), &Value::from("idle")));
        let shares: f64 = policy["agents"].as_array().unwrap().iter().map(|agent| agent["actual_share"].as_f64().unwrap()).sum();
        assert!((shares - 1.0).abs() < 1e-9);
        assert_eq!(policy["metrics"]["abandonment"]["low"].is_null(), arguments == ["--replications", "1"]);
        assert!(policy["metrics"]["return_burst"]["mean"].is_number() && result["policies"][1]["uplift"].is_null());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_report_is_one_page_and_charts_are_files() {
    let program = program();
    let shown = program.run(&["simulate", "small.yaml", "--html", "report.html", "--svg", "charts"]).await;
    assert_eq!(shown.code, 0, "{}", shown.err);
    let page = std::fs::read_to_string(program.path("report.html")).unwrap();
    assert!(page.starts_with("<!doctype html>") && page.contains("<h1>Anna &amp; &lt;Boris&gt;</h1>"));
    // Nothing is fetched and nothing runs.
    for fetched in ["<script", "href=", "src=", "url(", "@import"] {
        assert!(!page.contains(fetched), "{fetched}");
    }
    let mut charts: Vec<String> = std::fs::read_dir(program.path("charts"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    charts.sort();
    assert_eq!(charts, ["lorenz.svg", "occupancy.svg", "return-anna.svg", "shares-idle.svg", "shares-ours.svg", "wait.svg"]);
    assert_eq!(page.matches("<svg ").count(), charts.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mistakes_end_with_1_and_wrong_usage_with_2() {
    let program = program();
    program.write("bad.yaml", &SMALL.replace("base: 2", "base: -2"));
    let refused = program.run(&["simulate", "bad.yaml", "--json"]).await;
    assert_eq!((refused.code, refused.out.as_str()), (1, ""));
    assert!(refused.err.contains("bad.yaml:10:16: agents[0].base: expected at least 0, found -2"), "{}", refused.err);
    let missing = program.run(&["simulate", "nothing.yaml"]).await;
    assert_eq!(missing.code, 1);
    assert!(missing.err.contains("cannot read nothing.yaml"), "{}", missing.err);
    let unwritable = program.run(&["simulate", "small.yaml", "--html", "no/such/folder.html"]).await;
    assert_eq!((unwritable.code, unwritable.out.as_str()), (1, ""));
    // Sound by themselves, but not for this file.
    for options in [["--calls-per-hour", "NaN"], ["--calls-per-hour", "0"], ["--calls-per-hour", "1e7"]] {
        let refused = program.run(&[&["simulate", "small.yaml", "--days", "20"], &options[..]].concat()).await;
        assert_eq!((refused.code, refused.out.as_str()), (1, ""));
        assert!(refused.err.contains("small.yaml with the options given: /load"), "{}", refused.err);
    }
    for wrong in [&["simulate"][..], &["simulate", "small.yaml", "--days", "0"], &["simulate", "small.yaml", "--seed", "x"]] {
        assert_eq!(program.run(wrong).await.code, 2, "{wrong:?}");
    }
}

/// One call an hour or two: nothing is due in many a span, and never 60 calls follow a change of base.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn too_few_calls_are_told_as_that_and_not_as_nothing_received() {
    let program = program();
    let log = "load: {log: [{at: 60, talk: 60}, {at: 20000, talk: 60}]}";
    let text = SMALL.replace("load: {calls_per_hour: 20}", log).replace("days: 2\n", "days: 1\n");
    program.write("quiet.yaml", &text);
    let shown = program.run(&["simulate", "quiet.yaml"]).await;
    let back = "ours: anna back at 2:00, calls over the fair number: too few calls in the first 30 minutes, too few calls in the first 2 hours";
    let change =
        "ours: boris after the change of base at 2:00, part of the next 60 calls: too few calls, most in a row: too few calls";
    assert!(shown.out.contains(back) && shown.out.contains(change), "{}{}", shown.out, shown.err);
    let shown = program.run(&["simulate", "quiet.yaml", "--json"]).await;
    let result: Value = serde_json::from_str(&shown.out).unwrap();
    let policy = &result["policies"][0];
    assert!(policy["returns"][0]["first_2_hours"].is_null() && policy["base_changes"][0]["share_of_60"].is_null(), "{policy}");
    assert!(policy["agents"][0]["ratio_by_hour"][3].is_null() && policy["hours"][3]["wait_seconds"].is_null(), "{policy}");
    let schema = std::fs::read_to_string(file("schemas/simulation-result.schema.json")).unwrap();
    let schema = jsonschema::draft202012::new(&serde_json::from_str(&schema).unwrap()).unwrap();
    assert!(schema.is_valid(&result));
    let page = program.run(&["simulate", "quiet.yaml", "--html", "quiet.html"]).await;
    assert_eq!(page.code, 0, "{}", page.err);
}

/// A table of recorded calls lies beside the file that names it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn recorded_calls_are_read_from_a_table() {
    let program = program();
    std::fs::create_dir(program.path("plans")).unwrap();
    program.write("plans/recorded.yaml", &SMALL.replace("{calls_per_hour: 20}", "{file: calls.csv}").replace("days: 2\n", ""));
    let missing = program.run(&["simulate", "plans/recorded.yaml"]).await;
    assert_eq!(missing.code, 1);
    assert!(missing.err.contains("recorded.yaml:5:8: load.file: calls.csv: cannot be read"), "{}", missing.err);
    program.write("plans/calls.csv", "at,talk\n10,60\n20,60\n30,60\n");
    let shown = program.run(&["simulate", "plans/recorded.yaml", "--json"]).await;
    let result: Value = serde_json::from_str(&shown.out).unwrap();
    assert_eq!((&result["days"], result["erlang_c"].is_null()), (&Value::from(1), true));
    assert_eq!(result["policies"][0]["hours"][0]["offered"], 3.0);
}
