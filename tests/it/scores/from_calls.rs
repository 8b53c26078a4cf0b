//! Conversions counted from calls: first contacts, and contracts tied to them by the contact's phone.

use super::*;
use meritline::core::intervention::{CallTag, Excluded};
use meritline::core::scoring::exclusions::Exclusions;
use meritline::core::scoring::score_table::DealNotes;

const THREE: [&str; 3] = ["anna", "boris", "clara"];

fn from_calls() -> ScoreSettings {
    ScoreSettings { exposure: Exposure::Calls, ..timeless() }
}

/// `+79160000001`, ...
fn phone(number: usize) -> String {
    format!("+7916{number:07}")
}

/// A first call of each of these callers to an agent, so many days ago.
fn first_calls(agent: &str, callers: std::ops::Range<usize>, days: i64) -> Vec<HandledCall> {
    callers.map(|number| conversation(&format!("first-{number}"), agent, Some(&phone(number)), days_ago(days))).collect()
}

/// A contract with a caller, closed by whoever so many days ago.
fn contract(number: usize, closed_by: &str, days: i64) -> Deal {
    let won = won(&format!("d{number}"), closed_by, "100");
    Deal { contact_phones: vec![phone(number)], closed_at: Some(days_ago(days)), ..won }
}

fn table(settings: ScoreSettings, deals: &[Deal], calls: &[HandledCall]) -> ScoreTable {
    scores_from_calls(&THREE, settings, deals, calls)
}

fn figures(table: &ScoreTable, agent: &str) -> (u64, f64, f64) {
    let score = of(table, agent);
    (score.calls_handled, score.faded_exposure, score.faded_contracts)
}

#[test]
fn a_contract_counts_for_the_agent_of_the_call() {
    let calls = [first_calls("anna", 0..10, 20), first_calls("boris", 10..20, 20)].concat();
    // Boris closes what Anna's calls began; one has been handed to somebody who is nobody here.
    let deals = [contract(0, "boris", 3), contract(1, "boris", 2), contract(2, "back-office", 1), contract(10, "boris", 1)];
    let table = table(from_calls(), &deals, &calls);
    assert_eq!(figures(&table, "anna"), (10, 10.0, 3.0));
    assert_eq!(figures(&table, "boris"), (10, 10.0, 1.0));
    assert_eq!((of(&table, "anna").contracts_closed, of(&table, "boris").contracts_closed), (3, 1));
    assert!(table.unmapped_users.is_empty(), "whose deal it is in the CRM does not matter then");
    // R0 = 4/20: anna (3 + 10) / (2 + 10).
    assert_near(of(&table, "anna").conversion_index, 13.0 / 12.0, 1e-15);
}

#[test]
fn a_contract_counts_at_the_date_of_the_call() {
    let settings = ScoreSettings { half_life_seconds: Some(30 * DAY), ..from_calls() };
    let calls = [first_calls("anna", 0..2, 30), first_calls("boris", 2..4, 60)].concat();
    // Closed today, both: what counts is when the customer called.
    let table = table(settings, &[contract(0, "anna", 0), contract(2, "boris", 0)], &calls);
    assert_eq!(figures(&table, "anna"), (2, 1.0, 0.5));
    assert_eq!(figures(&table, "boris"), (2, 0.5, 0.25));
}

#[test]
fn only_the_first_conversation_with_a_caller_is_a_chance() {
    let again = [
        conversation("again", "boris", Some(&phone(0)), days_ago(10)),
        // The same call, handed on: it stays the chance of who answered first.
        conversation("first-1", "clara", Some(&phone(1)), days_ago(19)),
        // Nobody knows who withholds the number: each such call is a chance.
        conversation("withheld-1", "clara", None, days_ago(5)),
        conversation("withheld-2", "clara", None, days_ago(4)),
    ];
    let mut calls = [first_calls("anna", 0..3, 20), again.to_vec()].concat();
    let straight = table(from_calls(), &[contract(0, "boris", 1)], &calls);
    assert_eq!(figures(&straight, "anna"), (3, 3.0, 1.0));
    assert_eq!(figures(&straight, "boris"), (0, 0.0, 0.0));
    assert_eq!(figures(&straight, "clara"), (2, 2.0, 0.0));
    calls.reverse();
    assert_eq!(table(from_calls(), &[contract(0, "boris", 1)], &calls), straight, "the order of arrival does not matter");
}

#[test]
fn short_conversations_are_none() {
    let mut calls = first_calls("anna", 0..3, 20);
    for (call, seconds) in calls.iter_mut().zip([29.9, 30.0, 600.0]) {
        call.talk_seconds = seconds;
    }
    assert_eq!(of(&table(from_calls(), &[], &calls), "anna").calls_handled, 2);
    let patient = ScoreSettings { min_talk_seconds: 0, ..from_calls() };
    assert_eq!(of(&table(patient, &[], &calls), "anna").calls_handled, 3);
    // After a short one the next is the first.
    calls.push(conversation("longer", "boris", Some(&phone(0)), days_ago(18)));
    assert_eq!(of(&table(from_calls(), &[], &calls), "boris").calls_handled, 1);
}

#[test]
fn a_contract_without_a_call_says_nothing_of_calls() {
    let calls = first_calls("anna", 0..4, 20);
    let deals = [
        contract(0, "anna", 1),
        // A visitor: a phone number that never called; and a contract from before the call.
        contract(99, "boris", 1),
        Deal { deal: "before".into(), ..contract(1, "boris", 40) },
        // No phone number: nothing tells, so it is its owner's.
        Deal { closed_at: Some(days_ago(1)), ..won("no-phone", "clara", "100") },
    ];
    let table = table(from_calls(), &deals, &calls);
    assert_eq!(figures(&table, "anna"), (4, 4.0, 1.0));
    assert_eq!(figures(&table, "boris"), (0, 0.0, 0.0));
    assert_eq!(of(&table, "boris").contracts_closed, 2, "they are contracts all the same, and count in the check");
    assert_eq!(figures(&table, "clara"), (0, 0.0, 1.0));
    assert_eq!(table.notes, DealNotes { contracts_without_call: 2, ..DealNotes::default() });
}

/// Clearing the phone of a contract that came to one's desk does not make a conversion of one's own calls of it.
#[test]
fn where_contracts_have_phones_one_without_came_from_no_call() {
    let calls = [first_calls("anna", 0..10, 20), first_calls("boris", 10..20, 20)].concat();
    let with_phones: Vec<Deal> = [0, 1, 2, 10].map(|number| contract(number, "anna", 1)).to_vec();
    let without = |id: &str| Deal { closed_at: Some(days_ago(1)), ..won(id, "boris", "100") };
    let table_of = |deals: Vec<Deal>| table(from_calls(), &deals, &calls);
    // Four of five have one: then the fifth counts as a visitor's.
    let most = table_of([with_phones.clone(), vec![without("1")]].concat());
    assert_eq!((figures(&most, "boris"), most.notes.contracts_without_call), ((10, 10.0, 1.0), 1));
    assert_eq!(of(&most, "boris").contracts_closed, 2, "they are contracts all the same");
    // Four of six: nothing tells, so they are their owner's.
    let some = table_of([with_phones, vec![without("1"), without("2")]].concat());
    assert_eq!((figures(&some, "boris"), some.notes.contracts_without_call), ((10, 10.0, 3.0), 0));
}

#[test]
fn a_call_may_be_of_the_day_of_the_contract() {
    // The CRM knows the day only, so the contract seems to be older than the call.
    let calls = [conversation("c", "anna", Some(&phone(1)), now() - SignedDuration::from_hours(1))];
    let midnight = "2026-11-23T00:00:00Z".parse().unwrap();
    let deal = Deal { closed_at: Some(midnight), ..contract(1, "boris", 0) };
    assert_eq!(figures(&table(from_calls(), &[deal], &calls), "anna"), (1, 1.0, 1.0));
}

#[test]
fn calls_too_young_for_a_contract_stay_out_with_what_came_of_them() {
    // It takes 10 days from opening to close.
    let deals: Vec<Deal> = [0, 1, 2]
        .map(|number| Deal { opened_at: Some(days_ago(11 + number)), ..contract(number as usize, "anna", 1 + number) })
        .to_vec();
    let calls = [first_calls("anna", 0..1, 12), first_calls("anna", 1..5, 9), first_calls("boris", 5..9, 12)].concat();
    let table = table(from_calls(), &deals, &calls);
    assert_eq!(table.pool.median_seconds_to_close, Some(10.0 * DAY as f64));
    // Of her five calls one is ripe, and of three contracts one came of it: the others were faster than usual.
    assert_eq!(figures(&table, "anna"), (1, 1.0, 1.0));
    assert_eq!(figures(&table, "boris"), (4, 4.0, 0.0));
    assert_eq!((table.notes.calls_too_young, table.notes.contracts_without_call), (4, 2));
}

fn set_by_hand(changes: Vec<Change>) -> Exclusions {
    Exclusions::of(&book(changes))
}

fn excluding(exclusions: &Exclusions, deals: &[Deal], calls: &[HandledCall]) -> ScoreTable {
    let workspace = workspace(&THREE, from_calls());
    let usual = ScoreInput::of(&workspace, BY_RESULTS, now()).unwrap();
    let bitrix = ConnectionId::from("bitrix");
    let input = ScoreInput { handled_calls: calls, exclusions: Some(exclusions), ..usual };
    score::compute(&input, deals.iter().map(|deal| (&bitrix, deal)))
}

#[test]
fn tagged_and_excluded_calls_leave_the_exposure() {
    let calls = [first_calls("anna", 0..4, 20), vec![conversation("later", "boris", Some(&phone(1)), days_ago(10))]].concat();
    let tag = |call: &str| Change::Tag {
        connection: "pbx".into(),
        call: call.into(),
        agent: "anna".into(),
        tag: Some(CallTag::NotASale),
    };
    let reason = || "a test of the line".to_owned();
    let call = Excluded::Call { connection: "pbx".into(), call: "first-2".into() };
    let exclusions =
        set_by_hand(vec![tag("first-1"), Change::Exclusion { subject: call.clone(), reason: reason(), lifted: false }]);
    let table = excluding(&exclusions, &[contract(0, "anna", 1), contract(2, "anna", 1)], &calls);
    assert_eq!(figures(&table, "anna"), (2, 2.0, 1.0));
    assert_eq!(figures(&table, "boris"), (1, 1.0, 0.0), "the tagged call was no contact, so the next one is the first");
    assert_eq!((table.notes.tagged_calls, table.notes.contracts_without_call), (1, 1));
    let applied: Vec<(&str, &Excluded, u64)> =
        table.exclusions.iter().map(|applied| (applied.agent.as_str(), &applied.subject, applied.items)).collect();
    assert_eq!(applied, [("anna", &call, 1)]);
}

#[test]
fn calls_of_excluded_days_do_not_count_but_were_made() {
    let calls = [
        first_calls("anna", 0..4, 20),
        first_calls("boris", 4..8, 20),
        vec![conversation("again", "clara", Some(&phone(0)), days_ago(3))],
    ]
    .concat();
    let day = jiff::civil::date(2026, 11, 3);
    let days = Excluded::Days { agent: Some("anna".into()), from: day, to: day };
    let exclusions = set_by_hand(vec![Change::Exclusion { subject: days, reason: "a fair".to_owned(), lifted: false }]);
    let table = excluding(&exclusions, &[contract(0, "anna", 1)], &calls);
    assert_eq!(figures(&table, "anna"), (0, 0.0, 0.0));
    assert_eq!(figures(&table, "boris"), (4, 4.0, 0.0));
    assert_eq!(figures(&table, "clara"), (0, 0.0, 0.0), "who called on that day is no new caller later");
    assert_eq!((table.exclusions[0].agent.as_str(), table.exclusions[0].items), ("anna", 4 + 1));
}

#[test]
fn calls_are_compared_within_the_lead_source_of_their_deals() {
    // All calls became deals of one of two kinds; both agents convert one in ten and one in two.
    let mut deals = Vec::new();
    let mut number = 0;
    let mut calls = Vec::new();
    for (agent, source, count, contracts) in
        [("anna", "ad", 80, 8), ("anna", "tip", 20, 10), ("boris", "ad", 20, 2), ("boris", "tip", 80, 40)]
    {
        calls.extend(first_calls(agent, number..number + count, 20));
        for at in 0..count {
            let status = if at < contracts { DealStatus::Won } else { DealStatus::Lost };
            let deal = Deal { status, lead_source: Some(source.to_owned()), ..contract(number + at, agent, 2) };
            deals.push(deal);
        }
        number += count;
    }
    let table = table(from_calls(), &deals, &calls);
    assert_near(of(&table, "anna").expected_contracts, 18.0, 1e-12);
    assert_near(of(&table, "anna").conversion_index, 1.0, 1e-12);
    assert_near(of(&table, "boris").conversion_index, 1.0, 1e-12);
}
