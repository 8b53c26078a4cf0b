//! What a PBX asks and tells, in canonical form: every dialect decodes to these.

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::ids::{AgentId, CallId, EventId};
use super::phone_number::{PhoneNumber, masked};

/// The number the caller dialled: E.164 where it reads as a phone number, else as the PBX wrote it.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DialledNumber(Arc<str>);

impl DialledNumber {
    /// Reads a dialled number; a text that is no phone number is kept as it is.
    pub fn read(text: &str, default_region: &str) -> Self {
        match PhoneNumber::parse(text, default_region) {
            Ok(number) => Self(number.expose().into()),
            Err(_) => Self(text.trim().into()),
        }
    }

    /// The number as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for DialledNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&masked(&self.0))
    }
}

/// A mid-call question: whom to ring, in which order?
#[derive(Debug, Clone, PartialEq)]
pub struct DecisionRequest {
    /// The call, as the PBX names it.
    pub call_id: CallId,
    /// Who calls; none when withheld or unreadable.
    pub caller: Option<PhoneNumber>,
    /// The virtual number that was dialled.
    pub called: DialledNumber,
    /// The PBX's scenario, where it says so.
    pub scenario: Option<String>,
    /// The scenario's step, where it says so.
    pub operation: Option<String>,
    /// Which try this is, from 1; none when the dialect does not say (then the retry window decides).
    pub attempt: Option<u32>,
    /// Agents that shall come last.
    pub exclude: Vec<AgentId>,
    /// The PBX's clock; never moves a window, a retry, a reservation or the choice.
    pub at: Option<Timestamp>,
}

/// What happened in a call, or to an agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallEventType {
    /// The call exists.
    Started,
    /// An agent's number rings.
    Offered,
    /// An agent picked up.
    Answered,
    /// An agent did not pick up in time.
    Missed,
    /// An agent declined.
    Rejected,
    /// The agent's number was busy.
    Busy,
    /// The agent's number could not be reached.
    Unreachable,
    /// The offer was withdrawn: the caller hung up or somebody else answered.
    Cancelled,
    /// An agent handed the call to another.
    Transferred,
    /// The conversation is on hold.
    Held,
    /// The conversation goes on.
    Resumed,
    /// With an agent or a number: that leg ended; with neither: the call ended.
    Ended,
    /// A recording is ready.
    Recorded,
    /// The PBX's own word on an agent; no call.
    AgentState,
}

impl CallEventType {
    /// The type as `schemas/call-event.schema.json` spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Started => "started",
            Self::Offered => "offered",
            Self::Answered => "answered",
            Self::Missed => "missed",
            Self::Rejected => "rejected",
            Self::Busy => "busy",
            Self::Unreachable => "unreachable",
            Self::Cancelled => "cancelled",
            Self::Transferred => "transferred",
            Self::Held => "held",
            Self::Resumed => "resumed",
            Self::Ended => "ended",
            Self::Recorded => "recorded",
            Self::AgentState => "agent_state",
        }
    }
}

/// The PBX's word on an agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PbxAgentState {
    /// Ready for calls.
    Available,
    /// Logged in, but not at the desk: counts as paused.
    Away,
    /// Does not want calls now: counts as paused.
    DoNotDisturb,
    /// Logged out: counts as off duty.
    Offline,
}

/// Which way a call goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// Somebody calls us.
    #[default]
    In,
    /// An agent calls somebody.
    Out,
}

/// One event of a PBX, as it came: the agent may still be named by a number only.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CallEvent {
    /// Unique within the connection; the same id counts once.
    pub event_id: EventId,
    /// The call; none only for [`CallEventType::AgentState`].
    pub call_id: Option<CallId>,
    /// What happened.
    #[serde(rename = "type")]
    pub event_type: CallEventType,
    /// The agent, by the workspace's id.
    pub agent: Option<AgentId>,
    /// The agent, by one of its numbers, as the PBX writes it.
    pub number: Option<String>,
    /// Who takes over a transferred call, by the workspace's id.
    pub to_agent: Option<AgentId>,
    /// Incoming unless said otherwise.
    #[serde(default)]
    pub direction: Direction,
    /// The PBX's clock: durations within a call, and the order of what the PBX tells of it.
    pub at: Timestamp,
    /// Length of the conversation in seconds, where the PBX says so.
    pub talk_seconds: Option<u32>,
    /// For [`CallEventType::AgentState`].
    pub state: Option<PbxAgentState>,
    /// Why, in the PBX's words.
    pub reason: Option<String>,
    /// Where the recording lies.
    pub recording_url: Option<String>,
}
