//! Identifiers: short texts that name one thing each, so that an agent cannot be passed where a group is meant.
//!
//! Cheap to clone (a shared string). Their spelling is checked where documents enter the program.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

macro_rules! text_id {
    ($(#[$doc:meta] $name:ident),* $(,)?) => {$(
        #[$doc]
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Wraps a text as this kind of identifier.
            pub fn new(text: impl Into<Arc<str>>) -> Self {
                Self(text.into())
            }

            /// The identifier as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.0, f)
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self::new(text)
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self::new(text)
            }
        }

        impl From<&$name> for Arc<str> {
            fn from(id: &$name) -> Self {
                Arc::clone(&id.0)
            }
        }

        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }
    )*};
}

text_id! {
    /// A tenant.
    WorkspaceId,
    /// A person who answers calls.
    AgentId,
    /// A named set of members.
    GroupId,
    /// How a group distributes.
    PolicyId,
    /// What matches a call to a group.
    RouteId,
    /// A schedule of working hours.
    HoursId,
    /// One configured instance of an integration.
    ConnectionId,
    /// A call, as the PBX names it; unique within its connection.
    CallId,
    /// An event, as the PBX names it (or as its dialect derives it); unique within its connection.
    EventId,
    /// A deal, as its CRM names it; unique within its connection.
    DealId,
    /// A user of a CRM, as that CRM names it.
    CrmUserId,
    /// A member of a group: an agent's or a group's id (no id is both in one workspace).
    MemberId,
}

impl From<&AgentId> for MemberId {
    fn from(agent: &AgentId) -> Self {
        Self(Arc::clone(&agent.0))
    }
}

impl From<&GroupId> for MemberId {
    fn from(group: &GroupId) -> Self {
        Self(Arc::clone(&group.0))
    }
}

/// A call within its workspace: the same call id on two connections is two calls.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct CallKey {
    /// The connection that told of the call.
    pub connection: ConnectionId,
    /// The PBX's id of it.
    pub call: CallId,
}

/// The id of one decision: a UUID version 7, made at the edge and passed in.
pub type DecisionId = uuid::Uuid;
