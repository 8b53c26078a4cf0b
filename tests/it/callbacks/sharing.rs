//! Who gets a task to call back, and that no call of a PBX can be taken for one.

use meritline::core::distribution::callback::{CallbackFacts, CallbackRules, TaskState, callback_key};
use meritline::core::distribution::recent_calls::{RecentCall, RecentCalls};
use meritline::core::ids::CallKey;
use meritline::core::intervention::InterventionBook;
use meritline::core::phone_number::PhoneNumber;
use meritline::core::policy::PersonalManager;
use meritline::http::access::Role;
use serde_json::json;

use super::{CALLER, LANDLINE, question, team};
use crate::support::sample_workspace::SampleWorkspace;
use crate::support::service::{CRM, Site, TestService};

/// A PBX may call its calls whatever it likes, also by the words that a callback was once decided under.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_that_is_named_like_a_callback_is_answered_like_any_call() {
    let service = TestService::of(team().build()).await;
    service.missed("c-1", CALLER).await;
    assert_eq!(service.share_out().await, 1);
    let [before] = service.tasks().await.try_into().unwrap();
    for name in ["callback:c-1", "c-1:callback", "callback:pbx/c-1"] {
        let answer = service.client.ask(&question(name, None)).expect(200).await.json();
        assert_eq!((answer["call_id"].as_str(), answer["reason"].as_str()), (Some(name), Some("percent")));
        assert_eq!(answer["targets"][0]["stage"], "free", "{answer}");
        service.happens(name, "answered", answer["targets"][0]["agent"].as_str()).await;
        service.happens(name, "ended", None).await;
    }
    assert_eq!(service.tasks().await, [before], "the task stays as it was");
    assert_eq!(service.received().await.iter().sum::<f64>(), 4.0, "three calls and a callback");
}

/// Nor is a task taken as given out because of such a call.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_named_like_a_callback_does_not_take_the_task() {
    let service = TestService::of(team().build()).await;
    service.talked("callback:c-1", LANDLINE, 30).await;
    service.missed("c-1", CALLER).await;
    assert_eq!(service.tasks().await[0]["state"], "open");
    assert_eq!(service.share_out().await, 1);
    assert_eq!(service.tasks().await[0]["state"], "assigned");
    let service = service.restart().await;
    assert_eq!((service.tasks().await[0]["state"].as_str(), service.share_out().await), (Some("assigned"), 0));
}

/// What older versions stored under the connection's own name is still the callback of its call, and is not given out again.
#[test]
fn callbacks_stored_by_older_versions_are_found() {
    let key = |call: &str| CallKey { connection: "pbx".into(), call: call.into() };
    let at = "2026-11-23T06:00:00Z".parse::<jiff::Timestamp>().unwrap();
    let call = |calls_back: Option<&str>, offered: &str, missed: bool| RecentCall {
        caller: PhoneNumber::parse(CALLER, "RU").ok(),
        asked_at: at,
        named_at: at,
        route: None,
        group: Some("sales".into()),
        promised: false,
        calls_back: calls_back.map(Into::into),
        manager: None,
        offered: Some(offered.into()),
        talked: None,
        missed_at: missed.then_some(at),
    };
    let state = |backs: &[(CallKey, RecentCall)]| {
        let (mut calls, set) = (RecentCalls::default(), InterventionBook::default());
        calls.put(&key("c-1"), call(None, "anna", true));
        backs.iter().for_each(|(key, call)| calls.put(key, call.clone()));
        let facts = CallbackFacts { calls: &calls, set: &set, now: at };
        facts.tasks(|_| Some(("sales".into(), CallbackRules::default()))).remove(0).state
    };
    let boris = TaskState::Assigned { agent: "boris".into(), since: at };
    assert_eq!(state(&[]), TaskState::Open);
    assert_eq!(state(&[(callback_key(&key("c-1")), call(Some("c-1"), "boris", false))]), boris);
    assert_eq!(state(&[(key("callback:c-1"), call(Some("c-1"), "boris", false))]), boris);
    assert_eq!(state(&[(key("callback:c-1"), call(None, "boris", false))]), TaskState::Open, "a PBX's own call");
}

/// Callers are rung through to their own manager alone.
fn managers_only() -> SampleWorkspace {
    SampleWorkspace::new("acme")
        .agents(&["anna", "boris", "clara"])
        .policy("even", |policy| {
            policy.callback = CallbackRules::default();
            policy.personal_manager = PersonalManager::Only;
        })
        .group("sales", "even", &[("anna", 1.0), ("boris", 1.0), ("clara", 1.0)])
        .route("main", "sales")
        .crm(CRM)
}

async fn with_manager() -> TestService {
    let site = Site::new(vec![managers_only().build()]);
    site.directory.knows(CALLER, "user-clara");
    site.start().await
}

/// Nobody is rung for a caller without a manager; the backup number has the call, and it was missed there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_only_managers_are_rung_somebody_calls_a_caller_without_one_back() {
    let service = with_manager().await;
    let asked = service.client.ask(&question("c-1", Some(LANDLINE))).expect(200).await;
    assert!(asked.agents().is_empty());
    service.site.clock.pass(30);
    service.happens("c-1", "ended", None).await;
    assert_eq!(service.tasks().await[0]["state"], "open");
    assert_eq!(service.share_out().await, 1);
    let task = service.tasks().await.remove(0);
    assert_eq!((task["state"].as_str(), task["agent"].as_str()), (Some("assigned"), Some("anna")));
    assert_eq!(service.received().await, [1.0, 0.0, 0.0], "charged like a call");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_only_managers_are_rung_the_own_manager_calls_back_and_somebody_else_while_away() {
    let service = with_manager().await;
    assert_eq!(service.missed("c-1", CALLER).await, "clara");
    assert_eq!(service.share_out().await, 1);
    assert_eq!(service.tasks().await[0]["agent"], "clara");

    let service = with_manager().await;
    assert_eq!(service.missed("c-1", CALLER).await, "clara");
    let lead = service.token("acme", Role::SalesLead, None).await;
    let path = "/api/v1/workspaces/acme/agents/clara/presence";
    service.client.put(path, &json!({"state": "off_duty"})).token(&lead).expect(200).await;
    assert_eq!(service.share_out().await, 1);
    assert_eq!(service.tasks().await[0]["agent"], "anna");
}

/// Nobody waits on the line, so nobody is given a task while talking.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_task_waits_until_somebody_is_free() {
    let service = with_manager().await;
    service.client.ask(&question("c-1", Some(LANDLINE))).expect(200).await;
    service.happens("c-1", "ended", None).await;
    for agent in ["anna", "boris", "clara"] {
        service.happens(&format!("own-{agent}"), "answered", Some(agent)).await;
    }
    assert_eq!(service.share_out().await, 0);
    service.happens("own-boris", "ended", None).await;
    assert_eq!(service.share_out().await, 1);
    assert_eq!(service.tasks().await[0]["agent"], "boris");
}
