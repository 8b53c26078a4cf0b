//! What an average agent of the pool would have brought from the same chances.
//!
//! ```text
//! R0         = sum of results / sum of chances                  (everybody, as far as there throughout)
//! expected_i = sum over chances of R0 * factor of the lead source (`lead_sources`)
//!              * factor of the week, for who was there for a time only (`participation`)
//! factor of a week = results / what they would have been by source, of everybody who was there that week
//! ```
//!
//! Comparing within the week is what makes a promotion harmless: whoever worked in that week alone sold to the same easy customers
//! as everybody else in it, and is measured by them; and does not move the bar for those who work all the year round. Somebody counts
//! as there throughout from half of the pool's time on, up to a quarter of it as there for a time only, and in proportion
//! in between, so that nobody's score jumps. Where somebody was alone in a week, or with a source, there is nobody to compare with:
//! that part is measured by R0; and what few others tell is believed in part, so that no single record decides.
//!
//! A chance whose source is not known expects R0: were it measured by its like, clearing the source of lost deals would pay.
//!
//! It must not know what a chance is: opportunities, calls and contracts are handed in by `score` and `per_contract`.

use std::collections::BTreeMap;

use super::chance_sums::{Kind, Sums};
use super::lead_sources::{Factors, LeadSources, MemberSources};
use super::participation::{self, Load, Weeks, told_by};
use super::score_scope::Week;

#[derive(Debug, Default, Clone)]
struct Member<'s> {
    all: Sums,
    kinds: BTreeMap<Kind<'s>, Sums>,
}

impl<'s> Member<'s> {
    fn weeks(&self) -> Weeks {
        let mut weeks = Weeks::new();
        for ((_, week), sums) in self.kinds.iter().filter(|(_, sums)| sums.count > 0.0) {
            let load: &mut Load = weeks.entry(*week).or_default();
            load.count += sums.count;
            load.weight += sums.chances;
        }
        weeks
    }

    fn sources(&self, there: f64) -> MemberSources<'s> {
        let mut known: BTreeMap<&str, Sums> = BTreeMap::new();
        for ((source, _), sums) in &self.kinds {
            if let Some(source) = source {
                known.entry(source).or_default().add(*sums, 1.0);
            }
        }
        MemberSources { all: self.all, known, there }
    }
}

/// Chances and results of a pool's members. Sums run in the order in which they are added, then by member.
#[derive(Debug)]
pub(in crate::core) struct Chances<'s> {
    members: Vec<Member<'s>>,
}

/// One member beside an average agent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::core) struct Measured {
    /// What the member had.
    pub(in crate::core) chances: f64,
    /// What the member made of it.
    pub(in crate::core) results: f64,
    /// The chances in units of average ones: times the base rate it is what an average agent would have made of them.
    pub(in crate::core) comparable: f64,
}

/// All members beside an average agent.
#[derive(Debug, Clone)]
pub(in crate::core) struct Yardstick {
    /// Results per chance; none without chances.
    pub(in crate::core) base_rate: Option<f64>,
    /// By member.
    pub(in crate::core) members: Vec<Measured>,
}

impl<'s> Chances<'s> {
    /// None yet.
    pub(in crate::core) fn new(members: usize) -> Self {
        Self { members: vec![Member::default(); members] }
    }

    /// A member had a chance.
    pub(in crate::core) fn had(&mut self, member: usize, kind: Kind<'s>, weight: f64) {
        self.had_part(member, kind, weight, 1.0);
    }

    /// A member had a part of a chance; `weight` is that part after fading.
    pub(in crate::core) fn had_part(&mut self, member: usize, kind: Kind<'s>, weight: f64, part: f64) {
        self.add(member, Some(kind), Sums { chances: weight, results: 0.0, count: part });
    }

    /// Something came of a chance of this kind; of an unknown kind where nothing tells which chance it was.
    pub(in crate::core) fn came_of(&mut self, member: usize, kind: Option<Kind<'s>>, result: f64) {
        self.add(member, kind, Sums { chances: 0.0, results: result, count: 0.0 });
    }

    fn add(&mut self, member: usize, kind: Option<Kind<'s>>, sums: Sums) {
        let Some(member) = self.members.get_mut(member) else { return };
        member.all.add(sums, 1.0);
        if let Some(kind) = kind {
            member.kinds.entry(kind).or_default().add(sums, 1.0);
        }
    }

    /// Measures everybody.
    pub(in crate::core) fn measure(&self) -> Yardstick {
        let there = self.there();
        let base = self.weighted(&there);
        let comparable: Vec<f64> = match base.rate() {
            Some(rate) if rate > 0.0 => self.comparable(&there, rate),
            Some(_) | None => self.members.iter().map(|member| member.all.chances).collect(),
        };
        let measured = |(member, comparable): (&Member<'_>, f64)| Measured {
            chances: member.all.chances,
            results: member.all.results,
            comparable,
        };
        Yardstick { base_rate: base.rate(), members: self.members.iter().zip(comparable).map(measured).collect() }
    }

    /// How much each member counts as there throughout. Everybody does when those who do have nothing to show.
    fn there(&self) -> Vec<f64> {
        let weeks: Vec<Weeks> = self.members.iter().map(Member::weeks).collect();
        let there = participation::throughout(&weeks);
        if self.weighted(&there).results > 0.0 { there } else { vec![1.0; self.members.len()] }
    }

    fn weighted(&self, there: &[f64]) -> Sums {
        let mut sums = Sums::default();
        self.members.iter().zip(there).for_each(|(member, there)| sums.add(member.all, *there));
        sums
    }

    fn comparable(&self, there: &[f64], base_rate: f64) -> Vec<f64> {
        let sources: Vec<MemberSources<'_>> =
            self.members.iter().zip(there).map(|(member, there)| member.sources(*there)).collect();
        let sources = LeadSources::of(&sources, base_rate);
        let of_member = |(position, (member, there)): (usize, (&Member<'_>, &f64))| {
            let factors = sources.as_ref().map_or_else(Factors::default, |sources| sources.factors(position));
            let all = match &sources {
                None => member.all.chances,
                Some(_) => member.kinds.iter().map(|((source, _), sums)| sums.chances * factors.of(*source)).sum(),
            };
            match *there {
                there if there >= 1.0 => all,
                there => there * all + (1.0 - there) * self.for_a_time(position, &factors, base_rate),
            }
        };
        self.members.iter().zip(there).enumerate().map(of_member).collect()
    }

    /// A member's chances, each measured by its week.
    fn for_a_time(&self, position: usize, factors: &Factors<'_>, base_rate: f64) -> f64 {
        let Some(member) = self.members.get(position) else { return 0.0 };
        let weeks = self.week_factors(position, factors, base_rate);
        let factor = |week: &Week| weeks.get(week).copied().unwrap_or(1.0);
        member.kinds.iter().map(|((source, week), sums)| sums.chances * factors.of(*source) * factor(week)).sum()
    }

    /// How much better or worse chances were in each week than by their source: by what everybody made of them, or the others if they
    /// made more. Only as far as others were there to tell.
    fn week_factors(&self, position: usize, factors: &Factors<'_>, base_rate: f64) -> BTreeMap<Week, f64> {
        let (mut everybody, mut own): (BTreeMap<Week, Sums>, BTreeMap<Week, Sums>) = Default::default();
        for (at, member) in self.members.iter().enumerate() {
            for ((source, week), sums) in &member.kinds {
                let expected = Sums { chances: base_rate * sums.chances * factors.of(*source), ..*sums };
                everybody.entry(*week).or_default().add(expected, 1.0);
                if at == position {
                    own.entry(*week).or_default().add(expected, 1.0);
                }
            }
        }
        let told: f64 = everybody.values().map(|sums| sums.results).sum();
        let all: f64 = self.members.iter().map(|member| member.all.results).sum();
        // Results of which nobody knows the week are taken as spread like the others.
        let part_told = if all > 0.0 { told / all } else { 0.0 };
        if part_told <= 0.0 {
            return BTreeMap::new();
        }
        let factor = |(week, sums): (Week, Sums)| {
            let own = own.get(&week).copied().unwrap_or_default();
            let mut others = sums;
            others.add(own, -1.0);
            let rate = sums.rate()?.max(others.rate().unwrap_or(0.0)) / part_told;
            Some((week, 1.0 + told_by(others.count) * (rate - 1.0)))
        };
        everybody.into_iter().filter_map(factor).collect()
    }
}
