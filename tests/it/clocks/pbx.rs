//! A PBX's clock: it orders nothing but what came at once, and a wrong one is told.

use jiff::Timestamp;
use meritline::core::call::CallEventType::AgentState;
use meritline::core::call::PbxAgentState::{self, Available, Away, Offline};
use meritline::core::policy::Guard;
use meritline::core::record::{MemberStanding, ReceivedEvent};
use meritline::core::workspace::AgentIx;
use serde_json::json;

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

