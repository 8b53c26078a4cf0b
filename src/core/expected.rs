//! What an average agent of the pool would have brought from the same chances.
//!
//! ```text
//! R0         = sum of results / sum of chances                  (everybody who was there throughout)
//! R0[source] = the same within one lead source
//! R0[week]   = the same within one week                         (everybody who was there that week)
//! expected_i = sum over chances of R0, of R0[source] where sources are known, of R0[week] for who was there for a time only
//! ```
//!
//! Comparing within the week is what makes a promotion harmless: whoever worked in that week alone sold to the same easy customers
//! as everybody else in it, and is measured by them; and does not move the bar for those who work all the year round. Somebody counts
//! as there throughout from half of the pool's time on, up to a quarter of it as there for a time only, and in proportion
//! in between, so that nobody's score jumps. Where somebody was alone in a week, there is nobody to compare with: that part is
//! measured by R0.
//!
//! A chance whose source is not known expects R0: were it measured by its like, clearing the source of lost deals would pay.
//!
//! It must not know what a chance is: opportunities, calls and contracts are handed in by `score` and `per_contract`.

use std::collections::{BTreeMap, BTreeSet};

use super::score_scope::Week;

/// Sources play a part when at least this part of all chances has one.
const SOURCES_KNOWN_MIN: f64 = 0.8;

/// The kind of a chance: from which lead source it came, and in which week.
pub(super) type Kind<'s> = (Option<&'s str>, Week);

#[derive(Debug, Default, Clone, Copy)]
struct Sums {
    chances: f64,
    results: f64,
}

impl Sums {
    fn add(&mut self, other: Sums, part: f64) {
        self.chances += other.chances * part;
        self.results += other.results * part;
    }

    fn rate(self) -> Option<f64> {
        (self.chances > 0.0).then(|| self.results / self.chances)
    }
}

#[derive(Debug, Default, Clone)]
struct Member<'s> {
    all: Sums,
    kinds: BTreeMap<Kind<'s>, Sums>,
}

impl Member<'_> {
    /// The weeks with chances.
    fn weeks(&self) -> impl Iterator<Item = Week> {
        self.kinds.iter().filter(|(_, sums)| sums.chances > 0.0).map(|((_, week), _)| *week)
    }

    /// The first and the last week with chances.
    fn span(&self) -> Option<(Week, Week)> {
        self.weeks().min().zip(self.weeks().max())
    }

    /// Which part of the chances lies in some weeks.
    fn part_in(&self, weeks: &BTreeSet<Week>) -> f64 {
        let inside = self.kinds.iter().filter(|((_, week), _)| weeks.contains(week)).map(|(_, sums)| sums.chances);
        let inside: f64 = inside.sum();
        if self.all.chances > 0.0 { (inside / self.all.chances).min(1.0) } else { 0.0 }
    }
}

/// Chances and results of a pool's members. Sums run in the order in which they are added, then by member.
#[derive(Debug)]
pub(super) struct Chances<'s> {
    members: Vec<Member<'s>>,
}

/// One member beside an average agent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Measured {
    /// What the member had.
    pub(super) chances: f64,
    /// What the member made of it.
    pub(super) results: f64,
    /// The chances in units of average ones: times the base rate it is what an average agent would have made of them.
    pub(super) comparable: f64,
}

/// All members beside an average agent.
#[derive(Debug, Clone)]
pub(super) struct Yardstick {
    /// Results per chance; none without chances.
    pub(super) base_rate: Option<f64>,
    /// By member.
    pub(super) members: Vec<Measured>,
}

impl<'s> Chances<'s> {
    /// None yet.
    pub(super) fn new(members: usize) -> Self {
        Self { members: vec![Member::default(); members] }
    }

    /// A member had a chance.
    pub(super) fn had(&mut self, member: usize, kind: Kind<'s>, weight: f64) {
        self.add(member, Some(kind), Sums { chances: weight, results: 0.0 });
    }

    /// Something came of a chance of this kind; of an unknown kind where nothing tells which chance it was.
    pub(super) fn came_of(&mut self, member: usize, kind: Option<Kind<'s>>, result: f64) {
        self.add(member, kind, Sums { chances: 0.0, results: result });
    }

    fn add(&mut self, member: usize, kind: Option<Kind<'s>>, sums: Sums) {
        let Some(member) = self.members.get_mut(member) else { return };
        member.all.add(sums, 1.0);
        if let Some(kind) = kind {
            member.kinds.entry(kind).or_default().add(sums, 1.0);
        }
    }

    /// Measures everybody.
    pub(super) fn measure(&self) -> Yardstick {
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

    /// How much each member counts as there throughout: 1 from half of the pool's time on, 0 up to a quarter if others were there
    /// too. Everybody does when those who do have nothing to show.
    fn there(&self) -> Vec<f64> {
        let spans: Vec<Option<(Week, Week)>> = self.members.iter().map(|member| member.span()).collect();
        let first = spans.iter().flatten().map(|(first, _)| *first).min();
        let last = spans.iter().flatten().map(|(_, last)| *last).max();
        let weeks = |(first, last): (Week, Week)| (last - first + 1) as f64;
        let pool_weeks = first.zip(last).map_or(1.0, weeks);
        let shared = self.shared_weeks();
        let there = |(member, span): (&Member<'_>, &Option<(Week, Week)>)| {
            let Some(span) = *span else { return 1.0 };
            let covered = (4.0 * weeks(span) / pool_weeks - 1.0).clamp(0.0, 1.0);
            1.0 - (1.0 - covered) * member.part_in(&shared)
        };
        let there: Vec<f64> = self.members.iter().zip(&spans).map(there).collect();
        if self.weighted(&there).results > 0.0 { there } else { vec![1.0; self.members.len()] }
    }

    /// Weeks in which several members had chances.
    fn shared_weeks(&self) -> BTreeSet<Week> {
        let mut members: BTreeMap<Week, u32> = BTreeMap::new();
        for member in &self.members {
            let weeks: BTreeSet<Week> = member.weeks().collect();
            weeks.into_iter().for_each(|week| *members.entry(week).or_default() += 1);
        }
        members.into_iter().filter(|(_, members)| *members > 1).map(|(week, _)| week).collect()
    }

    fn weighted(&self, there: &[f64]) -> Sums {
        let mut sums = Sums::default();
        self.members.iter().zip(there).for_each(|(member, there)| sums.add(member.all, *there));
        sums
    }

    fn comparable(&self, there: &[f64], base_rate: f64) -> Vec<f64> {
        let sources = self.source_rates(there);
        let relative = |source: Option<&str>| {
            let rate = source.and_then(|source| sources.as_ref()?.get(source).copied());
            rate.map_or(1.0, |rate| rate / base_rate)
        };
        let throughout = |member: &Member<'_>| match &sources {
            None => member.all.chances,
            Some(_) => member.kinds.iter().map(|((source, _), sums)| sums.chances * relative(*source)).sum(),
        };
        // Chances of unknown source bring another rate than R0 as a rule: the average agent stays at 1.
        let all: Vec<f64> = self.members.iter().map(throughout).collect();
        let expected: f64 = all.iter().zip(there).map(|(comparable, there)| comparable * there).sum();
        let even = if sources.is_some() && expected > 0.0 { self.weighted(there).chances / expected } else { 1.0 };
        let weeks = self.week_factors(&relative, base_rate * even);
        let for_a_time = |member: &Member<'_>| -> f64 {
            let factor = |week: &Week| weeks.get(week).copied().unwrap_or(1.0);
            member.kinds.iter().map(|((source, week), sums)| sums.chances * relative(*source) * factor(week)).sum()
        };
        let blend = |((member, all), there): ((&Member<'_>, &f64), &f64)| match *there {
            there if there >= 1.0 => all * even,
            there => even * (there * all + (1.0 - there) * for_a_time(member)),
        };
        self.members.iter().zip(&all).zip(there).map(blend).collect()
    }

    /// Results per chance of each lead source; none where there is nothing to tell apart.
    fn source_rates(&self, there: &[f64]) -> Option<BTreeMap<&'s str, f64>> {
        let mut sources: BTreeMap<&str, (Sums, f64)> = BTreeMap::new();
        let (mut known, mut whole) = (0.0, 0.0);
        for (member, there) in self.members.iter().zip(there) {
            for ((source, _), sums) in &member.kinds {
                whole += sums.chances;
                if let Some(source) = source {
                    known += sums.chances;
                    let (of_source, everybody) = sources.entry(source).or_default();
                    of_source.add(*sums, *there);
                    *everybody += sums.chances;
                }
            }
        }
        sources.retain(|_, (_, everybody)| *everybody > 0.0);
        if sources.len() < 2 || known < SOURCES_KNOWN_MIN * whole {
            return None;
        }
        Some(sources.into_iter().filter_map(|(source, (sums, _))| Some((source, sums.rate()?))).collect())
    }

    /// How much better or worse chances were in each week than by their source; only weeks in which several members had some.
    fn week_factors(&self, relative: &impl Fn(Option<&str>) -> f64, base_rate: f64) -> BTreeMap<Week, f64> {
        let mut weeks: BTreeMap<Week, (f64, f64)> = BTreeMap::new();
        for ((source, week), sums) in self.members.iter().flat_map(|member| &member.kinds) {
            let (results, expected) = weeks.entry(*week).or_default();
            *results += sums.results;
            *expected += base_rate * sums.chances * relative(*source);
        }
        let told: f64 = weeks.values().map(|(results, _)| results).sum();
        let all: f64 = self.members.iter().map(|member| member.all.results).sum();
        // Results of which nobody knows the week are taken as spread like the others.
        let part_told = if all > 0.0 { told / all } else { 0.0 };
        if part_told <= 0.0 {
            return BTreeMap::new();
        }
        let shared = self.shared_weeks();
        weeks.retain(|week, (_, expected)| *expected > 0.0 && shared.contains(week));
        weeks.into_iter().map(|(week, (results, expected))| (week, results / (expected * part_told))).collect()
    }
}
