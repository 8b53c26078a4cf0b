//! The one writer: takes what waits, writes it in one transaction, answers all who wait.
//!
//! Runs on a thread of its own, so that a busy service does not delay commits and a slow disk does not delay the service.
//! While one commit runs the next batch gathers by itself: events wait for nothing else.

use std::collections::VecDeque;
use std::time::Duration;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection, SqliteConnection};
use tokio::sync::oneshot;

use crate::broker::store::{InboxEntry, StoreError};
use crate::core::ids::WorkspaceId;

use super::fold;
use super::jobs::{self, DECISIONS_TOGETHER, JobFault, LambdaKeys};
use super::queue::{Done, Job, QueuedDecision, Waiting, Work};
use super::unavailable;

/// At most so many items in one transaction.
const BATCH_MAX: usize = 512;

/// Decisions alone wait this long for company: nobody waits for them, and they must be on disk within 50 ms.
const COMPANY_WAIT: Duration = Duration::from_millis(10);

/// Pause after a failed transaction.
const FAILURE_PAUSE: Duration = Duration::from_millis(100);

/// Starts the writer on its own thread. It ends when told to stop, or when nobody can reach it any more.
pub(super) fn start(options: SqliteConnectOptions, connection: SqliteConnection, waiting: Waiting) -> Result<(), StoreError> {
    let failed = |fault: std::io::Error| StoreError::Unavailable(format!("the writer's thread cannot start: {fault}"));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().map_err(failed)?;
    let writer =
        Writer { options, connection: Some(connection), waiting, unwritten: VecDeque::new(), lambda_keys: LambdaKeys::default() };
    let name = "meritline-writer".to_owned();
    std::thread::Builder::new().name(name).spawn(move || runtime.block_on(writer.run())).map_err(failed)?;
    Ok(())
}

struct Writer {
    options: SqliteConnectOptions,
    connection: Option<SqliteConnection>,
    waiting: Waiting,
    /// Decisions of the batch at hand; they stay here until they are on disk.
    unwritten: VecDeque<QueuedDecision>,
    lambda_keys: LambdaKeys,
}

/// What is written beside decisions: lost with its transaction, and whoever waits for it is told.
#[derive(Default)]
struct Batch {
    inbox: Vec<(WorkspaceId, InboxEntry)>,
    jobs: Vec<Job>,
    stop: Option<oneshot::Sender<Result<Done, StoreError>>>,
}

impl Batch {
    fn len(&self) -> usize {
        self.inbox.len() + self.jobs.len()
    }

    fn take(&mut self, job: Job) {
        if matches!(job.work, Work::Stop) {
            self.stop = Some(job.answer);
        } else {
            self.jobs.push(job);
        }
    }
}

impl Writer {
    async fn run(mut self) {
        let mut stop = None;
        while let Some(mut batch) = self.gather(stop.is_some()).await {
            stop = stop.or(batch.stop.take());
            let written = self.write(batch).await;
            if !written && (stop.is_some() || self.waiting.jobs.is_closed()) {
                break;
            }
            if !written {
                tokio::time::sleep(FAILURE_PAUSE).await;
            }
        }
        if let Some(mut connection) = self.connection.take() {
            // Best effort: the next start does the same.
            let _ = sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(&mut connection).await;
            let _ = connection.close().await;
        }
        if !self.unwritten.is_empty() {
            tracing::error!(decisions = self.unwritten.len(), "stopped before the last decisions were on disk");
        }
        if let Some(answer) = stop {
            let _ = answer.send(Ok(Done::Written));
        }
    }

    /// What waits; none when nothing more can come. `stopping` takes what is there without waiting for more.
    async fn gather(&mut self, stopping: bool) -> Option<Batch> {
        let mut batch = Batch::default();
        if self.unwritten.is_empty() && !stopping {
            let waiting = &mut self.waiting;
            tokio::select! {
                biased;
                Some(job) = waiting.jobs.recv() => batch.take(job),
                Some(decision) = waiting.decisions.recv() => self.unwritten.push_back(decision),
                Some(entry) = waiting.inbox.recv() => batch.inbox.push(entry),
                else => return None,
            }
            if batch.jobs.is_empty()
                && batch.stop.is_none()
                && let Ok(Some(job)) = tokio::time::timeout(COMPANY_WAIT, self.waiting.jobs.recv()).await
            {
                batch.take(job);
            }
        }
        self.fill(&mut batch);
        let nothing = batch.len() == 0 && batch.stop.is_none() && self.unwritten.is_empty();
        if nothing && stopping { None } else { Some(batch) }
    }

    fn fill(&mut self, batch: &mut Batch) {
        while self.unwritten.len() < BATCH_MAX
            && let Ok(decision) = self.waiting.decisions.try_recv()
        {
            self.unwritten.push_back(decision);
        }
        while batch.len() < BATCH_MAX
            && let Ok(job) = self.waiting.jobs.try_recv()
        {
            batch.take(job);
        }
        while batch.len() < BATCH_MAX
            && let Ok(entry) = self.waiting.inbox.try_recv()
        {
            batch.inbox.push(entry);
        }
    }

    /// Writes one batch, folds what was stored into the live state, answers. Tells whether it was written.
    async fn write(&mut self, batch: Batch) -> bool {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => match self.options.connect().await {
                Ok(connection) => connection,
                Err(fault) => {
                    self.give_up(batch, &fault);
                    return false;
                }
            },
        };
        match transact(&mut connection, &self.unwritten, &mut self.lambda_keys, &batch).await {
            Ok(written) => {
                self.settle(written.refused);
                for (job, result) in batch.jobs.into_iter().zip(written.results) {
                    if let (Work::Events { live, events }, Ok(Done::Events(outcomes))) = (&job.work, &result) {
                        fold::events(&mut connection, live, events, outcomes).await;
                    }
                    if let (Work::Presence { live, presence }, Ok(_)) = (&job.work, &result) {
                        live.lock().tally.set_presence(presence.clone());
                    }
                    // Nobody waits any more: what was written stays written.
                    let _ = job.answer.send(result);
                }
                self.connection = Some(connection);
                true
            }
            Err(fault) => {
                // A new connection, whatever state this one is in; dropping it rolls back.
                drop(connection);
                self.give_up(batch, &fault);
                false
            }
        }
    }

    fn settle(&mut self, refused: u64) {
        if let Some(last) = self.unwritten.back() {
            self.waiting.progress.settle(self.unwritten.len() as u64, last.handed_us);
            self.waiting.progress.lose(refused);
            self.unwritten.clear();
        }
    }

    /// Nothing of the batch was written: decisions stay for the next one, who waits is told.
    fn give_up(&mut self, batch: Batch, fault: &sqlx::Error) {
        // The keys of a transaction that was rolled back are not there.
        self.lambda_keys = LambdaKeys::default();
        self.waiting.progress.drop_from_inbox(batch.inbox.len());
        let fault = unavailable(fault);
        tracing::error!(jobs = batch.jobs.len(), decisions = self.unwritten.len(), "could not write: {fault}");
        for job in batch.jobs {
            let _ = job.answer.send(Err(fault.clone()));
        }
    }
}

struct Written {
    results: Vec<Result<Done, StoreError>>,
    refused: u64,
}

/// One transaction. An error means that nothing of it is on disk; an item that is wrong in itself fails alone.
async fn transact(
    connection: &mut SqliteConnection,
    decisions: &VecDeque<QueuedDecision>,
    lambda_keys: &mut LambdaKeys,
    batch: &Batch,
) -> Result<Written, sqlx::Error> {
    let mut written = Written { results: Vec::with_capacity(batch.jobs.len()), refused: 0 };
    sqlx::query("BEGIN IMMEDIATE").execute(&mut *connection).await?;
    let decisions: Vec<&QueuedDecision> = decisions.iter().collect();
    for some in decisions.chunks(DECISIONS_TOGETHER) {
        written.refused += write_decisions(connection, some, lambda_keys).await?;
    }
    jobs::write_inbox(connection, &batch.inbox).await?;
    for job in &batch.jobs {
        sqlx::query("SAVEPOINT job").execute(&mut *connection).await?;
        match jobs::perform(connection, &job.work).await {
            Ok(done) => written.results.push(Ok(done)),
            Err(JobFault::Refused(fault)) => {
                sqlx::query("ROLLBACK TO job").execute(&mut *connection).await?;
                written.results.push(Err(fault));
            }
            Err(JobFault::Disk(fault)) => return Err(fault),
        }
        sqlx::query("RELEASE job").execute(&mut *connection).await?;
    }
    sqlx::query("COMMIT").execute(&mut *connection).await?;
    Ok(written)
}

/// Writes decisions together; if one is wrong in itself, each alone. Gives how many could not be stored.
async fn write_decisions(
    connection: &mut SqliteConnection,
    decisions: &[&QueuedDecision],
    lambda_keys: &mut LambdaKeys,
) -> Result<u64, sqlx::Error> {
    match jobs::write_decisions(connection, decisions, lambda_keys).await {
        Ok(()) => return Ok(0),
        Err(JobFault::Disk(fault)) => return Err(fault),
        Err(JobFault::Refused(_)) => {}
    }
    let mut refused = 0;
    for decision in decisions {
        match jobs::write_decisions(connection, &[decision], lambda_keys).await {
            Ok(()) => {}
            Err(JobFault::Disk(fault)) => return Err(fault),
            Err(JobFault::Refused(fault)) => {
                refused += 1;
                tracing::error!(sequence = decision.record.sequence, "a decision could not be stored: {fault}");
            }
        }
    }
    Ok(refused)
}
