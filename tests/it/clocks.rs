//! Clocks that jump: ours, an hour back, and a PBX's. What is set last holds, whatever the clocks say.

mod pbx;

use jiff::{SignedDuration, Timestamp};
use meritline::broker::ports::Clock;
use meritline::core::intervention::{Actor, CallTag, CallbackOutcome, Change, Excluded, Intervention, InterventionBook, Load};
use meritline::core::policy::{Count, MissedOffers, Mode};
use meritline::core::set_order::{stamp_of_change, stamp_of_presence};
use meritline::http::access::Role;
use serde_json::{Value, json};

use crate::support::floor::{Floor, plain_policy};
use crate::support::sample_workspace::SampleWorkspace;
use crate::support::service::TestService;

const HOUR: i64 = 3600;

async fn two() -> (TestService, String) {
    let missed_offers = MissedOffers::default();
    let workspace = SampleWorkspace::new("acme")
        .agents(&["anna", "boris"])
        .policy("even", |policy| policy.missed_offers = missed_offers)
        .group("sales", "even", &[("anna", 1.0), ("boris", 1.0)])
        .route("main", "sales");
    let service = TestService::of(workspace.build()).await;
    let token = service.token("acme", Role::SalesLead, None).await;
    (service, token)
}

fn path(what: &str) -> String {
    format!("/api/v1/workspaces/acme/{what}")
}

async fn agent(service: &TestService, token: &str, ix: usize) -> Value {
    service.client.read("agents", token).expect(200).await.json()["items"][ix].take()
}

async fn tell(service: &TestService, id: &str, mut event: Value) {
    event["event_id"] = json!(id);
    if event["at"].is_null() {
        event["at"] = json!(service.site.clock.now().to_string());
    }
    service.client.tell(&event).expect(200).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_presence_set_after_our_clock_went_back_holds() {
    let (service, token) = two().await;
    let set = |state: &str| service.client.put(&path("agents/anna/presence"), &json!({"state": state})).token(&token);
    set("paused").expect(200).await;
    service.site.clock.pass(-HOUR);
    assert_eq!(set("available").expect(200).await.json()["state"], "free");
    let rest = service.client.post(&path("agents/anna/rest"), &json!({"minutes": 5})).token(&token);
    assert_eq!(rest.expect(200).await.json()["state"], "paused");
    assert_eq!(set("available").expect(200).await.json()["state"], "free");
    // A restart reads the same order.
    let service = service.restart().await;
    assert_eq!(agent(&service, &token, 0).await["state"], "free");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_presence_set_after_our_clock_went_back_ends_pauses_that_began_before() {
    let (service, token) = two().await;
    for call in ["c-1", "c-2", "c-3"] {
        service.client.ask(&json!({"call_id": call, "called": "+74951112233"})).expect(200).await;
        tell(&service, &format!("{call}-m"), json!({"call_id": call, "type": "missed", "agent": "anna"})).await;
        tell(&service, &format!("{call}-e"), json!({"call_id": call, "type": "ended"})).await;
    }
    assert_eq!(agent(&service, &token, 0).await["state"], "paused", "three misses in a row");
    service.client.post(&path("agents/boris/pause-after-call"), &json!({})).token(&token).expect(200).await;
    assert_eq!(agent(&service, &token, 1).await["state"], "paused");
    service.site.clock.pass(-HOUR);
    for who in ["anna", "boris"] {
        let available = service.client.put(&path(&format!("agents/{who}/presence")), &json!({"state": "available"}));
        assert_eq!(available.token(&token).expect(200).await.json()["state"], "free", "{who}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_an_agent_sets_after_our_clock_went_back_holds() {
    let (service, token) = two().await;
    let load = |load: &str| service.client.put(&path("agents/anna/load"), &json!({"load": load})).token(&token);
    load("lighter").expect(200).await;
    let pause = |method: &str| service.client.call(method, &path("agents/anna/pause-after-call")).token(&token);
    tell(&service, "a", json!({"call_id": "c-1", "type": "answered", "agent": "anna"})).await;
    service.site.clock.pass(-HOUR);
    assert_eq!(load("heavier").expect(200).await.json()["load"], "heavier");
    let asked = pause("POST").json(&json!({})).expect(200).await.json();
    assert_eq!((&asked["state"], asked["pause_after_call"].is_null()), (&json!("talking"), false), "after the call at hand");
    service.site.clock.pass(-HOUR);
    assert_eq!(pause("DELETE").expect(200).await.json()["pause_after_call"], Value::Null);
    assert!(!pause("POST").json(&json!({})).expect(200).await.json()["pause_after_call"].is_null());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_said_of_a_call_after_our_clock_went_back_holds() {
    let (service, token) = two().await;
    let rates = async || service.client.read("tags", &token).expect(200).await.json()["items"][0]["tagged"].clone();
    let tag = |tag: Value| service.client.put(&path("calls/pbx/c-1/tag"), &json!({"tag": tag})).token(&token);
    service.client.ask(&json!({"call_id": "c-1", "called": "+74951112233"})).expect(200).await;
    tell(&service, "a", json!({"call_id": "c-1", "type": "answered", "agent": "anna"})).await;
    service.site.clock.pass(-HOUR);
    // Set an hour before the call came, by the clock: still a tag of this call.
    tag(json!("spam")).expect(200).await;
    assert_eq!(rates().await, 1);
    service.site.clock.pass(-HOUR);
    tag(Value::Null).expect(200).await;
    assert_eq!(rates().await, 0);
}

/// Everything that can be set by hand and replaces what was set before: an hour back, the new stamp is above the old one.
#[test]
fn every_change_is_stamped_above_what_it_replaces() {
    let (agent, connection, call) = ("a000".into(), "pbx".into(), "c1".into());
    let deal = Excluded::Deal { connection: "crm".into(), deal: "1".into() };
    let changes = [
        Change::Load { agent, load: Load::Lighter },
        Change::OneMore { agent: "a000".into() },
        Change::PauseAfterCall { agent: "a000".into(), reason: None, until: None, taken_back: false },
        Change::Correction { agent: "a000".into(), factor: 1.1, reason: "r".into(), until: None },
        Change::Exclusion { subject: deal, reason: "r".into(), lifted: false },
        Change::Tag { connection, call, agent: "a000".into(), tag: Some(CallTag::Spam) },
        Change::Callback { connection: "pbx".into(), call: "c1".into(), agent: None, outcome: CallbackOutcome::NoAnswer },
        Change::EqualShares { policy: None, on: true, reason: None },
        Change::ScorePin { policy: "p".into(), version: Some(1), reason: None },
        Change::ScoreAccept { policy: "p".into(), version: 1, reason: None },
    ];
    for (change, id) in changes.into_iter().zip(1..) {
        let mut floor = self::floor();
        assert_eq!(stamp_of_change(&floor.tally, &change, floor.now), floor.now, "{}", change.kind());
        let by = Actor { role: "sales_lead".into(), agent: None };
        let set_at = floor.now;
        floor.tally.intervene(&Intervention { id: uuid::Uuid::from_u128(id), set_at, by, change: change.clone() });
        let back = seconds_after(set_at, -HOUR);
        let expected = set_at.checked_add(SignedDuration::from_micros(1)).unwrap();
        assert_eq!(stamp_of_change(&floor.tally, &change, back), expected, "{}", change.kind());
        let later = seconds_after(set_at, 1);
        assert_eq!(
            stamp_of_change(&floor.tally, &change, later),
            later,
            "{}: a clock that goes right is followed",
            change.kind()
        );
        assert_eq!(stamp_of_presence(&floor.tally, &"a001".into(), back), back, "{}: nobody else's matter", change.kind());
    }
    assert_eq!(InterventionBook::default().last_set_at(&Change::OneMore { agent: "a000".into() }), None);
}

fn floor() -> Floor {
    Floor::of_shares(&[1.0, 1.0], plain_policy("p", Mode::Percent, Count::Answered))
}

fn seconds_after(at: Timestamp, seconds: i64) -> Timestamp {
    at.checked_add(SignedDuration::from_secs(seconds)).unwrap()
}

/// Whoever asks for one more call just after our clock went back an hour has not used it up by the call before.
#[test]
fn one_more_asked_for_after_the_clock_went_back_is_still_to_come() {
    let mut floor = Floor::of_shares(&[1.0], plain_policy("p", Mode::Percent, Count::Answered));
    let named_at = floor.now;
    floor.decide("c1");
    floor.now = floor.now.checked_sub(SignedDuration::from_secs(HOUR)).unwrap();
    let change = Change::OneMore { agent: "a000".into() };
    let set_at = stamp_of_change(&floor.tally, &change, floor.now);
    assert_eq!(set_at, named_at.checked_add(SignedDuration::from_micros(1)).unwrap());
    let by = Actor { role: "agent".into(), agent: Some("a000".into()) };
    floor.tally.intervene(&Intervention { id: uuid::Uuid::from_u128(1), set_at, by, change });
    assert!(floor.tally.agent(floor.agent_ix("a000")).wants_one_more(floor.now));
}
