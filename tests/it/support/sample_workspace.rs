//! Small workspaces for tests: sensible everything, and a line for what a test is about.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::tz::TimeZone;
use meritline::core::agent::{Agent, Number, NumberKind};
use meritline::core::call::DialledNumber;
use meritline::core::distribution::callback::CallbackRules;
use meritline::core::ids::{AgentId, ConnectionId, CrmUserId, GroupId, PolicyId, RouteId, WorkspaceId};
use meritline::core::policy::{Count, Dialling, Guard, MissedOffers, Mode, OwnSetting, PersonalCalls, PersonalManager, Policy};
use meritline::core::routing::route::{Outcome, When};
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
            settings: serde_json::json!({"token": "env:PBX_TOKEN"}),
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
                lists: Vec::new(),
                routes: Vec::new(),
                connections: vec![pbx],
                hours: Vec::new(),
                default_hours: None,
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
                name: format!("Agent {id}").into(),
                numbers: [Number { kind: NumberKind::Sip, value: extension.into() }].into(),
                crm_users: BTreeMap::new(),
                duty: Default::default(),
            });
        }
        self
    }

    /// Adds a policy: percent, 10 h, answered calls count, free stage only, 20 s of ringing, up to 5 targets, no automatic
    /// pauses; `change` says what is different.
    pub(crate) fn policy(mut self, id: &str, change: impl FnOnce(&mut Policy)) -> Self {
        let mut policy = Policy {
            id: PolicyId::from(id),
            mode: Mode::Percent,
            period_seconds: 36_000,
            count: Count::Answered,
            score: None,
            guard: Guard::default(),
            dialling: Dialling { busy_stage: false, ring_seconds: 20, targets_max: 5, mobile_callers: None },
            personal_manager: PersonalManager::Off,
            personal_calls: PersonalCalls::Apart,
            callback: CallbackRules::OFF,
            rollout: Default::default(),
            own_setting: OwnSetting::default(),
            missed_offers: MissedOffers::OFF,
            ramp_up: Default::default(),
        };
        change(&mut policy);
        self.parts.policies.push(policy);
        self
    }

    /// Adds a group of agents or groups with their bases.
    pub(crate) fn group(mut self, id: &str, policy: &str, members: &[(&str, f64)]) -> Self {
        let member = |(id, base): &(&str, f64)| MemberParts { who: MemberName::Any((*id).to_owned()), base: *base };
        let members = members.iter().map(member).collect();
        self.parts.groups.push(GroupParts { id: GroupId::from(id), members, policy: PolicyId::from(policy), hours: None });
        self
    }

    /// Adds a route that matches every number.
    pub(crate) fn route(mut self, id: &str, group: &str) -> Self {
        self.parts.routes.push(RouteParts {
            id: RouteId::from(id),
            called: CalledMatch::Any,
            scenario: None,
            operation: None,
            when: When::ALWAYS,
            outcome: Outcome::Ring { group: GroupId::from(group) },
            fallback: Some("+74951112200".to_owned()),
        });
        self
    }

    /// Adds a route for one dialled number, before those that match every number.
    pub(crate) fn route_for(self, id: &str, called: &str, group: &str, fallback: Option<&str>) -> Self {
        let called = CalledMatch::Numbers(vec![DialledNumber::read(called, "RU")]);
        let outcome = Outcome::Ring { group: GroupId::from(group) };
        let (id, fallback) = (RouteId::from(id), fallback.map(str::to_owned));
        self.first_route(RouteParts { id, called, scenario: None, operation: None, when: When::ALWAYS, outcome, fallback })
    }

    /// Puts a route before all others.
    pub(crate) fn first_route(mut self, route: RouteParts) -> Self {
        self.parts.routes.insert(0, route);
        self
    }

    /// Sets the time zone.
    pub(crate) fn time_zone(mut self, name: &str) -> Self {
        self.parts.time_zone = TimeZone::get(name).unwrap();
        self
    }

    /// Adds a PBX connection of a dialect, with its deadline of 300 ms and a retry window of 5 s.
    pub(crate) fn pbx(mut self, id: &str, integration: &str, events: EventFeed) -> Self {
        let kind = ConnectionKind::Pbx { events, deadline_ms: 300, retry_window_seconds: 5 };
        let settings = serde_json::json!({"token": "env:PBX_TOKEN"});
        let connection = Connection { id: ConnectionId::from(id), integration: integration.to_owned(), kind, settings };
        self.parts.connections.retain(|known| known.id != connection.id);
        self.parts.connections.push(connection);
        self
    }

    /// Gives the connection `pbx` the usual settings and adds one of each other kind: `quiet` (native, without events),
    /// `uis` and `exolve`.
    pub(crate) fn all_dialects(self) -> Self {
        self.pbx("pbx", "pbx/native", EventFeed::Full)
            .pbx("quiet", "pbx/native", EventFeed::None { hold_seconds: 30 })
            .pbx("uis", "pbx/uis", EventFeed::Full)
            .pbx("exolve", "pbx/exolve", EventFeed::Full)
    }

    /// Adds a CRM connection that knows agents as the users `user-<id>`.
    pub(crate) fn crm(mut self, id: &str) -> Self {
        let kind = ConnectionKind::Crm { refresh_seconds: 300 };
        let connection = ConnectionId::from(id);
        for agent in &mut self.parts.agents {
            let user = CrmUserId::from(format!("user-{}", agent.id));
            agent.crm_users.insert(connection.clone(), user);
        }
        let settings = serde_json::json!({});
        self.parts.connections.push(Connection { id: connection, integration: "crm/csv".to_owned(), kind, settings });
        self
    }

    /// Gives an agent a mobile number after the extension.
    pub(crate) fn mobile(mut self, agent: &str, number: &str) -> Self {
        let agent = self.parts.agents.iter_mut().find(|known| known.id.as_str() == agent).unwrap();
        let mobile = Number { kind: NumberKind::Mobile, value: number.into() };
        agent.numbers = agent.numbers.iter().cloned().chain([mobile]).collect();
        self
    }

    /// The workspace.
    pub(crate) fn build(self) -> Arc<Workspace> {
        Arc::new(Workspace::build(self.parts).unwrap())
    }
}
