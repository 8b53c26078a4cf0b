//! Routes beyond the dialled number: what must hold of the caller, and what becomes of the call.
//!
//! Nouns only; which route a call takes is decided in `core::routing::route_match`.

use std::collections::HashSet;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::core::ids::RouteId;
use crate::core::phone_number::PhoneNumber;

/// What becomes of a call. `G` names a group: by id in documents and records, by position in a workspace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome<G> {
    /// Agents of a group are rung, then the fallback.
    Ring {
        /// Whose.
        group: G,
    },
    /// The PBX is to refuse the call.
    Reject,
    /// The PBX's scenario goes on at a branch of its own.
    Branch {
        /// As the workspace calls it.
        name: Arc<str>,
    },
    /// Nobody is rung now: the caller is called back.
    Callback {
        /// Among whom the task is shared.
        group: G,
    },
}

impl<G> Outcome<G> {
    /// The outcome as it is written.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Ring { .. } => "ring",
            Self::Reject => "reject",
            Self::Branch { .. } => "branch",
            Self::Callback { .. } => "callback",
        }
    }

    /// The group that calls are shared among, now or as tasks.
    pub fn group(&self) -> Option<&G> {
        match self {
            Self::Ring { group } | Self::Callback { group } => Some(group),
            Self::Reject | Self::Branch { .. } => None,
        }
    }

    /// The branch's name.
    pub fn branch(&self) -> Option<&Arc<str>> {
        match self {
            Self::Branch { name } => Some(name),
            Self::Ring { .. } | Self::Reject | Self::Callback { .. } => None,
        }
    }

    /// What is answered: who cannot be called back is not promised a call, but answered like one for whom nobody can be rung.
    pub fn kept(self, can_be_called_back: bool) -> Self {
        match self {
            Self::Callback { group } if !can_be_called_back => Self::Ring { group },
            Self::Ring { .. } | Self::Reject | Self::Branch { .. } | Self::Callback { .. } => self,
        }
    }

    /// The same with the group named otherwise.
    pub fn map<H>(&self, name: impl FnOnce(&G) -> H) -> Outcome<H> {
        match self {
            Self::Ring { group } => Outcome::Ring { group: name(group) },
            Self::Reject => Outcome::Reject,
            Self::Branch { name } => Outcome::Branch { name: Arc::clone(name) },
            Self::Callback { group } => Outcome::Callback { group: name(group) },
        }
    }
}

/// What a route wants to know of the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallerIs {
    /// A CRM knows the number.
    Known,
    /// A CRM was asked and does not know the number.
    Unknown,
    /// There is no number.
    Withheld,
}

/// What is known of the caller when a route is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallerStanding {
    /// There is no number, or none that can be read.
    Withheld,
    /// A CRM knows the number.
    Known,
    /// A CRM was asked and does not know the number.
    Unknown,
    /// No CRM gave its word: none was asked, or it was late or failed. Neither known nor unknown.
    Unsure,
}

/// Numbers under one name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NumberList {
    /// The list's id.
    pub id: Arc<str>,
    /// In E.164.
    pub numbers: HashSet<PhoneNumber>,
    /// Beginnings of numbers, with the plus.
    pub prefixes: Vec<Arc<str>>,
}

impl NumberList {
    /// Whether a number is on the list.
    pub fn holds(&self, number: &PhoneNumber) -> bool {
        self.numbers.contains(number) || self.prefixes.iter().any(|prefix| number.expose().starts_with(&**prefix))
    }
}

/// That a schedule is open at the moment of the call, or that it is not. A planned break counts as closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpeningHours<H> {
    /// The schedule.
    pub hours: H,
    /// Whether it must be open; else it must not.
    pub open: bool,
}

/// What must hold for a route to take the call, besides what was dialled: all that is stated. `L` names a list and `H` a schedule: by id in
/// documents, the list itself and the schedule's position in a workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct When<L, H> {
    /// What a CRM says, or that there is no number.
    pub caller: Option<CallerIs>,
    /// On one of these lists; no matter when empty.
    pub lists: Vec<L>,
    /// In one of these CRM segments; no matter when empty.
    pub segments: Vec<Arc<str>>,
    /// Within opening hours, or outside.
    pub hours: Option<OpeningHours<H>>,
}

impl<L, H> When<L, H> {
    /// Takes every call.
    pub const ALWAYS: Self = Self { caller: None, lists: Vec::new(), segments: Vec::new(), hours: None };

    /// Whether it states nothing.
    pub fn is_always(&self) -> bool {
        self.takes_every_caller() && self.hours.is_none()
    }

    /// Whether it states nothing of the caller.
    pub fn takes_every_caller(&self) -> bool {
        self.caller.is_none() && self.lists.is_empty() && self.segments.is_empty()
    }
}

/// A condition of a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Condition {
    /// `list`.
    List,
    /// `hours`.
    Hours,
    /// `caller`.
    Caller,
    /// `segment`.
    Segment,
    /// `caller` or `segment`, while no CRM gave its word.
    NoWord,
}

/// A route whose dialled number, scenario and operation were right, and that was passed over all the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Passed {
    /// The route.
    pub route: RouteId,
    /// The first of its conditions that did not hold.
    pub failed: Condition,
}
