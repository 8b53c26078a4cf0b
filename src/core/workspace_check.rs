//! Checks a workspace's parts against each other: unique ids, references, cycles, shares that can be given out.

use std::collections::{BTreeMap, HashMap};

use super::ids::{ConnectionId, CrmUserId};
use super::policy::{Exposure, Mode};
use super::routing::route_check;
use super::working_time::hours_used::HoursUsed;
use super::workspace::AgentIx;
use super::workspace::{
    ConnectionKind, Fault, FaultKind, Group, GroupIx, GroupParts, Member, MemberName, MemberRef, Noun, PolicyIx, Workspace,
    WorkspaceParts,
};

pub(super) fn build(parts: WorkspaceParts) -> Result<Workspace, Vec<Fault>> {
    let mut faults = Vec::new();
    let names = Names::collect(&parts, &mut faults);
    let groups = resolve_groups(&parts, &names, &mut faults);
    let routes = route_check::resolve(&parts, &names.groups, &mut faults);
    unique("hours", "hours", parts.hours.iter().map(|hours| hours.id().as_str()), &mut faults);
    check_score_connections(&parts, &mut faults);
    check_crm_users(&parts, &mut faults);
    check_numbers(&parts, &mut faults);
    check_event_feeds(&parts, &mut faults);
    check_experiments(&parts, &mut faults);
    if faults.is_empty() {
        check_cycles(&groups, &mut faults);
    }
    if faults.is_empty() {
        check_shares(&groups, &mut faults);
        super::load::all_stopped_check::check(&parts, &groups, &mut faults);
    }
    let hours_used = HoursUsed::resolve(&parts, &groups, &mut faults);
    if faults.is_empty() { Ok(Workspace::assemble(parts, groups, routes, hours_used)) } else { Err(faults) }
}

pub(super) fn fault(pointer: impl Into<String>, kind: FaultKind) -> Fault {
    Fault { pointer: pointer.into(), kind }
}

struct Names<'a> {
    agents: HashMap<&'a str, AgentIx>,
    groups: HashMap<&'a str, GroupIx>,
    policies: HashMap<&'a str, PolicyIx>,
}

impl<'a> Names<'a> {
    fn collect(parts: &'a WorkspaceParts, faults: &mut Vec<Fault>) -> Self {
        let agents = unique("agent", "agents", parts.agents.iter().map(|agent| agent.id.as_str()), faults);
        let groups = unique("group", "groups", parts.groups.iter().map(|group| group.id.as_str()), faults);
        let policies = unique("policy", "policies", parts.policies.iter().map(|policy| policy.id.as_str()), faults);
        // Credit is kept by member: one id must never mean two.
        for (id, position) in groups.iter().filter(|(id, _)| agents.contains_key(*id)) {
            faults.push(fault(format!("/groups/{position}/id"), FaultKind::AmbiguousId { id: (*id).to_owned() }));
        }
        unique("list", "lists", parts.lists.iter().map(|list| &*list.id), faults);
        unique("route", "routes", parts.routes.iter().map(|route| route.id.as_str()), faults);
        unique("connection", "connections", parts.connections.iter().map(|connection| connection.id.as_str()), faults);
        Self {
            agents: agents.into_iter().map(|(id, ix)| (id, AgentIx(ix))).collect(),
            groups: groups.into_iter().map(|(id, ix)| (id, GroupIx(ix))).collect(),
            policies: policies.into_iter().map(|(id, ix)| (id, PolicyIx(ix))).collect(),
        }
    }

    fn member(&self, name: &MemberName) -> Result<MemberRef, FaultKind> {
        let unknown = |id: &str, wanted, noun| FaultKind::Unknown { id: id.to_owned(), wanted, noun };
        match name {
            MemberName::Agent(id) => match self.agents.get(id.as_str()) {
                Some(ix) => Ok(MemberRef::Agent(*ix)),
                None => Err(unknown(id.as_str(), "an agent", Noun::Agent)),
            },
            MemberName::Group(id) => match self.groups.get(id.as_str()) {
                Some(ix) => Ok(MemberRef::Group(*ix)),
                None => Err(unknown(id.as_str(), "a group", Noun::Group)),
            },
            MemberName::Any(id) => match (self.agents.get(id.as_str()), self.groups.get(id.as_str())) {
                // An id of both is told where the group has it.
                (Some(ix), _) => Ok(MemberRef::Agent(*ix)),
                (None, Some(ix)) => Ok(MemberRef::Group(*ix)),
                (None, None) => Err(unknown(id, "an agent or a group", Noun::Member)),
            },
        }
    }
}

fn unique<'a>(
    noun: &'static str,
    section: &str,
    ids: impl Iterator<Item = &'a str>,
    faults: &mut Vec<Fault>,
) -> HashMap<&'a str, u32> {
    let mut seen: HashMap<&str, u32> = HashMap::new();
    for (id, position) in ids.zip(0u32..) {
        if let Some(first) = seen.get(id) {
            let first = format!("/{section}/{first}");
            faults.push(fault(format!("/{section}/{position}/id"), FaultKind::Duplicate { noun, id: id.to_owned(), first }));
        } else {
            seen.insert(id, position);
        }
    }
    seen
}

fn resolve_groups(parts: &WorkspaceParts, names: &Names<'_>, faults: &mut Vec<Fault>) -> Vec<Group> {
    let mut groups = Vec::with_capacity(parts.groups.len());
    for (position, group) in parts.groups.iter().enumerate() {
        let policy = names.policies.get(group.policy.as_str()).copied();
        if policy.is_none() {
            let kind = FaultKind::Unknown { id: group.policy.to_string(), wanted: "a policy", noun: Noun::Policy };
            faults.push(fault(format!("/groups/{position}/policy"), kind));
        }
        let members = resolve_members(position, group, names, faults);
        if let Some(policy) = policy {
            groups.push(Group { id: group.id.clone(), members, policy });
        }
    }
    groups
}

fn resolve_members(position: usize, group: &GroupParts, names: &Names<'_>, faults: &mut Vec<Fault>) -> Vec<Member> {
    let mut members: Vec<Member> = Vec::with_capacity(group.members.len());
    for (at, member) in group.members.iter().enumerate() {
        let pointer = format!("/groups/{position}/members/{at}");
        match names.member(&member.who) {
            Ok(who) if members.iter().any(|known| known.who == who) => {
                let name = match &member.who {
                    MemberName::Any(id) => id.clone(),
                    MemberName::Agent(id) => id.to_string(),
                    MemberName::Group(id) => id.to_string(),
                };
                faults.push(fault(pointer, FaultKind::MemberTwice { member: name, group: group.id.to_string() }));
            }
            Ok(who) => members.push(Member { who, base: member.base }),
            Err(kind) => faults.push(fault(pointer, kind)),
        }
    }
    members
}

fn is_crm(parts: &WorkspaceParts, id: &ConnectionId) -> bool {
    parts.connections.iter().any(|connection| connection.id == *id && matches!(connection.kind, ConnectionKind::Crm { .. }))
}

fn check_score_connections(parts: &WorkspaceParts, faults: &mut Vec<Fault>) {
    for (position, policy) in parts.policies.iter().enumerate() {
        let Some(score) = &policy.score else { continue };
        for (at, connection) in score.crm.iter().enumerate() {
            if !is_crm(parts, connection) {
                let kind =
                    FaultKind::Unknown { id: connection.to_string(), wanted: "a CRM connection", noun: Noun::CrmConnection };
                faults.push(fault(format!("/policies/{position}/score/crm/{at}"), kind));
            }
        }
    }
}

fn check_crm_users(parts: &WorkspaceParts, faults: &mut Vec<Fault>) {
    let mut seen: BTreeMap<(&ConnectionId, &CrmUserId), &str> = BTreeMap::new();
    for (position, agent) in parts.agents.iter().enumerate() {
        for (connection, user) in &agent.crm_users {
            let pointer = format!("/agents/{position}/crm_users/{connection}");
            if !is_crm(parts, connection) {
                let kind =
                    FaultKind::Unknown { id: connection.to_string(), wanted: "a CRM connection", noun: Noun::CrmConnection };
                faults.push(fault(pointer, kind));
            } else if let Some(other) = seen.insert((connection, user), agent.id.as_str()) {
                let text = format!(
                    "user `{user}` of CRM connection `{connection}` is mapped to both `{other}` and `{}`: a deal belongs to one agent",
                    agent.id
                );
                faults.push(fault(pointer, FaultKind::Refused(text)));
            }
        }
    }
}

fn check_numbers(parts: &WorkspaceParts, faults: &mut Vec<Fault>) {
    let mut seen: HashMap<&str, &str> = HashMap::new();
    for (position, agent) in parts.agents.iter().enumerate() {
        for (at, number) in agent.numbers.iter().enumerate() {
            if let Some(other) = seen.insert(&number.value, agent.id.as_str()) {
                let text = if other == agent.id.as_str() {
                    format!("agent `{other}` has this number twice")
                } else {
                    format!("agents `{other}` and `{}` have the same number: events could not tell them apart", agent.id)
                };
                faults.push(fault(format!("/agents/{position}/numbers/{at}"), FaultKind::Refused(text)));
            }
        }
    }
}

/// A PBX that posts no events never tells how long anybody talked.
fn check_event_feeds(parts: &WorkspaceParts, faults: &mut Vec<Fault>) {
    use super::workspace::EventFeed;
    let pbx: Vec<&EventFeed> = parts
        .connections
        .iter()
        .filter_map(|connection| match &connection.kind {
            ConnectionKind::Pbx { events, .. } => Some(events),
            ConnectionKind::Crm { .. } => None,
        })
        .collect();
    let has_talk_time = pbx.is_empty() || pbx.iter().any(|events| matches!(events, EventFeed::Full));
    for (position, policy) in parts.policies.iter().enumerate() {
        if policy.mode == Mode::EqualTalkTime && !has_talk_time {
            let text =
                "equal_talk_time needs call events, and no PBX connection here has `events: full`: talk time would stay unknown";
            faults.push(fault(format!("/policies/{position}/mode"), FaultKind::Refused(text.to_owned())));
        }
        let counts_calls = policy.score.as_ref().is_some_and(|score| score.exposure == Exposure::Calls);
        if counts_calls && !has_talk_time {
            let text = "conversions from calls need call events, and no PBX connection here has `events: full`: no \
                        conversation would ever be known";
            faults.push(fault(format!("/policies/{position}/score/exposure"), FaultKind::Refused(text.to_owned())));
        }
    }
}

/// An experiment is judged by contracts, and those come from a CRM.
fn check_experiments(parts: &WorkspaceParts, faults: &mut Vec<Fault>) {
    let has_crm = parts.connections.iter().any(|connection| matches!(connection.kind, ConnectionKind::Crm { .. }));
    if has_crm || parts.connections.is_empty() {
        return;
    }
    for (position, _) in parts.policies.iter().enumerate().filter(|(_, policy)| policy.rollout.experiment.is_some()) {
        let text = "an experiment is judged by contracts, and no CRM connection here tells of any: add one to `connections`";
        faults.push(fault(format!("/policies/{position}/experiment"), FaultKind::Refused(text.to_owned())));
    }
}

fn check_cycles(groups: &[Group], faults: &mut Vec<Fault>) {
    #[derive(Clone, Copy, PartialEq)]
    enum Mark {
        New,
        Open,
        Done,
    }
    fn visit(at: usize, groups: &[Group], marks: &mut [Mark], path: &mut Vec<usize>, faults: &mut Vec<Fault>) {
        let (Some(group), Some(mark)) = (groups.get(at), marks.get_mut(at)) else { return };
        *mark = Mark::Open;
        path.push(at);
        for (position, member) in group.members.iter().enumerate() {
            let MemberRef::Group(GroupIx(next)) = member.who else { continue };
            let next = next as usize;
            match marks.get(next) {
                Some(Mark::New) => visit(next, groups, marks, path, faults),
                Some(Mark::Open) => {
                    let start = path.iter().position(|ix| *ix == next).unwrap_or(0);
                    let ring = path.iter().skip(start).chain([&next]).filter_map(|ix| groups.get(*ix));
                    let ring: Vec<&str> = ring.map(|group| group.id.as_str()).collect();
                    let name = ring.first().copied().unwrap_or_default().to_owned();
                    let kind = FaultKind::Cycle { group: name, path: ring.join(" > ") };
                    faults.push(fault(format!("/groups/{at}/members/{position}"), kind));
                }
                Some(Mark::Done) | None => {}
            }
        }
        path.pop();
        if let Some(mark) = marks.get_mut(at) {
            *mark = Mark::Done;
        }
    }
    let mut marks = vec![Mark::New; groups.len()];
    for at in 0..groups.len() {
        if marks.get(at) == Some(&Mark::New) {
            visit(at, groups, &mut marks, &mut Vec::new(), faults);
        }
    }
}

fn check_shares(groups: &[Group], faults: &mut Vec<Fault>) {
    for (position, group) in groups.iter().enumerate() {
        let sum: f64 = group.members.iter().map(|member| member.base).sum();
        if sum <= 0.0 {
            faults.push(fault(format!("/groups/{position}/members"), FaultKind::SharesSumToZero { group: group.id.to_string() }));
        }
    }
}
