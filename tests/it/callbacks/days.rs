//! Days pass: what a restart says of a task, and ids that a PBX uses again.

use meritline::broker::ports::Clock;
use meritline::core::distribution::callback::CallbackRules;
use meritline::http::access::Role;
use serde_json::json;

use super::{CALLER, LANDLINE, team};
use crate::support::sample_workspace::SampleWorkspace;
use crate::support::service::TestService;

const HOUR: i64 = 3600;

/// The team under a period of a day, so that yesterday's calls weigh.
fn long_team() -> SampleWorkspace {
    SampleWorkspace::new("acme")
        .agents(&["anna", "boris", "clara"])
        .policy("long", |policy| (policy.callback, policy.period_seconds) = (CallbackRules::default(), 24 * 3600))
        .group("sales", "long", &[("anna", 1.0), ("boris", 1.0), ("clara", 1.0)])
        .route("main", "sales")
}

impl TestService {
    async fn owes(&self) -> Vec<f64> {
        let lead = self.token("acme", Role::SalesLead, None).await;
        let shares = self.client.read("groups/sales/shares", &lead).expect(200).await.json();
        shares["members"].as_array().unwrap().iter().map(|member| member["owed"].as_f64().unwrap()).collect()
    }

    /// The same event of a call with an id of its own.
    async fn happens_again(&self, call: &str, kind: &str, agent: Option<&str>) {
        let at = self.site.clock.now().to_string();
        let event = json!({"event_id": format!("again-{call}-{kind}"), "call_id": call, "type": kind, "agent": agent, "at": at});
        self.client.tell(&event).expect(200).await;
    }
}

/// Given out an hour after it was missed; the caller is talked to so many hours after that. Within a day it was needless, later it was
/// not: a restart says what the running service said.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_charges_a_task_as_the_running_service_did() {
    for hours in [2, 23, 29] {
        let workspace = long_team().build();
        let service = TestService::of(workspace).await;
        service.missed("c-1", CALLER).await;
        service.site.clock.pass(HOUR);
        assert_eq!(service.share_out().await, 1);
        let given_out = service.owes().await;
        service.site.clock.pass(hours * HOUR);
        // Something happens meanwhile, so that what is old is let go.
        service.talked("c-2", LANDLINE, 60).await;
        let before = service.owes().await;
        service.talked("c-3", CALLER, 60).await;
        let live = service.owes().await;
        assert_ne!(given_out, before);
        let service = service.restart().await;
        let restarted = service.owes().await;
        for (live, restarted) in live.iter().zip(&restarted) {
            assert!((live - restarted).abs() < 1e-9, "{hours} h: {live} live, {restarted} after a restart");
        }
    }
}

/// A PBX counts its calls from 1 every few days. What was said of the first `c-1` is not said of the second.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tag_and_an_outcome_are_of_the_call_they_were_said_of() {
    let service = TestService::of(team().build()).await;
    let lead = service.token("acme", Role::SalesLead, None).await;
    service.talked("c-1", CALLER, 60).await;
    let tag = "/api/v1/workspaces/acme/calls/pbx/c-1/tag";
    service.client.put(tag, &json!({"tag": "spam"})).token(&lead).expect(200).await;
    assert_eq!(service.received().await.iter().sum::<f64>(), 0.0);
    service.missed("c-2", LANDLINE).await;
    let dropped = "/api/v1/workspaces/acme/callbacks/pbx/c-2";
    service.client.post(dropped, &json!({"outcome": "no_answer"})).token(&lead).expect(200).await;
    service.site.clock.pass(1);
    service.client.post(dropped, &json!({"outcome": "dropped"})).token(&lead).expect(200).await;

    service.site.clock.pass(49 * HOUR);
    let first = service.ask_for("c-1", Some(CALLER)).await.remove(0);
    service.happens_again("c-1", "answered", Some(&first)).await;
    service.site.clock.pass(60);
    service.happens_again("c-1", "ended", None).await;
    assert_eq!(service.received().await.iter().sum::<f64>(), 1.0);
    let rates = service.client.read("tags", &lead).expect(200).await.json();
    let tagged: u64 = rates["items"].as_array().unwrap().iter().map(|rate| rate["tagged"].as_u64().unwrap()).sum();
    assert_eq!(tagged, 0, "{rates}");

    let first = service.ask_for("c-2", Some(LANDLINE)).await.remove(0);
    service.site.clock.pass(20);
    service.happens_again("c-2", "missed", Some(&first)).await;
    service.happens_again("c-2", "ended", None).await;
    let tasks = service.tasks().await;
    let said: Vec<_> =
        tasks.iter().map(|task| (task["call_id"].clone(), task["state"].clone(), task["attempts"].clone())).collect();
    assert_eq!(said, [(json!("c-2"), json!("open"), json!(0))]);
    // And what is said of the second holds.
    service.client.post(dropped, &json!({"outcome": "dropped"})).token(&lead).expect(200).await;
    assert_eq!(service.tasks().await[0]["state"], "dropped");
}
