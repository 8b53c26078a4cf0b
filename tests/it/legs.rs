//! Legs of a call: whose end an `ended` is, calls that come back, who is rung into a conversation. Each says who is busy, for how
//! long, and who talked how long.

use jiff::Timestamp;
use meritline::core::call::CallEventType::{Answered, Ended};
use meritline::core::call_state::Occupancy;
use meritline::core::policy::{Count, Guard, Mode, Policy, WrapUp};
use meritline::core::workspace::AgentIx;

use crate::support::floor::{Floor, plain_policy};

const ANNA: &str = "a000";

/// One call at a time, min(180, 30 + talk / 10) seconds of after-call time.
fn guard() -> Guard {
    let wrap_up = Some(WrapUp { base_seconds: 30.0, per_talk_second: 0.1, max_seconds: 180.0 });
    Guard { wrap_up, ..Guard::default() }
}

fn floor() -> Floor {
    Floor::of_shares(&[1.0, 1.0, 1.0], Policy { guard: guard(), ..plain_policy("p", Mode::Percent, Count::Answered) })
}

fn wrap_up_until(floor: &Floor, agent: &str) -> Option<Timestamp> {
    floor.tally.agent(floor.agent_ix(agent)).wrap_up_until(&guard(), floor.now)
}

/// Who talked in a call, for how many seconds.
fn talks(floor: &Floor, call: &str) -> Vec<(String, f64)> {
    let call = floor.tally.call(&Floor::key(call)).unwrap();
    call.talks().into_iter().map(|talk| (talk.agent.to_string(), talk.talk_seconds)).collect()
}

fn seconds_after(at: Timestamp, seconds: i64) -> Timestamp {
    at.checked_add(jiff::SignedDuration::from_secs(seconds)).unwrap()
}

/// The leg of a number nobody has (a backup number that rang along) ends: anna goes on talking. Only an end that names neither agent
/// nor number is the call's.
#[test]
fn a_leg_of_a_number_nobody_has_ends_no_conversation() {
    let mut floor = floor();
    floor.decide("c1");
    floor.event("c1", Answered, Some(ANNA));
    floor.pass(10.0);
    let mut ended = floor.make_event("c1", Ended, None);
    (ended.event.number, ended.event.talk_seconds) = (Some("+74951112200".to_owned()), Some(3));
    floor.tally.add_event(&ended);
    let holds = &floor.tally.agent(AgentIx(0)).holds;
    assert_eq!(holds.iter().map(|hold| hold.occupancy).collect::<Vec<_>>(), [Occupancy::Talking]);
    assert_eq!(wrap_up_until(&floor, ANNA), None);
    floor.pass(50.0);
    floor.event("c1", Ended, None);
    assert_eq!(talks(&floor, "c1"), [(ANNA.to_owned(), 60.0)]);
    // 30 + 60 / 10 s.
    assert_eq!(wrap_up_until(&floor, ANNA), Some(seconds_after(floor.now, 36)));
}
