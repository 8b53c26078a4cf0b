//! The guard looks at everybody at once: a load that the others could not carry holds stops back, and the lead is told.

use meritline::core::call::CallEventType;
use meritline::core::distribution::rotation;
use meritline::core::load::guard::Indicator;
use meritline::core::notice::{NoticeKind, Scene, notices};
use meritline::core::record::{MemberStanding, Spared};

use super::floor::{expected, only, standings, team};
use crate::support::floor::{Floor, near};

/// Anna, boris and clara begin a minute after each other, talk for so long, and it is 41 minutes after the first began. The guard
/// stops at 40 minutes since a rest: anna since the 40th minute, boris now, clara has (40 - 39) / 10 left.
fn floor(talk_minutes: f64) -> Floor {
    let mut floor = team(&["anna", "boris", "clara"], only(Indicator::MinutesSinceRest, 30.0, 40.0));
    for agent in ["anna", "boris", "clara"] {
        floor.event(agent, CallEventType::Answered, Some(agent));
        floor.pass(60.0);
    }
    floor.pass((talk_minutes - 3.0) * 60.0);
    for agent in ["anna", "boris", "clara"] {
        floor.event(agent, CallEventType::Ended, None);
        floor.pass(60.0);
    }
    floor.pass((41.0 - talk_minutes - 3.0) * 60.0);
    floor
}

fn told(floor: &Floor) -> Vec<(NoticeKind, String)> {
    let all = notices(&Scene { tally: &floor.tally, shares: &floor.shares, refused: &[], now: floor.now });
    all.into_iter().map(|notice| (notice.kind, notice.text)).collect()
}

/// 3 x 32 of 60 minutes are 1.6 Erlangs: two could carry them (0.80 each), one could not. So anna rests, and boris stays with the
/// smallest weight there is: clara's tenth.
#[test]
fn a_stop_the_others_could_not_carry_is_held_back() {
    let mut floor = floor(32.0);
    let (anna, boris) = (floor.eased("anna").expect("stopped"), floor.eased("boris").expect("stopped"));
    assert_eq!((anna.factor, boris.factor), (0.0, 0.0));
    assert!(anna.since_us < boris.since_us);
    let record = floor.decide("a");
    assert_eq!(standings(&record), [MemberStanding::Stopped, MemberStanding::Free, MemberStanding::Free]);
    near(expected(&record), &[0.0, 0.5, 0.5], 1e-9);
    let held = record.groups[0].eased(1).expect("recorded");
    assert_eq!(held.cause.and_then(|cause| cause.spared), Some(Spared::TeamOverloaded));
    assert!((held.factor - 0.1).abs() < 1e-9);
    let told = told(&floor);
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(told[0].0, NoticeKind::TeamOverloaded);
    assert!(
        told[0].1.contains("carried 1.6 calls at a time") && told[0].1.contains("the 1 left would be busy 160 %"),
        "{}",
        told[0].1
    );
    assert!(told[0].1.contains("a rest: `boris`;"), "{}", told[0].1);
    assert!(rotation::stop_of(&floor.tally, floor.agent_ix("anna"), floor.now).is_some());
    assert!(rotation::stop_of(&floor.tally, floor.agent_ix("boris"), floor.now).is_none(), "boris is still rung");
}

/// 3 x 37 of 60 minutes are 1.85 Erlangs, 0.925 each for two: nobody is stopped.
#[test]
fn a_load_that_needs_everybody_stops_nobody() {
    let mut floor = floor(37.0);
    let record = floor.decide("a");
    assert_eq!(standings(&record), [MemberStanding::Free; 3]);
    near(expected(&record), &[1.0 / 3.0; 3], 1e-9);
    assert!(told(&floor)[0].1.contains("`anna`, `boris`"));
}

/// There is nobody whom her stop would overload: the policy says where calls go then.
#[test]
fn the_last_one_left_may_be_stopped() {
    let mut floor = team(&["anna"], only(Indicator::MinutesSinceRest, 30.0, 40.0));
    floor.talk("a", "anna", 41.0);
    assert_eq!(standings(&floor.decide("b")), [MemberStanding::Stopped]);
    let told = told(&floor);
    assert_eq!(told[0].0, NoticeKind::EverybodyRests);
    assert!(told[0].1.contains("`when_all_stopped` of policy `p`"), "{}", told[0].1);
}

/// A person alone with the group may not rest; one whom the guard has stopped does not count as somebody who stays.
#[test]
fn who_is_stopped_does_not_cover_for_others() {
    let mut floor = team(&["anna", "boris"], only(Indicator::CallsPerHour, 3.0, 5.0));
    assert!(rotation::may_rest(&floor.tally, floor.agent_ix("boris"), floor.now).is_ok());
    floor.talks("c", "anna", 5, (1.0, 1.0));
    assert!(rotation::may_rest(&floor.tally, floor.agent_ix("boris"), floor.now).is_err());
}
