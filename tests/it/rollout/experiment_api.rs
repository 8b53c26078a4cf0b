//! An experiment and a before/after comparison over HTTP, from stored decisions and deals.

use jiff::SignedDuration;
use meritline::broker::ports::{Clock, Extent};
use meritline::broker::store::{PullCommit, PullState};
use meritline::core::deal::{Deal, DealStatus};
use meritline::core::proving::experiment::Experiment;
use meritline::core::proving::rollout::{FollowedCalls, Rollout};
use meritline::http::access::Role;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use crate::support::sample_workspace::SampleWorkspace;
use crate::support::service::{CRM, TestService};

/// From the moment tests begin on, for a day: blocks of ten minutes.
fn experiment() -> Experiment {
    Experiment {
        treatment_percent: 50,
        block_seconds: 600,
        drop_first_seconds: 60,
        seed: 7,
        from: "2026-11-23T06:00:00Z".parse().unwrap(),
        until: "2026-11-24T06:00:00Z".parse().unwrap(),
        attribution_days: 30,
    }
}

async fn service(experiment: Option<Experiment>) -> TestService {
    let workspace = SampleWorkspace::new("acme")
        .agents(&["anna", "boris"])
        .crm(CRM)
        .policy("typed", |policy| policy.rollout = Rollout { calls: FollowedCalls::All, experiment })
        .policy("plain", |_| {})
        .group("sales", "typed", &[("anna", 3.0), ("boris", 1.0)])
        .route("main", "sales")
        .build();
    TestService::of(workspace).await
}

fn phone(number: usize) -> String {
    format!("+7916{number:07}")
}

async fn call(service: &TestService, number: usize, attempt: u32) {
    let asked = json!({"call_id": format!("c-{number}"), "caller": phone(number), "called": "+74951112233", "attempt": attempt});
    service.client.ask(&asked).expect(200).await;
}

/// Contracts of these callers, a day after.
async fn contracts(service: &TestService, of: &[usize]) {
    let closed_at = service.site.clock.now().checked_add(SignedDuration::from_hours(24)).unwrap();
    let deal = |number: &usize| Deal {
        deal: format!("d-{number}").into(),
        user: None,
        status: DealStatus::Won,
        amount: Some(Decimal::from(500)),
        returned_amount: None,
        currency: None,
        opened_at: None,
        closed_at: Some(closed_at),
        pipeline: None,
        lead_source: None,
        new_customer: None,
        contact_phones: vec![phone(*number)],
        link_key: None,
        metrics: Default::default(),
        unreadable_metrics: Default::default(),
        memory: Default::default(),
    };
    let deals = of.iter().map(deal).collect();
    let pull = PullCommit {
        connection: CRM.into(),
        deals,
        unreadable: Vec::new(),
        extent: Extent::Everything,
        state: PullState::default(),
    };
    service.store.commit_pull(&"acme".into(), pull).await.unwrap();
}

async fn read(service: &TestService, path: &str, token: &str) -> Value {
    service.client.read(path, token).expect(200).await.json()
}

/// In each of the first 20 blocks (10 of each kind: they are whole rounds of four) one call just after the beginning and one five
/// minutes later, which asks twice. Every later call of the treatment closes, every second one of the control.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_experiment_is_judged_from_what_is_stored() {
    let service = service(Some(experiment())).await;
    let token = service.token("acme", Role::SalesLead, None).await;
    let planned = read(&service, "policies/typed/experiment", &token).await;
    assert_eq!((&planned["state"], &planned["verdict"]), (&json!("running"), &json!("not proven yet")));
    let schedule: Vec<String> =
        planned["schedule"].as_array().unwrap().iter().map(|block| block["arm"].as_str().unwrap().to_owned()).collect();
    assert_eq!(schedule.len(), 48);

    let (mut won, mut control, mut switches) = (Vec::new(), 0, 0);
    for block in 0..20 {
        switches += u64::from(block == 0 || schedule[block] != schedule[block - 1]);
        call(&service, 2 * block, 1).await;
        service.site.clock.pass(300);
        call(&service, 2 * block + 1, 1).await;
        service.site.clock.pass(30);
        call(&service, 2 * block + 1, 2).await;
        let treated = schedule[block] == "treatment";
        control += usize::from(!treated);
        if treated || control.is_multiple_of(2) {
            won.push(2 * block + 1);
        }
        service.site.clock.pass(270);
    }
    contracts(&service, &won).await;
    service.site.clock.pass(2 * 86_400);
    let result = read(&service, "policies/typed/experiment", &token).await;
    assert_eq!(result["state"], "ended");
    assert_eq!(result["schedule"], json!([]));
    let calls = |side: &str| result[side]["calls"].as_u64().unwrap();
    assert_eq!(calls("treatment") + calls("control") + switches, 40, "each call once, but for those after a switch");
    assert_eq!(result["left_out"]["after_switch"], switches);
    assert_eq!((&result["treatment"]["clusters"], &result["control"]["clusters"]), (&json!(10), &json!(10)));
    assert_eq!((&result["treatment"]["contracts"], &result["control"]["contracts"]), (&json!(10), &json!(5)));
    assert_eq!(result["treatment"]["revenue"], "5000.000000");
    assert_eq!(result["left_out"]["immature"], 0);
    assert_eq!(result["matures_after_days"], Value::Null, "these deals do not say when they began");
    assert!(result["sentence"].as_str().unwrap().starts_with(result["verdict"].as_str().unwrap()), "{result}");
    assert_eq!(result["contracts"]["needed"].as_array().unwrap().len(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_calls_that_is_said_and_what_a_sample_needs() {
    let service = service(Some(experiment())).await;
    let token = service.token("acme", Role::SalesLead, None).await;
    let planned = read(&service, "policies/typed/experiment", &token).await;
    let sentence = "not proven yet: no call counts so far; to see a change of 10 %, if one call in ten brings a contract, each side \
                    needs 14130 calls, 14130 more than the smaller one has.";
    assert_eq!(planned["sentence"], sentence);
    assert_eq!(planned["contracts"]["needed"].as_array().unwrap().len(), 3);
}

/// A CRM that tells no phones: 16 calls count, 3 contracts are closed, and none of them is known to come of any call.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn contracts_without_phones_are_told_as_the_reason() {
    let service = service(Some(experiment())).await;
    let token = service.token("acme", Role::SalesLead, None).await;
    for block in 0..8 {
        service.site.clock.pass(300);
        call(&service, 2 * block, 1).await;
        call(&service, 2 * block + 1, 1).await;
        service.site.clock.pass(300);
    }
    let closed_at = service.site.clock.now().checked_add(SignedDuration::from_secs(3601)).unwrap();
    let deal = |number: usize| -> Deal {
        serde_json::from_value(json!({"deal": format!("d-{number}"), "status": "won", "closed_at": closed_at.to_string()}))
            .unwrap()
    };
    let pull = |deals| PullCommit {
        connection: CRM.into(),
        deals,
        unreadable: Vec::new(),
        extent: Extent::Everything,
        state: PullState::default(),
    };
    service.store.commit_pull(&"acme".into(), pull((0..3).map(deal).collect())).await.unwrap();
    service.site.clock.pass(2 * 86_400);
    let result = read(&service, "policies/typed/experiment", &token).await;
    assert_eq!(result["unmatched_contracts"], json!({"without_phone": 3, "without_call": 0, "of_calls_left_out": 0}));
    let sentence = result["sentence"].as_str().unwrap();
    let expected = "none of the 3 contracts of this time has a phone number, so none can be matched with a call and nothing can \
                    ever be proved: let the CRM connection supply `contact_phones`.";
    assert!(sentence.ends_with(expected), "{sentence}");

    // One of them with a phone that never called.
    let mut deals: Vec<Deal> = (0..3).map(deal).collect();
    deals[0].contact_phones = vec!["+79990000000".to_owned()];
    service.store.commit_pull(&"acme".into(), pull(deals)).await.unwrap();
    let result = read(&service, "policies/typed/experiment", &token).await;
    let sentence = result["sentence"].as_str().unwrap();
    let expected = "; 2 contracts have no phone number and belong to no call; 1 contracts came of no offered call.";
    assert!(sentence.ends_with(expected), "{sentence}");
}

/// Four blocks of each kind, two calls in each. Treatment closes 1, 2, 2, 2 of 2, control none: 0.875, and half the interval is 3.18
/// times 0.125, 0.40.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn too_few_blocks_are_told_as_the_reason() {
    let service = service(Some(experiment())).await;
    let token = service.token("acme", Role::SalesLead, None).await;
    let planned = read(&service, "policies/typed/experiment", &token).await;
    let mut won = Vec::new();
    for block in 0..8 {
        service.site.clock.pass(300);
        call(&service, 2 * block, 1).await;
        call(&service, 2 * block + 1, 1).await;
        if planned["schedule"][block]["arm"] == "treatment" {
            won.extend(if won.is_empty() { vec![2 * block] } else { vec![2 * block, 2 * block + 1] });
        }
        service.site.clock.pass(300);
    }
    contracts(&service, &won).await;
    service.site.clock.pass(2 * 86_400);
    let result = read(&service, "policies/typed/experiment", &token).await;
    assert!(result["contracts"]["difference"]["low"].as_f64().unwrap() > 0.0);
    let sentence = result["sentence"].as_str().unwrap();
    assert!(sentence.contains("; it looks clear, but a verdict needs 10 blocks on each side, and one has 4; "), "{sentence}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn agents_do_not_see_the_schedule_and_what_is_not_there_is_told() {
    let service = service(Some(experiment())).await;
    let agent = service.token("acme", Role::Agent, Some("anna")).await;
    assert_eq!(read(&service, "policies/typed/experiment", &agent).await["schedule"], json!([]));
    let none = service.client.read("policies/plain/experiment", &agent).expect(404).await;
    assert!(none.text().contains("has no experiment: add `experiment` to it"), "{}", none.text());
    service.client.read("policies/nothing/experiment", &agent).expect(404).await;
    service
        .client
        .read("policies/nothing/comparison?before=2026-09-01..2026-09-30&after=2026-10-01..2026-10-31", &agent)
        .expect(404)
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_before_and_after_comparison_warns_of_small_teams() {
    let service = service(None).await;
    let token = service.token("acme", Role::Viewer, None).await;
    let mut won = Vec::new();
    for number in 0..24 {
        call(&service, number, 1).await;
        if number % 4 == 0 || number > 20 {
            won.push(number);
        }
        service.site.clock.pass(86_400);
    }
    contracts(&service, &won).await;
    service.site.clock.pass(40 * 86_400);
    let path = "policies/typed/comparison?before=2026-11-23..2026-12-04&after=2026-12-05..2026-12-16";
    let compared = read(&service, path, &token).await;
    assert_eq!((&compared["before"]["calls"], &compared["after"]["calls"]), (&json!(12), &json!(12)));
    assert_eq!(compared["verdict"], "not proven yet");
    let warnings = compared["warnings"].to_string();
    assert!(warnings.contains("Only an experiment in randomised blocks"), "{warnings}");
    assert!(warnings.contains("with 2 agents one person's leave"), "{warnings}");
    // 8 or 9 contracts of 24 calls: CV^2 about 1.8, and sqrt(15.7 x 1.8 / 12) is far above 30 %.
    assert!(warnings.contains("% or more would show"), "{warnings}");
    assert!(compared["contracts"]["smallest_uplift"].as_f64().unwrap() > 1.0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn spans_that_cannot_be_compared_are_refused() {
    let service = service(None).await;
    let token = service.token("acme", Role::Viewer, None).await;
    let cases = [
        ("before=September&after=2026-10-01..2026-10-31", "`before=September` is no span of days; write two days"),
        ("before=2026-09-30..2026-09-01&after=2026-10-01..2026-10-31", "ends before it begins"),
        ("before=2026-09-01..2026-10-01&after=2026-10-01..2026-10-31", "`before` must end before `after` begins"),
        ("before=2020-01-01..2026-09-30&after=2026-10-01..2026-10-31", "is longer than 366 days"),
        ("before=2026-09-01..2026-09-30&after=2026-10-01..2026-10-31&within_days=0", "`within_days` must be from 1 to 365"),
        ("after=2026-10-01..2026-10-31", "missing field `before`"),
    ];
    for (query, expected) in cases {
        let refused = service.client.read(&format!("policies/typed/comparison?{query}"), &token).expect(400).await;
        assert!(refused.text().contains(expected), "{query}: {}", refused.text());
    }
}
