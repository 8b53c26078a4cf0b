//! How much each member of a pool counts as there throughout: whoever worked for a few weeks only is measured by those weeks.
//!
//! Time is where the pool's chances lie, not what lies between the oldest and the youngest date: a week counts the less the fewer
//! chances it has beside the usual week, and a member's span runs over the middle nine tenths of its own. So no single record,
//! however odd its date, makes anybody else a guest; and neither do the weeks in which somebody who has been away since was alone.
//!
//! It must not know what a chance is, nor what came of it.

use std::collections::BTreeMap;

use super::score_scope::Week;

/// So many chances of others tell in full what a week was like; fewer tell as much less.
const TOLD_BY_CHANCES: f64 = 5.0;

/// This part of a member's chances may lie before its span, and as much after it.
const OUTLYING_PART: f64 = 0.05;

/// How many chances somebody had in a week, and what they weigh after fading.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::core) struct Load {
    /// How many.
    pub(in crate::core) count: f64,
    /// Their weights together.
    pub(in crate::core) weight: f64,
}

/// A member's weeks.
pub(in crate::core) type Weeks = BTreeMap<Week, Load>;

/// How far chances of others in a week tell what it was like: 0 to 1. Whoever was alone in it is compared with nobody.
pub(in crate::core) fn told_by(others_count: f64) -> f64 {
    (others_count / TOLD_BY_CHANCES).clamp(0.0, 1.0)
}

/// How much each member counts as there throughout: 1 from half of the pool's time on, 0 up to a quarter of it, in proportion in
/// between. But the more of a member's chances lie in weeks without others (before a long leave, say), the less it is a guest,
/// and from three quarters on it is none.
pub(in crate::core) fn throughout(members: &[Weeks]) -> Vec<f64> {
    let mut pool: BTreeMap<Week, f64> = BTreeMap::new();
    for (week, load) in members.iter().flatten() {
        *pool.entry(*week).or_default() += load.count;
    }
    let usual = usual_count(&pool);
    let time = |count: f64| if usual > 0.0 { (count / usual).min(1.0) } else { 0.0 };
    let whole: f64 = pool.values().map(|count| time(*count)).sum();
    let there = |weeks: &Weeks| {
        let Some((first, last)) = span(weeks) else { return 1.0 };
        let covered: f64 = pool.range(first..=last).map(|(_, count)| time(*count)).sum();
        let part = covered / whole / (1.0 - 2.0 * OUTLYING_PART);
        let there = (4.0 * part - 1.0).clamp(0.0, 1.0);
        let beside = beside_others(weeks, &pool);
        1.0 - (1.0 - there) * ((4.0 * beside - 1.0) / 3.0).clamp(0.0, 1.0)
    };
    members.iter().map(there).collect()
}

/// How many chances the week has in which the middle one of all chances lies, weeks taken by size.
fn usual_count(pool: &BTreeMap<Week, f64>) -> f64 {
    let mut counts: Vec<f64> = pool.values().copied().collect();
    counts.sort_unstable_by(f64::total_cmp);
    let half = counts.iter().sum::<f64>() / 2.0;
    let mut passed = 0.0;
    let middle = counts.iter().find(|count| {
        passed += **count;
        passed >= half
    });
    middle.copied().unwrap_or(0.0)
}

/// The first and the last week, but for a few outlying chances at either end.
fn span(weeks: &Weeks) -> Option<(Week, Week)> {
    let outlying = (OUTLYING_PART * weeks.values().map(|load| load.count).sum::<f64>()).floor();
    Some((after_outlying(weeks.iter(), outlying)?, after_outlying(weeks.iter().rev(), outlying)?))
}

fn after_outlying<'w>(weeks: impl Iterator<Item = (&'w Week, &'w Load)>, outlying: f64) -> Option<Week> {
    let mut passed = 0.0;
    let within = |(week, load): (&Week, &Load)| {
        passed += load.count;
        (passed > outlying).then_some(*week)
    };
    weeks.filter(|(_, load)| load.count > 0.0).find_map(within)
}

/// Which part of a member's chances lies in weeks in which others had some, too.
fn beside_others(weeks: &Weeks, pool: &BTreeMap<Week, f64>) -> f64 {
    let whole: f64 = weeks.values().map(|load| load.weight).sum();
    let told = |(week, load): (&Week, &Load)| load.weight * told_by(pool.get(week).map_or(0.0, |all| all - load.count));
    let beside: f64 = weeks.iter().map(told).sum();
    if whole > 0.0 { (beside / whole).min(1.0) } else { 0.0 }
}
