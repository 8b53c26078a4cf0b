//! A pause after the call at hand, and a rest now.

use meritline::core::call::CallEventType::{Answered, Ended, Missed};
use meritline::core::distribution::availability::PauseCause;
use meritline::core::distribution::rotation::{self, RestRefusal};
use meritline::core::intervention::{Actor, Change, Intervention};
use meritline::core::policy::Guard;
use meritline::core::record::{MemberStanding, PresenceState};
use meritline::core::workspace::AgentIx;

use super::{not_taken, paused_until, pausing, rung, seconds_after, set, team};
use crate::support::floor::{Floor, workspace};

/// Anna (`a000`) asks; `minutes` after now the pause ends by itself.
fn ask(floor: &mut Floor, minutes: Option<i64>, taken_back: bool) {
    let until = minutes.map(|minutes| seconds_after(floor.now, minutes * 60));
    let change = Change::PauseAfterCall { agent: "a000".into(), reason: Some("lunch".into()), until, taken_back };
    let id = uuid::Uuid::from_u128(u128::try_from(floor.now.as_microsecond()).unwrap());
    let by = Actor { role: "agent".into(), agent: Some("a000".into()) };
    floor.tally.intervene(&Intervention { id, set_at: floor.now, by, change });
}

fn standing(floor: &Floor) -> MemberStanding {
    floor.tally.agent(AgentIx(0)).standing(&Guard::default(), floor.now, None)
}

/// A floor on which `a000` talks.
fn talking() -> Floor {
    let mut floor = team(2);
    floor.decide("c1");
    floor.event("c1", Answered, Some("a000"));
    floor.pass(30.0);
    floor
}

#[test]
fn a_pause_asked_for_in_a_call_begins_when_the_call_ends() {
    let mut floor = talking();
    ask(&mut floor, Some(30), false);
    let until = seconds_after(floor.now, 1800);
    floor.pass(60.0);
    assert_eq!(standing(&floor), MemberStanding::Busy, "still in the call");
    assert!(floor.tally.agent(AgentIx(0)).pending_pause(floor.now).is_some());
    floor.event("c1", Ended, None);
    assert_eq!(standing(&floor), MemberStanding::Paused);
    assert!(floor.tally.agent(AgentIx(0)).pending_pause(floor.now).is_none());
    let pause = rotation::pause_of(&floor.tally, AgentIx(0), floor.now).unwrap();
    assert_eq!((pause.cause, pause.until), (PauseCause::AfterCall(Some("lunch")), Some(until)));
    assert_eq!(rung(&floor), ["a001"]);
    // Asked for 30 minutes, of which one passed.
    floor.pass(1739.0);
    assert_eq!(standing(&floor), MemberStanding::Paused);
    floor.pass(1.0);
    assert_eq!(standing(&floor), MemberStanding::Free);
}

#[test]
fn without_a_call_it_begins_at_once() {
    let mut floor = team(2);
    ask(&mut floor, None, false);
    assert_eq!(standing(&floor), MemberStanding::Paused);
    floor.pass(7.0 * 86_400.0);
    assert_eq!(standing(&floor), MemberStanding::Paused, "without an end it stays");
}

#[test]
fn it_can_be_taken_back_before_and_after_it_began() {
    let mut floor = talking();
    ask(&mut floor, None, false);
    floor.pass(1.0);
    ask(&mut floor, None, true);
    floor.event("c1", Ended, None);
    assert_eq!(standing(&floor), MemberStanding::Free);
    floor.pass(1.0);
    ask(&mut floor, None, false);
    assert_eq!(standing(&floor), MemberStanding::Paused);
    floor.pass(1.0);
    ask(&mut floor, None, true);
    assert_eq!(standing(&floor), MemberStanding::Free);
}

#[test]
fn a_presence_set_later_takes_it_back_one_set_before_does_not() {
    let mut floor = talking();
    set(&mut floor, "a000", PresenceState::Available);
    floor.pass(1.0);
    ask(&mut floor, None, false);
    floor.event("c1", Ended, None);
    assert_eq!(standing(&floor), MemberStanding::Paused);
    floor.pass(1.0);
    set(&mut floor, "a000", PresenceState::Available);
    assert_eq!(standing(&floor), MemberStanding::Free);
}

#[test]
fn a_rest_needs_somebody_who_stays() {
    let may_rest = |floor: &Floor| rotation::may_rest(&floor.tally, AgentIx(1), floor.now);
    let nobody_else = Err(RestRefusal::NobodyElse("team".into()));

    let mut floor = talking();
    assert_eq!(may_rest(&floor), Ok(()), "a000 talks, and takes calls again after that");
    ask(&mut floor, None, false);
    assert_eq!(may_rest(&floor), nobody_else, "a000 leaves after the call");

    let mut floor = team(2);
    set(&mut floor, "a000", PresenceState::Paused);
    assert_eq!(may_rest(&floor), nobody_else);

    let mut floor = team(2);
    for call in ["c1", "c2", "c3"] {
        not_taken(&mut floor, call, "a000", Missed);
    }
    assert!(paused_until(&floor, 0).is_some(), "the case this is about");
    assert_eq!(may_rest(&floor), nobody_else, "who does not pick up is nobody to rely on");
    assert_eq!(rotation::may_rest(&floor.tally, AgentIx(0), floor.now), Ok(()), "that one may rest instead");
}

#[test]
fn who_takes_no_calls_has_nothing_to_rest_from() {
    let mut floor = team(2);
    set(&mut floor, "a001", PresenceState::OffDuty);
    assert_eq!(rotation::may_rest(&floor.tally, AgentIx(1), floor.now), Err(RestRefusal::OffDuty));
    floor.pass(1.0);
    set(&mut floor, "a001", PresenceState::Paused);
    assert_eq!(rotation::may_rest(&floor.tally, AgentIx(1), floor.now), Err(RestRefusal::Paused));
}

/// Anna (agent 0) is in two groups; in the second only Clara could stay. A member with base 0 is never rung: no help.
#[test]
fn a_rest_must_leave_somebody_in_every_group_of_the_agent() {
    let groups = [
        ("sales", "p", &[("anna", 1.0), ("boris", 1.0), ("service", 1.0)][..]),
        ("service", "p", &[("anna", 1.0), ("clara", 1.0), ("boris", 0.0)][..]),
    ];
    let mut floor = Floor::new(workspace(&groups, vec![pausing("p")]));
    let may_rest = |floor: &Floor| rotation::may_rest(&floor.tally, AgentIx(0), floor.now);
    assert_eq!(may_rest(&floor), Ok(()));
    set(&mut floor, "boris", PresenceState::OffDuty);
    assert_eq!(may_rest(&floor), Ok(()), "Clara stays in `service`, and through it in `sales`");
    floor.pass(1.0);
    set(&mut floor, "boris", PresenceState::Available);
    set(&mut floor, "clara", PresenceState::OffDuty);
    assert_eq!(may_rest(&floor), Err(RestRefusal::NobodyElse("service".into())));
}
