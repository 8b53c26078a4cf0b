//! What the API says of people who are eased or rest, before and after a restart.

use meritline::broker::ports::Clock;
use meritline::core::load::guard::Indicator;
use meritline::core::policy::Guard;
use meritline::http::access::Role;
use serde_json::{Value, json};

use super::floor::only;
use crate::support::sample_workspace::SampleWorkspace;
use crate::support::service::TestService;

async fn service(guard: Guard, agents: &[&str]) -> TestService {
    let members: Vec<(&str, f64)> = agents.iter().map(|agent| (*agent, 1.0)).collect();
    let workspace = SampleWorkspace::new("acme")
        .agents(agents)
        .policy("p", |policy| policy.guard = guard)
        .group("sales", "p", &members)
        .route("main", "sales")
        .build();
    TestService::of(workspace).await
}

impl TestService {
    /// Calls that the agent makes or takes without a decision of ours, one a minute.
    async fn own_calls(&self, agent: &str, count: usize) {
        for number in 0..count {
            let call = format!("{agent}-{number}");
            for (kind, who) in [("answered", json!(agent)), ("ended", Value::Null)] {
                let id = format!("{call}-{kind}");
                let event = json!({"event_id": id, "call_id": call, "type": kind, "agent": who, "at": "2026-11-23T06:00:05Z"});
                self.client.tell(&event).expect(200).await;
            }
            self.site.clock.pass(60);
        }
    }

    async fn get(&self, path: &str) -> Value {
        let lead = self.token("acme", Role::SalesLead, None).await;
        self.client.read(path, &lead).expect(200).await.json()
    }

    async fn decision(&self, call: &str) -> Value {
        let answer = self.client.ask(&json!({"call_id": call, "called": "+74951112233"})).expect(200).await.json();
        answer["decision_id"].clone()
    }

    /// What is said of everybody and of a decision; without what a restart may change.
    async fn said(&self, decision: &Value) -> Vec<Value> {
        let id = decision.as_str().unwrap();
        let paths = ["agents".to_owned(), "groups/sales/shares".to_owned(), format!("decisions/{id}"), "notices".to_owned()];
        let mut said = Vec::new();
        for path in paths {
            said.push(self.get(&path).await);
        }
        said
    }
}

/// Of 3 to 5 calls an hour anna has had 5 (stopped) and boris 4 (half): clara has two thirds of what comes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn people_who_are_eased_or_rest_are_told_of_everywhere() {
    let service = service(only(Indicator::CallsPerHour, 3.0, 5.0), &["anna", "boris", "clara"]).await;
    service.own_calls("boris", 4).await;
    service.own_calls("anna", 5).await;
    let decision = service.decision("c-1").await;
    // What a PBX did not take yet rings; later it does not.
    service.site.clock.pass(30);
    let said = service.said(&decision).await;
    let [agents, shares, explained, _] = &said[..] else { panic!("four") };

    let anna = &agents["items"][0];
    assert_eq!((&anna["state"], &anna["reason"]), (&json!("stopped"), &json!("5 calls in the last 60 minutes")));
    assert_eq!(anna["stopped_since"], "2026-11-23T06:08:00Z", "the fifth of her calls");
    assert_eq!((&agents["items"][1]["state"], &agents["items"][1]["stopped_since"]), (&json!("free"), &Value::Null));

    let members = shares["members"].as_array().unwrap();
    let weights: Vec<f64> = members.iter().map(|member| member["weight"].as_f64().unwrap()).collect();
    crate::support::floor::near(&weights, &[0.0, 1.0 / 3.0, 2.0 / 3.0], 1e-9);
    assert_eq!(members[0]["guard"], json!({"factor": 0.0, "reason": "calls_per_hour"}));
    assert_eq!(members[1]["guard"], json!({"factor": 0.5, "reason": "calls_per_hour"}));
    assert_eq!(members[2]["guard"], json!({"factor": 1.0, "reason": null}));
    assert!((members[0]["target"].as_f64().unwrap() - 1.0 / 3.0).abs() < 1e-9, "the target stays");

    let candidates = explained["steps"][0]["candidates"].as_array().unwrap();
    let of = |name: &str| candidates.iter().find(|candidate| candidate["member"] == name).unwrap();
    assert_eq!((&of("anna")["standing"], &of("anna")["expected"]), (&json!("stopped"), &json!(0.0)));
    assert_eq!(of("anna")["guard"]["sentence"], "Rests: 5 calls in the last 60 minutes.");
    assert_eq!(of("boris")["guard"]["sentence"], "Eased to 50.0 % of the share: 4 calls in the last 60 minutes.");
    assert_eq!(
        (&of("boris")["guard"]["factor"], &of("boris")["guard"]["readings"]["calls_per_hour"]),
        (&json!(0.5), &json!(4.0))
    );
    assert!(of("clara")["guard"].is_null());

    let service = service.restart().await;
    assert_eq!(service.said(&decision).await, said);
}

/// Calls and presence of hours ago are read back: a restart knows the shift, the rest and the stop of before.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_stops_the_same_people() {
    let service = service(only(Indicator::CallsPerHour, 2.0, 5.0), &["anna", "boris"]).await;
    let lead = service.token("acme", Role::SalesLead, None).await;
    let path = "/api/v1/workspaces/acme/agents/boris/presence";
    for state in ["off_duty", "available", "paused", "available"] {
        service.client.put(path, &json!({"state": state})).token(&lead).expect(200).await;
        service.site.clock.pass(3 * 3600);
    }
    service.own_calls("anna", 5).await;
    service.own_calls("boris", 4).await;
    // The first calls left the hour: 4 of 5 keep anna stopped.
    service.site.clock.pass(50 * 60 + 30);
    let decision = service.decision("c-1").await;
    service.site.clock.pass(30);
    let said = service.said(&decision).await;
    assert_eq!(said[0]["items"][0]["state"], "stopped", "{}", said[0]);
    assert_eq!(said[0]["items"][0]["reason"], "4 calls in the last 60 minutes");
    let service = service.restart().await;
    assert_eq!(service.said(&decision).await, said);
}

/// Everybody rests: the backup number, told in the decision and to the lead. Asked again it is the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_that_found_everybody_resting_says_so() {
    let service = service(only(Indicator::CallsPerHour, 3.0, 5.0), &["anna"]).await;
    service.own_calls("anna", 5).await;
    let answer = service.client.ask(&json!({"call_id": "c-1", "called": "+74951112233"})).expect(200).await.json();
    assert_eq!((&answer["reason"], &answer["targets"]), (&json!("fallback"), &json!([])));
    assert_eq!(answer["fallback"]["number"], "+74951112200");
    let service = service.restart().await;
    let explained = service.get(&format!("decisions/{}", answer["decision_id"].as_str().unwrap())).await;
    let step = &explained["steps"][0];
    assert_eq!(step["sentence"], "Everybody left in group `sales` rested, so the call went to the backup number.");
    assert_eq!(step["candidates"][0]["guard"]["reason"], "calls_per_hour");
    let notices = service.get("notices").await;
    assert_eq!(notices["items"][0]["kind"], "everybody_rests", "{notices}");
}

/// Two at equal shares; anna rests while boris gets all: the guard moved half of all calls, and nothing else did.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn shares_explain_what_the_guard_moved() {
    let service = service(only(Indicator::CallsPerHour, 3.0, 5.0), &["anna", "boris"]).await;
    service.own_calls("anna", 5).await;
    let start = service.site.clock.now();
    for call in ["c-1", "c-2"] {
        service.decision(call).await;
        for (kind, who) in [("answered", json!("boris")), ("ended", Value::Null)] {
            let id = format!("{call}-{kind}");
            let event = json!({"event_id": id, "call_id": call, "type": kind, "agent": who, "at": "2026-11-23T06:20:05Z"});
            service.client.tell(&event).expect(200).await;
        }
    }
    service.site.clock.pass(60);
    let end = service.site.clock.now();
    let told = service.get(&format!("groups/sales/shares/explanation?from={start}&until={end}")).await;
    let points = |member: usize, part: &str| {
        let parts = told["members"][member]["parts"].as_array().unwrap();
        parts.iter().find(|known| known["part"] == part).unwrap()["points"].as_f64().unwrap()
    };
    for part in ["score", "presence", "feasibility", "rest"] {
        assert!(points(0, part).abs() < 1e-9 && points(1, part).abs() < 1e-9, "{part}: {told}");
    }
    assert_eq!((points(0, "base"), points(0, "guard"), points(1, "guard")), (50.0, -50.0, 50.0));
    let sentence = told["members"][1]["sentence"].as_str().unwrap();
    assert!(sentence.contains("overload protection and own setting +50.0"), "{sentence}");
}
