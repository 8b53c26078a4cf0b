//! Shares nobody could carry: how large a member's share can be at a load, which shares lie above it, and how that is said.
//!
//! A person carries the ceiling of `offered_load`; a group carries what all its people together do. It looks at one group's load
//! alone: who works in several groups, or has many clients of the own, can carry less.

use std::collections::BTreeSet;

use super::offered_load::{OCCUPANCY_MAX, OfferedLoad};
use crate::core::workspace::{AgentIx, GroupIx, MemberRef, Workspace};

/// A share counts as above the ceiling from so far above it on: the load is measured, and half a percentage point of it is noise.
const MARGIN: f64 = 0.005;

/// At most so many members are named in one sentence.
const NAMED_MAX: usize = 5;

/// What the members of a group can carry at a load.
#[derive(Debug, Clone, Copy)]
pub struct GroupCeiling<'a> {
    /// The workspace.
    pub workspace: &'a Workspace,
    /// The group.
    pub group: GroupIx,
    /// Its load.
    pub load: OfferedLoad,
}

/// A share above what its member can carry.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AboveCeiling {
    /// Position of the member in the group.
    pub member: usize,
    /// The share.
    pub share: f64,
    /// The largest share the member can carry.
    pub feasible: f64,
}

impl GroupCeiling<'_> {
    /// The largest share one person can carry, from 0 to 1.
    pub fn one_person(&self) -> f64 {
        self.load.feasible_share(OCCUPANCY_MAX)
    }

    /// The largest share a member can carry, from 0 to 1.
    pub fn feasible(&self, who: MemberRef) -> f64 {
        (people(self.workspace, who).len() as f64 * self.one_person()).min(1.0)
    }

    /// Whether a share lies above what its member can carry.
    pub fn is_above(&self, who: MemberRef, share: f64) -> bool {
        share > self.feasible(who) + MARGIN
    }

    /// The shares above what their members can carry, the largest first.
    pub fn above(&self, shares: &[f64]) -> Vec<AboveCeiling> {
        let members = self.workspace.group(self.group).members.iter().zip(shares).enumerate();
        let found = members.filter(|(_, (member, share))| self.is_above(member.who, **share));
        let mut found: Vec<AboveCeiling> = found
            .map(|(position, (member, share))| AboveCeiling {
                member: position,
                share: *share,
                feasible: self.feasible(member.who),
            })
            .collect();
        found.sort_by(|a, b| b.share.total_cmp(&a.share).then(a.member.cmp(&b.member)));
        found
    }

    /// What is wrong with these shares and what to do, in one sentence; none where each can be carried.
    pub fn told(&self, shares: &[f64]) -> Option<String> {
        let above = self.above(shares);
        match above.as_slice() {
            [] => None,
            _ if self.is_all(&above, shares) => Some(self.team_told()),
            [one] => Some(self.one_told(one)),
            several => Some(self.several_told(several)),
        }
    }

    /// The same one by one: the position of the member, or none where it is about the whole group.
    pub fn told_apart(&self, shares: &[f64]) -> Vec<(Option<usize>, String)> {
        let above = self.above(shares);
        if !above.is_empty() && self.is_all(&above, shares) {
            return vec![(None, self.team_told())];
        }
        above.iter().map(|one| (Some(one.member), self.one_told(one))).collect()
    }

    fn is_all(&self, above: &[AboveCeiling], shares: &[f64]) -> bool {
        above.len() == shares.iter().filter(|share| **share > 0.0).count()
    }

    fn team_told(&self) -> String {
        let (id, load) = (&self.workspace.group(self.group).id, self.load_in_words());
        let needed = (self.load.erlangs() / OCCUPANCY_MAX).ceil();
        let have = people(self.workspace, MemberRef::Group(self.group)).len();
        format!(
            "every share of group `{id}` is more than its member can carry: {load} the group needs {needed:.0} people and has {have}; \
             add people, or let calls go elsewhere"
        )
    }

    fn one_told(&self, above: &AboveCeiling) -> String {
        let Some(member) = self.workspace.group(self.group).members.get(above.member) else { return String::new() };
        let who = match (member.who, people(self.workspace, member.who).len()) {
            (MemberRef::Agent(_), _) | (MemberRef::Group(_), 1) => "one person can carry".to_owned(),
            (MemberRef::Group(_), count) => format!("its {count} people can carry together"),
        };
        let (name, id, load) =
            (self.workspace.member_name(member.who), &self.workspace.group(self.group).id, self.load_in_words());
        let (share, feasible) = (100.0 * above.share, 100.0 * above.feasible);
        format!(
            "the share of `{name}` in group `{id}`, {share:.0} %, is more than {who}: {load} at most {feasible:.0} %; what is missed \
             goes to the others: lower the share, or add people"
        )
    }

    fn several_told(&self, several: &[AboveCeiling]) -> String {
        let name = |one: &AboveCeiling| {
            let member = self.workspace.group(self.group).members.get(one.member);
            let name = member.map(|member| self.workspace.member_name(member.who)).unwrap_or_default();
            format!("`{name}` {:.0} % (at most {:.0} %)", 100.0 * one.share, 100.0 * one.feasible)
        };
        let named: Vec<String> = several.iter().take(NAMED_MAX).map(name).collect();
        let more = several.len().saturating_sub(NAMED_MAX);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let (id, load) = (&self.workspace.group(self.group).id, self.load_in_words());
        format!(
            "in group `{id}` some shares are more than their members can carry {load}: {}{more}; what is missed goes to the others: \
             lower these shares, or add people",
            named.join(", ")
        )
    }

    /// `at 40 answered calls an hour of 7 minutes`.
    fn load_in_words(&self) -> String {
        let (calls, minutes) = (self.load.calls_per_hour(), self.load.busy_seconds_per_call() / 60.0);
        let calls = if calls < 10.0 { format!("{calls:.1}") } else { format!("{calls:.0}") };
        let minutes = format!("{minutes:.1}");
        format!("at {calls} answered calls an hour of {} minutes each", minutes.strip_suffix(".0").unwrap_or(&minutes))
    }
}

/// Everybody who can be rung through a member.
fn people(workspace: &Workspace, who: MemberRef) -> BTreeSet<AgentIx> {
    match who {
        MemberRef::Agent(agent) => BTreeSet::from([agent]),
        MemberRef::Group(group) => {
            let members = workspace.group(group).members.iter().filter(|member| member.base > 0.0);
            members.flat_map(|member| people(workspace, member.who)).collect()
        }
    }
}
