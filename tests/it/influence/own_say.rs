//! What agents set for themselves over the API: who may, within which bounds, and what is refused.

use meritline::broker::store::InterventionRequest;
use meritline::core::intervention::{Actor, Change, Load};
use meritline::http::access::Role;
use serde_json::{Value, json};

use crate::support::sample_workspace::SampleWorkspace;
use crate::support::service::TestService;

fn path(agent: &str, what: &str) -> String {
    format!("/api/v1/workspaces/acme/agents/{agent}/{what}")
}

async fn service(agents: &[&str]) -> TestService {
    TestService::of(SampleWorkspace::one_group("acme", agents).build()).await
}

async fn item(service: &TestService, token: &str, agent: &str) -> Value {
    let agents = service.client.read("agents", token).expect(200).await.json();
    agents["items"].as_array().unwrap().iter().find(|item| item["agent"] == agent).unwrap().clone()
}

async fn tell(service: &TestService, id: &str, call: &str, kind: &str, agent: &str) {
    let event = json!({"event_id": id, "call_id": call, "type": kind, "agent": agent, "at": "2026-11-23T06:00:05Z"});
    service.client.tell(&event).expect(200).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agent_sets_the_own_load_within_the_leads_bounds() {
    let workspace = SampleWorkspace::new("acme")
        .agents(&["anna", "boris"])
        .policy("bounded", |policy| policy.own_setting.allowed = vec![Load::Lighter])
        .policy("open", |_| {})
        .group("sales", "bounded", &[("anna", 1.0), ("boris", 0.0)])
        .group("service", "open", &[("anna", 1.0), ("boris", 1.0)])
        .route("main", "sales")
        .build();
    let service = TestService::of(workspace).await;
    let anna = service.token("acme", Role::Agent, Some("anna")).await;
    let boris = service.token("acme", Role::Agent, Some("boris")).await;
    let lead = service.token("acme", Role::SalesLead, None).await;
    assert_eq!(item(&service, &anna, "anna").await["load"], "normal");
    let set = |agent: &str, load: &str| service.client.put(&path(agent, "load"), &json!({"load": load}));
    assert_eq!(set("anna", "lighter").token(&anna).expect(200).await.json()["load"], "lighter");
    service.site.clock.pass(1);
    let refused = set("anna", "heavier").token(&anna).expect(403).await;
    assert!(refused.json()["detail"].as_str().unwrap().contains("`bounded`"), "{}", refused.text());
    assert_eq!(item(&service, &anna, "anna").await["load"], "lighter", "a refusal changes nothing");
    assert_eq!(set("anna", "normal").token(&anna).expect(200).await.json()["load"], "normal", "back is always open");
    service.site.clock.pass(1);
    assert_eq!(set("anna", "heavier").token(&lead).expect(200).await.json()["load"], "heavier", "a lead is not bound");
    // Boris is not rung through `sales`: its bounds are not his.
    assert_eq!(set("boris", "heavier").token(&boris).expect(200).await.json()["load"], "heavier");
}

/// Every way to set something: the agent, a lead and an operator may; everybody else may not, and nothing changes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_sets_anything_for_others_but_those_who_lead() {
    let service = service(&["anna", "boris", "clara"]).await;
    let ways: [(&str, &str, Value); 5] = [
        ("PUT", "load", json!({"load": "lighter"})),
        ("POST", "one-more", json!({})),
        ("POST", "pause-after-call", json!({})),
        ("DELETE", "pause-after-call", json!({})),
        ("POST", "rest", json!({})),
    ];
    let boris = service.token("acme", Role::Agent, Some("boris")).await;
    let mut may = vec![service.token("acme", Role::Agent, Some("anna")).await];
    for role in [Role::SalesLead, Role::Operator] {
        may.push(service.token("acme", role, None).await);
    }
    let mut may_not = vec![boris];
    for role in [Role::Viewer, Role::CrmAdmin] {
        may_not.push(service.token("acme", role, None).await);
    }
    let before = item(&service, &may[0], "anna").await;
    for (method, what, body) in &ways {
        for token in &may_not {
            let refused = service.client.call(method, &path("anna", what)).json(body).token(token).expect(403).await;
            assert_eq!(refused.code(), "forbidden", "{method} {what}");
        }
        service.client.call(method, &path("anna", what)).json(body).expect(401).await;
        service.client.call(method, &path("zoe", what)).json(body).token(&may[1]).expect(404).await;
    }
    assert_eq!(item(&service, &may[0], "anna").await, before);
    let available = json!({"state": "available"});
    for token in &may {
        for (method, what, body) in &ways {
            service.client.call(method, &path("anna", what)).json(body).token(token).expect(200).await;
            service.site.clock.pass(1);
        }
        service.client.put(&path("anna", "presence"), &available).token(token).expect(200).await;
        service.site.clock.pass(1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bodies_that_make_no_sense_are_refused_and_change_nothing() {
    let service = service(&["anna", "boris"]).await;
    let anna = service.token("acme", Role::Agent, Some("anna")).await;
    let before = item(&service, &anna, "anna").await;
    let long = "я".repeat(201);
    let bad: [(&str, &str, Value); 12] = [
        ("PUT", "load", json!({"load": "most"})),
        ("PUT", "load", json!({"load": null})),
        ("PUT", "load", json!({})),
        ("PUT", "load", json!({"load": "lighter", "factor": 0.1})),
        ("POST", "rest", json!({"minutes": 4})),
        ("POST", "rest", json!({"minutes": 31})),
        ("POST", "rest", json!({"minutes": -10})),
        ("POST", "rest", json!({"minutes": "ten"})),
        ("POST", "pause-after-call", json!({"until": "2020-01-01T00:00:00Z"})),
        ("POST", "pause-after-call", json!({"until": "noon"})),
        ("POST", "pause-after-call", json!({"reason": long})),
        ("POST", "pause-after-call", json!([])),
    ];
    for (method, what, body) in &bad {
        let refused = service.client.call(method, &path("anna", what)).json(body).token(&anna).expect(422).await;
        assert_eq!(refused.code(), "invalid_body", "{method} {what} {body}");
    }
    let text = service.client.call("PUT", &path("anna", "load")).bytes("application/json", "{").token(&anna);
    assert_eq!(text.expect(400).await.code(), "malformed_json");
    assert_eq!(item(&service, &anna, "anna").await, before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rest_lasts_ten_minutes_and_somebody_must_stay() {
    let service = service(&["anna", "boris"]).await;
    let anna = service.token("acme", Role::Agent, Some("anna")).await;
    let boris = service.token("acme", Role::Agent, Some("boris")).await;
    let rest = service.client.post(&path("anna", "rest"), &json!({})).token(&anna).expect(200).await.json();
    assert_eq!((&rest["state"], &rest["reason"]), (&json!("paused"), &json!("rest")));
    assert_eq!(rest["until"], "2026-11-23T06:10:00Z", "now is 06:00");
    assert_eq!(service.client.ask(&json!({"call_id": "c-1", "called": "+74951112233"})).expect(200).await.agents(), ["boris"]);
    let refused = service.client.post(&path("boris", "rest"), &json!({"minutes": 5})).token(&boris).expect(409).await;
    assert_eq!(refused.code(), "not_now");
    assert!(refused.json()["detail"].as_str().unwrap().contains("`sales`"), "{}", refused.text());
    assert_eq!(item(&service, &boris, "boris").await["reason"], Value::Null);
    let again = service.client.post(&path("anna", "rest"), &json!({"minutes": 30})).token(&anna).expect(409).await;
    assert!(again.json()["detail"].as_str().unwrap().contains("paused already"), "{}", again.text());
    service.site.clock.pass(600);
    assert_eq!(item(&service, &anna, "anna").await["state"], "free");
    let rest = service.client.post(&path("boris", "rest"), &json!({"minutes": 30})).token(&boris).expect(200).await.json();
    assert_eq!(rest["until"], "2026-11-23T06:40:00Z");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_all_who_ask_for_a_rest_at_once_one_stays() {
    let service = service(&["anna", "boris", "clara", "denis"]).await;
    let lead = service.token("acme", Role::SalesLead, None).await;
    let ask = |agent: &str| service.client.post(&path(agent, "rest"), &json!({})).token(&lead).try_send();
    let (anna, boris, clara, denis) = tokio::join!(ask("anna"), ask("boris"), ask("clara"), ask("denis"));
    let mut answers = [anna, boris, clara, denis].map(Result::unwrap);
    answers.sort_unstable();
    assert_eq!(answers, [200, 200, 200, 409]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pause_after_the_call_waits_for_its_end_and_can_be_taken_back() {
    let service = service(&["anna", "boris"]).await;
    let anna = service.token("acme", Role::Agent, Some("anna")).await;
    service.client.ask(&json!({"call_id": "c-1", "called": "+74951112233"})).expect(200).await;
    tell(&service, "e-1", "c-1", "answered", "anna").await;
    let body = json!({"reason": "lunch", "until": "2026-11-23T09:30:00+03:00"});
    let asked = service.client.post(&path("anna", "pause-after-call"), &body).token(&anna).expect(200).await.json();
    assert_eq!(asked["state"], "talking");
    let pending = json!({"asked_at": "2026-11-23T06:00:00Z", "reason": "lunch", "until": "2026-11-23T06:30:00Z"});
    assert_eq!((&asked["pause_after_call"], &asked["reason"]), (&pending, &Value::Null));
    service.site.clock.pass(60);
    tell(&service, "e-2", "c-1", "ended", "anna").await;
    let paused = item(&service, &anna, "anna").await;
    assert_eq!((&paused["state"], &paused["reason"]), (&json!("paused"), &json!("lunch")));
    assert_eq!((&paused["until"], &paused["pause_after_call"]), (&json!("2026-11-23T06:30:00Z"), &Value::Null));
    let next = json!({"call_id": "c-2", "called": "+74951112233"});
    assert_eq!(service.client.ask(&next).expect(200).await.agents(), ["boris"]);
    let back = service.client.call("DELETE", &path("anna", "pause-after-call")).token(&anna).expect(200).await.json();
    assert_eq!((&back["state"], &back["reason"]), (&json!("free"), &Value::Null));
}

/// Who set what is kept with the change.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_change_is_kept_with_its_author() {
    let service = service(&["anna", "boris"]).await;
    let anna = service.token("acme", Role::Agent, Some("anna")).await;
    let lead = service.token("acme", Role::SalesLead, None).await;
    service.client.post(&path("anna", "one-more"), &json!({})).token(&anna).expect(200).await;
    service.site.clock.pass(1);
    service.client.put(&path("anna", "load"), &json!({"load": "lighter"})).token(&lead).expect(200).await;
    let wanted = InterventionRequest { limit: 10, ..InterventionRequest::default() };
    let kept = service.store.interventions(&"acme".into(), wanted).await.unwrap().items;
    let shown: Vec<(&Actor, &Change)> = kept.iter().map(|one| (&one.by, &one.change)).collect();
    let by_lead = Actor { role: "sales_lead".into(), agent: None };
    let by_anna = Actor { role: "agent".into(), agent: Some("anna".into()) };
    let load = Change::Load { agent: "anna".into(), load: Load::Lighter };
    assert_eq!(shown, [(&by_lead, &load), (&by_anna, &Change::OneMore { agent: "anna".into() })]);
}
