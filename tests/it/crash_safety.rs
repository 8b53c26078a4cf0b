//! `kill -9` at any moment loses no acknowledged event.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::Notify;
use tokio::task::JoinSet;

use crate::support::client::Client;
use crate::support::program::{ACME, Program};

fn event(round: usize, at: usize) -> Value {
    json!({"event_id": format!("e-{round}-{at}"), "call_id": format!("c-{round}-{at}"), "type": "answered", "agent": "anna",
           "at": "2026-11-23T06:00:00Z"})
}

/// Tells events from three sides until nobody answers any more; gives those that were acknowledged. `started` is told of
/// the first.
fn tell_until_killed(client: &Client, round: usize, started: &Arc<Notify>) -> JoinSet<Vec<Value>> {
    let mut telling = JoinSet::new();
    for side in 1..=3 {
        let (client, started) = (client.clone(), Arc::clone(started));
        telling.spawn(async move {
            let mut acknowledged = Vec::new();
            for at in side * 100_000.. {
                let event = event(round, at);
                match client.post("/hooks/acme/pbx/events", &event).token("pbx-secret").try_send().await {
                    Ok(status) => assert_eq!(status, 200),
                    Err(_) => break,
                }
                acknowledged.push(event);
                started.notify_one();
            }
            acknowledged
        });
    }
    telling
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kill_minus_nine_loses_no_acknowledged_event_and_stores_none_twice() {
    const ROUNDS: usize = 6;
    let program = Program::new();
    program.write("acme.yaml", ACME);
    assert_eq!(program.run(&["workspace", "apply", "acme.yaml"]).await.code, 0);
    let token = program.run(&["token", "create", "--workspace", "acme", "--role", "viewer"]).await.out.trim().to_owned();
    let mut acknowledged: Vec<Value> = Vec::new();
    for round in 0..ROUNDS {
        let (mut serving, client) = program.serve().await;
        for known in acknowledged.chunks(500) {
            let told = client.post("/hooks/acme/pbx/events", &json!(known)).token("pbx-secret").expect(200).await.json();
            assert_eq!(told["duplicates"], known.len(), "round {round}: some were acknowledged and are gone");
        }
        let started = Arc::new(Notify::new());
        let telling = tell_until_killed(&client, round, &started);
        started.notified().await;
        // Whenever the kill comes, it must be right: each round at another moment, in the middle of what is being told.
        tokio::time::sleep(Duration::from_millis(5 * (round as u64 + 1))).await;
        serving.start_kill().unwrap();
        serving.wait().await.unwrap();
        acknowledged.extend(telling.join_all().await.into_iter().flatten());
    }
    assert!(acknowledged.len() >= ROUNDS);
    let (_serving, client) = program.serve().await;
    let mut seen: HashMap<String, usize> = HashMap::new();
    let mut next = String::new();
    loop {
        let page = client.read(&format!("events?limit=200{next}"), &token).expect(200).await.json();
        for item in page["items"].as_array().unwrap() {
            *seen.entry(item["event_id"].as_str().unwrap().to_owned()).or_default() += 1;
        }
        match page["next"].as_str() {
            Some(cursor) => next = format!("&cursor={cursor}"),
            None => break,
        }
    }
    for known in &acknowledged {
        assert!(seen.contains_key(known["event_id"].as_str().unwrap()), "{known}");
    }
    assert!(seen.values().all(|times| *times == 1), "{seen:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_decision_on_disk_is_repeated_byte_for_byte_after_kill_minus_nine() {
    let program = Program::new();
    program.write("acme.yaml", ACME);
    assert_eq!(program.run(&["workspace", "apply", "acme.yaml"]).await.code, 0);
    let token = program.run(&["token", "create", "--workspace", "acme", "--role", "viewer"]).await.out.trim().to_owned();
    let question = json!({"call_id": "c-1", "called": "+74951112233"});
    let (mut serving, client) = program.serve().await;
    let first = client.post("/hooks/acme/pbx/decision", &question).token("pbx-secret").expect(200).await.body;
    // An event is acknowledged only when it, and what came before it, is on disk.
    let event = json!({"event_id": "e-1", "call_id": "c-1", "type": "started", "at": "2026-11-23T06:00:00Z"});
    client.post("/hooks/acme/pbx/events", &event).token("pbx-secret").expect(200).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    serving.start_kill().unwrap();
    serving.wait().await.unwrap();
    let (_serving, client) = program.serve().await;
    let again = client.post("/hooks/acme/pbx/decision", &question).token("pbx-secret").expect(200).await.body;
    assert_eq!(again, first);
    let decisions = client.read("decisions", &token).expect(200).await.json();
    assert_eq!(decisions["items"].as_array().unwrap().len(), 1);
}
