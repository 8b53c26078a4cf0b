//! The deadline ladder: whatever the CRM does, the PBX is answered in time, and the answer says what it had to do without.
//!
//! Deadlines are held by the service's own clock; the bound asserted here is wide, so that a busy machine does not decide.

use std::time::Duration;

use meritline::broker::caller_lookup::LookupLimits;
use meritline::core::policy::PersonalManager;
use meritline::http::access::Role;
use serde_json::{Value, json};
use sqlx::Connection;

use crate::support::client::Answer;
use crate::support::fakes::Mood;
use crate::support::sample_workspace::SampleWorkspace;
use crate::support::service::{CRM, Site, TestService};

const CALLER: &str = "+79161234567";

fn site() -> Site {
    let workspace = SampleWorkspace::new("acme")
        .agents(&["anna", "boris"])
        .policy("typed", |policy| policy.personal_manager = PersonalManager::Prefer)
        .group("sales", "typed", &[("anna", 1.0), ("boris", 1.0)])
        .route("main", "sales")
        .all_dialects()
        .crm(CRM);
    Site::new(vec![workspace.build()])
}

async fn ask(service: &TestService, call: &str) -> Answer {
    service.client.ask(&json!({"call_id": call, "caller": CALLER, "called": "+74951112233"})).expect(200).await
}

fn degraded(answer: &Answer) -> Value {
    answer.json()["degraded"].take()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crm_that_never_answers_is_not_waited_for() {
    let service = site().start().await;
    service.site.directory.set_mood(Mood::Hangs);
    let answer = ask(&service, "c-1").await;
    assert_eq!(answer.agents().len(), 2);
    assert_eq!(degraded(&answer), json!(["caller_lookup"]));
    assert!(answer.took < Duration::from_secs(3), "{:?}", answer.took);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crm_that_answers_errors_costs_nothing() {
    let service = site().start().await;
    service.site.directory.set_mood(Mood::Errors);
    let answer = ask(&service, "c-1").await;
    assert_eq!((answer.agents().len(), degraded(&answer)), (2, json!(["caller_lookup"])));
    // The failure is remembered: the next call does not ask again at once.
    ask(&service, "c-2").await;
    assert_eq!(service.site.directory.questions(), 1);
}

/// A late word is not wasted: it is there for the next call.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_crm_helps_the_next_call() {
    let service = site().start().await;
    service.site.directory.knows(CALLER, "user-boris");
    service.site.directory.set_mood(Mood::Slow(700));
    assert_eq!(degraded(&ask(&service, "c-1").await), json!(["caller_lookup"]));
    for call in 2..100 {
        let answer = ask(&service, &format!("c-{call}")).await;
        if answer.json()["caller"]["known"] == true {
            assert_eq!(answer.json()["caller"]["responsible"], "boris");
            assert_eq!(service.site.directory.questions(), 1, "all calls shared one question");
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the late answer never arrived in the cache");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_known_caller_is_known_without_asking_and_stays_known_while_the_crm_is_dead() {
    let limits = LookupLimits { fresh: Duration::from_secs(1), ..LookupLimits::default() };
    let mut site = site();
    site.lookup = limits;
    let service = site.start().await;
    service.site.directory.knows(CALLER, "user-boris");
    assert_eq!(ask(&service, "c-1").await.json()["caller"]["responsible"], "boris");
    ask(&service, "c-2").await;
    assert_eq!(service.site.directory.questions(), 1);
    service.site.directory.set_mood(Mood::Errors);
    tokio::time::sleep(Duration::from_millis(1300)).await;
    let stale = ask(&service, "c-3").await;
    assert_eq!((&stale.json()["caller"]["responsible"], degraded(&stale)), (&json!("boris"), json!(["caller_stale"])));
}

/// That the CRM knows nobody of this number is a word as well: it is not asked again for it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unknown_caller_is_asked_for_once() {
    let service = site().start().await;
    for call in ["c-1", "c-2"] {
        let answer = ask(&service, call).await;
        assert_eq!((&answer.json()["caller"]["known"], degraded(&answer)), (&json!(false), json!([])));
    }
    assert_eq!(service.site.directory.questions(), 1);
}

/// The store's half of the ladder: a decision lives in memory, so a disk that stalls costs no call its agents. That records
/// wait for the disk is told, and they are written once it answers.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_that_stalls_is_not_waited_for_and_is_told() {
    let service = site().start().await;
    let token = service.token("acme", Role::Viewer, None).await;
    let holder = service.stall_disk().await;
    let mut asked = 0;
    loop {
        let answer = ask(&service, &format!("c-{asked}")).await;
        asked += 1;
        assert_eq!(answer.agents().len(), 2);
        assert!(answer.took < Duration::from_secs(3), "{:?}", answer.took);
        if degraded(&answer) == json!(["log"]) {
            break;
        }
        assert_eq!(degraded(&answer), json!([]));
        assert!(asked < 5000, "the first decision waits for the disk all the time, and no answer says so");
        // Nobody answered: the reservation is over when the next call comes.
        service.site.clock.pass(60);
    }
    holder.close().await.unwrap();
    let on_disk = async || {
        let mut calls = 0;
        let mut next = String::new();
        loop {
            let page = service.client.read(&format!("decisions?limit=500{next}"), &token).expect(200).await.json();
            calls += page["items"].as_array().unwrap().len();
            let Some(cursor) = page["next"].as_str() else { return calls };
            next = format!("&cursor={cursor}");
        }
    };
    service.eventually("all decisions are on disk", async || on_disk().await == asked).await;
    service.site.clock.pass(60);
    assert_eq!(degraded(&ask(&service, "c-healed").await), json!([]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn too_many_calls_at_once_go_to_the_backup_number() {
    let mut site = site();
    site.in_flight_max.decisions = 0;
    let service = site.start().await;
    let answer = ask(&service, "c-1").await.json();
    assert_eq!((&answer["targets"], &answer["fallback"]["number"]), (&json!([]), &json!("+74951112200")));
    assert_eq!((&answer["reason"], &answer["degraded"]), (&json!("fallback"), &json!(["overload"])));
}
