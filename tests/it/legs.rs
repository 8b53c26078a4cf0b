//! Legs of a call: whose end an `ended` is, calls that come back, who is rung into a conversation. Each says who is busy, for how
//! long, and who talked how long.

mod naming;

use jiff::Timestamp;
use meritline::core::call::CallEventType::{Answered, Ended, Held, Missed, Offered, Rejected, Resumed, Transferred};
use meritline::core::distribution::call_state::Occupancy;
use meritline::core::intervention::{Actor, Change, Intervention};
use meritline::core::policy::{Count, Guard, Mode, Policy, WrapUp};
use meritline::core::record::{MemberStanding, ReceivedEvent};
use meritline::core::workspace::AgentIx;

use crate::support::floor::{Draw, Floor, plain_policy};

const ANNA: &str = "a000";
const BORIS: &str = "a001";

/// One call at a time, min(180, 30 + talk / 10) seconds of after-call time.
fn guard() -> Guard {
    let wrap_up = Some(WrapUp { base_seconds: 30.0, per_talk_second: 0.1, max_seconds: 180.0 });
    Guard { wrap_up, ..Guard::default() }
}

fn floor() -> Floor {
    Floor::of_shares(&[1.0, 1.0, 1.0], Policy { guard: guard(), ..plain_policy("p", Mode::Percent, Count::Answered) })
}

fn standing(floor: &Floor, agent: &str) -> MemberStanding {
    floor.tally.agent(floor.agent_ix(agent)).standing(&guard(), floor.now, None)
}

fn wrap_up_until(floor: &Floor, agent: &str) -> Option<Timestamp> {
    floor.tally.agent(floor.agent_ix(agent)).wrap_up_until(&guard(), floor.now)
}

fn transfer(floor: &mut Floor, call: &str, from: &str, to: &str) -> ReceivedEvent {
    let mut told = floor.make_event(call, Transferred, Some(from));
    told.event.to_agent = Some(to.into());
    floor.tally.add_event(&told);
    told
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

/// Anna talks 100 s, boris 200 s, anna 100 s more: 200 s in all, so 30 + 200 / 10 = 50 s of after-call time from the end on, whether
/// the PBX tells the end of her leg or of the call.
#[test]
fn who_gets_a_call_back_talks_on_and_has_after_call_time() {
    for own_leg in [Some(ANNA), None] {
        let mut floor = self::floor();
        floor.decide("c1");
        let mut facts = vec![floor.event("c1", Answered, Some(ANNA))];
        floor.pass(100.0);
        facts.push(transfer(&mut floor, "c1", ANNA, BORIS));
        floor.pass(200.0);
        facts.push(transfer(&mut floor, "c1", BORIS, ANNA));
        assert_eq!(standing(&floor, ANNA), MemberStanding::Busy);
        let boris_until = seconds_after(floor.now, 50);
        assert_eq!(wrap_up_until(&floor, BORIS), Some(boris_until));
        floor.pass(100.0);
        facts.push(floor.event("c1", Ended, own_leg));
        assert_eq!(talks(&floor, "c1"), [(ANNA.to_owned(), 200.0)], "{own_leg:?}: boris took over, and answered nothing");
        let boris = floor.tally.call(&Floor::key("c1")).unwrap().talk_end(&BORIS.into()).unwrap();
        assert_eq!(boris.talk_seconds, 200.0);
        assert_eq!(wrap_up_until(&floor, ANNA), Some(seconds_after(floor.now, 50)), "{own_leg:?}");
        floor.pass(49.0);
        assert_eq!(standing(&floor, ANNA), MemberStanding::Busy);
        floor.pass(1.0);
        assert_eq!(standing(&floor, ANNA), MemberStanding::Free);
        // In any order, any number of times.
        for seed in 0..24 {
            let mut draw = Draw(seed);
            let mut other = self::floor();
            other.decide("c1");
            let mut shuffled: Vec<&ReceivedEvent> = facts.iter().chain(&facts).collect();
            shuffled.sort_by_key(|_| draw.next_u64());
            shuffled.into_iter().for_each(|fact| other.tally.add_event(fact));
            for agent in [ANNA, BORIS] {
                let call = |floor: &Floor| floor.tally.call(&Floor::key("c1")).unwrap().talk_end(&agent.into());
                assert_eq!(call(&other), call(&floor), "{agent}, seed {seed}");
            }
        }
    }
}

/// The PBX tells the length of each conversation by itself: 90 s and 30 s.
#[test]
fn lengths_told_of_an_agents_conversations_add_up() {
    let mut floor = floor();
    floor.decide("c1");
    floor.event("c1", Answered, Some(ANNA));
    floor.pass(100.0);
    let mut first = floor.make_event("c1", Transferred, Some(ANNA));
    (first.event.to_agent, first.event.talk_seconds) = (Some(BORIS.into()), Some(90));
    floor.tally.add_event(&first);
    floor.pass(200.0);
    transfer(&mut floor, "c1", BORIS, ANNA);
    floor.pass(100.0);
    let mut last = floor.make_event("c1", Ended, Some(ANNA));
    last.event.talk_seconds = Some(30);
    floor.tally.add_event(&last);
    assert_eq!(talks(&floor, "c1"), [(ANNA.to_owned(), 120.0)]);
}

/// While anna talks the PBX rings boris to ask him something: he is not free, until he declines or 20 + 5 s have passed.
#[test]
fn who_is_rung_into_a_conversation_is_not_free() {
    let mut floor = floor();
    floor.decide("c1");
    floor.event("c1", Answered, Some(ANNA));
    floor.pass(30.0);
    floor.event("c1", Offered, Some(BORIS));
    assert_eq!(standing(&floor, BORIS), MemberStanding::Reserved);
    assert_eq!(floor.choose("c2", &[]).targets[0].agent.as_str(), "a002");
    floor.pass(24.0);
    assert_eq!(standing(&floor, BORIS), MemberStanding::Reserved);
    floor.pass(1.0);
    assert_eq!(standing(&floor, BORIS), MemberStanding::Free, "nothing was told of what became of it");
    floor.event("c1", Offered, Some(BORIS));
    floor.event("c1", Rejected, Some(BORIS));
    assert_eq!(standing(&floor, BORIS), MemberStanding::Free);
}

/// All three ring at once; who did not answer rings no more, also where the PBX tells it late.
#[test]
fn who_rang_when_somebody_answered_is_free() {
    let mut floor = floor();
    floor.decide("c1");
    let late = floor.make_event("c1", Offered, Some("a002"));
    floor.event("c1", Offered, Some(ANNA));
    floor.event("c1", Offered, Some(BORIS));
    floor.pass(5.0);
    floor.event("c1", Answered, Some(ANNA));
    floor.tally.add_event(&late);
    assert_eq!([BORIS, "a002"].map(|agent| standing(&floor, agent)), [MemberStanding::Free; 2]);
    // The same where a number nobody has answered.
    floor.decide("c2");
    floor.event("c2", Offered, Some(BORIS));
    floor.pass(5.0);
    let mut foreign = floor.make_event("c2", Answered, None);
    foreign.event.number = Some("+74951112200".to_owned());
    floor.tally.add_event(&foreign);
    assert_eq!(standing(&floor, BORIS), MemberStanding::Free);
    floor.event("c2", Missed, Some(BORIS));
    assert_eq!(standing(&floor, BORIS), MemberStanding::Free);
}

/// Anna asked for a pause after her call, and it began. In the pause she calls somebody: she stays paused, and is not rung as busy.
#[test]
fn a_pause_that_began_goes_on_through_calls_of_ones_own() {
    let mut floor = floor();
    floor.decide("c1");
    floor.event("c1", Answered, Some(ANNA));
    floor.pass(30.0);
    let change = Change::PauseAfterCall { agent: ANNA.into(), reason: None, until: None, taken_back: false };
    let by = Actor { role: "agent".into(), agent: Some(ANNA.into()) };
    floor.tally.intervene(&Intervention { id: uuid::Uuid::from_u128(1), set_at: floor.now, by, change });
    floor.pass(30.0);
    // On hold and back: still the conversation she wants to finish.
    floor.event("c1", Held, Some(ANNA));
    floor.event("c1", Resumed, Some(ANNA));
    assert_eq!(standing(&floor, ANNA), MemberStanding::Busy);
    floor.event("c1", Ended, None);
    assert_eq!(standing(&floor, ANNA), MemberStanding::Paused);
    floor.pass(60.0);
    floor.event("out-1", Answered, Some(ANNA));
    assert_eq!(standing(&floor, ANNA), MemberStanding::Paused);
    assert_eq!(floor.tally.agent(AgentIx(0)).pending_pause(floor.now), None);
    floor.event("out-1", Ended, None);
    assert_eq!(standing(&floor, ANNA), MemberStanding::Paused);
}
