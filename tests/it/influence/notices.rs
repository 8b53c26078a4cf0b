//! What a sales lead is told, and who is told.

use meritline::core::policy::MissedOffers;
use meritline::http::access::Role;
use serde_json::{Value, json};

use crate::support::sample_workspace::SampleWorkspace;
use crate::support::service::TestService;

async fn service(agents: &[&str]) -> TestService {
    let members: Vec<(&str, f64)> = agents.iter().map(|agent| (*agent, 1.0)).collect();
    let workspace = SampleWorkspace::new("acme")
        .agents(agents)
        .policy("even", |policy| policy.missed_offers = MissedOffers::default())
        .group("sales", "even", &members)
        .route("main", "sales")
        .build();
    TestService::of(workspace).await
}

/// A call that an agent does not take, a minute long.
async fn not_taken(service: &TestService, call: &str, agent: &str, kind: &str) {
    service.client.ask(&json!({"call_id": call, "called": "+74951112233"})).expect(200).await;
    let event = |what: &str, agent: Value| json!({"event_id": format!("{call}-{what}"), "call_id": call, "type": what, "agent": agent, "at": "2026-11-23T06:00:05Z"});
    service.client.tell(&json!([event(kind, json!(agent)), event("ended", Value::Null)])).expect(200).await;
    service.site.clock.pass(60);
}

async fn notices(service: &TestService, lead: &str) -> Vec<Value> {
    let list = service.client.read("notices", lead).expect(200).await.json();
    assert_eq!(list["next"], Value::Null);
    list["items"].as_array().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_automatic_pause_is_told_with_its_counts_and_its_end() {
    let service = service(&["anna", "boris"]).await;
    for call in ["c-1", "c-2"] {
        not_taken(&service, call, "anna", "missed").await;
    }
    let viewer = service.token("acme", Role::Viewer, None).await;
    let agents = service.client.read("agents", &viewer).expect(200).await.json();
    let misses = json!({"missed": 2, "rejected": 0, "busy": 0, "unreachable": 0});
    assert_eq!((&agents["items"][0]["misses"], &agents["items"][0]["state"]), (&misses, &json!("free")));
    not_taken(&service, "c-3", "anna", "missed").await;
    // The third was received at 06:02.
    let agents = service.client.read("agents", &viewer).expect(200).await.json();
    let anna = &agents["items"][0];
    assert_eq!((&anna["state"], &anna["reason"]), (&json!("paused"), &json!("3 missed calls in a row")));
    assert_eq!((&anna["until"], &anna["misses"]["missed"]), (&json!("2026-11-23T06:17:00Z"), &json!(3)));
    let list = service.client.read("notices", &viewer).expect(200).await.json();
    let text = "`anna` is paused until 06:17: 3 missed calls in a row; ask whether all is well, and set `anna` to available \
                to end the pause earlier.";
    let notice = json!({"kind": "automatic_pause", "since": "2026-11-23T06:02:00Z", "agent": "anna", "group": null,
                        "policy": null, "text": text});
    assert_eq!(list["items"], json!([notice]));
    let shares = service.client.read("groups/sales/shares", &viewer).expect(200).await.json();
    let weights: Vec<&Value> = shares["members"].as_array().unwrap().iter().map(|member| &member["weight"]).collect();
    assert_eq!(weights, [&json!(0.0), &json!(1.0)]);
    let anna_token = service.token("acme", Role::Agent, Some("anna")).await;
    let presence = "/api/v1/workspaces/acme/agents/anna/presence";
    service.client.put(presence, &json!({"state": "available"})).token(&anna_token).expect(200).await;
    assert!(notices(&service, &viewer).await.is_empty(), "it is over, so nothing is told");
}

/// Paused in one of two groups: notice, list of agents and decisions say the same, to the agent too, and nothing of others.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pause_in_one_of_two_groups_is_told_as_that() {
    let workspace = SampleWorkspace::new("acme")
        .agents(&["anna", "boris"])
        .policy("even", |policy| policy.missed_offers = MissedOffers::default())
        .policy("patient", |_| {})
        .group("sales", "even", &[("anna", 1.0), ("boris", 1.0)])
        .group("support", "patient", &[("anna", 1.0), ("boris", 1.0)])
        .route("main", "sales")
        .build();
    let service = TestService::of(workspace).await;
    for call in ["c-1", "c-2", "c-3"] {
        not_taken(&service, call, "anna", "missed").await;
    }
    let (anna, boris) =
        (service.token("acme", Role::Agent, Some("anna")).await, service.token("acme", Role::Agent, Some("boris")).await);
    let told = notices(&service, &anna).await;
    let text = "`anna` is paused in group `sales` until 06:17: 3 missed calls in a row; ask whether all is well, and set `anna` to \
                available to end the pause earlier.";
    assert_eq!((told.len(), &told[0]["text"], &told[0]["group"]), (1, &json!(text), &json!("sales")));
    let lead = service.token("acme", Role::SalesLead, None).await;
    assert_eq!(notices(&service, &lead).await, told);
    assert!(notices(&service, &boris).await.is_empty(), "of others an agent is told nothing");
    let agents = service.client.read("agents", &lead).expect(200).await.json();
    let paused = json!([{"group": "sales", "reason": "3 missed calls in a row", "until": "2026-11-23T06:17:00Z"}]);
    assert_eq!((&agents["items"][0]["state"], &agents["items"][0]["paused_in"]), (&json!("free"), &paused));
    assert_eq!(agents["items"][1]["paused_in"], json!([]));
    let asked = service.client.ask(&json!({"call_id": "c-4", "called": "+74951112233"})).expect(200).await;
    assert_eq!(asked.agents(), ["boris"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pause_that_would_empty_the_group_is_told_instead_of_held() {
    let service = service(&["anna"]).await;
    for call in ["c-1", "c-2"] {
        not_taken(&service, call, "anna", "unreachable").await;
    }
    let still = service.client.ask(&json!({"call_id": "c-3", "called": "+74951112233"})).expect(200).await;
    assert_eq!(still.agents(), ["anna"]);
    let lead = service.token("acme", Role::SalesLead, None).await;
    let told = notices(&service, &lead).await;
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!((&told[0]["kind"], &told[0]["group"]), (&json!("automatic_pause_held_back"), &json!("sales")));
    assert_eq!((&told[0]["agent"], &told[0]["since"]), (&json!("anna"), &json!("2026-11-23T06:01:00Z")));
    let text = "Nobody else takes calls in group `sales`, so these are still rung though their pause is due: `anna` (the phone \
                could not be reached for 2 calls in a row); bring somebody in, or see to their phones.";
    assert_eq!(told[0]["text"], text);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pause_asked_for_is_told_until_it_begins() {
    let service = service(&["anna", "boris"]).await;
    service.client.ask(&json!({"call_id": "c-1", "called": "+74951112233"})).expect(200).await;
    let event = |id: &str, kind: &str| json!({"event_id": id, "call_id": "c-1", "type": kind, "agent": "anna", "at": "2026-11-23T06:00:05Z"});
    service.client.tell(&event("e-1", "answered")).expect(200).await;
    let anna = service.token("acme", Role::Agent, Some("anna")).await;
    let pause = "/api/v1/workspaces/acme/agents/anna/pause-after-call";
    let body = json!({"reason": "lunch", "until": "2026-11-24T06:30:00Z"});
    service.client.post(pause, &body).token(&anna).expect(200).await;
    let lead = service.token("acme", Role::SalesLead, None).await;
    let told = notices(&service, &lead).await;
    let text = "`anna` asked for a pause (lunch) until 2026-11-24 06:30 after the call at hand: count on one person fewer, or \
                talk it over.";
    assert_eq!((told.len(), &told[0]["kind"], &told[0]["text"]), (1, &json!("pause_asked"), &json!(text)));
    service.client.tell(&event("e-2", "ended")).expect(200).await;
    assert!(notices(&service, &lead).await.is_empty(), "it has begun: the list of agents shows it");
}

/// At 6:00 both go. A call at 6:10 finds nobody; an hour later nobody calls any more, and it is a night like others.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_to_ring_is_told_while_calls_come() {
    let service = service(&["anna", "boris"]).await;
    let lead = service.token("acme", Role::SalesLead, None).await;
    let set = async |agent: &str, state: &str| {
        let path = format!("/api/v1/workspaces/acme/agents/{agent}/presence");
        service.client.put(&path, &json!({"state": state})).token(&lead).expect(200).await;
    };
    not_taken(&service, "c-1", "anna", "missed").await;
    set("anna", "off_duty").await;
    set("boris", "off_duty").await;
    service.site.clock.pass(600);
    assert!(notices(&service, &lead).await.is_empty(), "the shift is over, and nobody calls");
    let asked = service.client.ask(&json!({"call_id": "c-2", "called": "+74951112233"})).expect(200).await.json();
    assert_eq!(asked["reason"], "fallback");
    let told = notices(&service, &lead).await;
    let text = "Nobody can be rung in group `sales` now (2 off duty); calls go to the fallback: bring somebody in.";
    let notice = json!({"kind": "nobody_to_ring", "since": "2026-11-23T06:01:00Z", "agent": null, "group": "sales",
                        "policy": null, "text": text});
    assert_eq!(told, [notice]);
    // Somebody who only rests is expected back: told at once, while calls come.
    set("boris", "paused").await;
    let told = notices(&service, &lead).await;
    assert!(told[0]["text"].as_str().unwrap().contains("(1 paused, 1 off duty)"), "{told:?}");
    set("boris", "available").await;
    assert!(notices(&service, &lead).await.is_empty());
    set("boris", "off_duty").await;
    service.site.clock.pass(3600);
    assert!(notices(&service, &lead).await.is_empty(), "no calls for an hour");
}

const OFFICE: &str = r#"
workspace: acme
time_zone: UTC
hours: [{id: office, weekly: {mon: ["06:00-07:00"]}}]
agents: [{id: anna, numbers: [{sip: "101"}], hours: office}, {id: boris, numbers: [{sip: "102"}], hours: office}]
groups: [{id: sales, members: [anna, boris], policy: even}]
policies: [{id: even, mode: percent, guard: {calls_per_hour: [3, 5]}}]
routes: [{id: main, group: sales, fallback: {number: "+74951112200"}}]
connections: [{id: pbx, integration: pbx/native, settings: {token: "env:PBX_TOKEN"}}]
"#;

/// While people are at work, who is paused, off duty or stopped is missed; once the hours are over nobody is.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_to_ring_goes_by_the_working_hours_and_the_guard() {
    let checked =
        meritline::workspace_file::read(OFFICE, "acme.yaml", &meritline::service::settings_check::Integrations).unwrap();
    let service = TestService::of(std::sync::Arc::new(checked.workspace)).await;
    let lead = service.token("acme", Role::SalesLead, None).await;
    let set = async |agent: &str, state: &str| {
        let path = format!("/api/v1/workspaces/acme/agents/{agent}/presence");
        service.client.put(&path, &json!({"state": state})).token(&lead).expect(200).await;
    };
    let told = async || {
        let told = notices(&service, &lead).await;
        let told = told.iter().filter(|notice| notice["kind"] == "nobody_to_ring");
        told.map(|notice| notice["text"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    for call in 0..6 {
        let event = |what: &str, agent: Value| json!({"event_id": format!("x{call}-{what}"), "call_id": format!("x{call}"), "type": what, "agent": agent, "at": "2026-11-23T06:00:05Z"});
        service.client.tell(&json!([event("answered", json!("anna")), event("ended", Value::Null)])).expect(200).await;
    }
    let ask = async |call: &str| service.client.ask(&json!({"call_id": call, "called": "+74951112233"})).expect(200).await;
    assert_eq!(ask("c-1").await.agents(), ["boris"]);
    assert!(told().await.is_empty());
    for (state, how) in [("paused", "1 paused"), ("off_duty", "1 off duty")] {
        set("boris", state).await;
        let text = format!(
            "Nobody can be rung in group `sales` now ({how}, 1 stopped by the guard); calls go to the fallback: bring somebody in."
        );
        assert_eq!(told().await, [text]);
    }
    set("boris", "available").await;
    service.site.clock.pass(3601);
    for state in ["available", "off_duty"] {
        assert!(ask(&format!("late-{state}")).await.agents().is_empty());
        assert!(told().await.is_empty(), "the hours are over, boris is {state}");
        set("boris", "off_duty").await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_that_go_to_nobody_are_told_with_their_route() {
    let workspace = SampleWorkspace::new("acme")
        .agents(&["anna", "boris"])
        .policy("even", |_| {})
        .group("inner", "even", &[("anna", 1.0)])
        .group("sales", "even", &[("inner", 1.0)])
        .group("others", "even", &[("boris", 1.0)])
        .route_for("bare", "+74951112244", "sales", None)
        .route("main", "others")
        .build();
    let service = TestService::of(workspace).await;
    let lead = service.token("acme", Role::SalesLead, None).await;
    let path = "/api/v1/workspaces/acme/agents/anna/presence";
    service.client.put(path, &json!({"state": "off_duty"})).token(&lead).expect(200).await;
    service.client.ask(&json!({"call_id": "c-1", "called": "+74951112244"})).expect(200).await;
    let told = notices(&service, &lead).await;
    let text = "Nobody can be rung in group `sales` now (1 off duty); calls go to nobody: bring somebody in, or give the route a \
                `fallback`.";
    assert_eq!((told.len(), &told[0]["text"]), (1, &json!(text)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn notices_are_for_those_who_lead_and_look_on() {
    let service = service(&["anna"]).await;
    for role in [Role::SalesLead, Role::Operator, Role::CrmAdmin, Role::Viewer] {
        let token = service.token("acme", role, None).await;
        service.client.read("notices", &token).expect(200).await;
    }
    let agent = service.token("acme", Role::Agent, Some("anna")).await;
    assert!(notices(&service, &agent).await.is_empty(), "an agent reads the own ones: there is none");
    service.client.get("/api/v1/workspaces/acme/notices").expect(401).await;
}
