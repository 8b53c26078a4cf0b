//! `kill -9` at any moment loses no acknowledged event.

use serde_json::{Value, json};

use crate::support::program::{ACME, Program};

fn event(round: usize, at: usize) -> Value {
    json!({"event_id": format!("e-{round}-{at}"), "call_id": format!("c-{round}-{at}"), "type": "answered", "agent": "anna",
           "at": "2026-11-23T06:00:00Z"})
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
        for known in &acknowledged {
            let told = client.post("/hooks/acme/pbx/events", known).token("pbx-secret").expect(200).await.json();
            assert_eq!(told["duplicates"], 1, "round {round}: {known} was acknowledged and is gone");
        }
        for at in 0..=round * 3 {
            let event = event(round, at);
            client.post("/hooks/acme/pbx/events", &event).token("pbx-secret").expect(200).await;
            acknowledged.push(event);
        }
        // In the middle of more, not waited for.
        let mut busy = tokio::task::JoinSet::new();
        busy.spawn(async move {
            for at in 1000.. {
                let told = client.post("/hooks/acme/pbx/events", &event(round, at)).token("pbx-secret");
                if told.try_send().await.is_err() {
                    break;
                }
            }
        });
        serving.start_kill().unwrap();
        serving.wait().await.unwrap();
        busy.join_all().await;
    }
    let (_serving, client) = program.serve().await;
    let mut seen = Vec::new();
    let mut next = String::new();
    loop {
        let page = client.read(&format!("events?limit=200{next}"), &token).expect(200).await.json();
        seen.extend(page["items"].as_array().unwrap().iter().map(|item| item["event_id"].as_str().unwrap().to_owned()));
        match page["next"].as_str() {
            Some(cursor) => next = format!("&cursor={cursor}"),
            None => break,
        }
    }
    for known in &acknowledged {
        assert_eq!(seen.iter().filter(|id| *id == known["event_id"].as_str().unwrap()).count(), 1, "{known}");
    }
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
    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    serving.start_kill().unwrap();
    serving.wait().await.unwrap();
    let (_serving, client) = program.serve().await;
    let again = client.post("/hooks/acme/pbx/decision", &question).token("pbx-secret").expect(200).await.body;
    assert_eq!(again, first);
    let decisions = client.read("decisions", &token).expect(200).await.json();
    assert_eq!(decisions["items"].as_array().unwrap().len(), 1);
}
