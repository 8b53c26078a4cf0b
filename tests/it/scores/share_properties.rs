//! What holds for the shares of any group.

use super::*;
use meritline::core::ids::MemberId;
use meritline::core::shares::share_plan::SharePlan;
use meritline::core::shares::target_share::{MemberTarget, ShareTargets, bounded_shares};
use proptest::prelude::*;

#[derive(Debug, Clone)]
struct Case {
    base: Vec<f64>,
    value: Vec<f64>,
    strength: f64,
    floor: f64,
    ceiling: f64,
}

impl Case {
    fn shares(&self) -> Vec<f64> {
        bounded_shares(&self.base, &self.value, self.strength, self.floor, self.ceiling)
    }

    fn normalised(&self) -> Vec<f64> {
        let sum: f64 = self.base.iter().sum();
        self.base.iter().map(|base| base / sum).collect()
    }
}

/// Up to 40 members; some have base 0, some value 0.
fn any_case() -> impl Strategy<Value = Case> {
    let base = prop_oneof![9 => 0.01f64..100.0, 1 => Just(0.0)];
    let value = prop_oneof![9 => 0.01f64..20.0, 1 => Just(0.0)];
    (prop::collection::vec((base, value), 1..40), 0.0f64..3.0, 0.0f64..=1.0, 1.0f64..6.0)
        .prop_filter("somebody must have a base", |(members, ..)| members.iter().any(|(base, _)| *base > 0.0))
        .prop_map(|(members, strength, floor, ceiling)| {
            let (base, value) = members.into_iter().unzip();
            Case { base, value, strength, floor, ceiling }
        })
}

/// The same tau by halving an interval: another way to the same shares, for values above 0.
fn by_bisection(case: &Case) -> Vec<f64> {
    let base = case.normalised();
    let shares = |tau: f64| -> Vec<f64> {
        let level = |value: &f64| (tau * value.powf(case.strength)).clamp(case.floor, case.ceiling);
        base.iter().zip(&case.value).map(|(base, value)| base * level(value)).collect()
    };
    let (mut low, mut high) = (0.0, 1e12);
    for _ in 0..300 {
        let middle = (low + high) / 2.0;
        if shares(middle).iter().sum::<f64>() < 1.0 { low = middle } else { high = middle }
    }
    shares(high)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn shares_sum_to_one_within_their_bounds(case in any_case()) {
        let shares = case.shares();
        prop_assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-12, "{:?}", shares);
        for (share, base) in shares.iter().zip(case.normalised()) {
            prop_assert!(*share >= case.floor * base - 1e-12 && *share <= case.ceiling * base + 1e-12);
        }
    }

    #[test]
    fn bisection_finds_the_same(mut case in any_case()) {
        for value in &mut case.value {
            *value = value.max(0.01);
        }
        for (share, other) in case.shares().iter().zip(by_bisection(&case)) {
            prop_assert!((share - other).abs() < 1e-9, "{} {}", share, other);
        }
    }

    #[test]
    fn a_higher_value_never_lowers_its_share_nor_raises_another(case in any_case(), who in any::<prop::sample::Index>(), more in 1.0f64..5.0) {
        let who = who.index(case.value.len());
        let mut raised = case.clone();
        raised.value[who] = raised.value[who] * more + 0.1;
        for (at, (before, after)) in case.shares().iter().zip(raised.shares()).enumerate() {
            if at == who {
                prop_assert!(after >= before - 1e-12, "own share fell from {} to {}", before, after);
            } else {
                prop_assert!(after <= before + 1e-12, "share {} rose from {} to {}", at, before, after);
            }
        }
    }

    #[test]
    fn per_base_the_better_gets_no_less(case in any_case()) {
        let shares = case.shares();
        let level = |at: usize| shares[at] / case.normalised()[at];
        let known: Vec<usize> = (0..shares.len()).filter(|at| case.base[*at] > 0.0).collect();
        for pair in known.windows(2) {
            if case.value[pair[0]] > case.value[pair[1]] {
                prop_assert!(level(pair[0]) >= level(pair[1]) - 1e-9);
            }
        }
    }

    #[test]
    fn only_proportions_of_base_and_value_matter(case in any_case()) {
        let mut scaled = case.clone();
        scaled.base.iter_mut().for_each(|base| *base *= 1024.0);
        scaled.value.iter_mut().for_each(|value| *value *= 0.0078125);
        for (share, other) in case.shares().iter().zip(scaled.shares()) {
            prop_assert!((share - other).abs() < 1e-12);
        }
    }

    #[test]
    fn nothing_makes_it_panic_or_leave_zero_to_one(
        base in prop::collection::vec(any::<f64>(), 0..8),
        value in prop::collection::vec(any::<f64>(), 0..8),
        strength in any::<f64>(), floor in any::<f64>(), ceiling in any::<f64>(),
    ) {
        let shares = bounded_shares(&base, &value, strength, floor, ceiling);
        prop_assert_eq!(shares.len(), base.len());
        prop_assert!(shares.iter().all(|share| (0.0..=1.0 + 1e-9).contains(share)), "{:?}", shares);
        if base.iter().any(|base| base.is_finite() && *base > 0.0) {
            prop_assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-9, "{:?}", shares);
        }
    }

    #[test]
    fn published_shares_sum_to_one_and_stale_ones_raise_nobody(
        case in any_case(), before in any_case(), age_hours in 0i64..72, hours in prop::collection::vec(0i64..96, 1..6),
    ) {
        let count = case.base.len().min(before.base.len());
        let shared_base: Vec<f64> = vec![1.0 / count as f64; count];
        let plan_targets = |case: &Case, as_of| {
            let target = bounded_shares(&shared_base, &case.value[..count], case.strength, case.floor, case.ceiling);
            let members = target.into_iter().enumerate().map(|(at, target)| MemberTarget {
                member: MemberId::from(format!("agent-{at}")), base: shared_base[at], target,
            });
            ShareTargets { members: members.collect(), smoothing_seconds: 4 * 3600, scores_as_of: Some(as_of) }
        };
        let at_hour = |hour: i64| now() + SignedDuration::from_hours(hour);
        let old = SharePlan::follow(None, &plan_targets(&before, now()), now(), true);
        let mut plan = SharePlan::follow(Some(&old), &plan_targets(&case, at_hour(-age_hours)), now(), true);
        let mut hours = hours;
        hours.sort_unstable();
        for hour in hours {
            let last = plan.published(at_hour(hour));
            prop_assert!((last.iter().sum::<f64>() - 1.0).abs() < 1e-9);
            let was_stale = plan.is_stale(at_hour(hour));
            // Followed again from the same old table, as after a restart.
            plan = SharePlan::follow(Some(&plan), &plan_targets(&case, at_hour(-age_hours)), at_hour(hour), true);
            if was_stale {
                for later in [0, 1, 7, 50] {
                    for (share, (last, base)) in plan.published(at_hour(hour + later)).iter().zip(last.iter().zip(&shared_base)) {
                        prop_assert!(*share <= last.max(*base) + 1e-12);
                    }
                }
            }
        }
    }
}
