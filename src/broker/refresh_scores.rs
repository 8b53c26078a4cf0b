//! From stored deals to published shares: computes a policy's score table, keeps the last good one, and moves the shares
//! of its groups. The shares of a workspace are swapped as a whole; readers never wait.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::store::{Store, StoreError, StoredScores};
use super::tenant::Tenant;
use crate::core::ids::{GroupId, PolicyId};
use crate::core::policy::Policy;
use crate::core::score::{self, ScoreInput};
use crate::core::score_table::{self, Occasion, ScoreTable, Verdict};
use crate::core::share_board::{GroupShares, ShareBoard};
use crate::core::share_plan::SharePlan;
use crate::core::target_share;
use crate::core::workspace::{ConnectionKind, GroupIx, PolicyIx, Workspace};

/// Published shares are taken anew at this pace while they move, in seconds.
pub const SHARES_STEP_SECONDS: u64 = 10;

/// How many refreshes may be missed before an answer says that scores are older than they should be.
const REFRESHES_MISSED: u32 = 3;

/// A policy's scores and the shares that follow them.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PolicyScores {
    /// Under which settings; other settings publish at once instead of smoothly.
    pub settings: String,
    /// The last good table; none for a policy that follows no scores, or before the first.
    pub table: Option<Arc<ScoreTable>>,
    /// How the shares of each group with the policy move.
    pub plans: BTreeMap<GroupId, SharePlan>,
    /// Why the newest table was not taken, if it was not.
    #[serde(default)]
    pub refused: Option<String>,
}

/// The scores of a workspace, by policy.
#[derive(Debug, Default)]
pub struct ScoreBook(Mutex<HashMap<PolicyId, PolicyScores>>);

impl ScoreBook {
    /// What is known of a policy's scores.
    pub fn policy(&self, policy: &PolicyId) -> Option<PolicyScores> {
        self.lock().get(policy).cloned()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<PolicyId, PolicyScores>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes up the scores of the last run and publishes shares: base shares where there are none yet.
pub async fn restore(store: &Arc<dyn Store>, tenant: &Tenant, now: Timestamp) -> Result<(), StoreError> {
    let stored = store.scores(&tenant.workspace.id).await?;
    for StoredScores { policy, body } in stored {
        match serde_json::from_str::<PolicyScores>(&body) {
            Ok(scores) => drop(tenant.scores.lock().insert(policy, scores)),
            Err(error) => tracing::warn!(%policy, %error, "stored scores cannot be read; they are computed anew"),
        }
    }
    let policies = (0..).map(PolicyIx).take(tenant.workspace.policies.len());
    for ix in policies {
        let table = tenant.scores.lock().get(&tenant.workspace.policy(ix).id).and_then(|scores| scores.table.clone());
        let scores = follow(tenant, ix, table, now);
        save(store, tenant, ix, &scores).await?;
    }
    publish(tenant, now);
    Ok(())
}

/// Computes a policy's table from the stored deals. Says whether the new table is in use.
pub async fn refresh(store: &Arc<dyn Store>, tenant: &Tenant, ix: PolicyIx, now: Timestamp) -> Result<bool, StoreError> {
    let policy = tenant.workspace.policy(ix);
    let Some(settings) = &policy.score else { return Ok(true) };
    let mut deals = Vec::with_capacity(settings.crm.len());
    let mut as_of = now;
    for connection in &settings.crm {
        // A table is as old as the oldest word it rests on.
        as_of = as_of.min(store.pull_state(&tenant.workspace.id, connection).await?.succeeded_at.unwrap_or(now));
        deals.push((connection.clone(), store.deals(&tenant.workspace.id, connection).await?));
    }
    let workspace = Arc::clone(&tenant.workspace);
    let computed = tokio::task::spawn_blocking(move || {
        let input = ScoreInput { as_of, ..ScoreInput::of(&workspace, ix, now)? };
        let rows = deals.iter().flat_map(|(connection, deals)| deals.iter().map(move |deal| (connection, deal)));
        Some(score::compute(&input, rows))
    });
    let Ok(Some(table)) = computed.await else {
        tracing::error!(policy = %policy.id, "computing scores failed; the last good table stays in use");
        return Ok(false);
    };
    let known = tenant.scores.policy(&policy.id);
    let reconfigured = known.as_ref().is_none_or(|known| known.settings != settings_of(policy));
    let occasion = if reconfigured { Occasion::Reconfigured } else { Occasion::Refresh };
    let previous = known.as_ref().and_then(|known| known.table.as_deref());
    if let Verdict::Refuse(reason) = score_table::judge(previous, &table, occasion) {
        tracing::warn!(workspace = %tenant.workspace.id, policy = %policy.id, %reason, "new scores were not taken");
        if let Some(scores) = tenant.scores.lock().get_mut(&policy.id) {
            scores.refused = Some(reason.to_string());
        }
        return Ok(false);
    }
    let scores = follow(tenant, ix, Some(Arc::new(table)), now);
    save(store, tenant, ix, &scores).await?;
    publish(tenant, now);
    Ok(true)
}

/// Swaps the board for the shares as they are at `now`. Groups whose shares did not move keep theirs.
pub fn publish(tenant: &Tenant, now: Timestamp) {
    let before = tenant.shares.load();
    let groups = (0..).map(GroupIx).take(tenant.workspace.groups.len());
    let scores = tenant.scores.lock();
    let shares = groups.map(|ix| {
        let group = tenant.workspace.group(ix);
        let policy = tenant.workspace.policy(group.policy);
        let plan = scores.get(&policy.id).and_then(|scores| scores.plans.get(&group.id));
        let next = plan.map(|plan| group_shares(&tenant.workspace, policy, plan, now));
        match (next, before.group(ix)) {
            (Some(next), Some(known)) if next.published == known.published => {
                GroupShares { published: Arc::clone(&known.published), ..next }
            }
            (Some(next), _) => next,
            (None, known) => known.cloned().unwrap_or_else(|| no_shares(group.members.len())),
        }
    });
    let board = ShareBoard::new(shares.collect());
    drop(scores);
    tenant.shares.store(Arc::new(board));
}

fn group_shares(workspace: &Workspace, policy: &Policy, plan: &SharePlan, now: Timestamp) -> GroupShares {
    let stale_after = stale_after(workspace, policy);
    let stale_at = plan.scores_as_of.and_then(|as_of| as_of.checked_add(stale_after).ok());
    GroupShares {
        base: plan.members.iter().map(|member| member.base).collect(),
        published: plan.published(now).into(),
        scores_as_of: plan.scores_as_of,
        stale_at,
        follows_scores: policy.score.is_some(),
    }
}

fn no_shares(members: usize) -> GroupShares {
    let zeros: Arc<[f64]> = vec![0.0; members].into();
    GroupShares { base: Arc::clone(&zeros), published: zeros, scores_as_of: None, stale_at: None, follows_scores: false }
}

/// When scores are older than they should be: a few refreshes of the slowest connection were missed.
fn stale_after(workspace: &Workspace, policy: &Policy) -> SignedDuration {
    let connections = policy.score.iter().flat_map(|score| &score.crm).filter_map(|id| workspace.find_connection(id));
    let slowest = connections
        .map(|connection| match connection.kind {
            ConnectionKind::Crm { refresh_seconds } => refresh_seconds,
            ConnectionKind::Pbx { .. } => 0,
        })
        .max();
    SignedDuration::from_secs(i64::from(slowest.unwrap_or(0)) * i64::from(REFRESHES_MISSED) + 60)
}

/// Makes the shares of a policy's groups follow a table.
fn follow(tenant: &Tenant, ix: PolicyIx, table: Option<Arc<ScoreTable>>, now: Timestamp) -> PolicyScores {
    let policy = tenant.workspace.policy(ix);
    let settings = settings_of(policy);
    let mut book = tenant.scores.lock();
    let known = book.get(&policy.id);
    let only_scores_changed = known.is_some_and(|known| known.settings == settings);
    let groups = (0..).map(GroupIx).take(tenant.workspace.groups.len());
    let plans = groups.filter(|group| tenant.workspace.group(*group).policy == ix).map(|group| {
        let id = tenant.workspace.group(group).id.clone();
        let targets = target_share::targets(&tenant.workspace, group, table.as_deref());
        let previous = known.and_then(|known| known.plans.get(&id));
        let plan = SharePlan::follow(previous, &targets, now, only_scores_changed);
        (id, plan)
    });
    let plans = plans.collect();
    let scores = PolicyScores { settings, table, plans, refused: None };
    book.insert(policy.id.clone(), scores.clone());
    scores
}

async fn save(store: &Arc<dyn Store>, tenant: &Tenant, ix: PolicyIx, scores: &PolicyScores) -> Result<(), StoreError> {
    let body = serde_json::to_string(scores).map_err(|error| StoreError::Corrupt(error.to_string()))?;
    let policy = tenant.workspace.policy(ix).id.clone();
    store.save_scores(&tenant.workspace.id, StoredScores { policy, body }).await
}

/// A text that differs when a setting that shares depend on does.
fn settings_of(policy: &Policy) -> String {
    format!("{:?} {:?}", policy.mode, policy.score)
}
