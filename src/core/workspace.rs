//! A workspace as the program uses it: everything checked against everything else, references resolved to positions.
//!
//! Built once per applied document, then immutable and shared. It knows nothing of files, lines or YAML: what is wrong
//! is told as [`Fault`]s with a JSON Pointer into the document, and the edge adds line and column.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use jiff::tz::TimeZone;

use super::agent::{Agent, NumberKind};
use super::call::DialledNumber;
use super::ids::{AgentId, ConnectionId, CrmUserId, GroupId, HoursId, MemberId, PolicyId, RouteId, WorkspaceId};
use super::money::Currency;
use super::phone_number::PhoneNumber;
use super::policy::{Count, Mode, Policy};
use super::proving::rollout;
use super::routing::route::{NumberList, Outcome, When};
use super::shares::head_count;
use super::working_time::hours::Hours;
use super::working_time::hours_used::HoursUsed;

/// Position of an agent in [`Workspace::agents`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AgentIx(pub u32);

/// Position of a group in [`Workspace::groups`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct GroupIx(pub u32);

/// Position of a policy in [`Workspace::policies`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PolicyIx(pub u32);

/// Position of a schedule in [`Workspace::hours`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HoursIx(pub u32);

/// Who a member is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MemberRef {
    /// A person.
    Agent(AgentIx),
    /// Another group.
    Group(GroupIx),
}

/// A member of a group.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Member {
    /// Who.
    pub who: MemberRef,
    /// Relative share typed in by the sales lead; 0 = never rung through this group.
    pub base: f64,
}

/// A named set of members.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    /// The workspace's id.
    pub id: GroupId,
    /// In the order of the document.
    pub members: Vec<Member>,
    /// How it distributes.
    pub policy: PolicyIx,
}

/// What a route wants of the called number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CalledMatch {
    /// Any number.
    Any,
    /// One of these.
    Numbers(Vec<DialledNumber>),
}

/// What matches a call and says what becomes of it. All stated conditions must hold.
#[derive(Debug, Clone, PartialEq)]
pub struct Route {
    /// The workspace's id.
    pub id: RouteId,
    /// The virtual number.
    pub called: CalledMatch,
    /// The PBX's scenario, if it matters.
    pub scenario: Option<String>,
    /// The scenario's step, if it matters.
    pub operation: Option<String>,
    /// What must hold besides.
    pub when: When<Arc<NumberList>, HoursIx>,
    /// What becomes of the call.
    pub outcome: Outcome<GroupIx>,
    /// Where it goes when nobody takes it.
    pub fallback: Option<String>,
}

/// Whether a PBX connection posts call events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventFeed {
    /// It does.
    Full,
    /// It does not: the first target counts as received and is held busy for `hold_seconds`.
    None {
        /// How long a person is held busy after a decision, in seconds.
        hold_seconds: u32,
    },
}

/// What a connection is for, with the settings only that kind has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConnectionKind {
    /// Asks in mid-call and posts events.
    Pbx {
        /// Whether call events come.
        events: EventFeed,
        /// By when a hook must be answered, in milliseconds since its arrival.
        deadline_ms: u32,
        /// Dialects without an attempt: a repeat within this time of the last answer is a retry.
        retry_window_seconds: u32,
    },
    /// Supplies deals and knows callers.
    Crm {
        /// How often deals are pulled, in seconds.
        refresh_seconds: u32,
    },
}

/// One configured instance of an integration.
#[derive(Debug, Clone, PartialEq)]
pub struct Connection {
    /// The workspace's id.
    pub id: ConnectionId,
    /// The manifest's folder: `pbx/native`, `crm/csv`.
    pub integration: String,
    /// What it is for.
    pub kind: ConnectionKind,
    /// As the integration's manifest declares them; secrets are references (`env:NAME`, `file:PATH`).
    pub settings: serde_json::Value,
}

/// What a workspace is made of, with references by id, before they are checked.
#[derive(Debug, Clone)]
pub struct WorkspaceParts {
    /// The tenant's id.
    pub id: WorkspaceId,
    /// The company's name.
    pub name: String,
    /// In which dates without a time are read, and the times of day are shown.
    pub time_zone: TimeZone,
    /// How to read national phone numbers (ISO 3166 alpha-2).
    pub default_region: String,
    /// The currency amounts are compared in.
    pub currency: Currency,
    /// People.
    pub agents: Vec<Agent>,
    /// Groups: id, members as (id, base), policy id.
    pub groups: Vec<GroupParts>,
    /// Policies.
    pub policies: Vec<Policy>,
    /// Lists of numbers that routes refer to.
    pub lists: Vec<NumberList>,
    /// Routes.
    pub routes: Vec<RouteParts>,
    /// Connections.
    pub connections: Vec<Connection>,
    /// Schedules of working hours.
    pub hours: Vec<Hours>,
    /// The schedule of groups that have none, nor a group above with one; none means always.
    pub default_hours: Option<HoursId>,
}

/// A group with references by id.
#[derive(Debug, Clone)]
pub struct GroupParts {
    /// The group's id.
    pub id: GroupId,
    /// Members in order.
    pub members: Vec<MemberParts>,
    /// The policy's id.
    pub policy: PolicyId,
    /// The id of its working hours; none for those of the group above.
    pub hours: Option<HoursId>,
}

/// Who a member is, by id.
#[derive(Debug, Clone)]
pub enum MemberName {
    /// The document does not say whether it is an agent or a group.
    Any(String),
    /// An agent.
    Agent(AgentId),
    /// A group.
    Group(GroupId),
}

/// A member with its reference by id.
#[derive(Debug, Clone)]
pub struct MemberParts {
    /// Who.
    pub who: MemberName,
    /// Relative share.
    pub base: f64,
}

/// A route with its reference by id.
#[derive(Debug, Clone)]
pub struct RouteParts {
    /// The route's id.
    pub id: RouteId,
    /// The virtual number.
    pub called: CalledMatch,
    /// The scenario, if it matters.
    pub scenario: Option<String>,
    /// The step, if it matters.
    pub operation: Option<String>,
    /// What must hold besides, lists and schedules by id.
    pub when: When<String, HoursId>,
    /// What becomes of the call, groups by id.
    pub outcome: Outcome<GroupId>,
    /// Backup number.
    pub fallback: Option<String>,
}

/// What kind of thing an id should have named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Noun {
    /// An agent.
    Agent,
    /// A group.
    Group,
    /// An agent or a group.
    Member,
    /// A policy.
    Policy,
    /// Working hours.
    Hours,
    /// A CRM connection.
    CrmConnection,
    /// A list of numbers.
    List,
}

/// One thing wrong with a workspace document.
#[derive(Debug, Clone, PartialEq)]
pub struct Fault {
    /// JSON Pointer (RFC 6901) into the document.
    pub pointer: String,
    /// What is wrong.
    pub kind: FaultKind,
}

/// What can be wrong between the parts of a workspace.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum FaultKind {
    /// Two things of one kind have the same id.
    #[error("{noun} `{id}` is defined twice; the first is at {first}")]
    Duplicate {
        /// `agent`, `group`...
        noun: &'static str,
        /// The id.
        id: String,
        /// Pointer of the first.
        first: String,
    },
    /// An agent and a group have the same id.
    #[error("`{id}` is the id of both an agent and a group: rename one")]
    AmbiguousId {
        /// The id.
        id: String,
    },
    /// A reference names nothing.
    #[error("`{id}` is not {wanted}")]
    Unknown {
        /// The id.
        id: String,
        /// `an agent`, `a group`...
        wanted: &'static str,
        /// What it should have named, for finding what is near.
        noun: Noun,
    },
    /// A group is inside itself.
    #[error("group `{group}` contains itself: {path}; a call could never reach an agent that way")]
    Cycle {
        /// The group.
        group: String,
        /// `sales > moscow > sales`.
        path: String,
    },
    /// The same member twice in one group.
    #[error("`{member}` is twice a member of group `{group}`: name it once, with one base")]
    MemberTwice {
        /// The member.
        member: String,
        /// The group.
        group: String,
    },
    /// Shares that sum to nothing.
    #[error("the base shares of group `{group}` sum to 0: nobody could ever be rung; give at least one member a base above 0")]
    SharesSumToZero {
        /// The group.
        group: String,
    },
    /// A combination that is refused.
    #[error("{0}")]
    Refused(String),
}

/// A workspace as the program uses it.
#[derive(Debug, Clone)]
pub struct Workspace {
    /// The tenant's id.
    pub id: WorkspaceId,
    /// The company's name.
    pub name: String,
    /// In which dates without a time are read.
    pub time_zone: TimeZone,
    /// How to read national phone numbers.
    pub default_region: String,
    /// The currency amounts are compared in.
    pub currency: Currency,
    /// People, by [`AgentIx`].
    pub agents: Vec<Agent>,
    /// Groups, by [`GroupIx`].
    pub groups: Vec<Group>,
    /// Policies, by [`PolicyIx`].
    pub policies: Vec<Policy>,
    /// Routes in the order they are tried.
    pub routes: Vec<Route>,
    /// Connections in the order of the document.
    pub connections: Vec<Connection>,
    /// Schedules of working hours, by [`HoursIx`].
    pub hours: Vec<Hours>,
    pub(super) hours_used: HoursUsed,
    agent_by_id: HashMap<AgentId, AgentIx>,
    agent_by_number: HashMap<Arc<str>, AgentIx>,
    agent_by_crm_user: HashMap<(ConnectionId, CrmUserId), AgentIx>,
    group_by_id: HashMap<GroupId, GroupIx>,
    equal_shares: Vec<Arc<[f64]>>,
    head_counts: Vec<Box<[usize]>>,
}

impl Workspace {
    /// Checks the parts against each other and resolves references. All faults found are told at once.
    pub fn build(parts: WorkspaceParts) -> Result<Self, Vec<Fault>> {
        super::workspace_check::build(parts)
    }

    /// Puts together what has been checked. Only for `workspace_check`.
    pub(super) fn assemble(parts: WorkspaceParts, groups: Vec<Group>, routes: Vec<Route>, hours_used: HoursUsed) -> Self {
        let mut agent_by_number = HashMap::new();
        let mut agent_by_crm_user = HashMap::new();
        let mut agent_by_id = HashMap::new();
        for (agent, ix) in parts.agents.iter().zip((0..).map(AgentIx)) {
            agent_by_id.insert(agent.id.clone(), ix);
            for number in agent.numbers.iter() {
                agent_by_number.entry(Arc::clone(&number.value)).or_insert(ix);
            }
            for (connection, user) in &agent.crm_users {
                agent_by_crm_user.insert((connection.clone(), user.clone()), ix);
            }
        }
        let head_counts = groups.iter().map(|group| rollout::head_counts(&groups, group)).collect();
        let equal_shares = groups.iter().map(|group| rollout::equal_shares(&groups, group).into()).collect();
        let group_by_id = groups.iter().zip((0..).map(GroupIx)).map(|(group, ix)| (group.id.clone(), ix)).collect();
        Self {
            id: parts.id,
            name: parts.name,
            time_zone: parts.time_zone,
            default_region: parts.default_region,
            currency: parts.currency,
            agents: parts.agents,
            policies: parts.policies,
            connections: parts.connections,
            hours: parts.hours,
            hours_used,
            groups,
            routes,
            agent_by_id,
            agent_by_number,
            agent_by_crm_user,
            group_by_id,
            equal_shares,
            head_counts,
        }
    }

    /// The agent with this id.
    pub fn find_agent(&self, id: &AgentId) -> Option<AgentIx> {
        self.agent_by_id.get(id).copied()
    }

    /// The agent that a PBX means by a number: an extension as it is, a phone number in any spelling.
    pub fn find_agent_by_number(&self, number: &str) -> Option<AgentIx> {
        let number = number.trim();
        self.agent_by_number.get(number).copied().or_else(|| {
            let phone = PhoneNumber::parse(number, &self.default_region).ok()?;
            self.agent_by_number.get(phone.expose()).copied()
        })
    }

    /// The agent mapped to a user of a CRM.
    pub fn find_agent_by_crm_user(&self, connection: &ConnectionId, user: &CrmUserId) -> Option<AgentIx> {
        self.agent_by_crm_user.get(&(connection.clone(), user.clone())).copied()
    }

    /// The group with this id.
    pub fn find_group(&self, id: &GroupId) -> Option<GroupIx> {
        self.group_by_id.get(id).copied()
    }

    /// The connection with this id.
    pub fn find_connection(&self, id: &ConnectionId) -> Option<&Connection> {
        self.connections.iter().find(|connection| connection.id == *id)
    }

    /// The agent at a position.
    #[expect(clippy::indexing_slicing, reason = "positions are only made by this workspace")]
    pub fn agent(&self, ix: AgentIx) -> &Agent {
        &self.agents[ix.0 as usize]
    }

    /// The group at a position.
    #[expect(clippy::indexing_slicing, reason = "positions are only made by this workspace")]
    pub fn group(&self, ix: GroupIx) -> &Group {
        &self.groups[ix.0 as usize]
    }

    /// The policy at a position.
    #[expect(clippy::indexing_slicing, reason = "positions are only made by this workspace")]
    pub fn policy(&self, ix: PolicyIx) -> &Policy {
        &self.policies[ix.0 as usize]
    }

    /// The policy of a group.
    pub fn policy_of(&self, group: GroupIx) -> &Policy {
        self.policy(self.group(group).policy)
    }

    /// The policy with this id.
    pub fn find_policy(&self, id: &PolicyId) -> Option<PolicyIx> {
        (0..).map(PolicyIx).zip(&self.policies).find(|(_, policy)| policy.id == *id).map(|(ix, _)| ix)
    }

    /// The shares of a group's members when each person gets the same: what a policy is compared with.
    #[expect(clippy::indexing_slicing, reason = "positions are only made by this workspace")]
    pub fn equal_shares(&self, group: GroupIx) -> &Arc<[f64]> {
        &self.equal_shares[group.0 as usize]
    }

    /// The agent or the group with a member's id.
    pub fn find_member(&self, id: &MemberId) -> Option<MemberRef> {
        let agent = self.agent_by_id.get(id.as_str()).map(|ix| MemberRef::Agent(*ix));
        agent.or_else(|| self.group_by_id.get(id.as_str()).map(|ix| MemberRef::Group(*ix)))
    }

    /// How many people can be rung through each member of a group.
    #[expect(clippy::indexing_slicing, reason = "positions are only made by this workspace")]
    pub fn head_counts(&self, group: GroupIx) -> &[usize] {
        &self.head_counts[group.0 as usize]
    }

    /// The member's id as text.
    pub fn member_name(&self, member: MemberRef) -> &str {
        match member {
            MemberRef::Agent(ix) => self.agent(ix).id.as_str(),
            MemberRef::Group(ix) => self.group(ix).id.as_str(),
        }
    }

    /// The agents whose results are compared under a policy: every agent that is a direct member of a group with it, and
    /// everybody who can be rung through a group that is; in the order of the document.
    pub fn pool(&self, policy: PolicyIx) -> Vec<AgentIx> {
        let members = self.groups.iter().filter(|group| group.policy == policy).flat_map(|group| &group.members);
        let mut pool = BTreeSet::new();
        for member in members {
            match member.who {
                MemberRef::Agent(ix) => drop(pool.insert(ix)),
                MemberRef::Group(_) => pool.extend(head_count::people(self, member)),
            }
        }
        pool.into_iter().collect()
    }

    /// The groups whose results are compared under a policy, each with its people: every group that is a member of one with it, in
    /// the order of the document.
    pub fn pooled_groups(&self, policy: PolicyIx) -> Vec<(GroupIx, BTreeSet<AgentIx>)> {
        let members = self.groups.iter().filter(|group| group.policy == policy).flat_map(|group| &group.members);
        let pooled: BTreeMap<GroupIx, BTreeSet<AgentIx>> = members
            .filter(|member| member.base > 0.0)
            .filter_map(|member| match member.who {
                MemberRef::Agent(_) => None,
                MemberRef::Group(ix) => Some((ix, head_count::people(self, member))),
            })
            .collect();
        pooled.into_iter().collect()
    }
}

/// The text by which a number is found again: phone numbers in E.164, extensions as they are.
pub fn canonical_number(kind: NumberKind, text: &str, default_region: &str) -> Arc<str> {
    match kind {
        NumberKind::Sip => text.trim().into(),
        NumberKind::Mobile | NumberKind::Landline => match PhoneNumber::parse(text, default_region) {
            Ok(number) => number.expose().into(),
            Err(_) => text.trim().into(),
        },
    }
}

impl Policy {
    /// Whether a change from `before` to `self` changes what credit means, so that it starts again at 0.
    pub fn resets_credit(&self, before: &Policy) -> bool {
        let unit = |mode: Mode| mode.counts_seconds();
        let count: fn(&Policy) -> Count = |policy| policy.count;
        unit(self.mode) != unit(before.mode) || count(self) != count(before)
    }
}
