//! The caller's own manager: whether that agent is rung, and whether such a call moves credit.
//!
//! Anna and Boris get half of the calls each; between equals Anna is first, by her id. Zoe is an agent of another group.

use meritline::core::call::CallEventType;
use meritline::core::decision::{Reason, Stage};
use meritline::core::policy::{Count, Mode, PersonalCalls, PersonalManager, Policy};
use meritline::core::record::{DecisionRecord, PresenceState};
use meritline::core::workspace::GroupIx;

use crate::support::floor::{Floor, listed, near, plain_policy, workspace};

const SALES: GroupIx = GroupIx(0);

fn floor(personal_manager: PersonalManager, personal_calls: PersonalCalls, manager: &str) -> Floor {
    let policy = Policy { personal_manager, personal_calls, ..plain_policy("p", Mode::Percent, Count::Answered) };
    let groups = [("sales", "p", &[("anna", 1.0), ("boris", 1.0)][..]), ("support", "p", &[("zoe", 1.0)][..])];
    let mut floor = Floor::new(workspace(&groups, vec![policy]));
    floor.responsible = Some(floor.agent_ix(manager));
    floor
}

fn answered(floor: &mut Floor, call: &str, agent: &str) {
    floor.event(call, CallEventType::Answered, Some(agent));
}

#[track_caller]
fn owed(floor: &Floor, expected: [f64; 2]) {
    near(&floor.owed(SALES), &expected, 1e-6);
}

#[track_caller]
fn assert_answer(record: &DecisionRecord, reason: Reason, targets: &[(&str, Stage)]) {
    assert_eq!((record.decision.reason, listed(record)), (reason, targets.to_vec()));
}

#[test]
fn preferred_and_free_she_comes_first_and_the_others_after_her() {
    let mut floor = floor(PersonalManager::Prefer, PersonalCalls::Apart, "boris");
    let record = floor.decide("c1");
    assert_answer(&record, Reason::PersonalManager, &[("boris", Stage::Free), ("anna", Stage::Free)]);
}

/// A call like any other then: by shares, and it moves credit.
#[test]
fn preferred_but_talking_she_is_not_waited_for() {
    let mut floor = floor(PersonalManager::Prefer, PersonalCalls::Apart, "boris");
    answered(&mut floor, "own", "boris");
    let record = floor.decide("c1");
    assert_answer(&record, Reason::Percent, &[("anna", Stage::Free)]);
    answered(&mut floor, "c1", "anna");
    owed(&floor, [-0.5, 0.5]);
}

#[test]
fn preferred_but_away_she_is_passed_over() {
    for state in [PresenceState::OffDuty, PresenceState::Paused] {
        let mut floor = floor(PersonalManager::Prefer, PersonalCalls::Apart, "boris");
        floor.set_presence("boris", state);
        assert_answer(&floor.decide("c1"), Reason::Percent, &[("anna", Stage::Free)]);
    }
}

#[test]
fn switched_off_the_caller_is_like_any_other() {
    let mut floor = floor(PersonalManager::Off, PersonalCalls::Apart, "boris");
    let record = floor.decide("c1");
    assert_answer(&record, Reason::Percent, &[("anna", Stage::Free), ("boris", Stage::Free)]);
    answered(&mut floor, "c1", "anna");
    owed(&floor, [-0.5, 0.5]);
}

/// Stage busy is allowed, whether or not the policy lists the busy otherwise.
#[test]
fn only_means_she_alone_even_while_she_talks() {
    let mut floor = floor(PersonalManager::Only, PersonalCalls::Apart, "boris");
    assert_answer(&floor.decide("c1"), Reason::PersonalManager, &[("boris", Stage::Free)]);
    floor.event("c1", CallEventType::Ended, None);
    answered(&mut floor, "own", "boris");
    assert_answer(&floor.decide("c2"), Reason::PersonalManager, &[("boris", Stage::Busy)]);
}

/// Then the fallback takes the call, which leaves no trace.
#[test]
fn only_and_away_means_nobody() {
    for state in [PresenceState::OffDuty, PresenceState::Paused] {
        let mut floor = floor(PersonalManager::Only, PersonalCalls::Count, "boris");
        floor.set_presence("boris", state);
        assert_answer(&floor.decide("c1"), Reason::Fallback, &[]);
        owed(&floor, [0.0, 0.0]);
    }
    let mut floor = floor(PersonalManager::Only, PersonalCalls::Count, "boris");
    floor.responsible = None;
    assert_answer(&floor.decide("c1"), Reason::Fallback, &[]);
}

/// So that who has many clients of her own still gets her full share of new calls: the next new call is Anna's again, as if
/// nothing had been.
#[test]
fn kept_apart_a_personal_call_moves_no_credit() {
    let mut floor = floor(PersonalManager::Prefer, PersonalCalls::Apart, "anna");
    assert!(!floor.decide("c1").moves_credit);
    owed(&floor, [0.0, 0.0]);
    answered(&mut floor, "c1", "anna");
    owed(&floor, [0.0, 0.0]);
    floor.event("c1", CallEventType::Ended, None);
    owed(&floor, [0.0, 0.0]);
    floor.responsible = None;
    assert_eq!(listed(&floor.decide("c2"))[0], ("anna", Stage::Free));
}

/// Busy is busy: while she is offered her own caller, nobody else's call rings her.
#[test]
fn kept_apart_a_personal_call_still_holds_her() {
    let mut floor = floor(PersonalManager::Prefer, PersonalCalls::Apart, "boris");
    floor.decide("c1");
    floor.responsible = None;
    assert_eq!(listed(&floor.decide("c2")), [("anna", Stage::Free)]);
}

/// What began apart stays apart, whoever takes it in the end and however often the PBX asks.
#[test]
fn kept_apart_a_call_that_somebody_else_answers_moves_nothing_either() {
    let mut floor = floor(PersonalManager::Prefer, PersonalCalls::Apart, "boris");
    floor.decide("c1");
    floor.event("c1", CallEventType::Missed, Some("boris"));
    floor.pass(1.0);
    let second = floor.decide("c1");
    assert_eq!((second.decision.attempt, second.moves_credit), (2, false));
    answered(&mut floor, "c1", "anna");
    owed(&floor, [0.0, 0.0]);
}

/// Halves: Anna 1/2 - 1, Boris 1/2. The next new call is his.
#[test]
fn counted_a_personal_call_is_charged_like_any_other() {
    let mut floor = floor(PersonalManager::Prefer, PersonalCalls::Count, "anna");
    floor.decide("c1");
    owed(&floor, [-0.5, 0.5]);
    answered(&mut floor, "c1", "anna");
    owed(&floor, [-0.5, 0.5]);
    floor.event("c1", CallEventType::Ended, None);
    floor.responsible = None;
    assert_eq!(listed(&floor.decide("c2"))[0], ("boris", Stage::Free));
}

/// Boris missed it, Anna took it: Anna pays.
#[test]
fn counted_a_personal_call_is_charged_to_who_answers() {
    let mut floor = floor(PersonalManager::Prefer, PersonalCalls::Count, "boris");
    floor.decide("c1");
    floor.event("c1", CallEventType::Missed, Some("boris"));
    answered(&mut floor, "c1", "anna");
    owed(&floor, [-0.5, 0.5]);
}

#[test]
fn a_manager_of_another_group_is_rung_but_touches_no_credit() {
    let mut floor = floor(PersonalManager::Prefer, PersonalCalls::Count, "zoe");
    let record = floor.decide("c1");
    let expected = [("zoe", Stage::Free), ("anna", Stage::Free), ("boris", Stage::Free)];
    assert_answer(&record, Reason::PersonalManager, &expected);
    answered(&mut floor, "c1", "zoe");
    owed(&floor, [0.0, 0.0]);
    near(&floor.owed(floor.group_ix("support")), &[0.0], 1e-9);
}
