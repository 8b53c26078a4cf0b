//! When a new table may not replace the one in use, and how tables are kept.

use super::*;
use meritline::core::scoring::adjustments::Adjustments;
use meritline::core::scoring::score_judge::{Occasion, RefuseReason, Replacement, Verdict, judge, judge_shares};

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
    let Verdict::Refuse(reason) = judge(Some(&before), &table_of(&["a"]), Occasion::Refresh) else { panic!("accepted") };
    assert_eq!(reason, RefuseReason::MostVanished { gone: 3, before: 4 });
    assert!(reason.to_string().starts_with("3 of 4 agents with contracts have none any more"), "{reason}");
}

/// `contracts` of 4 agents, evenly.
fn table_of_contracts(contracts: usize) -> ScoreTable {
    let deals: Vec<Deal> =
        (0..contracts).map(|at| won(&format!("{at}"), FOUR[at % FOUR.len()], "100")).chain(record("d", 40, 0)).collect();
    scores(&FOUR, timeless(), &deals)
}

#[test]
fn contracts_move_by_at_most_a_third_at_once() {
    let refused =
        |before: usize, now: usize| match judge(Some(&table_of_contracts(before)), &table_of_contracts(now), Occasion::Refresh) {
            Verdict::Accept => false,
            Verdict::Refuse(RefuseReason::ContractsMoved { .. }) => true,
            Verdict::Refuse(other) => panic!("{other}"),
        };
    // 30 % of 100 is 30: that is still believed, one more or less is not.
    assert!(!refused(100, 130) && refused(100, 131) && !refused(100, 70) && refused(100, 69));
    assert!(refused(8, 4), "two of four lost all of theirs");
    // A young history grows in leaps, and a few contracts are corrected by hand.
    assert!(!refused(4, 23) && refused(4, 24));
    assert!(!refused(4, 2 + 1) && !refused(6, 4));
    let verdict = judge(Some(&table_of_contracts(100)), &table_of_contracts(60), Occasion::Refresh);
    let Verdict::Refuse(reason) = verdict else { panic!("accepted") };
    assert!(reason.to_string().starts_with("the CRM shows 60 contracts where 100 were known, more than 30 % less;"), "{reason}");
}

#[test]
fn contracts_that_grow_slowly_are_compared_with_the_last_table_that_was_taken() {
    let mut contracts = 10;
    for _ in 0..40 {
        let next = contracts + contracts / 5;
        assert_eq!(judge(Some(&table_of_contracts(contracts)), &table_of_contracts(next), Occasion::Refresh), Verdict::Accept);
        contracts = next.min(400);
    }
}

#[test]
fn a_share_moves_by_at_most_five_points_at_once() {
    let workspace = workspace(&["a", "b"], timeless());
    let table = |a: usize, b: usize| scores(&["a", "b"], timeless(), &[record("a", 100, a), record("b", 100, b)].concat());
    let verdict = |previous: &ScoreTable, next: &ScoreTable, occasion| {
        let adjustments = Adjustments::default();
        judge_shares(&workspace, BY_RESULTS, &Replacement { previous, next, adjustments: &adjustments }, occasion)
    };
    // With 60 contracts of 200 opportunities 30 are expected of each: 40/40 gives 0.5; 46/40 and 34/40 gives 46/80 = 0.575.
    let even = table(30, 30);
    let Verdict::Refuse(reason) = verdict(&even, &table(36, 24), Occasion::Refresh) else { panic!("accepted") };
    assert_eq!(
        reason.to_string().split(';').next(),
        Some("the share of `a` in group `team` would go from 50.0 % to 57.5 %, more than 5 points at once")
    );
    // 43/80 = 0.5375 is followed.
    assert_eq!(verdict(&even, &table(33, 27), Occasion::Refresh), Verdict::Accept);
    assert_eq!(verdict(&even, &table(36, 24), Occasion::Reconfigured), Verdict::Accept);
    // First results are taken whatever they say.
    assert_eq!(verdict(&table(0, 0), &table(90, 2), Occasion::Refresh), Verdict::Accept);
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
