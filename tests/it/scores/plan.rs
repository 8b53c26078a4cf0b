//! Published shares over time.

use super::*;
use meritline::core::ids::MemberId;
use meritline::core::shares::share_plan::{STALE_AFTER_SECONDS, SharePlan};
use meritline::core::shares::target_share::{MemberTarget, ShareTargets};

const SMOOTHING: u64 = 4 * 3600;

fn after_hours(hours: i64) -> Timestamp {
    now() + SignedDuration::from_hours(hours)
}

fn member(id: &str) -> MemberId {
    MemberId::from(id)
}

/// `(member, base, target)`, with scores of `as_of`.
fn targets(members: &[(&str, f64, f64)], as_of: Option<Timestamp>) -> ShareTargets {
    let members =
        members.iter().map(|(id, base, target)| MemberTarget { member: member(id), base: *base, target: *target }).collect();
    ShareTargets { members, smoothing_seconds: SMOOTHING, scores_as_of: as_of }
}

fn two(share_of_a: f64, as_of: Timestamp) -> ShareTargets {
    targets(&[("a", 0.5, share_of_a), ("b", 0.5, 1.0 - share_of_a)], Some(as_of))
}

fn share(plan: &SharePlan, id: &str, at: Timestamp) -> f64 {
    plan.published_of(&member(id), at).unwrap()
}

#[test]
fn the_first_table_publishes_at_once() {
    let plan = SharePlan::follow(None, &two(0.2, now()), now(), true);
    assert_eq!(plan.published(now()), [0.2, 0.8]);
    // Before it there may have been a plan without any scores.
    let unscored = SharePlan::follow(None, &targets(&[("a", 0.5, 0.5), ("b", 0.5, 0.5)], None), now(), true);
    let plan = SharePlan::follow(Some(&unscored), &two(0.2, after_hours(1)), after_hours(1), true);
    assert_eq!(plan.published(after_hours(1)), [0.2, 0.8]);
}

#[test]
fn changed_scores_are_followed_smoothly() {
    let old = SharePlan::follow(None, &two(0.2, now()), now(), true);
    let plan = SharePlan::follow(Some(&old), &two(0.4, now()), now(), true);
    assert_near(share(&plan, "a", now()), 0.2, 1e-15);
    assert_near(share(&plan, "a", after_hours(1)), 0.231821, 5e-7);
    assert_near(share(&plan, "a", after_hours(4)), 0.3, 1e-12);
    assert_near(share(&plan, "a", after_hours(8)), 0.35, 1e-12);
    assert_near(plan.published(after_hours(3)).iter().sum(), 1.0, 1e-12);
    // A clock that steps back moves nothing.
    assert_near(share(&plan, "a", after_hours(-5)), 0.2, 1e-15);
}

#[test]
fn refreshing_on_the_way_does_not_change_the_pace() {
    let old = SharePlan::follow(None, &two(0.2, now()), now(), true);
    let straight = SharePlan::follow(Some(&old), &two(0.4, now()), now(), true);
    let mut plan = straight.clone();
    for minute in (5..=180).step_by(5) {
        let at = now() + SignedDuration::from_mins(minute);
        plan = SharePlan::follow(Some(&plan), &two(0.4, at), at, true);
    }
    assert_near(share(&plan, "a", after_hours(3)), share(&straight, "a", after_hours(3)), 1e-12);
}

/// An hour after the scores of a changed, a lead's correction raises it by another 0.2, and a newcomer's day of ramp-up moves the bases.
#[test]
fn what_is_set_by_hand_holds_at_once_and_scores_are_still_followed_smoothly() {
    let old = SharePlan::follow(None, &two(0.2, now()), now(), true);
    let plan = SharePlan::follow(Some(&old), &two(0.4, now()), now(), true);
    let later = after_hours(1);
    let with = targets(&[("a", 0.4, 0.6), ("b", 0.6, 0.4)], Some(now()));
    let by_hand = plan.set_by_hand(&two(0.4, now()), &with, later).unwrap();
    assert_near(share(&by_hand, "a", later), 0.231821 + 0.2, 5e-7);
    assert_near(share(&by_hand, "b", later), 1.0 - 0.231821 - 0.2, 5e-7);
    // Of 0.168179 half is left after another four hours, whether or not the scores are looked at again.
    let on = SharePlan::follow(Some(&by_hand), &with, later, true);
    for plan in [&by_hand, &on] {
        assert_near(share(plan, "a", after_hours(5)), 0.6 - 0.168179 / 2.0, 5e-7);
    }
    // Nobody falls below 0: a would be 0.1 - 0.168179.
    let low = plan.set_by_hand(&two(0.4, now()), &two(0.1, now()), later).unwrap();
    assert_near(share(&low, "a", later), 0.0, 1e-12);
    assert_near(share(&low, "b", later), 1.0, 1e-12);
    // Typed bases are another matter, and so are stale scores.
    assert_eq!(plan.set_by_hand(&targets(&[("a", 0.3, 0.4), ("b", 0.7, 0.6)], Some(now())), &with, later), None);
    assert_eq!(plan.set_by_hand(&two(0.4, now()), &with, after_hours(30)), None);
}

#[test]
fn smoothing_zero_follows_at_once() {
    let at_once = |share| ShareTargets { smoothing_seconds: 0, ..two(share, now()) };
    let old = SharePlan::follow(None, &at_once(0.2), now(), true);
    let plan = SharePlan::follow(Some(&old), &at_once(0.4), now(), true);
    assert_eq!(plan.published(now()), [0.4, 0.6]);
    // Also when scores grow stale.
    assert_near(share(&plan, "a", after_hours(24)), 0.4, 0.0);
    assert_near(share(&plan, "a", after_hours(25)), 0.5, 0.0);
}

#[test]
fn base_members_and_policy_publish_at_once() {
    let old = SharePlan::follow(None, &two(0.2, now()), now(), true);
    let new_base = targets(&[("a", 0.6, 0.3), ("b", 0.4, 0.7)], Some(now()));
    assert_eq!(SharePlan::follow(Some(&old), &new_base, now(), true).published(now()), [0.3, 0.7]);
    let third = 1.0 / 3.0;
    let new_member = targets(&[("a", third, 0.3), ("b", third, 0.3), ("c", third, 0.4)], Some(now()));
    assert_eq!(SharePlan::follow(Some(&old), &new_member, now(), true).published(now()), [0.3, 0.3, 0.4]);
    let replaced = targets(&[("a", 0.5, 0.3), ("c", 0.5, 0.7)], Some(now()));
    assert_eq!(SharePlan::follow(Some(&old), &replaced, now(), true).published(now()), [0.3, 0.7]);
    let new_policy = SharePlan::follow(Some(&old), &two(0.4, now()), now(), false);
    assert_eq!(new_policy.published(now()), [0.4, 0.6]);
    let new_smoothing = ShareTargets { smoothing_seconds: 60, ..two(0.4, now()) };
    assert_eq!(SharePlan::follow(Some(&old), &new_smoothing, now(), true).published(now()), [0.4, 0.6]);
}

#[test]
fn a_new_order_of_members_changes_nothing() {
    let old = SharePlan::follow(None, &two(0.2, now()), now(), true);
    let turned = targets(&[("b", 0.5, 0.6), ("a", 0.5, 0.4)], Some(now()));
    let plan = SharePlan::follow(Some(&old), &turned, now(), true);
    assert_eq!(plan.published(now()), [0.8, 0.2]);
    assert_near(share(&plan, "a", after_hours(4)), 0.3, 1e-12);
    assert_eq!(plan.published_of(&member("c"), now()), None);
}

#[test]
fn stale_scores_drift_to_base_from_that_moment() {
    assert_eq!(STALE_AFTER_SECONDS, 86_400);
    let plan = SharePlan::follow(None, &two(0.2, now()), now(), true);
    assert_near(share(&plan, "a", after_hours(24)), 0.2, 1e-15);
    assert!(!plan.is_stale(after_hours(24)) && plan.is_stale(after_hours(25)));
    // 4 hours, 8 hours after: half and three quarters of the way from 0.2 to 0.5.
    assert_near(share(&plan, "a", after_hours(28)), 0.35, 1e-12);
    assert_near(share(&plan, "a", after_hours(32)), 0.425, 1e-12);
    assert_near(plan.published(after_hours(30)).iter().sum(), 1.0, 1e-12);
    assert_near(share(&plan, "a", after_hours(24 * 30)), 0.5, 1e-12);
}

#[test]
fn a_way_that_is_cut_short_turns_where_it_is() {
    let old = SharePlan::follow(None, &two(0.2, now()), now(), true);
    // Scores of 20 hours ago: 4 hours of the way to 0.4 are left, which is half of it: 0.3. Then to base 0.5.
    let plan = SharePlan::follow(Some(&old), &two(0.4, after_hours(-20)), now(), true);
    assert_near(share(&plan, "a", after_hours(4)), 0.3, 1e-12);
    assert_near(share(&plan, "a", after_hours(8)), 0.4, 1e-12);
}

#[test]
fn a_stale_table_raises_nobody_above_base_and_the_last_published_share() {
    let old = SharePlan::follow(None, &two(0.7, after_hours(-30)), after_hours(-30), true);
    let last = share(&old, "a", now());
    assert_near(last, 0.5 + 0.2 * 2f64.powf(-6.0 / 4.0), 1e-12);
    // The table is read again after a restart, still stale, and says 0.9.
    let plan = SharePlan::follow(Some(&old), &two(0.9, after_hours(-30)), now(), true);
    for hours in 0..48 {
        let (a, b) = (share(&plan, "a", after_hours(hours)), share(&plan, "b", after_hours(hours)));
        assert!(a <= last + 1e-12 && b <= 0.5 + 1e-12, "after {hours} h: {a} {b}");
        assert_near(a, share(&old, "a", after_hours(hours)), 1e-12);
    }
    // Nothing was published before, or the base was typed anew: stale scores have no say.
    let first = SharePlan::follow(None, &two(0.9, after_hours(-30)), now(), true);
    assert_eq!(first.published(now()), [0.5, 0.5]);
    let typed = targets(&[("a", 0.6, 0.9), ("b", 0.4, 0.1)], Some(after_hours(-30)));
    assert_eq!(SharePlan::follow(Some(&old), &typed, now(), true).published(now()), [0.6, 0.4]);
}

#[test]
fn scores_that_come_back_are_followed_from_where_the_drift_has_come() {
    let plan = SharePlan::follow(None, &two(0.2, now()), now(), true);
    let back = SharePlan::follow(Some(&plan), &two(0.2, after_hours(28)), after_hours(28), true);
    assert_near(share(&back, "a", after_hours(28)), 0.35, 1e-12);
    assert_near(share(&back, "a", after_hours(32)), 0.275, 1e-12);
}

#[test]
fn shares_without_scores_never_grow_stale() {
    let plan = SharePlan::follow(None, &targets(&[("a", 0.6, 0.6), ("b", 0.4, 0.4)], None), now(), true);
    assert!(!plan.is_stale(after_hours(24 * 400)));
    assert_eq!(plan.published(after_hours(24 * 400)), [0.6, 0.4]);
}

#[test]
fn a_plan_survives_being_stored() {
    let old = SharePlan::follow(None, &two(0.2, now()), now(), true);
    let plan = SharePlan::follow(Some(&old), &two(0.4, now()), now(), true);
    let text = serde_json::to_string(&plan).unwrap();
    assert!(text.contains(r#""member":"a""#), "{text}");
    let back: SharePlan = serde_json::from_str(&text).unwrap();
    assert_eq!(serde_json::to_string(&back).unwrap(), text);
    // Written by an older program: what it did not know has a default.
    let older = text.replace(r#","stale_after_seconds":86400"#, "").replace("{\"members\"", "{\"later\":1,\"members\"");
    assert_eq!(serde_json::from_str::<SharePlan>(&older).unwrap(), back);
}
