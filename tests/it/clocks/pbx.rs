//! A PBX's clock: it orders nothing but what came at once, and a wrong one is told.

use jiff::Timestamp;
use meritline::broker::ports::Clock;
use meritline::core::call::CallEventType::{AgentState, Answered, Ended, Missed};
use meritline::core::call::PbxAgentState::{self, Available, Away, Offline};
use meritline::core::policy::Guard;
use meritline::core::record::{MemberStanding, ReceivedEvent};
use meritline::core::workspace::AgentIx;
use serde_json::{Value, json};

use super::{HOUR, agent, floor, seconds_after, tell, two};
use crate::support::floor::Floor;

fn word(floor: &mut Floor, state: PbxAgentState, at: Timestamp) -> ReceivedEvent {
    let mut word = floor.make_event("-", AgentState, Some("a000"));
    (word.event.call_id, word.event.state, word.event.at) = (None, Some(state), at);
    word
}

fn standing(floor: &Floor) -> MemberStanding {
    floor.tally.agent(AgentIx(0)).standing(&Guard::default(), floor.now, None)
}

/// A PBX's clock was an hour ahead, or in 2099, and was set right: its true words hold, in any order of arrival at the fold.
#[test]
fn of_a_pbxs_words_the_one_received_last_holds() {
    for ahead_seconds in [HOUR, 73 * 365 * 24 * HOUR] {
        let mut maker = floor();
        let ahead = seconds_after(maker.now, ahead_seconds);
        let away = word(&mut maker, Away, ahead);
        maker.pass(60.0);
        let now = maker.now;
        let available = word(&mut maker, Available, now);
        for order in [[&away, &available, &away], [&available, &away, &available]] {
            let mut floor = super::floor();
            floor.pass(61.0);
            order.into_iter().for_each(|word| floor.tally.add_event(word));
            assert_eq!(standing(&floor), MemberStanding::Free, "{ahead_seconds} s ahead");
        }
        // Two words received at once: there the PBX's clock is all there is.
        let later = seconds_after(now, 1);
        let offline = word(&mut maker, Offline, later);
        for order in [[&available, &offline], [&offline, &available]] {
            let mut floor = super::floor();
            order.into_iter().for_each(|word| floor.tally.add_event(word));
            assert_eq!(standing(&floor), MemberStanding::OffDuty);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_word_received_last_holds_after_a_restart_and_when_our_own_clock_went_back() {
    let (service, token) = two().await;
    let state = |state: &str, at: &str| json!({"type": "agent_state", "agent": "anna", "state": state, "at": at});
    tell(&service, "1", state("away", "2099-01-01T00:00:00Z")).await;
    service.site.clock.pass(60);
    tell(&service, "2", state("available", "2026-11-23T06:01:00Z")).await;
    assert_eq!(agent(&service, &token, 0).await["state"], "free");
    let service = service.restart().await;
    assert_eq!(agent(&service, &token, 0).await["state"], "free");
    service.site.clock.pass(-HOUR);
    tell(&service, "3", state("do_not_disturb", "2026-11-23T06:02:00Z")).await;
    assert_eq!(agent(&service, &token, 0).await["state"], "paused");
    let service = service.restart().await;
    assert_eq!(agent(&service, &token, 0).await["state"], "paused");
}

/// Told beside the connection and to the lead, while its last event came with a time more than five minutes from ours.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pbxs_wrong_clock_is_told() {
    let (service, token) = two().await;
    let told = async || -> (Value, Value, Vec<Value>) {
        let mut connection = service.client.read("connections", &token).expect(200).await.json()["items"][0].take();
        let notices = service.client.read("notices", &token).expect(200).await.json();
        let clock = |notice: &&Value| notice["kind"] == "pbx_clock";
        let notices = notices["items"].as_array().unwrap().iter().filter(clock).cloned().collect();
        (connection["clock_difference_seconds"].take(), connection["clock_warning"].take(), notices)
    };
    assert_eq!(told().await, (Value::Null, Value::Null, vec![]), "nothing is known before the first event");
    let at = |seconds| seconds_after(service.site.clock.now(), seconds).to_string();
    let event = |at: String| json!({"call_id": "c-1", "type": "started", "at": at});
    for (id, seconds, word) in [("1", 300, None), ("2", HOUR, Some("ahead")), ("3", -HOUR, Some("behind")), ("4", -300, None)] {
        service.site.clock.pass(1);
        tell(&service, id, event(at(seconds))).await;
        let (difference, warning, notices) = told().await;
        assert_eq!(difference, seconds);
        assert_eq!(notices.len(), usize::from(word.is_some()), "{seconds}");
        match word {
            None => assert_eq!(warning, Value::Null),
            Some(word) => {
                let text = warning.as_str().unwrap();
                assert!(text.contains("`pbx`") && text.contains(word) && text.contains("1h"), "{text}");
                assert_eq!(notices[0]["text"], warning);
            }
        }
    }
}

/// The warning is a part of the fold: the event received last says it, whatever comes first.
#[test]
fn the_difference_of_clocks_is_the_last_events() {
    let mut maker = floor();
    let mut first = maker.make_event("c1", Answered, Some("a000"));
    first.event.at = seconds_after(maker.now, HOUR);
    maker.pass(10.0);
    let last = maker.make_event("c1", Ended, Some("a000"));
    let mut other = maker.make_event("c1", Missed, Some("a001"));
    other.connection = "other".into();
    for order in [[&first, &last, &other, &first], [&last, &other, &first, &last]] {
        let mut floor = super::floor();
        order.into_iter().for_each(|event| floor.tally.add_event(event));
        assert_eq!(floor.tally.pbx_clocks().difference(&"pbx".into()).map(|clock| clock.seconds), Some(0));
    }
    let mut floor = super::floor();
    floor.tally.add_event(&first);
    assert_eq!(floor.tally.pbx_clocks().difference(&"pbx".into()).map(|clock| clock.seconds), Some(HOUR));
}
