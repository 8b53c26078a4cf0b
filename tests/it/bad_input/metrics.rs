//! Figures of a CRM that cannot be: what is no number, or beyond all bounds, is left out and counted, what is negative counts as nothing
//! earned, and a deal with a negative amount is refused by name. Scores stay numbers, shares stay shares.

use meritline::broker::poll_deals::PollOutcome;
use meritline::core::metric::{Direction, Metric, MetricSetting};
use meritline::core::policy::{Mode, ScoreSettings};
use meritline::http::access::Role;
use serde_json::{Value, json};

use crate::pulls::poller_reading;
use crate::scores::timeless;
use crate::support::floor::near;
use crate::support::sample_workspace::SampleWorkspace;
use crate::support::service::{CRM, TestService};
use crate::support::sick_crm::{Health, SickCrm, deal};

async fn service() -> TestService {
    let margin = MetricSetting { metric: Metric::named("margin"), weight: 1.0, direction: Direction::More };
    let settings = ScoreSettings { crm: vec![CRM.into()], smoothing_seconds: 0, metrics: vec![margin], ..timeless() };
    let workspace = SampleWorkspace::new("acme")
        .agents(&["anna", "boris"])
        .policy("results", |policy| (policy.mode, policy.score) = (Mode::Performance, Some(settings)))
        .group("sales", "results", &[("anna", 1.0), ("boris", 1.0)])
        .route("main", "sales")
        .crm(CRM);
    TestService::of(workspace.build()).await
}

/// Ten contracts each, every one with a margin of 30, but for what is said of Anna's.
fn with_margins(of_anna: &[&str]) -> Vec<Value> {
    let contract = |id: u32| {
        let (user, place) = if id <= 10 { ("user-anna", id as usize - 1) } else { ("user-boris", usize::MAX) };
        let mut contract = deal(id, user, true, "100");
        contract["ufCrm_1"] = json!(of_anna.get(place).unwrap_or(&"30"));
        contract
    };
    (1..=20).map(contract).collect()
}

async fn pulled(service: &TestService, deals: Vec<Value>) -> (Value, Value, Value) {
    let crm = SickCrm::start(Health::Well, deals).await;
    let poller = poller_reading(service, &crm.base, &json!({"margin": "ufCrm_1"}));
    assert_eq!(poller.poll().await, PollOutcome::Done);
    let lead = service.token("acme", Role::SalesLead, None).await;
    let read = async |path: &str| service.client.read(path, &lead).expect(200).await.json();
    let connections = read("connections").await;
    let pull = connections["items"].as_array().unwrap().iter().find(|item| item["connection"] == CRM).unwrap()["pull"].clone();
    (read("scores").await, read("groups/sales/shares").await, pull)
}

/// Whatever stands in the place of a margin, Anna's other deals have the margin of everybody: she is average, with ten contracts. What is
/// no figure, or beyond all reason, is told; an empty field is none.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn absurd_figures_move_no_share_and_cost_no_deal() {
    for (figures, counted) in [
        (&["NaN", "nan", "Infinity", "-Infinity", "", "a lot"][..], 5),
        (&["1000000000000000.1", "1e20", "79228162514264337593543950335", "-79228162514264337593543950335"], 4),
        (&["1e300", "9".repeat(200).leak()], 2),
    ] {
        let service = service().await;
        let (scores, shares, pull) = pulled(&service, with_margins(figures)).await;
        assert_eq!((&pull["failure"], &pull["rejected_rows"]), (&Value::Null, &json!(0)), "{figures:?}");
        assert_eq!(scores["metric_values_left_out"], counted, "{figures:?}: {scores}");
        for (agent, samples) in scores["agents"].as_array().unwrap().iter().zip([10 - figures.len(), 10]) {
            assert_eq!(
                (agent["contracts_closed"].as_u64(), agent["value"].as_f64()),
                (Some(10), Some(1.0)),
                "{figures:?}: {agent}"
            );
            let margin = agent["metrics"].as_array().unwrap().iter().find(|metric| metric["metric"] == "margin").unwrap();
            assert_eq!(margin["sample"].as_f64(), Some(samples as f64), "{figures:?}: {margin}");
        }
        for member in shares["members"].as_array().unwrap() {
            assert_eq!(member["target"].as_f64(), Some(0.5), "{figures:?}");
        }
    }
}

/// By hand, ten contracts each, a margin of 30 but for three contracts with a loss, which count as 0: the mean of all is 510 / 20 = 25.5. Anna
/// (210 / 25.5 + 10) / 20 = 0.911765, Boris (300 / 25.5 + 10) / 20 = 1.088235; together 2, so shares are half of that.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_loss_counts_as_nothing_earned() {
    let service = service().await;
    let (scores, shares, pull) = pulled(&service, with_margins(&["-1", "-0.01", "-50000"])).await;
    assert_eq!((&pull["failure"], &pull["rejected_rows"]), (&Value::Null, &json!(0)));
    assert_eq!(scores["metric_values_left_out"], 0, "{scores}");
    let values: Vec<f64> = scores["agents"].as_array().unwrap().iter().map(|agent| agent["value"].as_f64().unwrap()).collect();
    near(&values, &[0.911765, 1.088235], 1e-6);
    let targets: Vec<f64> =
        shares["members"].as_array().unwrap().iter().map(|member| member["target"].as_f64().unwrap()).collect();
    near(&targets, &[0.455882, 0.544118], 1e-6);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_negative_or_unreadable_amount_is_told_with_its_deal_and_its_field() {
    let mut deals = with_margins(&[]);
    for (place, amount) in [(0, "-5000"), (1, "NaN"), (2, "Infinity")] {
        deals[place]["opportunity"] = json!(amount);
    }
    let (scores, _, pull) = pulled(&service().await, deals).await;
    assert_eq!(pull["rejected_rows"], 3);
    let told: Vec<(&str, &str)> = pull["rejected"]
        .as_array()
        .unwrap()
        .iter()
        .map(|fault| (fault["place"].as_str().unwrap(), fault["detail"].as_str().unwrap()))
        .collect();
    assert_eq!(
        told,
        [
            ("deal 1", "`$.opportunity`: `-5000` is below zero"),
            ("deal 2", "`$.opportunity`: `NaN` is no amount"),
            ("deal 3", "`$.opportunity`: `Infinity` is no amount"),
        ]
    );
    assert_eq!(scores["agents"][0]["contracts_closed"], 7, "the others are loaded");
}
