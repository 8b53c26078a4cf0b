//! Which shares answers follow while a policy is brought in, and what is recorded of the other arm.

use std::collections::BTreeMap;
use std::sync::Arc;

use meritline::core::decision::Reason;
use meritline::core::distribution::choose::{Question, choose};
use meritline::core::distribution::tally::Tally;
use meritline::core::policy::{Count, Mode, PersonalManager, Policy};
use meritline::core::proving::experiment::Experiment;
use meritline::core::proving::rollout::{Arm, FollowedCalls, Rollout};
use meritline::core::record::{DecisionRecord, Feed};
use meritline::core::workspace::{AgentIx, GroupIx};

use crate::support::floor::{Floor, GroupOf, plain_policy, workspace};

fn policy(calls: FollowedCalls) -> Policy {
    Policy { rollout: Rollout { calls, experiment: None }, ..plain_policy("typed", Mode::Percent, Count::Answered) }
}

/// Two agents at 3 : 1, whose first target counts as taken.
fn floor(calls: FollowedCalls) -> Floor {
    let mut floor = Floor::of_shares(&[3.0, 1.0], policy(calls));
    floor.feed = Feed::Silent { hold_seconds: 0 };
    floor
}

fn answered(record: &DecisionRecord) -> String {
    record.decision.targets[0].agent.to_string()
}

fn other(record: &DecisionRecord) -> String {
    record.trial.other.as_ref().unwrap().agent.as_ref().unwrap().to_string()
}

fn counts(names: impl IntoIterator<Item = String>) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    names.into_iter().for_each(|name| *counts.entry(name).or_default() += 1);
    counts
}

fn decide(floor: &mut Floor, calls: usize) -> Vec<Arc<DecisionRecord>> {
    let decide = |call| {
        floor.pass(60.0);
        floor.decide(&format!("c-{call}"))
    };
    (0..calls).map(decide).collect()
}

/// The comparison gives everybody the same; what the policy would have answered follows its own shares exactly (3 : 1 of 40
/// calls), though nobody is rung for it.
#[test]
fn an_observed_policy_answers_by_equal_shares_and_records_its_own() {
    let records = decide(&mut floor(FollowedCalls::None), 40);
    assert_eq!(counts(records.iter().map(|record| answered(record))), [("a000".into(), 20), ("a001".into(), 20)].into());
    assert_eq!(counts(records.iter().map(|record| other(record))), [("a000".into(), 30), ("a001".into(), 10)].into());
    for record in &records {
        assert_eq!((record.trial.arm(), record.trial.arm_under(&"typed".into())), (Arm::Comparison, Some(Arm::Comparison)));
        assert!((record.decision.targets[0].share - 0.5).abs() < 1e-12);
        assert_eq!(record.decision.reason.as_str(), "percent", "the reason stays the policy's mode");
    }
}

#[test]
fn a_policy_for_all_calls_is_not_under_test() {
    let records = decide(&mut floor(FollowedCalls::All), 40);
    assert_eq!(counts(records.iter().map(|record| answered(record))), [("a000".into(), 30), ("a001".into(), 10)].into());
    assert!(records.iter().all(|record| record.trial.arms.is_empty() && record.trial.other.is_none()));
}

/// Of 4000 calls 30 % are treated: 1200, with a standard deviation of 29. Each arm gives its own shares: 3 : 1, and the same for both.
#[test]
fn a_part_of_the_calls_follows_the_policy() {
    let records = decide(&mut floor(FollowedCalls::Percent(30)), 4000);
    let (treated, compared): (Vec<_>, Vec<_>) = records.iter().partition(|record| record.trial.arm() == Arm::Policy);
    assert!((1110..=1290).contains(&treated.len()), "{} of 4000 treated", treated.len());
    let share = |records: &[&Arc<DecisionRecord>], name: fn(&DecisionRecord) -> String| {
        records.iter().filter(|record| name(record) == "a000").count() as f64 / records.len() as f64
    };
    // Draws of so many calls differ from the share by a standard deviation of at most 1.3 points.
    assert!((share(&treated, answered) - 0.75).abs() < 0.05, "{}", share(&treated, answered));
    assert!((share(&compared, answered) - 0.5).abs() < 0.05, "{}", share(&compared, answered));
    // Would-be answers are exact: each arm keeps books of its own for the calls it did not answer.
    assert!((share(&treated, other) - 0.5).abs() < 0.001, "{}", share(&treated, other));
    assert!((share(&compared, other) - 0.75).abs() < 0.001, "{}", share(&compared, other));
}

#[test]
fn the_same_calls_are_treated_everywhere_and_stay_so_as_the_part_grows() {
    let treated = |percent: u8| -> Vec<bool> {
        let records = decide(&mut floor(FollowedCalls::Percent(percent)), 500);
        records.iter().map(|record| record.trial.arm() == Arm::Policy).collect()
    };
    let (ten, thirty) = (treated(10), treated(30));
    assert_eq!(thirty, treated(30));
    assert!(ten.iter().zip(&thirty).all(|(ten, thirty)| !ten || *thirty), "who is in 10 % is in 30 %");
    assert!(treated(0).iter().all(|treated| !treated));
    assert!(treated(100).iter().all(|treated| *treated));
}

/// A call's later attempts fall into a block of the other arm, or under another setting: it stays in its arm all the same.
#[test]
fn attempts_of_a_call_stay_in_one_arm() {
    let mut floor = floor(FollowedCalls::None);
    let experiment = Experiment {
        treatment_percent: 50,
        block_seconds: 600,
        drop_first_seconds: 0,
        seed: 7,
        from: floor.now,
        until: floor.now.checked_add(jiff::SignedDuration::from_hours(24)).unwrap(),
        attribution_days: 30,
    };
    let switch = experiment.blocks_from(floor.now).skip(1).find(|block| block.is_switch).unwrap();
    let rollout = Rollout { calls: FollowedCalls::All, experiment: Some(experiment) };
    let tested = Policy { rollout, ..plain_policy("typed", Mode::Percent, Count::Answered) };
    floor.tally.bind(test_workspace(tested));
    floor.now = switch.from.checked_add(jiff::SignedDuration::from_secs(-5)).unwrap();
    let first = floor.decide("c-1");
    floor.pass(10.0);
    let (second, fresh) = (floor.decide("c-1"), floor.decide("c-2"));
    assert_eq!(first.trial.arm(), second.trial.arm());
    assert_eq!(fresh.trial.arm(), switch.arm);
    assert_ne!(first.trial.arm(), fresh.trial.arm());
    floor.tally.bind(test_workspace(policy(FollowedCalls::All)));
    floor.pass(10.0);
    assert_eq!(floor.decide("c-1").trial.arm(), first.trial.arm());
    assert!(floor.decide("c-3").trial.arms.is_empty(), "after the experiment a new call follows the policy");
    assert!(second.trial.other.as_ref().unwrap().steps.is_empty(), "a call moves the would-be credits once");
}

fn test_workspace(policy: Policy) -> Arc<meritline::core::workspace::Workspace> {
    workspace(&[("team", "typed", &[("a000", 3.0), ("a001", 1.0)])], vec![policy])
}

/// One person in an office of one and three in another: each gets a quarter, so the offices get 1 : 3 whatever was typed.
#[test]
fn equal_shares_are_the_same_for_every_person() {
    let groups: [GroupOf<'_>; 3] = [
        ("sales", "typed", &[("north", 60.0), ("south", 40.0)]),
        ("north", "typed", &[("anna", 1.0)]),
        ("south", "typed", &[("boris", 5.0), ("clara", 1.0), ("denis", 1.0), ("off", 0.0)]),
    ];
    let mut floor = Floor::new(workspace(&groups, vec![policy(FollowedCalls::None)]));
    floor.feed = Feed::Silent { hold_seconds: 0 };
    let records = decide(&mut floor, 40);
    let expected = ["anna", "boris", "clara", "denis"].map(|name| (name.to_owned(), 10)).into();
    assert_eq!(counts(records.iter().map(|record| answered(record))), expected);
    // 60 % to Anna; of the other 40 % five of seven to Boris.
    let would_be = counts(records.iter().map(|record| other(record)));
    assert_eq!(would_be["anna"], 24);
    assert!((11..=12).contains(&would_be["boris"]), "{would_be:?}");
    assert!(!would_be.contains_key("off"));
}

/// Only the office under test is compared; how calls are shared between offices stays as it is.
#[test]
fn groups_of_other_policies_are_left_alone() {
    let groups: [GroupOf<'_>; 3] = [
        ("sales", "between", &[("north", 3.0), ("south", 1.0)]),
        ("north", "typed", &[("anna", 3.0), ("boris", 1.0)]),
        ("south", "between", &[("clara", 1.0)]),
    ];
    let between = plain_policy("between", Mode::Percent, Count::Answered);
    let mut floor = Floor::new(workspace(&groups, vec![policy(FollowedCalls::None), between]));
    floor.feed = Feed::Silent { hold_seconds: 0 };
    let records = decide(&mut floor, 80);
    let expected = [("anna", 30), ("boris", 30), ("clara", 20)].map(|(name, count)| (name.to_owned(), count)).into();
    assert_eq!(counts(records.iter().map(|record| answered(record))), expected);
    let would_be = counts(records.iter().map(|record| other(record)));
    assert_eq!((would_be["anna"], would_be["boris"], would_be["clara"]), (45, 15, 20));
}

/// The state is a fold: decisions in any order and repeated give the same would-be credits.
#[test]
fn would_be_credits_do_not_depend_on_order_or_repetition() {
    let mut floor = floor(FollowedCalls::None);
    let records = decide(&mut floor, 30);
    let mut shuffled = Tally::new(Arc::clone(floor.tally.workspace()));
    for record in records.iter().rev().chain(records.iter().step_by(3)) {
        shuffled.add_decision(Arc::clone(record));
    }
    let credits = |tally: &Tally| {
        let book = tally.shadow(GroupIx(0), Arm::Policy).unwrap();
        book.credits(tally.members(GroupIx(0)), floor.now.as_microsecond())
    };
    for (left, right) in credits(&floor.tally).into_iter().zip(credits(&shuffled)) {
        assert!((left - right).abs() < 1e-9, "{left} is not {right}");
    }
    let untouched = floor.tally.shadow(GroupIx(0), Arm::Comparison).unwrap();
    assert_eq!(untouched.credits(floor.tally.members(GroupIx(0)), floor.now.as_microsecond()), [0.0, 0.0]);
}

/// Whoever has a manager of one's own gets that one in both arms, and such a call, kept apart, moves no credit in either.
#[test]
fn a_personal_call_is_the_same_in_both_arms() {
    let personal = Policy { personal_manager: PersonalManager::Prefer, ..policy(FollowedCalls::None) };
    let mut floor = floor(FollowedCalls::None);
    floor.tally.bind(test_workspace(personal));
    let key = Floor::key("c-1");
    let responsible = Some(AgentIx(1));
    let question = Question {
        call: &key,
        group: GroupIx(0),
        now: floor.now,
        exclude: &[],
        responsible,
        caller: None,
        has_fallback: true,
        can_be_called_back: true,
    };
    let choice = choose(&floor.tally, &floor.shares, &question);
    let record = floor.commit("c-1", choice);
    assert_eq!((answered(&record), other(&record)), ("a001".to_owned(), "a001".to_owned()));
    let would_be = record.trial.other.as_ref().unwrap();
    assert_eq!((would_be.reason, would_be.steps.len()), (Reason::PersonalManager, 0));
}
