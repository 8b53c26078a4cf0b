//! From a CRM's deals to scores and shares, pull by pull: what is good is shown with its figures, what cannot be believed
//! changes nothing and is told.

use std::sync::Arc;
use std::time::Duration;

use jiff::tz::TimeZone;
use meritline::broker::poll_deals::{PollOutcome, Poller};
use meritline::core::policy::{Mode, ScoreSettings};
use meritline::http::access::Role;
use meritline::integration::crm::{Connector, ConnectorContext, Manifest, Patience};
use meritline::integration::secrets::EnvAndFiles;
use meritline::outbound::HttpClient;
use serde_json::{Value, json};

use crate::scores::timeless;
use crate::support::contract;
use crate::support::sample_workspace::SampleWorkspace;
use crate::support::service::{CRM, TestService};
use crate::support::sick_crm::{Health, SickCrm, deal, forty_to_ten};

/// Shares of Anna and Boris follow results at once, whatever their age.
async fn service() -> (TestService, String) {
    let settings = ScoreSettings { crm: vec![CRM.into()], smoothing_seconds: 0, ..timeless() };
    let workspace = SampleWorkspace::new("acme")
        .agents(&["anna", "boris"])
        .policy("results", |policy| (policy.mode, policy.score) = (Mode::Performance, Some(settings)))
        .group("sales", "results", &[("anna", 1.0), ("boris", 1.0)])
        .route("main", "sales")
        .crm(CRM);
    let service = TestService::of(workspace.build()).await;
    let token = service.token("acme", Role::SalesLead, None).await;
    (service, token)
}

/// The poller of the workspace's CRM connection, asking Bitrix24 at `portal`; a question may take a second.
fn poller(service: &TestService, portal: &str) -> Poller {
    poller_reading(service, portal, &json!({}))
}

/// The same, with further figures of its deals: the metric's name, and the field.
pub(crate) fn poller_reading(service: &TestService, portal: &str, metrics: &Value) -> Poller {
    let manifest = std::fs::read_to_string(contract::file("integrations/crm/bitrix24/manifest.yaml")).unwrap();
    let manifest = Manifest::parse(&manifest.replace("timeout_seconds: 60", "timeout_seconds: 1")).unwrap();
    let secret = |name: &str| (name == "SECRET").then(|| "crm-secret".to_owned());
    let context = ConnectorContext {
        http: Arc::new(HttpClient::new(vec!["127.0.0.0/8".parse().unwrap()])),
        secrets: &EnvAndFiles { env: Box::new(secret), files_root: std::env::temp_dir() },
        files_root: std::env::temp_dir(),
        time_zone: TimeZone::UTC,
        default_region: "RU".to_owned(),
        currency: "RUB".parse().unwrap(),
        patience: Patience { tries: 1, pause: Duration::ZERO, wait_max: Duration::ZERO },
    };
    let settings = json!({"portal": portal, "user": 1, "secret": "env:SECRET", "requests_burst": 1000, "metrics": metrics});
    Poller {
        store: Arc::clone(&service.store),
        clock: Arc::clone(&service.site.clock) as _,
        tenant: service.tenants.find("acme").unwrap(),
        connection: CRM.into(),
        source: Arc::new(Connector::of(&manifest, &settings, context).unwrap()),
        refresh_seconds: 300,
        on_pull: Arc::new(|_, _| {}),
    }
}

/// How the pulls of the CRM connection go, as shown.
async fn pull(service: &TestService, token: &str) -> Value {
    let connections = service.client.read("connections", token).expect(200).await.json();
    connections["items"].as_array().unwrap().iter().find(|item| item["connection"] == CRM).unwrap()["pull"].clone()
}

fn near(value: &Value, expected: f64) {
    assert!((value.as_f64().unwrap() - expected).abs() < 1e-6, "{value} is not {expected}");
}

/// The figures are the worked example of one big deal: two people with 100 opportunities and 10 contracts each, all of 50 but
/// Anna's, of which one is of 1000. Median 50, cap 150; capped, Anna sold for 600, the mean contract is (600 + 500) / 20 = 55.
/// `check = (600 / 55 + 10) / (10 + 10) = 1.045455` and `(500 / 55 + 10) / 20 = 0.954545`, conversion 1 for both.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scores_show_the_figures_of_the_deals_pulled() {
    let amounts = ["40", "50", "60", "50", "45", "55", "50", "50", "50", "1000"];
    let deals = (1..=200).map(|id: u32| {
        let (user, number) = if id <= 100 { ("user-anna", id) } else { ("user-boris", id - 100) };
        let amount = if id <= 100 { amounts.get(number as usize - 1).unwrap_or(&"70") } else { &"50" };
        deal(id, user, number <= 10, amount)
    });
    let crm = SickCrm::start(Health::Well, deals.collect()).await;
    let (service, token) = service().await;
    assert_eq!(poller(&service, &crm.base).poll().await, PollOutcome::Done);
    let scores = service.client.read("scores", &token).expect(200).await.json();
    assert_eq!((&scores["policy"], &scores["as_of"]), (&json!("results"), &json!("2026-11-23T06:00:00Z")));
    assert_eq!((&scores["unmapped_users"], &scores["refused"]), (&json!([]), &Value::Null));
    let [anna, boris] = scores["agents"].as_array().unwrap().as_slice() else { panic!("{scores}") };
    let raw = |score: &Value| {
        ["agent", "contracts_closed", "opportunities", "revenue", "average_check", "capped_check"].map(|name| score[name].clone())
    };
    let expected = json!(["anna", 10, 100, "1450.000000", "145.000000", "60.000000"]);
    assert_eq!(json!(raw(anna)), expected);
    assert_eq!(json!(raw(boris)), json!(["boris", 10, 100, "500.000000", "50.000000", "50.000000"]));
    for (score, worth, check) in [(anna, 600.0 / 55.0, 1.045_455), (boris, 500.0 / 55.0, 0.954_545)] {
        near(&score["conversion_index"], 1.0);
        near(&score["check_index"], check);
        near(&score["value"], check);
        let [contracts, checks] = score["metrics"].as_array().unwrap().as_slice() else { panic!("{score}") };
        assert_eq!((&contracts["metric"], &checks["metric"]), (&json!("contracts_closed"), &json!("average_check")));
        near(&contracts["sample"], 100.0);
        near(&contracts["contribution"], 1.0);
        near(&checks["raw"], worth / 10.0);
        near(&checks["sample"], 10.0);
        near(&checks["contribution"], check);
    }
    let shares = service.client.read("groups/sales/shares", &token).expect(200).await.json();
    near(&shares["members"][0]["target"], 0.522_727);
    near(&shares["members"][1]["target"], 0.477_273);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_that_cannot_be_read_are_told_and_the_others_are_loaded() {
    let mut deals = forty_to_ten("user-anna", "user-boris");
    deals[3]["opportunity"] = "a lot".into();
    deals[7]["stageSemanticId"] = "?".into();
    let crm = SickCrm::start(Health::Well, deals).await;
    let (service, token) = service().await;
    assert_eq!(poller(&service, &crm.base).poll().await, PollOutcome::Done);
    let pull = pull(&service, &token).await;
    assert_eq!((&pull["rejected_rows"], &pull["failure"]), (&json!(2), &Value::Null));
    let [amount, status] = pull["rejected"].as_array().unwrap().as_slice() else { panic!("{pull}") };
    assert_eq!((&amount["place"], &status["place"]), (&json!("deal 4"), &json!("deal 8")));
    assert!(amount["detail"].as_str().unwrap().contains("$.opportunity"), "{amount}");
    assert!(status["detail"].as_str().unwrap().contains("$.stageSemanticId"), "{status}");
    let scores = service.client.read("scores", &token).expect(200).await.json();
    assert_eq!(scores["agents"][0]["opportunities"], 48);
}

/// A contract of Anna's whose amount is no number for one pull, and which is Boris's when it can be read again: it stays hers.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_row_that_can_no_longer_be_read_leaves_its_deal_as_it_was() {
    let deals = forty_to_ten("user-anna", "user-boris");
    let crm = SickCrm::start(Health::Well, deals.clone()).await;
    let (service, token) = service().await;
    let poller = poller(&service, &crm.base);
    let figures = async || {
        let scores = service.client.read("scores", &token).expect(200).await.json();
        [0, 1].map(|at| (scores["agents"][at]["contracts_closed"].clone(), scores["agents"][at]["opportunities"].clone()))
    };
    assert_eq!(poller.poll().await, PollOutcome::Done);
    let before = figures().await;
    assert_eq!(before[0], (json!(40), json!(50)));
    let mut sick = deals.clone();
    sick[3]["opportunity"] = "NaN".into();
    let mut handed_over = deals.clone();
    handed_over[3]["assignedById"] = deals[60]["assignedById"].clone();
    assert_ne!(handed_over[3], deals[3]);
    for shown in [sick, handed_over] {
        service.site.clock.pass(25 * 3600);
        crm.shows(shown);
        assert_eq!(poller.poll().await, PollOutcome::Done);
        assert_eq!(figures().await, before);
    }
}

/// After good data: a CRM that shows nothing or much less (a lost permission, a filter) although nothing is wrong in its
/// answer, and one that is gone or does not answer. Deals and shares stay, and what is wrong is told.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pull_that_cannot_be_believed_changes_nothing() {
    let all = forty_to_ten("user-anna", "user-boris");
    let part = |percent: u64| -> Vec<Value> {
        all.iter().filter(|deal| deal["id"].as_u64().unwrap() % 100 < percent).cloned().collect()
    };
    let crm = SickCrm::start(Health::Well, all.clone()).await;
    let (service, token) = service().await;
    let crm_poller = poller(&service, &crm.base);
    assert_eq!(crm_poller.poll().await, PollOutcome::Done);
    // Everything is pulled anew once a day; in between what changed, which keeps the scores young.
    service.site.clock.pass(12 * 3600);
    assert_eq!(crm_poller.poll().await, PollOutcome::Done);
    service.site.clock.pass(13 * 3600);
    let known = async || {
        let deals = service.store.deals(&"acme".into(), &CRM.into()).await.unwrap().len();
        let scores = service.client.read("scores", &token).expect(200).await.json();
        let shares = service.client.read("groups/sales/shares", &token).expect(200).await.json();
        (deals, scores, shares["members"].clone())
    };
    let good = known().await;
    // Conversion (40 + 10) / (25 + 10) against (10 + 10) / (25 + 10): 5 to 2.
    assert_eq!(good.0, 100);
    near(&good.2[0]["target"], 5.0 / 7.0);
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let gone = poller(&service, &format!("http://{nobody}"));
    let troubles = [
        (Health::Well, part(0), &crm_poller, "it shows 0 deals where 100 were known; check what the connection may read"),
        (Health::Well, part(40), &crm_poller, "it shows 40 deals where 100 were known; check what the connection may read"),
        (Health::GarbageRows, part(0), &crm_poller, "none of its 3 rows can be read; deal 1: "),
        (Health::Hangs, part(0), &crm_poller, "could not reach the CRM: no answer within 1 s"),
        (Health::Well, part(0), &gone, "could not reach the CRM: cannot connect: "),
    ];
    for (health, shown, poller, told) in troubles {
        crm.turns(health);
        crm.shows(shown);
        assert_eq!(poller.poll().await, PollOutcome::Failed, "{told}");
        let pull = pull(&service, &token).await;
        assert!(pull["failure"].as_str().unwrap().contains(told), "{told}: {pull}");
        assert_eq!((&pull["failed_at"], &pull["succeeded_at"]), (&json!("2026-11-24T07:00:00Z"), &json!("2026-11-23T18:00:00Z")));
        assert!(known().await == good, "{told}: {:?}", known().await);
        let decision = service.client.ask(&json!({"call_id": told, "called": "+74951112233"})).expect(200).await.json();
        assert_eq!((&decision["reason"], decision["targets"].as_array().unwrap().len()), (&json!("performance"), 2), "{told}");
        service
            .client
            .tell(&json!({"event_id": told, "call_id": told, "type": "ended", "at": "2026-11-24T07:00:00Z"}))
            .expect(200)
            .await;
    }
    // That a part is gone is no reason to believe nothing any more.
    crm.turns(Health::Well);
    crm.shows(part(60));
    assert_eq!(crm_poller.poll().await, PollOutcome::Done);
    assert_eq!((known().await.0, pull(&service, &token).await["failure"].clone()), (60, Value::Null));
}
