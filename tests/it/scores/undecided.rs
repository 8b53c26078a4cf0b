//! Open deals that are not overdue: as many count as lost as others would have decided by their age, beyond what the agent has.

use super::*;
use meritline::core::intervention::Excluded;
use meritline::core::scoring::exclusions::Exclusions;
use meritline::core::working_time::duty_days::OffDutySpan;

const TWO: [&str; 2] = ["anna", "boris"];

/// A deal decided after so many days, so many days ago.
fn decided(id: &str, agent: &str, status: DealStatus, lasted_days: i64, days: i64) -> Deal {
    let amount = (status == DealStatus::Won).then(|| money("100"));
    Deal { opened_at: Some(days_ago(days + lasted_days)), closed_at: Some(days_ago(days)), amount, ..deal(id, agent, status) }
}

/// Boris decides after ten days: a quarter are contracts. So the usual time is ten days, and patience ends after twenty.
fn of_boris(deals: i64) -> impl Iterator<Item = Deal> {
    let status = |n: i64| if n % 4 == 0 { DealStatus::Won } else { DealStatus::Lost };
    (0..deals).map(move |n| decided(&format!("b{n}"), "boris", status(n), 10, 30))
}

/// Four deals that Anna opened fifteen days ago: one became a contract after ten days, three are open.
fn of_anna() -> impl Iterator<Item = Deal> {
    let won = decided("won", "anna", DealStatus::Won, 10, 5);
    [won].into_iter().chain((0..3).map(|n| open(&format!("a{n}"), "anna", 15)))
}

#[test]
fn what_others_would_have_decided_by_now_counts_as_lost() {
    let table = scores(&TWO, timeless(), &of_boris(40).chain(of_anna()).collect::<Vec<_>>());
    let anna = of(&table, "anna");
    // Others decide everything within ten days: four were due, one is decided, so that the three that are open count.
    assert_near(anna.faded_undecided, 3.0, 1e-9);
    assert_near(anna.faded_exposure, 4.0, 1e-9);
    // None of them is overdue.
    assert_eq!((anna.contracts_closed, anna.opportunities, table.notes.overdue_open_deals), (1, 1, 0));
    // 11 contracts of 44; (1 + 10) / (4 x 0.25 + 10): one of four, as everybody. Without the three: 11 / (11/41 + 10), 7 % above that.
    assert_near(anna.conversion_index, 1.0, 1e-9);
    assert_eq!(of(&table, "boris").faded_undecided, 0.0);
}

#[test]
fn a_deal_that_nobody_would_have_decided_yet_says_nothing() {
    let young = (0..3).map(|n| open(&format!("a{n}"), "anna", 9));
    let table = scores(&TWO, timeless(), &of_boris(40).chain(young).collect::<Vec<_>>());
    assert_eq!((of(&table, "anna").faded_undecided, of(&table, "anna").value), (0.0, 1.0));
}

/// What is decided counts once: one loss that was closed offsets what was due.
#[test]
fn whoever_has_decided_as_many_as_others_has_nothing_to_make_up_for() {
    // Eight opened fifteen days ago, all due; seven are decided, and one more of another day, which was not due yet.
    let mut deals: Vec<Deal> = (0..7).map(|n| decided(&format!("a{n}"), "anna", DealStatus::Lost, 10, 5)).collect();
    deals.push(open("open", "anna", 15));
    deals.push(decided("quick", "anna", DealStatus::Lost, 3, 1));
    let table = scores(&TWO, timeless(), &of_boris(40).chain(deals).collect::<Vec<_>>());
    assert_near(of(&table, "anna").faded_undecided, 0.0, 1e-9);
    assert_eq!(of(&table, "anna").opportunities, 8);
}

#[test]
fn few_deals_of_others_tell_half() {
    let table = scores(&TWO, timeless(), &of_boris(10).chain(of_anna()).collect::<Vec<_>>());
    assert_near(of(&table, "anna").faded_undecided, 1.5, 1e-9);
}

/// Ten contracts that took twice as long as those of others: (10 x 2 + 10) / (10 + 10), one and a half times as slow. What is open for
/// fourteen days is then as what is open for nine and a third with others.
#[test]
fn whose_contracts_take_longer_is_given_longer() {
    let slow = (0..10).map(|n| decided(&format!("s{n}"), "anna", DealStatus::Won, 20, 30));
    let open = || (0..3).map(|n| open(&format!("a{n}"), "anna", 14));
    let undecided = |deals: Vec<Deal>| of(&scores(&TWO, timeless(), &deals), "anna").faded_undecided;
    assert_eq!(undecided(of_boris(40).chain(slow).chain(open()).collect()), 0.0);
    assert_near(undecided(of_boris(40).chain(open()).collect()), 3.0, 1e-9);
}

/// Half-life five days: three deals due four and three quarters days ago (in the middle of the step of half a day in which others
/// decide them).
#[test]
fn what_was_due_long_ago_counts_less() {
    let settings = ScoreSettings { half_life_seconds: Some(5 * DAY), ..timeless() };
    let open = (0..3).map(|n| open(&format!("a{n}"), "anna", 15));
    let table = scores(&TWO, settings, &of_boris(40).chain(open).collect::<Vec<_>>());
    assert_near(of(&table, "anna").faded_undecided, 3.0 * (-4.75f64 / 5.0).exp2(), 1e-9);
}

/// What was decided on a day that a lead took out is not known, so nothing opened before it can be missed.
#[test]
fn days_that_a_lead_took_out_are_held_against_nobody() {
    let deals: Vec<Deal> = of_boris(40).chain(of_anna()).collect();
    let (workspace, bitrix) = (workspace(&TWO, timeless()), ConnectionId::from("bitrix"));
    let undecided = |days: Excluded| {
        let change = Change::Exclusion { subject: days, reason: "a fair".to_owned(), lifted: false };
        let exclusions = Exclusions::of(&book(vec![change]));
        let input = ScoreInput { exclusions: Some(&exclusions), ..ScoreInput::of(&workspace, BY_RESULTS, now()).unwrap() };
        of(&score::compute(&input, deals.iter().map(|deal| (&bitrix, deal))), "anna").faded_undecided
    };
    let today = workspace.time_zone.to_datetime(now()).date();
    let day = |days: i64| today.saturating_sub(jiff::Span::new().days(days));
    let span = |from: i64, to: i64| Excluded::Days { agent: Some("anna".into()), from: day(from), to: day(to) };
    assert_eq!(undecided(span(8, 7)), 0.0);
    // Before they were opened; and another's.
    assert_near(undecided(span(20, 16)), 3.0, 1e-9);
    assert_near(undecided(Excluded::Days { agent: Some("boris".into()), from: day(8), to: day(7) }), 3.0, 1e-9);
}

/// Fifteen days open of which she was told to be off duty for the last six, or for two spells of three: nine days, in which nobody decides.
/// A night off duty is none.
#[test]
fn nobody_decides_while_off_duty() {
    let deals: Vec<Deal> = of_boris(40).chain((0..3).map(|n| open(&format!("a{n}"), "anna", 15))).collect();
    let (workspace, bitrix) = (workspace(&TWO, timeless()), ConnectionId::from("bitrix"));
    let undecided = |spans: &[(i64, i64)]| {
        let hours = |hours: i64| now() - SignedDuration::from_hours(hours);
        let span = |(from, to): &(i64, i64)| OffDutySpan { agent: "anna".into(), from: hours(*from), to: Some(hours(*to)) };
        let off_duty: Vec<OffDutySpan> = spans.iter().map(span).collect();
        let input = ScoreInput { off_duty: &off_duty, ..ScoreInput::of(&workspace, BY_RESULTS, now()).unwrap() };
        of(&score::compute(&input, deals.iter().map(|deal| (&bitrix, deal))), "anna").faded_undecided
    };
    assert_eq!(undecided(&[(6 * 24, 0)]), 0.0);
    assert_eq!(undecided(&[(12 * 24, 9 * 24), (7 * 24, 4 * 24)]), 0.0);
    assert_near(undecided(&[(30, 14)]), 3.0, 1e-9);
}

/// Whoever takes over a colleague's deals gets those that are not decided.
#[test]
fn deals_taken_over_open_are_not_held_against_who_has_them_now() {
    let from = |owner: &str| {
        let first = |n: i64| open(&format!("a{n}"), owner, 15).merged_with(None, Some(days_ago(14)));
        (0..3).map(|n| open(&format!("a{n}"), "anna", 15).merged_with(Some(&first(n)), Some(now()))).collect::<Vec<Deal>>()
    };
    let undecided =
        |deals: Vec<Deal>| of(&scores(&TWO, timeless(), &of_boris(40).chain(deals).collect::<Vec<_>>()), "anna").faded_undecided;
    assert_eq!(undecided(from("boris")), 0.0);
    // Who had them first is no agent: whom the CRM gives new deals before they are shared out.
    assert_near(undecided(from("robot")), 3.0, 1e-9);
    assert_near(undecided(from("anna")), 3.0, 1e-9);
}

#[test]
fn where_conversions_are_counted_from_calls_open_deals_say_nothing() {
    let settings = ScoreSettings { exposure: Exposure::Calls, ..timeless() };
    let table = scores(&TWO, settings, &of_boris(40).chain(of_anna()).collect::<Vec<_>>());
    assert_eq!(of(&table, "anna").faded_undecided, 0.0);
}
