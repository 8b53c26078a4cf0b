//! Shares among groups by the number of their people, and what the API tells of groups that share by results.

mod api;

use meritline::core::call::CallEventType::{Answered, Ended};
use meritline::core::distribution::call_state::CallState;
use meritline::core::policy::{Count, Mode, Policy};
use meritline::core::proving::rollout::{FollowedCalls, Rollout};
use meritline::core::record::PresenceState::{self, Available, Paused};
use meritline::core::shares::share_board::ShareBoard;
use meritline::core::shares::share_report::{CameBy, ShareReport};

use crate::support::floor::{Floor, GroupOf, near, plain_policy, workspace};

const FOUR_AND_TWO: [GroupOf<'static>; 3] = [
    ("sales", "heads", &[("large", 1.0), ("small", 7.0)]),
    ("large", "even", &[("a", 1.0), ("b", 1.0), ("c", 1.0), ("d", 1.0), ("never", 0.0)]),
    ("small", "even", &[("e", 1.0), ("f", 1.0)]),
];

fn heads() -> Policy {
    plain_policy("heads", Mode::HeadCount, Count::Answered)
}

fn floor(groups: &[GroupOf<'_>], heads: Policy) -> Floor {
    Floor::new(workspace(groups, vec![heads, plain_policy("even", Mode::Percent, Count::Answered)]))
}

fn set(floor: &mut Floor, agents: &[&str], state: PresenceState) {
    agents.iter().for_each(|agent| floor.set_presence(agent, state));
}

/// Expected shares of the next call in the first group.
fn expected(floor: &Floor) -> Vec<f64> {
    let choice = floor.choose("the next call", &[]);
    let view = choice.groups.iter().find(|view| view.group.as_str() == "sales").expect("the first group was looked into");
    view.lambda.values.to_vec()
}

fn published(floor: &Floor) -> Vec<f64> {
    floor.shares.group(floor.group).unwrap().published.to_vec()
}

/// A call that is answered at once and over a minute later.
fn call(floor: &mut Floor, call: &str) -> String {
    let agent = floor.decide(call).decision.targets[0].agent.to_string();
    floor.event(call, Answered, Some(&agent));
    floor.pass(60.0);
    floor.event(call, Ended, None);
    agent
}

#[test]
fn everybody_gets_the_same_whichever_group_they_are_in() {
    let mut floor = floor(&FOUR_AND_TWO, heads());
    near(&published(&floor), &[4.0 / 6.0, 2.0 / 6.0], 1e-12);
    let mut calls = std::collections::BTreeMap::new();
    for number in 0..60 {
        *calls.entry(call(&mut floor, &format!("c{number}"))).or_insert(0) += 1;
    }
    let expected = ["a", "b", "c", "d", "e", "f"].map(|agent| (agent.to_owned(), 10));
    assert_eq!(calls.into_iter().collect::<Vec<_>>(), expected);
}

#[test]
fn a_call_is_shared_out_by_who_is_there() {
    let mut floor = floor(&FOUR_AND_TWO, heads());
    set(&mut floor, &["a", "b"], Paused);
    near(&expected(&floor), &[0.5, 0.5], 1e-12);
    set(&mut floor, &["c"], PresenceState::OffDuty);
    near(&expected(&floor), &[1.0 / 3.0, 2.0 / 3.0], 1e-12);
    near(&published(&floor), &[4.0 / 6.0, 2.0 / 6.0], 1e-12);
    // Who talks is there.
    floor.decide("long");
    let talks = floor.decide("longer").decision.targets[0].agent.clone();
    floor.event("longer", Answered, Some(talks.as_str()));
    near(&expected(&floor), &[1.0 / 3.0, 2.0 / 3.0], 1e-12);
    set(&mut floor, &["d"], Paused);
    near(&expected(&floor), &[0.0, 1.0], 1e-12);
    set(&mut floor, &["a", "b", "c", "d"], Available);
    near(&expected(&floor), &[4.0 / 6.0, 2.0 / 6.0], 1e-12);
}

#[test]
fn nobody_is_owed_for_people_who_were_away() {
    let mut floor = floor(&FOUR_AND_TWO, heads());
    set(&mut floor, &["a", "b", "c"], PresenceState::OffDuty);
    for number in 0..30 {
        call(&mut floor, &format!("c{number}"));
    }
    set(&mut floor, &["a", "b", "c"], Available);
    let next: Vec<String> = (0..6).map(|number| call(&mut floor, &format!("d{number}"))).collect();
    let large = next.iter().filter(|agent| ["a", "b", "c", "d"].contains(&agent.as_str())).count();
    assert!((3..=5).contains(&large), "{next:?}");
}

#[test]
fn agents_beside_groups_count_once_and_people_of_groups_inside_groups_too() {
    let mixed: [GroupOf<'_>; 2] =
        [("sales", "heads", &[("solo", 1.0), ("team", 1.0)]), ("team", "even", &[("a", 1.0), ("b", 1.0), ("c", 1.0)])];
    near(&published(&floor(&mixed, heads())), &[0.25, 0.75], 1e-12);
    // B is in both halves of north, and one person.
    let nested: [GroupOf<'_>; 4] = [
        ("sales", "heads", &[("north", 1.0), ("solo", 1.0), ("shut", 0.0)]),
        ("north", "even", &[("east", 1.0), ("west", 1.0)]),
        ("east", "even", &[("a", 1.0), ("b", 1.0)]),
        ("west", "even", &[("b", 1.0), ("c", 1.0)]),
    ];
    let mut floor = floor(&nested, heads());
    near(&published(&floor), &[0.75, 0.25, 0.0], 1e-12);
    set(&mut floor, &["b"], Paused);
    near(&expected(&floor), &[2.0 / 3.0, 1.0 / 3.0, 0.0], 1e-12);
}

#[test]
fn the_comparison_stays_what_it_was() {
    let observed = Policy { rollout: Rollout { calls: FollowedCalls::None, experiment: None }, ..heads() };
    let mut floor = floor(&FOUR_AND_TWO, observed);
    set(&mut floor, &["a", "b"], Paused);
    near(&expected(&floor), &[4.0 / 6.0, 2.0 / 6.0], 1e-12);
}

/// What differs between the published shares and those of who was there is told as presence, not as the guard.
#[test]
fn the_explanation_calls_it_presence() {
    let mut floor = floor(&FOUR_AND_TWO, heads());
    set(&mut floor, &["a", "b"], Paused);
    for number in 0..10 {
        call(&mut floor, &format!("c{number}"));
    }
    let mut report = ShareReport::default();
    let calls: Vec<&CallState> = (0..10).filter_map(|number| floor.tally.call(&Floor::key(&format!("c{number}")))).collect();
    assert_eq!(calls.len(), 10);
    for part in calls.iter().flat_map(|call| call.parts(floor.now)).filter(|part| part.group.as_str() == "sales") {
        report.add(&part, CameBy::Credit, |_| 1.0);
    }
    let parts = &report.shares(|_| None)["large"];
    near(&[parts.base, parts.guard, parts.presence], &[4.0 / 6.0, 0.0, 0.5 - 4.0 / 6.0], 1e-12);
    near(&[parts.actual], &[0.5], 1e-12);
}

#[test]
fn the_board_before_any_scores_is_the_same() {
    let floor = floor(&FOUR_AND_TWO, heads());
    let board = ShareBoard::of_base(floor.tally.workspace());
    let targets = meritline::core::shares::target_share::targets(floor.tally.workspace(), floor.group, None);
    let targets: Vec<f64> = targets.members.iter().map(|member| member.target).collect();
    near(&board.group(floor.group).unwrap().published, &targets, 1e-12);
}
