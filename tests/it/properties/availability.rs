//! Who may be rung: talking, after-call time, reservations, several calls at once, presence. Worked examples.

use meritline::core::call::{CallEventType, PbxAgentState};
use meritline::core::decision::Stage;
use meritline::core::policy::{Count, Guard, Mode, Policy, WrapUp};
use meritline::core::record::{Feed, PresenceState};
use meritline::core::workspace::{AgentIx, GroupIx};

use crate::support::floor::{Floor, listed, near, plain_policy};

const TEAM: GroupIx = GroupIx(0);
const WRAP_UP: WrapUp = WrapUp { base_seconds: 30.0, per_talk_second: 0.1, max_seconds: 180.0 };

/// Percent, answered calls count, the busy listed after the free, up to ten targets.
fn policy() -> Policy {
    let mut policy = plain_policy("p", Mode::Percent, Count::Answered);
    policy.dialling.busy_stage = true;
    policy.dialling.targets_max = 10;
    policy
}

/// A call of somebody's own, that no decision of ours led to.
fn talks(floor: &mut Floor, agent: &str) -> String {
    let call = format!("own-{agent}-{}", floor.now);
    floor.event(&call, CallEventType::Answered, Some(agent));
    call
}

/// The answer to a call that is only asked about.
fn would_ring(floor: &Floor) -> Vec<(String, Stage)> {
    floor.choose("?", &[]).targets.iter().map(|target| (target.agent.to_string(), target.stage)).collect()
}

fn stages(floor: &Floor) -> Vec<Stage> {
    would_ring(floor).into_iter().map(|(_, stage)| stage).collect()
}

#[test]
fn the_busy_come_after_the_free_in_an_order_of_their_own() {
    let mut floor = Floor::of_shares(&[40.0, 30.0, 20.0, 10.0], policy());
    talks(&mut floor, "a000");
    talks(&mut floor, "a002");
    let record = floor.decide("c1");
    let expected = [("a001", Stage::Free), ("a003", Stage::Free), ("a000", Stage::Busy), ("a002", Stage::Busy)];
    assert_eq!(listed(&record), expected);
}

#[test]
fn without_the_busy_stage_only_the_free_are_listed() {
    let mut policy = policy();
    policy.dialling.busy_stage = false;
    let mut floor = Floor::of_shares(&[40.0, 30.0, 30.0], policy);
    talks(&mut floor, "a000");
    assert_eq!(listed(&floor.decide("c1")), [("a001", Stage::Free), ("a002", Stage::Free)]);
}

#[test]
fn who_is_offered_another_call_comes_last() {
    let mut floor = Floor::of_shares(&[50.0, 30.0, 20.0], policy());
    assert_eq!(listed(&floor.decide("c1"))[0], ("a000", Stage::Free));
    talks(&mut floor, "a001");
    // Somebody who talks may hang up at any moment; who is being rung will probably talk.
    let expected = [("a002", Stage::Free), ("a001", Stage::Busy), ("a000", Stage::Busy)];
    assert_eq!(listed(&floor.decide("c2")), expected);
}

#[test]
fn the_most_targets_are_those_of_both_stages() {
    let mut policy = policy();
    policy.dialling.targets_max = 4;
    let mut floor = Floor::of_shares(&[1.0; 6], policy);
    for agent in ["a000", "a001", "a002"] {
        talks(&mut floor, agent);
    }
    assert_eq!(stages(&floor), [Stage::Free, Stage::Free, Stage::Free, Stage::Busy]);
}

/// min(180, 30 + talk / 10) seconds: 36 after a minute, 60 after five, 180 after twenty-five, and no more after an hour.
#[test]
fn after_call_time_grows_with_the_talk_and_holds_the_agent() {
    for (talk_seconds, wrap_up_seconds) in [(60.0, 36.0), (300.0, 60.0), (1500.0, 180.0), (3600.0, 180.0)] {
        let guard = Guard { wrap_up: Some(WRAP_UP), ..Guard::default() };
        let mut floor = Floor::of_shares(&[1.0], Policy { guard, ..policy() });
        let call = talks(&mut floor, "a000");
        floor.pass(talk_seconds);
        floor.event(&call, CallEventType::Ended, Some("a000"));
        floor.pass(wrap_up_seconds - 0.001);
        assert_eq!(stages(&floor), [Stage::Busy], "{wrap_up_seconds} s after {talk_seconds} s of talk");
        floor.pass(0.001);
        assert_eq!(stages(&floor), [Stage::Free], "{wrap_up_seconds} s after {talk_seconds} s of talk");
    }
}

/// A finished call is kept at hand for two minutes only; after-call time may last longer.
#[test]
fn after_call_time_outlasts_the_memory_of_its_call() {
    let guard = Guard { wrap_up: Some(WRAP_UP), ..Guard::default() };
    let mut floor = Floor::of_shares(&[1.0], Policy { guard, ..policy() });
    let call = talks(&mut floor, "a000");
    floor.pass(1500.0);
    floor.event(&call, CallEventType::Ended, None);
    floor.pass(150.0);
    floor.tally.forget(floor.now);
    assert_eq!(floor.tally.calls_at_hand(), 0);
    assert_eq!(stages(&floor), [Stage::Busy]);
    floor.pass(30.0);
    assert_eq!(stages(&floor), [Stage::Free]);
}

/// However many calls are over: the oldest of those go, and a conversation stays, though it is the oldest call of all.
#[test]
fn calls_that_are_over_are_let_go_before_those_that_hold_somebody() {
    let mut floor = Floor::of_shares(&[1.0], policy());
    let talking = talks(&mut floor, "a000");
    floor.feed = Feed::Silent { hold_seconds: 0 };
    let over: Vec<String> = (0..5).map(|number| format!("over-{number}")).collect();
    over.iter().for_each(|call| drop(floor.decide(call)));
    assert_eq!((floor.tally.calls_at_hand(), floor.tally.finished_at_hand()), (6, 5));
    let mut let_go =
        |at_once| -> Vec<String> { floor.tally.let_excess_go(2, at_once).iter().map(|call| call.key.call.to_string()).collect() };
    assert_eq!(let_go(1), over[..1]);
    assert_eq!(let_go(usize::MAX), over[1..3]);
    assert!(floor.tally.call(&Floor::key(&talking)).is_some());
    floor.event(&talking, CallEventType::Ended, None);
    assert_eq!((floor.tally.calls_at_hand(), floor.tally.finished_at_hand()), (3, 3));
}

/// What becomes of its caller moves the charge of a task for a day, so it stays, however many calls are over.
#[test]
fn a_task_to_call_back_is_not_over() {
    let mut floor = Floor::of_shares(&[1.0], policy());
    floor.feed = Feed::Silent { hold_seconds: 0 };
    let mut task = (*floor.decide("task")).clone();
    let gone = floor.tally.let_excess_go(0, usize::MAX);
    assert_eq!(gone.len(), 1);
    task.asked.calls_back = Some("missed".into());
    floor.tally.add_decision(task.into());
    floor.decide("over");
    let gone: Vec<String> = floor.tally.let_excess_go(0, usize::MAX).iter().map(|call| call.key.call.to_string()).collect();
    assert_eq!((gone, floor.tally.calls_at_hand()), (vec!["over".to_owned()], 1));
}

/// Who took a call over by transfer talked, too: a minute, so 36 s of after-call time.
#[test]
fn after_call_time_follows_a_call_taken_over() {
    let guard = Guard { wrap_up: Some(WRAP_UP), ..Guard::default() };
    let mut floor = Floor::of_shares(&[1.0, 1.0], Policy { guard, ..policy() });
    let call = talks(&mut floor, "a000");
    floor.pass(600.0);
    let mut transfer = floor.make_event(&call, CallEventType::Transferred, Some("a000"));
    transfer.event.to_agent = Some("a001".into());
    floor.tally.add_event(&transfer);
    floor.pass(60.0);
    floor.event(&call, CallEventType::Ended, Some("a001"));
    floor.event(&call, CallEventType::Ended, None);
    floor.pass(35.0);
    // The first had 30 + 600 / 10 = 90 s from the transfer on, which was 95 s ago.
    assert_eq!(would_ring(&floor), [("a000".to_owned(), Stage::Free), ("a001".to_owned(), Stage::Busy)]);
    floor.pass(1.0);
    assert_eq!(stages(&floor), [Stage::Free, Stage::Free]);
}

#[test]
fn two_calls_at_once_where_the_guard_allows_two() {
    let guard = Guard { concurrent_calls: 2, ..Guard::default() };
    let mut floor = Floor::of_shares(&[1.0], Policy { guard, ..policy() });
    let first = floor.decide("c1");
    assert_eq!(listed(&first), [("a000", Stage::Free)]);
    floor.event("c1", CallEventType::Answered, Some("a000"));
    assert_eq!(listed(&floor.decide("c2")), [("a000", Stage::Free)], "one call leaves room for another");
    assert_eq!(stages(&floor), [Stage::Busy], "a call and a reservation are two");
    floor.event("c2", CallEventType::Answered, Some("a000"));
    assert_eq!(stages(&floor), [Stage::Busy]);
    floor.event("c1", CallEventType::Ended, None);
    assert_eq!(stages(&floor), [Stage::Free]);
}

/// Rings 20 s, and 5 s more for the PBX to tell. Two equals; the first is charged: -1/2 and 1/2.
#[test]
fn a_reservation_runs_out_and_keeps_its_charge_where_offers_count() {
    let mut floor = Floor::of_shares(&[1.0, 1.0], Policy { count: Count::Offered, ..policy() });
    floor.decide("c1");
    floor.pass(24.999);
    assert_eq!(would_ring(&floor)[1], ("a000".to_owned(), Stage::Busy));
    floor.pass(0.001);
    assert_eq!(stages(&floor), [Stage::Free, Stage::Free]);
    // In 25 s of a half-life of 24 h, 0.02 % fade.
    near(&floor.owed(TEAM), &[-0.5, 0.5], 2e-4);
}

/// Where only answered calls count, the charge comes back with the reservation's end, and again with a late answer.
#[test]
fn a_reservation_that_runs_out_gives_its_charge_back_until_somebody_answers() {
    let mut floor = Floor::of_shares(&[1.0, 1.0], policy());
    floor.decide("c1");
    floor.pass(24.999);
    near(&floor.owed(TEAM), &[-0.5, 0.5], 2e-4);
    floor.pass(0.001);
    near(&floor.owed(TEAM), &[0.0, 0.0], 1e-9);
    assert_eq!(stages(&floor), [Stage::Free, Stage::Free]);
    floor.pass(5.0);
    floor.event("c1", CallEventType::Answered, Some("a000"));
    near(&floor.owed(TEAM), &[-0.5, 0.5], 3e-4);
    assert_eq!(would_ring(&floor), [("a001".to_owned(), Stage::Free), ("a000".to_owned(), Stage::Busy)]);
}

/// When the PBX tells that the first did not take the call, the next is held, for 25 s from then on.
#[test]
fn a_reservation_moves_on_with_the_pbx() {
    let mut floor = Floor::of_shares(&[3.0, 2.0, 1.0], policy());
    floor.decide("c1");
    floor.pass(10.0);
    floor.event("c1", CallEventType::Missed, Some("a000"));
    let reserved = |floor: &Floor| -> Vec<String> {
        would_ring(floor).into_iter().filter(|(_, stage)| *stage == Stage::Busy).map(|(agent, _)| agent).collect()
    };
    assert_eq!(reserved(&floor), ["a001"]);
    // Shares 1/2, 1/3, 1/6; the second pays now.
    near(&floor.owed(TEAM), &[1.0 / 2.0, 1.0 / 3.0 - 1.0, 1.0 / 6.0], 2e-4);
    floor.pass(24.999);
    assert_eq!(reserved(&floor), ["a001"]);
    floor.pass(0.001);
    assert_eq!(reserved(&floor), Vec::<String>::new());
}

/// Two of three are named and do not take the call, and the PBX asks again before it tells so. What it then tells of the first attempt
/// is no word on the second: whom that names first stays held, and pays.
#[test]
fn what_comes_late_of_one_attempt_leaves_the_reservation_of_the_next() {
    let mut policy = policy();
    policy.dialling.targets_max = 2;
    let mut floor = Floor::of_shares(&[3.0, 2.0, 1.0], policy);
    floor.decide("c1");
    floor.pass(41.0);
    let second = floor.decide("c1");
    assert_eq!(listed(&second), [("a002", Stage::Free), ("a000", Stage::Free)]);
    let held = |floor: &Floor| -> Vec<bool> { (0..3).map(|agent| !floor.tally.agent(AgentIx(agent)).holds.is_empty()).collect() };
    let late = floor.make_event("c1", CallEventType::Missed, Some("a000"));
    floor.pass(1.0);
    floor.tally.add_event(&late);
    floor.tally.add_event(&late);
    assert_eq!(held(&floor), [false, false, true]);
    near(&floor.owed(TEAM), &[1.0 / 2.0, 1.0 / 3.0, 1.0 / 6.0 - 1.0], 6e-4);
    // What it tells of the second attempt moves on as ever.
    floor.event("c1", CallEventType::Rejected, Some("a002"));
    assert_eq!(held(&floor), [true, false, false]);
}

/// Alone in the rotation one is rung in each attempt: the first missed offer, told late, is not the second's.
#[test]
fn who_is_rung_again_stays_held_though_the_earlier_offer_is_told_late() {
    let mut floor = Floor::of_shares(&[1.0], policy());
    floor.decide("c1");
    floor.pass(21.0);
    floor.decide("c1");
    floor.event("c1", CallEventType::Missed, Some("a000"));
    assert_eq!(stages(&floor), [Stage::Busy]);
    floor.pass(20.0);
    floor.event("c1", CallEventType::Missed, Some("a000"));
    assert_eq!(stages(&floor), [Stage::Free]);
}

#[test]
fn who_is_off_duty_or_paused_is_rung_in_no_stage() {
    let mut floor = Floor::of_shares(&[1.0; 5], policy());
    floor.set_presence("a000", PresenceState::OffDuty);
    floor.set_presence("a001", PresenceState::Paused);
    for (agent, state) in [("a002", PbxAgentState::Offline), ("a003", PbxAgentState::Away)] {
        pbx_says(&mut floor, agent, state);
    }
    assert_eq!(would_ring(&floor), [("a004".to_owned(), Stage::Free)]);
    talks(&mut floor, "a004");
    assert_eq!(would_ring(&floor), [("a004".to_owned(), Stage::Busy)]);
}

fn pbx_says(floor: &mut Floor, agent: &str, state: PbxAgentState) {
    let mut word = floor.make_event("-", CallEventType::AgentState, Some(agent));
    (word.event.call_id, word.event.state) = (None, Some(state));
    floor.tally.add_event(&word);
}
