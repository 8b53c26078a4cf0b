//! Calls that a route promises to return: one task each, at once, shared and charged like calls.

use std::sync::Arc;

use meritline::broker::assign_callbacks::CallbackAssigner;
use meritline::broker::ports::{Clock, IdSource};
use meritline::http::access::Role;
use serde_json::{Value, json};

use super::{CALLER, OTHER, service};
use crate::support::service::TestService;

const LATER: &str = "\n  - {id: later, callback: {group: sales}, fallback: {number: \"+74951112200\"}}";

async fn tasks(service: &TestService) -> Vec<Value> {
    let lead = service.token("acme", Role::SalesLead, None).await;
    service.client.read("callbacks", &lead).expect(200).await.json()["items"].as_array().unwrap().clone()
}

async fn share_out(service: &TestService) -> usize {
    let assigner = CallbackAssigner {
        store: Arc::clone(&service.store),
        clock: Arc::clone(&service.site.clock) as Arc<dyn Clock>,
        ids: Arc::clone(&service.site.ids) as Arc<dyn IdSource>,
        tenant: service.tenants.find("acme").unwrap(),
    };
    assigner.assign(service.site.clock.now()).await.unwrap()
}

async fn tell(service: &TestService, call: &str, kind: &str, agent: Option<&str>) {
    let event = json!({"event_id": format!("{call}-{kind}"), "call_id": call, "type": kind, "agent": agent,
        "at": service.site.clock.now().to_string()});
    service.client.tell(&event).expect(200).await;
}

/// `tasks: false` is about missed calls: a route that promises a call makes a task all the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_task_is_there_at_once_and_only_once() {
    let service = service(LATER).await;
    let asked_at = service.site.clock.now().to_string();
    for _ in 0..3 {
        service.answered("c-1", Some(CALLER)).await;
    }
    let [task] = tasks(&service).await.try_into().unwrap();
    let told = |key: &str| task[key].clone();
    assert_eq!((told("state"), told("group"), told("route")), (json!("open"), json!("sales"), json!("later")));
    assert_eq!(told("promised"), true);
    assert_eq!((told("call_id"), told("missed_at"), told("caller")), (json!("c-1"), json!(asked_at), json!(CALLER)));
    // A recording that tells the caller so, and her hanging up, change nothing; a second attempt of the same call neither.
    tell(&service, "c-1", "answered", None).await;
    tell(&service, "c-1", "ended", None).await;
    let again = json!({"call_id": "c-1", "caller": CALLER, "called": super::CALLED, "attempt": 2});
    service.client.ask(&again).expect(200).await;
    assert_eq!(tasks(&service).await.len(), 1);
}

/// Two equal people: of four promised calls each gets two, charged like calls.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tasks_are_shared_and_charged_like_calls() {
    let service = service(LATER).await;
    for number in 1..=4 {
        service.answered(&format!("c-{number}"), Some(&format!("+7916000000{number}"))).await;
    }
    assert_eq!(share_out(&service).await, 4);
    assert_eq!(share_out(&service).await, 0, "given out once");
    let shared = tasks(&service).await;
    let of = |agent: &str| shared.iter().filter(|task| task["agent"] == agent).count();
    assert_eq!((of("boris"), of("clara")), (2, 2));
    let lead = service.token("acme", Role::SalesLead, None).await;
    let shares = service.client.read("groups/sales/shares", &lead).expect(200).await.json();
    let received: Vec<f64> =
        shares["members"].as_array().unwrap().iter().map(|member| member["received"].as_f64().unwrap()).collect();
    assert_eq!(received, [2.0, 2.0]);
}

/// Nobody could be called back: nothing is promised, no task is made, and the decision says why.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_withholds_the_number_is_not_promised_a_call() {
    let service = service(LATER).await;
    let answer = service.answered("c-1", None).await;
    assert_eq!((answer["outcome"].clone(), answer["reason"].clone()), (json!("ring"), json!("fallback")));
    assert_eq!((answer["targets"].clone(), answer["fallback"]["number"].clone()), (json!([]), json!("+74951112200")));
    service.site.clock.pass(600);
    assert_eq!(tasks(&service).await, Vec::<Value>::new());
    let lead = service.token("acme", Role::SalesLead, None).await;
    let path = format!("decisions/{}", answer["decision_id"].as_str().unwrap());
    let explained = service.client.read(&path, &lead).expect(200).await.json();
    let sentence = "Route `later` promises a call, but the number is withheld: nobody can be called back; nobody could be rung, so it \
                    went to the fallback.";
    assert_eq!(explained["route"]["sentence"], sentence);
}

/// Whom a route refuses or leaves to the scenario nobody missed, even where missed calls make tasks.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_that_are_sent_away_make_no_task() {
    let routes = r#"
  - {id: spam, when: {list: spam}, reject: {}}
  - {id: night, branch: night}"#;
    let text = super::file(routes).replace(", callback: {tasks: false}", "");
    let checked = meritline::workspace_file::read(&text, "acme.yaml", &meritline::service::settings_check::Integrations).unwrap();
    let service = TestService::of(Arc::new(checked.workspace)).await;
    for (call, caller) in [("c-1", OTHER), ("c-2", CALLER)] {
        service.answered(call, Some(caller)).await;
        tell(&service, call, "ended", None).await;
    }
    service.site.clock.pass(3600);
    assert_eq!(tasks(&service).await, Vec::<Value>::new());
}

/// The same promise where the guard has stopped everybody and the policy's order says so.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_everybody_rests_a_call_may_be_promised() {
    let text = super::file("\n  - {id: main, group: sales, fallback: {number: \"+74951112200\"}}");
    let text = text.replace(
        "callback: {tasks: false}",
        "callback: {tasks: false}, guard: {calls_per_hour: [10, 14], when_all_stopped: [callback, fallback]}",
    );
    let checked = meritline::workspace_file::read(&text, "acme.yaml", &meritline::service::settings_check::Integrations).unwrap();
    let told: Vec<String> = checked.warnings.iter().map(|warning| format!("{}: {}", warning.path, warning.message)).collect();
    assert_eq!(told.len(), 1, "{told:?}");
    let begins = "policies[0].guard.when_all_stopped[0]: connection `exolve`: ";
    assert!(told[0].starts_with(begins) && told[0].contains("the caller is not told"), "{told:?}");

    let service = TestService::of(Arc::new(checked.workspace)).await;
    for (agent, calls) in [("boris", 14), ("clara", 15)] {
        for call in 0..calls {
            let call = format!("{agent}-{call}");
            tell(&service, &call, "answered", Some(agent)).await;
            tell(&service, &call, "ended", None).await;
        }
    }
    let answer = service.answered("c-1", Some(CALLER)).await;
    let said = |answer: &Value| (answer["outcome"].clone(), answer["reason"].clone(), answer["targets"].clone());
    assert_eq!(said(&answer), (json!("callback"), json!("callback"), json!([])));
    service.site.clock.pass(1);
    assert_eq!(super::outcomes::uis(&service).await, json!({"returned_code": "we_call"}));
    assert_eq!(super::outcomes::exolve(&service).await, json!(["74951112200"]), "no such word there: the fallback");
    let withheld = service.answered("c-2", None).await;
    assert_eq!(said(&withheld), (json!("ring"), json!("fallback"), json!([])));

    let [task] = tasks(&service).await.try_into().unwrap();
    let told = |key: &str| task[key].clone();
    assert_eq!((told("call_id"), told("promised"), told("group")), (json!("c-1"), json!(true), json!("sales")));
    assert_eq!(share_out(&service).await, 0, "who rests is left alone");
    service.site.clock.pass(2 * 3600);
    assert_eq!(share_out(&service).await, 1);
    let service = service.restart().await;
    assert_eq!(tasks(&service).await[0]["state"], "assigned");
}

/// After a restart the promise is still known.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_promise_outlives_a_restart() {
    let service = service(LATER).await;
    service.answered("c-1", Some(CALLER)).await;
    let before = tasks(&service).await;
    assert_eq!(before.len(), 1);
    let service = service.restart().await;
    assert_eq!(tasks(&service).await, before);
}

/// The agent who is to call back has the context when the caller is faster.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_was_promised_a_call_and_calls_again_goes_to_who_owes_it() {
    let service = service(
        r#"
  - {id: later, scenario: night, callback: {group: sales}, fallback: {number: "+74951112200"}}
  - {id: main, group: sales, fallback: {number: "+74951112200"}}"#,
    )
    .await;
    // Boris is ahead, so that the task goes to clara.
    let first = service.answered("c-0", Some(OTHER)).await["targets"][0]["agent"].as_str().unwrap().to_owned();
    tell(&service, "c-0", "answered", Some(&first)).await;
    tell(&service, "c-0", "ended", None).await;
    let later = json!({"call_id": "c-1", "caller": CALLER, "called": super::CALLED, "scenario": "night"});
    service.client.ask(&later).expect(200).await;
    assert_eq!(share_out(&service).await, 1);
    let owes = tasks(&service).await[0]["agent"].clone();
    assert_ne!(owes, json!(first));
    let again = service.answered("c-2", Some(CALLER)).await;
    assert_eq!((again["targets"][0]["agent"].clone(), again["reason"].clone()), (owes, json!("callback")));
}
