//! Events: durable, counted once, in any order.

use meritline::broker::store::{EventOutcome, PageRequest};
use meritline::core::call::CallEventType::{Answered, Ended, Missed, Offered};
use meritline::core::ids::{CallId, EventId, WorkspaceId};
use meritline::core::record::ReceivedEvent;

use super::Place;
use super::question::{ask, assert_same_credits, at, credits, event, first, is_at_hand, pbx, taken, tell};
use crate::support::sample_workspace::SampleWorkspace;

/// Two people with equal shares; the one who took the only call is half a call ahead. A period later half of that is left.
pub(crate) async fn one_answered_call_moves_credit_as_calculated_by_hand(place: &dyn Place) {
    let store = place.store().await;
    store.open(SampleWorkspace::one_group("acme", &["anna", "boris"]).build(), at(0)).await.unwrap();
    let record = ask(&*store, "acme", "c-1", at(0)).await;
    assert_eq!(first(&record), "anna", "equal credit: the smaller id");
    assert_eq!(tell(&*store, "acme", taken("c-1", "anna", 0)).await, 3);
    let now = credits(&*store, "acme", "sales", at(0)).await;
    assert!((now["anna"] + 0.5).abs() < 1e-12 && (now["boris"] - 0.5).abs() < 1e-12, "{now:?}");
    let later = credits(&*store, "acme", "sales", at(36_000)).await;
    assert!((later["anna"] + 0.25).abs() < 1e-12 && (later["boris"] - 0.25).abs() < 1e-12, "{later:?}");
}

pub(crate) async fn a_call_nobody_answered_leaves_no_credit(place: &dyn Place) {
    let store = place.store().await;
    store.open(SampleWorkspace::one_group("acme", &["anna"]).build(), at(0)).await.unwrap();
    ask(&*store, "acme", "c-1", at(0)).await;
    let events = vec![
        event("e-1", "c-1", Offered, Some("anna"), at(1)),
        event("e-2", "c-1", Missed, Some("anna"), at(20)),
        event("e-3", "c-1", Ended, None, at(21)),
    ];
    tell(&*store, "acme", events).await;
    assert_eq!(credits(&*store, "acme", "sales", at(30)).await["anna"], 0.0);
}

/// A fixed shuffle: the same at every run, different for every seed.
fn shuffle(events: &mut [ReceivedEvent], seed: u64) {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    for last in (1..events.len()).rev() {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        events.swap(last, usize::try_from(state >> 33).unwrap() % (last + 1));
    }
}

pub(crate) async fn shuffled_and_repeated_events_count_once(place: &dyn Place) {
    let store = place.store().await;
    let seeds = [1, 2, 3, 4];
    for workspace in std::iter::once("plain".to_owned()).chain(seeds.map(|seed| format!("shuffled-{seed}"))) {
        let members = [("anna", 3.0), ("boris", 2.0), ("clara", 1.0)];
        let sample = SampleWorkspace::new(&workspace).agents(&["anna", "boris", "clara"]).policy("p", |_| {});
        store.open(sample.group("sales", "p", &members).route("main", "sales").build(), at(0)).await.unwrap();
    }
    // Decided without events in between, so that every workspace decides alike whatever comes when.
    let mut events = Vec::new();
    for call in 0..30 {
        let start = call * 100;
        for workspace in std::iter::once("plain".to_owned()).chain(seeds.map(|seed| format!("shuffled-{seed}"))) {
            ask(&*store, &workspace, &format!("c-{call}"), at(start)).await;
        }
        // Every third call is taken by somebody else than the first target.
        let agent = ["anna", "boris", "clara"][usize::try_from(call % 3).unwrap()];
        events.extend(taken(&format!("c-{call}"), agent, start));
    }
    assert_eq!(tell(&*store, "plain", events.clone()).await, 90);
    let plain = credits(&*store, "plain", "sales", at(4000)).await;
    assert!(plain.values().any(|credit| credit.abs() > 0.1), "the calls moved something: {plain:?}");
    for seed in seeds {
        let workspace = format!("shuffled-{seed}");
        let mut thrice = [events.clone(), events.clone(), events.clone()].concat();
        shuffle(&mut thrice, seed);
        let mut accepted = 0;
        for batch in thrice.chunks(7) {
            accepted += tell(&*store, &workspace, batch.to_vec()).await;
        }
        assert_eq!(accepted, 90);
        assert_same_credits(&credits(&*store, &workspace, "sales", at(4000)).await, &plain);
    }
}

pub(crate) async fn a_repeat_within_one_batch_is_a_duplicate(place: &dyn Place) {
    let store = place.store().await;
    store.open(SampleWorkspace::one_group("acme", &["anna"]).build(), at(0)).await.unwrap();
    let twice = event("e-1", "c-1", Answered, Some("anna"), at(1));
    let outcomes = store.record_events(&WorkspaceId::from("acme"), vec![twice.clone(), twice]).await.unwrap();
    assert_eq!(outcomes, [EventOutcome::Accepted, EventOutcome::Duplicate]);
}

pub(crate) async fn unknown_calls_and_agents_are_flagged(place: &dyn Place) {
    let store = place.store().await;
    store.open(SampleWorkspace::one_group("acme", &["anna"]).build(), at(0)).await.unwrap();
    ask(&*store, "acme", "c-1", at(0)).await;
    let events = vec![
        event("known", "c-1", Answered, Some("anna"), at(1)),
        event("strange call", "c-9", Answered, Some("anna"), at(1)),
        event("strange agent", "c-1", Answered, Some("zoe"), at(1)),
        event("no agent", "c-1", Answered, None, at(1)),
        event("the call's end", "c-1", Ended, None, at(1)),
    ];
    tell(&*store, "acme", events).await;
    let mut flags = Vec::new();
    for id in ["known", "strange call", "strange agent", "no agent", "the call's end"] {
        let stored = store.event(&WorkspaceId::from("acme"), &pbx(), &EventId::from(id)).await.unwrap().unwrap();
        flags.push((stored.flags.unknown_call, stored.flags.unknown_agent));
    }
    assert_eq!(flags, [(false, false), (true, false), (false, true), (false, true), (false, false)]);
}

pub(crate) async fn events_are_listed_newest_first_and_found_by_id(place: &dyn Place) {
    let store = place.store().await;
    store.open(SampleWorkspace::one_group("acme", &["anna"]).build(), at(0)).await.unwrap();
    let workspace = WorkspaceId::from("acme");
    for call in ["c-1", "c-2"] {
        tell(&*store, "acme", taken(call, "anna", 0)).await;
    }
    let first_page = store.events(&workspace, PageRequest { limit: 4, ..PageRequest::default() }).await.unwrap();
    let ids = |page: &[meritline::broker::store::StoredEvent]| {
        page.iter().map(|stored| stored.received.event.event_id.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(ids(&first_page.items), ["c-2-ended", "c-2-answered", "c-2-offered", "c-1-ended"]);
    let request = PageRequest { cursor: first_page.next, limit: 4, call: None };
    let second_page = store.events(&workspace, request).await.unwrap();
    assert_eq!(ids(&second_page.items), ["c-1-answered", "c-1-offered"]);
    assert_eq!(second_page.next, None);
    let request = PageRequest { cursor: None, limit: 100, call: Some(CallId::from("c-1")) };
    assert_eq!(store.events(&workspace, request).await.unwrap().items.len(), 3);
    assert!(store.event(&workspace, &pbx(), &EventId::from("nobody's")).await.unwrap().is_none());
}

/// The same facts, once told while the call is at hand and once after it was let go: anna took the call, then the PBX
/// tells that boris had picked up before her, so he pays.
pub(crate) async fn a_late_event_of_a_forgotten_call_counts_as_if_it_had_been_at_hand(place: &dyn Place) {
    let store = place.store().await;
    let late = |received| {
        let mut late = event("late", "c-1", Answered, Some("boris"), at(3));
        late.received_at = at(received);
        vec![late]
    };
    let hours = 5 * 3600;
    for workspace in ["prompt", "late"] {
        store.open(SampleWorkspace::one_group(workspace, &["anna", "boris", "clara"]).build(), at(0)).await.unwrap();
        let record = ask(&*store, workspace, "c-1", at(0)).await;
        assert_eq!(first(&record), "anna");
        tell(&*store, workspace, taken("c-1", "anna", 0)).await;
        if workspace == "prompt" {
            tell(&*store, workspace, late(70)).await;
        }
        // Time enough to let go of what is over.
        ask(&*store, workspace, "c-2", at(hours)).await;
        assert!(!is_at_hand(&*store, workspace, "c-1", at(hours)).await, "the case this test is about");
        tell(&*store, workspace, vec![event("gone", "c-2", Ended, None, at(hours + 2))]).await;
        if workspace == "late" {
            let before = credits(&*store, workspace, "sales", at(hours + 2)).await;
            assert!(before["anna"] < -0.3, "until then anna pays: {before:?}");
            tell(&*store, workspace, late(hours + 3)).await;
        }
    }
    let prompt = credits(&*store, "prompt", "sales", at(hours + 100)).await;
    assert!(prompt["boris"] < -0.3 && prompt["anna"] > 0.1, "boris paid: {prompt:?}");
    assert_same_credits(&credits(&*store, "late", "sales", at(hours + 100)).await, &prompt);
}
