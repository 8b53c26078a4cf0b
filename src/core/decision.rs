//! The answer to one mid-call hook, in canonical form: every dialect encodes from this.

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::agent::Number;
use super::ids::{AgentId, CallId, DecisionId, GroupId, RouteId};
use super::routing::route::{Outcome, Passed};

/// When a target may be rung.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Ring only those not talking.
    Free,
    /// Ring regardless of busy.
    Busy,
}

/// Why the answer is what it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// By typed shares.
    Percent,
    /// Everybody gets the same number of calls.
    EqualCalls,
    /// Everybody talks the same time.
    EqualTalkTime,
    /// By CRM results.
    Performance,
    /// Everybody gets the same number of calls, whichever group they are in.
    HeadCount,
    /// The caller has a responsible manager.
    PersonalManager,
    /// The caller calls back, or is called back.
    Callback,
    /// Nobody is rung: nobody can be, the route wants it so, or no time was left to choose.
    Fallback,
    /// No route matches what was dialled.
    NoRoute,
}

impl Reason {
    /// The reason as it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Percent => "percent",
            Self::EqualCalls => "equal_calls",
            Self::EqualTalkTime => "equal_talk_time",
            Self::Performance => "performance",
            Self::HeadCount => "head_count",
            Self::PersonalManager => "personal_manager",
            Self::Callback => "callback",
            Self::Fallback => "fallback",
            Self::NoRoute => "no_route",
        }
    }
}

/// What an answer had to do without.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Degraded {
    /// The caller was not looked up in time.
    CallerLookup,
    /// The caller was answered from an older lookup.
    CallerStale,
    /// The scores are older than they should be.
    ScoresStale,
    /// There are no scores yet: base shares.
    ScoresMissing,
    /// The record of this decision is not yet on disk and waits in a full queue.
    Log,
    /// Too much at once, or no time left: the fallback, without a choice.
    Overload,
    /// A fault inside: the fallback, without a choice.
    Fault,
}

impl Degraded {
    /// The word as it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::CallerLookup => "caller_lookup",
            Self::CallerStale => "caller_stale",
            Self::ScoresStale => "scores_stale",
            Self::ScoresMissing => "scores_missing",
            Self::Log => "log",
            Self::Overload => "overload",
            Self::Fault => "fault",
        }
    }
}

/// One agent to ring.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Target {
    /// Who.
    pub agent: AgentId,
    /// The agent's name, for the PBX's display.
    pub name: Arc<str>,
    /// When it may be rung.
    pub stage: Stage,
    /// The agent's share of the route's calls: the product of shares along the path, 0 to 1.
    pub share: f64,
    /// How long to ring.
    pub ring_seconds: u32,
    /// How, in order of preference.
    pub numbers: Arc<[Number]>,
    /// The groups from the route's group down to the one the agent was chosen in; empty for a personal manager who is
    /// in none of them.
    pub groups: Arc<[GroupId]>,
}

/// Where the call goes when no target takes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fallback {
    /// The backup number, as the workspace states it (E.164 or an internal number).
    pub number: String,
}

/// What is known of the caller.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallerCard {
    /// Whether a CRM knows the number.
    pub known: bool,
    /// The contact's name.
    pub name: Option<String>,
    /// The responsible manager, where one of our agents is.
    pub responsible: Option<AgentId>,
    /// The contact's page in the CRM.
    pub url: Option<String>,
    /// The segments the CRM puts the caller in.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub segments: Vec<Arc<str>>,
}

/// The answer: an ordered list of targets, and why.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    /// UUID version 7.
    pub decision_id: DecisionId,
    /// The call, as asked.
    pub call_id: CallId,
    /// The attempt, from 1.
    pub attempt: u32,
    /// When the hook was received.
    pub received_at: Timestamp,
    /// The route that matched.
    pub route: Option<RouteId>,
    /// What becomes of the call; none without a route, and in records older than outcomes: there every route rang.
    #[serde(default)]
    pub outcome: Option<Outcome<GroupId>>,
    /// Routes that were right but for a condition under `when`, tried before that one.
    #[serde(default)]
    pub passed: Vec<Passed>,
    /// Why.
    pub reason: Reason,
    /// Whom to ring, in this order.
    pub targets: Vec<Target>,
    /// Where to go after that.
    pub fallback: Option<Fallback>,
    /// What is known of the caller.
    pub caller: CallerCard,
    /// Age of the score table used, in seconds; none where no scores are used.
    pub scores_age_seconds: Option<u64>,
    /// What had to be done without, sorted.
    pub degraded: Vec<Degraded>,
}

impl Decision {
    /// The outcome as it is written; `none` without a route.
    pub fn outcome_word(&self) -> &'static str {
        match (&self.outcome, &self.route) {
            (Some(outcome), _) => outcome.as_str(),
            (None, Some(_)) => "ring",
            (None, None) => "none",
        }
    }
}
