//! A restart says the same of everybody: rows of misses, pauses, loads, notices.

use meritline::core::policy::MissedOffers;
use meritline::http::access::Role;
use serde_json::{Value, json};

use crate::support::sample_workspace::SampleWorkspace;
use crate::support::service::TestService;

async fn ask_and_tell(service: &TestService, call: &str, agent: &str, kind: &str) {
    service.client.ask(&json!({"call_id": call, "called": "+74951112233"})).expect(200).await;
    let event = |what: &str, agent: Value| json!({"event_id": format!("{call}-{what}"), "call_id": call, "type": what, "agent": agent, "at": "2026-11-23T06:00:05Z"});
    service.client.tell(&event(kind, json!(agent))).expect(200).await;
    if kind != "answered" {
        service.client.tell(&event("ended", Value::Null)).expect(200).await;
    }
    service.site.clock.pass(30);
}

/// Anna is paused after three misses, Boris stands at two, Clara talks and has asked for a pause, Denis rests.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_changes_nothing_that_is_said() {
    let agents = ["anna", "boris", "clara", "denis"];
    let until_back = MissedOffers { pause_seconds: None, ..MissedOffers::default() };
    let workspace = SampleWorkspace::new("acme")
        .agents(&agents)
        .policy("even", |policy| (policy.period_seconds, policy.missed_offers) = (300, until_back))
        .group("sales", "even", &agents.map(|agent| (agent, 1.0)))
        .route("main", "sales")
        .build();
    let service = TestService::of(workspace).await;
    let lead = service.token("acme", Role::SalesLead, None).await;
    for (call, agent) in [("c-1", "anna"), ("c-2", "boris"), ("c-3", "anna"), ("c-4", "boris"), ("c-5", "anna")] {
        ask_and_tell(&service, call, agent, "missed").await;
    }
    let path = |agent: &str, what: &str| format!("/api/v1/workspaces/acme/agents/{agent}/{what}");
    ask_and_tell(&service, "c-6", "clara", "answered").await;
    service.client.post(&path("clara", "pause-after-call"), &json!({"reason": "lunch"})).token(&lead).expect(200).await;
    service.client.put(&path("boris", "load"), &json!({"load": "lighter"})).token(&lead).expect(200).await;
    service.client.post(&path("denis", "rest"), &json!({"minutes": 30})).token(&lead).expect(200).await;
    // The calls are over for so long that they were let go: later calls see to that.
    service.site.clock.pass(600);
    service.client.ask(&json!({"call_id": "c-7", "called": "+74951112233"})).expect(200).await;
    let states = |agents: &Value| -> Vec<String> {
        agents["items"].as_array().unwrap().iter().map(|item| item["state"].as_str().unwrap().to_owned()).collect()
    };
    let before = service.client.read("agents", &lead).expect(200).await.json();
    assert_eq!(states(&before), ["paused", "ringing", "talking", "paused"]);
    let notices = service.client.read("notices", &lead).expect(200).await.json();
    assert_eq!(notices["items"].as_array().unwrap().len(), 2, "{notices}");

    let service = service.restart().await;
    assert_eq!(service.client.read("agents", &lead).expect(200).await.json(), before);
    assert_eq!(service.client.read("notices", &lead).expect(200).await.json(), notices);
    // The next morning but for an hour: 300 s times eight periods are long past, the row of misses is not.
    service.site.clock.pass(11 * 3600);
    let before = service.client.read("agents", &lead).expect(200).await.json();
    assert_eq!(states(&before)[0], "paused");
    let service = service.restart().await;
    assert_eq!(service.client.read("agents", &lead).expect(200).await.json(), before);
    ask_and_tell(&service, "c-8", "boris", "missed").await;
    let after = service.client.read("agents", &lead).expect(200).await.json();
    assert_eq!(after["items"][1]["misses"]["missed"], 1, "Boris's two of yesterday's shift are not in the row");
}
