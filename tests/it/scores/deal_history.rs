//! Which deals count, for whom, and how much.

use super::*;
use meritline::core::scoring::score_table::DealNotes;

const TWO: [&str; 2] = ["anna", "boris"];

#[test]
fn results_fade_with_the_half_life() {
    let settings = ScoreSettings { half_life_seconds: Some(30 * DAY), ..timeless() };
    let closed = |deal: Deal, days| Deal { closed_at: Some(days_ago(days)), ..deal };
    let deals = [
        closed(won("1", "anna", "100"), 0),
        closed(won("2", "anna", "100"), 30),
        closed(lost("3", "anna"), 60),
        // Planned ahead: age 0, not "more than now".
        closed(won("4", "boris", "100"), -30),
    ];
    let table = scores(&TWO, settings, &deals);
    let anna = of(&table, "anna");
    assert_near(anna.faded_contracts, 1.5, 1e-15);
    assert_near(anna.faded_exposure, 1.75, 1e-15);
    assert_eq!((anna.contracts_closed, anna.opportunities), (2, 3));
    assert_near(of(&table, "boris").faded_contracts, 1.0, 0.0);
    // R0 = 2.5 / 2.75; (1.5 + 10) / (1.75 x R0 + 10).
    assert_near(anna.conversion_index, 11.5 / (1.75 * 2.5 / 2.75 + 10.0), 1e-15);
}

#[test]
fn deals_closed_before_the_horizon_do_not_count() {
    let settings = ScoreSettings { horizon_seconds: Some(90 * DAY), ..timeless() };
    let mut deals = [won("1", "anna", "100"), won("2", "anna", "500"), lost("3", "anna"), lost("4", "anna")];
    for (deal, days) in deals.iter_mut().zip([90, 91, 90, 91]) {
        deal.closed_at = Some(days_ago(days));
    }
    let table = scores(&TWO, settings, &deals);
    let anna = of(&table, "anna");
    assert_eq!((anna.contracts_closed, anna.opportunities, anna.contracts_known), (1, 2, 2));
    assert_eq!((anna.revenue, table.pool.median_amount), (money("100"), Some(money("100"))));
}

#[test]
fn a_closed_deal_without_a_close_date_still_counts_and_is_told() {
    let settings = ScoreSettings { horizon_seconds: Some(90 * DAY), half_life_seconds: Some(30 * DAY), ..timeless() };
    let deals = [
        deal("no-date", "anna", DealStatus::Won),
        Deal { opened_at: Some(days_ago(30)), ..deal("opened", "anna", DealStatus::Lost) },
        Deal { opened_at: Some(days_ago(100)), ..deal("opened-long-ago", "anna", DealStatus::Lost) },
    ];
    let table = scores(&TWO, settings, &deals);
    let anna = of(&table, "anna");
    assert_eq!((anna.contracts_closed, anna.opportunities), (1, 2));
    assert_near(anna.faded_exposure, 1.5, 1e-15);
    assert_eq!(table.notes, DealNotes { undated_deals: 2, contracts_without_amount: 1, ..DealNotes::default() });
}

/// Two decided deals that took 4 and 6 days: the median is 5, patience ends after 10.
fn usual_time_to_close() -> Vec<Deal> {
    let mut deals = vec![won("w", "boris", "100"), lost("l", "boris")];
    deals[0].opened_at = Some(days_ago(4));
    deals[1].opened_at = Some(days_ago(6));
    deals
}

#[test]
fn open_deals_count_as_lost_after_twice_the_usual_time() {
    let deals = [
        usual_time_to_close(),
        vec![open("at-10", "anna", 10), open("at-11", "anna", 11), deal("undated", "anna", DealStatus::Open)],
    ]
    .concat();
    let table = scores(&TWO, timeless(), &deals);
    assert_eq!(table.pool.median_seconds_to_close, Some(5.0 * DAY as f64));
    assert_eq!((of(&table, "anna").opportunities, of(&table, "anna").contracts_closed), (1, 0));
    assert_eq!((table.notes.overdue_open_deals, table.notes.open_deals_without_start), (1, 1));
}

#[test]
fn an_overdue_deal_fades_from_the_moment_it_became_overdue() {
    let settings = ScoreSettings { half_life_seconds: Some(30 * DAY), horizon_seconds: Some(60 * DAY), ..timeless() };
    // Overdue for 30 days: half. Overdue for 61: beyond the horizon.
    let deals = [usual_time_to_close(), vec![open("1", "anna", 40), open("2", "anna", 71)]].concat();
    let table = scores(&TWO, settings, &deals);
    assert_eq!(of(&table, "anna").opportunities, 1);
    assert_near(of(&table, "anna").faded_exposure, 0.5, 1e-15);
}

#[test]
fn without_a_usual_time_no_open_deal_is_overdue() {
    let deals = [won("w", "boris", "100"), open("1", "anna", 4000)];
    let table = scores(&TWO, timeless(), &deals);
    assert_eq!((table.pool.median_seconds_to_close, of(&table, "anna").opportunities), (None, 0));
}

/// Dates without a time: where deals close on the day they come, the usual time is "at once". Patience is two days then: one open
/// for 4000 is lost.
#[test]
fn where_deals_close_the_same_day_patience_is_two_days() {
    let mut same_day = won("w", "boris", "100");
    same_day.opened_at = same_day.closed_at.map(|closed| closed + SignedDuration::from_hours(7));
    let table = scores(&TWO, timeless(), &[same_day, open("1", "anna", 4000), open("2", "anna", 2), open("3", "anna", 3)]);
    assert_eq!((table.pool.median_seconds_to_close, of(&table, "anna").opportunities), (Some(0.0), 2));
}

#[test]
fn no_loss_lies_before_its_opening() {
    let settings = ScoreSettings { horizon_seconds: Some(90 * DAY), half_life_seconds: Some(30 * DAY), ..timeless() };
    let closed = |deal: Deal, days| Deal { closed_at: Some(days_ago(days)), ..deal };
    let first_seen = |days| deal("2", "anna", DealStatus::Open).merged_with(None, Some(days_ago(days)));
    // The usual time is 5 days.
    let usual = |id: &str| Deal { opened_at: Some(days_ago(5)), ..won(id, "boris", "100") };
    let deals = [
        usual("w1"),
        usual("w2"),
        // Opened 35 days ago and said to be closed 400 days ago: closed 30 days ago, as usual. Likewise without a date.
        Deal { opened_at: Some(days_ago(35)), ..closed(lost("1", "anna"), 400) },
        Deal { opened_at: Some(days_ago(35)), closed_at: None, ..lost("u", "anna") },
        // First seen open 65 days ago by a CRM that tells of no opening.
        closed(lost("2", "anna"), 400).merged_with(Some(&first_seen(65)), None),
        // Opened three days ago, so it is not closed later than now.
        Deal { opened_at: Some(days_ago(3)), closed_at: None, ..lost("young", "anna") },
        // The CRM's word on a contract holds, and on a loss of a date without a time.
        Deal { opened_at: Some(days_ago(35)), ..closed(won("3", "anna", "1"), 400) },
        Deal { opened_at: Some(days_ago(60) + SignedDuration::from_hours(9)), ..closed(lost("4", "anna"), 60) },
        closed(lost("5", "anna"), 400),
    ];
    let table = scores(&TWO, settings, &deals);
    assert_eq!((of(&table, "anna").opportunities, table.notes.undated_deals), (5, 4));
    assert_near(of(&table, "anna").faded_exposure, 0.5 + 0.5 + 0.25 + 1.0 + 0.25, 1e-12);
}

#[test]
fn the_usual_time_to_close_is_known_from_deals_that_were_seen_open() {
    let seen = |days| deal("w", "boris", DealStatus::Open).merged_with(None, Some(days_ago(days)));
    let closed = Deal { closed_at: Some(days_ago(2)), ..won("w", "boris", "100") }.merged_with(Some(&seen(7)), Some(now()));
    // It took 5 days; the one seen first 11 days ago is older than twice that.
    let hidden = |id: &str, days| deal(id, "anna", DealStatus::Open).merged_with(None, Some(days_ago(days)));
    let table = scores(&TWO, timeless(), &[closed, hidden("1", 11), hidden("2", 10)]);
    assert_eq!((table.pool.median_seconds_to_close, of(&table, "anna").opportunities), (Some(5.0 * DAY as f64), 1));
}

#[test]
fn hiding_lost_deals_does_not_pay() {
    // Both won 20 of 40; boris leaves his lost deals open in the CRM instead of closing them.
    let history = |hidden: bool| -> Vec<Deal> {
        let person = |user: &'static str| {
            (0..40).map(move |at: i64| {
                let mut deal =
                    if at < 20 { won(&format!("{user}{at}"), user, "100") } else { lost(&format!("{user}{at}"), user) };
                deal.closed_at = Some(days_ago(40 + at));
                deal.opened_at = Some(days_ago(50 + at));
                if hidden && user == "boris" && deal.status == DealStatus::Lost {
                    deal.status = DealStatus::Open;
                    deal.closed_at = None;
                }
                deal
            })
        };
        person("anna").chain(person("boris")).collect()
    };
    for settings in [timeless(), ScoreSettings { half_life_seconds: Some(30 * DAY), ..timeless() }] {
        let honest = scores(&TWO, settings.clone(), &history(false));
        let hidden = scores(&TWO, settings, &history(true));
        assert_eq!(of(&hidden, "boris").opportunities, 40);
        assert!(of(&hidden, "boris").value <= of(&honest, "boris").value, "{:?} {:?}", hidden.agents, honest.agents);
        assert!(of(&hidden, "boris").value <= of(&hidden, "anna").value);
    }
}

#[test]
fn another_currency_counts_as_a_contract_without_an_amount() {
    let deals = [
        Deal { currency: Some("RUB".parse().unwrap()), ..won("1", "anna", "100") },
        Deal { currency: Some("USD".parse().unwrap()), ..won("2", "anna", "999999") },
        Deal { currency: Some("USD".parse().unwrap()), returned_amount: Some(money("10")), ..won("3", "boris", "10") },
    ];
    let table = scores(&TWO, timeless(), &deals);
    let anna = of(&table, "anna");
    assert_eq!((anna.contracts_closed, anna.revenue, anna.average_check), (2, money("100"), Some(money("100"))));
    assert_eq!((table.notes.foreign_currency_deals, table.notes.contracts_without_amount), (1, 0));
    assert_eq!(anna.faded_priced_contracts, 1.0);
    // A full return is one in any currency.
    assert_eq!((of(&table, "boris").contracts_closed, table.notes.returned_contracts), (0, 1));
}

#[test]
fn deals_without_an_amount_stay_out_of_the_check_index() {
    let deals = [won("1", "anna", "100"), won("2", "boris", "100"), deal("3", "boris", DealStatus::Won)];
    let table = scores(&TWO, timeless(), &deals);
    assert_eq!(of(&table, "boris").contracts_closed, 2);
    assert_eq!(of(&table, "boris").average_check, Some(money("100")));
    assert_near(of(&table, "boris").check_index, 1.0, 1e-15);
    assert_eq!(table.notes.contracts_without_amount, 1);
}

#[test]
fn returns_reduce_the_amount_and_a_full_return_undoes_the_contract() {
    let returned =
        |id: &str, user: &str, amount: &str, back: &str| Deal { returned_amount: Some(money(back)), ..won(id, user, amount) };
    let deals = [
        returned("part", "anna", "100.10", "40.05"),
        returned("none", "anna", "50", "0"),
        returned("signed", "anna", "80", "-30"),
        won("nil", "anna", "0"),
        returned("all", "boris", "70", "70"),
        returned("more", "boris", "70", "71"),
        won("credit-note", "boris", "-5"),
    ];
    let table = scores(&TWO, timeless(), &deals);
    let anna = of(&table, "anna");
    assert_eq!((anna.contracts_closed, anna.revenue), (4, money("160.05")));
    assert_eq!(anna.average_check, Some(money("40.0125")));
    // What was returned was still handled: it counts against the conversion.
    let boris = of(&table, "boris");
    assert_eq!((boris.contracts_closed, boris.opportunities, boris.revenue), (0, 3, money("0")));
    assert_eq!(table.notes.returned_contracts, 3);
}

#[test]
fn the_same_contract_in_two_systems_counts_once() {
    let (bitrix, sheet) = (ConnectionId::from("bitrix"), ConnectionId::from("sheet"));
    let linked = |deal: Deal, key: &str| Deal { link_key: Some(key.to_owned()), ..deal };
    let first =
        [linked(won("1", "anna", "100"), "INV-7"), linked(won("2", "anna", "60"), "INV-7"), linked(won("3", "anna", "1"), " ")];
    let second =
        [linked(won("1", "anna", "999"), "INV-7"), linked(won("9", "anna", "40"), "INV-8"), linked(won("10", "anna", "2"), " ")];
    let all = || first.iter().map(|deal| (&bitrix, deal)).chain(second.iter().map(|deal| (&sheet, deal)));
    let table = scores_of_two(&TWO, timeless(), all());
    // Two records with one key inside one system are two deals; an empty key links nothing.
    assert_eq!((of(&table, "anna").contracts_closed, of(&table, "anna").revenue), (5, money("203")));
    assert_eq!(table.notes.linked_duplicates, 1);

    let sheet_first = ScoreSettings { crm: vec!["sheet".into(), "bitrix".into()], ..timeless() };
    let table = scores_of_two(&TWO, sheet_first, all());
    assert_eq!((of(&table, "anna").contracts_closed, of(&table, "anna").revenue), (4, money("1042")));
}

#[test]
fn a_linked_contract_is_believed_where_it_counts() {
    let (bitrix, sheet) = (ConnectionId::from("bitrix"), ConnectionId::from("sheet"));
    let linked = |deal: Deal, at: usize| Deal { link_key: Some(format!("INV-{at}")), ..deal };
    // Twenty contracts of Anna's in the sheet. In the first CRM of the policy ten are nobody's we know, and ten are still open.
    let stranger = (0..10).map(|at| linked(won(&format!("b{at}"), "stranger", "7"), at));
    let open = (10..20).map(|at| linked(open(&format!("b{at}"), "anna", 1), at));
    let first: Vec<Deal> = stranger.chain(open).collect();
    let second: Vec<Deal> = (0..20).map(|at| linked(won(&format!("s{at}"), "anna", "100"), at)).collect();
    let all = |first: &[Deal]| {
        let both: Vec<(ConnectionId, Deal)> = first.iter().map(|deal| (bitrix.clone(), deal.clone())).collect();
        both.into_iter().chain(second.iter().map(|deal| (sheet.clone(), deal.clone()))).collect::<Vec<_>>()
    };
    let deals = all(&first);
    let table = scores_of_two(&TWO, timeless(), deals.iter().map(|(connection, deal)| (connection, deal)));
    assert_eq!((of(&table, "anna").contracts_closed, of(&table, "anna").revenue), (20, money("2000")));
    assert_eq!(table.notes.linked_duplicates, 20);
    // Wanted in one of them only: an archive in the first.
    let archived: Vec<Deal> =
        (0..20).map(|at| Deal { pipeline: Some("archive".into()), ..linked(won(&format!("b{at}"), "anna", "7"), at) }).collect();
    let deals = all(&archived);
    let sales = DealFilter { pipelines: vec!["sales".into()], ..DealFilter::default() };
    let deals: Vec<(ConnectionId, Deal)> = deals
        .into_iter()
        .map(|(connection, deal)| (connection, Deal { pipeline: deal.pipeline.or(Some("sales".into())), ..deal }))
        .collect();
    let settings = ScoreSettings { deals: sales, ..timeless() };
    let table = scores_of_two(&TWO, settings, deals.iter().map(|(connection, deal)| (connection, deal)));
    assert_eq!(of(&table, "anna").contracts_closed, 20);
    // Where it counts nowhere, the first of all says why.
    let nobody: Vec<Deal> = (0..20).map(|at| linked(won(&format!("s{at}"), "unknown", "1"), at)).collect();
    let deals = first[..10].iter().map(|deal| (&bitrix, deal)).chain(nobody.iter().map(|deal| (&sheet, deal)));
    let table = scores_of_two(&TWO, timeless(), deals);
    let listed: Vec<(&str, u64)> = table.unmapped_users.iter().map(|user| (user.user.as_str(), user.deals)).collect();
    assert_eq!(listed, [("stranger", 10), ("unknown", 10)]);
}

#[test]
fn a_repeated_record_replaces_the_earlier_one_and_unnamed_connections_are_not_read() {
    let (bitrix, other) = (ConnectionId::from("bitrix"), ConnectionId::from("elsewhere"));
    let (before, after, foreign) = (won("1", "anna", "100"), lost("1", "anna"), won("2", "anna", "5"));
    let table = scores_of_two(&TWO, timeless(), [(&bitrix, &before), (&other, &foreign), (&bitrix, &after)]);
    assert_eq!((of(&table, "anna").contracts_closed, of(&table, "anna").opportunities), (0, 1));
    // The same id in two systems is two deals.
    let sheet = ConnectionId::from("sheet");
    let table = scores_of_two(&TWO, timeless(), [(&bitrix, &before), (&sheet, &before)]);
    assert_eq!(of(&table, "anna").contracts_closed, 2);
}

#[test]
fn only_deals_that_pass_the_filter_count() {
    let deals = [
        Deal {
            pipeline: Some("sales".into()),
            lead_source: Some("call".into()),
            new_customer: Some(true),
            ..won("1", "anna", "1")
        },
        Deal {
            pipeline: Some("support".into()),
            lead_source: Some("call".into()),
            new_customer: Some(true),
            ..won("2", "anna", "2")
        },
        Deal {
            pipeline: Some("sales".into()),
            lead_source: Some("mail".into()),
            new_customer: Some(false),
            ..won("3", "anna", "4")
        },
        Deal { pipeline: Some("sales".into()), ..won("4", "anna", "8") },
        won("5", "anna", "16"),
    ];
    let revenue =
        |deals_filter: DealFilter| of(&scores(&TWO, ScoreSettings { deals: deals_filter, ..timeless() }, &deals), "anna").revenue;
    let all = DealFilter::default();
    assert_eq!(revenue(all.clone()), money("31"));
    assert_eq!(revenue(DealFilter { pipelines: vec!["sales".into()], ..all.clone() }), money("13"));
    assert_eq!(revenue(DealFilter { sources: vec!["call".into(), "mail".into()], ..all.clone() }), money("7"));
    assert_eq!(revenue(DealFilter { new_customers_only: true, ..all.clone() }), money("3"));
    assert_eq!(revenue(DealFilter { pipelines: vec!["sales".into()], new_customers_only: true, ..all }), money("1"));
}

#[test]
fn users_who_are_nobodys_are_listed_and_change_nothing() {
    let pool_only = record("anna", 10, 5);
    let strangers = [
        record("stranger", 3, 3),
        record("Anna", 1, 1),
        vec![Deal { user: None, ..won("ownerless", "x", "100") }, open("open-stranger", "stranger", 1)],
    ]
    .concat();
    let table = scores(&TWO, timeless(), &[pool_only.clone(), strangers].concat());
    let listed: Vec<(&str, &str, u64)> =
        table.unmapped_users.iter().map(|user| (user.connection.as_str(), user.user.as_str(), user.deals)).collect();
    assert_eq!(listed, [("bitrix", "stranger", 4), ("bitrix", "Anna", 1)]);
    assert_eq!((table.notes.ownerless_deals, table.notes.unmapped_users_total), (1, 2));
    assert_eq!(table.agents, scores(&TWO, timeless(), &pool_only).agents);
}

#[test]
fn the_list_of_unmapped_users_is_bounded() {
    let deals: Vec<Deal> = (0..500).map(|at| won(&format!("{at}"), &format!("user-{at}"), "1")).collect();
    let table = scores(&TWO, timeless(), &deals);
    assert_eq!((table.unmapped_users.len(), table.notes.unmapped_users_total), (200, 500));
}

#[test]
fn agents_of_another_pool_are_neither_compared_nor_unmapped() {
    let mut parts = parts(&["anna", "boris", "outside"], policy("by-results", Mode::Performance, Some(timeless())));
    parts.groups[0].members.truncate(2);
    let workspace = Workspace::build(parts).unwrap();
    let deals = [record("anna", 10, 5), record("outside", 10, 10)].concat();
    let bitrix = ConnectionId::from("bitrix");
    let input = ScoreInput::of(&workspace, BY_RESULTS, now()).unwrap();
    let table = score::compute(&input, deals.iter().map(|deal| (&bitrix, deal)));
    assert_eq!(table.agents.len(), 2);
    assert_eq!((table.pool.contracts_closed, table.notes.other_agents_deals, table.unmapped_users.len()), (5, 10, 0));
}

#[test]
fn absurd_amounts_do_not_stop_the_scores() {
    let most = Decimal::MAX.to_string();
    let deals =
        [won("1", "anna", &most), won("2", "anna", &most), won("3", "boris", "100"), won("4", "boris", &format!("-{most}"))];
    let table = scores(&TWO, timeless(), &deals);
    assert!(table.agents.iter().all(|agent| agent.value.is_finite() && agent.value > 0.0), "{:?}", table.agents);
}
