//! Reading back over the API: shares, scores, agents, decisions; who may see and set what.

use meritline::http::access::Role;
use serde_json::{Value, json};

use crate::support::sample_workspace::SampleWorkspace;
use crate::support::service::TestService;

async fn service() -> TestService {
    let workspace = SampleWorkspace::new("acme")
        .agents(&["anna", "boris"])
        .policy("typed", |_| {})
        .group("sales", "typed", &[("anna", 3.0), ("boris", 1.0)])
        .route("main", "sales")
        .build();
    TestService::of(workspace).await
}

fn member(shares: &Value, id: &str) -> Value {
    shares["members"].as_array().unwrap().iter().find(|member| member["member"] == id).unwrap().clone()
}

/// One call at 3 : 1, rung to Anna: she is owed 0.75 - 1, Boris 0.25.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn shares_tell_base_target_actual_and_owed() {
    let service = service().await;
    let token = service.token("acme", Role::Viewer, None).await;
    let before = service.client.read("groups/sales/shares", &token).expect(200).await.json();
    assert_eq!(member(&before, "anna")["actual"], Value::Null);
    service.client.ask(&json!({"call_id": "c-1", "called": "+74951112233"})).expect(200).await;
    let answered =
        json!({"event_id": "e-1", "call_id": "c-1", "type": "answered", "agent": "anna", "at": "2026-11-23T06:00:05Z"});
    service.client.tell(&answered).expect(200).await;
    let shares = service.client.read("groups/sales/shares", &token).expect(200).await.json();
    let (anna, boris) = (member(&shares, "anna"), member(&shares, "boris"));
    let near =
        |value: &Value, expected: f64| assert!((value.as_f64().unwrap() - expected).abs() < 1e-9, "{value} is not {expected}");
    near(&anna["base"], 0.75);
    near(&boris["base"], 0.25);
    near(&anna["target"], 0.75);
    near(&boris["target"], 0.25);
    near(&anna["expected"], 0.75);
    near(&anna["received"], 1.0);
    near(&anna["actual"], 1.0);
    near(&anna["owed"], -0.25);
    near(&boris["owed"], 0.25);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_decision_is_explained_step_by_step() {
    let service = service().await;
    let asked = json!({"call_id": "c-1", "caller": "+79161234567", "called": "+74951112233"});
    let id = service.client.ask(&asked).expect(200).await.json()["decision_id"].as_str().unwrap().to_owned();
    let lead = service.token("acme", Role::SalesLead, None).await;
    let explained = service.client.read(&format!("decisions/{id}"), &lead).expect(200).await.json();
    assert_eq!(explained["decision"]["caller"], "+79161234567");
    let step = &explained["steps"][0];
    assert_eq!((&step["group"], &step["unit"]), (&json!("sales"), &json!("calls")));
    let chosen = &step["candidates"][0];
    assert_eq!((&chosen["member"], &chosen["chosen"], &chosen["standing"]), (&json!("anna"), &json!(true), &json!("free")));
    assert_eq!(
        (&chosen["expected"], &chosen["owed_before"], &chosen["owed_compared"]),
        (&json!(0.75), &json!(0.0), &json!(0.75))
    );
    let sentence = step["sentence"].as_str().unwrap();
    assert!(sentence.contains("`anna`") && sentence.contains("75.0 %"), "{sentence}");
    service.client.read("decisions/01932b6e-7a10-7c3e-9d2a-0123456789ab", &lead).expect(404).await;
    service.client.read("decisions/nonsense", &lead).expect(404).await;
}

/// Callers are for those who work with them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_viewer_sees_masked_callers() {
    let service = service().await;
    let asked = json!({"call_id": "c-1", "caller": "+79161234567", "called": "+74951112233"});
    service.client.ask(&asked).expect(200).await;
    let viewer = service.token("acme", Role::Viewer, None).await;
    let text = service.client.read("decisions", &viewer).expect(200).await.text();
    assert!(!text.contains("79161234567"), "{text}");
    assert!(text.contains("+7916•••••67"), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lists_come_in_pages() {
    let service = service().await;
    for call in 0..5 {
        let asked = json!({"call_id": format!("c-{call}"), "called": "+74951112233"});
        service.client.ask(&asked).expect(200).await;
    }
    let token = service.token("acme", Role::Viewer, None).await;
    let (mut seen, mut next) = (Vec::new(), String::new());
    loop {
        let page = service.client.read(&format!("decisions?limit=2{next}"), &token).expect(200).await.json();
        seen.extend(page["items"].as_array().unwrap().iter().map(|item| item["call_id"].as_str().unwrap().to_owned()));
        match page["next"].as_str() {
            Some(cursor) => next = format!("&cursor={cursor}"),
            None => break,
        }
    }
    assert_eq!(seen, ["c-4", "c-3", "c-2", "c-1", "c-0"]);
    assert_eq!(service.client.read("decisions?limit=many", &token).expect(400).await.code(), "invalid_parameter");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn presence_is_set_by_the_agent_or_a_lead_and_keeps_calls_away() {
    let service = service().await;
    let anna = service.token("acme", Role::Agent, Some("anna")).await;
    let lead = service.token("acme", Role::SalesLead, None).await;
    let viewer = service.token("acme", Role::Viewer, None).await;
    let path = "/api/v1/workspaces/acme/agents/anna/presence";
    let paused = json!({"state": "paused", "reason": "lunch"});
    service.client.put(path, &paused).token(&viewer).expect(403).await;
    let boris = "/api/v1/workspaces/acme/agents/boris/presence";
    service.client.put(boris, &paused).token(&anna).expect(403).await;
    let set = service.client.put(path, &paused).token(&anna).expect(200).await.json();
    assert_eq!((&set["state"], &set["reason"]), (&json!("paused"), &json!("lunch")));
    let asked = json!({"call_id": "c-1", "called": "+74951112233"});
    assert_eq!(service.client.ask(&asked).expect(200).await.agents(), ["boris"]);
    let until = json!({"state": "paused", "reason": null, "until": "2026-11-23T06:10:00Z"});
    service.client.put(path, &until).token(&lead).expect(200).await;
    service.site.clock.pass(601);
    let agents = service.client.read("agents", &lead).expect(200).await.json();
    assert_eq!(agents["items"][0]["state"], "free");
    service.client.put(path, &json!({"state": "asleep"})).token(&lead).expect(422).await;
    service.client.put(path, &json!({"state": "paused", "until": "2020-01-01T00:00:00Z"})).token(&lead).expect(422).await;
    service.client.put("/api/v1/workspaces/acme/agents/zoe/presence", &paused).token(&lead).expect(404).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn operations_need_no_token() {
    let service = service().await;
    service.client.ask(&json!({"call_id": "c-1", "called": "+74951112233"})).expect(200).await;
    assert_eq!(service.client.get("/healthz").expect(200).await.text(), "ok\n");
    service.client.get("/readyz").expect(200).await;
    let metrics = service.client.get("/metrics").expect(200).await.text();
    assert!(metrics.contains("meritline_decisions_total{") && metrics.contains("outcome=\"percent\""), "{metrics}");
    service.client.get("/api/v1/workspaces/acme/agents").expect(401).await;
    service.client.get("/nothing").expect(404).await;
}
