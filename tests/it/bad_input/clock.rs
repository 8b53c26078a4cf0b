//! A clock that jumps back or forward an hour, and days with 23 or 25 hours.

use meritline::core::policy::WrapUp;
use meritline::http::access::Role;
use serde_json::{Value, json};

use crate::support::sample_workspace::SampleWorkspace;
use crate::support::service::TestService;

const HOUR: i64 = 3600;

fn question(call: &str, attempt: Option<u32>) -> Value {
    json!({"call_id": call, "called": "+74951112233", "attempt": attempt})
}

impl TestService {
    /// Asks about the first attempt of a call.
    async fn asks(&self, call: &str) -> Vec<String> {
        self.client.ask(&question(call, Some(1))).expect(200).await.agents()
    }

    pub(super) async fn hears(&self, call: &str, kind: &str, agent: Option<&str>) {
        let id = format!("{call}-{kind}-{}", agent.unwrap_or("call"));
        let event = json!({"event_id": id, "call_id": call, "type": kind, "agent": agent, "at": "2026-11-23T06:00:05Z"});
        self.client.tell(&event).expect(200).await;
    }

    pub(super) async fn sets(&self, agent: &str, what: &str, body: Value) {
        let lead = self.token("acme", Role::SalesLead, None).await;
        self.client.put(&format!("/api/v1/workspaces/acme/agents/{agent}/{what}"), &body).token(&lead).expect(200).await;
    }

    async fn state_of(&self, agent: &str) -> String {
        let lead = self.token("acme", Role::SalesLead, None).await;
        let agents = self.client.read("agents", &lead).expect(200).await.json();
        let found = agents["items"].as_array().unwrap().iter().find(|item| item["agent"] == agent).cloned();
        found.unwrap()["state"].as_str().unwrap().to_owned()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_the_clock_was_set_back_nobody_is_held_for_an_offer_that_is_long_over() {
    let service = TestService::of(SampleWorkspace::one_group("acme", &["anna"]).build()).await;
    assert_eq!(service.asks("c-1").await, ["anna"]);
    assert!(service.asks("c-2").await.is_empty(), "she is being rung");
    service.site.clock.pass(-HOUR);
    assert_eq!(service.asks("c-3").await, ["anna"]);
    assert!(service.asks("c-4").await.is_empty(), "and now for that one");
    service.site.clock.pass(26);
    assert_eq!(service.asks("c-5").await, ["anna"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_the_clock_was_set_back_a_conversation_lasts_until_its_end_is_told() {
    let wrap_up = WrapUp { base_seconds: 30.0, per_talk_second: 0.0, max_seconds: 180.0 };
    let members = [("anna", 1.0)];
    let workspace = SampleWorkspace::new("acme").agents(&["anna"]).policy("p", |policy| policy.guard.wrap_up = Some(wrap_up));
    let service = TestService::of(workspace.group("sales", "p", &members).route("main", "sales").build()).await;
    service.asks("c-1").await;
    service.hears("c-1", "answered", Some("anna")).await;
    service.site.clock.pass(-HOUR);
    assert_eq!(service.state_of("anna").await, "talking");
    assert!(service.asks("c-2").await.is_empty());
    service.hears("c-1", "ended", None).await;
    assert_eq!(service.state_of("anna").await, "wrap_up");
    service.site.clock.pass(30);
    assert_eq!(service.asks("c-3").await, ["anna"]);
    // After-call time that began before the clock was set back does not last an hour and more.
    service.hears("c-3", "answered", Some("anna")).await;
    service.hears("c-3", "ended", None).await;
    service.site.clock.pass(-HOUR);
    assert_eq!(service.asks("c-4").await, ["anna"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_retry_gets_its_answer_whatever_the_clock_did_meanwhile_and_counts_once() {
    for jump in [-HOUR, HOUR] {
        let service = TestService::of(SampleWorkspace::one_group("acme", &["anna", "boris"]).build()).await;
        let first = service.client.ask(&question("c-1", Some(1))).expect(200).await.json();
        service.site.clock.pass(jump);
        let again = service.client.ask(&question("c-1", Some(1))).expect(200).await.json();
        assert_eq!(again, first, "{jump}");
        service.hears("c-1", "answered", Some("anna")).await;
        service.hears("c-1", "ended", None).await;
        let lead = service.token("acme", Role::SalesLead, None).await;
        let shares = service.client.read("groups/sales/shares", &lead).expect(200).await.json();
        let owed: Vec<f64> =
            shares["members"].as_array().unwrap().iter().map(|member| member["owed"].as_f64().unwrap()).collect();
        // An hour of a half-life of ten fades half a call to 0.467.
        let half = if jump > 0 { 0.5 * 0.5f64.powf(0.1) } else { 0.5 };
        assert!((owed[0] + half).abs() < 1e-6 && (owed[1] - half).abs() < 1e-6, "{jump}: {owed:?}");
    }
}

/// A dialect without attempts: soon after an answer a question is a retry. An hour before it is another attempt, else the caller would
/// hear the same phone for an hour.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_question_from_before_the_last_answer_is_the_next_attempt() {
    let service = TestService::of(SampleWorkspace::one_group("acme", &["anna", "boris"]).build()).await;
    let attempt = async || service.client.ask(&question("c-1", None)).expect(200).await.json()["attempt"].clone();
    assert_eq!((attempt().await, attempt().await), (json!(1), json!(1)));
    service.site.clock.pass(-HOUR);
    assert_eq!((attempt().await, attempt().await), (json!(2), json!(2)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_set_by_hand_holds_at_once_though_the_clock_was_set_back() {
    let service = TestService::of(SampleWorkspace::one_group("acme", &["anna", "boris"]).build()).await;
    let lead = service.token("acme", Role::SalesLead, None).await;
    service.sets("anna", "presence", json!({"state": "available"})).await;
    service.sets("anna", "load", json!({"load": "heavier"})).await;
    service.site.clock.pass(-HOUR);
    service.sets("anna", "load", json!({"load": "lighter"})).await;
    service.sets("anna", "presence", json!({"state": "paused"})).await;
    assert_eq!(service.state_of("anna").await, "paused");
    let agents = service.client.read("agents", &lead).expect(200).await.json();
    assert_eq!(agents["items"][0]["load"], "lighter");
    assert_eq!(service.asks("c-1").await, ["boris"]);
    service.sets("anna", "presence", json!({"state": "available"})).await;
    assert_eq!(service.state_of("anna").await, "free");
    // A restart folds the same, though what was set last is not the latest by the clock.
    let service = service.restart().await;
    assert_eq!(service.state_of("anna").await, "free");
    let rest = service.client.post("/api/v1/workspaces/acme/agents/anna/rest", &json!({"minutes": 10})).token(&lead);
    rest.expect(200).await;
    assert_eq!(service.state_of("anna").await, "paused");
    service.site.clock.pass(601);
    assert_eq!(service.state_of("anna").await, "free", "ten minutes are ten minutes");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_the_clock_jumps_forward_offers_are_over_and_conversations_go_on() {
    let service = TestService::of(SampleWorkspace::one_group("acme", &["anna", "boris"]).build()).await;
    assert_eq!(service.asks("c-1").await, ["anna", "boris"]);
    service.hears("c-1", "answered", Some("anna")).await;
    assert_eq!(service.asks("c-2").await, ["boris"]);
    service.site.clock.pass(HOUR);
    assert_eq!(service.state_of("anna").await, "talking");
    assert_eq!(service.asks("c-3").await, ["boris"], "the offer of c-2 ran out, the conversation did not");
}

/// In Berlin the clocks go back on 25 October 2026 and forward on 29 March: the days have 25 and 23 hours, from midnight to midnight.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_days_of_a_clock_change_are_explained_from_midnight_to_midnight() {
    let workspace = SampleWorkspace::one_group("acme", &["anna"]).time_zone("Europe/Berlin");
    let service = TestService::of(workspace.build()).await;
    let lead = service.token("acme", Role::SalesLead, None).await;
    for (day, from, until) in [
        ("2026-10-25", "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z"),
        ("2026-03-29", "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z"),
    ] {
        let path = format!("groups/sales/shares/explanation?from={day}");
        let told = service.client.read(&path, &lead).expect(200).await.json();
        assert_eq!((&told["from"], &told["until"]), (&json!(from), &json!(until)), "{day}");
    }
}

/// Half past two comes twice that night. A call of the second time is an hour after one of the first, and its parts are told in order.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_in_the_hour_that_comes_twice_are_an_hour_apart() {
    let workspace = SampleWorkspace::one_group("acme", &["anna", "boris"]).time_zone("Europe/Berlin");
    let service = TestService::of(workspace.build()).await;
    // From 23 November, 06:00 UTC back to 25 October, 00:30 UTC: 02:30 summer time.
    service.site.clock.pass(-(29 * 24 * HOUR + 5 * HOUR + HOUR / 2));
    assert_eq!(service.asks("c-1").await, ["anna", "boris"]);
    service.hears("c-1", "answered", Some("anna")).await;
    service.hears("c-1", "ended", None).await;
    service.site.clock.pass(HOUR);
    assert_eq!(service.asks("c-2").await, ["boris", "anna"]);
    let lead = service.token("acme", Role::SalesLead, None).await;
    let decisions = service.client.read("decisions", &lead).expect(200).await.json();
    let times: Vec<&Value> = decisions["items"].as_array().unwrap().iter().map(|item| &item["received_at"]).collect();
    assert_eq!(times, [&json!("2026-10-25T01:30:00Z"), &json!("2026-10-25T00:30:00Z")]);
    // Its period faded for an hour of ten, not for none.
    let shares = service.client.read("groups/sales/shares", &lead).expect(200).await.json();
    let owed = shares["members"][1]["owed"].as_f64().unwrap();
    assert!((owed - (0.5 * 0.5f64.powf(0.1) + 0.5 - 1.0)).abs() < 1e-6, "{owed}");
}
