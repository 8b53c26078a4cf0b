//! Call events: at least once and in any order, counted once, on disk before they are acknowledged.

use meritline::core::workspace::EventFeed;
use meritline::http::access::Role;
use serde_json::{Value, json};

use crate::support::client::{Client, drip};
use crate::support::sample_workspace::SampleWorkspace;
use crate::support::service::{Site, TestService, secret};

const AT: &str = "2026-11-23T06:00:00Z";

fn event(id: &str, call: &str, kind: &str, agent: &str) -> Value {
    json!({"event_id": id, "call_id": call, "type": kind, "agent": agent, "at": AT})
}

async fn ask(client: &Client, call: &str) -> Vec<String> {
    client.ask(&json!({"call_id": call, "called": "+74951112233"})).expect(200).await.agents()
}

async fn shares(service: &TestService, token: &str) -> Value {
    service.client.read("groups/sales/shares", token).expect(200).await.json()["members"].take()
}

async fn states(service: &TestService, token: &str) -> Vec<String> {
    let agents = service.client.read("agents", token).expect(200).await.json();
    agents["items"].as_array().unwrap().iter().map(|agent| agent["state"].as_str().unwrap().to_owned()).collect()
}

async fn two() -> (TestService, String) {
    let service = TestService::of(SampleWorkspace::one_group("acme", &["anna", "boris"]).build()).await;
    let token = service.token("acme", Role::SalesLead, None).await;
    (service, token)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_event_or_many_are_taken_and_a_repeated_one_counts_once() {
    let (service, token) = two().await;
    let first = ask(&service.client, "c-1").await[0].clone();
    let answered = event("e-1", "c-1", "answered", &first);
    let told = service.client.tell(&answered).expect(200).await.json();
    assert_eq!(told, json!({"accepted": 1, "duplicates": 0, "rejected": []}));
    let once = shares(&service, &token).await;
    let ended = event("e-2", "c-1", "ended", &first);
    let told = service.client.tell(&json!([answered, answered, ended])).expect(200).await.json();
    assert_eq!(told, json!({"accepted": 1, "duplicates": 2, "rejected": []}));
    let member =
        |shares: &Value| shares.as_array().unwrap().iter().find(|member| member["member"] == first.as_str()).unwrap().clone();
    assert_eq!(member(&once)["received"], json!(1.0));
    assert_eq!(member(&shares(&service, &token).await)["received"], json!(1.0));
}

/// All orders of the events of two calls, with repeats, end in the same shares and states.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_in_any_order_end_in_the_same_state() {
    let events = [
        event("1", "c-1", "offered", "anna"),
        event("2", "c-1", "missed", "anna"),
        event("3", "c-1", "answered", "boris"),
        json!({"event_id": "4", "call_id": "c-1", "type": "ended", "at": "2026-11-23T06:02:00Z", "talk_seconds": 90, "agent": "boris"}),
        event("5", "c-2", "answered", "anna"),
    ];
    let orders = [[0, 1, 2, 3, 4], [4, 3, 2, 1, 0], [3, 0, 4, 2, 1], [2, 4, 0, 3, 1]];
    let mut ends = Vec::new();
    for order in orders {
        let (service, token) = two().await;
        ask(&service.client, "c-1").await;
        ask(&service.client, "c-2").await;
        for at in order {
            service.client.tell(&events[at]).expect(200).await;
            service.client.tell(&events[order[0]]).expect(200).await;
        }
        ends.push((shares(&service, &token).await, states(&service, &token).await));
    }
    assert!(ends.windows(2).all(|pair| pair[0] == pair[1]), "{ends:#?}");
    assert_eq!(ends[0].1[0], "talking");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_talking_agent_is_not_rung_in_stage_free_and_is_free_after_the_call() {
    let (service, token) = two().await;
    let first = ask(&service.client, "c-1").await[0].clone();
    service.client.tell(&event("e-1", "c-1", "answered", &first)).expect(200).await;
    let other = if first == "anna" { "boris" } else { "anna" };
    assert_eq!(ask(&service.client, "c-2").await, [other]);
    service.client.tell(&event("e-2", "c-2", "answered", other)).expect(200).await;
    // Nobody is free: the backup number.
    let nobody = service.client.ask(&json!({"call_id": "c-3", "called": "+74951112233"})).expect(200).await.json();
    assert_eq!((&nobody["targets"], &nobody["reason"]), (&json!([]), &json!("fallback")));
    service.client.tell(&event("e-3", "c-1", "ended", &first)).expect(200).await;
    assert_eq!(ask(&service.client, "c-4").await, [first]);
    assert_eq!(states(&service, &token).await.iter().filter(|state| *state == "talking").count(), 1);
}

/// Anna has an extension and a mobile; the PBX names neither her nor the extension, and writes the mobile in its own way.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_talks_on_one_number_is_busy_on_all() {
    let workspace = SampleWorkspace::one_group("acme", &["anna", "boris"]).mobile("anna", "+79161112233").build();
    let service = TestService::of(workspace).await;
    let token = service.token("acme", Role::SalesLead, None).await;
    let on_the_mobile = |id: &str, kind: &str| json!({"event_id": id, "call_id": "private", "type": kind, "number": "8 (916) 111-22-33", "at": AT});
    service.client.tell(&on_the_mobile("e-1", "answered")).expect(200).await;
    assert_eq!(states(&service, &token).await, ["talking", "free"]);
    assert_eq!(ask(&service.client, "c-1").await, ["boris"]);
    service.client.tell(&event("e-2", "c-1", "missed", "boris")).expect(200).await;
    service.client.tell(&on_the_mobile("e-3", "ended")).expect(200).await;
    assert_eq!(states(&service, &token).await, ["free", "free"]);
    assert_eq!(ask(&service.client, "c-2").await, ["anna", "boris"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_event_that_cannot_be_used_is_told_by_its_place() {
    let (service, _) = two().await;
    let batch = json!([
        event("e-1", "c-1", "answered", "anna"),
        {"event_id": "e-2", "call_id": "c-1", "type": "teleported", "at": AT},
        {"event_id": "e-3", "type": "answered", "agent": "anna", "at": AT},
        {"event_id": "e-4", "call_id": "c-1", "type": "answered", "agent": "anna", "at": "yesterday"},
    ]);
    let told = service.client.tell(&batch).expect(200).await.json();
    assert_eq!((&told["accepted"], &told["duplicates"]), (&json!(1), &json!(0)));
    let rejected: Vec<(u64, &str)> = told["rejected"]
        .as_array()
        .unwrap()
        .iter()
        .map(|fault| (fault["index"].as_u64().unwrap(), fault["code"].as_str().unwrap()))
        .collect();
    assert_eq!(rejected, [(1, "wrong_value"), (2, "missing_field"), (3, "wrong_value")]);
    let none = service.client.tell(&json!([{"event_id": "e-9", "type": "answered", "at": AT}])).expect(422).await;
    assert_eq!(none.code(), "events_rejected");
    let many: Vec<Value> = (0..1001).map(|at| event(&at.to_string(), "c-1", "held", "anna")).collect();
    assert_eq!(service.client.tell(&json!(many)).expect(413).await.code(), "too_many_events");
}

/// Where no events come, the decision is all there is: the first target counts as having received the call, although the
/// policy counts answered calls, and is held busy as long as the connection says: here 30 s.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_events_the_first_target_counts_at_once_and_is_held_for_a_while() {
    let workspace = SampleWorkspace::one_group("acme", &["anna", "boris"]).all_dialects();
    let service = TestService::of(workspace.build()).await;
    let token = service.token("acme", Role::Viewer, None).await;
    let ask_quietly = async |call: &str| -> Vec<String> {
        let body = json!({"call_id": call, "called": "+74951112233"});
        let asked = service.client.post("/hooks/acme/quiet/decision", &body).token(&secret("acme", "quiet"));
        asked.expect(200).await.agents()
    };
    let first = ask_quietly("c-1").await[0].clone();
    let other = if first == "anna" { "boris" } else { "anna" };
    let of = async |agent: &str| -> Value {
        let shares = shares(&service, &token).await;
        shares.as_array().unwrap().iter().find(|member| member["member"] == agent).unwrap().clone()
    };
    let mine = of(&first).await;
    assert_eq!((&mine["received"], &mine["expected"], &mine["owed"]), (&json!(1.0), &json!(0.5), &json!(-0.5)));
    service.site.clock.pass(29);
    assert_eq!(ask_quietly("c-2").await, [other]);
    service.site.clock.pass(2);
    // 31 s after the first call and 2 s after the second: one is held no more, the other still is.
    assert_eq!(ask_quietly("c-3").await, [first.as_str()]);
    assert_eq!((of(&first).await["received"].clone(), of(other).await["received"].clone()), (json!(2.0), json!(1.0)));
}

/// Without any PBX that posts events, nobody can tell whether an agent talks.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_events_the_state_of_an_agent_is_unknown() {
    let workspace = SampleWorkspace::one_group("acme", &["anna", "boris"]);
    let workspace = workspace.pbx("pbx", "pbx/native", EventFeed::None { hold_seconds: 30 });
    let service = TestService::of(workspace.build()).await;
    let token = service.token("acme", Role::Viewer, None).await;
    assert_eq!(states(&service, &token).await, ["unknown", "unknown"]);
    // That one of them is held is our own caution, not what a PBX told.
    ask(&service.client, "c-1").await;
    assert_eq!(states(&service, &token).await, ["unknown", "unknown"]);
}

/// A foreign PBX sends what nobody asked for: it is answered well, kept for people to see, and counts nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_of_a_type_the_dialect_does_not_know_stays_in_the_inbox() {
    let service = TestService::of(SampleWorkspace::one_group("acme", &["anna"]).all_dialects().build()).await;
    let token = service.token("acme", Role::CrmAdmin, None).await;
    let path = format!("/hooks/acme/uis/events?token={}", secret("acme", "uis"));
    let sent = r#"{"notification_name": "Новая заявка", "call_session_id": 981}"#;
    let told = service.client.call("POST", &path).bytes("application/json", sent).expect(200).await.json();
    assert_eq!(told, json!({"accepted": 0, "duplicates": 0}));
    service
        .eventually("the webhook is in the inbox", async || {
            let inbox = service.client.read("connections/uis/inbox", &token).expect(200).await.json();
            let Some(kept) = inbox["items"].get(0) else { return false };
            assert_eq!((&kept["code"], &kept["body"]), (&json!("unknown_event_type"), &json!(sent)));
            true
        })
        .await;
    assert_eq!(service.client.read("events", &token).expect(200).await.json()["items"], json!([]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_that_is_too_large_or_drips_in_stores_nothing() {
    let mut site = Site::new(vec![SampleWorkspace::one_group("acme", &["anna"]).build()]);
    site.body_ms = 200;
    let service = site.start().await;
    let token = service.token("acme", Role::Viewer, None).await;
    let mut large = event("e-1", "c-1", "answered", "anna");
    large["reason"] = "x".repeat(10 * 1024 * 1024).into();
    assert_eq!(service.client.tell(&large).expect(413).await.code(), "body_too_large");
    let body = event("e-2", "c-1", "answered", "anna").to_string();
    let text = drip(service.address, "/hooks/acme/pbx/events", &body).await;
    assert!(text.starts_with("HTTP/1.1 408") && text.contains("body_timeout"), "{text}");
    assert_eq!(service.client.read("events", &token).expect(200).await.json()["items"], json!([]));
}

/// Nothing is lost: it may be about a call that another system routed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_of_an_unknown_call_or_agent_is_stored_and_flagged() {
    let (service, token) = two().await;
    let told = service.client.tell(&event("e-1", "never-asked", "answered", "zoe")).expect(200).await.json();
    assert_eq!(told["accepted"], 1);
    let events = service.client.read("events", &token).expect(200).await.json();
    let item = &events["items"][0];
    assert_eq!((&item["event_id"], &item["unknown_call"], &item["unknown_agent"]), (&json!("e-1"), &json!(true), &json!(true)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_is_there_after_a_restart() {
    let (service, token) = two().await;
    let first = ask(&service.client, "c-1").await[0].clone();
    service.client.tell(&event("e-1", "c-1", "answered", &first)).expect(200).await;
    let before = (shares(&service, &token).await, states(&service, &token).await);
    let service = service.restart().await;
    assert_eq!((shares(&service, &token).await, states(&service, &token).await), before);
    let told = service.client.tell(&event("e-1", "c-1", "answered", &first)).expect(200).await.json();
    assert_eq!(told["duplicates"], 1);
}
