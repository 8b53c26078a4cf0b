//! Pulls deals from one CRM connection, again and again: incrementally, not all tenants at the same moment, and never
//! losing the last good state to a CRM that fails or answers nonsense.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::ports::{Clock, DealSource, Extent, Pull, SourceError};
use super::refresh_scores;
use super::store::{PullCommit, PullState, Store, StoreError};
use super::tenant::Tenant;
use crate::core::ids::ConnectionId;
use crate::core::workspace::PolicyIx;

/// After the first failure; doubles with each, up to the refresh interval.
const FIRST_RETRY: Duration = Duration::from_secs(5);

/// A pull that replaces everything is not believed when it shows less than this part of what was known.
const BELIEVED_PART: f64 = 0.5;

/// Who pulls, and for whom.
pub struct Poller {
    /// The store.
    pub store: Arc<dyn Store>,
    /// The wall clock.
    pub clock: Arc<dyn Clock>,
    /// The running workspace.
    pub tenant: Arc<Tenant>,
    /// Which connection.
    pub connection: ConnectionId,
    /// Where deals come from.
    pub source: Arc<dyn DealSource>,
    /// How often, in seconds.
    pub refresh_seconds: u32,
    /// Told after each pull, with whether it succeeded.
    pub on_pull: Arc<dyn Fn(bool, Timestamp) + Send + Sync>,
}

/// How one pull went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PollOutcome {
    /// Deals are stored and scores follow them.
    Done,
    /// Nothing was stored; the CRM wants to be left alone for so many seconds.
    Wait(u64),
    /// Nothing was stored.
    Failed,
}

impl Poller {
    /// Pulls until stopped (by dropping).
    pub async fn run(self) {
        let mut failures = 0u32;
        loop {
            let outcome = self.poll().await;
            let refresh = Duration::from_secs(u64::from(self.refresh_seconds.max(1)));
            let pause = match outcome {
                PollOutcome::Done => {
                    failures = 0;
                    refresh
                }
                PollOutcome::Wait(seconds) => Duration::from_secs(seconds),
                PollOutcome::Failed => {
                    failures = failures.saturating_add(1);
                    FIRST_RETRY.saturating_mul(1 << failures.saturating_sub(1).min(10)).min(refresh.max(FIRST_RETRY))
                }
            };
            tokio::time::sleep(pause.mul_f64(jitter())).await;
        }
    }

    /// Pulls once, stores what came, and refreshes the scores that depend on it.
    pub async fn poll(&self) -> PollOutcome {
        let now = self.clock.now();
        let outcome = match self.pull(now).await {
            Ok(outcome) => outcome,
            Err(error) => {
                tracing::error!(%error, connection = %self.connection, "pulled deals could not be stored; trying again");
                PollOutcome::Failed
            }
        };
        (self.on_pull)(outcome == PollOutcome::Done, now);
        outcome
    }

    async fn pull(&self, now: Timestamp) -> Result<PollOutcome, StoreError> {
        let workspace = &self.tenant.workspace.id;
        let state = self.store.pull_state(workspace, &self.connection).await?;
        let pulled = match self.source.pull(state.cursor.as_deref(), now).await {
            Ok(pull) => self.believed(pull).await?,
            Err(error) => Err(error),
        };
        match pulled {
            Ok(pull) => {
                self.commit(pull, now).await?;
                self.refresh_scores(now).await?;
                Ok(PollOutcome::Done)
            }
            Err(error) => {
                tracing::warn!(%workspace, connection = %self.connection, %error, "no deals were pulled; the last good scores stay");
                let wait = match &error {
                    SourceError::RateLimited { retry_after_seconds, .. } => {
                        PollOutcome::Wait((*retry_after_seconds).clamp(1, 3600))
                    }
                    _ => PollOutcome::Failed,
                };
                let state = PullState { failure: Some((now, error.to_string())), ..state };
                let pull = PullCommit {
                    connection: self.connection.clone(),
                    deals: Vec::new(),
                    unreadable: Vec::new(),
                    extent: Extent::Changes,
                    state,
                };
                self.store.commit_pull(workspace, pull).await?;
                Ok(wait)
            }
        }
    }

    /// Refuses a full pull that shows much less than was known (a lost permission, a filter, half a file) or nothing readable.
    async fn believed(&self, pull: Pull) -> Result<Result<Pull, SourceError>, StoreError> {
        if pull.extent == Extent::Changes {
            return Ok(Ok(pull));
        }
        if let Some(first) = pull.faults.first().filter(|_| pull.deals.is_empty()) {
            let text = format!("none of its {} rows can be read; {}: {}", pull.rows_read, first.place, first.detail);
            return Ok(Err(SourceError::Malformed(text)));
        }
        let known = self.store.deals(&self.tenant.workspace.id, &self.connection).await?.len();
        #[expect(clippy::cast_precision_loss, reason = "counts of deals")]
        if (pull.deals.len() as f64) < known as f64 * BELIEVED_PART {
            let shown = pull.deals.len();
            let text = format!("it shows {shown} deals where {known} were known; check what the connection may read");
            return Ok(Err(SourceError::Malformed(text)));
        }
        Ok(Ok(pull))
    }

    async fn commit(&self, pull: Pull, now: Timestamp) -> Result<(), StoreError> {
        if pull.rows_rejected > 0 {
            let first = pull.faults.first().map(|fault| format!("{}: {}", fault.place, fault.detail)).unwrap_or_default();
            tracing::warn!(
                connection = %self.connection, rows_read = pull.rows_read, rows_rejected = pull.rows_rejected, %first,
                "some rows of the CRM could not be read; the others were loaded"
            );
        }
        let state = PullState {
            cursor: pull.cursor.clone(),
            succeeded_at: Some(now),
            failure: None,
            rejected: (pull.rows_rejected, pull.faults.clone()),
        };
        let Pull { deals, unreadable, extent, .. } = pull;
        let commit = PullCommit { connection: self.connection.clone(), deals, unreadable, extent, state };
        self.store.commit_pull(&self.tenant.workspace.id, commit).await
    }

    async fn refresh_scores(&self, now: Timestamp) -> Result<(), StoreError> {
        for (policy, ix) in self.tenant.workspace.policies.iter().zip((0..).map(PolicyIx)) {
            if policy.score.as_ref().is_some_and(|score| score.crm.contains(&self.connection)) {
                refresh_scores::refresh(&self.store, &self.tenant, ix, now).await?;
            }
        }
        Ok(())
    }
}

/// Between 0.9 and 1.1: many workspaces of one service must not ask at the same moment.
fn jitter() -> f64 {
    let draw = RandomState::new().hash_one(0u8) % 1000;
    #[expect(clippy::cast_precision_loss, reason = "below 1000")]
    let unit = draw as f64 / 1000.0;
    0.9 + 0.2 * unit
}
