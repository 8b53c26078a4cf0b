//! What is known of the scores of a workspace: each policy's table, its version, what people set by hand about it, and how shares
//! move. Kept in memory for readers, and stored so that a restart goes on where it was.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::handled_calls::HandledCalls;
use super::score_basis::ScoreBasis;
use crate::core::ids::{GroupId, PolicyId};
use crate::core::notice::RefusedScores;
use crate::core::policy::Policy;
use crate::core::scoring::adjustments::Adjustments;
use crate::core::scoring::score_table::ScoreTable;
use crate::core::shares::share_plan::SharePlan;
use crate::core::workspace::Workspace;

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
    /// That table, for a lead to look at and take.
    #[serde(default)]
    pub kept_out: Option<KeptOut>,
    /// The version of the last good table; 0 before the first.
    #[serde(default)]
    pub version: u64,
    /// The highest number given to a table so far, taken or kept out: no number names two tables.
    #[serde(default)]
    pub last_number: u64,
    /// The table that was kept under `version`; read back after a restart.
    #[serde(skip)]
    pub of_version: Option<Arc<ScoreTable>>,
    /// What the last good table was computed with.
    #[serde(default)]
    pub basis: Option<ScoreBasis>,
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

    /// The number of the next table that is another than all before.
    pub fn next_number(&self) -> u64 {
        self.version.max(self.last_number) + 1
    }
}

/// A table that is kept out until a lead takes it. What is computed later and would follow it without question goes by its number:
/// the number stands for what the lead saw.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct KeptOut {
    /// Its number, and its version once it is taken.
    pub version: u64,
    /// When it was first refused.
    pub since: Timestamp,
    /// The table as it was then.
    pub table: Arc<ScoreTable>,
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

    /// Tables of a workspace's policies that are kept out, in the order of the document.
    pub fn refused(&self, workspace: &Workspace) -> Vec<RefusedScores> {
        let book = self.lock();
        let refused = |policy: &Policy| {
            let scores = book.get(&policy.id)?;
            let (reason, kept_out) = scores.refused.as_ref().zip(scores.kept_out.as_ref())?;
            Some(RefusedScores { policy: policy.id.clone(), since: kept_out.since, reason: reason.clone() })
        };
        workspace.policies.iter().filter_map(refused).collect()
    }

    /// All of it, locked.
    pub(super) fn lock(&self) -> MutexGuard<'_, HashMap<PolicyId, PolicyScores>> {
        self.policies.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
