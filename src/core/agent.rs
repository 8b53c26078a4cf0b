//! Agents and the ways to ring them.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::ids::{AgentId, ConnectionId, CrmUserId, HoursId};
use super::phone_number::masked;

/// What a number is reached through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NumberKind {
    /// A SIP extension or account of the PBX.
    Sip,
    /// A mobile phone.
    Mobile,
    /// A fixed line.
    Landline,
}

/// One way to ring an agent. `Debug` masks mobile and landline numbers.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Number {
    /// Through what.
    pub kind: NumberKind,
    /// The extension as the PBX knows it, or E.164.
    pub value: Arc<str>,
}

impl fmt::Debug for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            NumberKind::Sip => write!(f, "sip {}", self.value),
            NumberKind::Mobile | NumberKind::Landline => write!(f, "{:?} {}", self.kind, masked(&self.value)),
        }
    }
}

/// Whole days away, both included, in the workspace's zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Absence {
    /// The first day.
    pub from: Date,
    /// The last day.
    pub to: Date,
}

/// When a person works here.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Duty {
    /// The first day; none for somebody who has always been here. New people ramp up from it.
    pub since: Option<Date>,
    /// Leave, illness: results do not fade meanwhile.
    pub absences: Vec<Absence>,
    /// The agent's own working hours, whichever group a call comes through; none for those of the groups.
    pub hours: Option<HoursId>,
}

/// A person who answers calls.
#[derive(Debug, Clone, PartialEq)]
pub struct Agent {
    /// The workspace's id.
    pub id: AgentId,
    /// The person's name.
    pub name: Arc<str>,
    /// Ways to ring, in order of preference; at least one.
    pub numbers: Arc<[Number]>,
    /// Which user this is in each CRM connection.
    pub crm_users: BTreeMap<ConnectionId, CrmUserId>,
    /// When the person works here.
    pub duty: Duty,
}
