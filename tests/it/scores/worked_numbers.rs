//! The arithmetic of the indices on examples that can be followed with a pocket calculator.

use super::*;
use meritline::core::shares::target_share::bounded_shares;

/// 620 opportunities, 64 contracts: R0 = 0.103226.
fn five_sellers() -> Vec<Deal> {
    [record("anna", 200, 30), record("boris", 200, 20), record("clara", 20, 4), record("denis", 200, 10)].concat()
}

const FIVE: [&str; 5] = ["anna", "boris", "clara", "denis", "new"];

#[test]
fn conversion_is_compared_with_the_pool_and_believed_with_caution() {
    let table = scores(&FIVE, timeless(), &five_sellers());
    assert_near(table.pool.base_rate.unwrap(), 64.0 / 620.0, 1e-15);
    for (agent, index) in FIVE.into_iter().zip([1.305263, 0.978947, 1.160428, 0.652632, 1.0]) {
        assert_near(of(&table, agent).conversion_index, index, 5e-7);
        assert_near(of(&table, agent).check_index, 1.0, 1e-12);
        assert_near(of(&table, agent).value, index, 5e-7);
    }
    // (30 + 10) / (200 x 64/620 + 10), to the last digit.
    assert_near(of(&table, "anna").conversion_index, 40.0 / (200.0 * 64.0 / 620.0 + 10.0), 1e-15);
}

#[test]
fn shares_follow_values() {
    let table = scores(&FIVE, timeless(), &five_sellers());
    let values: Vec<f64> = table.agents.iter().map(|agent| agent.value).collect();
    let shares = bounded_shares(&[1.0; 5], &values, 1.0, 0.5, 2.0);
    for (share, expected) in shares.iter().zip([0.256071, 0.192053, 0.227657, 0.128036, 0.196183]) {
        assert_near(*share, expected, 5e-7);
    }
}

fn with_one_big_deal() -> Vec<Deal> {
    let amounts_of = |user: &str, amounts: [&str; 10]| {
        let contracts: Vec<Deal> =
            amounts.iter().enumerate().map(|(at, amount)| won(&format!("{user}-{at}"), user, amount)).collect();
        let others: Vec<Deal> = (10..100).map(|at| lost(&format!("{user}-{at}"), user)).collect();
        [contracts, others].concat()
    };
    let a = amounts_of("a", ["40", "50", "60", "50", "45", "55", "50", "50", "50", "1000"]);
    [a, amounts_of("b", ["50"; 10])].concat()
}

#[test]
fn one_big_deal_counts_as_three_typical_ones() {
    let table = scores(&["a", "b"], timeless(), &with_one_big_deal());
    assert_eq!((table.pool.median_amount, table.pool.cap), (Some(money("50")), Some(money("150"))));
    assert_eq!(table.pool.mean_capped_amount, Some(money("55")));
    assert_eq!(of(&table, "a").capped_check, Some(money("60")));
    assert_near(of(&table, "a").check_index, 1.045455, 5e-7);
    assert_near(of(&table, "b").check_index, 0.954545, 5e-7);
    let shares = bounded_shares(&[1.0, 1.0], &[of(&table, "a").value, of(&table, "b").value], 1.0, 0.5, 2.0);
    assert_near(shares[0], 0.522727, 5e-7);
    assert_near(shares[1], 0.477273, 5e-7);
}

#[test]
fn without_a_cap_the_big_deal_counts_in_full() {
    let table = scores(&["a", "b"], ScoreSettings { deal_cap: None, ..timeless() }, &with_one_big_deal());
    assert_eq!(table.pool.cap, None);
    assert_eq!(of(&table, "a").average_check, Some(money("145")));
    assert_eq!(of(&table, "b").average_check, Some(money("50")));
    // A0 = 1950 / 20 = 97.5: (1450 / 97.5 + 10) / 20 and (500 / 97.5 + 10) / 20.
    assert_near(of(&table, "a").check_index, 1.243590, 5e-7);
    assert_near(of(&table, "b").check_index, 0.756410, 5e-7);
}

#[test]
fn nobody_has_closed_anything() {
    let table = scores(&["a", "b"], timeless(), &record("a", 30, 0));
    for agent in ["a", "b"] {
        let score = of(&table, agent);
        assert_eq!((score.conversion_index, score.check_index, score.value), (1.0, 1.0, 1.0), "{agent}");
        assert_eq!((score.average_check, score.capped_check), (None, None));
    }
    assert_eq!(of(&table, "a").opportunities, 30);
    assert_eq!((table.pool.base_rate, table.pool.median_amount), (Some(0.0), None));
}

#[test]
fn no_deals_at_all_and_no_caution_either() {
    let bold = ScoreSettings { caution: 0.0, ..timeless() };
    let table = scores(&["a", "b"], bold.clone(), &[]);
    assert!(table.agents.iter().all(|agent| agent.value == 1.0), "{table:?}");
    // Without caution a newcomer beside people with results is still average, and who never won is worth nothing.
    let table = scores(&["a", "b", "new"], bold, &[record("a", 10, 5), record("b", 10, 0)].concat());
    let values: Vec<f64> = table.agents.iter().map(|agent| agent.value).collect();
    assert_eq!(values, [2.0, 0.0, 1.0]);
}

#[test]
fn weights_are_exponents_and_zero_leaves_a_metric_out() {
    let table = scores(&["a", "b"], timeless(), &with_one_big_deal());
    let only_contracts = ScoreSettings { metrics: weights(1.0, 0.0), ..timeless() };
    let table_contracts = scores(&["a", "b"], only_contracts, &with_one_big_deal());
    assert_eq!(of(&table_contracts, "a").value, of(&table_contracts, "a").conversion_index);
    assert_near(of(&table_contracts, "a").check_index, of(&table, "a").check_index, 0.0);
    let squared = ScoreSettings { metrics: weights(1.0, 2.0), ..timeless() };
    // 1.0454545^2 = 1.092975 with equal conversion.
    assert_near(of(&scores(&["a", "b"], squared, &with_one_big_deal()), "a").value, 1.092975, 5e-7);
}

#[test]
fn an_explanation_multiplies_out_to_the_value() {
    let settings = ScoreSettings { metrics: weights(1.5, 0.5), ..timeless() };
    let deals = [five_sellers(), vec![won("big", "clara", "250")]].concat();
    let table = scores(&FIVE, settings, &deals);
    for agent in FIVE {
        let why = table.explain(&AgentId::from(agent)).unwrap();
        let [conversion, check] = why.metrics.as_slice() else { panic!("{why:?}") };
        assert_eq!((&conversion.metric, &check.metric), (&Metric::ContractsClosed, &Metric::AverageCheck));
        assert_eq!(conversion.contribution * check.contribution, why.value);
        assert_eq!(why.value, of(&table, agent).value);
        assert_eq!((conversion.weight, check.weight, why.caution), (1.5, 0.5, 10.0));
    }
    let newcomer = table.explain(&AgentId::from("new")).unwrap();
    assert!(newcomer.metrics.iter().all(|metric| metric.raw.is_none() && metric.sample == 0.0 && metric.index == 1.0));
    assert_eq!(table.explain(&AgentId::from("nobody")), None);
}

#[test]
fn an_explanation_shows_how_caution_pulls_a_short_history_in() {
    let table = scores(&FIVE, timeless(), &five_sellers());
    let clara = table.explain(&AgentId::from("clara")).unwrap();
    // 4 contracts where 20 x 64/620 = 2.0645 are usual: 1.94 times the average, believed as 1.16.
    assert_near(clara.metrics[0].raw.unwrap(), 1.9375, 1e-12);
    assert_near(clara.metrics[0].index, 1.160428, 5e-7);
    assert_eq!(clara.metrics[0].sample, 20.0);
    assert_eq!(clara.metrics[1].sample, 4.0);
}

#[test]
fn conversion_can_be_counted_from_calls() {
    let settings = ScoreSettings { exposure: Exposure::Calls, ..timeless() };
    // Only wins are recorded in this CRM: from opportunities everybody would convert everything.
    let deals: Vec<Deal> =
        [record("anna", 30, 30), record("boris", 20, 20), record("clara", 4, 4), record("denis", 10, 10)].concat();
    let handled: Vec<HandledCall> = [("anna", 200), ("boris", 200), ("clara", 20), ("denis", 200)]
        .into_iter()
        .flat_map(|(agent, count)| calls(agent, count, days_ago(3)))
        .collect();
    let table = scores_from_calls(&FIVE, settings, &deals, &handled);
    for (agent, index) in FIVE.into_iter().zip([1.305263, 0.978947, 1.160428, 0.652632, 1.0]) {
        assert_near(of(&table, agent).conversion_index, index, 5e-7);
    }
    assert_eq!((of(&table, "anna").calls_handled, of(&table, "anna").opportunities), (200, 30));
}

#[test]
fn calls_from_which_nothing_can_have_followed_yet_do_not_count() {
    let settings = ScoreSettings { exposure: Exposure::Calls, horizon_seconds: Some(90 * DAY), ..timeless() };
    let mut contract = won("1", "a", "100");
    contract.opened_at = Some(days_ago(10));
    // It takes 10 days to close: calls of 9 days ago are too fresh, calls of 91 days ago too old.
    let handled: Vec<HandledCall> =
        [(9, 5), (10, 3), (90, 2), (91, 7)].into_iter().flat_map(|(days, count)| calls("a", count, days_ago(days))).collect();
    let table = scores_from_calls(&["a", "b"], settings, &[contract], &handled);
    assert_eq!((of(&table, "a").calls_handled, of(&table, "a").faded_exposure), (5, 5.0));
}
