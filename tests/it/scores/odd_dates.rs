//! A record of an odd date, or a colleague's long leave, does not switch the comparison off for the others.

use super::*;
use jiff::civil::Date;
use meritline::core::agent::{Absence, Duty};
use proptest::prelude::*;

const SIX: [&str; 6] = ["star", "b", "c", "d", "e", "f"];

/// 100 deals of each over the last 90 days, 20 contracts of the star and 10 of everybody else, spread evenly; the star's as many
/// days earlier as asked.
fn team(star_days_earlier: i64) -> Vec<Deal> {
    let mut deals = Vec::new();
    for user in SIX {
        let (every, earlier) = if user == "star" { (5, star_days_earlier) } else { (10, 0) };
        for at in 0..100 {
            let closed = days_ago(at * 9 / 10 + earlier);
            let id = format!("{user}-{at}");
            let deal = if at % every == 0 { won(&id, user, "100") } else { lost(&id, user) };
            deals.push(Deal { opened_at: Some(closed), closed_at: Some(closed), ..deal });
        }
    }
    deals
}

fn at(text: &str) -> Option<Timestamp> {
    Some(text.parse().unwrap())
}

#[test]
fn one_deal_of_an_odd_date_counts_as_one_deal() {
    let clean = scores(&SIX, timeless(), &team(0));
    // R0 = 70/600: (20 + 10) / (100 R0 + 10) and (10 + 10) / (100 R0 + 10).
    assert_near(of(&clean, "star").conversion_index, 30.0 / (70.0 / 6.0 + 10.0), 1e-9);
    assert_near(of(&clean, "f").conversion_index, 20.0 / (70.0 / 6.0 + 10.0), 1e-9);
    let lost_by = |user| lost("odd", user);
    let cases = [
        // Long ago, and typed into a year to come.
        Deal { opened_at: at("2016-05-01T00:00:00Z"), ..lost_by("star") },
        Deal { opened_at: at("2016-05-01T00:00:00Z"), ..lost_by("f") },
        Deal { opened_at: at("2025-06-01T00:00:00Z"), ..won("odd", "f", "100") },
        Deal { closed_at: at("2062-05-01T00:00:00Z"), ..won("odd", "star", "100") },
        Deal { opened_at: at("2062-05-01T00:00:00Z"), closed_at: at("2062-05-01T00:00:00Z"), ..lost_by("f") },
    ];
    for odd in cases {
        let mine = |user: &str| f64::from(odd.user == Some(user.into()));
        let contract = f64::from(odd.status == DealStatus::Won);
        let table = scores(&SIX, timeless(), &[team(0), vec![odd.clone()]].concat());
        let rate = (70.0 + contract) / 601.0;
        assert_near(table.pool.base_rate.unwrap(), rate, 1e-12);
        for (user, contracts) in [("star", 20.0), ("b", 10.0), ("f", 10.0)] {
            let expected = (contracts + contract * mine(user) + 10.0) / ((100.0 + mine(user)) * rate + 10.0);
            assert_near(of(&table, user).conversion_index, expected, 1e-9);
            assert_near(of(&table, user).check_index, 1.0, 1e-9);
        }
    }
}

/// A guest of one week, beside two regulars of thirteen: an old loss more does not make a regular of him.
#[test]
fn one_old_deal_makes_no_regular_of_a_guest() {
    let mut deals = Vec::new();
    for week in 0..13 {
        for user in ["b", "c"] {
            deals.extend(spread(user, week, 100, if week == 6 { 20 } else { 10 }));
        }
    }
    deals.extend(spread("f", 6, 100, 20));
    deals.push(Deal { opened_at: at("2016-05-01T00:00:00Z"), ..lost("odd", "f") });
    let table = scores(&["b", "c", "f"], timeless(), &deals);
    // 20 of that week, and one chance that nobody shared: a hundredth of what there is of f.
    assert_near(table.pool.base_rate.unwrap(), 280.0 / 2600.0, 0.0005);
    assert_near(of(&table, "f").expected_contracts, 20.0 + 280.0 / 2600.0, 0.2);
}

fn spread(user: &str, weeks_ago: i64, closed: usize, contracts: usize) -> Vec<Deal> {
    let at = Some(days_ago(7 * weeks_ago));
    let deals = record(user, closed, contracts).into_iter();
    deals.map(|deal| Deal { deal: format!("{}/{weeks_ago}", deal.deal).into(), opened_at: at, closed_at: at, ..deal }).collect()
}

#[test]
fn a_long_leave_moves_nobodys_index() {
    let settings = ScoreSettings { horizon_seconds: Some(90 * DAY), half_life_seconds: Some(30 * DAY), ..timeless() };
    let indices = |days: i64| {
        let mut parts = parts(&SIX, policy("by-results", Mode::Performance, Some(settings.clone())));
        let day = |days: i64| -> Date { jiff::tz::TimeZone::UTC.to_datetime(days_ago(days)).date() };
        let absences = if days > 0 { vec![Absence { from: day(days), to: day(1) }] } else { Vec::new() };
        parts.agents[0].duty = Duty { since: None, absences, hours: None };
        let workspace = Workspace::build(parts).unwrap();
        let deals = team(days);
        let bitrix = ConnectionId::from("bitrix");
        let input = ScoreInput::of(&workspace, BY_RESULTS, now()).unwrap();
        let table = score::compute(&input, deals.iter().map(|deal| (&bitrix, deal)));
        ["star", "b", "f"].map(|user| (of(&table, user).conversion_index, of(&table, user).check_index))
    };
    let before = indices(0);
    assert!(before[0].0 > 1.2 && before[2].0 < 0.97, "{before:?}");
    for days in [28, 45, 60, 75, 90, 140, 250] {
        for (was, is) in before.iter().zip(indices(days)) {
            assert!((is.0 / was.0 - 1.0).abs() <= 0.01 && (is.1 / was.1 - 1.0).abs() <= 0.01, "{days} days: {was:?} {is:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever dates it has. Where a week has few deals one more may tell a little of it: hence the thousandth.
    #[test]
    fn of_any_date_a_contract_never_lowers_and_a_loss_never_raises(
        user in prop::sample::select(SIX.to_vec()),
        opened in prop::option::of(-4000i64..4000),
        closed in -4000i64..90,
    ) {
        let index = |extra: Option<Deal>| {
            let deals: Vec<Deal> = team(0).into_iter().chain(extra).collect();
            of(&scores(&SIX, timeless(), &deals), user).conversion_index
        };
        let dated = |deal: Deal| Deal { opened_at: opened.map(days_ago), closed_at: Some(days_ago(closed)), ..deal };
        let before = index(None);
        prop_assert!(index(Some(dated(won("odd", user, "100")))) >= before * 0.999);
        prop_assert!(index(Some(dated(lost("odd", user)))) <= before * 1.001);
    }
}
