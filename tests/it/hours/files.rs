//! Working hours in workspace files: what is read, and what is refused in which words.

use std::sync::Arc;

use meritline::core::working_time::hours::Phase;
use meritline::core::workspace::Workspace;
use meritline::workspace_file::{Checked, IntegrationKind, WorkspaceDocument, diff, read};
use serde_json::Value;

use super::at;

pub(super) struct NoConnections;

impl meritline::workspace_file::SettingsCheck for NoConnections {
    fn check(&self, _: &str, _: &Value) -> Vec<(String, String)> {
        Vec::new()
    }

    fn kind(&self, _: &str) -> Option<IntegrationKind> {
        None
    }

    fn known(&self) -> Vec<String> {
        Vec::new()
    }
}

const OFFICE: &str = r#"workspace: acme
time_zone: Europe/Moscow
default_hours: office
hours:
  - id: office
    weekly: {mon-fri: ["09:00-18:00"], sat: ["10:00-14:00"]}
    breaks: ["13:00-14:00"]
    holidays: ["2026-12-31", {from: 2027-01-01, to: 2027-01-08}, {date: 2026-12-30, hours: ["09:00-14:00"]}]
  - id: east
    time_zone: Asia/Vladivostok
    weekly: {mon-fri: ["09:00-18:00"]}
    breaks: {fri: ["12:00-12:30"]}
  - id: nights
    weekly: {fri-mon: ["22:00-06:00"]}
agents:
  - {id: anna, numbers: [{sip: "101"}]}
  - {id: boris, numbers: [{sip: "102"}], hours: nights}
  - {id: clara, numbers: [{sip: "103"}]}
groups:
  - {id: vladivostok, members: [anna, boris], policy: even, hours: east}
  - {id: sales, members: [vladivostok, clara], policy: even}
policies:
  - {id: even, mode: percent}
"#;

/// Integrations of the names that files use here, with any settings.
struct AnySettings;

impl meritline::workspace_file::SettingsCheck for AnySettings {
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

/// The workspace of a file with connections.
pub(super) fn workspace_with(text: &str) -> Arc<Workspace> {
    let read = read(text, "acme.yaml", &AnySettings);
    Arc::new(read.unwrap_or_else(|problems| panic!("{problems:?}")).workspace)
}

/// The workspace of a file.
pub(super) fn workspace(text: &str) -> Arc<Workspace> {
    Arc::new(sound(text).workspace)
}

fn sound(text: &str) -> Checked {
    read(text, "acme.yaml", &NoConnections).unwrap_or_else(|problems| panic!("{problems:?}"))
}

/// The problems of the file with one text in place of another.
#[track_caller]
fn problems(from: &str, to: &str) -> Vec<(String, String)> {
    assert!(OFFICE.contains(from), "{from}");
    let found = read(&OFFICE.replace(from, to), "acme.yaml", &NoConnections).expect_err("refused");
    found.into_iter().map(|problem| (problem.path, problem.message)).collect()
}

#[track_caller]
fn refused(from: &str, to: &str, path: &str, message: &str) {
    assert_eq!(problems(from, to), [(path.to_owned(), message.to_owned())]);
}

#[test]
fn the_nearest_hours_win() {
    let workspace = sound(OFFICE).workspace;
    let (agent, group) =
        (|id: &str| workspace.find_agent(&id.into()).unwrap(), |id: &str| workspace.find_group(&id.into()).unwrap());
    let of = |who: &str, through: &str| {
        let ix = workspace.hours_of(agent(who), group(through));
        ix.map(|ix| workspace.hours[ix.0 as usize].id().to_string())
    };
    assert_eq!(of("anna", "vladivostok").as_deref(), Some("east"));
    assert_eq!(of("boris", "vladivostok").as_deref(), Some("nights"));
    assert_eq!(of("clara", "sales").as_deref(), Some("office"));
    let without = sound(&OFFICE.replace("default_hours: office\n", "")).workspace;
    assert_eq!(
        without.hours_of(without.find_agent(&"clara".into()).unwrap(), without.find_group(&"sales".into()).unwrap()),
        None
    );
    let inherits = sound(
        &OFFICE
            .replace(", hours: east}", "}")
            .replace("[vladivostok, clara], policy: even}", "[vladivostok, clara], policy: even, hours: nights}"),
    )
    .workspace;
    let ix = inherits.hours_of_group(inherits.find_group(&"vladivostok".into()).unwrap()).unwrap();
    assert_eq!(inherits.hours[ix.0 as usize].id().as_str(), "nights");
}

#[test]
fn what_is_read() {
    let workspace = sound(OFFICE).workspace;
    let hours = |id: &str| &workspace.hours[workspace.find_hours(&id.into()).unwrap().0 as usize];
    assert_eq!(hours("office").time_zone().iana_name(), Some("Europe/Moscow"));
    assert_eq!(hours("office").window(at("2026-12-30T10:30:00Z")).phase, Phase::Break);
    assert_eq!(hours("office").next_change(at("2026-12-30T11:00:00Z")), Some(at("2027-01-09T07:00:00Z")));
    // Nine in Vladivostok is eleven in the evening before in UTC.
    assert_eq!(hours("east").next_change(at("2026-11-23T09:00:00Z")), Some(at("2026-11-23T23:00:00Z")));
    // Friday to Monday: the last begins on Monday evening.
    assert!(hours("nights").is_open(at("2026-11-24T02:00:00Z")) && !hours("nights").is_open(at("2026-11-25T02:00:00Z")));
}

#[test]
fn it_is_exported_and_compared() {
    let document = sound(OFFICE).document;
    assert_eq!(sound(&document.to_yaml()).document, document);
    assert_eq!(WorkspaceDocument::from_json(&document.to_json()).unwrap(), document);
    let changed = OFFICE
        .replace("sat: [\"10:00-14:00\"]", "sat: [\"10:00-15:00\"]")
        .replace("  - id: nights\n    weekly: {fri-mon: [\"22:00-06:00\"]}\n", "")
        .replace(", hours: nights", "");
    let lines = diff(Some(&document), &sound(&changed).document).lines;
    assert_eq!(lines.len(), 3, "{lines:?}");
    assert!(lines.iter().any(|line| line.starts_with("~ hours office: weekly ")), "{lines:?}");
    assert!(
        lines.contains(&"- hours nights".to_owned()) && lines.contains(&"~ agent boris: hours nights -> default".to_owned()),
        "{lines:?}"
    );
}

#[test]
fn names_of_nothing() {
    refused(
        "default_hours: office",
        "default_hours: offise",
        "default_hours",
        "`offise` is not a schedule of `hours`; did you mean `office`?",
    );
    refused("hours: east}", "hours: eats}", "groups[0].hours", "`eats` is not a schedule of `hours`; did you mean `east`?");
    refused(
        ", hours: nights",
        ", hours: night",
        "agents[1].hours",
        "`night` is not a schedule of `hours`; did you mean `nights`?",
    );
    refused(
        "Asia/Vladivostok",
        "Asia/Wladiwostok",
        "hours[1].time_zone",
        "`Asia/Wladiwostok` is no time zone: write it as in Europe/Moscow",
    );
    refused(
        "sat: [",
        "saturday: [",
        "hours[0].weekly.saturday",
        "`saturday` is no day of the week: write mon, tue, wed, thu, fri, sat, sun, or a span as mon-fri",
    );
    let twice = problems("id: nights\n", "id: east\n");
    let message = "hours `east` is defined twice; the first is at /hours/1".to_owned();
    assert!(twice.contains(&("hours[2].id".to_owned(), message)), "{twice:?}");
}

#[test]
fn intervals_that_cannot_be() {
    let office = "weekly: {mon-fri: [\"09:00-18:00\"], sat: [\"10:00-14:00\"]}";
    refused(
        office,
        "weekly: {mon-fri: [\"09:00-13:00\", \"12:30-18:00\"]}",
        "hours[0].weekly.mon-fri[1]",
        "`12:30-18:00` overlaps `09:00-13:00` on Monday: make one interval of them, or end one where the other begins",
    );
    refused(
        "{fri-mon: [\"22:00-06:00\"]}",
        "{fri: [\"22:00-06:00\"], sat: [\"05:00-12:00\"]}",
        "hours[2].weekly.sat[0]",
        "`05:00-12:00` overlaps `22:00-06:00` of Friday and Saturday: make one interval of them, or end one where the other begins",
    );
    refused(
        "mon-fri: [\"09:00-18:00\"], sat",
        "mon-fri: [\"18:00-17:00\"], sat",
        "hours[0].weekly.mon-fri[0]",
        "`18:00-17:00` ends before it begins, and over midnight it would last 23 hours: turn it round, or give two intervals",
    );
    refused(
        "sat: [\"10:00-14:00\"]",
        "sat: [\"10:00-10:00\"]",
        "hours[0].weekly.sat[0]",
        "`10:00-10:00` begins and ends at the same time: write 00:00-24:00 for the whole day, or leave it out",
    );
    refused(
        "sat: [\"10:00-14:00\"]",
        "sat: [\"ten to two\"]",
        "hours[0].weekly.sat[0]",
        "`ten to two` is no interval of a day: write it as 09:00-18:00, or 22:00-06:00 over midnight",
    );
    refused(
        "{fri-mon: [\"22:00-06:00\"]}",
        "{fri-mon: []}",
        "hours[2].weekly",
        "these hours are never open: give at least one interval in `weekly`",
    );
}

#[test]
fn breaks_and_holidays_that_cannot_be() {
    refused(
        "breaks: [\"13:00-14:00\"]",
        "breaks: [\"18:00-19:00\"]",
        "hours[0].breaks[0]",
        "the break `18:00-19:00` lies outside the hours of every day: nobody works then anyway",
    );
    refused(
        "{fri: [\"12:00-12:30\"]}",
        "{sat: [\"12:00-12:30\"]}",
        "hours[1].breaks.sat[0]",
        "the break `12:00-12:30` lies outside the hours of Saturday: nobody works then anyway",
    );
    refused(
        "breaks: [\"13:00-14:00\"]",
        "breaks: [\"13:00-14:00\", \"13:30-15:00\"]",
        "hours[0].breaks[1]",
        "`13:30-15:00` overlaps `13:00-14:00` on Monday: make one interval of them, or end one where the other begins",
    );
    refused(
        "\"2026-12-31\", {from",
        "\"2026-12-31\", \"2027-01-03\", {from",
        "hours[0].holidays[2]",
        "2027-01-03 is given twice among these holidays: keep one",
    );
    refused("\"2026-12-31\", {from", "\"2026-02-31\", {from", "hours[0].holidays[0]", "`2026-02-31` is no day of the calendar");
    refused(
        "{from: 2027-01-01, to: 2027-01-08}",
        "{from: 2027-01-08, to: 2027-01-01}",
        "hours[0].holidays[1]",
        "the holidays end on 2027-01-01 before they begin on 2027-01-08",
    );
    refused(
        "{from: 2027-01-01, to: 2027-01-08}",
        "{from: 2027-01-01, to: 2028-01-08}",
        "hours[0].holidays[1]",
        "these holidays last over a year, from 2027-01-01 to 2028-01-08: is the year right?",
    );
    refused(
        "hours: [\"09:00-14:00\"]",
        "hours: [\"09:00-14:00\", \"13:00-15:00\"]",
        "hours[0].holidays[2].hours",
        "two intervals of 2026-12-30 overlap: make one of them",
    );
}

#[test]
fn two_groups_above_that_differ() {
    let groups = "  - {id: sales, members: [vladivostok, clara], policy: even}\n";
    let two = "  - {id: sales, members: [vladivostok, clara], policy: even}\n  - {id: night, members: [vladivostok], policy: even, hours: nights}\n";
    let text = OFFICE.replace(", hours: east}", "}").replace(groups, two);
    let found = read(&text, "acme.yaml", &NoConnections).expect_err("refused");
    assert_eq!(found.len(), 1);
    assert_eq!(
        (found[0].path.as_str(), found[0].message.as_str()),
        ("groups[0]", "group `vladivostok` is in sales and night, whose working hours differ: give it `hours` of its own")
    );
}
