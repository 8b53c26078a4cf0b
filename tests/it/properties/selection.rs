//! The selection rule held to worked examples: who is next, what is owed after each kind of end and after a change of shares.

use std::sync::Arc;

use meritline::core::call::CallEventType;
use meritline::core::policy::{Count, Mode};
use meritline::core::record::Feed;
use meritline::core::workspace::GroupIx;

use crate::support::floor::{self, Floor, plain_policy};

const TEAM: GroupIx = GroupIx(0);

#[track_caller]
fn near(got: &[f64], expected: &[f64]) {
    floor::near(got, expected, 1e-6);
}

/// Everybody free, nothing told: the first target counts as received.
fn silent(shares: &[f64]) -> Floor {
    let mut floor = Floor::of_shares(shares, plain_policy("p", Mode::Percent, Count::Offered));
    floor.feed = Feed::Silent { hold_seconds: 0 };
    floor
}

fn next(floor: &mut Floor, call: &str) -> usize {
    floor.decide(call).paths[0][0].member as usize
}

/// Known from smooth weighted round robin: weights 5 : 1 : 1 give a a b a c a a.
#[test]
fn five_one_one_is_dealt_smoothly() {
    let mut floor = silent(&[5.0, 1.0, 1.0]);
    let dealt: Vec<usize> = (0..14).map(|call| next(&mut floor, &format!("c{call}"))).collect();
    assert_eq!(dealt, [0, 0, 1, 0, 2, 0, 0, 0, 0, 1, 0, 2, 0, 0]);
}

/// By hand, shares 1/2 and 1/2: a takes a call (a -0.5, b +0.5); nobody answers it: as if it had never been.
#[test]
fn a_call_that_nobody_answers_leaves_no_trace_where_answered_calls_count() {
    let mut floor = Floor::of_shares(&[1.0, 1.0], plain_policy("p", Mode::Percent, Count::Answered));
    floor.decide("c1");
    near(&floor.owed(TEAM), &[-0.5, 0.5]);
    floor.event("c1", CallEventType::Missed, Some("a000"));
    floor.event("c1", CallEventType::Ended, None);
    near(&floor.owed(TEAM), &[0.0, 0.0]);
}

/// λ grows once per call: a missed the call, b answered it. Shares 3/4 and 1/4: owed 0.75 and 0.25 - 1.
#[test]
fn who_answers_is_charged_and_the_expected_share_grows_once() {
    let mut floor = Floor::of_shares(&[3.0, 1.0], plain_policy("p", Mode::Percent, Count::Answered));
    floor.decide("c1");
    floor.event("c1", CallEventType::Missed, Some("a000"));
    let second = floor.decide("c1");
    assert_eq!(second.decision.targets[0].agent.as_str(), "a001");
    floor.event("c1", CallEventType::Answered, Some("a001"));
    near(&floor.owed(TEAM), &[0.75, -0.75]);
}

/// Where offers count, each counted ring is charged and grows λ: two rings, one for each of two equals.
#[test]
fn every_ring_counts_where_offered_calls_count() {
    let mut floor = Floor::of_shares(&[1.0, 1.0], plain_policy("p", Mode::Percent, Count::Offered));
    floor.decide("c1");
    floor.event("c1", CallEventType::Offered, Some("a000"));
    floor.event("c1", CallEventType::Missed, Some("a000"));
    near(&floor.owed(TEAM), &[-0.5, 0.5]);
    floor.decide("c1");
    floor.event("c1", CallEventType::Offered, Some("a001"));
    floor.event("c1", CallEventType::Missed, Some("a001"));
    floor.event("c1", CallEventType::Ended, None);
    near(&floor.owed(TEAM), &[0.0, 0.0]);
}

/// Somebody who should get half of the calls and is on one long call is owed about four calls, never a day's worth. By hand: the
/// cap of 4 and the re-centring after it settle where x = 4 - (4 - x - 1/2) / 3, at 4.25.
#[test]
fn debts_are_capped() {
    let mut floor = Floor::of_shares(&[50.0, 25.0, 25.0], plain_policy("p", Mode::Percent, Count::Answered));
    floor.decide("long");
    floor.event("long", CallEventType::Answered, Some("a000"));
    for call in 0..200 {
        let name = format!("c{call}");
        let agent = floor.decide(&name).decision.targets[0].agent.to_string();
        floor.event(&name, CallEventType::Answered, Some(&agent));
        floor.pass(1.0);
        floor.event(&name, CallEventType::Ended, None);
        let owed = floor.owed(TEAM);
        assert!(owed.iter().all(|owed| owed.abs() <= 4.25 + 1e-6), "{owed:?}");
    }
    assert!(floor.owed(TEAM)[0] > 3.9, "{:?}", floor.owed(TEAM));
}

/// In seconds, mean talk 180, shares 1/2: at the pick a +90 - 180, b +90. The call lasts 300: a 150 - 300, b 150.
#[test]
fn talk_time_is_corrected_at_the_end_of_a_call() {
    let mut floor = Floor::of_shares(&[1.0, 1.0], plain_policy("p", Mode::EqualTalkTime, Count::Answered));
    floor.decide("c1");
    near(&floor.owed(TEAM), &[-90.0, 90.0]);
    floor.event("c1", CallEventType::Answered, Some("a000"));
    floor.pass(300.0);
    floor.event("c1", CallEventType::Ended, Some("a000"));
    floor.event("c1", CallEventType::Ended, None);
    let owed = floor.owed(TEAM);
    // The fade of five minutes in a period of 24 h is a third of a percent.
    assert!((owed[0] + 150.0).abs() < 1.0 && (owed[1] - 150.0).abs() < 1.0, "{owed:?}");
}

/// From 1/8 to 4/11 at once, whoever of the eight it is: at most 6 of 11 calls in a row go to that one, and 60 calls come to
/// about the new share. Why 6: what somebody got in 11 calls is 4 plus the change of how far ahead she is, and nobody is
/// ever more than 7/8 ahead nor more than 1/2 + ... + 1/8 = 1.718 behind, whatever the shares were before: 6.59 at most.
/// (Counting in a window gives all 11 to one person, and 57 % of the next 60.)
#[test]
fn a_raised_share_is_reached_without_a_burst() {
    for raised in 0..8 {
        let mut floor = silent(&[1.0; 8]);
        for call in 0..203 {
            floor.pass(90.0);
            next(&mut floor, &format!("before{call}"));
        }
        let mut shares = [1.0; 8];
        shares[raised] = 4.0;
        let after = Floor::of_shares(&shares, plain_policy("p", Mode::Percent, Count::Offered));
        floor.tally.bind(Arc::clone(after.tally.workspace()));
        floor.shares = after.shares;
        let dealt: Vec<usize> = (0..60)
            .map(|call| {
                floor.pass(90.0);
                next(&mut floor, &format!("after{call}"))
            })
            .collect();
        let hers = |calls: &[usize]| calls.iter().filter(|member| **member == raised).count();
        let most = dealt.windows(11).map(hers).max().unwrap();
        assert!(most <= 6, "{most} of 11");
        let share = hers(&dealt) as f64 / 60.0;
        assert!((share - 4.0 / 11.0).abs() <= 0.03, "{share}");
    }
}

/// A restart, a replica and a replay let go of old calls at other instants than the running service: what everybody is owed must not
/// depend on it. Calls for ten periods of an hour; let go of after every call, and never.
#[test]
fn what_is_owed_does_not_depend_on_when_old_calls_are_let_go() {
    let floor = || {
        let mut policy = plain_policy("p", Mode::Percent, Count::Answered);
        policy.period_seconds = 3600;
        Floor::of_shares(&[5.0, 3.0, 2.0, 2.0], policy)
    };
    let (mut tidy, mut lazy) = (floor(), floor());
    for call in 0..600 {
        for floor in [&mut tidy, &mut lazy] {
            let name = format!("c{call}");
            let agent = floor.decide(&name).decision.targets[0].agent.to_string();
            floor.event(&name, CallEventType::Answered, Some(&agent));
            floor.pass(30.0);
            floor.event(&name, CallEventType::Ended, None);
            floor.pass(30.0);
        }
        tidy.tally.forget(tidy.now);
        floor::near(&tidy.owed(TEAM), &lazy.owed(TEAM), 1e-9);
    }
}
