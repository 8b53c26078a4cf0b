//! When a new table may not replace the one in use, and how tables are kept.

use super::*;
use meritline::core::score_table::{Occasion, RefuseReason, Verdict, judge};

const FOUR: [&str; 4] = ["a", "b", "c", "d"];

fn table_of(winners: &[&str]) -> ScoreTable {
    let deals: Vec<Deal> = winners.iter().flat_map(|user| record(user, 4, 2)).collect();
    scores(&FOUR, timeless(), &deals)
}

#[test]
fn the_first_table_is_taken_whatever_it_says() {
    assert_eq!(judge(None, &table_of(&[]), Occasion::Refresh), Verdict::Accept);
    assert_eq!(judge(Some(&table_of(&[])), &table_of(&[]), Occasion::Refresh), Verdict::Accept);
    assert_eq!(judge(Some(&table_of(&[])), &table_of(&["a"]), Occasion::Refresh), Verdict::Accept);
}

#[test]
fn an_empty_refresh_never_replaces_results() {
    let verdict = judge(Some(&table_of(&["a"])), &table_of(&[]), Occasion::Refresh);
    assert_eq!(verdict, Verdict::Refuse(RefuseReason::Empty { before: 1 }));
    let verdict = judge(Some(&table_of(&FOUR)), &table_of(&[]), Occasion::Refresh);
    assert_eq!(verdict, Verdict::Refuse(RefuseReason::Empty { before: 4 }));
}

#[test]
fn more_than_half_may_not_vanish_at_once() {
    let before = table_of(&FOUR);
    assert_eq!(judge(Some(&before), &table_of(&["a", "b"]), Occasion::Refresh), Verdict::Accept);
    let Verdict::Refuse(reason) = judge(Some(&before), &table_of(&["a"]), Occasion::Refresh) else { panic!("accepted") };
    assert_eq!(reason, RefuseReason::MostVanished { gone: 3, before: 4 });
    assert!(reason.to_string().starts_with("3 of 4 agents with contracts have none any more"), "{reason}");
}

#[test]
fn a_new_configuration_may_change_everything() {
    assert_eq!(judge(Some(&table_of(&FOUR)), &table_of(&[]), Occasion::Reconfigured), Verdict::Accept);
}

#[test]
fn results_that_grow_old_and_people_who_leave_are_no_alarm() {
    let mut settings = timeless();
    let deals: Vec<Deal> =
        FOUR.iter().flat_map(|user| record(user, 4, 2)).map(|deal| Deal { closed_at: Some(days_ago(50)), ..deal }).collect();
    settings.horizon_seconds = Some(60 * DAY);
    let before = scores(&FOUR, settings.clone(), &deals);
    assert_eq!(before.pool.contracts_closed, 8);
    // The same deals, when they have left the horizon.
    settings.horizon_seconds = Some(40 * DAY);
    let after = scores(&FOUR, settings, &deals);
    assert_eq!(after.pool.contracts_closed, 0);
    assert_eq!(judge(Some(&before), &after, Occasion::Refresh), Verdict::Accept);

    let deals: Vec<Deal> = record("d", 4, 2);
    let only_d = scores(&["d"], timeless(), &deals);
    assert_eq!(judge(Some(&table_of(&FOUR)), &only_d, Occasion::Refresh), Verdict::Accept);
}

#[test]
fn a_table_survives_being_stored() {
    let deals = [record("a", 7, 3), record("stranger", 2, 1), vec![won("x", "b", "12345.678901")]].concat();
    let table = scores(&FOUR, ScoreSettings { half_life_seconds: Some(30 * DAY), ..timeless() }, &deals);
    let text = serde_json::to_string(&table).unwrap();
    assert!(text.contains(r#""revenue":"12345.678901""#), "{text}");
    let back: ScoreTable = serde_json::from_str(&text).unwrap();
    assert_eq!(serde_json::to_string(&back).unwrap(), text);
    assert_eq!(back.explain(&AgentId::from("b")), table.explain(&AgentId::from("b")));
}

#[test]
fn an_older_program_reads_a_newer_table_and_the_other_way_round() {
    let newer = r#"{"policy":"p","as_of":"2026-11-23T10:00:00Z","agents":[{"agent":"a","contracts_closed":1,"opportunities":2,
        "revenue":"10.50","average_check":"10.50","capped_check":null,"conversion_index":1.25,"check_index":1.0,"value":1.25,
        "something_new":{"x":1}}],"another":[1,2]}"#;
    let table: ScoreTable = serde_json::from_str(newer).unwrap();
    assert_eq!((of(&table, "a").revenue, of(&table, "a").value, of(&table, "a").contracts_known), (money("10.50"), 1.25, 0));
    assert_eq!(table.value_of(&AgentId::from("unknown")), 1.0);
}
