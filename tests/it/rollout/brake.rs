//! The brake and observed answers over HTTP: they act on the next decision, are shown, and survive a restart.

use meritline::core::proving::rollout::{FollowedCalls, Rollout};
use meritline::http::access::Role;
use serde_json::{Value, json};

use crate::support::sample_workspace::SampleWorkspace;
use crate::support::service::TestService;

/// Anna and Boris at 3 : 1, with this rollout.
async fn service(calls: FollowedCalls) -> TestService {
    let workspace = SampleWorkspace::new("acme")
        .agents(&["anna", "boris"])
        .policy("typed", |policy| policy.rollout = Rollout { calls, experiment: None })
        .group("sales", "typed", &[("anna", 3.0), ("boris", 1.0)])
        .route("main", "sales")
        .build();
    TestService::of(workspace).await
}

/// One call from the question to its end; who took it, and the decision's id.
async fn call(service: &TestService, id: &str) -> (String, String) {
    service.site.clock.pass(60);
    let answer = service.client.ask(&json!({"call_id": id, "called": "+74951112233"})).expect(200).await;
    let agent = answer.agents()[0].clone();
    let event = |kind: &str, second: u32| {
        json!({"event_id": format!("{id}-{kind}"), "call_id": id, "type": kind, "agent": agent,
               "at": format!("2026-11-23T06:00:{second:02}Z")})
    };
    service.client.tell(&json!([event("answered", 5), event("ended", 30)])).expect(200).await;
    (agent, answer.json()["decision_id"].as_str().unwrap().to_owned())
}

async fn explained(service: &TestService, token: &str, decision: &str) -> Value {
    service.client.read(&format!("decisions/{decision}"), token).expect(200).await.json()
}

/// 3 : 1 of eight calls are six and two; what the PBX gets meanwhile is four and four. After four calls the service starts again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_observed_policy_goes_on_where_it_was_after_a_restart() {
    let mut service = service(FollowedCalls::None).await;
    let token = service.token("acme", Role::SalesLead, None).await;
    let (mut answers, mut others) = (Vec::new(), Vec::new());
    for number in 0..8 {
        if number == 4 {
            service = service.restart().await;
        }
        let (agent, decision) = call(&service, &format!("c-{number}")).await;
        let explained = explained(&service, &token, &decision).await;
        assert_eq!(explained["decision"]["arm"], "comparison");
        assert_eq!(explained["decision"]["reason"], "percent");
        assert_eq!(explained["trial"]["arms"], json!([{"policy": "typed", "arm": "comparison"}]));
        let other = explained["trial"]["other_agent"].as_str().unwrap().to_owned();
        assert_eq!(explained["trial"]["same_agent"], json!(other == agent));
        answers.push(agent);
        others.push(other);
    }
    assert_eq!(answers.iter().filter(|agent| *agent == "anna").count(), 4, "{answers:?}");
    assert_eq!(others.iter().filter(|agent| *agent == "anna").count(), 6, "{others:?}");
    let shares = service.client.read("groups/sales/shares", &token).expect(200).await.json();
    assert_eq!((&shares["rollout"], &shares["brake"]), (&json!("observe"), &json!(false)));
    assert_eq!(shares["members"][0]["target"], 0.75, "the policy's own shares are shown");
    assert_eq!(shares["members"][0]["received"], 4.0, "and what people really got");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_part_of_the_calls_is_shown_with_its_arm() {
    let service = service(FollowedCalls::Percent(30)).await;
    let token = service.token("acme", Role::SalesLead, None).await;
    for number in 0..60 {
        call(&service, &format!("c-{number}")).await;
    }
    let listed = service.client.read("decisions?limit=100", &token).expect(200).await.json();
    let arms: Vec<&str> = listed["items"].as_array().unwrap().iter().map(|item| item["arm"].as_str().unwrap()).collect();
    // 18 of 60 are expected, with a standard deviation of 3.5; which they are follows from their ids.
    let treated = arms.iter().filter(|arm| **arm == "policy").count();
    assert!((8..=28).contains(&treated), "{treated} of 60");
    assert_eq!(arms.iter().filter(|arm| **arm == "comparison").count(), 60 - treated);
    let shares = service.client.read("groups/sales/shares", &token).expect(200).await.json();
    assert_eq!(shares["rollout"], "30%");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_brake_acts_on_the_next_decision_and_survives_a_restart() {
    let service = service(FollowedCalls::All).await;
    let lead = service.token("acme", Role::SalesLead, None).await;
    let (first, decision) = call(&service, "c-0").await;
    assert_eq!(first, "anna");
    let plain = explained(&service, &lead, &decision).await;
    assert_eq!((&plain["decision"]["arm"], &plain["trial"]), (&json!("policy"), &Value::Null));

    let path = "/api/v1/workspaces/acme/brake";
    let on = json!({"policy": "typed", "on": true, "reason": "Boris complains"});
    let held = service.client.put(path, &on).token(&lead).expect(200).await.json();
    assert_eq!(held["items"][0]["policy"], "typed");
    assert_eq!(held["items"][0]["by"], "sales_lead");
    let (_, decision) = call(&service, "c-1").await;
    let braked = explained(&service, &lead, &decision).await;
    assert_eq!(braked["decision"]["arm"], "brake");
    assert_eq!(braked["decision"]["reason"], "percent");
    assert_eq!(braked["steps"][0]["candidates"][0]["target"], 0.5);
    assert!(braked["trial"]["other_agent"].is_string());
    let shares = service.client.read("groups/sales/shares", &lead).expect(200).await.json();
    assert_eq!(shares["brake"], true);
    assert_eq!((&shares["members"][0]["target"], &shares["members"][1]["target"]), (&json!(0.5), &json!(0.5)));
    assert_eq!(shares["members"][0]["base"], 0.75, "what was typed stays");

    let service = service.restart().await;
    assert_eq!(service.client.read("brake", &lead).expect(200).await.json(), held);
    let (_, decision) = call(&service, "c-2").await;
    assert_eq!(explained(&service, &lead, &decision).await["decision"]["arm"], "brake");

    // A clock that jumped back an hour must not keep the brake on.
    service.site.clock.pass(-3600);
    let off = json!({"policy": "typed", "on": false});
    let left = service.client.put(path, &off).token(&lead).expect(200).await.json();
    assert_eq!(left["items"], json!([]));
    let (_, decision) = call(&service, "c-3").await;
    assert_eq!(explained(&service, &lead, &decision).await["decision"]["arm"], "policy");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_brake_is_for_leads_and_operators_and_for_policies_there_are() {
    let service = service(FollowedCalls::All).await;
    let path = "/api/v1/workspaces/acme/brake";
    let all = json!({"policy": null, "on": true, "reason": "month end"});
    for role in [Role::Viewer, Role::Agent, Role::CrmAdmin] {
        let token = service.token("acme", role, (role == Role::Agent).then_some("anna")).await;
        assert_eq!(service.client.put(path, &all).token(&token).expect(403).await.code(), "forbidden");
    }
    let operator = service.token("acme", Role::Operator, None).await;
    let unknown = service.client.put(path, &json!({"policy": "typd", "on": true})).token(&operator).expect(422).await;
    assert!(unknown.text().contains("There is no policy `typd` in this workspace; there are typed."), "{}", unknown.text());
    let wordy = json!({"on": true, "reason": "x".repeat(201)});
    service.client.put(path, &wordy).token(&operator).expect(422).await;
    service.client.put(path, &json!({"policy": "typed"})).token(&operator).expect(422).await;
    assert_eq!(service.client.read("brake", &operator).expect(200).await.json()["items"], json!([]));
    let held = service.client.put(path, &all).token(&operator).expect(200).await.json();
    assert_eq!((&held["items"][0]["policy"], &held["items"][0]["reason"]), (&Value::Null, &json!("month end")));
    let (_, decision) = call(&service, "c-0").await;
    assert_eq!(explained(&service, &operator, &decision).await["decision"]["arm"], "brake");
}
