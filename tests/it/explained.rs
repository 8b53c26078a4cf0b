//! Why a call went where it went, in a sentence for each group: every figure worked out by hand.

use meritline::broker::ports::Clock;
use meritline::core::distribution::callback::CallbackRules;
use meritline::core::policy::{PersonalCalls, PersonalManager};
use meritline::http::access::Role;
use serde_json::{Value, json};

use crate::support::sample_workspace::SampleWorkspace;
use crate::support::service::{CRM, Site, TestService};

const CALLER: &str = "+79161234567";
const PEOPLE: [(&str, f64); 3] = [("anna", 1.0), ("boris", 1.0), ("clara", 1.0)];

fn three() -> SampleWorkspace {
    SampleWorkspace::new("acme").agents(&["anna", "boris", "clara"])
}

impl TestService {
    /// The answer to a call as it is explained.
    async fn explained(&self, call: &str, caller: &str) -> Value {
        let asked = json!({"call_id": call, "caller": caller, "called": "+74951112233"});
        let id = self.client.ask(&asked).expect(200).await.json()["decision_id"].as_str().unwrap().to_owned();
        let lead = self.token("acme", Role::SalesLead, None).await;
        self.client.read(&format!("decisions/{id}"), &lead).expect(200).await.json()
    }

    async fn has_told(&self, call: &str, kind: &str, agent: Option<&str>) {
        let at = self.site.clock.now().to_string();
        let event = json!({"event_id": format!("{call}-{kind}"), "call_id": call, "type": kind, "agent": agent, "at": at});
        self.client.tell(&event).expect(200).await;
    }
}

fn sentences(explained: &Value) -> Vec<&str> {
    explained["steps"].as_array().unwrap().iter().map(|step| step["sentence"].as_str().unwrap()).collect()
}

/// Anna talked with the caller, so the second call is hers although she is 2/3 - 1 + 1/3 = 0 and the others 2/3 behind.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_has_the_context_comes_first_for_that_and_not_by_credit() {
    let team = three().policy("even", |policy| policy.callback = CallbackRules::default()).group("sales", "even", &PEOPLE);
    let service = TestService::of(team.route("main", "sales").build()).await;
    let first = service.explained("c-1", CALLER).await;
    let text =
        "In group `sales` `anna` was 0.33 calls behind its share of 33.3 % with this call, the most of the 3 who were free.";
    assert_eq!(sentences(&first), [text]);
    service.has_told("c-1", "answered", Some("anna")).await;
    service.site.clock.pass(60);
    service.has_told("c-1", "ended", None).await;
    service.site.clock.pass(300);
    let again = service.explained("c-2", CALLER).await;
    assert_eq!(again["decision"]["reason"], "callback");
    let text = "In group `sales` `anna` came first for having talked with the caller lately or owing the caller a call, not by \
                credit; the call is charged like any other.";
    assert_eq!(sentences(&again), [text]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_callers_own_manager_comes_first_for_that_charged_or_apart() {
    for (calls, credit) in [
        (PersonalCalls::Count, "the call is charged like any other"),
        (PersonalCalls::Apart, "the call is kept apart and moves nobody's credit"),
    ] {
        let team = three().policy("even", |policy| {
            policy.personal_manager = PersonalManager::Prefer;
            policy.personal_calls = calls;
        });
        let team = team.group("north", "even", &PEOPLE).group("sales", "even", &[("north", 1.0)]);
        let service = Site::new(vec![team.route("main", "sales").crm(CRM).build()]).start().await;
        service.site.directory.knows(CALLER, "user-boris");
        let explained = service.explained("c-1", CALLER).await;
        assert_eq!(explained["decision"]["reason"], "personal_manager");
        let through = |group: &str, way: &str| {
            format!("In group `{group}` `boris` came first{way} for being the caller's own manager, not by credit; {credit}.")
        };
        assert_eq!(sentences(&explained), [through("sales", " through `north`"), through("north", "")]);
    }
}

/// Both talk; boris, who took the second call and is owed nothing more than anna, is told of the busy.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_busy_are_counted_among_the_busy() {
    let team = three().policy("even", |policy| policy.dialling.busy_stage = true).group("sales", "even", &PEOPLE[..2]);
    let service = TestService::of(team.route("main", "sales").build()).await;
    for (call, agent) in [("c-1", "anna"), ("c-2", "boris")] {
        let explained = service.explained(call, CALLER).await;
        assert_eq!(explained["decision"]["targets"][0]["agent"], agent);
        service.has_told(call, "answered", Some(agent)).await;
    }
    // Each was due one of two and has one: both are half a call behind with the third.
    let text = "In group `sales` `anna` was 0.50 calls behind its share of 50.0 % with this call, the most of the 2 who were busy; \
                of the free nobody was left to try.";
    assert_eq!(sentences(&service.explained("c-3", CALLER).await), [text]);
}

/// Six people in two groups, and nobody to ring: each group says why. Neither the call nor what is told of it later moves credit.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_that_rang_nobody_says_why_for_each_group() {
    let people = ["anna", "boris", "clara", "dora", "egor", "fedor"];
    let team = SampleWorkspace::new("acme").agents(&people).policy("even", |_| {});
    let team = team.group("north", "even", &[("clara", 1.0), ("dora", 1.0), ("egor", 1.0), ("fedor", 0.0)]);
    let team = team.group("sales", "even", &[("anna", 1.0), ("boris", 1.0), ("north", 2.0)]);
    let service = TestService::of(team.route("main", "sales").build()).await;
    let lead = service.token("acme", Role::SalesLead, None).await;
    for (agent, state) in [("boris", "paused"), ("clara", "off_duty"), ("dora", "off_duty")] {
        let path = format!("/api/v1/workspaces/acme/agents/{agent}/presence");
        service.client.put(&path, &json!({"state": state})).token(&lead).expect(200).await;
    }
    for (call, agent) in [("x", "anna"), ("y", "egor")] {
        service.has_told(call, "answered", Some(agent)).await;
    }
    let shares = async || service.client.read("groups/sales/shares", &lead).expect(200).await.json()["members"].clone();
    let before = shares().await;
    let explained = service.explained("c-1", CALLER).await;
    assert_eq!((&explained["decision"]["reason"], &explained["decision"]["targets"]), (&json!("fallback"), &json!([])));
    let expected = [
        "Nobody in group `sales` could be rung: 1 busy, 1 paused, for `north` see there.",
        "Nobody in group `north` could be rung: 1 busy, 2 off duty, 1 without a share.",
    ];
    assert_eq!(sentences(&explained), expected);
    // Nothing was shared out, even if the PBX rings somebody on its own.
    service.has_told("c-1", "answered", Some("anna")).await;
    service.has_told("c-1", "ended", None).await;
    assert_eq!(shares().await, before);
    let service = service.restart().await;
    let id = explained["decision"]["decision_id"].as_str().unwrap();
    let again = service.client.read(&format!("decisions/{id}"), &lead).expect(200).await.json();
    assert_eq!(again["steps"], explained["steps"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_only_the_manager_may_be_rung_that_is_why_nobody_was() {
    let team = three().policy("own", |policy| policy.personal_manager = PersonalManager::Only).group("sales", "own", &PEOPLE);
    let service = Site::new(vec![team.route("main", "sales").crm(CRM).build()]).start().await;
    let explained = service.explained("c-1", CALLER).await;
    assert_eq!(sentences(&explained), ["In group `sales` only the caller's own manager may be rung, and none is known: 3 free."]);
    service.site.directory.knows("+79160000001", "user-boris");
    let lead = service.token("acme", Role::SalesLead, None).await;
    let path = "/api/v1/workspaces/acme/agents/boris/presence";
    service.client.put(path, &json!({"state": "paused"})).token(&lead).expect(200).await;
    let explained = service.explained("c-2", "+79160000001").await;
    let text = "In group `sales` only the caller's own manager may be rung, and `boris` could not be: 2 free, 1 paused.";
    assert_eq!(sentences(&explained), [text]);
}
