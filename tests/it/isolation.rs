//! One workspace can neither see nor influence another.

use meritline::http::access::Role;
use serde_json::json;

use crate::support::sample_workspace::SampleWorkspace;
use crate::support::service::{Site, TestService, secret};

async fn two_companies() -> TestService {
    let acme = SampleWorkspace::one_group("acme", &["anna", "boris"]).build();
    let other = SampleWorkspace::one_group("other", &["anna", "boris"]).build();
    Site::new(vec![acme, other]).start().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_call_id_in_two_workspaces_is_two_calls() {
    let service = two_companies().await;
    let body = json!({"call_id": "c-1", "called": "+74951112233"});
    let ours = service.client.ask(&body).expect(200).await.json();
    let theirs = service.client.post("/hooks/other/pbx/decision", &body).token(&secret("other", "pbx")).expect(200).await.json();
    assert_ne!(ours["decision_id"], theirs["decision_id"]);
}

/// Anna of one company is on the phone; Anna of the other is another person.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_of_one_workspace_make_nobody_busy_in_another() {
    let service = two_companies().await;
    for (call, agent) in [("c-1", "anna"), ("c-2", "boris")] {
        let event = json!({"event_id": call, "call_id": call, "type": "answered", "agent": agent, "at": "2026-11-23T06:00:00Z"});
        service.client.tell(&event).expect(200).await;
    }
    let body = json!({"call_id": "c-3", "called": "+74951112233"});
    assert!(service.client.ask(&body).expect(200).await.agents().is_empty());
    let theirs = service.client.post("/hooks/other/pbx/decision", &body).token(&secret("other", "pbx")).expect(200).await;
    assert_eq!(theirs.agents().len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_secret_or_token_of_one_workspace_opens_no_other() {
    let service = two_companies().await;
    let body = json!({"call_id": "c-1", "called": "+74951112233"});
    service.client.post("/hooks/other/pbx/decision", &body).token(&secret("acme", "pbx")).expect(401).await;
    let token = service.token("acme", Role::Operator, None).await;
    for path in ["agents", "decisions", "events", "scores", "groups/sales/shares", "connections"] {
        service.client.get(&format!("/api/v1/workspaces/other/{path}")).token(&token).expect(401).await;
    }
}
