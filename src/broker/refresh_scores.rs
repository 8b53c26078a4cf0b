//! From stored deals to published shares: computes a policy's score table, keeps the last good one, and moves the shares
//! of its groups. The shares of a workspace are swapped as a whole; readers never wait.
//!
//! What people set by hand (corrections, exclusions, a pinned version, a refused table taken after all) is read from the fold each
//! time, so that it holds whatever else happens, and after a restart.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::score_basis::ScoreBasis;
use super::score_book::{KeptOut, PolicyScores};
use super::store::{Store, StoreError, StoredScoreVersion, StoredScores};
use super::tenant::Tenant;
use crate::core::distribution::tally::Tally;
use crate::core::ids::ConnectionId;
use crate::core::policy::{Exposure, Policy, ScoreSettings};
use crate::core::scoring::adjustments::Adjustments;
use crate::core::scoring::exclusions::Exclusions;
use crate::core::scoring::score;
use crate::core::scoring::score_input::ScoreInput;
use crate::core::scoring::score_judge::{self, Occasion, Replacement, Verdict};
use crate::core::scoring::score_table::ScoreTable;
use crate::core::shares::share_board::{GroupShares, ShareBoard};
use crate::core::shares::share_plan::SharePlan;
use crate::core::shares::target_share;
use crate::core::working_time::duty_days::OFF_DUTY_UNDECIDED_SECONDS;
use crate::core::workspace::{ConnectionKind, GroupIx, PolicyIx, Workspace};

pub use super::score_book::ScoreBook;

/// Published shares are taken anew at this pace while they move, in seconds.
pub const SHARES_STEP_SECONDS: u64 = 10;

/// How many refreshes may be missed before an answer says that scores are older than they should be.
const REFRESHES_MISSED: u32 = 3;

/// Calls and absences are looked at for so many horizons: time off duty does not count into a horizon.
const HORIZONS_READ: u64 = 2;

/// Without a horizon calls and absences are looked at for so long, in days.
const DAYS_READ_MAX: u64 = 730;

/// Takes up the scores of the last run and publishes shares: base shares where there are none yet.
pub async fn restore(store: &Arc<dyn Store>, tenant: &Tenant, now: Timestamp) -> Result<(), StoreError> {
    let stored = store.scores(&tenant.workspace.id).await?;
    for StoredScores { policy, body } in stored {
        match serde_json::from_str::<PolicyScores>(&body) {
            Ok(scores) => drop(tenant.scores.lock().insert(policy, scores)),
            Err(error) => tracing::warn!(%policy, %error, "stored scores cannot be read; they are computed anew"),
        }
    }
    let _changing = tenant.scores.changing.lock().await;
    for ix in policies(&tenant.workspace) {
        let by_hand = by_hand(store, tenant, ix, now).await?;
        let known = known(tenant, ix);
        stand(store, tenant, ix, (known, &by_hand), now).await?;
    }
    publish(tenant, now);
    Ok(())
}

/// Computes a policy's table from the stored deals. Says whether the new table is taken.
pub async fn refresh(store: &Arc<dyn Store>, tenant: &Tenant, ix: PolicyIx, now: Timestamp) -> Result<bool, StoreError> {
    let policy = tenant.workspace.policy(ix);
    let Some(settings) = &policy.score else { return Ok(true) };
    let _changing = tenant.scores.changing.lock().await;
    let by_hand = by_hand(store, tenant, ix, now).await?;
    let Some((table, answered)) = compute(store, tenant, (ix, settings), now).await? else {
        tracing::error!(policy = %policy.id, "computing scores failed; the last good table stays in use");
        return Ok(false);
    };
    let mut known = known(tenant, ix);
    let basis = ScoreBasis::of(&tenant.workspace, ix, answered, by_hand.exclusions_changed_at);
    let occasion = basis.occasion(known.basis.as_ref(), known.kept_out.is_some());
    let judged = Judged { workspace: &tenant.workspace, policy: ix, adjustments: &by_hand.adjustments };
    let number = match judged.verdict(known.table.as_deref(), &table, occasion) {
        Verdict::Refuse(reason) => {
            let kept_out = judged.keep_out(&known, &table, now);
            if by_hand.accepted != Some(kept_out.version) {
                tracing::warn!(workspace = %tenant.workspace.id, policy = %policy.id, %reason, "new scores were not taken");
                known.last_number = known.last_number.max(kept_out.version);
                (known.refused, known.kept_out) = (Some(reason.to_string()), Some(kept_out));
                save(store, tenant, policy, known).await?;
                return Ok(false);
            }
            kept_out.version
        }
        Verdict::Accept => known.next_number(),
    };
    let table = Arc::new(table);
    let last = last_version(store, tenant, policy, &known).await?;
    let news = last.as_ref().is_none_or(|last| table.differs_from(last));
    known.of_version = if news { Some(Arc::clone(&table)) } else { last };
    known.version = if news { number } else { known.version };
    known.last_number = known.last_number.max(known.version);
    known.table = Some(table);
    (known.basis, known.refused, known.kept_out) = (Some(basis), None, None);
    if news {
        save_version(store, tenant, policy, &known, now).await?;
    }
    stand(store, tenant, ix, (known, &by_hand), now).await?;
    publish(tenant, now);
    Ok(true)
}

/// Computes the tables of all policies that have one.
pub async fn refresh_all(store: &Arc<dyn Store>, tenant: &Tenant, now: Timestamp) -> Result<(), StoreError> {
    for ix in policies(&tenant.workspace) {
        refresh(store, tenant, ix, now).await?;
    }
    Ok(())
}

/// Lets shares follow what was set by hand since, and what the calendar brings (a newcomer's next day, the end of a correction), and
/// publishes them as they are at `now`. While scores are being computed, they see to that themselves.
pub async fn step(store: &Arc<dyn Store>, tenant: &Tenant, now: Timestamp) -> Result<(), StoreError> {
    if let Ok(_changing) = tenant.scores.changing.try_lock() {
        follow_hand(store, tenant, now).await?;
    }
    publish(tenant, now);
    Ok(())
}

/// The same at once, for somebody who waits for it.
pub async fn step_now(store: &Arc<dyn Store>, tenant: &Tenant, now: Timestamp) -> Result<(), StoreError> {
    let _changing = tenant.scores.changing.lock().await;
    follow_hand(store, tenant, now).await?;
    publish(tenant, now);
    Ok(())
}

async fn follow_hand(store: &Arc<dyn Store>, tenant: &Tenant, now: Timestamp) -> Result<(), StoreError> {
    for ix in policies(&tenant.workspace) {
        let by_hand = by_hand(store, tenant, ix, now).await?;
        let known = known(tenant, ix);
        if known.adjustments != by_hand.adjustments || known.pin != by_hand.pin {
            stand(store, tenant, ix, (known, &by_hand), now).await?;
        }
    }
    Ok(())
}

fn policies(workspace: &Workspace) -> impl Iterator<Item = PolicyIx> + use<> {
    (0..).map(PolicyIx).take(workspace.policies.len())
}

fn known(tenant: &Tenant, ix: PolicyIx) -> PolicyScores {
    tenant.scores.policy(&tenant.workspace.policy(ix).id).unwrap_or_default()
}

/// What people set by hand about a policy's scores.
struct ByHand {
    adjustments: Adjustments,
    pin: Option<u64>,
    accepted: Option<u64>,
    exclusions_changed_at: Option<Timestamp>,
}

async fn by_hand(store: &Arc<dyn Store>, tenant: &Tenant, ix: PolicyIx, now: Timestamp) -> Result<ByHand, StoreError> {
    let workspace = &tenant.workspace;
    let policy = workspace.policy(ix);
    let mut found = None;
    let mut look = |tally: &Tally| {
        let book = tally.interventions();
        found = Some(ByHand {
            adjustments: Adjustments::at(workspace, ix, book, now),
            pin: book.score_pin(&policy.id),
            accepted: book.accepted_score(&policy.id),
            exclusions_changed_at: book.exclusions_changed_at(),
        });
    };
    store.view(&workspace.id, now, &mut look).await?;
    found.ok_or_else(|| StoreError::Unavailable("the store did not show what was set by hand".to_owned()))
}

/// The table as of now, and which connections have ever given deals.
async fn compute(
    store: &Arc<dyn Store>,
    tenant: &Tenant,
    (ix, settings): (PolicyIx, &ScoreSettings),
    now: Timestamp,
) -> Result<Option<(ScoreTable, BTreeSet<ConnectionId>)>, StoreError> {
    let id = &tenant.workspace.id;
    let mut exclusions = Exclusions::default();
    store.view(id, now, &mut |tally: &Tally| exclusions = Exclusions::of(tally.interventions())).await?;
    let mut deals = Vec::with_capacity(settings.crm.len());
    let (mut as_of, mut answered) = (now, BTreeSet::new());
    for connection in &settings.crm {
        if let Some(succeeded_at) = store.pull_state(id, connection).await?.succeeded_at {
            // A table is as old as the oldest word it rests on.
            as_of = as_of.min(succeeded_at);
            answered.insert(connection.clone());
        }
        deals.push((connection.clone(), store.deals(id, connection).await?));
    }
    let since = read_since(&tenant.workspace, now);
    let off_duty = store.off_duty_spans(id, OFF_DUTY_UNDECIDED_SECONDS, since).await?;
    let handled = match settings.exposure {
        Exposure::Calls => tenant.scores.handled.since(&**store, id, since).await?,
        Exposure::Opportunities => Vec::new(),
    };
    let workspace = Arc::clone(&tenant.workspace);
    let computed = tokio::task::spawn_blocking(move || {
        let usual = ScoreInput::of(&workspace, ix, now)?;
        let input = ScoreInput { as_of, handled_calls: &handled, exclusions: Some(&exclusions), off_duty: &off_duty, ..usual };
        let rows = deals.iter().flat_map(|(connection, deals)| deals.iter().map(move |deal| (connection, deal)));
        Some(score::compute(&input, rows))
    });
    Ok(computed.await.ok().flatten().map(|table| (table, answered)))
}

/// From when on calls and absences bear on any policy's scores.
pub(super) fn read_since(workspace: &Workspace, now: Timestamp) -> Timestamp {
    let most = DAYS_READ_MAX * 24 * 3600;
    let horizons = workspace.policies.iter().filter_map(|policy| policy.score.as_ref()).map(|score| score.horizon_seconds);
    let longest = horizons.map(|horizon| horizon.map_or(most, |horizon| HORIZONS_READ.saturating_mul(horizon).min(most))).max();
    let seconds = i64::try_from(longest.unwrap_or(0)).unwrap_or(i64::MAX);
    now.checked_sub(SignedDuration::from_secs(seconds)).unwrap_or(Timestamp::MIN)
}

/// What new tables are judged with.
struct Judged<'a> {
    workspace: &'a Workspace,
    policy: PolicyIx,
    adjustments: &'a Adjustments,
}

impl Judged<'_> {
    fn verdict(&self, previous: Option<&ScoreTable>, next: &ScoreTable, occasion: Occasion) -> Verdict {
        match (score_judge::judge(previous, next, occasion), previous) {
            (Verdict::Accept, Some(previous)) => {
                let tables = Replacement { previous, next, adjustments: self.adjustments };
                score_judge::judge_shares(self.workspace, self.policy, &tables, occasion)
            }
            (verdict, _) => verdict,
        }
    }

    /// The table that is kept out: the one that is already, where `refused` would follow it without question.
    fn keep_out(&self, known: &PolicyScores, refused: &ScoreTable, now: Timestamp) -> KeptOut {
        let follows = |before: &&KeptOut| self.verdict(Some(&before.table), refused, Occasion::Refresh) == Verdict::Accept;
        let as_before = known.kept_out.as_ref().filter(follows).cloned();
        as_before.unwrap_or_else(|| KeptOut { version: known.next_number(), since: now, table: Arc::new(refused.clone()) })
    }
}

/// Makes the shares of a policy's groups follow its scores and what was set by hand, and stores both. What was set by hand holds at
/// once, scores are followed smoothly, whatever was set by hand meanwhile.
async fn stand(
    store: &Arc<dyn Store>,
    tenant: &Tenant,
    ix: PolicyIx,
    (mut scores, by_hand): (PolicyScores, &ByHand),
    now: Timestamp,
) -> Result<(), StoreError> {
    let policy = tenant.workspace.policy(ix);
    let before = tenant.scores.policy(&policy.id).unwrap_or_default();
    let (at_once, adjusted_from) = (scores.pin != by_hand.pin, scores.adjustments.clone());
    if scores.pin != by_hand.pin {
        scores.pinned = match by_hand.pin {
            Some(version) => kept_version(store, tenant, policy, version).await?,
            None => None,
        };
        if let Some(version) = by_hand.pin.filter(|_| scores.pinned.is_none()) {
            tracing::warn!(policy = %policy.id, version, "the pinned version of the scores is not kept; shares follow the newest");
        }
        scores.pin = by_hand.pin;
    }
    scores.adjustments = by_hand.adjustments.clone();
    let settings = settings_of(policy);
    let only_scores_changed = scores.settings == settings && !at_once;
    let groups = (0..).map(GroupIx).take(tenant.workspace.groups.len());
    let plans = groups.filter(|group| tenant.workspace.group(*group).policy == ix).map(|group| {
        let id = tenant.workspace.group(group).id.clone();
        let table = scores.in_use().map(|table| &**table);
        let mut targets = target_share::adjusted_targets(&tenant.workspace, group, table, &scores.adjustments);
        let held = scores.pinned.is_some() && targets.scores_as_of.is_some();
        if held {
            targets.scores_as_of = Some(now);
        }
        let known = scores.plans.get(&id);
        let by_hand = known.filter(|_| adjusted_from != scores.adjustments).map(|plan| {
            let with = |adjustments| {
                let table = before.in_use().map(|table| &**table);
                target_share::adjusted_targets(&tenant.workspace, group, table, adjustments)
            };
            plan.set_by_hand(&with(&adjusted_from), &with(&scores.adjustments), now)
        });
        let (plan, smooth) = match &by_hand {
            Some(Some(plan)) => (Some(plan), only_scores_changed),
            Some(None) => (known, false),
            None => (known, only_scores_changed),
        };
        let plan = SharePlan::follow(plan, &targets, now, smooth);
        (id, if held { plan.held() } else { plan })
    });
    scores.plans = plans.collect();
    scores.settings = settings;
    save(store, tenant, policy, scores).await
}

/// Keeps what is known of a policy's scores, for readers and for the next start.
async fn save(store: &Arc<dyn Store>, tenant: &Tenant, policy: &Policy, scores: PolicyScores) -> Result<(), StoreError> {
    let body = serde_json::to_string(&scores).map_err(|error| StoreError::Corrupt(error.to_string()))?;
    tenant.scores.lock().insert(policy.id.clone(), scores);
    store.save_scores(&tenant.workspace.id, StoredScores { policy: policy.id.clone(), body }).await
}

async fn save_version(
    store: &Arc<dyn Store>,
    tenant: &Tenant,
    policy: &Policy,
    scores: &PolicyScores,
    now: Timestamp,
) -> Result<(), StoreError> {
    let body = serde_json::to_string(&scores.table).map_err(|error| StoreError::Corrupt(error.to_string()))?;
    let version = StoredScoreVersion { policy: policy.id.clone(), version: scores.version, taken_at: now, body };
    store.save_score_version(&tenant.workspace.id, version, scores.pin.into_iter().collect()).await
}

/// The table kept under the version of the last good one: that one moves a little from refresh to refresh and keeps its number.
async fn last_version(
    store: &Arc<dyn Store>,
    tenant: &Tenant,
    policy: &Policy,
    known: &PolicyScores,
) -> Result<Option<Arc<ScoreTable>>, StoreError> {
    match &known.of_version {
        Some(table) => Ok(Some(Arc::clone(table))),
        None if known.version == 0 => Ok(None),
        None => kept_version(store, tenant, policy, known.version).await,
    }
}

/// A kept version's table; none when it is not kept any more.
async fn kept_version(
    store: &Arc<dyn Store>,
    tenant: &Tenant,
    policy: &Policy,
    version: u64,
) -> Result<Option<Arc<ScoreTable>>, StoreError> {
    let kept = store.score_versions(&tenant.workspace.id, &policy.id).await?;
    let found = kept.into_iter().find(|kept| kept.version == version);
    Ok(found.and_then(|kept| serde_json::from_str::<ScoreTable>(&kept.body).ok()).map(Arc::new))
}

/// Swaps the board for the shares as they are at `now`. Groups whose shares did not move keep theirs.
pub fn publish(tenant: &Tenant, now: Timestamp) {
    let before = tenant.shares.load();
    let groups = (0..).map(GroupIx).take(tenant.workspace.groups.len());
    let book = tenant.scores.lock();
    let shares = groups.map(|ix| {
        let group = tenant.workspace.group(ix);
        let policy = tenant.workspace.policy(group.policy);
        let scores = book.get(&policy.id);
        let next =
            scores.and_then(|scores| Some(group_shares(&tenant.workspace, policy, scores, scores.plans.get(&group.id)?, now)));
        match (next, before.group(ix)) {
            (Some(next), Some(known)) if next.published == known.published => {
                GroupShares { published: Arc::clone(&known.published), ..next }
            }
            (Some(next), _) => next,
            (None, known) => known.cloned().unwrap_or_else(|| no_shares(group.members.len())),
        }
    });
    let board = ShareBoard::new(shares.collect());
    drop(book);
    tenant.shares.store(Arc::new(board));
}

fn group_shares(workspace: &Workspace, policy: &Policy, scores: &PolicyScores, plan: &SharePlan, now: Timestamp) -> GroupShares {
    // A table that somebody chose is as old as it is, and never too old.
    let (scores_as_of, stale_at) = match &scores.pinned {
        Some(pinned) => (plan.scores_as_of.map(|_| pinned.as_of), None),
        None => {
            let stale_after = stale_after(workspace, policy);
            (plan.scores_as_of, plan.scores_as_of.and_then(|as_of| as_of.checked_add(stale_after).ok()))
        }
    };
    GroupShares {
        base: plan.members.iter().map(|member| member.base).collect(),
        published: plan.published(now).into(),
        scores_as_of,
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

/// A text that differs when a setting that shares depend on does.
fn settings_of(policy: &Policy) -> String {
    format!("{:?} {:?}", policy.mode, policy.score)
}
