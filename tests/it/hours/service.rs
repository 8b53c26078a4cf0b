//! Working hours over HTTP: how agents are shown, how a decision tells of them, and what a replay makes of them.

use std::sync::Arc;

use jiff::SignedDuration;
use meritline::broker::ports::Clock;
use meritline::broker::replay::{ReplayRequest, replay};
use meritline::core::workspace::Workspace;
use meritline::http::access::Role;
use serde_json::{Value, json};

use super::files::workspace_with;
use crate::support::service::TestService;

/// The test's clock begins on Monday at nine in Moscow. Anna keeps office hours, Boris is on his break, Clara comes later.
const TEAM: &str = r#"workspace: acme
time_zone: Europe/Moscow
default_hours: office
hours:
  - {id: office, weekly: {mon-fri: ["09:00-18:00"]}}
  - {id: early, weekly: {mon-fri: ["06:00-15:00"]}, breaks: ["09:00-09:30"]}
  - {id: late, weekly: {mon-fri: ["12:00-21:00"]}}
agents:
  - {id: anna, numbers: [{sip: "101"}]}
  - {id: boris, numbers: [{sip: "102"}], hours: early}
  - {id: clara, numbers: [{sip: "103"}], hours: late}
groups:
  - {id: sales, members: [anna, boris, clara], policy: even}
policies:
  - {id: even, mode: percent, personal_manager: "off"}
routes:
  - {id: main, called: any, group: sales, fallback: {number: "+74951112200"}}
connections:
  - {id: pbx, integration: pbx/native, settings: {token: "env:PBX_TOKEN"}}
"#;

async fn service(text: &str) -> TestService {
    TestService::of(workspace_with(text)).await
}

async fn agents(service: &TestService, token: &str) -> Vec<(String, Value, Value)> {
    let list = service.client.read("agents", token).expect(200).await.json();
    let item = |item: &Value| (item["state"].as_str().unwrap().to_owned(), item["reason"].clone(), item["until"].clone());
    list["items"].as_array().unwrap().iter().map(item).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn agents_are_shown_with_the_reason_and_until_when() {
    let service = service(TEAM).await;
    let lead = service.token("acme", Role::SalesLead, None).await;
    let shown = agents(&service, &lead).await;
    assert_eq!(shown[0], ("free".to_owned(), Value::Null, Value::Null));
    assert_eq!(shown[1], ("paused".to_owned(), json!("planned break"), json!("2026-11-23T06:30:00Z")));
    assert_eq!(shown[2], ("off_duty".to_owned(), json!("outside working hours"), json!("2026-11-23T09:00:00Z")));
    // Extra work.
    let set = json!({"state": "available", "reason": "covers for Boris", "until": "2026-11-23T08:00:00Z"});
    service.client.put("/api/v1/workspaces/acme/agents/clara/presence", &set).token(&lead).expect(200).await;
    assert_eq!(agents(&service, &lead).await[2], ("free".to_owned(), json!("covers for Boris"), json!("2026-11-23T08:00:00Z")));
    // Two minutes before the end of Anna's day.
    service.site.clock.pass(9 * 3600 - 120);
    let shown = agents(&service, &lead).await;
    let reason = json!("too little is left of the shift, or until the next break, for another call");
    assert_eq!(shown[0], ("paused".to_owned(), reason, json!("2026-11-23T15:00:00Z")));
    assert_eq!(shown[1].0, "off_duty");
    // A call that Anna is in is shown as such until it ends.
    let told = |id: &str, kind: &str| json!({"event_id": id, "call_id": "own", "type": kind, "agent": "anna", "direction": "out", "at": "2026-11-23T14:58:00Z"});
    service.client.tell(&told("e-1", "answered")).expect(200).await;
    assert_eq!(agents(&service, &lead).await[0].0, "talking");
    service.client.tell(&told("e-2", "ended")).expect(200).await;
    assert_eq!(agents(&service, &lead).await[0].0, "paused");
    let refused = service.client.post("/api/v1/workspaces/acme/agents/boris/rest", &json!({})).token(&lead).expect(409).await;
    assert!(refused.text().contains("off duty"), "{}", refused.text());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_decision_tells_who_was_not_there_and_why() {
    let service = service(TEAM).await;
    let lead = service.token("acme", Role::SalesLead, None).await;
    let mut standing = Vec::new();
    for (call, pass) in [("c-1", 0), ("c-2", 9 * 3600 - 120)] {
        service.site.clock.pass(pass);
        let answer = service.client.ask(&json!({"call_id": call, "called": "+74951112233"})).expect(200).await.json();
        let id = answer["decision_id"].as_str().unwrap();
        let explained = service.client.read(&format!("decisions/{id}"), &lead).expect(200).await.json();
        let candidates = explained["steps"][0]["candidates"].as_array().unwrap();
        let told = |name: &str| candidates.iter().find(|item| item["member"] == name).unwrap()["standing"].clone();
        standing.push(["anna", "boris", "clara"].map(told));
    }
    assert_eq!(standing[0], ["free", "planned_break", "outside_hours"]);
    assert_eq!(standing[1], ["shift_ending", "outside_hours", "free"]);
    let shares = service.client.read("groups/sales/shares", &lead).expect(200).await.json();
    let weights: Vec<f64> =
        shares["members"].as_array().unwrap().iter().map(|member| member["weight"].as_f64().unwrap()).collect();
    assert_eq!(weights, [0.0, 0.0, 1.0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replay_keeps_the_hours_of_the_other_file() {
    let (all_day, team) =
        (TEAM.replace("default_hours: office\n", "").replace(", hours: early", "").replace(", hours: late", ""), TEAM);
    let service = service(&all_day).await;
    let from = service.site.clock.now();
    for call in 0..9 {
        let called = format!("c-{call}");
        let answer = service.client.ask(&json!({"call_id": called, "called": "+74951112233"})).expect(200).await.json();
        let agent = answer["targets"][0]["agent"].as_str().unwrap().to_owned();
        service.site.clock.pass(5);
        let at = service.site.clock.now().to_string();
        let told = json!({"event_id": format!("{called}-a"), "call_id": called, "type": "answered", "agent": agent, "at": at});
        service.client.tell(&told).expect(200).await;
        service.site.clock.pass(60);
        let at = service.site.clock.now().to_string();
        let told = json!({"event_id": format!("{called}-e"), "call_id": called, "type": "ended", "at": at});
        service.client.tell(&told).expect(200).await;
    }
    let until = service.site.clock.now().checked_add(SignedDuration::from_secs(1)).unwrap();
    let (current, other): (Arc<Workspace>, Arc<Workspace>) = (workspace_with(&all_day), workspace_with(team));
    let result =
        replay(&*service.store, &ReplayRequest { current, applied_at: from, other, from, until }, &mut |_| {}).await.unwrap();
    let calls = |agent: &str| result.outcome.replayed.agents.get(agent).map_or(0, |total| total.calls);
    assert_eq!((calls("anna"), calls("boris"), calls("clara")), (9, 0, 0), "within ten minutes only Anna is at work");
}
