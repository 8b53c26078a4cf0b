//! Nobody to ring: everybody paused or away, and those who are left have no share. The caller never hears a dead line.

use meritline::http::access::Role;
use serde_json::{Value, json};

use crate::support::sample_workspace::SampleWorkspace;
use crate::support::service::TestService;

fn asked(call: &str) -> Value {
    json!({"call_id": call, "called": "+74951112233"})
}

/// Boris is in the group with a base of 0: never rung through it, also while nobody else is there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_only_members_without_a_share_are_left_calls_go_to_the_fallback() {
    for mode in ["percent", "equal_calls"] {
        let workspace = SampleWorkspace::new("acme")
            .agents(&["anna", "boris"])
            .policy("p", |policy| {
                if mode == "equal_calls" {
                    policy.mode = meritline::core::policy::Mode::EqualCalls;
                }
            })
            .group("sales", "p", &[("anna", 1.0), ("boris", 0.0)])
            .route("main", "sales");
        let service = TestService::of(workspace.build()).await;
        service.sets("anna", "presence", json!({"state": "off_duty"})).await;
        let answer = service.client.ask(&asked("c-1")).expect(200).await.json();
        assert_eq!((&answer["reason"], &answer["targets"]), (&json!("fallback"), &json!([])), "{mode}");
        assert_eq!(answer["fallback"]["number"], "+74951112200");
        let lead = service.token("acme", Role::SalesLead, None).await;
        let shares = service.client.read("groups/sales/shares", &lead).expect(200).await.json();
        for member in shares["members"].as_array().unwrap() {
            assert_eq!((&member["weight"], &member["owed"]), (&json!(0.0), &json!(0.0)), "{mode}: {member}");
        }
    }
}

/// Without a backup number there is nothing to offer: the answer says so in so many words, and is kept with its reason.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everybody_paused_and_no_backup_number_is_answered_and_told() {
    let workspace = SampleWorkspace::new("acme")
        .agents(&["anna", "boris"])
        .policy("even", |_| {})
        .group("sales", "even", &[("anna", 1.0), ("boris", 1.0)])
        .route_for("main", "+74951112233", "sales", None);
    let service = TestService::of(workspace.build()).await;
    for agent in ["anna", "boris"] {
        service.sets(agent, "presence", json!({"state": "paused"})).await;
    }
    let answer = service.client.ask(&asked("c-1")).expect(200).await.json();
    assert_eq!((&answer["reason"], &answer["targets"], &answer["fallback"]), (&json!("fallback"), &json!([]), &Value::Null));
    let lead = service.token("acme", Role::SalesLead, None).await;
    let decisions = service.client.read("decisions", &lead).expect(200).await.json();
    assert_eq!((&decisions["items"][0]["call_id"], &decisions["items"][0]["reason"]), (&json!("c-1"), &json!("fallback")));
}

/// Offices are members like people: one whose people are all paused has nobody to ring, and the other gets the calls.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_office_where_everybody_is_paused_gets_no_call() {
    let workspace = SampleWorkspace::new("acme")
        .agents(&["anna", "boris"])
        .policy("even", |_| {})
        .group("sales", "even", &[("moscow", 9.0), ("kazan", 1.0)])
        .group("moscow", "even", &[("anna", 1.0)])
        .group("kazan", "even", &[("boris", 1.0)])
        .route("main", "sales");
    let service = TestService::of(workspace.build()).await;
    service.sets("anna", "presence", json!({"state": "paused"})).await;
    assert_eq!(service.client.ask(&asked("c-1")).expect(200).await.agents(), ["boris"]);
    let lead = service.token("acme", Role::SalesLead, None).await;
    let shares = service.client.read("groups/sales/shares", &lead).expect(200).await.json();
    let weights: Vec<&Value> = shares["members"].as_array().unwrap().iter().map(|member| &member["weight"]).collect();
    assert_eq!(weights, [&json!(0.0), &json!(1.0)]);
}
