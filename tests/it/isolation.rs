//! One workspace can neither see nor influence another.

use std::sync::Arc;
use std::time::Duration;

use meritline::broker::caller_lookup::LookupLimits;
use meritline::broker::permits::InFlightMax;
use meritline::http::access::Role;
use serde_json::json;
use sqlx::Connection;
use tokio::sync::Notify;
use tokio::task::JoinSet;

use crate::support::client::Client;
use crate::support::fakes::Mood;
use crate::support::sample_workspace::SampleWorkspace;
use crate::support::service::{CRM, Site, TestService, secret};

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

/// A service with two places of each class, one of them for each company. The CRM of `acme` never answers.
async fn two_companies_in_a_small_house() -> TestService {
    let acme = SampleWorkspace::one_group("acme", &["anna", "boris"]).crm(CRM).build();
    let other = SampleWorkspace::one_group("other", &["anna", "boris"]).build();
    let mut site = Site::new(vec![acme, other]);
    site.in_flight_max = InFlightMax { decisions: 2, events: 2, api: 2 };
    site.lookup = LookupLimits { question: Duration::from_secs(3600), ..LookupLimits::default() };
    site.directory.set_mood(Mood::Hangs);
    site.start().await
}

/// Sends requests from four sides until it is dropped; returns once one of them was turned away.
async fn flood<F>(client: &Client, request: impl Fn(Client) -> F + Clone + Send + 'static) -> JoinSet<()>
where
    F: Future<Output = bool> + Send,
{
    let turned_away = Arc::new(Notify::new());
    let mut senders = JoinSet::new();
    for _ in 0..4 {
        let (client, request, told) = (client.clone(), request.clone(), Arc::clone(&turned_away));
        senders.spawn(async move {
            loop {
                if request(client.clone()).await {
                    told.notify_one();
                }
            }
        });
    }
    let filled = tokio::time::timeout(Duration::from_secs(30), turned_away.notified()).await;
    filled.expect("four at once do not find room in one place");
    senders
}

/// Calls of `acme` wait for its CRM as long as their deadline lets them, and more come than there are places.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_that_wait_for_one_workspaces_crm_leave_room_for_those_of_another() {
    let service = two_companies_in_a_small_house().await;
    let acme = flood(&service.client, |client| async move {
        let body = json!({"call_id": "c-1", "caller": "+79161234567", "called": "+74951112233"});
        client.ask(&body).expect(200).await.json()["degraded"] == json!(["overload"])
    })
    .await;
    for call in 0..20 {
        let body = json!({"call_id": format!("c-{call}"), "called": "+74951112233"});
        let asked = service.client.post("/hooks/other/pbx/decision", &body).token(&secret("other", "pbx"));
        let decision = asked.expect(200).await.json();
        assert!(!decision["degraded"].as_array().unwrap().contains(&json!("overload")), "call {call}: {decision}");
    }
    drop(acme);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_of_one_workspace_leave_room_for_those_of_another() {
    let service = two_companies_in_a_small_house().await;
    let (acme_token, token) = (service.token("acme", Role::Viewer, None).await, service.token("other", Role::Viewer, None).await);
    // Who reads decisions waits a moment for those not on disk yet: it keeps the place.
    let holder = service.stall_disk().await;
    service.client.ask(&json!({"call_id": "c-1", "called": "+74951112233"})).expect(200).await;
    let acme = flood(&service.client, move |client| {
        let reading = client.read("decisions", &acme_token);
        async move { reading.send().await.status == 503 }
    })
    .await;
    for _ in 0..20 {
        service.client.get("/api/v1/workspaces/other/agents").token(&token).expect(200).await;
    }
    drop(acme);
    holder.close().await.unwrap();
}

/// The disk stalls, so that events keep their places. Of two requests of a company one has the company's place and waits,
/// the other is told to come again: for both companies, so neither has the other's.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_of_one_workspace_leave_room_for_those_of_another() {
    let service = two_companies_in_a_small_house().await;
    let holder = service.stall_disk().await;
    let mut waiting = Vec::new();
    for company in ["acme", "other"] {
        let mut telling = JoinSet::new();
        for id in ["e-1", "e-2"] {
            let event =
                json!({"event_id": id, "call_id": "c-1", "type": "answered", "agent": "anna", "at": "2026-11-23T06:00:00Z"});
            let call = service.client.post(&format!("/hooks/{company}/pbx/events"), &event);
            telling.spawn(call.token(&secret(company, "pbx")).send());
        }
        let turned_away = telling.join_next().await.unwrap().unwrap();
        assert_eq!((turned_away.status, turned_away.code().as_str()), (503, "overloaded"), "{company}");
        assert_eq!(turned_away.headers["retry-after"], "1");
        waiting.push(telling);
    }
    holder.close().await.unwrap();
    for mut telling in waiting {
        assert_eq!(telling.join_next().await.unwrap().unwrap().status, 200);
    }
}
