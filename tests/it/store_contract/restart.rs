//! What a restart must not change.

use std::sync::Arc;

use meritline::broker::store::WorkspaceChange;
use meritline::core::call::CallEventType::{AgentState, Answered, Ended, Missed};
use meritline::core::call::PbxAgentState;
use meritline::core::ids::{AgentId, GroupId, WorkspaceId};
use meritline::core::record::{Presence, PresenceState};

use super::Place;
use super::question::{ask, ask_attempt, assert_same_credits, at, credits, event, first, is_at_hand, taken, tell};
use crate::support::sample_workspace::SampleWorkspace;

pub(crate) async fn credits_presence_and_answers_survive(place: &dyn Place) {
    let people = ["anna", "boris", "clara", "dmitri"];
    let members = [("anna", 4.0), ("boris", 3.0), ("clara", 2.0), ("dmitri", 1.0)];
    let sample = SampleWorkspace::new("acme").agents(&people).policy("p", |_| {}).group("sales", "p", &members);
    let workspace = sample.route("main", "sales").build();
    let store = place.store().await;
    store.open(Arc::clone(&workspace), at(0)).await.unwrap();
    let mut records = Vec::new();
    for call in 0..60 {
        let record = ask(&*store, "acme", &format!("c-{call}"), at(call * 90)).await;
        let taken = taken(&format!("c-{call}"), first(&record), call * 90);
        tell(&*store, "acme", taken).await;
        records.push(record);
    }
    let presence = Presence {
        agent: AgentId::from("boris"),
        state: PresenceState::Paused,
        reason: Some("lunch".to_owned()),
        until: None,
        set_at: at(5400),
    };
    store.set_presence(&WorkspaceId::from("acme"), presence).await.unwrap();
    let mut offline = event("word", "", AgentState, Some("clara"), at(5400));
    (offline.event.call_id, offline.event.state) = (None, Some(PbxAgentState::Offline));
    tell(&*store, "acme", vec![offline]).await;
    let before = credits(&*store, "acme", "sales", at(5500)).await;
    store.shut_down().await;

    // Nine periods later the decisions have no weight, but who is off duty still is.
    for (now, decisions_count) in [(at(5500), true), (at(9 * 36_000), false)] {
        let store = place.store().await;
        store.open(Arc::clone(&workspace), now).await.unwrap();
        if decisions_count {
            assert_same_credits(&credits(&*store, "acme", "sales", now).await, &before);
            for record in records.iter().rev().take(5) {
                let again = ask(&*store, "acme", record.decision.call_id.as_str(), now).await;
                assert_eq!((&again.reply, again.decision.decision_id), (&record.reply, record.decision.decision_id));
            }
        }
        let next = ask(&*store, "acme", &format!("next-{decisions_count}"), now).await;
        assert!(next.sequence > 60, "sequences go on: {}", next.sequence);
        let listed: Vec<&str> = next.decision.targets.iter().map(|target| target.agent.as_str()).collect();
        assert!(!listed.contains(&"boris") && !listed.contains(&"clara"), "{listed:?}");
        store.shut_down().await;
    }
}

/// Anna talks all the time, so that she is owed as much as anybody can be and the cap adjusts every further call: what is
/// read back must not adjust again.
pub(crate) async fn a_forgotten_call_is_answered_as_before(place: &dyn Place) {
    let store = place.store().await;
    let workspace = SampleWorkspace::one_group("acme", &["anna", "boris"]).build();
    store.open(Arc::clone(&workspace), at(0)).await.unwrap();
    tell(&*store, "acme", vec![event("long", "anna's own", Answered, Some("anna"), at(0))]).await;
    let mut record = ask(&*store, "acme", "c-0", at(0)).await;
    for call in 0..12 {
        record = ask(&*store, "acme", &format!("c-{call}"), at(call * 100)).await;
        tell(&*store, "acme", taken(&format!("c-{call}"), first(&record), call * 100)).await;
    }
    assert!(record.adjustments.iter().any(|by| !by.clamps.is_empty()), "the case this test is about");
    let later = at(3000);
    ask(&*store, "acme", "c-99", later).await;
    assert!(!is_at_hand(&*store, "acme", "c-11", later).await, "the case this test is about");
    let before = credits(&*store, "acme", "sales", at(3100)).await;
    let again = ask(&*store, "acme", "c-11", at(3001)).await;
    assert_eq!((&again.reply, again.sequence), (&record.reply, record.sequence));
    assert_same_credits(&credits(&*store, "acme", "sales", at(3100)).await, &before);
    store.shut_down().await;

    let store = place.store().await;
    store.open(workspace, at(20 * 3600)).await.unwrap();
    let again = ask(&*store, "acme", "c-11", at(20 * 3600)).await;
    assert_eq!((&again.reply, again.sequence), (&record.reply, record.sequence));
}

/// Two attempts of one call with more decisions between them than are read at once.
pub(crate) async fn attempts_far_apart_fold_to_the_same_credits(place: &dyn Place) {
    let workspace = SampleWorkspace::one_group("acme", &["anna", "boris", "clara"]).build();
    let store = place.store().await;
    store.open(Arc::clone(&workspace), at(0)).await.unwrap();
    let early = ask(&*store, "acme", "far", at(0)).await;
    tell(&*store, "acme", vec![event("far-missed", "far", Missed, Some(first(&early)), at(20))]).await;
    for call in 0..2500 {
        ask(&*store, "acme", &format!("c-{call}"), at(30 + call * 2)).await;
    }
    let late = ask_attempt(&*store, "acme", "far", 2, at(6000)).await.unwrap();
    let taker = first(&late);
    assert_ne!(taker, first(&early), "who was rung comes last");
    let events =
        vec![event("far-answered", "far", Answered, Some(taker), at(6005)), event("far-ended", "far", Ended, None, at(6100))];
    tell(&*store, "acme", events).await;
    let before = credits(&*store, "acme", "sales", at(6200)).await;
    assert!(before[taker] < -0.5, "one answered call: {before:?}");
    store.shut_down().await;
    let store = place.store().await;
    store.open(workspace, at(6200)).await.unwrap();
    assert_same_credits(&credits(&*store, "acme", "sales", at(6200)).await, &before);
}

pub(crate) async fn a_reset_holds_after_a_restart(place: &dyn Place) {
    let store = place.store().await;
    let workspace = SampleWorkspace::one_group("acme", &["anna", "boris"]).build();
    store.open(Arc::clone(&workspace), at(0)).await.unwrap();
    ask(&*store, "acme", "c-1", at(0)).await;
    tell(&*store, "acme", taken("c-1", "anna", 0)).await;
    let change = WorkspaceChange {
        id: WorkspaceId::from("acme"),
        based_on: 0,
        document: "{}".to_owned(),
        credit_resets: vec![GroupId::from("sales")],
    };
    store.apply_workspaces(vec![change], at(100)).await.unwrap();
    store.open(Arc::clone(&workspace), at(101)).await.unwrap();
    assert_eq!(credits(&*store, "acme", "sales", at(101)).await["anna"], 0.0);
    ask(&*store, "acme", "c-2", at(200)).await;
    tell(&*store, "acme", taken("c-2", "boris", 200)).await;
    let before = credits(&*store, "acme", "sales", at(300)).await;
    assert!(before["boris"] < -0.4, "what comes after the reset counts: {before:?}");
    store.shut_down().await;
    let store = place.store().await;
    store.open(workspace, at(300)).await.unwrap();
    assert_same_credits(&credits(&*store, "acme", "sales", at(300)).await, &before);
}

pub(crate) async fn a_newer_version_of_the_workspace_keeps_credits(place: &dyn Place) {
    let store = place.store().await;
    store.open(SampleWorkspace::one_group("acme", &["anna", "boris"]).build(), at(0)).await.unwrap();
    ask(&*store, "acme", "c-1", at(0)).await;
    tell(&*store, "acme", taken("c-1", "anna", 0)).await;
    store.open(SampleWorkspace::one_group("acme", &["zoe", "boris", "anna"]).build(), at(100)).await.unwrap();
    let now = credits(&*store, "acme", "sales", at(0)).await;
    assert!((now["anna"] + 0.5).abs() < 1e-12 && (now["boris"] - 0.5).abs() < 1e-12, "{now:?}");
    assert_eq!(now["zoe"], 0.0, "a new member starts at 0");
}
