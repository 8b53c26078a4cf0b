//! Deciding: once per question, one after another, in memory at once.

use std::collections::HashSet;
use std::sync::Arc;

use jiff::Timestamp;
use meritline::broker::store::{DecisionSpan, PageRequest, Store, StoreError, Verdict};
use meritline::core::distribution::tally::Tally;
use meritline::core::ids::{CallId, WorkspaceId};
use meritline::core::proving::rollout::{FollowedCalls, Rollout};
use meritline::core::record::DecisionRecord;
use tokio::task::JoinSet;

use super::Place;
use super::question::{ask, ask_attempt, at, decided, first, key};
use crate::support::sample_workspace::SampleWorkspace;

pub(crate) async fn a_repeated_question_gets_the_same_record(place: &dyn Place) {
    let store = place.store().await;
    store.open(SampleWorkspace::one_group("acme", &["anna", "boris"]).build(), at(0)).await.unwrap();
    let record = ask(&*store, "acme", "c-1", at(1)).await;
    let other = ask(&*store, "acme", "c-2", at(2)).await;
    let again = ask(&*store, "acme", "c-1", at(3)).await;
    assert_eq!(again, record);
    assert_eq!((record.sequence, other.sequence), (1, 2));
    assert_ne!(first(&record), first(&other), "a reserved agent is not rung for another call");
    let next = ask_attempt(&*store, "acme", "c-1", 2, at(4)).await.unwrap();
    assert_eq!(next.sequence, 3);
}

pub(crate) async fn a_hundred_equal_questions_at_once_are_decided_once(place: &dyn Place) {
    let store = place.store().await;
    store.open(SampleWorkspace::one_group("acme", &["anna", "boris"]).build(), at(0)).await.unwrap();
    let mut asking = JoinSet::new();
    for _ in 0..100 {
        let store = Arc::clone(&store);
        asking.spawn(async move { ask(&*store, "acme", "c-1", at(1)).await.decision.decision_id });
    }
    let ids: HashSet<_> = asking.join_all().await.into_iter().collect();
    assert_eq!(ids.len(), 1);
    let page = PageRequest { limit: 10, ..PageRequest::default() };
    assert_eq!(store.decisions(&WorkspaceId::from("acme"), page).await.unwrap().items.len(), 1);
}

pub(crate) async fn a_thousand_calls_at_once_reserve_nobody_twice(place: &dyn Place) {
    let store = place.store().await;
    let names: Vec<String> = (0..40).map(|n| format!("agent-{n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    store.open(SampleWorkspace::one_group("acme", &names).build(), at(0)).await.unwrap();
    let mut asking = JoinSet::new();
    for call in 0..1000 {
        let store = Arc::clone(&store);
        asking.spawn(async move { ask(&*store, "acme", &format!("c-{call}"), at(1)).await });
    }
    let records = asking.join_all().await;
    let reserved: Vec<&str> = records.iter().filter_map(|r| Some(r.decision.targets.first()?.agent.as_str())).collect();
    assert_eq!(reserved.len(), 40, "forty people can take forty calls");
    assert_eq!(reserved.iter().collect::<HashSet<_>>().len(), 40, "nobody is reserved twice");
    let sequences: HashSet<u64> = records.iter().map(|record| record.sequence).collect();
    assert_eq!(sequences, (1..=1000).collect());
}

pub(crate) async fn a_decision_computed_for_another_state_is_not_committed(place: &dyn Place) {
    let store = place.store().await;
    store.open(SampleWorkspace::one_group("acme", &["anna"]).build(), at(0)).await.unwrap();
    let stale = |tally: &Tally| {
        let mut record = decided(tally, &key("c-1"), 1, at(1));
        record.sequence += 5;
        Verdict::New(Arc::new(record))
    };
    let refused = store.decide(&WorkspaceId::from("acme"), &key("c-1"), at(1), &stale).await;
    assert!(matches!(refused, Err(StoreError::Conflict(_))), "{refused:?}");
    assert_eq!(ask(&*store, "acme", "c-1", at(2)).await.sequence, 1);
}

pub(crate) async fn a_workspace_that_is_not_open_is_told(place: &dyn Place) {
    let store = place.store().await;
    let workspace = SampleWorkspace::one_group("acme", &["anna"]).build();
    let refused = ask_attempt(&*store, "acme", "c-1", 1, at(1)).await.unwrap_err();
    assert!(refused.to_string().contains("`acme` is not open"), "{refused}");
    store.open(workspace, at(0)).await.unwrap();
    ask(&*store, "acme", "c-1", at(1)).await;
    store.close(&WorkspaceId::from("acme")).await;
    ask_attempt(&*store, "acme", "c-1", 1, at(1)).await.unwrap_err();
}

pub(crate) async fn decisions_are_listed_newest_first_page_by_page(place: &dyn Place) {
    let store = place.store().await;
    store.open(SampleWorkspace::one_group("acme", &["anna", "boris"]).build(), at(0)).await.unwrap();
    let workspace = WorkspaceId::from("acme");
    let mut made = Vec::new();
    for call in 0..7 {
        made.push(ask(&*store, "acme", &format!("c-{call}"), at(call * 100)).await);
    }
    let (mut listed, mut cursor, mut pages) = (Vec::new(), None, 0);
    loop {
        let page = store.decisions(&workspace, PageRequest { cursor, limit: 3, call: None }).await.unwrap();
        listed.extend(page.items);
        pages += 1;
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    made.reverse();
    assert_eq!(pages, 3);
    assert_eq!(
        listed.iter().map(|r| r.decision.decision_id).collect::<Vec<_>>(),
        made.iter().map(|r| r.decision.decision_id).collect::<Vec<_>>()
    );
    assert_eq!(listed[0].groups[0].lambda.values, made[0].groups[0].lambda.values, "expected shares come back exactly");
    assert_eq!(listed[0].reply, made[0].reply);

    let of_call = PageRequest { cursor: None, limit: 3, call: Some(CallId::from("c-2")) };
    let of_call = store.decisions(&workspace, of_call).await.unwrap();
    assert_eq!(of_call.items.len(), 1);
    assert_eq!(of_call.items[0].decision.call_id.as_str(), "c-2");
    let found = store.decision(&workspace, made[3].decision.decision_id).await.unwrap().unwrap();
    assert_eq!(found.sequence, made[3].sequence);
    let foreign = PageRequest { cursor: Some("yesterday".to_owned()), limit: 3, call: None };
    assert!(matches!(store.decisions(&workspace, foreign).await, Err(StoreError::Conflict(_))));
}

/// What is written at once is found one by one: more than one page of the disk holds, in several workspaces, half of them
/// received a minute apart.
pub(crate) async fn a_burst_of_decisions_comes_back_whole(place: &dyn Place) {
    let store = place.store().await;
    let mut made = Vec::new();
    for workspace in ["acme", "beta"] {
        store.open(SampleWorkspace::one_group(workspace, &["anna", "boris", "clara"]).build(), at(0)).await.unwrap();
    }
    for call in 0..300_i64 {
        let received = if call < 150 { at(0) } else { at(call * 61) };
        made.push(ask(&*store, "acme", &format!("c-{call}"), received).await);
        ask(&*store, "beta", &format!("c-{call}"), received).await;
    }
    store.shut_down().await;

    let store = place.store().await;
    let workspace = WorkspaceId::from("acme");
    store.open(SampleWorkspace::one_group("acme", &["anna", "boris", "clara"]).build(), at(300 * 61)).await.unwrap();
    let (mut listed, mut cursor) = (Vec::new(), None);
    loop {
        let page = store.decisions(&workspace, PageRequest { cursor, limit: 37, call: None }).await.unwrap();
        listed.extend(page.items);
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    listed.reverse();
    assert_eq!(listed, made);
    for record in made.iter().step_by(7) {
        assert_eq!(store.decision(&workspace, record.decision.decision_id).await.unwrap().as_ref(), Some(record));
        let of_call = PageRequest { limit: 2, call: Some(record.decision.call_id.clone()), cursor: None };
        assert_eq!(store.decisions(&workspace, of_call).await.unwrap().items, [Arc::clone(record)]);
    }
    assert_eq!(store.decision(&workspace, uuid::Uuid::nil()).await.unwrap(), None);
}

pub(crate) async fn a_call_id_used_again_after_a_day_is_a_new_call(place: &dyn Place) {
    let store = place.store().await;
    let workspace = SampleWorkspace::one_group("acme", &["anna", "boris"]).build();
    store.open(Arc::clone(&workspace), at(0)).await.unwrap();
    let monday = ask(&*store, "acme", "c-1", at(0)).await;
    store.shut_down().await;

    let store = place.store().await;
    let wednesday = at(2 * 24 * 3600);
    store.open(workspace, wednesday).await.unwrap();
    let again = ask(&*store, "acme", "c-1", wednesday).await;
    assert_ne!(again.decision.decision_id, monday.decision.decision_id);
    let page = PageRequest { limit: 10, call: Some(CallId::from("c-1")), cursor: None };
    assert_eq!(store.decisions(&WorkspaceId::from("acme"), page).await.unwrap().items.len(), 2, "both are kept");
}

async fn span(store: &dyn Store, from: Timestamp, until: Timestamp) -> Vec<Arc<DecisionRecord>> {
    let (mut items, mut cursor) = (Vec::new(), None);
    loop {
        let span = DecisionSpan { from, until, cursor };
        let page = store.decisions_between(&WorkspaceId::from("acme"), span).await.unwrap();
        items.extend(page.items);
        cursor = page.next;
        if cursor.is_none() {
            return items;
        }
    }
}

/// 150 decisions at once and 150 a minute apart; half the calls are answered by the policy under test, each with what the other arm
/// would have answered.
pub(crate) async fn decisions_of_a_span_come_oldest_first_with_what_was_under_test(place: &dyn Place) {
    let rollout = Rollout { calls: FollowedCalls::Percent(50), experiment: None };
    let workspace = SampleWorkspace::new("acme")
        .agents(&["anna", "boris", "clara"])
        .policy("typed", |policy| policy.rollout = rollout)
        .group("sales", "typed", &[("anna", 3.0), ("boris", 2.0), ("clara", 1.0)])
        .route("main", "sales")
        .build();
    let store = place.store().await;
    store.open(Arc::clone(&workspace), at(0)).await.unwrap();
    let mut made = Vec::new();
    for call in 0..300_i64 {
        let received = if call < 150 { at(1) } else { at(call * 61) };
        made.push(ask(&*store, "acme", &format!("c-{call}"), received).await);
    }
    assert!(made.iter().filter_map(|record| record.trial.other.as_ref()).any(|other| !other.steps.is_empty()));
    assert_eq!(span(&*store, at(1), at(400 * 61)).await, made);
    store.shut_down().await;

    let store = place.store().await;
    store.open(workspace, at(400 * 61)).await.unwrap();
    assert_eq!(span(&*store, at(0), at(400 * 61)).await, made);
    assert_eq!(span(&*store, at(2), at(400 * 61)).await, made[150..]);
    assert_eq!(span(&*store, at(200 * 61), at(250 * 61)).await, made[200..250], "the first instant is in, the last is not");
    assert_eq!(span(&*store, at(0), at(1)).await, []);
    assert_eq!(span(&*store, at(500 * 61), at(600 * 61)).await, []);
    let foreign = DecisionSpan { from: at(0), until: at(1), cursor: Some("yesterday".to_owned()) };
    let refused = store.decisions_between(&WorkspaceId::from("acme"), foreign).await;
    assert!(matches!(refused, Err(StoreError::Conflict(_))), "{refused:?}");
}
