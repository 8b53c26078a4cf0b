//! A sales floor in memory: groups of agents, calls chosen and folded by the core itself, time in the test's hands.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use meritline::core::agent::{Agent, Number, NumberKind};
use meritline::core::call::{CallEvent, CallEventType};
use meritline::core::decision::{CallerCard, Decision, Stage};
use meritline::core::distribution::callback::CallbackRules;
use meritline::core::distribution::choose::{self, Choice, Question};
use meritline::core::distribution::tally::Tally;
use meritline::core::ids::{AgentId, CallKey};
use meritline::core::policy::{
    Count, Dialling, Guard, MissedOffers, Mode, OwnSetting, PersonalCalls, PersonalManager, Policy, ScoreSettings,
};
use meritline::core::record::{Asked, DecisionRecord, EncodedReply, Feed, Presence, PresenceState, ReceivedEvent};
use meritline::core::routing::route::{Outcome, When};
use meritline::core::shares::share_board::ShareBoard;
use meritline::core::workspace::{
    AgentIx, CalledMatch, GroupIx, GroupParts, MemberName, MemberParts, RouteParts, Workspace, WorkspaceParts,
};

/// A policy with nothing but the distribution in it: percent, no wrap-up, free stage only.
pub fn plain_policy(id: &str, mode: Mode, count: Count) -> Policy {
    Policy {
        id: id.into(),
        mode,
        period_seconds: 24 * 3600,
        count,
        score: None::<ScoreSettings>,
        guard: Guard::default(),
        dialling: Dialling { busy_stage: false, ring_seconds: 20, targets_max: 5, mobile_callers: None },
        personal_manager: PersonalManager::Off,
        personal_calls: PersonalCalls::Apart,
        callback: CallbackRules::OFF,
        rollout: Default::default(),
        own_setting: OwnSetting::default(),
        missed_offers: MissedOffers::OFF,
        ramp_up: Default::default(),
    }
}

/// An agent with one SIP number.
pub fn agent(id: &str, number: &str) -> Agent {
    Agent {
        id: id.into(),
        name: id.to_uppercase().into(),
        numbers: [Number { kind: NumberKind::Sip, value: number.into() }].into(),
        crm_users: Default::default(),
        duty: Default::default(),
    }
}

/// A group: id, policy, members with base.
pub type GroupOf<'a> = (&'a str, &'a str, &'a [(&'a str, f64)]);

/// A workspace of groups `(id, policy, members with base)`; agents are all members that are no groups; one route per
/// workspace, to the first group.
pub fn workspace(groups: &[GroupOf<'_>], policies: Vec<Policy>) -> Arc<Workspace> {
    let is_group = |id: &str| groups.iter().any(|(group, ..)| *group == id);
    let mut agents: Vec<Agent> = Vec::new();
    for (_, _, members) in groups {
        for (id, _) in members.iter().filter(|(id, _)| !is_group(id)) {
            if !agents.iter().any(|known| known.id.as_str() == *id) {
                agents.push(agent(id, &format!("{}", 100 + agents.len())));
            }
        }
    }
    let member = |(id, base): &(&str, f64)| MemberParts { who: MemberName::Any((*id).to_owned()), base: *base };
    let parts = WorkspaceParts {
        id: "floor".into(),
        name: "Floor".into(),
        time_zone: jiff::tz::TimeZone::UTC,
        default_region: "RU".into(),
        currency: "RUB".parse().unwrap(),
        agents,
        groups: groups
            .iter()
            .map(|(id, policy, members)| GroupParts {
                id: (*id).into(),
                members: members.iter().map(member).collect(),
                policy: (*policy).into(),
                hours: None,
            })
            .collect(),
        policies,
        lists: Vec::new(),
        routes: vec![RouteParts {
            id: "main".into(),
            called: CalledMatch::Any,
            scenario: None,
            operation: None,
            when: When::ALWAYS,
            outcome: Outcome::Ring { group: groups[0].0.into() },
            fallback: None,
        }],
        connections: Vec::new(),
        hours: Vec::new(),
        default_hours: None,
    };
    Arc::new(Workspace::build(parts).expect("a sound workspace"))
}

/// The floor.
pub struct Floor {
    pub tally: Tally,
    pub shares: ShareBoard,
    pub now: Timestamp,
    pub feed: Feed,
    /// The group that calls are asked for; the first of the workspace at the start.
    pub group: GroupIx,
    /// The manager of whoever calls next.
    pub responsible: Option<AgentIx>,
    /// Whether callers may be promised a call.
    pub can_be_called_back: bool,
    events: u64,
}

impl Floor {
    pub fn new(workspace: Arc<Workspace>) -> Self {
        Self {
            shares: ShareBoard::of_base(&workspace),
            tally: Tally::new(workspace),
            now: "2026-11-23T06:00:00Z".parse().unwrap(),
            feed: Feed::Events,
            group: GroupIx(0),
            responsible: None,
            can_be_called_back: true,
            events: 0,
        }
    }

    /// One group `team` of `a0, a1, ...` with these typed shares.
    pub fn of_shares(shares: &[f64], policy: Policy) -> Self {
        let names: Vec<String> = (0..shares.len()).map(|i| format!("a{i:03}")).collect();
        let members: Vec<(&str, f64)> = names.iter().map(String::as_str).zip(shares.iter().copied()).collect();
        let id = policy.id.to_string();
        Self::new(workspace(&[("team", &id, &members)], vec![policy]))
    }

    pub fn pass(&mut self, seconds: f64) {
        self.now = self.now.checked_add(SignedDuration::from_micros((seconds * 1e6) as i64)).unwrap();
        self.tally.advance(self.now);
    }

    pub fn key(call: &str) -> CallKey {
        CallKey { connection: "pbx".into(), call: call.into() }
    }

    pub fn choose(&self, call: &str, exclude: &[AgentId]) -> Choice {
        let question = Question {
            call: &Self::key(call),
            group: self.group,
            now: self.now,
            exclude,
            responsible: self.responsible,
            caller: None,
            has_fallback: true,
            can_be_called_back: self.can_be_called_back,
        };
        choose::choose(&self.tally, &self.shares, &question)
    }

    /// Decides a call and folds the decision; gives the record.
    pub fn decide(&mut self, call: &str) -> Arc<DecisionRecord> {
        let choice = self.choose(call, &[]);
        self.commit(call, choice)
    }

    pub fn commit(&mut self, call: &str, choice: Choice) -> Arc<DecisionRecord> {
        let sequence = self.tally.sequence() + 1;
        let key = Self::key(call);
        let attempt = self.tally.call(&key).map_or(0, |call| call.decisions.len()) as u32 + 1;
        let record = Arc::new(DecisionRecord {
            sequence,
            connection: key.connection,
            asked: Asked::default(),
            decision: Decision {
                decision_id: uuid::Uuid::from_u128(u128::from(sequence)),
                call_id: key.call,
                attempt,
                received_at: self.now,
                route: None,
                outcome: None,
                passed: Vec::new(),
                reason: choice.reason,
                targets: choice.targets,
                fallback: None,
                caller: CallerCard::default(),
                scores_age_seconds: None,
                degraded: Vec::new(),
            },
            feed: self.feed,
            moves_credit: choice.moves_credit,
            groups: choice.groups,
            paths: choice.paths,
            adjustments: choice.adjustments,
            trial: choice.trial,
            reply: EncodedReply { status: 200, content_type: "application/json".into(), body: Arc::from(&b"{}"[..]) },
        });
        self.tally.add_decision(Arc::clone(&record));
        record
    }

    /// The group with this id.
    pub fn group_ix(&self, id: &str) -> GroupIx {
        self.tally.workspace().find_group(&id.into()).expect("a group of the workspace")
    }

    /// The agent with this id.
    pub fn agent_ix(&self, id: &str) -> AgentIx {
        self.tally.workspace().find_agent(&id.into()).expect("an agent of the workspace")
    }

    pub fn set_presence(&mut self, agent: &str, state: PresenceState) {
        let presence = Presence { agent: agent.into(), state, reason: None, until: None, set_at: self.now };
        self.tally.set_presence(presence);
    }

    pub fn event(&mut self, call: &str, kind: CallEventType, agent: Option<&str>) -> ReceivedEvent {
        let received = self.make_event(call, kind, agent);
        self.tally.add_event(&received);
        received
    }

    pub fn make_event(&mut self, call: &str, kind: CallEventType, agent: Option<&str>) -> ReceivedEvent {
        self.events += 1;
        ReceivedEvent {
            connection: "pbx".into(),
            received_at: self.now,
            event: CallEvent {
                event_id: format!("e{}", self.events).into(),
                call_id: Some(call.into()),
                event_type: kind,
                agent: agent.map(AgentId::from),
                number: None,
                to_agent: None,
                direction: Default::default(),
                at: self.now,
                talk_seconds: None,
                state: None,
                reason: None,
                recording_url: None,
            },
        }
    }

    /// Credits of a group's members now.
    pub fn owed(&self, group: GroupIx) -> Vec<f64> {
        self.tally.book(group).credits(self.tally.members(group), self.now.as_microsecond())
    }
}

/// Whom a decision lists, in order.
pub fn listed(record: &DecisionRecord) -> Vec<(&str, Stage)> {
    record.decision.targets.iter().map(|target| (target.agent.as_str(), target.stage)).collect()
}

/// Fails unless every figure is within `tolerance` of the expected one.
#[track_caller]
pub fn near(got: &[f64], expected: &[f64], tolerance: f64) {
    let close = got.len() == expected.len() && got.iter().zip(expected).all(|(a, b)| (a - b).abs() <= tolerance);
    assert!(close, "{got:?} is not {expected:?} within {tolerance}");
}

/// SplitMix64, for draws that are the same everywhere.
pub struct Draw(pub u64);

impl Draw {
    pub fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Uniform in [0, 1).
    pub fn uniform(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 * 2f64.powi(-53)
    }

    /// Exponential with this mean.
    pub fn exponential(&mut self, mean: f64) -> f64 {
        -mean * (1.0 - self.uniform()).ln()
    }

    /// Standard normal (Box and Muller's transform, one of its two values).
    pub fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.uniform()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.uniform()).cos()
    }

    /// Log-normal with this mean and this coefficient of variation: `ln x` has variance `ln(1 + cv^2)`.
    pub fn log_normal(&mut self, mean: f64, cv: f64) -> f64 {
        let variance = (1.0 + cv * cv).ln();
        (mean.ln() - variance / 2.0 + variance.sqrt() * self.normal()).exp()
    }
}
