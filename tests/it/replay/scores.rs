//! What a replay says of scores: shares under the other file follow from stored deals, as in the service, and nothing else does.
//!
//! Worked by hand: 20 deals each, anna won all of hers, boris and clara none. Base rate 20 / 60, so 6.667 contracts are expected of each;
//! conversion with caution 10: (20 + 10) / 16.667 = 1.8 and 10 / 16.667 = 0.6 twice; all amounts equal. Shares 60, 20, 20 %.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use meritline::broker::ports::{Clock, Extent};
use meritline::broker::refresh_scores;
use meritline::broker::replay::ReplayResult;
use meritline::broker::store::{PullCommit, PullState};
use meritline::core::deal::Deal;
use meritline::core::policy::{Mode, Policy, ScoreSettings};
use meritline::core::workspace::Workspace;
use serde_json::json;

use super::{calls, named};
use crate::scores::timeless;
use crate::support::sample_workspace::SampleWorkspace;
use crate::support::service::TestService;

fn plain() -> ScoreSettings {
    ScoreSettings { crm: vec!["sheet".into()], ..timeless() }
}

fn by(mode: Mode, settings: ScoreSettings) -> impl FnOnce(&mut Policy) {
    move |policy| {
        policy.mode = mode;
        policy.score = (mode == Mode::Performance).then_some(settings);
    }
}

fn three(mode: Mode, settings: ScoreSettings) -> Arc<Workspace> {
    SampleWorkspace::new("acme")
        .agents(&["anna", "boris", "clara"])
        .policy("main", by(mode, settings))
        .group("sales", "main", &[("anna", 1.0), ("boris", 1.0), ("clara", 1.0)])
        .route("main", "sales")
        .crm("sheet")
        .build()
}

fn percent() -> Arc<Workspace> {
    three(Mode::Percent, plain())
}

fn performance(settings: ScoreSettings) -> Arc<Workspace> {
    three(Mode::Performance, settings)
}

/// Twenty deals of an agent, `won` of them contracts, closed at an instant.
fn deals(agent: &str, won: usize, closed_at: Timestamp) -> Vec<Deal> {
    let opened_at = closed_at.checked_sub(SignedDuration::from_hours(1)).unwrap();
    let one = |at: usize| {
        let status = if at < won { "won" } else { "lost" };
        let row = json!({"deal": format!("{agent}-{at}"), "user": format!("user-{agent}"), "status": status, "amount": "100.00",
                         "opened_at": opened_at, "closed_at": closed_at});
        serde_json::from_value(row).unwrap()
    };
    (0..20).map(one).collect()
}

fn anna_wins(closed_at: Timestamp) -> Vec<Deal> {
    [deals("anna", 20, closed_at), deals("boris", 0, closed_at), deals("clara", 0, closed_at)].concat()
}

fn hours_from(at: Timestamp, hours: i64) -> Timestamp {
    at.checked_add(SignedDuration::from_hours(hours)).unwrap()
}

impl TestService {
    async fn pulled(&self, connection: &str, deals: Vec<Deal>) {
        let state = PullState { succeeded_at: Some(self.site.clock.now()), ..PullState::default() };
        let pull = PullCommit { connection: connection.into(), deals, unreadable: Vec::new(), extent: Extent::Everything, state };
        self.store.commit_pull(&"acme".into(), pull).await.unwrap();
    }

    async fn all_handled(&self, calls: usize) {
        for number in 0..calls {
            self.handled(&format!("c-{number}"), 55).await;
        }
    }
}

fn change_of_value(result: &ReplayResult) -> f64 {
    result.outcome.replayed.mean_value().unwrap() / result.outcome.recorded.mean_value().unwrap() - 1.0
}

/// Recorded while everybody got the same. Whether the file is only tried or was applied since makes no difference.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn results_tell_what_performance_would_have_given_before_and_after_it_is_applied() {
    let service = TestService::of(percent()).await;
    let from = service.site.clock.now();
    service.pulled("sheet", anna_wins(hours_from(from, -2))).await;
    service.all_handled(45).await;
    let other = performance(plain());
    let tried = service.replayed(&percent(), &other, from).await;
    let applied = service.replayed_since(&other, &other, from, service.site.clock.now()).await;
    for result in [tried, applied] {
        assert_eq!(calls(&result, true), named(&[("anna", 15), ("boris", 15), ("clara", 15)]));
        assert_eq!(calls(&result, false), named(&[("anna", 27), ("boris", 9), ("clara", 9)]));
        // Mean of 1.8, 0.6 and 0.6 is 1; with these shares it is 0.6 * 1.8 + 0.4 * 0.6 = 1.32.
        assert!((change_of_value(&result) - 0.32).abs() < 1e-6, "{}", change_of_value(&result));
    }
}

/// Recorded under performance: the same file keeps the shares that were published, every knob of scores moves them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_knob_of_scores_counts() {
    let workspace = performance(plain());
    let service = TestService::of(Arc::clone(&workspace)).await;
    let from = service.site.clock.now();
    service.pulled("sheet", anna_wins(hours_from(from, -10 * 24))).await;
    let tenant = service.tenants.find("acme").unwrap();
    refresh_scores::refresh_all(&service.store, &tenant, from).await.unwrap();
    service.all_handled(45).await;
    let same = service.replayed(&workspace, &workspace, from).await;
    assert_eq!((same.outcome.first_differs, calls(&same, true)), (0, named(&[("anna", 27), ("boris", 9), ("clara", 9)])));
    let even = named(&[("anna", 15), ("boris", 15), ("clara", 15)]);
    let knobs: [(&str, ScoreSettings); 4] = [
        ("cautious", ScoreSettings { caution: 1e6, ..plain() }),
        ("short of memory", ScoreSettings { horizon_seconds: Some(24 * 3600), ..plain() }),
        ("forgetful", ScoreSettings { half_life_seconds: Some(3600), ..plain() }),
        ("without strength", ScoreSettings { strength: 0.0, ..plain() }),
    ];
    for (what, settings) in knobs {
        let result = service.replayed(&workspace, &performance(settings), from).await;
        assert_eq!(calls(&result, false), even, "{what}");
    }
    let cautious = service.replayed(&workspace, &performance(ScoreSettings { caution: 1e6, ..plain() }), from).await;
    assert!(change_of_value(&cautious).abs() < 1e-4, "{}", change_of_value(&cautious));
}

/// The contracts are closed half an hour into the span: for the first hour nobody knows of them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn results_count_from_when_they_came() {
    let service = TestService::of(percent()).await;
    let from = service.site.clock.now();
    let closed_at = from.checked_add(SignedDuration::from_mins(30)).unwrap();
    service.pulled("sheet", anna_wins(closed_at)).await;
    service.all_handled(90).await;
    let at_once = ScoreSettings { smoothing_seconds: 0, ..plain() };
    let result = service.replayed(&percent(), &performance(at_once), from).await;
    // 60 calls shared evenly, then 30 at 60, 20, 20 %.
    let expected = [("anna", 38), ("boris", 26), ("clara", 26)];
    for ((agent, got), (name, calls)) in calls(&result, false).iter().zip(expected) {
        assert_eq!(agent, name);
        assert!(got.abs_diff(calls) <= 1, "{agent}: {got}");
    }
}

/// Anna sells well under one policy and badly under another: a call is worth what she does under its own.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_in_two_policies_counts_by_that_of_the_call() {
    let of = |mode: Mode| {
        let second = ScoreSettings { crm: vec!["desk".into()], ..timeless() };
        SampleWorkspace::new("acme")
            .agents(&["anna", "boris", "clara"])
            .policy("by-sheet", by(mode, plain()))
            .policy("by-desk", by(mode, second))
            .group("sales", "by-sheet", &[("anna", 1.0), ("boris", 1.0)])
            .group("service", "by-desk", &[("anna", 1.0), ("clara", 1.0)])
            .route("main", "sales")
            .crm("sheet")
            .crm("desk")
            .build()
    };
    let service = TestService::of(of(Mode::Percent)).await;
    let from = service.site.clock.now();
    let before = hours_from(from, -2);
    service.pulled("sheet", [deals("anna", 20, before), deals("boris", 0, before)].concat()).await;
    service.pulled("desk", [deals("anna", 0, before), deals("clara", 20, before)].concat()).await;
    service.all_handled(40).await;
    let result = service.replayed(&of(Mode::Percent), &of(Mode::Performance), from).await;
    assert_eq!(calls(&result, false), named(&[("anna", 30), ("boris", 10)]));
    // 10 contracts expected of each: 30 / 20 = 1.5 and 10 / 20 = 0.5; 0.75 * 1.5 + 0.25 * 0.5 = 1.25 against 1.
    assert!((change_of_value(&result) - 0.25).abs() < 1e-6, "{}", change_of_value(&result));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_scores_cannot_tell_is_said() {
    let service = TestService::of(percent()).await;
    let from = service.site.clock.now();
    service.all_handled(3).await;
    let told = |result: &ReplayResult, text: &str| result.cannot_know.iter().any(|line| line.contains(text));
    let result = service.replayed(&percent(), &percent(), from).await;
    assert!(!told(&result, "scores are computed"), "{:?}", result.cannot_know);
    let other = performance(plain());
    let result = service.replayed(&percent(), &other, from).await;
    assert!(told(&result, "scores are computed for every hour of the span"), "{:?}", result.cannot_know);
    assert!(told(&result, "connection `sheet` would say of anybody: no deals of it are stored"), "{:?}", result.cannot_know);
    assert_eq!(result.outcome.replayed.mean_value(), None, "nobody sold anything: nothing to compare by");
    let result = service.replayed_since(&other, &other, from, service.site.clock.now()).await;
    assert!(told(&result, "before the file in use was applied"), "{:?}", result.cannot_know);
}
