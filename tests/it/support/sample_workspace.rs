//! Small workspaces for tests: sensible everything, and a line for what a test is about.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::tz::TimeZone;
use meritline::core::agent::{Agent, Number, NumberKind};
use meritline::core::ids::{AgentId, ConnectionId, GroupId, PolicyId, RouteId, WorkspaceId};
use meritline::core::policy::{Count, Dialling, Guard, Mode, PersonalCalls, PersonalManager, Policy};
use meritline::core::workspace::{
    CalledMatch, Connection, ConnectionKind, EventFeed, GroupParts, MemberName, MemberParts, RouteParts, Workspace,
    WorkspaceParts,
};

/// A workspace in the making. Starts with a PBX connection `pbx` that posts events, and nothing else.
#[derive(Debug, Clone)]
pub(crate) struct SampleWorkspace {
    parts: WorkspaceParts,
}

impl SampleWorkspace {
    /// A workspace without people.
    pub(crate) fn new(id: &str) -> Self {
        let events = EventFeed::Full;
        let pbx = Connection {
            id: ConnectionId::from("pbx"),
            integration: "pbx/native".to_owned(),
            kind: ConnectionKind::Pbx { events, deadline_ms: 300, retry_window_seconds: 5 },
            settings: serde_json::json!({}),
        };
        Self {
            parts: WorkspaceParts {
                id: WorkspaceId::from(id),
                name: format!("Company {id}"),
                time_zone: TimeZone::UTC,
                default_region: "RU".to_owned(),
                currency: "RUB".parse().unwrap(),
                agents: Vec::new(),
                groups: Vec::new(),
                policies: Vec::new(),
                routes: Vec::new(),
                connections: vec![pbx],
            },
        }
    }

    /// One group `sales` of these agents with equal bases under policy `even` (period 10 h, answered calls count), and a
    /// route for every number.
    pub(crate) fn one_group(id: &str, agents: &[&str]) -> Self {
        let members: Vec<(&str, f64)> = agents.iter().map(|agent| (*agent, 1.0)).collect();
        Self::new(id).agents(agents).policy("even", |_| {}).group("sales", "even", &members).route("main", "sales")
    }

    /// Adds people, each with an extension.
    pub(crate) fn agents(mut self, ids: &[&str]) -> Self {
        for id in ids {
            let extension = (100 + self.parts.agents.len()).to_string();
            self.parts.agents.push(Agent {
                id: AgentId::from(*id),
                name: format!("Agent {id}"),
                numbers: vec![Number { kind: NumberKind::Sip, value: extension.into() }],
                crm_users: BTreeMap::new(),
            });
        }
        self
    }

    /// Adds a policy: percent, 10 h, answered calls count, free stage only, 20 s of ringing, up to 5 targets; `change` says
    /// what is different.
    pub(crate) fn policy(mut self, id: &str, change: impl FnOnce(&mut Policy)) -> Self {
        let mut policy = Policy {
            id: PolicyId::from(id),
            mode: Mode::Percent,
            period_seconds: 36_000,
            count: Count::Answered,
            score: None,
            guard: Guard::default(),
            dialling: Dialling { busy_stage: false, ring_seconds: 20, targets_max: 5 },
            personal_manager: PersonalManager::Off,
            personal_calls: PersonalCalls::Apart,
        };
        change(&mut policy);
        self.parts.policies.push(policy);
        self
    }

    /// Adds a group of agents or groups with their bases.
    pub(crate) fn group(mut self, id: &str, policy: &str, members: &[(&str, f64)]) -> Self {
        let member = |(id, base): &(&str, f64)| MemberParts { who: MemberName::Any((*id).to_owned()), base: *base };
        let members = members.iter().map(member).collect();
        self.parts.groups.push(GroupParts { id: GroupId::from(id), members, policy: PolicyId::from(policy) });
        self
    }

    /// Adds a route that matches every number.
    pub(crate) fn route(mut self, id: &str, group: &str) -> Self {
        self.parts.routes.push(RouteParts {
            id: RouteId::from(id),
            called: CalledMatch::Any,
            scenario: None,
            operation: None,
            group: GroupId::from(group),
            fallback: Some("+74951112200".to_owned()),
        });
        self
    }

    /// The workspace.
    pub(crate) fn build(self) -> Arc<Workspace> {
        Arc::new(Workspace::build(self.parts).unwrap())
    }
}
