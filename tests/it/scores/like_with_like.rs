//! Results are compared with those of like chances: within a lead source, and within the same weeks for who was there for a
//! short time only.

use super::*;

const TWO: [&str; 2] = ["anna", "boris"];

/// `closed` deals of somebody in the week of a day, of which `contracts` were won.
fn week(user: &str, weeks_ago: i64, closed: usize, contracts: usize) -> Vec<Deal> {
    dated(record(user, closed, contracts), weeks_ago)
}

fn dated(deals: Vec<Deal>, weeks_ago: i64) -> Vec<Deal> {
    let at = Some(days_ago(7 * weeks_ago));
    let dated = deals.into_iter().map(|deal| Deal { deal: format!("{}/{weeks_ago}", deal.deal).into(), ..deal });
    dated.map(|deal| Deal { opened_at: at, closed_at: at, ..deal }).collect()
}

/// Twelve usual weeks with 10 contracts of 100 opportunities for each of `regulars`, and between them one with twice as many
/// contracts, half as large, in which `guest` works, too.
fn with_a_promotion(regulars: &[&str], guest: &str) -> Vec<Deal> {
    let mut deals = Vec::new();
    for weeks_ago in 0..13 {
        let promotion = weeks_ago == 6;
        for user in regulars.iter().copied().chain(promotion.then_some(guest)) {
            let of_week = week(user, weeks_ago, 100, if promotion { 20 } else { 10 });
            let halved = |deal: Deal| Deal {
                amount: deal.amount.map(|amount| if promotion { amount / Decimal::TWO } else { amount }),
                ..deal
            };
            deals.extend(of_week.into_iter().map(halved));
        }
    }
    deals
}

#[test]
fn who_worked_in_a_promotion_week_only_is_measured_by_that_week() {
    for settings in [timeless(), ScoreSettings { half_life_seconds: Some(30 * DAY), ..timeless() }] {
        for regulars in [vec!["anna"], vec!["anna", "clara", "denis"]] {
            let pool: Vec<&str> = regulars.iter().copied().chain(["boris"]).collect();
            let table = scores(&pool, settings.clone(), &with_a_promotion(&regulars, "boris"));
            let (anna, boris) = (of(&table, "anna"), of(&table, "boris"));
            assert!((anna.conversion_index - boris.conversion_index).abs() <= 0.03, "{anna:?} {boris:?}");
            assert!((anna.check_index - boris.check_index).abs() <= 0.03, "{anna:?} {boris:?}");
            assert_near(anna.value, 1.0, 0.03);
            assert_near(boris.value, 1.0, 0.03);
        }
    }
}

/// Without that rule: R0 = 160/1400, so that 20 contracts of 100 come to (20 + 10) / (100 * 160/1400 + 10) = 1.4.
#[test]
fn the_bar_of_the_regulars_does_not_move_with_the_guests_of_a_promotion() {
    let table = scores(&TWO, timeless(), &with_a_promotion(&["anna"], "boris"));
    // Of anna's 1300 opportunities 140 became contracts: that is the base rate, and not 160 of 1400.
    assert_near(table.pool.base_rate.unwrap(), 140.0 / 1300.0, 1e-12);
    assert_near(of(&table, "boris").expected_contracts, 20.0, 1e-9);
}

#[test]
fn a_better_guest_is_still_seen_to_be_better() {
    let mut deals = with_a_promotion(&["anna", "clara", "denis"], "nobody");
    deals.extend(week("boris", 6, 100, 40));
    let table = scores(&["anna", "clara", "denis", "boris"], timeless(), &deals);
    // That week: 3 * 20 + 40 = 100 of 400, so 25 are expected of him: (40 + 10) / (25 + 10).
    assert_near(of(&table, "boris").conversion_index, 50.0 / 35.0, 1e-9);
    assert_near(of(&table, "anna").conversion_index, 1.0, 1e-9);
}

#[test]
fn who_was_there_for_half_of_the_time_is_measured_like_everybody() {
    // Boris came after 6 of 12 weeks and does as well as Anna did in the whole time; the first weeks were worse for her.
    let mut deals = Vec::new();
    for weeks_ago in 0..12 {
        deals.extend(week("anna", weeks_ago, 100, if weeks_ago < 6 { 12 } else { 8 }));
        if weeks_ago < 6 {
            deals.extend(week("boris", weeks_ago, 100, 10));
        }
    }
    let table = scores(&TWO, timeless(), &deals);
    // R0 = (120 + 60) / 1800 = 0.1.
    assert_near(table.pool.base_rate.unwrap(), 0.1, 1e-12);
    assert_near(of(&table, "boris").conversion_index, 1.0, 1e-12);
}

#[test]
fn who_was_alone_in_a_week_is_measured_by_the_usual_rate() {
    let deals = [week("anna", 0, 100, 10), week("anna", 11, 100, 10), week("boris", 5, 100, 20)].concat();
    let table = scores(&TWO, timeless(), &deals);
    // Nobody else sold in boris's week: 40 of 300 is what there is to compare with.
    assert_near(of(&table, "boris").expected_contracts, 100.0 * 40.0 / 300.0, 1e-12);
}

/// `closed` deals from a lead source.
fn from_source(source: &str, user: &str, closed: usize, contracts: usize) -> Vec<Deal> {
    let deals = record(user, closed, contracts).into_iter();
    let named = deals.map(|deal| Deal { deal: format!("{source}-{}", deal.deal).into(), ..deal });
    named.map(|deal| Deal { lead_source: Some(source.to_owned()), ..deal }).collect()
}

/// Both close one in ten of those who saw an advertisement and one in two of those who were recommended; Anna mostly got the
/// first kind.
fn two_sources() -> Vec<Deal> {
    [
        from_source("advertisement", "anna", 80, 8),
        from_source("recommended", "anna", 20, 10),
        from_source("advertisement", "boris", 20, 2),
        from_source("recommended", "boris", 80, 40),
    ]
    .concat()
}

#[test]
fn contracts_are_compared_within_their_lead_source() {
    let table = scores(&TWO, timeless(), &two_sources());
    for (agent, expected) in [("anna", 80.0 * 0.1 + 20.0 * 0.5), ("boris", 20.0 * 0.1 + 80.0 * 0.5)] {
        assert_near(of(&table, agent).expected_contracts, expected, 1e-12);
        assert_near(of(&table, agent).conversion_index, 1.0, 1e-12);
    }
    // Without sources R0 = 60/200: anna (18 + 10) / (30 + 10), boris (42 + 10) / (30 + 10).
    let untold: Vec<Deal> = two_sources().into_iter().map(|deal| Deal { lead_source: None, ..deal }).collect();
    let table = scores(&TWO, timeless(), &untold);
    assert_near(of(&table, "anna").conversion_index, 0.7, 1e-12);
    assert_near(of(&table, "boris").conversion_index, 1.3, 1e-12);
    // One source tells nothing apart, and neither does a blank.
    let one = untold
        .iter()
        .enumerate()
        .map(|(at, deal)| Deal { lead_source: Some(if at % 2 == 0 { "x" } else { " " }.into()), ..deal.clone() });
    assert_eq!(scores(&TWO, timeless(), &one.collect::<Vec<_>>()).agents, table.agents);
}

#[test]
fn a_deal_of_unknown_source_is_measured_by_the_usual_rate() {
    let table = scores(&TWO, timeless(), &[two_sources(), record("boris", 20, 2)].concat());
    // R0 = 62/220. The 200 of known source come to 200 R0 together, in the proportion of 18 and 42, so that 62 come out.
    let usual = 62.0 / 220.0;
    let even = 200.0 * usual / 60.0;
    assert_near(of(&table, "anna").expected_contracts, 18.0 * even, 1e-9);
    assert_near(of(&table, "boris").expected_contracts, 42.0 * even + 20.0 * usual, 1e-9);
}

#[test]
fn too_few_known_sources_play_no_part() {
    let most_untold: Vec<Deal> = two_sources()
        .into_iter()
        .enumerate()
        .map(|(at, deal)| Deal { lead_source: deal.lead_source.filter(|_| at % 4 != 0), ..deal })
        .collect();
    let table = scores(&TWO, timeless(), &most_untold);
    assert_near(of(&table, "anna").conversion_index, 0.7, 1e-12);
}

#[test]
fn a_source_that_one_alone_has_is_measured_by_the_usual_rate() {
    // Boris alone visits fairs: 50 chances, all lost. R0 = 60/250, and that is what is expected there; the 200 others come to 200 R0.
    let table = scores(&TWO, timeless(), &[two_sources(), from_source("fair", "boris", 50, 0)].concat());
    let usual = 60.0 / 250.0;
    let even = 200.0 * usual / 60.0;
    assert_near(of(&table, "anna").expected_contracts, 18.0 * even, 1e-9);
    assert_near(of(&table, "boris").expected_contracts, 42.0 * even + 50.0 * usual, 1e-9);
}

#[test]
fn nobody_looks_brilliant_beside_a_few_failures_of_others() {
    // A specialist closes a quarter of 300 at fairs, where two others lost 10 each; everything else closes one in four, too.
    let deals = [
        from_source("fair", "anna", 300, 75),
        from_source("fair", "boris", 10, 0),
        from_source("fair", "clara", 10, 0),
        from_source("call", "boris", 400, 100),
        from_source("call", "clara", 400, 100),
    ];
    let table = scores(&["anna", "boris", "clara"], timeless(), &deals.concat());
    // Of others 0 of 20, pulled by 40 at 75/320: 0.15625 where the rest close 0.25. Evened out: R0 (320 + 800) = 275 come of
    // 320 * 0.15625 + 800 * 0.25 = 250.
    assert_near(of(&table, "anna").expected_contracts, 300.0 * 0.15625 * 275.0 / 250.0, 1e-9);
}
