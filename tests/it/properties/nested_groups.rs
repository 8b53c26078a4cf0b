//! Groups of groups: one choice among offices, one inside the office, each with a book of its own. All figures by hand.

use meritline::core::call::CallEventType;
use meritline::core::decision::Stage;
use meritline::core::policy::{Count, Mode};
use meritline::core::record::{DecisionRecord, PresenceState};

use crate::support::floor::{Floor, GroupOf, listed, near, plain_policy, workspace};

const OFFICES: [GroupOf<'static>; 3] = [
    ("sales", "p", &[("moscow", 60.0), ("kazan", 40.0)]),
    ("moscow", "p", &[("anna", 2.0), ("boris", 1.0)]),
    ("kazan", "p", &[("clara", 1.0)]),
];

fn floor(groups: &[GroupOf<'_>]) -> Floor {
    let mut policy = plain_policy("p", Mode::Percent, Count::Answered);
    policy.dialling.busy_stage = true;
    Floor::new(workspace(groups, vec![policy]))
}

#[track_caller]
fn owed(floor: &Floor, group: &str, expected: &[f64]) {
    near(&floor.owed(floor.group_ix(group)), expected, 1e-6);
}

fn agents(record: &DecisionRecord) -> Vec<&str> {
    listed(record).into_iter().map(|(agent, _)| agent).collect()
}

/// Decides a call that the first target answers and that ends at once.
fn deal(floor: &mut Floor, call: &str) -> String {
    let record = floor.decide(call);
    let agent = record.decision.targets[0].agent.to_string();
    floor.event(call, CallEventType::Answered, Some(&agent));
    floor.event(call, CallEventType::Ended, None);
    agent
}

/// Moscow is due 0.6 calls and Kazan 0.4; in Moscow Anna 2/3 and Boris 1/3. With Anna listed Moscow is still due most, and
/// has Boris.
#[test]
fn a_target_carries_its_path_and_the_product_of_shares() {
    let mut floor = floor(&OFFICES);
    let record = floor.decide("c1");
    assert_eq!(agents(&record), ["anna", "boris", "clara"]);
    let targets = &record.decision.targets;
    let paths: Vec<Vec<&str>> = targets.iter().map(|target| target.groups.iter().map(|group| group.as_str()).collect()).collect();
    assert_eq!(paths, [["sales", "moscow"], ["sales", "moscow"], ["sales", "kazan"]]);
    let shares: Vec<f64> = targets.iter().map(|target| target.share).collect();
    near(&shares, &[0.6 * 2.0 / 3.0, 0.6 / 3.0, 0.4], 1e-12);
}

/// `share` says what somebody should get of all calls, not of this one: it does not grow while others are away.
#[test]
fn shares_do_not_follow_who_is_on_duty() {
    let mut floor = floor(&OFFICES);
    floor.set_presence("boris", PresenceState::OffDuty);
    floor.set_presence("clara", PresenceState::OffDuty);
    near(&[floor.decide("c1").decision.targets[0].share], &[0.6 * 2.0 / 3.0], 1e-12);
}

/// Sales: Moscow 0.6 - 1, Kazan 0.4. Moscow: Anna 2/3 - 1, Boris 1/3. Kazan was not on the way.
#[test]
fn every_group_on_the_way_is_charged() {
    let mut floor = floor(&OFFICES);
    deal(&mut floor, "c1");
    owed(&floor, "sales", &[-0.4, 0.4]);
    owed(&floor, "moscow", &[-1.0 / 3.0, 1.0 / 3.0]);
    owed(&floor, "kazan", &[0.0]);
}

/// Among offices, before the pick: .6 .4 | .2 .8 | .8 .2 | .4 .6 | 1 0: Moscow, Kazan, Moscow, Kazan, Moscow, and all are even.
/// In Moscow, at its three calls: 2/3 1/3 | 1/3 2/3 | 1 0: Anna, Boris, Anna.
#[test]
fn five_calls_are_dealt_sixty_to_forty() {
    let mut floor = floor(&OFFICES);
    let dealt: Vec<String> = (0..5).map(|call| deal(&mut floor, &format!("c{call}"))).collect();
    assert_eq!(dealt, ["anna", "clara", "boris", "clara", "anna"]);
    owed(&floor, "sales", &[0.0, 0.0]);
    owed(&floor, "moscow", &[0.0, 0.0]);
}

/// Kazan's only agent talks: Kazan stays in the rotation and is owed its 0.4, though Moscow gets the call.
#[test]
fn an_office_whose_people_all_talk_loses_nothing() {
    let mut floor = floor(&OFFICES);
    floor.event("own", CallEventType::Answered, Some("clara"));
    let first = floor.decide("c1");
    assert_eq!(listed(&first), [("anna", Stage::Free), ("boris", Stage::Free), ("clara", Stage::Busy)]);
    owed(&floor, "sales", &[-0.4, 0.4]);
}

/// Nobody of Kazan is on duty: no share of the call is due to it.
#[test]
fn an_office_without_anybody_on_duty_is_owed_nothing() {
    let mut floor = floor(&OFFICES);
    floor.set_presence("clara", PresenceState::OffDuty);
    assert_eq!(agents(&floor.decide("c1")), ["anna", "boris"]);
    owed(&floor, "sales", &[0.0, 0.0]);
    owed(&floor, "moscow", &[-1.0 / 3.0, 1.0 / 3.0]);
}

/// A call of Moscow's own route moves Moscow's book, and not that of the group above.
#[test]
fn a_book_belongs_to_its_group_whichever_way_a_call_came() {
    let mut floor = floor(&OFFICES);
    floor.group = floor.group_ix("moscow");
    assert_eq!(deal(&mut floor, "c1"), "anna");
    owed(&floor, "sales", &[0.0, 0.0]);
    owed(&floor, "moscow", &[-1.0 / 3.0, 1.0 / 3.0]);
    // Boris is due 1/3 + 1/3 now, Anna -1/3 + 2/3: what the other route gave counts here.
    floor.group = floor.group_ix("sales");
    assert_eq!(deal(&mut floor, "c2"), "boris");
}

const SHARED: [GroupOf<'static>; 2] =
    [("north", "p", &[("anna", 1.0), ("boris", 1.0)]), ("south", "p", &[("anna", 1.0), ("clara", 1.0)])];

/// Anna talks in a call of the north; for the south she is as busy. Each group charges its own call.
#[test]
fn an_agent_of_two_groups_is_one_person_and_charged_where_the_call_came_through() {
    let mut floor = floor(&SHARED);
    let first = floor.decide("c1");
    assert_eq!(agents(&first), ["anna", "boris"]);
    floor.event("c1", CallEventType::Answered, Some("anna"));
    owed(&floor, "north", &[-0.5, 0.5]);
    owed(&floor, "south", &[0.0, 0.0]);

    floor.group = floor.group_ix("south");
    let second = floor.decide("c2");
    assert_eq!(listed(&second), [("clara", Stage::Free), ("anna", Stage::Busy)]);
    floor.event("c2", CallEventType::Answered, Some("clara"));
    owed(&floor, "north", &[-0.5, 0.5]);
    owed(&floor, "south", &[0.5, -0.5]);
}

/// Both offices have Anna: she is listed once, along the way the choice took.
#[test]
fn an_agent_of_two_offices_appears_once() {
    let groups: [GroupOf<'_>; 3] = [
        ("sales", "p", &[("north", 1.0), ("south", 1.0)]),
        ("north", "p", &[("anna", 2.0), ("boris", 1.0)]),
        ("south", "p", &[("anna", 2.0), ("clara", 1.0)]),
    ];
    let mut floor = floor(&groups);
    let record = floor.decide("c1");
    // Equals: north by its id. There Anna, then Boris; then nobody of the north is left.
    assert_eq!(agents(&record), ["anna", "boris", "clara"]);
    floor.event("c1", CallEventType::Answered, Some("anna"));
    owed(&floor, "sales", &[-0.5, 0.5]);
    owed(&floor, "north", &[-1.0 / 3.0, 1.0 / 3.0]);
    owed(&floor, "south", &[0.0, 0.0]);
}
