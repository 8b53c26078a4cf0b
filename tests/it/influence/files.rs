//! What a workspace file says of people's own part.

use meritline::core::intervention::Load;
use meritline::core::policy::{MissedOffers, OwnSetting, Policy};
use meritline::service::settings_check::Integrations;
use meritline::workspace_file::read;

fn text(policy: &str) -> String {
    format!(
        "workspace: acme\ntime_zone: UTC\nagents:\n  - {{id: anna, numbers: [{{sip: \"101\"}}]}}\ngroups:\n  \
         - {{id: sales, members: [anna], policy: p}}\npolicies:\n  - {{id: p, mode: percent{policy}}}\nroutes:\n  \
         - {{id: main, group: sales}}\n"
    )
}

fn policy(part: &str) -> Policy {
    let read = read(&text(part), "acme.yaml", &Integrations);
    read.unwrap_or_else(|problems| panic!("{part}: {problems:?}")).workspace.policies[0].clone()
}

fn problem(part: &str) -> String {
    let problems = read(&text(part), "acme.yaml", &Integrations).expect_err(part);
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

/// The defaults are the documented ones: three missed, three rejected, two unreachable, a quarter of an hour.
#[test]
fn a_policy_that_says_nothing_pauses_after_three_missed_calls() {
    let told = policy("");
    let documented =
        MissedOffers { missed: Some(3), rejected: Some(3), busy: None, unreachable: Some(2), pause_seconds: Some(900) };
    assert_eq!(told.missed_offers, documented);
    assert_eq!(told.own_setting.allowed, [Load::Lighter, Load::Normal, Load::Heavier]);
}

#[test]
fn each_kind_has_its_number_or_is_off() {
    let told = policy(", missed_offers: {missed: off, rejected: 20, busy: 1, pause: 1m}").missed_offers;
    let expected =
        MissedOffers { missed: None, rejected: Some(20), busy: Some(1), unreachable: Some(2), pause_seconds: Some(60) };
    assert_eq!(told, expected);
    assert_eq!(policy(", missed_offers: {pause: until_back}").missed_offers.pause_seconds, None);
    assert_eq!(policy(", missed_offers: {pause: 12h}").missed_offers.pause_seconds, Some(43_200));
    let bounded = policy(", own_setting: {allowed: [lighter]}").own_setting;
    assert_eq!(bounded, OwnSetting { allowed: vec![Load::Lighter], ..OwnSetting::default() });
    assert!(policy(", own_setting: {allowed: []}").own_setting.allowed.is_empty());
}

#[test]
fn what_makes_no_sense_is_refused_with_its_place() {
    for (part, told) in [
        (", missed_offers: {missed: 0}", "a number from 1 to 20, or `off`"),
        (", missed_offers: {busy: 21}", "a number from 1 to 20, or `off`"),
        (", missed_offers: {rejected: never}", "a number from 1 to 20, or `off`"),
        (", missed_offers: {pause: 30s}", "`30s` is not from 1m to 12h, nor `until_back`"),
        (", missed_offers: {pause: 13h}", "`13h` is not from 1m to 12h, nor `until_back`"),
        (", missed_offers: {pause: soon}", "a duration from 1m to 12h, or `until_back`"),
        (", missed_offers: {forgotten: 1}", "forgotten"),
        (", own_setting: {allowed: [half]}", "lighter"),
    ] {
        let problems = problem(part);
        assert!(problems.contains(told) && problems.contains("acme.yaml:8"), "{part}: {problems}");
    }
}
