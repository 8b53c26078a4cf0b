//! Largest credit: who of a group is most behind its share.
//!
//! Every new call grows the credit of everybody in the rotation by their expected share λ of one call, busy or not; the
//! largest credit among those who can be rung gets the call and pays for it. With everybody free and fixed weights this
//! is smooth weighted round robin. Growing credit only for the free is as inexact as dice: the person with the largest
//! share is busy more often and silently loses it.
//!
//! Only arithmetic on slices here; what is a call, who is free and what is stored is decided elsewhere.

/// Credits that differ by no more than this are equal: sums of shares in another order must not name another winner.
pub const TIE: f64 = 1e-9;

/// How many calls (or mean talks) anybody may be owed or ahead.
pub const CREDIT_CAP_CALLS: f64 = 4.0;

/// Expected share of one call for each member: `weight / sum of weights`; weight 0 is outside the rotation. All zeros
/// when nobody is in the rotation.
pub fn expected_shares(weights: &[f64]) -> Vec<f64> {
    let mut shares = weights.to_vec();
    to_expected_shares(&mut shares);
    shares
}

/// Turns weights into expected shares in place: see [`expected_shares`].
pub fn to_expected_shares(weights: &mut [f64]) {
    let sum: f64 = weights.iter().sum();
    let share = |weight: f64| if sum > 0.0 { weight / sum } else { 0.0 };
    weights.iter_mut().for_each(|weight| *weight = share(*weight));
}

/// What the comparison of two members needs to know.
#[derive(Debug, Clone, Copy)]
pub struct Standing<'a> {
    /// Credit with this call's expected share already grown.
    pub credit: f64,
    /// When the member was last given a call: a sequence number, 0 for never.
    pub last_given: u64,
    /// Weight in the rotation.
    pub weight: f64,
    /// The member's id, the last resort of a tie.
    pub id: &'a str,
}

impl Standing<'_> {
    /// Whether `self` is rung before `other`: larger credit; within [`TIE`] the one least recently given a call, then
    /// the larger weight, then the smaller id.
    pub fn goes_before(&self, other: &Self) -> bool {
        if (self.credit - other.credit).abs() > TIE {
            return self.credit > other.credit;
        }
        if self.last_given != other.last_given {
            return self.last_given < other.last_given;
        }
        if self.weight != other.weight {
            return self.weight > other.weight;
        }
        self.id < other.id
    }
}

/// The position of the member that is rung first; none of none.
pub fn first_to_ring<'a>(candidates: impl Iterator<Item = (usize, Standing<'a>)>) -> Option<usize> {
    candidates.reduce(|best, next| if next.1.goes_before(&best.1) { next } else { best }).map(|(position, _)| position)
}

/// What keeps credits bounded and comparable after a pick; stored with the decision as a fact, never computed again.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Adjustment {
    /// Added to everybody in the rotation, so that their mean is 0.
    #[serde(default)]
    pub recentre: f64,
    /// Added to members that reached the cap: (position, what).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub clamps: Vec<(u32, f64)>,
}

/// The adjustment after a pick: clamps to `±cap`, then re-centres over the rotation. `credits` are those after growth and
/// charge; `in_rotation` says who has an expected share. Without re-centring one capped person would drag the rest to
/// the lower cap.
pub fn adjustment(credits: &[f64], in_rotation: impl Fn(usize) -> bool, cap: f64) -> Adjustment {
    let mut adjustment = Adjustment::default();
    adjust_into(&mut adjustment, credits, in_rotation, cap);
    adjustment
}

/// Computes [`adjustment`] into one that is used again.
pub fn adjust_into(adjustment: &mut Adjustment, credits: &[f64], in_rotation: impl Fn(usize) -> bool, cap: f64) {
    adjustment.clamps.clear();
    let (mut sum, mut count) = (0.0, 0u32);
    for (position, credit) in credits.iter().enumerate().filter(|(position, _)| in_rotation(*position)) {
        let clamped = credit.clamp(-cap, cap);
        if clamped != *credit {
            adjustment.clamps.push((u32::try_from(position).unwrap_or(u32::MAX), clamped - credit));
        }
        sum += clamped;
        count += 1;
    }
    let mean = if count == 0 { 0.0 } else { sum / f64::from(count) };
    adjustment.recentre = if mean.abs() < 1e-12 { 0.0 } else { -mean };
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Smooth weighted round robin of 5:1:1 is `a a b a c a a`, by hand and in the literature.
    #[test]
    fn static_weights_give_smooth_weighted_round_robin() {
        let (weights, ids) = ([5.0, 1.0, 1.0], ["a", "b", "c"]);
        let lambda = expected_shares(&weights);
        let (mut credit, mut last) = ([0.0; 3], [0u64; 3]);
        let mut given = String::new();
        for call in 1..=7 {
            for i in 0..3 {
                credit[i] += lambda[i];
            }
            let standing = |i: usize| Standing { credit: credit[i], last_given: last[i], weight: weights[i], id: ids[i] };
            let mut winner = 0;
            for i in 1..3 {
                if standing(i).goes_before(&standing(winner)) {
                    winner = i;
                }
            }
            credit[winner] -= 1.0;
            last[winner] = call;
            given.push_str(ids[winner]);
        }
        assert_eq!(given, "aabacaa");
    }

    #[test]
    fn a_capped_member_is_held_at_the_cap_and_the_rest_is_recentred() {
        let adjustment = adjustment(&[6.0, -1.0, -5.0], |_| true, CREDIT_CAP_CALLS);
        assert_eq!(adjustment.clamps, vec![(0, -2.0), (2, 1.0)]);
        assert!((adjustment.recentre - 1.0 / 3.0).abs() < 1e-12);
    }
}
