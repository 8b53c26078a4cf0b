//! The embedded store: one SQLite file, one process.
//!
//! Distribution state lives in memory, one lock per workspace; a decision never waits for the disk. Facts go to one writer
//! in the order they come. Reads run beside it on connections of their own.

mod decisions;
mod file;
mod fold;
mod jobs;
mod live;
mod queue;
mod readers;
mod recorded;
mod score_facts;
mod writer;

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use jiff::Timestamp;
use sqlx::SqlitePool;
use sqlx::pool::PoolConnection;

use crate::broker::ports::Boxed;
use crate::broker::store::{
    Backlog, CallsAfter, DecisionSpan, EventOutcome, InboxEntry, InterventionRequest, Page, PageRequest, PullCommit, PullState,
    Recorded, Store, StoreError, StoredEvent, StoredScoreVersion, StoredScores, StoredToken, StoredWorkspace, ToldCalls, Verdict,
    WorkspaceChange,
};
use crate::core::deal::Deal;
use crate::core::distribution::tally::Tally;
use crate::core::ids::{CallKey, ConnectionId, DecisionId, EventId, PolicyId, WorkspaceId};
use crate::core::intervention::Intervention;
use crate::core::record::{DecisionRecord, Presence, ReceivedEvent};
use crate::core::working_time::duty_days::OffDutySpan;
use crate::core::workspace::Workspace;

use self::live::{Asked, Live};
use self::queue::{Done, Queue, Work};

/// How long a decision waits for a forgotten call to be read back: the caller is on the line.
const READ_BACK_WAIT: Duration = Duration::from_millis(100);

/// How long a reader waits for decisions made before it asked.
const SETTLE_WAIT: Duration = Duration::from_millis(200);

/// How long the question whether the store can be written may take.
const READY_WAIT: Duration = Duration::from_secs(1);

/// How long writing out what waits may take at the end.
const SHUT_DOWN_WAIT: Duration = Duration::from_secs(10);

/// How the writer's connection is set up, as SQLite itself tells it. For `doctor`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WriterSettings {
    /// 2 is `FULL`: what was acknowledged survives a power cut.
    pub synchronous: i64,
    /// `wal`.
    pub journal_mode: String,
    /// 1: what is deleted is overwritten.
    pub secure_delete: i64,
    /// 1: on.
    pub foreign_keys: i64,
}

/// The embedded store.
pub struct SqliteStore {
    queue: Queue,
    readers: SqlitePool,
    open: RwLock<HashMap<WorkspaceId, Arc<Live>>>,
    opening: tokio::sync::Mutex<()>,
}

impl SqliteStore {
    /// Opens the file at `url` (`sqlite://meritline.db`), makes it if it is missing, and starts the writer. Refuses a file
    /// that is no database, another program's, or from a newer version.
    pub async fn connect(url: &str) -> Result<Arc<Self>, StoreError> {
        let options = file::writer_options(url)?;
        let connection = file::open(&options).await?;
        let readers = file::readers(&options);
        let (queue, waiting) = Queue::new();
        writer::start(options, connection, waiting)?;
        Ok(Arc::new(Self { queue, readers, open: RwLock::default(), opening: tokio::sync::Mutex::default() }))
    }

    /// Whether there is a file at `url` already.
    pub fn is_there(url: &str) -> bool {
        file::writer_options(url).is_ok_and(|options| options.get_filename().exists())
    }

    /// How the writer's connection is set up.
    pub async fn writer_settings(&self) -> Result<WriterSettings, StoreError> {
        match self.queue.run(Work::Settings).await? {
            Done::Settings(settings) => Ok(settings),
            Done::Written | Done::Events(_) => Err(StoreError::Unavailable("the writer did not tell its settings".into())),
        }
    }

    /// The most events that were written in one transaction since the start.
    pub fn most_events_at_once(&self) -> usize {
        self.queue.most_events_at_once()
    }

    async fn reader(&self) -> Result<PoolConnection<sqlx::Sqlite>, StoreError> {
        self.readers.acquire().await.map_err(|fault| unavailable(&fault))
    }

    fn find(&self, workspace: &WorkspaceId) -> Option<Arc<Live>> {
        self.open.read().unwrap_or_else(PoisonError::into_inner).get(workspace).cloned()
    }

    fn live(&self, workspace: &WorkspaceId) -> Result<Arc<Live>, StoreError> {
        self.find(workspace).ok_or_else(|| StoreError::Unavailable(format!("workspace `{workspace}` is not open")))
    }

    async fn open_workspace(&self, workspace: Arc<Workspace>, now: Timestamp) -> Result<(), StoreError> {
        let _one_at_a_time = self.opening.lock().await;
        let id = workspace.id.clone();
        if let Some(live) = self.find(&id) {
            let resets = fold::read_resets(&mut *self.reader().await?, &id).await?;
            let mut state = live.lock();
            state.tally.bind(workspace);
            for (group, at) in resets {
                state.tally.reset_credit(&group, at);
            }
            return Ok(());
        }
        self.queue.settle(SETTLE_WAIT).await;
        let live = fold::workspace(&mut *self.reader().await?, workspace, now).await?;
        self.open.write().unwrap_or_else(PoisonError::into_inner).insert(id.clone(), Arc::new(live));
        // What is too old goes at the next start at the latest; a disk that cannot do it now must not stop the start.
        let _ = self.queue.run_within(Work::PruneInbox { workspace: id, now }, READY_WAIT, READY_WAIT).await;
        Ok(())
    }

    async fn decide_call(&self, live: &Live, asked: &Asked<'_>) -> Result<Arc<DecisionRecord>, StoreError> {
        if let Some(record) = live.decide(asked, false, &self.queue).await? {
            return Ok(record);
        }
        self.read_back(live, asked.call, asked.now).await?;
        live.decide(asked, true, &self.queue)
            .await?
            .ok_or_else(|| StoreError::Unavailable("the call's earlier answers are not at hand".into()))
    }

    /// Brings a call that was let go back to hand. Without it the call would get another answer than before, so a disk that
    /// does not answer in time is an error, not a new decision.
    async fn read_back(&self, live: &Live, call: &CallKey, now: Timestamp) -> Result<(), StoreError> {
        let read = async { fold::history(&mut *self.reader().await?, &live.id, call, now).await };
        let history = tokio::time::timeout(READ_BACK_WAIT, read)
            .await
            .map_err(|_| StoreError::Unavailable("the call's earlier answers could not be read in time".into()))??;
        if !history.records.is_empty() {
            live.lock().tally.restore(call, &history.records, &history.events, now);
        }
        Ok(())
    }

    async fn write(&self, work: Work) -> Result<(), StoreError> {
        self.queue.run(work).await.map(|_| ())
    }
}

/// A fault of the database, in words without data.
fn unavailable(fault: &sqlx::Error) -> StoreError {
    StoreError::Unavailable(match fault {
        sqlx::Error::Database(fault) => format!("the database says: {}", fault.message()),
        sqlx::Error::PoolTimedOut => "all reading connections are busy".to_owned(),
        other => other.to_string(),
    })
}

impl Store for SqliteStore {
    fn workspaces(&self) -> Boxed<'_, Result<Vec<StoredWorkspace>, StoreError>> {
        Box::pin(async move { readers::workspaces(&mut *self.reader().await?).await })
    }

    fn workspaces_revision(&self) -> Boxed<'_, Result<u64, StoreError>> {
        Box::pin(async move { readers::workspaces_revision(&mut *self.reader().await?).await })
    }

    fn apply_workspaces(&self, changes: Vec<WorkspaceChange>, at: Timestamp) -> Boxed<'_, Result<(), StoreError>> {
        Box::pin(self.write(Work::Workspaces { changes, at }))
    }

    fn open(&self, workspace: Arc<Workspace>, now: Timestamp) -> Boxed<'_, Result<(), StoreError>> {
        Box::pin(self.open_workspace(workspace, now))
    }

    fn close(&self, workspace: &WorkspaceId) -> Boxed<'_, ()> {
        self.open.write().unwrap_or_else(PoisonError::into_inner).remove(workspace);
        Box::pin(std::future::ready(()))
    }

    fn decide<'a>(
        &'a self,
        workspace: &'a WorkspaceId,
        call: &'a CallKey,
        now: Timestamp,
        decide: &'a (dyn Fn(&Tally) -> Verdict + Send + Sync),
    ) -> Boxed<'a, Result<Arc<DecisionRecord>, StoreError>> {
        Box::pin(async move { self.decide_call(&*self.live(workspace)?, &Asked { call, now, decide }).await })
    }

    fn view<'a>(
        &'a self,
        workspace: &'a WorkspaceId,
        now: Timestamp,
        look: &'a mut (dyn FnMut(&Tally) + Send),
    ) -> Boxed<'a, Result<(), StoreError>> {
        Box::pin(async move {
            let live = self.live(workspace)?;
            let mut state = live.lock();
            state.tally.advance(now);
            look(&state.tally);
            Ok(())
        })
    }

    fn record_events<'a>(
        &'a self,
        workspace: &'a WorkspaceId,
        events: Vec<ReceivedEvent>,
    ) -> Boxed<'a, Result<Vec<EventOutcome>, StoreError>> {
        Box::pin(async move {
            let work = Work::Events { live: self.live(workspace)?, events };
            match self.queue.run(work).await? {
                Done::Events(outcomes) => Ok(outcomes),
                Done::Written | Done::Settings(_) => Ok(Vec::new()),
            }
        })
    }

    fn set_presence<'a>(&'a self, workspace: &'a WorkspaceId, presence: Presence) -> Boxed<'a, Result<(), StoreError>> {
        Box::pin(async move { self.write(Work::Presence { live: self.live(workspace)?, presence }).await })
    }

    fn intervene<'a>(&'a self, workspace: &'a WorkspaceId, intervention: Intervention) -> Boxed<'a, Result<(), StoreError>> {
        Box::pin(async move { self.write(Work::Intervention { live: self.live(workspace)?, intervention }).await })
    }

    fn interventions<'a>(
        &'a self,
        workspace: &'a WorkspaceId,
        wanted: InterventionRequest,
    ) -> Boxed<'a, Result<Page<Intervention>, StoreError>> {
        Box::pin(async move { readers::interventions(&mut *self.reader().await?, workspace, &wanted).await })
    }

    fn log_is_current(&self) -> bool {
        self.queue.log_is_current()
    }

    fn recorded<'a>(
        &'a self,
        workspace: &'a WorkspaceId,
        from: Timestamp,
        until: Timestamp,
    ) -> Boxed<'a, Result<Recorded, StoreError>> {
        Box::pin(async move {
            self.queue.settle(SETTLE_WAIT).await;
            recorded::read(&mut *self.reader().await?, workspace, (from, until)).await
        })
    }

    fn backlog(&self) -> Backlog {
        self.queue.backlog()
    }

    fn standing<'a>(&'a self, workspace: &'a WorkspaceId, before: Timestamp) -> Boxed<'a, Result<Recorded, StoreError>> {
        Box::pin(async move { recorded::standing(&mut *self.reader().await?, workspace, before).await })
    }

    fn decisions<'a>(
        &'a self,
        workspace: &'a WorkspaceId,
        page: PageRequest,
    ) -> Boxed<'a, Result<Page<Arc<DecisionRecord>>, StoreError>> {
        Box::pin(async move {
            self.queue.settle(SETTLE_WAIT).await;
            decisions::list(&mut *self.reader().await?, workspace, &page).await
        })
    }

    fn decisions_between<'a>(
        &'a self,
        workspace: &'a WorkspaceId,
        span: DecisionSpan,
    ) -> Boxed<'a, Result<Page<Arc<DecisionRecord>>, StoreError>> {
        Box::pin(async move {
            self.queue.settle(SETTLE_WAIT).await;
            decisions::between(&mut *self.reader().await?, workspace, &span).await
        })
    }

    fn decision<'a>(
        &'a self,
        workspace: &'a WorkspaceId,
        id: DecisionId,
    ) -> Boxed<'a, Result<Option<Arc<DecisionRecord>>, StoreError>> {
        Box::pin(async move {
            self.queue.settle(SETTLE_WAIT).await;
            decisions::find(&mut *self.reader().await?, workspace, id).await
        })
    }

    fn events<'a>(&'a self, workspace: &'a WorkspaceId, page: PageRequest) -> Boxed<'a, Result<Page<StoredEvent>, StoreError>> {
        Box::pin(async move { readers::events(&mut *self.reader().await?, workspace, &page).await })
    }

    fn event<'a>(
        &'a self,
        workspace: &'a WorkspaceId,
        connection: &'a ConnectionId,
        id: &'a EventId,
    ) -> Boxed<'a, Result<Option<StoredEvent>, StoreError>> {
        Box::pin(async move { readers::event(&mut *self.reader().await?, workspace, connection, id).await })
    }

    fn told_calls<'a>(&'a self, workspace: &'a WorkspaceId, after: CallsAfter) -> Boxed<'a, Result<ToldCalls, StoreError>> {
        Box::pin(async move {
            self.queue.settle(SETTLE_WAIT).await;
            score_facts::told_calls(&mut *self.reader().await?, workspace, after).await
        })
    }

    fn off_duty_spans<'a>(
        &'a self,
        workspace: &'a WorkspaceId,
        longer_than_seconds: i64,
        since: Timestamp,
    ) -> Boxed<'a, Result<Vec<OffDutySpan>, StoreError>> {
        Box::pin(
            async move { score_facts::off_duty_spans(&mut *self.reader().await?, workspace, longer_than_seconds, since).await },
        )
    }

    fn keep_in_inbox(&self, workspace: &WorkspaceId, entry: InboxEntry) {
        self.queue.keep_in_inbox(workspace, entry);
    }

    fn inbox<'a>(
        &'a self,
        workspace: &'a WorkspaceId,
        connection: &'a ConnectionId,
        page: PageRequest,
    ) -> Boxed<'a, Result<Page<InboxEntry>, StoreError>> {
        Box::pin(async move { readers::inbox(&mut *self.reader().await?, workspace, connection, &page).await })
    }

    fn deals<'a>(&'a self, workspace: &'a WorkspaceId, connection: &'a ConnectionId) -> Boxed<'a, Result<Vec<Deal>, StoreError>> {
        Box::pin(async move { readers::deals(&mut *self.reader().await?, workspace, connection).await })
    }

    fn commit_pull<'a>(&'a self, workspace: &'a WorkspaceId, pull: PullCommit) -> Boxed<'a, Result<(), StoreError>> {
        Box::pin(self.write(Work::Pull { workspace: workspace.clone(), pull }))
    }

    fn pull_state<'a>(
        &'a self,
        workspace: &'a WorkspaceId,
        connection: &'a ConnectionId,
    ) -> Boxed<'a, Result<PullState, StoreError>> {
        Box::pin(async move { readers::pull_state(&mut *self.reader().await?, workspace, connection).await })
    }

    fn save_scores<'a>(&'a self, workspace: &'a WorkspaceId, scores: StoredScores) -> Boxed<'a, Result<(), StoreError>> {
        Box::pin(self.write(Work::Scores { workspace: workspace.clone(), scores }))
    }

    fn scores<'a>(&'a self, workspace: &'a WorkspaceId) -> Boxed<'a, Result<Vec<StoredScores>, StoreError>> {
        Box::pin(async move { readers::scores(&mut *self.reader().await?, workspace).await })
    }

    fn save_score_version<'a>(
        &'a self,
        workspace: &'a WorkspaceId,
        version: StoredScoreVersion,
        keep: Vec<u64>,
    ) -> Boxed<'a, Result<(), StoreError>> {
        Box::pin(self.write(Work::ScoreVersion { workspace: workspace.clone(), version, keep }))
    }

    fn score_versions<'a>(
        &'a self,
        workspace: &'a WorkspaceId,
        policy: &'a PolicyId,
    ) -> Boxed<'a, Result<Vec<StoredScoreVersion>, StoreError>> {
        Box::pin(async move { score_facts::score_versions(&mut *self.reader().await?, workspace, policy).await })
    }

    fn add_token(&self, token: StoredToken) -> Boxed<'_, Result<(), StoreError>> {
        Box::pin(self.write(Work::Token(token)))
    }

    fn token<'a>(&'a self, hash: &'a [u8; 32]) -> Boxed<'a, Result<Option<StoredToken>, StoreError>> {
        Box::pin(async move { readers::token(&mut *self.reader().await?, hash).await })
    }

    fn ready(&self) -> Boxed<'_, Result<(), StoreError>> {
        Box::pin(async move { self.queue.run_within(Work::Beat, READY_WAIT, READY_WAIT).await.map(|_| ()) })
    }

    fn shut_down(&self) -> Boxed<'_, ()> {
        Box::pin(async move {
            // The file can only shrink once nobody reads it.
            self.readers.close().await;
            let _ = self.queue.run_within(Work::Stop, SHUT_DOWN_WAIT, SHUT_DOWN_WAIT).await;
        })
    }
}
