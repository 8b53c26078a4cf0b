//! What is told over HTTP of groups that share by results or by head count.

use meritline::broker::ports::{Clock, Extent};
use meritline::broker::refresh_scores;
use meritline::broker::store::{PullCommit, PullState};
use meritline::core::deal::Deal;
use meritline::core::policy::Mode;
use meritline::core::workspace::PolicyIx;
use meritline::http::access::Role;
use serde_json::{Value, json};

use crate::scores::timeless;
use crate::support::sample_workspace::SampleWorkspace;
use crate::support::service::{CRM, TestService};

fn near(value: &Value, expected: f64) {
    let got = value.as_f64().unwrap();
    assert!((got - expected).abs() < 5e-7, "{got} is not {expected}");
}

/// `closed` deals of an agent, of which `contracts` were won for 100.
fn record(agent: &str, closed: usize, contracts: usize) -> Vec<Deal> {
    let one = |at: usize| {
        let status = if at < contracts { "won" } else { "lost" };
        let row = json!({"deal": format!("{agent}-{at}"), "user": format!("user-{agent}"), "status": status, "amount": "100.00",
                         "closed_at": "2026-11-20T09:00:00Z"});
        serde_json::from_value(row).unwrap()
    };
    (0..closed).map(one).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scores_of_groups_are_told_and_multiply_out() {
    let workspace = SampleWorkspace::new("acme")
        .agents(&["anna", "boris", "clara", "denis", "new"])
        .policy("by-results", |policy| {
            policy.mode = Mode::Performance;
            policy.score = Some(meritline::core::policy::ScoreSettings { crm: vec![CRM.into()], ..timeless() });
        })
        .policy("typed", |_| {})
        .group("sales", "by-results", &[("east", 1.0), ("west", 1.0)])
        .group("east", "typed", &[("anna", 1.0), ("denis", 1.0)])
        .group("west", "typed", &[("boris", 1.0), ("clara", 1.0), ("new", 1.0)])
        .route("main", "sales")
        .crm(CRM)
        .build();
    let service = TestService::of(workspace).await;
    let lead = service.token("acme", Role::SalesLead, None).await;
    let before = service.client.read("scores", &lead).expect(200).await.json();
    assert_eq!(before["groups"], json!([]));
    let now = service.site.clock.now();
    let deals = [record("anna", 200, 30), record("boris", 200, 20), record("clara", 20, 4), record("denis", 200, 10)].concat();
    let state = PullState { succeeded_at: Some(now), ..PullState::default() };
    let pull = PullCommit { connection: CRM.into(), deals, unreadable: Vec::new(), extent: Extent::Everything, state };
    service.store.commit_pull(&"acme".into(), pull).await.unwrap();
    let tenant = service.tenants.find("acme").unwrap();
    assert!(refresh_scores::refresh(&service.store, &tenant, PolicyIx(0), now).await.unwrap());

    let scores = service.client.read("scores", &lead).expect(200).await.json();
    let (east, west) = (&scores["groups"][0], &scores["groups"][1]);
    assert_eq!((&east["group"], &east["people"]), (&json!("east"), &json!(["anna", "denis"])));
    assert_eq!(
        (&east["contracts_closed"], &east["opportunities"], &east["revenue"]),
        (&json!(40), &json!(400), &json!("4000.000000"))
    );
    near(&east["value"], 0.974843);
    near(&west["value"], 1.039448);
    for group in [east, west] {
        let product: f64 =
            group["metrics"].as_array().unwrap().iter().map(|metric| metric["contribution"].as_f64().unwrap()).product();
        near(&group["value"], product);
        let share = &group["shares"][0];
        let part = |name: &str| share[name].as_f64().unwrap();
        near(&share["target"], part("base") * part("value").powf(part("strength")) * part("scale"));
    }
    let shares = service.client.read("groups/sales/shares", &lead).expect(200).await.json();
    near(&shares["members"][0]["target"], 0.483963);
    near(&shares["members"][1]["target"], 0.516037);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn shares_by_head_count_tell_all_people_as_target_and_who_is_there_as_weight() {
    let workspace = SampleWorkspace::new("acme")
        .agents(&["a", "b", "c", "d"])
        .policy("heads", |policy| policy.mode = Mode::HeadCount)
        .policy("typed", |_| {})
        .group("sales", "heads", &[("large", 1.0), ("d", 1.0)])
        .group("large", "typed", &[("a", 1.0), ("b", 1.0), ("c", 1.0)])
        .route("main", "sales")
        .build();
    let service = TestService::of(workspace).await;
    let lead = service.token("acme", Role::SalesLead, None).await;
    for agent in ["a", "b"] {
        let path = format!("/api/v1/workspaces/acme/agents/{agent}/presence");
        service.client.put(&path, &json!({"state": "paused"})).token(&lead).expect(200).await;
    }
    let shares = service.client.read("groups/sales/shares", &lead).expect(200).await.json();
    near(&shares["members"][0]["target"], 0.75);
    near(&shares["members"][0]["weight"], 0.5);
    near(&shares["members"][1]["weight"], 0.5);
    let answer = service.client.ask(&json!({"call_id": "c-1", "called": "+74951112233"})).expect(200).await.json();
    let reason = if answer["targets"][0]["agent"] == "d" { "head_count" } else { "percent" };
    assert_eq!(answer["reason"], reason, "the mode of the group in which the agent was found");
}
