//! What scores are made of: calls told whole, spans off duty, deals merged with what was known of them, kept score tables.

use std::collections::BTreeMap;

use meritline::broker::ports::Extent;
use meritline::broker::store::{CallsAfter, InterventionRequest, PullCommit, PullState, Store, StoredScoreVersion, ToldCalls};
use meritline::core::call::CallEventType::Recorded;
use meritline::core::deal::{Deal, DealStatus, FirstWin};
use meritline::core::ids::{AgentId, ConnectionId, PolicyId, WorkspaceId};
use meritline::core::intervention::{Actor, Change, Intervention};
use meritline::core::record::{Presence, PresenceState};
use meritline::core::working_time::duty_days::OffDutySpan;

use super::Place;
use super::question::{ask, at, event, taken, tell};
use crate::support::sample_workspace::SampleWorkspace;

const DAY: i64 = 86_400;

fn acme() -> WorkspaceId {
    WorkspaceId::from("acme")
}

async fn told(store: &dyn Store, position: u64, since: i64) -> ToldCalls {
    store.told_calls(&acme(), CallsAfter { position, since: at(since) }).await.unwrap()
}

/// Which calls, with how many decisions and events.
fn shown(told: &ToldCalls) -> Vec<(&str, usize, usize)> {
    told.calls.iter().map(|call| (call.key.call.as_str(), call.records.len(), call.events.len())).collect()
}

pub(crate) async fn calls_are_told_whole_whenever_something_is_told_of_them(place: &dyn Place) {
    let store = place.store().await;
    for id in ["acme", "beta"] {
        store.open(SampleWorkspace::one_group(id, &["anna", "boris"]).build(), at(0)).await.unwrap();
        ask(&*store, id, "c-1", at(0)).await;
        tell(&*store, id, taken("c-1", "anna", 0)).await;
    }
    ask(&*store, "acme", "c-2", at(100)).await;
    tell(&*store, "acme", taken("c-2", "boris", 100)).await;
    tell(&*store, "acme", taken("not asked about", "anna", 200)).await;
    let first = told(&*store, 0, 0).await;
    assert_eq!(shown(&first), [("c-1", 1, 3), ("c-2", 1, 3), ("not asked about", 0, 3)]);
    assert!(!first.more);
    let nothing = told(&*store, first.next, 0).await;
    assert_eq!((shown(&nothing), nothing.next), (Vec::new(), first.next));
    // One word more, and the whole call comes again, after a restart as before it.
    tell(&*store, "acme", vec![event("late", "c-1", Recorded, None, at(300))]).await;
    store.shut_down().await;
    let store = place.store().await;
    store.open(SampleWorkspace::one_group("acme", &["anna", "boris"]).build(), at(400)).await.unwrap();
    assert_eq!(shown(&told(&*store, first.next, 0).await), [("c-1", 1, 4)]);
    // What was received before is passed over.
    assert_eq!(shown(&told(&*store, 0, 190).await), [("c-1", 1, 4), ("not asked about", 0, 3)]);
}

pub(crate) async fn a_call_id_used_again_a_day_later_is_told_as_another_call(place: &dyn Place) {
    let store = place.store().await;
    store.open(SampleWorkspace::one_group("acme", &["anna"]).build(), at(0)).await.unwrap();
    ask(&*store, "acme", "c-1", at(0)).await;
    tell(&*store, "acme", taken("c-1", "anna", 0)).await;
    let first = told(&*store, 0, 0).await;
    store.shut_down().await;
    let store = place.store().await;
    store.open(SampleWorkspace::one_group("acme", &["anna"]).build(), at(5 * DAY)).await.unwrap();
    ask(&*store, "acme", "c-1", at(5 * DAY)).await;
    let events = taken("c-1", "anna", 5 * DAY).into_iter().map(|mut received| {
        received.event.event_id = format!("again-{}", received.event.event_id).into();
        received
    });
    tell(&*store, "acme", events.collect()).await;
    let again = told(&*store, first.next, 0).await;
    assert_eq!(shown(&again), [("c-1", 1, 3)]);
    assert_eq!(again.calls[0].records[0].decision.received_at, at(5 * DAY));
}

pub(crate) async fn many_calls_are_told_some_at_a_time(place: &dyn Place) {
    let store = place.store().await;
    store.open(SampleWorkspace::one_group("acme", &["anna"]).build(), at(0)).await.unwrap();
    for call in 0..700 {
        ask(&*store, "acme", &format!("c-{call}"), at(call * 70)).await;
    }
    for calls in (0..700).collect::<Vec<i64>>().chunks(100) {
        tell(&*store, "acme", calls.iter().flat_map(|call| taken(&format!("c-{call}"), "anna", call * 70)).collect()).await;
    }
    let (mut seen, mut position, mut steps) = (BTreeMap::new(), 0, 0);
    loop {
        let told = told(&*store, position, 0).await;
        for call in &told.calls {
            seen.insert(call.key.call.as_str().to_owned(), (call.records.len(), call.events.len()));
        }
        (position, steps) = (told.next, steps + 1);
        if !told.more {
            break;
        }
    }
    assert!(steps > 1, "the case this test is about");
    assert_eq!(seen.len(), 700);
    assert!(seen.values().all(|found| *found == (1, 3)), "each whole");
}

pub(crate) async fn spans_off_duty_end_with_the_next_presence_or_by_themselves(place: &dyn Place) {
    let store = place.store().await;
    store.open(SampleWorkspace::one_group("acme", &["anna", "boris", "clara", "denis"]).build(), at(0)).await.unwrap();
    let set = async |agent: &str, state, day: i64, until: Option<i64>| {
        let until = until.map(|day| at(day * DAY));
        let presence = Presence { agent: AgentId::from(agent), state, reason: None, until, set_at: at(day * DAY) };
        store.set_presence(&acme(), presence).await.unwrap();
    };
    set("anna", PresenceState::OffDuty, 0, None).await;
    set("anna", PresenceState::Available, 10, None).await;
    set("anna", PresenceState::OffDuty, 20, None).await;
    set("anna", PresenceState::Available, 22, None).await;
    // Set twice while it lasts; a pause is none; one that ends by itself.
    set("boris", PresenceState::Paused, 0, None).await;
    set("clara", PresenceState::OffDuty, 5, Some(15)).await;
    set("clara", PresenceState::OffDuty, 30, None).await;
    // Set anew every day, without an end or until the next: one leave. With a day between, none.
    for day in [0, 1, 2, 3, 4] {
        set("denis", PresenceState::OffDuty, day, None).await;
    }
    for day in [5, 6, 8, 9, 10] {
        set("denis", PresenceState::OffDuty, day, Some(day + 1)).await;
    }
    let spans = async |since: i64| store.off_duty_spans(&acme(), 4 * DAY, at(since * DAY)).await.unwrap();
    let span = |agent: &str, from: i64, to: Option<i64>| OffDutySpan {
        agent: AgentId::from(agent),
        from: at(from * DAY),
        to: to.map(|day| at(day * DAY)),
    };
    let clara = [span("clara", 5, Some(15)), span("clara", 30, None)];
    let denis = [span("denis", 0, Some(7))];
    assert_eq!(spans(0).await, [&[span("anna", 0, Some(10))][..], &clara, &denis].concat());
    assert_eq!(spans(12).await, clara);
    assert_eq!(spans(100).await, [span("clara", 30, None)]);
}

fn deal(id: &str, user: &str, status: DealStatus) -> Deal {
    let text = serde_json::json!({"deal": id, "user": user, "status": status, "amount": "1.00"});
    serde_json::from_value(text).unwrap()
}

async fn pull(store: &dyn Store, extent: Extent, deals: Vec<Deal>, day: i64) {
    let state = PullState { succeeded_at: Some(at(day * DAY)), ..PullState::default() };
    store
        .commit_pull(&acme(), PullCommit { connection: ConnectionId::from("crm"), deals, unreadable: Vec::new(), extent, state })
        .await
        .unwrap();
}

pub(crate) async fn a_pulled_deal_is_merged_with_what_was_known_of_it(place: &dyn Place) {
    for extent in [Extent::Changes, Extent::Everything] {
        let store = place.store().await;
        pull(&*store, Extent::Everything, vec![deal("d-1", "anna", DealStatus::Won), deal("d-2", "anna", DealStatus::Open)], 0)
            .await;
        pull(&*store, extent, vec![deal("d-1", "boris", DealStatus::Won), deal("d-2", "boris", DealStatus::Open)], 7).await;
        // Twice in one pull.
        pull(&*store, extent, vec![deal("d-3", "clara", DealStatus::Won), deal("d-3", "boris", DealStatus::Won)], 7).await;
        pull(&*store, Extent::Changes, vec![deal("d-1", "boris", DealStatus::Won), deal("d-2", "anna", DealStatus::Open)], 8)
            .await;
        let deals = store.deals(&acme(), &ConnectionId::from("crm")).await.unwrap();
        let of = |id: &str| deals.iter().find(|deal| deal.deal.as_str() == id).unwrap();
        assert_eq!(of("d-3").memory.first_win, Some(FirstWin { user: "clara".into(), at: None }));
        // Also of what a full pull did not show and the next does.
        assert_eq!(of("d-1").memory.first_win, Some(FirstWin { user: "anna".into(), at: None }));
        assert_eq!(of("d-1").user, Some("boris".into()), "what the CRM says now is kept beside");
        assert_eq!(of("d-2").memory.first_seen_open_at, Some(at(0)));
        store.shut_down().await;
    }
}

pub(crate) async fn kept_score_tables_are_the_newest_and_the_last_of_each_day(place: &dyn Place) {
    let store = place.store().await;
    let save = async |policy: &str, version: u64, seconds: i64, keep: Vec<u64>| {
        let body = format!("body {version}");
        let version = StoredScoreVersion { policy: PolicyId::from(policy), version, taken_at: at(seconds), body };
        store.save_score_version(&acme(), version, keep).await.unwrap();
    };
    let kept = async |policy: &str| -> Vec<u64> {
        let kept = store.score_versions(&acme(), &PolicyId::from(policy)).await.unwrap();
        assert!(kept.iter().all(|kept| kept.body == format!("body {}", kept.version)));
        kept.iter().map(|kept| kept.version).collect()
    };
    save("other", 1, 0, Vec::new()).await;
    // Two a day for 40 days, then 25 on one day; version 3 is held.
    for version in 1..=80u64 {
        save("p", version, (version as i64 - 1) / 2 * DAY + version as i64, vec![3]).await;
    }
    for version in 81..=105u64 {
        save("p", version, 40 * DAY + version as i64, vec![3]).await;
    }
    // The newest 20 (86 to 105); the last of the 30 latest days (105 and 80, 78, ... 24); the one that is held.
    let days: Vec<u64> = (12..=40).rev().map(|day| day * 2).collect();
    let expected: Vec<u64> = (86..=105).rev().chain(days).chain([3]).collect();
    assert_eq!(kept("p").await, expected);
    assert_eq!(kept("other").await, [1]);
    assert!(store.score_versions(&WorkspaceId::from("beta"), &PolicyId::from("p")).await.unwrap().is_empty());
    // The same again replaces it.
    save("p", 105, 41 * DAY, vec![3]).await;
    assert_eq!(kept("p").await[0], 105);
}

pub(crate) async fn what_was_set_by_hand_is_found_by_its_id(place: &dyn Place) {
    let store = place.store().await;
    store.open(SampleWorkspace::one_group("acme", &["anna"]).build(), at(0)).await.unwrap();
    let objection = |id: u128| Intervention {
        id: uuid::Uuid::from_u128(id),
        set_at: at(id as i64),
        by: Actor { role: "agent".into(), agent: Some(AgentId::from("anna")) },
        change: Change::Objection { agent: AgentId::from("anna"), text: format!("no {id}") },
    };
    for id in [1, 2, 3] {
        store.intervene(&acme(), objection(id)).await.unwrap();
    }
    let by_id =
        |id: u128| InterventionRequest { limit: 1, id: Some(uuid::Uuid::from_u128(id)), ..InterventionRequest::default() };
    assert_eq!(store.interventions(&acme(), by_id(2)).await.unwrap().items, [objection(2)]);
    assert!(store.interventions(&acme(), by_id(9)).await.unwrap().items.is_empty());
}
