//! Target shares: bounds, odd input, and what each mode makes of a group.

use super::*;
use meritline::core::ids::MemberId;
use meritline::core::shares::target_share::{bounded_shares, targets};

#[track_caller]
fn assert_shares(got: &[f64], expected: &[f64]) {
    assert_eq!(got.len(), expected.len());
    for (got, expected) in got.iter().zip(expected) {
        assert_near(*got, *expected, 1e-12);
    }
}

#[test]
fn nobody_leaves_the_bounds() {
    // Raw 5:1:1 would be 0.714, 0.143, 0.143; with bounds of half and twice the base of a third:
    assert_shares(&bounded_shares(&[1.0; 3], &[5.0, 1.0, 1.0], 1.0, 0.5, 2.0), &[2.0 / 3.0, 1.0 / 6.0, 1.0 / 6.0]);
    // Only one bound holds: 10:3:1 of a third each; the ceiling 1/2 leaves 1/2 to be split 3:1 within the floor 1/6.
    let shares = bounded_shares(&[1.0; 3], &[10.0, 3.0, 1.0], 1.0, 0.5, 1.5);
    assert_shares(&shares, &[1.0 / 2.0, 1.0 / 3.0, 1.0 / 6.0]);
    // Without effective bounds shares are proportional to base x value: 2x1 : 1x3 : 1x1.
    assert_shares(&bounded_shares(&[2.0, 1.0, 1.0], &[1.0, 3.0, 1.0], 1.0, 0.0, 100.0), &[1.0 / 3.0, 0.5, 1.0 / 6.0]);
}

#[test]
fn strength_bends_more_or_less() {
    let of_strength = |strength| bounded_shares(&[1.0, 1.0], &[3.0, 1.0], strength, 0.0, 10.0);
    assert_shares(&of_strength(0.0), &[0.5, 0.5]);
    assert_shares(&of_strength(1.0), &[0.75, 0.25]);
    assert_shares(&of_strength(2.0), &[0.9, 0.1]);
}

#[test]
fn shares_in_proportion_to_value_gain_the_squared_variation() {
    // Value per call over equal shares: sum(s V) / mean(V) - 1 = CV^2 for s ~ V. V = 0.7, 1.3: CV = 0.3, so 9 %.
    let values = [0.7, 1.3];
    let shares = bounded_shares(&[1.0, 1.0], &values, 1.0, 0.0, 10.0);
    let gain: f64 = shares.iter().zip(values).map(|(share, value)| share * value).sum::<f64>() / 1.0 - 1.0;
    assert_near(gain, 0.09, 1e-12);
}

#[test]
fn bounds_of_one_are_the_typed_shares() {
    assert_shares(&bounded_shares(&[3.0, 1.0], &[1.0, 9.0], 1.0, 1.0, 1.0), &[0.75, 0.25]);
    // Bounds that could not sum to 1 count as 1.
    assert_shares(&bounded_shares(&[3.0, 1.0], &[1.0, 9.0], 1.0, 1.5, 0.5), &[0.75, 0.25]);
}

#[test]
fn nobody_and_nothing() {
    assert_eq!(bounded_shares(&[], &[], 1.0, 0.5, 2.0), Vec::<f64>::new());
    assert_eq!(bounded_shares(&[0.0, 0.0], &[1.0, 2.0], 1.0, 0.5, 2.0), [0.0, 0.0]);
    assert_shares(&bounded_shares(&[0.0, 5.0], &[9.0, 1.0], 1.0, 0.5, 2.0), &[0.0, 1.0]);
}

#[test]
fn odd_numbers_do_no_harm() {
    let nan = f64::NAN;
    // Not a number, infinite or negative values count as 1, like missing ones.
    let ordinary = bounded_shares(&[1.0; 4], &[1.0, 1.0, 1.0, 2.0], 1.0, 0.5, 2.0);
    assert_shares(&bounded_shares(&[1.0; 4], &[nan, f64::INFINITY, -3.0, 2.0], 1.0, 0.5, 2.0), &ordinary);
    assert_shares(&bounded_shares(&[1.0; 2], &[], 1.0, 0.5, 2.0), &[0.5, 0.5]);
    assert_shares(&bounded_shares(&[1.0, nan, -1.0, f64::INFINITY, 1.0], &[1.0; 5], 1.0, 0.5, 2.0), &[0.5, 0.0, 0.0, 0.0, 0.5]);
    assert_shares(&bounded_shares(&[1.0; 2], &[3.0, 1.0], nan, nan, nan), &[0.75, 0.25]);
    // Powers that overflow or vanish: the large one up to the ceiling, the small one down to the floor.
    assert_shares(&bounded_shares(&[1.0; 2], &[1e300, 1e-300], 5.0, 0.5, 2.0), &[0.75, 0.25]);
    assert_shares(&bounded_shares(&[f64::MAX, f64::MAX], &[1.0, 1.0], 1.0, 0.5, 2.0), &[0.5, 0.5]);
    assert_shares(&bounded_shares(&[1.0; 2], &[3.0, 1.0], 1.0, f64::NEG_INFINITY, f64::INFINITY), &[0.75, 0.25]);
}

#[test]
fn value_zero_gets_the_floor_or_what_the_others_cannot_take() {
    assert_shares(&bounded_shares(&[1.0; 3], &[0.0, 1.0, 1.0], 1.0, 0.5, 2.0), &[1.0 / 6.0, 5.0 / 12.0, 5.0 / 12.0]);
    // The one with results may have twice its base of 0.2; the rest goes to the other.
    assert_shares(&bounded_shares(&[0.8, 0.2], &[0.0, 1.0], 1.0, 0.1, 2.0), &[0.6, 0.4]);
    assert_shares(&bounded_shares(&[1.0, 3.0], &[0.0, 0.0], 1.0, 0.5, 2.0), &[0.25, 0.75]);
}

fn group_of(mode: Mode, bases: &[f64]) -> Workspace {
    let agents: Vec<String> = (0..bases.len()).map(|at| format!("agent-{at}")).collect();
    let names: Vec<&str> = agents.iter().map(String::as_str).collect();
    let score = (mode == Mode::Performance).then(timeless);
    let mut parts = parts(&names, policy("by-results", mode, score));
    for (member, base) in parts.groups[0].members.iter_mut().zip(bases) {
        member.base = *base;
    }
    Workspace::build(parts).unwrap()
}

fn target_shares(workspace: &Workspace, table: Option<&ScoreTable>) -> Vec<f64> {
    targets(workspace, TEAM, table).members.iter().map(|member| member.target).collect()
}

#[test]
fn each_mode_has_its_targets() {
    assert_shares(&target_shares(&group_of(Mode::Percent, &[60.0, 40.0]), None), &[0.6, 0.4]);
    for mode in [Mode::EqualCalls, Mode::EqualTalkTime] {
        let equal = targets(&group_of(mode, &[60.0, 30.0, 10.0]), TEAM, None);
        assert!(equal.members.iter().all(|member| member.target == 1.0 / 3.0 && member.base == 1.0 / 3.0), "{equal:?}");
        assert_eq!((equal.scores_as_of, equal.smoothing_seconds), (None, 0));
    }
    let performance = targets(&group_of(Mode::Performance, &[3.0, 1.0]), TEAM, None);
    assert_shares(&[performance.members[0].target, performance.members[1].target], &[0.75, 0.25]);
    assert_eq!((performance.scores_as_of, performance.smoothing_seconds), (None, 14_400));
}

#[test]
fn performance_bends_the_typed_shares() {
    let workspace = group_of(Mode::Performance, &[1.0, 1.0, 0.0]);
    let bitrix = ConnectionId::from("bitrix");
    let deals = [record("agent-0", 100, 30), record("agent-1", 100, 10)].concat();
    let input = ScoreInput::of(&workspace, BY_RESULTS, now()).unwrap();
    let table = score::compute(&input, deals.iter().map(|deal| (&bitrix, deal)));
    let bent = targets(&workspace, TEAM, Some(&table));
    // Conversion 40/30 and 20/30: two thirds and one third.
    assert_shares(&target_shares(&workspace, Some(&table)), &[2.0 / 3.0, 1.0 / 3.0, 0.0]);
    assert_eq!(bent.scores_as_of, Some(now()));
    assert_eq!(bent.members[0].member, MemberId::from("agent-0"));
    // The table of another policy says nothing here.
    let foreign = ScoreTable { policy: "other".into(), ..table };
    assert_shares(&target_shares(&workspace, Some(&foreign)), &[0.5, 0.5, 0.0]);
}

#[test]
fn groups_share_like_people() {
    let mut parts = parts(&["anna", "boris"], policy("fixed", Mode::Percent, None));
    parts.groups[0].members.pop();
    parts.groups[0].members.push(MemberParts { who: MemberName::Group("kazan".into()), base: 3.0 });
    parts.groups.push(GroupParts {
        id: "kazan".into(),
        members: vec![MemberParts { who: MemberName::Agent("boris".into()), base: 1.0 }],
        policy: "fixed".into(),
        hours: None,
    });
    let workspace = Workspace::build(parts).unwrap();
    assert_shares(&target_shares(&workspace, None), &[0.25, 0.75]);
    let members: Vec<MemberId> = targets(&workspace, TEAM, None).members.into_iter().map(|member| member.member).collect();
    assert_eq!(members, [MemberId::from("anna"), MemberId::from("kazan")]);
}
