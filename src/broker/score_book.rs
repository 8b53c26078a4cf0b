//! What is known of the scores of a workspace: each policy's table, its version, what people set by hand about it, and how shares
//! move. Kept in memory for readers, and stored so that a restart goes on where it was.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::handled_calls::HandledCalls;
use crate::core::adjustments::Adjustments;
use crate::core::ids::{GroupId, PolicyId};
use crate::core::score_table::ScoreTable;
use crate::core::share_plan::SharePlan;

/// A policy's scores and the shares that follow them. Stored as JSON: fields are only added, each with a default.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct PolicyScores {
    /// Under which settings shares were planned; other settings publish at once instead of smoothly.
    pub settings: String,
    /// The last good table; none for a policy that follows no scores, or before the first.
    pub table: Option<Arc<ScoreTable>>,
    /// How the shares of each group with the policy move.
    pub plans: BTreeMap<GroupId, SharePlan>,
    /// Why the newest table was not taken, if it was not.
    #[serde(default)]
    pub refused: Option<String>,
    /// The version of the last good table; 0 before the first.
    #[serde(default)]
    pub version: u64,
    /// What the last good table was computed with: settings, people, CRM users. Under others, other results are expected.
    #[serde(default)]
    pub computed_with: String,
    /// When what is excluded last changed before the last good table was computed.
    #[serde(default)]
    pub exclusions_changed_at: Option<Timestamp>,
    /// What bends shares besides.
    #[serde(default)]
    pub adjustments: Adjustments,
    /// The version that a lead holds shares to.
    #[serde(default)]
    pub pin: Option<u64>,
    /// That version's table, if it is still kept.
    #[serde(default)]
    pub pinned: Option<Arc<ScoreTable>>,
}

impl PolicyScores {
    /// The table that shares follow: the pinned one, else the last good one.
    pub fn in_use(&self) -> Option<&Arc<ScoreTable>> {
        self.pinned.as_ref().or(self.table.as_ref())
    }

    /// The version that shares follow; none before the first.
    pub fn version_in_use(&self) -> Option<u64> {
        self.pin.filter(|_| self.pinned.is_some()).or((self.version > 0).then_some(self.version))
    }

    /// The version that the next table that is taken gets: that of the refused one, if one is.
    pub fn next_version(&self) -> u64 {
        self.version + 1
    }
}

/// The scores of a workspace, by policy.
#[derive(Debug, Default)]
pub struct ScoreBook {
    policies: Mutex<HashMap<PolicyId, PolicyScores>>,
    /// Conversations at hand.
    pub(super) handled: HandledCalls,
    /// Held while scores are computed or shares planned: two at once would overtake each other.
    pub(super) changing: tokio::sync::Mutex<()>,
}

impl ScoreBook {
    /// What is known of a policy's scores.
    pub fn policy(&self, policy: &PolicyId) -> Option<PolicyScores> {
        self.lock().get(policy).cloned()
    }

    /// All of it, locked.
    pub(super) fn lock(&self) -> MutexGuard<'_, HashMap<PolicyId, PolicyScores>> {
        self.policies.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
