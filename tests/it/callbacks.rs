//! Callers who were missed or cut off, calls that were none to sell in, and callers who must never hear a dead line.

mod again;
mod days;
mod passing_on;
mod remembered;
mod sharing;

use meritline::broker::assign_callbacks::CallbackAssigner;
use meritline::broker::ports::{Clock, IdSource};
use meritline::core::distribution::callback::CallbackRules;
use meritline::core::policy::MobileCallers;
use meritline::http::access::Role;
use serde_json::{Value, json};
use std::sync::Arc;

use crate::support::sample_workspace::SampleWorkspace;
use crate::support::service::{Site, TestService};

const CALLED: &str = "+74951112233";
const CALLER: &str = "+79161234567";
const LANDLINE: &str = "+74957654321";

/// Three people with equal shares; callers are called back.
fn team() -> SampleWorkspace {
    SampleWorkspace::new("acme")
        .agents(&["anna", "boris", "clara"])
        .policy("even", |policy| policy.callback = CallbackRules::default())
        .group("sales", "even", &[("anna", 1.0), ("boris", 1.0), ("clara", 1.0)])
        .route("main", "sales")
}

fn question(call: &str, caller: Option<&str>) -> Value {
    json!({"call_id": call, "caller": caller, "called": CALLED})
}

impl TestService {
    async fn ask_for(&self, call: &str, caller: Option<&str>) -> Vec<String> {
        self.client.ask(&question(call, caller)).expect(200).await.agents()
    }

    async fn happens(&self, call: &str, kind: &str, agent: Option<&str>) {
        let id = format!("{call}-{kind}-{}", agent.unwrap_or("call"));
        let at = self.site.clock.now().to_string();
        let event = json!({"event_id": id, "call_id": call, "type": kind, "agent": agent, "at": at});
        self.client.tell(&event).expect(200).await;
    }

    /// A call that its first target answers, talks in for so long, and ends.
    async fn talked(&self, call: &str, caller: &str, seconds: i64) -> String {
        let first = self.ask_for(call, Some(caller)).await.remove(0);
        self.happens(call, "answered", Some(&first)).await;
        self.site.clock.pass(seconds);
        self.happens(call, "ended", None).await;
        first
    }

    /// A call that rings at its first target and ends without an answer.
    async fn missed(&self, call: &str, caller: &str) -> String {
        let first = self.ask_for(call, Some(caller)).await.remove(0);
        self.happens(call, "offered", Some(&first)).await;
        self.site.clock.pass(20);
        self.happens(call, "missed", Some(&first)).await;
        self.happens(call, "ended", None).await;
        first
    }

    async fn share_out(&self) -> usize {
        let assigner = CallbackAssigner {
            store: Arc::clone(&self.store),
            clock: Arc::clone(&self.site.clock) as Arc<dyn Clock>,
            ids: Arc::clone(&self.site.ids) as Arc<dyn IdSource>,
            tenant: self.tenants.find("acme").unwrap(),
        };
        assigner.assign(self.site.clock.now()).await.unwrap()
    }

    /// What each agent received over the period, in the order of the group.
    async fn received(&self) -> Vec<f64> {
        let lead = self.token("acme", Role::SalesLead, None).await;
        let shares = self.client.read("groups/sales/shares", &lead).expect(200).await.json();
        shares["members"].as_array().unwrap().iter().map(|member| member["received"].as_f64().unwrap()).collect()
    }

    async fn tasks(&self) -> Vec<Value> {
        let lead = self.token("acme", Role::SalesLead, None).await;
        self.client.read("callbacks", &lead).expect(200).await.json()["items"].as_array().unwrap().clone()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_calls_again_soon_after_a_conversation_goes_to_the_same_agent_first() {
    let service = TestService::of(team().build()).await;
    assert_eq!(service.talked("c-1", CALLER, 60).await, "anna");
    service.site.clock.pass(9 * 60);
    let again = service.client.ask(&question("c-2", Some(CALLER))).expect(200).await;
    assert_eq!((again.agents().remove(0), again.json()["reason"].clone()), ("anna".to_owned(), json!("callback")));
    // Charged like any call: after it anna has two, and the next stranger goes elsewhere.
    service.happens("c-2", "answered", Some("anna")).await;
    service.happens("c-2", "ended", None).await;
    assert_eq!(service.received().await, [2.0, 0.0, 0.0]);
    // Eleven minutes later nobody was cut off any more; and somebody else's call was never meant.
    service.site.clock.pass(11 * 60);
    assert_eq!(service.ask_for("c-3", Some(CALLER)).await, ["boris", "clara", "anna"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn withheld_callers_and_busy_agents_are_shared_out_as_ever() {
    let service = TestService::of(team().build()).await;
    service.talked("c-1", CALLER, 60).await;
    assert_eq!(service.ask_for("c-2", None).await[0], "boris", "a withheld caller has no earlier call");
    service.site.clock.pass(60);
    let busy = service.client.tell(&json!({"event_id": "e", "call_id": "x", "type": "answered", "agent": "anna",
        "at": service.site.clock.now().to_string()}));
    busy.expect(200).await;
    let answer = service.client.ask(&question("c-4", Some(CALLER))).expect(200).await;
    assert_eq!(answer.json()["reason"], "percent", "anna talks: the caller is not kept waiting for her");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_missed_call_makes_a_task_that_is_shared_and_charged_once() {
    let service = TestService::of(team().build()).await;
    assert_eq!(service.missed("c-1", CALLER).await, "anna");
    let [task] = service.tasks().await.try_into().unwrap();
    assert_eq!((task["state"].as_str(), task["caller"].as_str()), (Some("open"), Some(CALLER)));
    assert_eq!(service.received().await, [0.0; 3], "a call nobody answered leaves no trace");

    assert_eq!(service.share_out().await, 1);
    assert_eq!(service.share_out().await, 0, "it is given out once");
    let [task] = service.tasks().await.try_into().unwrap();
    assert_eq!(task["state"], "assigned");
    let holder = task["agent"].as_str().unwrap().to_owned();
    let charged: f64 = service.received().await.iter().sum();
    assert_eq!(charged, 1.0);

    // The holder sees the number, tries in vain, then reaches the caller.
    let own = service.token("acme", Role::Agent, Some(&holder)).await;
    let mine = service.client.read("callbacks", &own).expect(200).await.json();
    assert_eq!(mine["items"][0]["caller"], CALLER);
    let path = "/api/v1/workspaces/acme/callbacks/pbx/c-1";
    let tried = service.client.post(path, &json!({"outcome": "no_answer"})).token(&own).expect(200).await.json();
    assert_eq!((tried["state"].as_str(), tried["attempts"].as_u64()), (Some("assigned"), Some(1)));
    let other = if holder == "clara" { "boris" } else { "clara" };
    let stranger = service.token("acme", Role::Agent, Some(other)).await;
    assert!(service.client.read("callbacks", &stranger).expect(200).await.json()["items"].as_array().unwrap().is_empty());
    service.client.post(path, &json!({"outcome": "dropped"})).token(&stranger).expect(403).await;
    let done = service.client.post(path, &json!({"outcome": "reached"})).token(&own).expect(200).await.json();
    assert_eq!((done["state"].as_str(), done["agent"].as_str()), (Some("reached"), Some(holder.as_str())));
    assert_eq!(service.received().await.iter().sum::<f64>(), 1.0);

    let service = service.restart().await;
    assert_eq!(service.tasks().await[0]["state"], "reached");
    assert_eq!(service.received().await.iter().sum::<f64>(), 1.0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_who_is_faster_goes_to_who_should_have_called_and_the_task_costs_nothing() {
    let service = TestService::of(team().build()).await;
    service.missed("c-1", CALLER).await;
    service.share_out().await;
    let holder = service.tasks().await[0]["agent"].as_str().unwrap().to_owned();
    service.site.clock.pass(300);
    let again = service.client.ask(&question("c-2", Some(CALLER))).expect(200).await;
    assert_eq!(again.agents()[0], holder);
    service.happens("c-2", "answered", Some(&holder)).await;
    service.happens("c-2", "ended", None).await;
    assert_eq!(service.tasks().await[0]["state"], "dropped");
    assert_eq!(service.received().await.iter().sum::<f64>(), 1.0, "one call, not two");
    let service = service.restart().await;
    assert_eq!(service.received().await.iter().sum::<f64>(), 1.0, "nor after a restart");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dropped_task_gives_its_charge_back_and_who_was_missed_twice_is_called_once() {
    let service = TestService::of(team().build()).await;
    service.missed("c-1", CALLER).await;
    service.missed("c-2", CALLER).await;
    assert_eq!(service.tasks().await.len(), 1);
    service.share_out().await;
    assert_eq!(service.received().await.iter().sum::<f64>(), 1.0);
    let lead = service.token("acme", Role::SalesLead, None).await;
    let path = "/api/v1/workspaces/acme/callbacks/pbx/c-1";
    service.client.post(path, &json!({"outcome": "dropped"})).token(&lead).expect(200).await;
    assert_eq!(service.received().await.iter().sum::<f64>(), 0.0);
    let missing = "/api/v1/workspaces/acme/callbacks/pbx/c-9";
    assert_eq!(service.client.post(missing, &json!({"outcome": "dropped"})).token(&lead).expect(404).await.code(), "not_found");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tagged_call_costs_nothing_and_the_tag_can_be_taken_back() {
    let service = TestService::of(team().build()).await;
    service.talked("c-1", CALLER, 60).await;
    service.talked("c-2", LANDLINE, 60).await;
    assert_eq!(service.received().await, [1.0, 1.0, 0.0]);
    let anna = service.token("acme", Role::Agent, Some("anna")).await;
    let boris = service.token("acme", Role::Agent, Some("boris")).await;
    let path = "/api/v1/workspaces/acme/calls/pbx/c-1/tag";
    service.client.put(path, &json!({"tag": "spam"})).token(&boris).expect(403).await;
    service.client.put(path, &json!({"tag": "boring"})).token(&anna).expect(422).await;
    service.client.put(path, &json!({"tag": "spam"})).token(&anna).expect(200).await;
    assert_eq!(service.received().await, [0.0, 1.0, 0.0]);
    let rates = service.client.read("tags", &anna).expect(200).await.json();
    assert_eq!(rates["items"][0], json!({"agent": "anna", "answered": 1, "tagged": 1, "rate": 1.0}));
    assert_eq!(rates["items"][2], json!({"agent": "clara", "answered": 0, "tagged": 0, "rate": null}));

    let service = service.restart().await;
    assert_eq!(service.received().await, [0.0, 1.0, 0.0], "the fold of what is stored says the same");
    // Long after the call was let go it is read back.
    service.site.clock.pass(3600);
    service.talked("c-3", "+74950000003", 60).await;
    service.client.put(path, &json!({"tag": null})).token(&anna).expect(200).await;
    assert_eq!(service.received().await.iter().sum::<f64>(), 3.0);
    let unknown = "/api/v1/workspaces/acme/calls/pbx/c-99/tag";
    service.client.put(unknown, &json!({"tag": "spam"})).token(&anna).expect(404).await;
}

/// What is said of a call moves the same credit whether it is said before, between or after what happened in it.
#[test]
fn a_tag_may_come_at_any_time() {
    use meritline::core::call::CallEventType::{Answered, Ended};
    use meritline::core::intervention::{Actor, CallTag, Change, Intervention};
    use meritline::core::policy::{Count, Mode};
    use meritline::core::workspace::GroupIx;

    use crate::support::floor::{Floor, plain_policy};

    let tag = |floor: &mut Floor, id: u128, tag| {
        let change = Change::Tag { connection: "pbx".into(), call: "c-1".into(), agent: "a000".into(), tag };
        let by = Actor { role: "agent".into(), agent: Some("a000".into()) };
        let set_at = floor.now;
        floor.tally.intervene(&Intervention { id: uuid::Uuid::from_u128(id), set_at, by, change });
    };
    let owed = |said_at: Option<usize>| {
        let mut floor = Floor::of_shares(&[1.0, 1.0], plain_policy("p", Mode::Percent, Count::Answered));
        for step in 0..4 {
            if said_at == Some(step) {
                tag(&mut floor, 1, Some(CallTag::NotASale));
            }
            match step {
                0 => drop(floor.decide("c-1")),
                1 => drop(floor.event("c-1", Answered, Some("a000"))),
                2 => drop(floor.event("c-1", Ended, None)),
                _ => {}
            }
        }
        floor
    };
    assert_eq!(owed(None).owed(GroupIx(0)), [-0.5, 0.5], "half a call was due to each, and one was got");
    for said_at in 0..4 {
        let mut floor = owed(Some(said_at));
        assert_eq!(floor.owed(GroupIx(0)), [0.0, 0.0], "said at step {said_at}");
        tag(&mut floor, 2, None);
        assert_eq!(floor.owed(GroupIx(0)), [-0.5, 0.5], "and taken back");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn callers_on_a_mobile_phone_wait_less() {
    let workspace = team().policy("short", |policy| {
        policy.dialling.mobile_callers = Some(MobileCallers { targets_max: 2, ring_seconds: 12 });
    });
    let four = [("anna", 1.0), ("boris", 1.0), ("clara", 1.0), ("denis", 1.0)];
    let workspace = workspace.agents(&["denis"]).group("desk", "short", &four);
    let service = TestService::of(workspace.route_for("desk", CALLED, "desk", None).build()).await;
    let mobile = service.client.ask(&question("c-1", Some(CALLER))).expect(200).await.json();
    let rings: Vec<u64> =
        mobile["targets"].as_array().unwrap().iter().map(|target| target["ring_seconds"].as_u64().unwrap()).collect();
    assert_eq!(rings, [12, 12]);
    let landline = service.client.ask(&question("c-2", Some(LANDLINE))).expect(200).await.json();
    assert_eq!(landline["targets"].as_array().unwrap().len(), 3, "everybody but the one who is offered the other call");
    assert_eq!(landline["targets"][0]["ring_seconds"], 20);
}

/// Two people, both talking, only the free may be rung: with a backup number the call goes there; without one the busy are
/// named rather than nobody.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_hears_a_dead_line() {
    for (fallback, named) in [(Some("+74951112200"), 0), (None, 2)] {
        let workspace = SampleWorkspace::new("acme")
            .agents(&["anna", "boris"])
            .policy("even", |_| {})
            .group("sales", "even", &[("anna", 1.0), ("boris", 1.0)])
            .route_for("main", CALLED, "sales", fallback);
        let service = TestService::of(workspace.build()).await;
        for (call, agent) in [("x-1", "anna"), ("x-2", "boris")] {
            service.happens(call, "answered", Some(agent)).await;
        }
        let answer = service.client.ask(&question("c-1", Some(CALLER))).expect(200).await.json();
        let targets = answer["targets"].as_array().unwrap();
        assert_eq!(targets.len(), named, "{answer}");
        assert!(targets.iter().all(|target| target["stage"] == "busy"));
        assert_eq!(answer["fallback"].is_null(), fallback.is_none());
    }
}

/// A thousand calls of strangers leave no task and no context behind for long: what is remembered is bounded in time.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_missed_call_is_forgotten_after_a_day() {
    let service = Site::new(vec![team().build()]).start().await;
    service.missed("c-1", CALLER).await;
    service.site.clock.pass(24 * 3600 + 60);
    service.talked("c-2", LANDLINE, 10).await;
    assert!(service.tasks().await.iter().all(|task| task["call_id"] != "c-1" || task["state"] == "dropped"));
    assert_eq!(service.client.ask(&question("c-3", Some(CALLER))).expect(200).await.json()["reason"], "percent");
}
