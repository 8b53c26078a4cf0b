//! What a chance of each lead source is worth to a member, told by the others.
//!
//! ```text
//! R[s]   = results / chances of everybody in the source          others[s] = the same without the member
//! worth  = max(others[s], (results of others + 40 R[s]) / (chances of others + 40)) / R0, evened out so that those of known
//!          source are worth R0 on average
//! factor = 1 + told * (worth - 1), with told = 1 from 20 chances on that are not of whoever has most in the source, in proportion
//!          below
//! ```
//!
//! A member's own deals do not make its source a poor one, so that filing lost deals under a source of one's own, or clearing it,
//! does not pay. Where others did worse by chance, the pool's rate pulls theirs up: nobody looks brilliant beside a handful of
//! failures of others.

use std::collections::BTreeMap;

use super::chance_sums::Sums;

/// Sources play a part when at least this part of all chances has one.
const KNOWN_MIN: f64 = 0.8;

/// So many chances besides those of whoever has most tell in full what a source is worth; fewer tell as much less.
const TOLD_BY_CHANCES: f64 = 20.0;

/// So many chances at the pool's rate stand beside those of the others.
const PULLED_BY_CHANCES: f64 = 40.0;

/// One member's chances and results by source, and how much it counts as there throughout.
#[derive(Debug)]
pub(in crate::core) struct MemberSources<'s> {
    /// Everything, whether its source is known or not.
    pub(in crate::core) all: Sums,
    /// By known source.
    pub(in crate::core) known: BTreeMap<&'s str, Sums>,
    /// 0 to 1.
    pub(in crate::core) there: f64,
}

/// The lead sources of a pool.
#[derive(Debug)]
pub(in crate::core) struct LeadSources<'m, 's> {
    members: &'m [MemberSources<'s>],
    /// Of everybody, as far as there throughout.
    rates: BTreeMap<&'s str, Sums>,
    /// How far each source is told of.
    told: BTreeMap<&'s str, f64>,
    base_rate: f64,
}

/// A source's factor for one member.
#[derive(Debug, Clone, Copy)]
struct Worth {
    told: f64,
    worth: f64,
}

/// How many times a usual chance one of each source is worth to a member. What it does not know is a usual one.
#[derive(Debug, Default)]
pub(in crate::core) struct Factors<'s>(BTreeMap<&'s str, f64>);

impl Factors<'_> {
    /// Of a source.
    pub(in crate::core) fn of(&self, source: Option<&str>) -> f64 {
        source.and_then(|source| self.0.get(source)).copied().unwrap_or(1.0)
    }
}

impl<'m, 's> LeadSources<'m, 's> {
    /// None where there is nothing to tell apart: most sources unknown, or only one.
    pub(in crate::core) fn of(members: &'m [MemberSources<'s>], base_rate: f64) -> Option<Self> {
        let mut rates: BTreeMap<&str, Sums> = BTreeMap::new();
        let mut counts: BTreeMap<&str, (f64, f64)> = BTreeMap::new();
        let (mut known, mut whole) = (0.0, 0.0);
        for member in members {
            whole += member.all.chances;
            for (source, sums) in member.known.iter().filter(|(_, sums)| sums.chances > 0.0) {
                known += sums.chances;
                rates.entry(source).or_default().add(*sums, member.there);
                let (all, most) = counts.entry(source).or_default();
                (*all, *most) = (*all + sums.count, most.max(sums.count));
            }
        }
        let told = |(source, (all, most)): (&'s str, (f64, f64))| (source, ((all - most) / TOLD_BY_CHANCES).clamp(0.0, 1.0));
        let tells = counts.len() >= 2 && known >= KNOWN_MIN * whole;
        tells.then(|| Self { members, rates, told: counts.into_iter().map(told).collect(), base_rate })
    }

    /// For one member.
    pub(in crate::core) fn factors(&self, position: usize) -> Factors<'s> {
        let Some(member) = self.members.get(position) else { return Factors::default() };
        let worths: BTreeMap<&str, Worth> =
            self.rates.iter().filter_map(|(source, all)| Some((*source, self.worth(member, source, *all)?))).collect();
        let (mut usual, mut worth) = (0.0, 0.0);
        for member in self.members {
            for (source, sums) in &member.known {
                if let Some(of) = worths.get(source) {
                    usual += member.there * sums.chances * of.told;
                    worth += member.there * sums.chances * of.told * of.worth;
                }
            }
        }
        let even = if worth > 0.0 { usual / worth } else { 1.0 };
        let factor = |(source, of): (&'s str, Worth)| (source, 1.0 + of.told * (of.worth * even - 1.0));
        Factors(worths.into_iter().map(factor).collect())
    }

    fn worth(&self, member: &MemberSources<'_>, source: &str, all: Sums) -> Option<Worth> {
        let own = member.known.get(source).copied().unwrap_or_default();
        let told = self.told.get(source).copied().unwrap_or(0.0);
        let rate = all.rate()?;
        let mut others = all;
        others.add(own, -member.there);
        // What is left of a subtraction may lie a little below 0.
        let (chances, results) = (others.chances.max(0.0), others.results.max(0.0));
        let pulled = (results + PULLED_BY_CHANCES * rate) / (chances + PULLED_BY_CHANCES);
        let rate = if chances > 0.0 { pulled.max(results / chances) } else { pulled };
        Some(Worth { told, worth: rate / self.base_rate })
    }
}
