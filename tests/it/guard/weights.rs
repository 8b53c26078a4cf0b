//! Weight = published share x guard x own setting; who rests is rung by nobody.

use jiff::SignedDuration;
use meritline::core::call::CallEventType;
use meritline::core::decision::Reason;
use meritline::core::distribution::choose::{self, Choice, Question};
use meritline::core::intervention::{Change, Load};
use meritline::core::load::guard::Indicator;
use meritline::core::policy::{Guard, PersonalManager};
use meritline::core::proving::rollout::{Arm, FollowedCalls, Rollout};
use meritline::core::record::{MemberStanding, PresenceState, Spared};
use meritline::core::workspace::GroupIx;

use super::floor::{expected, guarded, only, standings, team};
use crate::support::floor::{Floor, listed, near, workspace};

fn by_calls() -> Guard {
    only(Indicator::CallsPerHour, 10.0, 14.0)
}

/// A choice for a call whose caller has nowhere else to go.
fn without_fallback(floor: &Floor, call: &str) -> Choice {
    let question = Question {
        call: &Floor::key(call),
        group: GroupIx(0),
        now: floor.now,
        exclude: &[],
        responsible: floor.responsible,
        caller: None,
        has_fallback: false,
        can_be_called_back: false,
    };
    choose::choose(&floor.tally, &floor.shares, &question)
}

/// Anna wants half, Boris has had 11 calls (0.75 left), Clara has all: 0.5, 0.75 and 1 of 2.25.
#[test]
fn taper_and_own_setting_multiply_the_share() {
    let mut floor = team(&["anna", "boris", "clara"], by_calls());
    floor.talks("c", "boris", 11, (1.0, 1.0));
    floor.set(Change::Load { agent: "anna".into(), load: Load::Lighter });
    let record = floor.decide("d");
    near(expected(&record), &[0.5 / 2.25, 0.75 / 2.25, 1.0 / 2.25], 1e-9);
    let [anna, boris] = &record.groups[0].guard.eased[..] else { panic!("two are eased") };
    assert_eq!((anna.member, anna.factor, anna.own, anna.cause), (0, 1.0, 0.5, None));
    let cause = boris.cause.expect("why");
    assert_eq!((boris.member, boris.factor, boris.own, cause.by), (1, 0.75, 1.0, Indicator::CallsPerHour));
    assert_eq!((cause.readings[1], cause.spared), (11.0, None));
    assert_eq!(record.groups[0].lambda.published[..], [1.0 / 3.0; 3], "published shares stay");
    // Back to normal and heavier: 1.25 x 0.75.
    floor.pass(1.0);
    floor.set(Change::Load { agent: "anna".into(), load: Load::Normal });
    floor.set(Change::Load { agent: "boris".into(), load: Load::Heavier });
    near(expected(&floor.decide("e")), &[1.0 / 2.9375, 0.9375 / 2.9375, 1.0 / 2.9375], 1e-9);
}

/// A stopped person is out of the rotation, with the reason; the credit stays as it is, whatever comes meanwhile.
#[test]
fn who_is_stopped_keeps_the_credit() {
    let mut floor = team(&["anna", "boris", "clara"], by_calls());
    for call in ["one", "two"] {
        let first = floor.decide(call).decision.targets[0].agent.to_string();
        floor.event(call, CallEventType::Answered, Some(&first));
        floor.event(call, CallEventType::Ended, None);
    }
    floor.talks("c", "boris", 14, (1.0, 1.0));
    let before = floor.owed(GroupIx(0))[1];
    assert!(before.abs() > 0.1);
    for call in 0..6 {
        let record = floor.decide(&format!("d{call}"));
        assert_eq!(standings(&record)[1], MemberStanding::Stopped);
        assert!(record.groups[0].is_stopped(1) && expected(&record)[1] == 0.0);
        let cause = record.groups[0].eased(1).and_then(|eased| eased.cause).expect("the reason is recorded");
        assert_eq!((cause.by, cause.readings[1]), (Indicator::CallsPerHour, 15.0), "14 and one of the two");
        floor.event(&format!("d{call}"), CallEventType::Ended, None);
    }
    assert!((floor.owed(GroupIx(0))[1] - before).abs() < 1e-12, "at the same instant nothing fades");
}

/// Stage busy ignores talking, never a stop; nor does a caller without a backup number.
#[test]
fn stage_busy_never_rings_who_rests() {
    let mut floor = team(&["anna", "boris", "clara"], by_calls());
    floor.talks("c", "boris", 14, (1.0, 1.0));
    floor.event("a", CallEventType::Answered, Some("anna"));
    floor.event("b", CallEventType::Answered, Some("clara"));
    let named: Vec<String> = listed(&floor.decide("d")).into_iter().map(|(agent, _)| agent.to_owned()).collect();
    assert_eq!(named, ["anna", "clara"]);
    let choice = without_fallback(&floor, "e");
    assert!(choice.targets.iter().all(|target| target.agent.as_str() != "boris"), "{:?}", choice.targets);
}

#[test]
fn a_personal_manager_who_rests_is_none() {
    for rule in [PersonalManager::Prefer, PersonalManager::Only] {
        let mut policy = guarded("p", by_calls());
        policy.personal_manager = rule;
        let groups = [("team", "p", &[("anna", 1.0), ("boris", 1.0)][..]), ("others", "p", &[("clara", 1.0)][..])];
        let mut floor = Floor::new(workspace(&groups, vec![policy]));
        for manager in ["boris", "clara"] {
            floor.responsible = Some(floor.agent_ix(manager));
            assert_eq!(floor.decide(&format!("before-{manager}")).decision.reason, Reason::PersonalManager, "{rule:?} {manager}");
            floor.pass(60.0);
            floor.talks(manager, manager, 14, (1.0, 1.0));
            let record = floor.decide(&format!("after-{manager}"));
            assert!(listed(&record).iter().all(|(agent, _)| *agent != manager), "{rule:?} {manager}");
            assert_ne!(record.decision.reason, Reason::PersonalManager);
        }
    }
}

/// While a policy is only watched, callers get equal shares: among people who rest all the same.
#[test]
fn equal_shares_keep_the_guard() {
    let mut policy = guarded("p", by_calls());
    policy.rollout = Rollout { calls: FollowedCalls::None, experiment: None };
    let members = [("anna", 8.0), ("boris", 1.0), ("clara", 1.0)];
    let mut floor = Floor::new(workspace(&[("team", "p", &members)], vec![policy]));
    floor.talks("c", "boris", 14, (1.0, 1.0));
    floor.talks("e", "clara", 11, (1.0, 1.0));
    let record = floor.decide("d");
    assert_eq!(record.trial.arm(), Arm::Comparison);
    near(expected(&record), &[1.0 / 1.75, 0.0, 0.75 / 1.75], 1e-9);
}

/// One call past a taper: weight as if nothing were, until a decision names her first; then the taper is back.
#[test]
fn one_more_passes_a_taper_once() {
    let mut floor = team(&["anna", "boris"], by_calls());
    floor.talks("c", "anna", 13, (1.0, 1.0));
    near(expected(&floor.decide("a")), &[0.2, 0.8], 1e-9);
    floor.pass(60.0);
    floor.set(Change::OneMore { agent: "anna".into() });
    floor.pass(1.0);
    let mut named = None;
    for call in 0..4 {
        let record = floor.decide(&format!("d{call}"));
        near(expected(&record), &[0.5, 0.5], 1e-9);
        let eased = record.groups[0].eased(0).expect("recorded");
        assert_eq!((eased.factor, eased.cause.and_then(|cause| cause.spared)), (1.0, Some(Spared::OneMore)));
        floor.event(&format!("d{call}"), CallEventType::Ended, None);
        floor.pass(1.0);
        named = listed(&record).first().map(|(agent, _)| (*agent).to_owned());
        if named.as_deref() == Some("anna") {
            break;
        }
    }
    assert_eq!(named.as_deref(), Some("anna"));
    near(expected(&floor.decide("e")), &[0.2, 0.8], 1e-9);
}

/// Not past a stop, after-call time or a pause.
#[test]
fn one_more_passes_nothing_else() {
    let mut floor = team(&["anna", "boris"], Guard { limits: by_calls().limits, ..Guard::standard() });
    floor.talks("c", "anna", 14, (1.0, 1.0));
    floor.set(Change::OneMore { agent: "anna".into() });
    floor.pass(60.0);
    assert_eq!(standings(&floor.decide("a"))[0], MemberStanding::Stopped);
    floor.pass(36.0 * 60.0);
    floor.talk("d", "anna", 1.0);
    assert!(floor.factor("anna") < 1.0);
    assert_eq!(standings(&floor.decide("b"))[0], MemberStanding::Busy, "after-call time");
    floor.set_presence("anna", PresenceState::Paused);
    assert_eq!(standings(&floor.decide("e"))[0], MemberStanding::Paused);
}

/// Who asked for one more yesterday does not get it today.
#[test]
fn one_more_is_forgotten_by_the_next_shift() {
    let mut floor = team(&["anna", "boris"], by_calls());
    floor.set(Change::OneMore { agent: "anna".into() });
    let anna = floor.agent_ix("anna");
    assert!(floor.tally.agent(anna).wants_one_more(floor.now));
    let next = floor.now.checked_add(SignedDuration::from_hours(16)).unwrap();
    assert!(!floor.tally.agent(anna).wants_one_more(next));
}

/// Somebody who comes back from a stop gets a fair part at once, and no more: nothing was owed meanwhile.
#[test]
fn a_rested_person_is_not_flooded() {
    let mut floor = team(&["anna", "boris", "clara"], by_calls());
    floor.talks("c", "boris", 14, (1.0, 1.0));
    for call in 0..40 {
        floor.decide(&format!("d{call}"));
        floor.event(&format!("d{call}"), CallEventType::Cancelled, None);
        floor.event(&format!("d{call}"), CallEventType::Ended, None);
    }
    floor.pass(3600.0);
    let mut got = 0;
    for call in 0..9 {
        let record = floor.decide(&format!("e{call}"));
        let agent = listed(&record)[0].0.to_owned();
        floor.event(&format!("e{call}"), CallEventType::Answered, Some(&agent));
        floor.event(&format!("e{call}"), CallEventType::Ended, None);
        got += u32::from(agent == "boris");
    }
    assert!((2..=4).contains(&got), "{got} of 9, 3 are fair");
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(200))]

    /// Whatever happened, whoever is named was in the rotation of every group on the way, and who rests is due nothing; shares due
    /// add up to one call while anybody is left.
    #[test]
    fn whoever_is_named_does_not_rest(
        steps in proptest::collection::vec((0usize..5, 0usize..4, 1u32..900), 1..60),
        busy_stage: bool,
    ) {
        let mut policy = guarded("p", only(Indicator::CallsPerHour, 1.0, 4.0));
        policy.guard.limits.calls_in_a_row = Some(meritline::core::load::guard::Band::new(1.0, 3.0));
        policy.guard.limits.occupancy = Some(meritline::core::load::guard::Band::new(0.3, 0.6));
        policy.dialling.busy_stage = busy_stage;
        let groups = [
            ("top", "p", &[("north", 3.0), ("south", 1.0), ("denis", 1.0)][..]),
            ("north", "p", &[("anna", 1.0), ("boris", 2.0)][..]),
            ("south", "p", &[("boris", 1.0), ("clara", 1.0)][..]),
        ];
        let mut floor = Floor::new(workspace(&groups, vec![policy]));
        let people = ["anna", "boris", "clara", "denis"];
        for (place, (what, who, seconds)) in steps.into_iter().enumerate() {
            let own = format!("own{who}");
            match what {
                0 => drop(floor.event(&own, CallEventType::Answered, Some(people[who]))),
                1 => drop(floor.event(&own, CallEventType::Ended, None)),
                2 => floor.set_presence(people[who], [PresenceState::Available, PresenceState::Paused][place % 2]),
                _ => floor.talk(&format!("t{place}"), people[who], 0.5),
            }
            floor.pass(f64::from(seconds));
            let record = floor.decide(&format!("d{place}"));
            for path in &record.paths {
                for step in path {
                    let view = &record.groups[step.group as usize];
                    let member = step.member as usize;
                    proptest::prop_assert!(view.standing[member].in_rotation(), "{:?}", view);
                    proptest::prop_assert!(view.lambda.values[member] > 0.0);
                }
            }
            for view in record.groups.iter().filter(|view| view.guard.all_stopped.is_none()) {
                let due: f64 = view.lambda.values.iter().sum();
                let whole = if view.standing.iter().any(|stands| stands.in_rotation()) { 1.0 } else { 0.0 };
                proptest::prop_assert!((due - whole).abs() < 1e-9);
                for (stands, due) in view.standing.iter().zip(&view.lambda.values) {
                    proptest::prop_assert_eq!(stands.in_rotation(), *due > 0.0);
                }
            }
            if let Some(first) = record.decision.targets.first().filter(|_| place % 2 == 0) {
                let agent = first.agent.to_string();
                floor.event(&format!("d{place}"), CallEventType::Answered, Some(&agent));
                floor.pass(60.0);
            }
            floor.event(&format!("d{place}"), CallEventType::Ended, None);
        }
    }
}
