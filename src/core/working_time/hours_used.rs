//! Which working hours hold for whom: an agent's own, else the group's, else those of the group above, else the workspace's.
//!
//! Resolved once per document. What stands nearest wins; whoever has none anywhere works always.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::hours::{Hours, Window};
use crate::core::distribution::rotation;
use crate::core::ids::HoursId;
use crate::core::workspace::{
    AgentIx, Fault, FaultKind, Group, GroupIx, HoursIx, Member, MemberRef, Noun, Workspace, WorkspaceParts,
};

/// The schedules of a workspace's groups and agents.
#[derive(Debug, Clone, Default)]
pub(in crate::core) struct HoursUsed {
    groups: Vec<Option<HoursIx>>,
    own: Vec<Option<HoursIx>>,
    in_group: Vec<Box<[HoursIx]>>,
    usual: Option<HoursIx>,
}

impl HoursUsed {
    /// Resolves references. What groups inherit is only looked at when all else is sound.
    pub(in crate::core) fn resolve(parts: &WorkspaceParts, groups: &[Group], faults: &mut Vec<Fault>) -> Self {
        let mut find = |pointer: String, id: Option<&HoursId>| {
            let id = id?;
            let found = (0..).map(HoursIx).zip(&parts.hours).find(|(_, hours)| hours.id() == id).map(|(ix, _)| ix);
            if found.is_none() {
                let kind = FaultKind::Unknown { id: id.to_string(), wanted: "a schedule of `hours`", noun: Noun::Hours };
                faults.push(Fault { pointer, kind });
            }
            found
        };
        let usual = find("/default_hours".to_owned(), parts.default_hours.as_ref());
        let agents = parts.agents.iter().enumerate();
        let own = agents.map(|(at, agent)| find(format!("/agents/{at}/hours"), agent.duty.hours.as_ref())).collect();
        let named: Vec<Option<HoursIx>> = parts
            .groups
            .iter()
            .enumerate()
            .map(|(at, group)| find(format!("/groups/{at}/hours"), group.hours.as_ref()))
            .collect();
        let mut used = Self { groups: named.clone(), own, in_group: Vec::new(), usual };
        if faults.is_empty() && !parts.hours.is_empty() {
            used.groups = (0..groups.len()).map(|at| inherited(at, (groups, &named), usual, faults)).collect();
            used.in_group = groups.iter().zip(&used.groups).map(|(group, hours)| used.among(group, *hours)).collect();
        }
        used
    }

    /// The schedules of a group's own people, each once.
    fn among(&self, group: &Group, hours: Option<HoursIx>) -> Box<[HoursIx]> {
        let of = |member: &Member| match member.who {
            MemberRef::Agent(agent) => self.own.get(agent.0 as usize).copied().flatten().or(hours),
            MemberRef::Group(_) => None,
        };
        let used: BTreeSet<HoursIx> = group.members.iter().filter_map(of).collect();
        used.into_iter().collect()
    }
}

/// The hours of a group: its own, else those on which the groups above agree.
fn inherited(
    at: usize,
    (groups, named): (&[Group], &[Option<HoursIx>]),
    usual: Option<HoursIx>,
    faults: &mut Vec<Fault>,
) -> Option<HoursIx> {
    if let Some(own) = named.get(at).copied().flatten() {
        return Some(own);
    }
    let me = MemberRef::Group(GroupIx(u32::try_from(at).unwrap_or(u32::MAX)));
    let is_above = |group: &Group| group.members.iter().any(|member| member.who == me && member.base > 0.0);
    let above: Vec<usize> = groups.iter().enumerate().filter(|(_, group)| is_above(group)).map(|(above, _)| above).collect();
    // What is wrong further up is told there.
    let mut elsewhere = Vec::new();
    let theirs: Vec<Option<HoursIx>> =
        above.iter().map(|above| inherited(*above, (groups, named), usual, &mut elsewhere)).collect();
    let first = theirs.first().copied().unwrap_or(usual);
    if theirs.iter().any(|hours| *hours != first) {
        let names: Vec<&str> = above.iter().filter_map(|at| groups.get(*at)).map(|group| group.id.as_str()).collect();
        let id = groups.get(at).map(|group| group.id.as_str()).unwrap_or_default();
        let text = format!("group `{id}` is in {}, whose working hours differ: give it `hours` of its own", names.join(" and "));
        faults.push(Fault { pointer: format!("/groups/{at}"), kind: FaultKind::Refused(text) });
    }
    first
}

impl Workspace {
    /// The schedule with this id.
    pub fn find_hours(&self, id: &HoursId) -> Option<HoursIx> {
        (0..).map(HoursIx).zip(&self.hours).find(|(_, hours)| hours.id() == id).map(|(ix, _)| ix)
    }

    /// What a schedule says of an instant.
    pub fn window(&self, ix: HoursIx, at: Timestamp) -> Option<Window> {
        self.hours.get(ix.0 as usize).map(|hours| hours.window(at))
    }

    /// The schedules of the agents that are members of a group itself, each once.
    pub fn hours_in_group(&self, group: GroupIx) -> &[HoursIx] {
        self.hours_used.in_group.get(group.0 as usize).map(|used| &**used).unwrap_or_default()
    }

    /// The working hours of a group; none means always.
    pub fn hours_of_group(&self, group: GroupIx) -> Option<HoursIx> {
        self.hours_used.groups.get(group.0 as usize).copied().flatten()
    }

    /// The working hours of an agent for calls through a group; none means always.
    pub fn hours_of(&self, agent: AgentIx, group: GroupIx) -> Option<HoursIx> {
        self.own_hours(agent).or_else(|| self.hours_of_group(group))
    }

    /// The agent's own working hours.
    pub fn own_hours(&self, agent: AgentIx) -> Option<HoursIx> {
        self.hours_used.own.get(agent.0 as usize).copied().flatten()
    }

    /// The working hours by which an agent's results age: the agent's own, else those of the first group of the document that the
    /// agent is in, else the workspace's.
    pub fn hours_of_results(&self, agent: AgentIx) -> Option<HoursIx> {
        if self.hours.is_empty() {
            return None;
        }
        let first = || rotation::groups_of(self, agent).next();
        self.own_hours(agent).or_else(|| first().map_or(self.usual_hours(), |group| self.hours_of_group(group)))
    }

    /// The schedule of [`Self::hours_of_results`].
    pub fn schedule_of_results(&self, agent: AgentIx) -> Option<&Hours> {
        self.hours.get(self.hours_of_results(agent)?.0 as usize)
    }

    /// The working hours that hold where nothing nearer is said.
    pub fn usual_hours(&self) -> Option<HoursIx> {
        self.hours_used.usual
    }
}
