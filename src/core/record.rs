//! The facts that distribution state is a fold over: decisions with what they moved, received events, presence.
//!
//! A fact is stored as it is here and never computed again; everything else follows from facts.

use std::borrow::Cow;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use super::call::CallEvent;
use super::decision::Decision;
use super::distribution::selection::Adjustment;
use super::ids::{AgentId, CallKey, ConnectionId, GroupId, MemberId};
use super::load::guard::Indicator;
use super::policy::Count;
use super::proving::trial::Trial;
use super::routing::route::CallerStanding;

/// Everybody's expected share of one call in a group at one moment. Shared by all decisions made while neither shares nor
/// rotation change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Lambda {
    /// The group's members, in the order of the workspace.
    pub members: Arc<[MemberId]>,
    /// Typed shares, normalised, aligned to `members`; empty where an older program wrote it.
    #[serde(default)]
    pub base: Arc<[f64]>,
    /// Published shares before the guard, aligned to `members`.
    pub published: Arc<[f64]>,
    /// Expected share of one call, aligned to `members`; 0 outside the rotation.
    pub values: Box<[f64]>,
}

/// How a member stood when a decision was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MemberStanding {
    /// Can be rung now. For a group: somebody in it can.
    Free,
    /// In the rotation, but talking or in after-call time.
    Busy,
    /// In the rotation, but another call is being offered.
    Reserved,
    /// Not on duty, or taken off by the PBX.
    OffDuty,
    /// Paused.
    Paused,
    /// Stopped by the guard. For a group: nobody in it is left, and the guard has stopped somebody.
    Stopped,
    /// Has no share in this group.
    NoShare,
    /// Outside the working hours.
    OutsideHours,
    /// In a planned break.
    PlannedBreak,
    /// Could not finish one more call before the shift ends or a planned break begins.
    ShiftEnding,
}

impl MemberStanding {
    /// Whether credit grows for the member.
    pub fn in_rotation(self) -> bool {
        match self {
            Self::Free | Self::Busy | Self::Reserved => true,
            Self::OffDuty
            | Self::Paused
            | Self::Stopped
            | Self::NoShare
            | Self::OutsideHours
            | Self::PlannedBreak
            | Self::ShiftEnding => false,
        }
    }
}

/// One group as a decision saw it: enough to explain the pick and to move credit later.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GroupView {
    /// Which group.
    pub group: GroupId,
    /// Expected shares.
    pub lambda: Arc<Lambda>,
    /// What its policy charges.
    pub count: Count,
    /// Units of one call: 1, or the mean talk in seconds for talk-time mode.
    pub unit: f64,
    /// Whether the unit is seconds of talk.
    pub in_seconds: bool,
    /// Credits before this call grew them, aligned to the members.
    pub credit: Vec<f64>,
    /// How each member stood.
    pub standing: Vec<MemberStanding>,
    /// What the guard and people's own settings did.
    #[serde(default)]
    pub guard: GuardView,
}

/// What the guard and people's own settings did in one group.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct GuardView {
    /// The members whose weight was another than the published share, by position.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub eased: Vec<EasedMember>,
    /// Where the call went because everybody rested; none where somebody was left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub all_stopped: Option<AllStopped>,
}

/// A member whose weight was another than the published share.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EasedMember {
    /// Position among the group's members.
    pub member: u32,
    /// What the guard left of the weight: 1 all, 0 stopped.
    pub factor: f64,
    /// Times that by the person's own setting.
    #[serde(default = "whole", skip_serializing_if = "is_whole")]
    pub own: f64,
    /// Why the guard eased the member; none where it did not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<EaseCause>,
}

/// Why the guard eased a member.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct EaseCause {
    /// The indicator that did.
    pub by: Indicator,
    /// What the indicators showed, in the order of [`Indicator::ALL`].
    pub readings: [f64; 5],
    /// Why less was done than the indicators asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spared: Option<Spared>,
}

/// Why the guard did less than the indicators asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Spared {
    /// The person asked for one more call.
    OneMore,
    /// The others could not have carried the load: the person was not stopped.
    TeamOverloaded,
}

/// Where a call went because everybody rested.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AllStopped {
    /// To the route's fallback.
    Fallback,
    /// To another group.
    Group(GroupId),
    /// To the stopped person who was past a limit least.
    LeastOver(AgentId),
    /// To nobody now: the caller was promised a call.
    Callback,
    /// Nowhere: nothing the policy names could take it.
    Nowhere,
}

fn whole() -> f64 {
    1.0
}

fn is_whole(factor: &f64) -> bool {
    *factor == 1.0
}

impl GroupView {
    /// Whether the guard kept a member out of the rotation.
    pub fn is_stopped(&self, position: usize) -> bool {
        self.standing.get(position) == Some(&MemberStanding::Stopped)
    }

    /// What the guard and the own setting did to a member; none where they did nothing.
    pub fn eased(&self, position: usize) -> Option<&EasedMember> {
        self.guard.eased.iter().find(|eased| eased.member as usize == position)
    }

    /// What the guard and the own setting left of a member's published share, times one factor for all.
    pub fn left_of_share(&self, position: usize) -> f64 {
        if self.is_stopped(position) {
            return 0.0;
        }
        self.eased(position).map_or(1.0, |eased| eased.factor * eased.own)
    }
}

/// One choice inside one group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Position in [`DecisionRecord::groups`].
    pub group: u32,
    /// Position among that group's members.
    pub member: u32,
}

/// The steps from the route's group down to a target: seldom more than two, which need no room of their own.
pub type Steps = SmallVec<[Step; 2]>;

/// What was asked, as far as it is kept. Caller and dialled number are personal data.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Asked {
    /// The caller in E.164.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caller: Option<String>,
    /// The dialled number.
    pub called: String,
    /// The PBX's scenario.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scenario: Option<String>,
    /// The scenario's step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<String>,
    /// Agents to come last.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exclude: Vec<AgentId>,
    /// The PBX's clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
    /// Whether a CRM said whether it knows the caller; not known of older records, unless it did know.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub looked_up: bool,
    /// For a task to call back: the missed call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calls_back: Option<super::ids::CallId>,
    /// For a task to call back: whether a lead named who has it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub named_by_hand: bool,
}

/// The answer as it went to the PBX, byte for byte.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EncodedReply {
    /// HTTP status.
    pub status: u16,
    /// Content type; mostly one of few that the program knows.
    pub content_type: Cow<'static, str>,
    /// Body.
    pub body: Arc<[u8]>,
}

/// Whether the PBX of a decision tells what becomes of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Feed {
    /// Events come.
    Events,
    /// No events: the first target counts as received and is held busy for so many seconds.
    Silent {
        /// Seconds.
        hold_seconds: u32,
    },
}

/// One decision, as stored.
#[derive(Debug, Clone, PartialEq)]
pub struct DecisionRecord {
    /// The order of decisions in the workspace, from 1; given when the decision is committed.
    pub sequence: u64,
    /// Through which connection it was asked.
    pub connection: ConnectionId,
    /// What was asked.
    pub asked: Asked,
    /// The answer.
    pub decision: Decision,
    /// Whether events follow.
    pub feed: Feed,
    /// Whether the call moves credit at all; a personal call kept apart does not.
    pub moves_credit: bool,
    /// The groups on the way to a target, the route's group first; where nobody could be rung all that were looked into, none in records
    /// of older programs.
    pub groups: Vec<GroupView>,
    /// For each target the choices that led to it, from the route's group down; empty for a personal manager outside.
    pub paths: Vec<Steps>,
    /// For each step of the first target's path: what kept credits bounded.
    pub adjustments: Vec<Adjustment>,
    /// What the PBX got.
    pub reply: EncodedReply,
    /// What of it was under test.
    pub trial: Trial,
}

impl DecisionRecord {
    /// The call this decision is about.
    pub fn call_key(&self) -> CallKey {
        CallKey { connection: self.connection.clone(), call: self.decision.call_id.clone() }
    }

    /// What was known of the caller when the route was looked for.
    pub fn standing(&self) -> CallerStanding {
        match (&self.asked.caller, self.decision.caller.known, self.asked.looked_up) {
            (None, ..) => CallerStanding::Withheld,
            (Some(_), true, _) => CallerStanding::Known,
            (Some(_), false, true) => CallerStanding::Unknown,
            (Some(_), false, false) => CallerStanding::Unsure,
        }
    }

    /// The group view of a step.
    pub fn view(&self, step: Step) -> Option<&GroupView> {
        self.groups.get(step.group as usize)
    }
}

/// An event with when it was received and whom it means. The receipt time moves windows and reservations; the PBX's own
/// clock does not.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReceivedEvent {
    /// Through which connection.
    pub connection: ConnectionId,
    /// When it was received.
    pub received_at: Timestamp,
    /// The event; `agent` is filled where a number named one.
    pub event: CallEvent,
}

/// What an agent or a lead set for an agent; the strictest last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PresenceState {
    /// On duty, takes calls.
    #[default]
    Available,
    /// On duty, rests.
    Paused,
    /// Not on duty.
    OffDuty,
}

/// An agent's presence as set by hand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Presence {
    /// Whose.
    pub agent: AgentId,
    /// What.
    pub state: PresenceState,
    /// Why, in the setter's words.
    pub reason: Option<String>,
    /// When it ends by itself; none means when it is set again.
    pub until: Option<Timestamp>,
    /// When it was set.
    pub set_at: Timestamp,
}
