//! Scores over the API: who may correct, exclude, object and answer; versions, pin and quarantine; conversions from calls.

mod access;
mod quarantine;

use std::sync::Arc;

use meritline::broker::ports::{Clock, Extent};
use meritline::broker::refresh_scores;
use meritline::broker::store::{PullCommit, PullState};
use meritline::core::deal::Deal;
use meritline::core::metric::MetricSetting;
use meritline::core::policy::{DealFilter, Exposure, Mode, ScoreSettings};
use meritline::core::workspace::{PolicyIx, Workspace};
use meritline::http::access::Role;
use serde_json::{Value, json};

use crate::support::sample_workspace::SampleWorkspace;
use crate::support::service::{CRM, TestService};

const BY_RESULTS: PolicyIx = PolicyIx(0);

fn settings(exposure: Exposure) -> ScoreSettings {
    ScoreSettings {
        crm: vec![CRM.into()],
        metrics: MetricSetting::usual(),
        exposure,
        min_talk_seconds: 30,
        horizon_seconds: None,
        half_life_seconds: None,
        caution: 10.0,
        strength: 1.0,
        floor: 0.5,
        ceiling: 2.0,
        deal_cap: Some(3.0),
        smoothing_seconds: 4 * 3600,
        deals: DealFilter::default(),
    }
}

fn workspace(exposure: Exposure) -> Arc<Workspace> {
    SampleWorkspace::new("acme")
        .agents(&["anna", "boris"])
        .policy("by-results", |policy| {
            policy.mode = Mode::Performance;
            policy.score = Some(settings(exposure));
        })
        .group("sales", "by-results", &[("anna", 1.0), ("boris", 1.0)])
        .route("main", "sales")
        .crm(CRM)
        .build()
}

/// `closed` deals of an agent, of which `contracts` were won for 100.
fn record(agent: &str, closed: usize, contracts: usize) -> Vec<Deal> {
    let one = |at: usize| {
        let status = if at < contracts { "won" } else { "lost" };
        let row = json!({"deal": format!("{agent}-{at}"), "user": format!("user-{agent}"), "status": status, "amount": "100.00",
                         "closed_at": "2026-11-20T09:00:00Z"});
        serde_json::from_value(row).unwrap()
    };
    (0..closed).map(one).collect()
}

struct Desk {
    service: TestService,
    lead: String,
    anna: String,
}

impl Desk {
    async fn open(exposure: Exposure) -> Self {
        Self::of(TestService::of(workspace(exposure)).await).await
    }

    async fn of(service: TestService) -> Self {
        let lead = service.token("acme", Role::SalesLead, None).await;
        let anna = service.token("acme", Role::Agent, Some("anna")).await;
        Self { service, lead, anna }
    }

    /// The CRM shows these deals; says whether the scores follow.
    async fn pull(&self, deals: Vec<Deal>) -> bool {
        self.show(CRM, deals).await;
        self.refresh().await
    }

    /// A CRM shows these deals, and no scores are computed yet.
    async fn show(&self, connection: &str, deals: Vec<Deal>) {
        let now = self.service.site.clock.now();
        let state = PullState { succeeded_at: Some(now), ..PullState::default() };
        let pull = PullCommit { connection: connection.into(), deals, unreadable: Vec::new(), extent: Extent::Everything, state };
        self.service.store.commit_pull(&"acme".into(), pull).await.unwrap();
    }

    async fn refresh(&self) -> bool {
        let tenant = self.service.tenants.find("acme").unwrap();
        let now = self.service.site.clock.now();
        refresh_scores::refresh(&self.service.store, &tenant, BY_RESULTS, now).await.unwrap()
    }

    /// What the service does every few seconds.
    async fn step(&self) {
        let tenant = self.service.tenants.find("acme").unwrap();
        refresh_scores::step(&self.service.store, &tenant, self.service.site.clock.now()).await.unwrap();
    }

    async fn read(&self, path: &str) -> Value {
        self.service.client.read(path, &self.lead).expect(200).await.json()
    }

    async fn send(&self, method: &str, path: &str, body: Value, status: u16) -> Value {
        let path = format!("/api/v1/workspaces/acme/scores/{path}");
        self.service.client.call(method, &path).json(&body).token(&self.lead).expect(status).await.json()
    }

    /// Anna's published share.
    async fn share(&self) -> f64 {
        self.read("groups/sales/shares").await["members"][0]["target"].as_f64().unwrap()
    }
}

#[track_caller]
fn assert_near(got: f64, expected: f64) {
    assert!((got - expected).abs() < 1e-9, "got {got}, expected {expected}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_correction_acts_at_once_is_explained_and_ends_by_itself() {
    let desk = Desk::open(Exposure::Opportunities).await;
    assert!(desk.pull([record("anna", 100, 20), record("boris", 100, 20)].concat()).await);
    assert_near(desk.share().await, 0.5);
    let body = json!({"agent": "anna", "factor": 1.5, "reason": "took over old customers", "until": "2026-11-23T07:00:00Z"});
    let set = desk.send("POST", "corrections", body, 200).await;
    assert_eq!((&set["by"]["role"], &set["set_at"]), (&json!("sales_lead"), &json!("2026-11-23T06:00:00Z")));
    // 1.5 : 1, at once, though scores are followed over hours.
    assert_near(desk.share().await, 0.6);
    let why = desk.read("scores/anna").await;
    assert_eq!(why["correction"]["reason"], "took over old customers");
    assert_eq!((&why["score"]["value"], &why["score"]["correction"]), (&json!(1.5), &json!(1.5)));
    let contributions = why["score"]["metrics"].as_array().unwrap().iter().map(|metric| metric["contribution"].as_f64().unwrap());
    assert_near(contributions.product::<f64>() * 1.5, why["score"]["value"].as_f64().unwrap());
    let share = &why["shares"][0];
    let part = |name: &str| share[name].as_f64().unwrap();
    assert_near(part("base") * part("ramp_up") * part("value").powf(part("strength")) * part("scale"), part("target"));
    assert_near(part("published"), 0.6);

    desk.service.site.clock.pass(3600);
    desk.step().await;
    assert_near(desk.share().await, 0.5);
    assert_eq!(desk.read("scores/anna").await["correction"], Value::Null);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_set_by_hand_holds_after_a_restart() {
    let desk = Desk::open(Exposure::Opportunities).await;
    desk.pull([record("anna", 100, 20), record("boris", 100, 20)].concat()).await;
    desk.send("POST", "corrections", json!({"agent": "anna", "factor": 1.5, "reason": "x"}), 200).await;
    let Desk { service, lead, anna } = desk;
    let desk = Desk { service: service.restart().await, lead, anna };
    assert_near(desk.share().await, 0.6);
    // 1 takes it back.
    desk.send("POST", "corrections", json!({"agent": "anna", "factor": 1, "reason": "x"}), 200).await;
    assert_near(desk.share().await, 0.5);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_exclusion_acts_at_once_and_can_be_lifted() {
    let desk = Desk::open(Exposure::Opportunities).await;
    desk.pull([record("anna", 20, 10), record("boris", 20, 10)].concat()).await;
    let subject = json!({"what": "deal", "connection": "crm", "deal": "anna-0"});
    let body = json!({"subject": subject, "reason": "a test deal"});
    desk.send("POST", "exclusions", body, 200).await;
    let days = json!({"what": "days", "agent": "boris", "from": "2026-11-20", "to": "2026-11-20"});
    // All of boris's results go at once: what a lead takes out is no reason to doubt the CRM.
    desk.send("POST", "exclusions", json!({"subject": days, "reason": "a fair"}), 200).await;
    let scores = desk.read("scores").await;
    assert_eq!((&scores["agents"][0]["contracts_closed"], &scores["agents"][1]["opportunities"]), (&json!(9), &json!(0)));
    assert_eq!(scores["refused"], Value::Null);
    let why = desk.read("scores/boris").await;
    assert_eq!(why["exclusions"], json!([{"subject": days, "items": 20, "reason": "a fair"}]));
    assert_eq!(desk.read("scores/anna").await["exclusions"][0]["subject"], subject);

    desk.send("POST", "exclusions", json!({"subject": subject, "reason": "it was real", "lifted": true}), 200).await;
    assert_eq!(desk.read("scores").await["agents"][0]["contracts_closed"], 10);
    let listed = desk.read("scores/exclusions").await;
    let lifted: Vec<bool> = listed["items"].as_array().unwrap().iter().map(|item| item["lifted"].as_bool().unwrap()).collect();
    assert_eq!(lifted, [true, false, false]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agent_objects_and_a_lead_answers() {
    let desk = Desk::open(Exposure::Opportunities).await;
    desk.pull(record("anna", 20, 10)).await;
    let client = &desk.service.client;
    let path = "/api/v1/workspaces/acme/scores/objections";
    let objection = client.post(path, &json!({"text": "Deal 7 is mine."})).token(&desk.anna).expect(200).await.json();
    let id = objection["id"].as_str().unwrap().to_owned();
    assert_eq!((&objection["agent"], &objection["answer"]), (&json!("anna"), &Value::Null));
    let answer = json!({"text": "You are right.", "accepted": true});
    client.post(&format!("{path}/{id}/answer"), &answer).token(&desk.anna).expect(403).await;
    let answered = desk.send("POST", &format!("objections/{id}/answer"), answer, 200).await;
    assert_eq!((&answered["answer"]["text"], &answered["answer"]["accepted"]), (&json!("You are right."), &json!(true)));
    let second = json!({"text": "On second thoughts: no.", "accepted": false});
    desk.send("POST", &format!("objections/{id}/answer"), second, 200).await;

    // Both are in the explanation, which an agent gets of the own score only.
    let why = client.read("scores/anna", &desk.anna).expect(200).await.json();
    assert_eq!(why["objections"][0]["answer"]["text"], "On second thoughts: no.");
    client.read("scores/boris", &desk.anna).expect(403).await;
    let boris = desk.service.token("acme", Role::Agent, Some("boris")).await;
    assert_eq!(client.read("scores/objections", &boris).expect(200).await.json()["items"], json!([]));
    assert_eq!(desk.read("scores/objections?agent=anna").await["items"][0]["id"], json!(id));
    // A lead does not object, and answers what there is.
    desk.send("POST", "objections", json!({"text": "x"}), 403).await;
    desk.send("POST", "objections/nonsense/answer", json!({"text": "x", "accepted": true}), 404).await;
    desk.send("POST", "objections/01932b6e-7a10-7c3e-9d2a-0123456789ab/answer", json!({"text": "x", "accepted": true}), 404)
        .await;
    // Twenty without an answer are enough.
    for at in 0..20 {
        client.post(path, &json!({"text": format!("{at}")})).token(&desk.anna).expect(200).await;
    }
    client.post(path, &json!({"text": "one more"})).token(&desk.anna).expect(422).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refresh_that_moves_too_much_is_kept_out_until_a_lead_takes_it() {
    let desk = Desk::open(Exposure::Opportunities).await;
    assert!(desk.pull([record("anna", 100, 30), record("boris", 100, 30)].concat()).await);
    assert_eq!(desk.read("scores").await["version"], 1);
    desk.send("POST", "accept", json!({}), 404).await;
    // 46/40 and 34/40 would be 57.5 %.
    let moved = [record("anna", 100, 36), record("boris", 100, 24)].concat();
    assert!(!desk.pull(moved.clone()).await);
    let scores = desk.read("scores").await;
    assert!(
        scores["refused"].as_str().unwrap().starts_with("the share of `anna` in group `sales` would go from 50.0 % to 57.5 %")
    );
    assert_eq!((&scores["version"], &scores["agents"][0]["contracts_closed"]), (&json!(1), &json!(30)));
    assert_near(desk.share().await, 0.5);
    let versions = desk.read("scores/versions").await;
    assert_eq!((versions["items"].as_array().unwrap().len(), &versions["refused"]["version"]), (1, &json!(2)));

    desk.send("POST", "accept", json!({"version": 7}), 422).await;
    let accepted = desk.send("POST", "accept", json!({"version": 2, "reason": "the year's end"}), 200).await;
    assert_eq!((&accepted["refused"], &accepted["items"][0]["version"]), (&Value::Null, &json!(2)));
    assert_eq!(desk.read("scores").await["agents"][0]["contracts_closed"], 36);
    // Taken, it is followed like any other: over hours. 57.5 % after one half of the way is 53.75 %.
    assert_near(desk.share().await, 0.5);
    desk.service.site.clock.pass(4 * 3600);
    desk.step().await;
    assert_near(desk.share().await, 0.5375);
    // The next leap is another one.
    assert!(!desk.pull([record("anna", 100, 30), record("boris", 100, 30)].concat()).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lost_contracts_are_kept_out_even_when_all_lose_alike() {
    let desk = Desk::open(Exposure::Opportunities).await;
    desk.pull([record("anna", 100, 30), record("boris", 100, 30)].concat()).await;
    assert!(!desk.pull([record("anna", 100, 20), record("boris", 100, 20)].concat()).await);
    let refused = desk.read("scores").await["refused"].as_str().unwrap().to_owned();
    assert!(refused.starts_with("the CRM shows 40 contracts where 60 were known, more than 30 % less"), "{refused}");
    // The CRM mends itself: nothing is left of it.
    assert!(desk.pull([record("anna", 100, 31), record("boris", 100, 30)].concat()).await);
    assert_eq!(desk.read("scores").await["refused"], Value::Null);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn shares_can_be_held_to_a_version_and_let_go_again() {
    let desk = Desk::open(Exposure::Opportunities).await;
    for contracts in [30, 31, 32] {
        assert!(desk.pull([record("anna", 100, contracts), record("boris", 100, 30)].concat()).await);
        // Time alone makes no version.
        desk.service.site.clock.pass(60);
        assert!(desk.refresh().await);
    }
    let versions = desk.read("scores/versions").await;
    let numbers = |list: &Value| -> Vec<(u64, bool)> {
        let items = list["items"].as_array().unwrap().iter();
        items.map(|item| (item["version"].as_u64().unwrap(), item["in_use"].as_bool().unwrap())).collect()
    };
    assert_eq!(numbers(&versions), [(3, true), (2, false), (1, false)]);
    desk.send("PUT", "pin", json!({"version": 9}), 404).await;
    let pinned = desk.send("PUT", "pin", json!({"version": 1, "reason": "something is wrong"}), 200).await;
    assert_eq!((numbers(&pinned), &pinned["pinned"]), (vec![(3, false), (2, false), (1, true)], &json!(1)));
    assert_near(desk.share().await, 0.5);
    let scores = desk.read("scores").await;
    assert_eq!(
        (&scores["version"], &scores["pinned"], &scores["agents"][0]["contracts_closed"]),
        (&json!(1), &json!(true), &json!(30))
    );

    // New results go on being judged and kept, but shares stay: after a restart, and long after a table would be too old.
    let Desk { service, lead, anna } = desk;
    let desk = Desk { service: service.restart().await, lead, anna };
    assert!(desk.pull([record("anna", 100, 34), record("boris", 100, 30)].concat()).await);
    desk.service.site.clock.pass(3 * 24 * 3600);
    desk.step().await;
    assert_near(desk.share().await, 0.5);
    let decision = desk.service.client.ask(&json!({"call_id": "c-1", "called": "+74951112233"})).expect(200).await.json();
    assert_eq!(decision["degraded"], json!([]), "a chosen table is not stale");

    let free = desk.send("PUT", "pin", json!({"version": null}), 200).await;
    assert_eq!((&free["pinned"], numbers(&free)[0]), (&Value::Null, (4, true)));
    // Let go, shares are where the newest wants them at once: 64 contracts, 44/42 : 40/42. The CRM has been silent for three days,
    // so they go on to base.
    assert_eq!(desk.read("scores").await["agents"][0]["contracts_closed"], 34);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_leads_and_operators_write_and_nonsense_is_refused() {
    let desk = Desk::open(Exposure::Opportunities).await;
    desk.pull(record("anna", 10, 5)).await;
    let correction = json!({"agent": "anna", "factor": 2.0, "reason": "x"});
    let exclusion = json!({"subject": {"what": "days", "from": "2026-11-01", "to": "2026-11-02"}, "reason": "x"});
    for role in [Role::Viewer, Role::CrmAdmin, Role::Agent] {
        let token = desk.service.token("acme", role, (role == Role::Agent).then_some("boris")).await;
        let writes = [
            ("POST", "corrections", &correction),
            ("POST", "exclusions", &exclusion),
            ("PUT", "pin", &json!({"version": null})),
            ("POST", "accept", &json!({})),
        ];
        for (method, path, body) in writes {
            let path = format!("/api/v1/workspaces/acme/scores/{path}");
            desk.service.client.call(method, &path).json(body).token(&token).expect(403).await;
        }
    }
    let correction = |agent: &str, factor: Value, reason: &str| json!({"agent": agent, "factor": factor, "reason": reason});
    desk.send("POST", "corrections", correction("zoe", json!(2), "x"), 404).await;
    desk.send("POST", "corrections", correction("anna", json!(0), "x"), 422).await;
    desk.send("POST", "corrections", correction("anna", json!(-1), "x"), 422).await;
    desk.send("POST", "corrections", correction("anna", json!(1e300), "x"), 422).await;
    desk.send("POST", "corrections", correction("anna", json!("NaN"), "x"), 422).await;
    desk.send("POST", "corrections", correction("anna", json!(2), " "), 422).await;
    let past = json!({"agent": "anna", "factor": 2, "reason": "x", "until": "2020-01-01T00:00:00Z"});
    desk.send("POST", "corrections", past, 422).await;
    let subject = |subject: Value| json!({"subject": subject, "reason": "x"});
    desk.send("POST", "exclusions", subject(json!({"what": "deal", "connection": "crm", "deal": "nothing"})), 404).await;
    desk.send("POST", "exclusions", subject(json!({"what": "deal", "connection": "pbx", "deal": "anna-1"})), 404).await;
    desk.send("POST", "exclusions", subject(json!({"what": "call", "connection": "crm", "call": "c"})), 404).await;
    desk.send(
        "POST",
        "exclusions",
        subject(json!({"what": "days", "agent": "zoe", "from": "2026-11-01", "to": "2026-11-02"})),
        404,
    )
    .await;
    desk.send("POST", "exclusions", subject(json!({"what": "days", "from": "2026-11-02", "to": "2026-11-01"})), 422).await;
    desk.send("POST", "exclusions", subject(json!({"what": "days", "from": "soon", "to": "2026-11-01"})), 422).await;
    desk.send("POST", "exclusions", subject(json!({"what": "weather"})), 422).await;
    assert_near(desk.share().await, desk.read("scores/anna").await["shares"][0]["target"].as_f64().unwrap());
    desk.service.client.read("scores/zoe", &desk.lead).expect(404).await;
    desk.service.client.read("scores?policy=nothing", &desk.lead).expect(404).await;
}

/// Anna and Boris talk to ten callers each; Boris closes a contract that Anna's call began.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn conversions_are_counted_from_calls_that_came_through_the_hooks() {
    let desk = Desk::open(Exposure::Calls).await;
    for number in 0..20 {
        let call = format!("c-{number}");
        let asked = json!({"call_id": call, "caller": format!("+7916000{number:04}"), "called": "+74951112233"});
        let agent = desk.service.client.ask(&asked).expect(200).await.agents()[0].clone();
        let talked = if number == 19 { 10 } else { 200 };
        let event = |kind: &str, at: &str| json!({"event_id": format!("{call}-{kind}"), "call_id": call, "type": kind, "agent": agent, "at": at});
        let mut ended = event("ended", "2026-11-23T06:05:00Z");
        ended["talk_seconds"] = json!(talked);
        let told = json!([event("answered", "2026-11-23T06:00:05Z"), ended]);
        desk.service.client.tell(&told).expect(200).await;
        desk.service.site.clock.pass(600);
    }
    let contract = |number: usize, user: &str| -> Deal {
        let row = json!({"deal": format!("d-{number}"), "user": user, "status": "won", "amount": "100.00",
                         "closed_at": "2026-11-23T09:00:00Z", "contact_phones": [format!("+7916000{number:04}")]});
        serde_json::from_value(row).unwrap()
    };
    assert!(desk.pull(vec![contract(0, "user-boris"), contract(1, "user-boris")]).await);
    let scores = desk.read("scores").await;
    let calls: Vec<u64> =
        scores["agents"].as_array().unwrap().iter().map(|agent| agent["calls_handled"].as_u64().unwrap()).collect();
    assert_eq!((calls.iter().sum::<u64>(), calls.iter().max()), (19, Some(&10)), "one conversation was too short");
    // The first call went to Anna, the second to Boris: one contract each.
    let contracts: Vec<&Value> = scores["agents"].as_array().unwrap().iter().map(|agent| &agent["contracts_closed"]).collect();
    assert_eq!(contracts, [1, 1]);

    // Told later: the last conversation went on.
    let late = json!({"event_id": "late", "call_id": "c-19", "type": "ended", "agent": "boris", "at": "2026-11-23T09:00:00Z", "talk_seconds": 60});
    desk.service.client.tell(&late).expect(200).await;
    desk.refresh().await;
    let scores = desk.read("scores").await;
    let calls = scores["agents"].as_array().unwrap().iter().map(|agent| agent["calls_handled"].as_u64().unwrap());
    assert_eq!(calls.sum::<u64>(), 20);

    // A call taken out takes its contract out of the conversion.
    let subject = json!({"what": "call", "connection": "pbx", "call": "c-0"});
    desk.send("POST", "exclusions", json!({"subject": subject, "reason": "a colleague"}), 200).await;
    let anna = desk.read("scores/anna").await;
    assert_eq!((&anna["exclusions"][0]["items"], &anna["score"]["calls_handled"]), (&json!(1), &json!(9)));
    assert_eq!(anna["score"]["metrics"][0]["figure"], json!(0.0));
}
