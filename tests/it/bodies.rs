//! Bodies of API requests that say too little: absent ones, and fields that must be written though they may be null.

use meritline::http::access::Role;
use serde_json::{Value, json};

use crate::support::client::Answer;
use crate::support::sample_workspace::SampleWorkspace;
use crate::support::service::TestService;

async fn two() -> (TestService, String) {
    let service = TestService::of(SampleWorkspace::one_group("acme", &["anna", "boris"]).build()).await;
    let token = service.token("acme", Role::SalesLead, None).await;
    (service, token)
}

fn path(what: &str) -> String {
    format!("/api/v1/workspaces/acme/{what}")
}

fn detail(answer: &Answer) -> String {
    answer.json()["detail"].as_str().unwrap().to_owned()
}

/// Where every field may be left out, the body may: with and without a media type, of no length or of blanks.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_body_the_defaults_hold_where_there_are_some() {
    let (service, token) = two().await;
    let rested = service.client.call("POST", &path("agents/anna/rest")).token(&token).expect(200).await.json();
    assert_eq!((&rested["state"], &rested["until"]), (&json!("paused"), &json!("2026-11-23T06:10:00Z")));
    service.client.put(&path("agents/anna/presence"), &json!({"state": "available"})).token(&token).expect(200).await;
    let empty = |at: &str| service.client.call("POST", &path(at)).token(&token);
    empty("agents/anna/rest").bytes("application/json", "").expect(200).await;
    empty("agents/boris/pause-after-call").bytes("application/json", "null").expect(200).await;
    let paused = empty("agents/boris/pause-after-call").bytes("application/json", " \n").expect(200).await.json();
    assert_eq!((&paused["state"], &paused["reason"]), (&json!("paused"), &Value::Null));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_body_that_is_needed_the_answer_says_what_is_missing() {
    let (service, token) = two().await;
    for (at, field) in [("agents/anna/load", "load"), ("agents/anna/presence", "state"), ("brake", "on")] {
        let refused = service.client.call("PUT", &path(at)).token(&token).expect(422).await;
        assert_eq!(refused.code(), "invalid_body", "{at}");
        let detail = detail(&refused);
        assert!(detail.contains("no body") && detail.contains(field) && !detail.contains("EOF"), "{at}: {detail}");
    }
}

/// A tag is taken back by null, not by silence; so is a pinned version.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_required_is_not_taken_for_null() {
    let (service, token) = two().await;
    service.client.ask(&json!({"call_id": "c-1", "called": "+74951112233"})).expect(200).await;
    let answered = json!({"event_id": "e", "call_id": "c-1", "type": "answered", "agent": "anna", "at": "2026-11-23T06:00:00Z"});
    service.client.tell(&answered).expect(200).await;
    let tag = |body: Value| service.client.put(&path("calls/pbx/c-1/tag"), &body).token(&token);
    tag(json!({"tag": "spam"})).expect(200).await;
    let refused = tag(json!({})).expect(422).await;
    assert!(detail(&refused).contains("tag"), "{}", refused.text());
    let tagged = async || service.client.read("tags", &token).expect(200).await.json()["items"][0]["tagged"].clone();
    assert_eq!(tagged().await, 1);
    service.site.clock.pass(1);
    tag(json!({"tag": null})).expect(200).await;
    assert_eq!(tagged().await, 0);
    let refused = service.client.put(&path("scores/pin"), &json!({})).token(&token).expect(422).await;
    assert!(detail(&refused).contains("version"), "{}", refused.text());
}
