//! Offers not taken: what counts, what ends a row, when a pause begins and ends, and that it never empties a group.

use meritline::core::call::CallEventType::{self, Answered, Busy, Ended, Missed, Rejected, Unreachable};
use meritline::core::call::Direction;
use meritline::core::distribution::availability::PauseCause;
use meritline::core::distribution::rotation;
use meritline::core::policy::{Count, MissedOffers, Mode, Policy};
use meritline::core::record::PresenceState;
use meritline::core::workspace::AgentIx;
use proptest::prelude::*;

use super::{not_taken, paused_until, pausing, rung, seconds_after, set, team};
use crate::support::floor::{Floor, plain_policy, workspace};

fn answered(floor: &mut Floor, call: &str, agent: &str) {
    floor.decide(call);
    floor.event(call, Answered, Some(agent));
    floor.pass(60.0);
    floor.event(call, Ended, None);
    floor.pass(1.0);
}

#[test]
fn the_third_missed_call_in_a_row_pauses_for_a_quarter_of_an_hour() {
    let mut floor = team(2);
    not_taken(&mut floor, "c1", "a000", Missed);
    not_taken(&mut floor, "c2", "a000", Missed);
    assert!(rung(&floor).contains(&"a000".to_owned()), "two are no row of three");
    let third = not_taken(&mut floor, "c3", "a000", Missed);
    assert_eq!(rung(&floor), ["a001"]);
    assert_eq!(paused_until(&floor, 0), Some(seconds_after(third, 900)));
    let pause = rotation::pause_of(&floor.tally, AgentIx(0), floor.now).unwrap();
    let PauseCause::Misses(row) = pause.cause else { panic!("{pause:?}") };
    assert_eq!(row.to_string(), "3 missed calls in a row");
    // 10 s passed since the third was received.
    floor.pass(889.0);
    assert_eq!(rung(&floor), ["a001"]);
    floor.pass(1.0);
    assert_eq!(rung(&floor).len(), 2, "the pause is over");
}

#[test]
fn a_further_miss_after_the_pause_pauses_again() {
    let mut floor = team(2);
    for call in ["c1", "c2", "c3"] {
        not_taken(&mut floor, call, "a000", Missed);
    }
    floor.pass(3600.0);
    let fourth = not_taken(&mut floor, "c4", "a000", Missed);
    assert_eq!(paused_until(&floor, 0), Some(seconds_after(fourth, 900)));
}

#[test]
fn an_answered_offer_ends_the_row() {
    let mut floor = team(2);
    for (at, kind) in [Missed, Missed, Answered, Missed, Missed].into_iter().enumerate() {
        match kind {
            Answered => answered(&mut floor, "taken", "a000"),
            _ => drop(not_taken(&mut floor, &format!("c{at}"), "a000", kind)),
        }
    }
    assert_eq!(paused_until(&floor, 0), None);
    not_taken(&mut floor, "last", "a000", Missed);
    assert!(paused_until(&floor, 0).is_some());
}

/// The default rule: 3 missed, 3 rejected, 2 unreachable; busy phones pause nobody.
#[test]
fn each_kind_is_counted_by_itself() {
    let outcome = |kinds: &[CallEventType]| {
        let mut floor = team(2);
        for (at, kind) in kinds.iter().enumerate() {
            not_taken(&mut floor, &format!("c{at}"), "a000", *kind);
        }
        paused_until(&floor, 0).is_some()
    };
    assert!(!outcome(&[Missed, Rejected, Missed, Rejected, Unreachable]));
    assert!(outcome(&[Missed, Rejected, Missed, Rejected, Unreachable, Rejected]));
    assert!(outcome(&[Unreachable, Missed, Unreachable]));
    assert!(!outcome(&[Busy, Busy, Busy, Busy, Busy, Busy]));
}

#[test]
fn a_policy_says_how_many_of_each_kind_and_for_how_long() {
    let rule = MissedOffers { busy: Some(2), missed: None, pause_seconds: Some(60), ..MissedOffers::default() };
    let mut floor = Floor::of_shares(&[1.0, 1.0], Policy { missed_offers: rule, ..pausing("p") });
    for call in ["c1", "c2", "c3", "c4"] {
        not_taken(&mut floor, call, "a000", Missed);
    }
    assert_eq!(paused_until(&floor, 0), None, "missed calls are off");
    not_taken(&mut floor, "c5", "a000", Busy);
    let last = not_taken(&mut floor, "c6", "a000", Busy);
    assert_eq!(paused_until(&floor, 0), Some(seconds_after(last, 60)));
}

#[test]
fn one_call_counts_once() {
    let mut floor = team(2);
    floor.decide("c1");
    for _ in 0..4 {
        floor.pass(20.0);
        floor.event("c1", Missed, Some("a000"));
    }
    not_taken(&mut floor, "c2", "a000", Missed);
    assert_eq!(paused_until(&floor, 0), None, "two calls, however often they rang");
}

/// An agent with two phones: one is out of reach, the other is picked up.
#[test]
fn a_call_that_was_answered_was_not_missed() {
    let mut floor = team(2);
    for call in ["c1", "c2", "c3"] {
        floor.decide(call);
        floor.event(call, Answered, Some("a000"));
        floor.event(call, Unreachable, Some("a000"));
        floor.pass(30.0);
        floor.event(call, Ended, None);
    }
    assert_eq!(paused_until(&floor, 0), None);
}

#[test]
fn calls_that_we_did_not_offer_do_not_count() {
    let mut floor = team(2);
    for call in ["own-1", "own-2", "own-3"] {
        floor.event(call, Missed, Some("a000"));
    }
    assert_eq!(paused_until(&floor, 0), None, "calls nobody asked us about");
    for call in ["c1", "c2", "c3"] {
        floor.decide(call);
        let mut received = floor.make_event(call, Missed, Some("a000"));
        received.event.direction = Direction::Out;
        floor.tally.add_event(&received);
    }
    assert_eq!(paused_until(&floor, 0), None, "calls that the agent made");
}

#[test]
fn a_presence_set_by_hand_ends_the_row_and_the_pause() {
    let mut floor = team(2);
    for call in ["c1", "c2", "c3"] {
        not_taken(&mut floor, call, "a000", Missed);
    }
    assert!(paused_until(&floor, 0).is_some());
    set(&mut floor, "a000", PresenceState::Available);
    assert_eq!(rung(&floor).len(), 2);
    floor.pass(1.0);
    for call in ["c4", "c5"] {
        not_taken(&mut floor, call, "a000", Missed);
    }
    assert_eq!(paused_until(&floor, 0), None, "a new row of two");
}

/// `until_back` ends by itself only when the shift is over: twelve hours after the last miss.
#[test]
fn a_pause_until_back_lasts_until_a_presence_is_set_or_the_shift_is_over() {
    let rule = MissedOffers { pause_seconds: None, ..MissedOffers::default() };
    let mut floor = Floor::of_shares(&[1.0, 1.0], Policy { missed_offers: rule, ..pausing("p") });
    for call in ["c1", "c2", "c3"] {
        not_taken(&mut floor, call, "a000", Missed);
    }
    floor.pass(12.0 * 3600.0 - 11.0);
    assert_eq!(rung(&floor), ["a001"]);
    floor.pass(1.0);
    assert_eq!(rung(&floor).len(), 2);
}

#[test]
fn misses_of_an_earlier_shift_are_not_in_the_row() {
    let mut floor = team(2);
    not_taken(&mut floor, "c1", "a000", Missed);
    floor.pass(8.0 * 3600.0);
    not_taken(&mut floor, "c2", "a000", Missed);
    not_taken(&mut floor, "c3", "a000", Missed);
    assert_eq!(paused_until(&floor, 0), None, "the first is more than eight hours before the last");
}

#[test]
fn a_row_outlives_its_calls_and_a_late_repeat_does_not_lengthen_it() {
    let mut floor = team(2);
    let first = floor.decide("c1");
    let missed = floor.event("c1", Missed, Some("a000"));
    floor.event("c1", Ended, None);
    not_taken(&mut floor, "c2", "a000", Missed);
    floor.pass(600.0);
    let gone = floor.tally.forget(floor.now);
    assert_eq!((gone.len(), floor.tally.calls_at_hand()), (2, 0), "the case this test is about");
    // As the store brings a call back for a late event.
    floor.tally.restore(&Floor::key("c1"), &[first], &[missed], floor.now);
    assert_eq!(paused_until(&floor, 0), None);
    let third = not_taken(&mut floor, "c3", "a000", Missed);
    assert_eq!(paused_until(&floor, 0), Some(seconds_after(third, 900)), "the first two still stand in the row");
}

/// While all who are left are due a pause, nobody is paused; once one of them answers, the others are.
#[test]
fn automatic_pauses_never_empty_a_group() {
    let mut floor = team(3);
    set(&mut floor, "a002", PresenceState::OffDuty);
    floor.pass(1.0);
    for agent in ["a000", "a001"] {
        for call in 0..3 {
            not_taken(&mut floor, &format!("{agent}-{call}"), agent, Missed);
        }
    }
    let mut both = rung(&floor);
    both.sort_unstable();
    assert_eq!(both, ["a000", "a001"]);
    assert_eq!((paused_until(&floor, 0), paused_until(&floor, 1)), (None, None));
    answered(&mut floor, "taken", "a001");
    assert_eq!(rung(&floor), ["a001"]);
    assert!(paused_until(&floor, 0).is_some());
}

/// Anna is in two groups, of which only one pauses: she goes on there with the other's calls.
#[test]
fn each_group_pauses_by_its_own_policy() {
    let never = plain_policy("never", Mode::Percent, Count::Answered);
    let groups = [("strict", "p", &[("anna", 1.0), ("boris", 1.0)][..]), ("lax", "never", &[("anna", 1.0), ("clara", 1.0)][..])];
    let mut floor = Floor::new(workspace(&groups, vec![pausing("p"), never]));
    for call in ["c1", "c2", "c3"] {
        not_taken(&mut floor, call, "anna", Missed);
    }
    assert_eq!(rung(&floor), ["boris"], "the route's group is `strict`");
    assert_eq!(paused_until(&floor, 0), None, "not kept from all calls");
}

/// In a group of groups a pause leaves the agent's own group, and credit grows for the others only.
#[test]
fn a_paused_agent_gets_no_expected_share() {
    let groups = [
        ("sales", "p", &[("east", 1.0), ("west", 1.0)][..]),
        ("east", "p", &[("anna", 1.0), ("boris", 1.0)][..]),
        ("west", "p", &[("clara", 1.0)][..]),
    ];
    let mut floor = Floor::new(workspace(&groups, vec![pausing("p")]));
    for call in ["c1", "c2", "c3"] {
        not_taken(&mut floor, call, "anna", Missed);
    }
    let record = floor.decide("next");
    let shown = |group: &str| &record.groups.iter().find(|view| view.group.as_str() == group).unwrap().lambda.values;
    assert_eq!(**shown("sales"), [0.5, 0.5], "both teams stay in the rotation");
    let all: Vec<&str> = record.decision.targets.iter().map(|target| target.agent.as_str()).collect();
    assert!(all.contains(&"boris") && all.contains(&"clara") && !all.contains(&"anna"), "{all:?}");
    assert_eq!(**shown("east"), [0.0, 1.0]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// The refund trap: who did not pick up is owed most and would be rung first again.
    #[test]
    fn a_call_rings_nobody_twice_before_all_others(
        shares in prop::collection::vec(1u32..20, 2..7),
        talking in prop::collection::vec(any::<bool>(), 7),
        kinds in prop::collection::vec(0usize..4, 7),
    ) {
        let shares: Vec<f64> = shares.iter().map(|share| f64::from(*share)).collect();
        let mut policy = plain_policy("p", Mode::Percent, Count::Answered);
        policy.dialling.busy_stage = true;
        policy.dialling.targets_max = shares.len();
        let mut floor = Floor::of_shares(&shares, policy);
        for (at, _) in talking.iter().enumerate().take(shares.len()).filter(|(_, talks)| **talks) {
            floor.event(&format!("own-{at}"), Answered, Some(&format!("a{at:03}")));
        }
        let mut rung = Vec::new();
        for attempt in 0..shares.len() {
            let record = floor.decide("c1");
            let listed: Vec<String> = record.decision.targets.iter().map(|target| target.agent.to_string()).collect();
            prop_assert_eq!(listed.len(), shares.len(), "everybody is listed, those who were rung last");
            let (new, again) = listed.split_at(shares.len() - rung.len());
            prop_assert!(new.iter().all(|agent| !rung.contains(agent)), "{listed:?} after {rung:?}");
            prop_assert!(again.iter().all(|agent| rung.contains(agent)), "{listed:?} after {rung:?}");
            let kind = [Missed, Rejected, Busy, Unreachable][kinds[attempt]];
            floor.pass(20.0);
            floor.event("c1", kind, Some(&listed[0]));
            rung.push(listed[0].clone());
        }
        rung.sort_unstable();
        rung.dedup();
        prop_assert_eq!(rung.len(), shares.len());
    }
}
