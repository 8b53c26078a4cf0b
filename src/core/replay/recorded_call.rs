//! A recorded question for a call, as far as a replay repeats it: when it was asked, when somebody answered, how long they talked.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use crate::core::call::{DecisionRequest, DialledNumber};
use crate::core::distribution::call_state::CallState;
use crate::core::ids::{AgentId, CallKey};
use crate::core::phone_number::PhoneNumber;
use crate::core::record::{DecisionRecord, Feed};
use crate::core::routing::route::CallerStanding;

/// How a call went.
#[derive(Debug, Clone, PartialEq)]
pub enum Fate {
    /// An agent answered.
    Answered {
        /// Who.
        agent: AgentId,
        /// From the question to the answer.
        after: SignedDuration,
        /// How long they talked.
        talk: SignedDuration,
    },
    /// No agent did: it was missed, or the backup number took it.
    Unanswered {
        /// From the question to the end.
        after: SignedDuration,
    },
    /// No PBX told.
    Untold,
}

impl Fate {
    /// Who answered.
    pub fn answered_by(&self) -> Option<&AgentId> {
        match self {
            Self::Answered { agent, .. } => Some(agent),
            Self::Unanswered { .. } | Self::Untold => None,
        }
    }

    /// How long they talked.
    pub fn talk(&self) -> SignedDuration {
        match self {
            Self::Answered { talk, .. } => *talk,
            Self::Unanswered { .. } | Self::Untold => SignedDuration::ZERO,
        }
    }
}

/// A recorded question for a call.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordedCall {
    /// Which call.
    pub key: CallKey,
    /// What was asked.
    pub request: DecisionRequest,
    /// When it was asked.
    pub asked_at: Timestamp,
    /// What was known of the caller then.
    pub standing: CallerStanding,
    /// The caller's segments in the CRM, as they were then.
    pub segments: Vec<Arc<str>>,
    /// The caller's responsible manager, as it was known then.
    pub responsible: Option<AgentId>,
    /// Who was named first.
    pub first: Option<AgentId>,
    /// Whether events came.
    pub feed: Feed,
    /// How the call went.
    pub fate: Fate,
}

impl RecordedCall {
    /// The first question for a call from what is stored of it; none for one that nobody asked about, or that is a task to call back.
    pub fn of(call: &CallState, default_region: &str) -> Option<Self> {
        Self::of_attempt(call, call.decisions.first()?, default_region)
    }

    /// The question that one of a call's decisions answered; none for a task to call back.
    pub fn of_attempt(call: &CallState, record: &DecisionRecord, default_region: &str) -> Option<Self> {
        if record.asked.calls_back.is_some() {
            return None;
        }
        let asked_at = record.decision.received_at;
        let since = |at: Timestamp| at.duration_since(asked_at).max(SignedDuration::ZERO);
        let fate = match (record.feed, call.answered()) {
            (Feed::Silent { .. }, _) => Fate::Untold,
            (Feed::Events, Some(answer)) => Fate::Answered {
                agent: answer.agent.clone(),
                after: since(answer.received_at),
                talk: seconds(answer.talk_seconds),
            },
            (Feed::Events, None) => Fate::Unanswered { after: call.recent()?.missed_at.map_or(SignedDuration::ZERO, since) },
        };
        Some(Self {
            key: call.key.clone(),
            request: request(record, default_region),
            standing: record.standing(),
            segments: record.decision.caller.segments.clone(),
            asked_at,
            responsible: record.decision.caller.responsible.clone(),
            first: record.decision.targets.first().map(|target| target.agent.clone()),
            feed: record.feed,
            fate,
        })
    }
}

fn request(record: &DecisionRecord, default_region: &str) -> DecisionRequest {
    let asked = &record.asked;
    DecisionRequest {
        call_id: record.decision.call_id.clone(),
        // Stored as E.164, which needs no region.
        caller: asked.caller.as_deref().and_then(|caller| PhoneNumber::parse(caller, "").ok()),
        called: DialledNumber::read(&asked.called, default_region),
        scenario: asked.scenario.clone(),
        operation: asked.operation.clone(),
        attempt: Some(record.decision.attempt),
        exclude: asked.exclude.clone(),
        at: asked.at,
    }
}

fn seconds(seconds: f64) -> SignedDuration {
    SignedDuration::try_from_secs_f64(seconds).unwrap_or(SignedDuration::ZERO)
}
