//! Metrics beside conversion and check: revenue, and whatever a CRM supplies.

use super::*;
use meritline::core::metric::Direction;
use meritline::core::scoring::score_table::FurtherMetric;
use proptest::prelude::*;

const TWO: [&str; 2] = ["anna", "boris"];

fn only(metric: &str, direction: Direction) -> ScoreSettings {
    ScoreSettings { metrics: vec![MetricSetting { metric: Metric::named(metric), weight: 1.0, direction }], ..timeless() }
}

/// `count` contracts with this margin each.
fn with_margin(user: &str, count: usize, margin: &str) -> Vec<Deal> {
    let contracts = record(user, count, count).into_iter();
    contracts.map(|deal| Deal { metrics: [("margin".to_owned(), money(margin))].into(), ..deal }).collect()
}

fn further<'t>(table: &'t ScoreTable, agent: &str) -> &'t FurtherMetric {
    &of(table, agent).further[0]
}

#[test]
fn a_supplied_figure_is_a_shrunken_mean_per_contract() {
    let deals = [with_margin("anna", 10, "30"), with_margin("boris", 10, "20")].concat();
    let table = scores(&TWO, only("margin", Direction::More), &deals);
    // The mean is 25: (10 * 30/25 + 10) / (10 + 10) = 1.1 and (10 * 20/25 + 10) / 20 = 0.9.
    assert_near(of(&table, "anna").value, 1.1, 1e-12);
    assert_near(of(&table, "boris").value, 0.9, 1e-12);
    let anna = further(&table, "anna");
    assert_eq!((anna.figure, anna.sample, &anna.metric), (Some(30.0), 10.0, &Metric::Supplied("margin".into())));
    assert_near(anna.raw.unwrap(), 1.2, 1e-12);
    // The contract's own figures are there whatever counts.
    assert_eq!(of(&table, "anna").conversion_index, 1.0);
}

#[test]
fn where_less_is_better_the_index_is_turned_over() {
    let deals = [with_margin("anna", 10, "30"), with_margin("boris", 10, "20")].concat();
    let table = scores(&TWO, only("margin", Direction::Less), &deals);
    assert_near(of(&table, "anna").value, 1.0 / 1.1, 1e-12);
    assert_near(of(&table, "boris").value, 1.0 / 0.9, 1e-12);
    let why = table.explain(&"anna".into()).unwrap();
    assert_eq!((why.metrics.len(), why.metrics[2].direction, why.metrics[0].weight), (3, Direction::Less, 0.0));
    assert_near(why.metrics[2].index, 1.0 / 1.1, 1e-12);
    assert_near(why.metrics[2].raw.unwrap(), 1.2, 1e-12);
}

#[test]
fn one_contract_counts_at_most_as_some_typical_ones() {
    let deals = [
        with_margin("anna", 9, "10"),
        vec![Deal { deal: "big".into(), ..with_margin("anna", 1, "1000")[0].clone() }],
        with_margin("boris", 10, "10"),
    ];
    let table = scores(&TWO, only("margin", Direction::More), &deals.concat());
    // The median is 10, so 1000 counts as 30: anna has 120, boris 100, the mean is 11.
    assert_near(of(&table, "anna").value, (120.0 / 11.0 + 10.0) / 20.0, 1e-12);
}

#[test]
fn values_that_make_no_sense_are_left_out_and_told() {
    let mut deals = [with_margin("anna", 3, "30"), with_margin("boris", 3, "30")].concat();
    let absurd = ["-1", "1000000000000000.1", "1000000000000000", "79228162514264337593543950335"];
    for (deal, value) in deals.iter_mut().zip(absurd) {
        deal.metrics = [("margin".to_owned(), money(value))].into();
    }
    let table = scores(&TWO, only("margin", Direction::More), &deals);
    assert_eq!((table.notes.metric_values_left_out, table.notes.metric_values_below_zero), (2, 1));
    assert_eq!((further(&table, "anna").sample, further(&table, "boris").sample), (2.0, 2.0));
    // Nobody supplies it: everybody is average, whatever its weight.
    let table = scores(&TWO, only("satisfaction", Direction::Less), &deals);
    assert!(table.agents.iter().all(|agent| agent.value == 1.0 && agent.further[0].sample == 0.0), "{table:?}");
}

#[test]
fn a_contract_with_a_loss_counts_as_worth_nothing() {
    let more = |id: &str, deals: Vec<Deal>| -> Vec<Deal> {
        deals.into_iter().map(|deal| Deal { deal: format!("{id}-{}", deal.deal).into(), ..deal }).collect()
    };
    let deals =
        [more("loss", with_margin("anna", 15, "-50")), with_margin("anna", 5, "10"), with_margin("boris", 20, "10")].concat();
    let table = scores(&TWO, only("margin", Direction::More), &deals);
    // 50 and 200 of 40 contracts: an average one has 6.25. (50/6.25 + 10) / (20 + 10) and (200/6.25 + 10) / 30.
    assert_near(of(&table, "anna").value, 18.0 / 30.0, 1e-12);
    assert_near(of(&table, "boris").value, 42.0 / 30.0, 1e-12);
    assert_eq!((table.notes.metric_values_below_zero, table.notes.metric_values_left_out), (15, 0));
}

#[test]
fn a_figure_that_is_no_number_is_told() {
    let mut deals = [with_margin("anna", 10, "30"), with_margin("boris", 10, "20")].concat();
    for deal in deals.iter_mut().take(4) {
        deal.metrics.clear();
        deal.unreadable_metrics = ["margin".to_owned()].into();
    }
    let table = scores(&TWO, only("margin", Direction::More), &deals);
    assert_eq!((table.notes.metric_values_left_out, further(&table, "anna").sample), (4, 6.0));
}

#[test]
fn a_figure_of_lost_and_returned_deals_does_not_count() {
    let lost = Deal { status: DealStatus::Lost, deal: "lost".into(), ..with_margin("anna", 1, "9999")[0].clone() };
    let returned = Deal { returned_amount: Some(money("100")), deal: "back".into(), ..with_margin("anna", 1, "9999")[0].clone() };
    let deals = [with_margin("anna", 10, "30"), with_margin("boris", 10, "20"), vec![lost, returned]].concat();
    assert_near(of(&scores(&TWO, only("margin", Direction::More), &deals), "anna").value, 1.1, 1e-12);
}

#[test]
fn revenue_is_money_per_opportunity() {
    // 2 contracts of 100 at 300 each, and 4 of 100 at 100 each: more rarely, but more money.
    let priced = |user: &str, contracts: usize, amount: &str| -> Vec<Deal> {
        let deals = record(user, 100, contracts).into_iter();
        deals.map(|deal| Deal { amount: deal.amount.map(|_| money(amount)), ..deal }).collect()
    };
    let deals = [priced("anna", 2, "300"), priced("boris", 4, "100")].concat();
    let table = scores(&TWO, only("revenue", Direction::More), &deals);
    // 1000 in 6 contracts: an average one is 166.67, so anna's 600 are 3.6 and boris's 400 are 2.4 of them; 3 are expected of each.
    assert_near(of(&table, "anna").value, 13.6 / 13.0, 1e-12);
    assert_near(of(&table, "boris").value, 12.4 / 13.0, 1e-12);
    let anna = further(&table, "anna");
    assert_eq!(anna.sample, 100.0);
    assert_near(anna.figure.unwrap(), 6.0, 1e-12);
    assert_near(anna.raw.unwrap(), 1.2, 1e-12);
    // Without amounts a contract is a contract.
    let unpriced: Vec<Deal> = deals.into_iter().map(|deal| Deal { amount: None, ..deal }).collect();
    let table = scores(&TWO, only("revenue", Direction::More), &unpriced);
    assert_eq!((of(&table, "anna").value, further(&table, "anna").figure), (of(&table, "anna").conversion_index, None));
}

#[test]
fn all_metrics_multiply_out_to_the_value() {
    let deals =
        [with_margin("anna", 10, "30"), with_margin("boris", 10, "20"), record("anna", 30, 0), record("boris", 10, 0)].concat();
    let deals: Vec<Deal> =
        deals.into_iter().enumerate().map(|(at, deal)| Deal { deal: format!("{at}").into(), ..deal }).collect();
    let more = |metric: &str, weight: f64| MetricSetting::more(Metric::named(metric), weight);
    let metrics = vec![more("margin", 2.0), more("revenue", 0.5), more("contracts_closed", 1.5), more("average_check", 0.25)];
    let table = scores(&TWO, ScoreSettings { metrics, ..timeless() }, &deals);
    let why = table.explain(&"anna".into()).unwrap();
    let names: Vec<&str> = why.metrics.iter().map(|metric| metric.metric.as_str()).collect();
    assert_eq!(names, ["contracts_closed", "average_check", "margin", "revenue"]);
    // Conversion: 20 of 60, so 13.33 of anna's 40 and 10 came; margin 1.1.
    let conversion: f64 = 20.0 / (40.0 / 3.0 + 10.0);
    assert_near(why.value, conversion.powf(1.5) * 1.1f64.powi(2) * conversion.powf(0.5), 1e-12);
}

fn any_figure() -> impl Strategy<Value = Decimal> {
    prop_oneof![
        Just(Decimal::MAX),
        Just(Decimal::MIN),
        Just(Decimal::ZERO),
        Just(Decimal::new(1, 28)),
        (any::<i64>(), 0u32..28).prop_map(|(digits, scale)| Decimal::new(digits, scale)),
    ]
}

fn any_instant() -> impl Strategy<Value = Timestamp> {
    prop_oneof![Just(Timestamp::MIN), Just(Timestamp::MAX), Just(now()), (-400i64..400).prop_map(days_ago)]
}

fn extreme_deal() -> impl Strategy<Value = Deal> {
    let status = prop_oneof![3 => Just(DealStatus::Won), 1 => Just(DealStatus::Lost), 1 => Just(DealStatus::Open)];
    let figure = || prop::option::of(any_figure());
    let instant = || prop::option::of(any_instant());
    let source = prop::option::of(prop::sample::select(vec!["", " ", "ad", "tip", "\u{0}"]));
    let who = prop::sample::select(TWO.to_vec());
    (status, who, figure(), figure(), figure(), instant(), instant(), source).prop_map(
        |(status, who, amount, returned_amount, margin, opened_at, closed_at, source)| Deal {
            user: Some(who.into()),
            amount,
            returned_amount,
            opened_at,
            closed_at,
            lead_source: source.map(str::to_owned),
            contact_phones: vec!["+79160000001".to_owned(), "nonsense".to_owned()],
            metrics: margin.map(|margin| ("margin".to_owned(), margin)).into_iter().collect(),
            ..deal("", "", status)
        },
    )
}

proptest! {
    /// Whatever a CRM sends: nothing panics, and every value is a number that is explained.
    #[test]
    fn extreme_input_gives_finite_values(
        deals in prop::collection::vec(extreme_deal(), 0..30),
        caution in prop_oneof![Just(0.0), Just(10.0), Just(10_000.0)],
        weights in prop::collection::vec(0.0..=10.0f64, 4),
        by_calls: bool,
        less: bool,
        cap in prop_oneof![Just(None), Just(Some(1e-9)), Just(Some(3.0)), Just(Some(1e6))],
    ) {
        let names = ["contracts_closed", "average_check", "revenue", "margin"];
        let direction = if less { Direction::Less } else { Direction::More };
        let metrics = names.into_iter().zip(weights).map(|(name, weight)| MetricSetting { metric: Metric::named(name), weight, direction });
        let settings = ScoreSettings {
            metrics: metrics.collect(),
            exposure: if by_calls { Exposure::Calls } else { Exposure::Opportunities },
            horizon_seconds: Some(90 * DAY),
            half_life_seconds: Some(30 * DAY),
            caution,
            deal_cap: cap,
            ..timeless()
        };
        let deals: Vec<Deal> = deals.into_iter().enumerate().map(|(at, deal)| Deal { deal: format!("{at}").into(), ..deal }).collect();
        let calls = [conversation("c", "anna", Some("+79160000001"), days_ago(5)), conversation("d", "boris", None, Timestamp::MIN)];
        let table = scores_from_calls(&TWO, settings, &deals, &calls);
        for agent in &table.agents {
            prop_assert!(agent.value.is_finite() && agent.value >= 0.0, "{:?}", agent);
            let why = table.explain(&agent.agent).unwrap();
            let product: f64 = why.metrics.iter().map(|metric| metric.contribution).product();
            prop_assert!((product - agent.value).abs() <= 1e-12 * agent.value.max(1e-300), "{} {:?}", product, agent);
        }
        serde_json::to_string(&table).unwrap();
    }
}
