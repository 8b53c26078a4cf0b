//! Why a member got the share it got: typed share, scores, guard, presence, feasibility, each with its part.
//!
//! Every call of a span is walked from the typed share to who got it, one influence after another, and the steps are averaged over
//! the calls. So the parts add up to the actual share, whatever happened:
//!
//! ```text
//! base         typed share
//! + score      published share - typed share
//! + guard      share after guard and own setting, if all had been there - published share
//! + presence   expected share over those in the rotation - the share before
//! + feasibility  what one person could not carry of the expected share
//! + personal     calls given for who called, not by credit
//! + missed       calls named to one and taken by another
//! + rest       the rest: what is still owed, and what others could not carry
//! = actual     calls received / calls
//! ```
//!
//! Personal and missed calls are evened out by those that follow, so only as much of them counts as is really missing or too much in the end.
//!
//! It reads nothing: the parts of calls come from the same fold that moves credit.

use std::collections::BTreeMap;

use crate::core::distribution::call_state::GroupPart;
use crate::core::ids::MemberId;
use crate::core::record::Lambda;

/// A member's share, part by part. All are fractions of the group's calls; the parts sum to `actual`.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct ShareParts {
    /// Typed share.
    pub base: f64,
    /// Moved by scores, ramp-up and corrections: published minus typed.
    pub score: f64,
    /// Moved by the guard and by people's own settings.
    pub guard: f64,
    /// Moved by who was there: above 0 who was there while others were not.
    pub presence: f64,
    /// What one person, or a group's people together, could not carry; never above 0.
    pub feasibility: f64,
    /// Moved by calls given for who called: the caller's own manager, or who has the context.
    pub personal: f64,
    /// Moved by calls that one was named first for and another took.
    pub missed: f64,
    /// What is still owed or ahead, and what came over from who could not carry it.
    pub rest: f64,
    /// What the member got.
    pub actual: f64,
}

impl ShareParts {
    /// The parts with their names, in order.
    pub fn parts(&self) -> [(&'static str, f64); 8] {
        [
            ("base", self.base),
            ("score", self.score),
            ("guard", self.guard),
            ("presence", self.presence),
            ("feasibility", self.feasibility),
            ("personal", self.personal),
            ("missed", self.missed),
            ("rest", self.rest),
        ]
    }

    /// How another member's share differs, part by part.
    pub fn minus(&self, other: &Self) -> Self {
        Self {
            base: self.base - other.base,
            score: self.score - other.score,
            guard: self.guard - other.guard,
            presence: self.presence - other.presence,
            feasibility: self.feasibility - other.feasibility,
            personal: self.personal - other.personal,
            missed: self.missed - other.missed,
            rest: self.rest - other.rest,
            actual: self.actual - other.actual,
        }
    }
}

#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    base: f64,
    published: f64,
    guarded: f64,
    expected: f64,
    received: f64,
    personal: f64,
    missed: f64,
}

/// How a call came to the member that is charged for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CameBy {
    /// By credit.
    Credit,
    /// By who called: it went to the caller's own manager, or to who has the context.
    Caller,
    /// After somebody else: by credit the member at this position was named first, and did not take it.
    After(u32),
}

/// Shares of one group's members over a span, in the making.
#[derive(Debug, Clone, Default)]
pub struct ShareReport {
    members: BTreeMap<MemberId, Sums>,
    units: f64,
}

impl ShareReport {
    /// Adds a call's part in the group's book. `left` says what the guard and the own setting left of a member's published share,
    /// up to one factor for all: 0 for who was stopped.
    pub fn add(&mut self, part: &GroupPart, came_by: CameBy, left: impl Fn(usize) -> f64) {
        let (lambda, units) = (&part.contribution.lambda, part.contribution.units);
        self.units += units;
        let guarded = guarded_shares(lambda, left);
        for (position, id) in lambda.members.iter().enumerate() {
            let at = |values: &[f64]| values.get(position).copied().unwrap_or(0.0);
            let published = at(&lambda.published);
            let base = if lambda.base.is_empty() { published } else { at(&lambda.base) };
            let received = if position == part.contribution.member as usize { 1.0 } else { 0.0 };
            let sums = self.members.entry(id.clone()).or_default();
            sums.base += units * base;
            sums.published += units * published;
            sums.guarded += units * at(&guarded);
            sums.expected += units * at(&lambda.values);
            sums.received += units * received;
            match came_by {
                CameBy::Credit => {}
                CameBy::Caller => sums.personal += units * (received - at(&lambda.values)),
                CameBy::After(first) => {
                    let named = if position == first as usize { 1.0 } else { 0.0 };
                    sums.missed += units * (received - named);
                }
            }
        }
    }

    /// What all calls together weigh: their number, or their seconds of talk.
    pub fn units(&self) -> f64 {
        self.units
    }

    /// What a member received, in units.
    pub fn received(&self, member: &MemberId) -> f64 {
        self.members.get(member).map_or(0.0, |sums| sums.received)
    }

    /// Each member's share, part by part; `feasible` tells the largest share a member could carry, where that is known.
    pub fn shares(&self, feasible: impl Fn(&MemberId) -> Option<f64>) -> BTreeMap<MemberId, ShareParts> {
        self.members.iter().map(|(id, sums)| (id.clone(), self.parts(sums, feasible(id)))).collect()
    }

    fn parts(&self, sums: &Sums, feasible: Option<f64>) -> ShareParts {
        let mean = |sum: f64| if self.units > 0.0 { sum / self.units } else { 0.0 };
        let (base, published, guarded) = (mean(sums.base), mean(sums.published), mean(sums.guarded));
        let (expected, actual) = (mean(sums.expected), mean(sums.received));
        let missed = actual - expected;
        // Only what is really missing, and no more than lies above what one person can carry.
        let feasibility = match feasible {
            Some(feasible) if expected > feasible => (feasible - expected).max(missed).min(0.0),
            Some(_) | None => 0.0,
        };
        let personal = within(mean(sums.personal), missed - feasibility);
        let passed_on = within(mean(sums.missed), missed - feasibility - personal);
        ShareParts {
            base,
            score: published - base,
            guard: guarded - published,
            presence: expected - guarded,
            feasibility,
            personal,
            missed: passed_on,
            rest: missed - feasibility - personal - passed_on,
            actual,
        }
    }
}

/// As much of a part as goes the way of what is to be explained, and no more than that.
fn within(part: f64, of: f64) -> f64 {
    part.clamp(of.min(0.0), of.max(0.0))
}

/// Shares after the guard if everybody had been there: who was away counts with the own published share, who was stopped with
/// nothing.
fn guarded_shares(lambda: &Lambda, left: impl Fn(usize) -> f64) -> Vec<f64> {
    let weight = |(position, published): (usize, &f64)| published * left(position);
    crate::core::distribution::selection::expected_shares(&lambda.published.iter().enumerate().map(weight).collect::<Vec<f64>>())
}
