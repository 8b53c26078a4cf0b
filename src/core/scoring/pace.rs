//! How many open deals of each member count as lost before they are overdue: those that others would have decided by now.
//!
//! An open deal says nothing yet. But whoever has decided fewer deals of some age than others do has kept the lost ones open, or is
//! slow: until they are overdue, conversion would look better than it is. So the shortfall counts as lost:
//!
//! ```text
//! F(t)      part of the other members' deals that is decided within t: actuarial life table (Cutler & Ederer, 1958) of the deals
//!           opened inside the horizon, the open ones among them as censored
//! slower    how many times as long as theirs a member's contracts took, of deals opened before the open ones in question; pulled
//!           towards 1 by caution, and between half and twice
//! due       over a member's deals that are not overdue: sum of what F(t / slower) decides up to their age, faded since
//! shortfall = told * (due - what is decided of them, faded), at least 0, at most what is due of the open ones
//! told      = deals decided by others / 20, at most 1
//! ```
//!
//! The shortfall is spread over the member's open deals as each is due. Contracts tell how slow or fast somebody is, because nobody hides
//! them; those of young deals would tell of the fast ones alone. Deals that another had open before tell nothing.
//! Nobody takes less than a day: dates often have no time. What was opened up to the end of a day that a lead took out is not held
//! against its owner: what was decided on that day does not count.
//!
//! It must not know the formulas of the indices, nor when a deal is overdue: `deal_history` hands in the deals.

use jiff::Timestamp;
use jiff::civil::Date;

use super::deal_ending::{MEDIAN_SECONDS_MIN, Outcome};
use super::formulas::shrunken;
use super::score_scope::{Scope, Week};
use crate::core::deal::Deal;

/// Steps of the life table up to the age at which a deal is overdue.
const STEPS: usize = 40;

/// So many deals decided by others tell in full how fast they are; fewer tell as much less.
const TOLD_BY_DEALS: f64 = 20.0;

/// One contract counts at most as this many times the age at which a deal is overdue, when it is asked how slow somebody is.
const CONTRACT_PATIENCES_MAX: f64 = 1.5;

/// Nobody counts as more than so many times as slow, or as fast, as the others.
const SLOWER_MAX: f64 = 2.0;

/// A deal whose opening is known. Ages are the owner's time on duty.
pub(in crate::core) struct Course<'d> {
    /// Position in the pool of the agent it counts for.
    pub(in crate::core) member: usize,
    /// When it was opened.
    pub(in crate::core) opened_at: Timestamp,
    /// Since then.
    pub(in crate::core) age_seconds: f64,
    /// How much of that its owner could decide it in.
    pub(in crate::core) deciding_seconds: f64,
    /// None while it is open.
    pub(in crate::core) decided: Option<Decided>,
    /// The record.
    pub(in crate::core) deal: &'d Deal,
}

/// How a deal was decided.
pub(in crate::core) struct Decided {
    /// Since its close.
    pub(in crate::core) age_seconds: f64,
    /// From its opening on, as far as its owner could decide it.
    pub(in crate::core) after_seconds: f64,
    /// Whether it became a contract.
    pub(in crate::core) outcome: Outcome,
}

/// What counts as lost of one open deal.
pub(in crate::core) struct Undecided<'d> {
    /// Position in the pool of the agent it counts for.
    pub(in crate::core) member: usize,
    /// How much, after fading.
    pub(in crate::core) weight: f64,
    /// How much, without fading: 0 to 1.
    pub(in crate::core) part: f64,
    /// In which week it was opened.
    pub(in crate::core) week: Week,
    /// The record.
    pub(in crate::core) deal: &'d Deal,
}

impl Course<'_> {
    /// From opening to close; to now while it is open.
    fn lasted_seconds(&self) -> f64 {
        match &self.decided {
            Some(decided) => decided.after_seconds.max(MEDIAN_SECONDS_MIN),
            None => self.deciding_seconds,
        }
    }

    fn contract_seconds(&self) -> Option<f64> {
        let decided = self.decided.as_ref()?;
        matches!(decided.outcome, Outcome::Contract(_)).then(|| self.lasted_seconds())
    }
}

/// What counts as lost of the deals that are open and not older than `patience_seconds`, by member, in the order in which they were handed in.
pub(in crate::core) fn undecided<'d>(scope: &Scope<'_>, courses: &[Course<'d>], patience_seconds: f64) -> Vec<Undecided<'d>> {
    let members = scope.pool.len();
    let mut of_members: Vec<Vec<&Course<'d>>> = vec![Vec::new(); members];
    for course in courses {
        of_members.get_mut(course.member).into_iter().for_each(|own| own.push(course));
    }
    let step_seconds = patience_seconds / STEPS as f64;
    let tables: Vec<LifeTable> = of_members.iter().map(|own| LifeTable::of(scope, own, step_seconds)).collect();
    let mut all = LifeTable::default();
    tables.iter().for_each(|table| all.add(table, 1.0));
    let contracts: Vec<Contracts> = of_members.iter().map(|own| Contracts::of(own, patience_seconds)).collect();
    let all_contracts = Contracts::sum(&contracts);
    let mut found = Vec::new();
    for (agent, ((own, table), contracts)) in scope.pool.iter().zip(of_members.iter().zip(&tables).zip(&contracts)) {
        let mut others = all.clone();
        others.add(table, -1.0);
        let slower = contracts.slower_than(all_contracts, scope.input.settings.caution);
        let pace = Pace {
            scope,
            decided: others.decided_parts(),
            step_seconds: step_seconds * slower,
            excluded_until: scope.last_excluded_day(*agent),
        };
        let told = (others.decided_total() / TOLD_BY_DEALS).clamp(0.0, 1.0);
        found.extend(pace.shortfall(own, patience_seconds, told));
    }
    found
}

/// How many deals reached each step of their age, and how many were decided in it.
#[derive(Debug, Clone)]
struct LifeTable {
    at_risk: [f64; STEPS],
    decided: [f64; STEPS],
}

impl Default for LifeTable {
    fn default() -> Self {
        Self { at_risk: [0.0; STEPS], decided: [0.0; STEPS] }
    }
}

impl LifeTable {
    fn of(scope: &Scope<'_>, courses: &[&Course<'_>], step_seconds: f64) -> Self {
        let mut table = Self::default();
        for course in courses.iter().filter(|course| scope.is_inside_horizon(course.age_seconds)) {
            let lasted = course.lasted_seconds() / step_seconds;
            for (step, (at_risk, decided)) in table.at_risk.iter_mut().zip(&mut table.decided).enumerate() {
                let past = lasted - step as f64;
                if past < 0.0 {
                    break;
                }
                let ends = past < 1.0;
                // Who is lost sight of within a step was there for half of it.
                *at_risk += if ends && course.decided.is_none() { 0.5 } else { 1.0 };
                *decided += f64::from(ends && course.decided.is_some());
            }
        }
        table
    }

    fn add(&mut self, other: &Self, times: f64) {
        let pairs = self.at_risk.iter_mut().zip(&other.at_risk).chain(self.decided.iter_mut().zip(&other.decided));
        pairs.for_each(|(sum, one)| *sum += times * one);
    }

    fn decided_total(&self) -> f64 {
        self.decided.iter().sum()
    }

    /// Which part of all deals is decided in each step.
    fn decided_parts(&self) -> [f64; STEPS] {
        let mut open = 1.0;
        let mut parts = [0.0; STEPS];
        for (part, (at_risk, decided)) in parts.iter_mut().zip(self.at_risk.iter().zip(&self.decided)) {
            if *at_risk > 0.0 {
                *part = open * (decided / at_risk).clamp(0.0, 1.0);
                open -= *part;
            }
        }
        parts
    }
}

/// How long contracts took.
#[derive(Debug, Clone, Copy, Default)]
struct Contracts {
    count: f64,
    seconds: f64,
}

impl Contracts {
    fn of(courses: &[&Course<'_>], patience_seconds: f64) -> Self {
        let most_seconds = CONTRACT_PATIENCES_MAX * patience_seconds;
        let old = courses.iter().filter(|course| course.age_seconds > patience_seconds);
        let all = old.filter_map(|course| course.contract_seconds());
        all.fold(Self::default(), |sum, seconds| Self {
            count: sum.count + 1.0,
            seconds: sum.seconds + seconds.min(most_seconds),
        })
    }

    fn sum(all: &[Self]) -> Self {
        all.iter().fold(Self::default(), |sum, one| Self { count: sum.count + one.count, seconds: sum.seconds + one.seconds })
    }

    /// How many times as long as those of the others.
    fn slower_than(self, all: Self, caution: f64) -> f64 {
        let (others, seconds) = (all.count - self.count, all.seconds - self.seconds);
        if others <= 0.0 || seconds <= 0.0 {
            return 1.0;
        }
        shrunken(self.seconds * others / seconds, self.count, caution).clamp(1.0 / SLOWER_MAX, SLOWER_MAX)
    }
}

/// How fast a member is expected to decide.
struct Pace<'s> {
    scope: &'s Scope<'s>,
    /// Which part is decided in each step of age.
    decided: [f64; STEPS],
    step_seconds: f64,
    /// The last day that a lead took out of its results.
    excluded_until: Option<Date>,
}

/// What is decided of a deal up to its age.
#[derive(Debug, Clone, Copy, Default)]
struct Due {
    /// Faded since.
    weight: f64,
    /// Not faded: 0 to 1.
    part: f64,
}

impl Pace<'_> {
    /// Of a deal that could be decided for so long.
    fn due(&self, age_seconds: f64) -> Due {
        let mut due = Due::default();
        for (step, part) in self.decided.iter().enumerate() {
            let passed = (age_seconds / self.step_seconds - step as f64).min(1.0);
            if passed <= 0.0 {
                break;
            }
            let decided_since = age_seconds - (step as f64 + passed / 2.0) * self.step_seconds;
            if self.scope.is_inside_horizon(decided_since) {
                due.weight += part * passed * self.scope.weight(decided_since);
                due.part += part * passed;
            }
        }
        due
    }

    /// Whether all that was decided since a deal was opened is known: no day since is taken out.
    fn is_held_to(&self, course: &Course<'_>) -> bool {
        self.excluded_until.is_none_or(|last| last < self.scope.day(course.opened_at))
    }

    /// Spread over the open ones of a member's deals.
    fn shortfall<'d>(&self, courses: &[&Course<'d>], patience_seconds: f64, told: f64) -> Vec<Undecided<'d>> {
        let (mut due, mut decided) = (0.0, 0.0);
        let mut open: Vec<(&Course<'d>, Due)> = Vec::new();
        for course in courses.iter().filter(|course| course.age_seconds <= patience_seconds && self.is_held_to(course)) {
            let of_course = self.due(course.deciding_seconds);
            due += of_course.weight;
            match &course.decided {
                Some(close) => decided += self.scope.weight(close.age_seconds),
                None => open.push((course, of_course)),
            }
        }
        let of_open: f64 = open.iter().map(|(_, due)| due.weight).sum();
        if of_open <= 0.0 {
            return Vec::new();
        }
        let part = (told * (due - decided) / of_open).clamp(0.0, 1.0);
        let counts = |(course, due): (&Course<'d>, Due)| Undecided {
            member: course.member,
            weight: part * due.weight,
            part: part * due.part,
            week: self.scope.week(course.opened_at),
            deal: course.deal,
        };
        if part > 0.0 { open.into_iter().map(counts).collect() } else { Vec::new() }
    }
}
