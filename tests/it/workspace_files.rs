//! Workspace files: what is read, what is refused and in which words, what a change says.

use jiff::civil::date;
use meritline::core::agent::{Absence, Duty};
use meritline::core::metric::{Direction, Metric};
use meritline::core::policy::{Count, Exposure, Mode, PersonalManager, RampUp};
use meritline::core::workspace::{ConnectionKind, EventFeed};
use meritline::workspace_file::{
    IntegrationKind, SettingsCheck, WorkspaceDocument, diff, diff_with_consequences, read, secret_references,
};
use proptest::prelude::*;
use serde_json::Value;

pub(crate) struct Known;

impl SettingsCheck for Known {
    fn check(&self, integration: &str, settings: &Value) -> Vec<(String, String)> {
        if integration == "pbx/native" && settings.get("token").is_none() {
            vec![(String::new(), "setting `token` is missing".to_owned())]
        } else {
            Vec::new()
        }
    }

    fn kind(&self, integration: &str) -> Option<IntegrationKind> {
        match integration {
            "pbx/native" | "pbx/uis" | "pbx/exolve" => Some(IntegrationKind::Pbx),
            "crm/bitrix24" | "crm/csv" => Some(IntegrationKind::Crm),
            _ => None,
        }
    }

    fn known(&self) -> Vec<String> {
        ["pbx/native", "pbx/uis", "pbx/exolve", "crm/bitrix24", "crm/csv"].map(str::to_owned).to_vec()
    }
}

pub(crate) const ACME: &str = r#"workspace: acme
name: ACME Sales
time_zone: Europe/Moscow
default_region: RU
currency: RUB
agents:
  - id: anna
    name: Анна Петрова
    numbers: [{sip: "101"}, {mobile: "8 (916) 111-22-33"}]
    crm_users: {bitrix: "17", sheet: "Anna"}
  - {id: boris, name: Борис Ким, numbers: [{sip: "102"}], crm_users: {bitrix: "18"}}
  - {id: clara, name: Клара Цой, numbers: [{sip: "103"}]}
groups:
  - id: moscow
    members: [anna, {agent: boris, base: 2}]
    policy: by-results
  - {id: kazan, members: [clara], policy: by-results}
  - id: sales
    members: [{group: moscow, base: 60}, {group: kazan, base: 40}]
    policy: fixed
policies:
  - id: by-results
    mode: performance
    period: 10h
    count: answered
    score: {crm: [bitrix, sheet], metrics: {contracts_closed: 1, average_check: 1}, exposure: opportunities,
            horizon: 90d, half_life: 30d, caution: 10, strength: 1, floor: 0.5, ceiling: 2, deal_cap: 3, smoothing: 4h,
            deals: {pipelines: all, sources: all, new_customers: false}}
    guard: {concurrent_calls: 1, wrap_up: {base_seconds: 30, per_talk_second: 0.1, max_seconds: 180}}
    dialling: {stages: [free, busy], ring_seconds: 20, targets_max: 5}
    personal_manager: prefer
    personal_calls: apart
    rollout: on
  - {id: fixed, mode: percent, period: 10h, count: offered, personal_manager: off}
routes:
  - id: main
    called: ["+74951112233"]
    group: sales
    fallback: {number: "+74951112200"}
connections:
  - {id: pbx, integration: pbx/native, events: full, deadline_ms: 300, settings: {token: "env:PBX_TOKEN"}}
  - id: uis
    integration: pbx/uis
    events: none
    hold_seconds: 0
    settings: {token: "env:PBX_TOKEN", answer: first_target, parameters: {caller: numa, called: numb, call_id: call_session_id}}
  - {id: bitrix, integration: crm/bitrix24, refresh: 5m, settings: {portal: acme.bitrix24.ru, user: 1, secret: "env:BITRIX_SECRET"}}
  - id: sheet
    integration: crm/csv
    settings:
      deals: {path: sales_pipeline.csv, date_format: "%m/%d/%Y", currency: RUB, won: [Won], lost: [Lost],
              columns: {deal: opportunity_id, user: sales_agent, status: deal_stage, amount: close_value, closed_at: close_date}}
"#;

/// The problems of a text, one per line.
fn problems(text: &str) -> String {
    let problems = read(text, "workspace.yaml", &Known).expect_err("a file with problems");
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

/// ACME with one piece replaced.
fn acme(from: &str, to: &str) -> String {
    assert!(ACME.contains(from), "{from}");
    ACME.replacen(from, to, 1)
}

#[test]
fn a_whole_workspace_is_read_as_written() {
    let checked = read(ACME, "workspace.yaml", &Known).unwrap();
    let workspace = &checked.workspace;
    assert_eq!(workspace.id.as_str(), "acme");
    assert_eq!(workspace.agents[0].numbers[1].value.as_ref(), "+79161112233", "a national number becomes E.164");
    assert_eq!(workspace.find_agent_by_number("+7 916 111-22-33"), workspace.find_agent(&"anna".into()));
    let results = workspace.policies[0].clone();
    assert_eq!((results.mode, results.period_seconds, results.count), (Mode::Performance, 36_000, Count::Answered));
    let score = results.score.unwrap();
    assert_eq!((score.horizon_seconds, score.half_life_seconds), (Some(90 * 86_400), Some(30 * 86_400)));
    assert_eq!(
        (score.caution, score.floor, score.ceiling, score.deal_cap, score.smoothing_seconds),
        (10.0, 0.5, 2.0, Some(3.0), 14_400)
    );
    assert!((results.guard.wrap_up.unwrap().seconds(300.0) - 60.0).abs() < 1e-9, "300 s of talk give 60 s");
    assert_eq!(workspace.policies[1].personal_manager, PersonalManager::Off, "`off` without quotes is the word");
    assert_eq!(workspace.groups[2].members[0].base, 60.0);
    assert_eq!(
        workspace.connections[1].kind,
        ConnectionKind::Pbx { events: EventFeed::None { hold_seconds: 0 }, deadline_ms: 300, retry_window_seconds: 5 }
    );
    assert_eq!(workspace.connections[2].kind, ConnectionKind::Crm { refresh_seconds: 300 });
    assert!(checked.warnings.is_empty());
}

#[test]
fn what_is_exported_is_read_back_as_the_same() {
    let document = read(ACME, "workspace.yaml", &Known).unwrap().document;
    let exported = document.to_yaml();
    assert_eq!(read(&exported, "exported.yaml", &Known).unwrap().document, document, "{exported}");
    assert_eq!(WorkspaceDocument::from_json(&document.to_json()).unwrap(), document);
    assert!(exported.contains("env:BITRIX_SECRET"), "secrets stay references");
}

#[test]
fn a_misspelt_member_is_told_with_its_place_and_what_is_near() {
    assert_eq!(
        problems(&acme("members: [anna, {agent: boris", "members: [ana, {agent: boris")),
        "workspace.yaml:15:15: groups[0].members[0]: `ana` is not an agent or a group; did you mean `anna`?"
    );
}

#[test]
fn every_problem_is_told_at_once_in_the_order_of_the_file() {
    let text = acme("mode: percent", "mode: procent")
        .replace("default_region: RU", "default_region: ru")
        .replace("  - id: main\n", "  - id: main\n    calld: any\n");
    assert_eq!(
        problems(&text),
        "workspace.yaml:4:1: default_region: expected two capital letters such as RU, found `ru`\n\
         workspace.yaml:34:17: policies[1].mode: expected one of percent, equal_calls, equal_talk_time, performance, head_count, found `procent`; did you mean `percent`?\n\
         workspace.yaml:37:5: routes[0].calld: `calld` is not known here; did you mean `called`?"
    );
}

#[test]
fn references_are_checked_everywhere() {
    assert!(
        problems(&acme("policy: by-results\n  - {id: kazan", "policy: by-result\n  - {id: kazan"))
            .contains("`by-result` is not a policy; did you mean `by-results`?")
    );
    assert!(problems(&acme("    group: sales\n", "    group: sale\n")).contains("`sale` is not a group; did you mean `sales`?"));
    assert!(
        problems(&acme("crm: [bitrix, sheet]", "crm: [bitrx, sheet]"))
            .contains("`bitrx` is not a CRM connection; did you mean `bitrix`?")
    );
    assert!(problems(&acme("crm: [bitrix, sheet]", "crm: [pbx]")).contains("`pbx` is not a CRM connection"));
    assert!(
        problems(&acme("integration: pbx/uis", "integration: pbx/uiss"))
            .contains("there is no integration `pbx/uiss`; did you mean `pbx/uis`?")
    );
}

#[test]
fn doubles_and_circles_are_refused() {
    assert!(problems(&acme("id: boris", "id: anna")).contains("agent `anna` is defined twice; the first is at /agents/0"));
    assert!(
        problems(&acme("[anna, {agent: boris, base: 2}]", "[anna, anna]")).contains("`anna` is twice a member of group `moscow`")
    );
    let circle = acme("members: [clara]", "members: [{group: sales}]").replace("policy: by-results}", "policy: fixed}");
    assert!(problems(&circle).contains("contains itself: "), "{}", problems(&circle));
    assert!(problems(&acme("  - id: sales\n", "  - id: anna\n")).contains("`anna` is the id of both an agent and a group"));
    assert!(
        problems(&acme("workspace: acme\n", "workspace: acme\nworkspace: acme\n"))
            .contains("2:1: `workspace` is given twice here")
    );
}

#[test]
fn shares_must_sum_to_something() {
    let text = acme("{group: moscow, base: 60}, {group: kazan, base: 40}", "{group: moscow, base: 0}, {group: kazan, base: 0}");
    assert!(problems(&text).contains("the base shares of group `sales` sum to 0"));
}

#[test]
fn a_guard_that_cannot_be_is_refused_and_says_what_is_expected() {
    let guard = "guard: {concurrent_calls: 1, wrap_up: {base_seconds: 30, per_talk_second: 0.1, max_seconds: 180}}";
    let told = |text: &str| problems(&acme(guard, &format!("guard: {text}")));
    let band = told("{talk_minutes: [360, 270]}");
    assert!(band.contains("expected [from, to] with from below to, found [360, 270]"), "{band}");
    assert!(told("{occupancy: [0.8, 0.8]}").contains("found [0.8, 0.8]"));
    assert!(told("{occupancy: [80, 90]}").contains("policies[0].guard.occupancy[0]: expected at most 1, found 80"));
    assert!(told("{calls_per_hour: [10]}").contains("[from, to], or `off`"));
    assert!(told("gentle").contains("a preset (light, standard, strict) or a block of indicators"));
    assert!(told("{preset: gentle}").contains("gentle"));
    assert!(told("{when_all_stopped: [queue]}").contains("`fallback`, `least_over`, `callback` or {group: ID}"));
    assert!(told("{when_all_stopped: [{group: kasan}]}").contains("`kasan` is not a group; did you mean `kazan`?"));
    let circle = told("{when_all_stopped: [{group: kazan}]}");
    assert!(circle.contains("its calls would come back to it: "), "{circle}");
}

#[test]
fn values_out_of_range_are_told_with_the_range() {
    assert!(problems(&acme("period: 10h", "period: 25h")).contains("`25h` is not from 5m to 24h"));
    assert!(problems(&acme("period: 10h", "period: ten hours")).contains("expected a duration such as 30s, 5m, 10h or 90d"));
    assert!(problems(&acme("floor: 0.5", "floor: 1.5")).contains("1.5 is above 1"));
    assert!(problems(&acme("ceiling: 2", "ceiling: 0.5")).contains("0.5 is below 1"));
    assert!(problems(&acme("time_zone: Europe/Moscow", "time_zone: Mars/Olympus")).contains("is no time zone"));
    assert!(problems(&acme("{sip: \"102\"}", "{sip: 102}")).contains("expected a text, found the number 102 (put it in quotes"));
    assert!(problems(&acme("{sip: \"102\"}", "{mobile: \"12\"}")).contains("this is no phone number for region RU"));
    assert!(problems(&acme("crm: [bitrix, sheet], ", "")).contains("must name at least one CRM connection"));
    assert!(
        problems(&acme("mode: percent,", "mode: equal_calls, score: {crm: [bitrix]},"))
            .contains("`score` goes with mode `performance`")
    );
    assert!(
        problems(&acme("events: none\n    hold_seconds: 0", "hold_seconds: 9"))
            .contains("`hold_seconds` goes with `events: none`")
    );
    assert!(problems(&acme("refresh: 5m, ", "deadline_ms: 300, ")).contains("`deadline_ms` is for PBX connections"));
}

#[test]
fn talk_time_needs_somebody_who_tells_of_talks() {
    let text = acme("events: full, ", "events: none, ").replace("{id: fixed, mode: percent", "{id: fixed, mode: equal_talk_time");
    assert!(problems(&text).contains("equal_talk_time needs call events"));
}

#[test]
fn conversions_from_calls_need_somebody_who_tells_of_calls() {
    let counted = acme("exposure: opportunities", "exposure: calls, min_talk_seconds: 45");
    let score = read(&counted, "w.yaml", &Known).unwrap().workspace.policies[0].score.clone().unwrap();
    assert_eq!((score.exposure, score.min_talk_seconds), (Exposure::Calls, 45));
    let silent = counted.replacen("events: full, ", "events: none, ", 1);
    assert!(problems(&silent).contains("policies[0].score.exposure: conversions from calls need call events"), "{silent}");
}

#[test]
fn metrics_are_weights_or_blocks_with_a_direction() {
    let metrics = |text: &str| acme("{contracts_closed: 1, average_check: 1}", text);
    let text = metrics("{revenue: 0.5, margin: {weight: 2}, claims: {direction: less}, average_check: 0}");
    let checked = read(&text, "w.yaml", &Known).unwrap();
    let score = checked.workspace.policies[0].score.clone().unwrap();
    let shown: Vec<(&str, f64, Direction)> =
        score.metrics.iter().map(|setting| (setting.metric.as_str(), setting.weight, setting.direction)).collect();
    let expected = [
        ("revenue", 0.5, Direction::More),
        ("margin", 2.0, Direction::More),
        ("claims", 1.0, Direction::Less),
        ("average_check", 0.0, Direction::More),
    ];
    assert_eq!(shown, expected);
    assert_eq!(score.metric(&Metric::ContractsClosed).weight, 0.0, "what is not named does not count");
    let exported = checked.document.to_yaml();
    assert_eq!(read(&exported, "exported.yaml", &Known).unwrap().document, checked.document, "{exported}");

    assert!(
        problems(&metrics("{contracts_closed: 0, average_check: {weight: 0}}"))
            .contains("policies[0].score.metrics: all weights are 0, so that no result would count")
    );
    assert!(problems(&metrics("{average_chek: 1}")).contains("`average_chek` is neither a metric of ours"));
    assert!(problems(&metrics("{average_chek: 1}")).contains("did you mean `average_check`?"));
    assert!(problems(&metrics("{margin: -1}")).contains("expected a weight from 0 to 10, or a block such as"));
    // A block is meant as one, so its key is told.
    let told = problems(&metrics("{margin: {direction: up}}"));
    assert!(told.contains("policies[0].score.metrics.margin.direction: expected one of"), "{told}");
}

#[test]
fn people_may_be_new_or_away() {
    let person = |more: &str| acme("crm_users: {bitrix: \"18\"}}", &format!("crm_users: {{bitrix: \"18\"}}, {more}}}"));
    let text = person("since: 2026-11-01, absences: [{from: 2026-12-24, to: 2027-01-08}]");
    let workspace = read(&text, "w.yaml", &Known).unwrap().workspace;
    let absence = Absence { from: date(2026, 12, 24), to: date(2027, 1, 8) };
    assert_eq!(workspace.agents[1].duty, Duty { since: Some(date(2026, 11, 1)), absences: vec![absence], hours: None });
    assert_eq!(workspace.agents[0].duty, Duty::default());

    assert!(problems(&person("since: 2026-02-30")).contains("agents[1].since: `2026-02-30` is no day of the calendar"));
    assert!(problems(&person("since: yesterday")).contains("expected a day such as 2026-11-01, found `yesterday`"));
    assert!(
        problems(&person("absences: [{from: 2026-07-28, to: 2026-07-01}]"))
            .contains("agents[1].absences[0]: the absence ends on 2026-07-01 before it begins on 2026-07-28")
    );
}

#[test]
fn new_people_ramp_up_unless_told_otherwise() {
    let rule = |text: &str| {
        let text = acme("personal_calls: apart\n", &format!("personal_calls: apart\n    {text}\n"));
        read(&text, "w.yaml", &Known).unwrap().workspace.policies[0].ramp_up
    };
    assert_eq!(rule(""), RampUp { from: 0.3, working_days: 20 });
    assert_eq!(rule("ramp_up: off"), RampUp::OFF);
    assert_eq!(rule("ramp_up: {working_days: 5}"), RampUp { from: 0.3, working_days: 5 });
    let text = acme("personal_calls: apart\n", "personal_calls: apart\n    ramp_up: slowly\n");
    assert!(problems(&text).contains("policies[0].ramp_up: expected `off`, or a block such as {from: 0.3, working_days: 20}"));
    // What is wrong inside a block that is meant is told of its keys.
    let faulty =
        |block: &str| problems(&acme("personal_calls: apart\n", &format!("personal_calls: apart\n    ramp_up: {block}\n")));
    let told = faulty("{from: 2, working_days: 0}");
    assert!(told.contains("policies[0].ramp_up.from: expected at most 1, found 2"), "{told}");
    assert!(told.contains("policies[0].ramp_up.working_days: expected at least 1, found 0"), "{told}");
    let told = faulty("{form: 0.5}");
    assert!(told.contains("policies[0].ramp_up.form: `form` is not known here; did you mean `from`?"), "{told}");
}

#[test]
fn texts_that_are_no_workspace_are_told_where() {
    assert!(problems("").contains("the file is empty"));
    assert!(problems("workspace: [").starts_with("workspace.yaml:"), "{}", problems("workspace: ["));
    assert!(problems("- a\n- b\n").contains("expected a block with keys, found a list"));
    assert!(problems("workspace: acme\n---\nworkspace: b\n").contains("one file holds one workspace"));
    assert!(problems("a: &x 1\nb: *x\n").contains("are not read here"));
    assert!(problems(&format!("{}1{}", "[".repeat(100), "]".repeat(100))).contains("nested too deeply"));
    assert!(problems(&"a".repeat(10 * 1024 * 1024)).contains("at most"));
}

#[test]
fn comments_may_stand_anywhere() {
    let commented = ACME.replace('\n', "  # a word\n");
    let commented = format!("# at the top\n\n{commented}# at the end\n");
    let plain = read(ACME, "workspace.yaml", &Known).unwrap();
    let checked = read(&commented, "workspace.yaml", &Known).unwrap_or_else(|problems| panic!("{}", problems[0]));
    assert_eq!(checked.document, plain.document);
}

#[test]
fn line_ends_and_marks_of_other_systems_do_not_matter() {
    let windows = format!("\u{feff}{}", ACME.replace('\n', "\r\n"));
    assert_eq!(read(&windows, "w.yaml", &Known).unwrap().document, read(ACME, "w.yaml", &Known).unwrap().document);
}

#[test]
fn a_route_that_never_matches_is_warned_about() {
    let text = acme("    called: [\"+74951112233\"]\n", "")
        .replace("connections:\n", "  - {id: late, called: [\"+74950000000\"], group: kazan}\nconnections:\n");
    let warnings = read(&text, "w.yaml", &Known).unwrap().warnings;
    assert!(warnings[0].to_string().contains("route `late` never matches: `main` before it takes every call"), "{warnings:?}");
}

#[test]
fn a_change_is_told_in_plain_lines_with_its_consequences() {
    let old = read(ACME, "w.yaml", &Known).unwrap().document;
    assert!(diff(Some(&old), &old).is_empty());
    let text =
        acme("{id: fixed, mode: percent, period: 10h, count: offered", "{id: fixed, mode: percent, period: 8h, count: answered")
            .replace("members: [clara]", "members: [clara, dina]")
            .replace("groups:\n  - id: moscow", "  - {id: dina, numbers: [{sip: \"104\"}]}\ngroups:\n  - id: moscow");
    let new = read(&text, "w.yaml", &Known).unwrap().document;
    let changes = diff_with_consequences(Some(&old), &new, &Known);
    assert_eq!(
        changes.lines,
        [
            "+ agent dina",
            r#"~ group kazan: members ["clara"] -> ["clara","dina"]"#,
            "~ policy fixed: period 10h -> 8h; count offered -> answered",
            "! group sales: what its credit counts changes, so everybody starts again at 0",
        ]
    );
    assert_eq!(changes.credit_resets, vec!["sales".into()]);
    assert_eq!(diff(None, &old).lines[0], "+ workspace: acme");
}

#[test]
fn secrets_are_found_where_they_are_referred_to() {
    let document = read(ACME, "w.yaml", &Known).unwrap().document;
    let found: Vec<String> =
        secret_references(&document).into_iter().map(|r| format!("{}{} {}", r.connection, r.pointer, r.reference)).collect();
    assert_eq!(found, ["pbx/token env:PBX_TOKEN", "uis/token env:PBX_TOKEN", "bitrix/secret env:BITRIX_SECRET"]);
}

proptest! {
    /// Whatever text comes, it is read or refused; nothing panics.
    #[test]
    fn no_text_panics(text in "[\\PC\\n\\t -]{0,400}") {
        let _either = read(&text, "w.yaml", &Known);
    }

    /// Neither does a sound file with a piece cut out or doubled.
    #[test]
    fn no_damaged_file_panics(from in 0usize..2000, length in 0usize..200, double: bool) {
        let from = ACME.char_indices().map(|(at, _)| at).rfind(|at| *at <= from).unwrap_or(0);
        let to = ACME.char_indices().map(|(at, _)| at).find(|at| *at >= from + length).unwrap_or(ACME.len());
        let piece = if double { ACME[from..to].repeat(2) } else { String::new() };
        let _either = read(&format!("{}{piece}{}", &ACME[..from], &ACME[to..]), "w.yaml", &Known);
    }
}

#[test]
fn callers_who_were_missed_and_callers_on_mobiles_have_their_own_settings() {
    use meritline::core::distribution::callback::CallbackRules;
    let rules = |text: &str| read(text, "workspace.yaml", &Known).unwrap().workspace.policies[0].callback;
    assert_eq!(rules(ACME), CallbackRules::default(), "called back within a day, cut off within ten minutes");
    let own = acme("rollout: on", "callback: {tasks: false, missed_within: 2h, talked_within: 90s}");
    let expected = CallbackRules { tasks: false, context_first: true, missed_within_seconds: 7200, talked_within_seconds: 90 };
    assert_eq!(rules(&own), expected);
    let text = problems(&acme("rollout: on", "callback: {missed_within: 3d}"));
    assert!(text.contains("`3d` is not from 1s to 24h"), "{text}");

    let mobile = acme("targets_max: 5}", "targets_max: 5, mobile_callers: {ring_seconds: 12}}");
    let dialling = read(&mobile, "workspace.yaml", &Known).unwrap().workspace.policies[0].dialling;
    let mobile = dialling.mobile_callers.unwrap();
    assert_eq!((mobile.targets_max, mobile.ring_seconds), (3, 12));
}
