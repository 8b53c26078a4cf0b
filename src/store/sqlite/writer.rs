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

use super::decisions::{Written, pages, write_page};
use super::fold;
use super::jobs::{self, JobFault};
use super::queue::{Done, Job, QueuedDecision, Waiting, Work};
use super::unavailable;

/// At most so many items in one transaction, beside decisions.
const BATCH_MAX: usize = 512;

/// No request is added to a transaction that has so many events already: one request may bring a thousand, and whoever waits for
/// the next transaction must not wait for hundreds of them.
const EVENTS_BATCH_MAX: usize = 4096;

/// At most so many decisions in one transaction.
const DECISIONS_BATCH_MAX: usize = 1024;

/// Decisions alone wait this long for company: nobody waits for them, and they must be on disk within 50 ms.
const COMPANY_WAIT: Duration = Duration::from_millis(10);

/// Pause after a failed transaction.
const FAILURE_PAUSE: Duration = Duration::from_millis(100);

/// Starts the writer on its own thread. It ends when told to stop, or when nobody can reach it any more.
pub(super) fn start(options: SqliteConnectOptions, connection: SqliteConnection, waiting: Waiting) -> Result<(), StoreError> {
    let failed = |fault: std::io::Error| StoreError::Unavailable(format!("the writer's thread cannot start: {fault}"));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().map_err(failed)?;
    let writer =
        Writer { options, connection: Some(connection), waiting, unwritten: VecDeque::new(), on_disk: Written::default() };
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
    on_disk: Written,
}

/// What is written beside decisions: lost with its transaction, and whoever waits for it is told.
#[derive(Default)]
struct Batch {
    inbox: Vec<(WorkspaceId, InboxEntry)>,
    jobs: Vec<Job>,
    /// In all jobs together.
    events: usize,
    stop: Option<oneshot::Sender<Result<Done, StoreError>>>,
}

impl Batch {
    fn len(&self) -> usize {
        self.inbox.len() + self.jobs.len()
    }

    fn has_room(&self) -> bool {
        self.len() < BATCH_MAX && self.events < EVENTS_BATCH_MAX
    }

    fn take(&mut self, job: Job) {
        if let Work::Events { events, .. } = &job.work {
            self.events += events.len();
        }
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
                && self.waiting.decisions.len() < DECISIONS_BATCH_MAX
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
        while self.unwritten.len() < DECISIONS_BATCH_MAX
            && let Ok(decision) = self.waiting.decisions.try_recv()
        {
            self.unwritten.push_back(decision);
        }
        while batch.has_room()
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
                    self.give_up(batch, &unavailable(&fault));
                    return false;
                }
            },
        };
        let mut written = transact(&mut connection, &self.unwritten, &mut self.on_disk, &batch, Decisions::Together).await;
        if let Err(JobFault::Refused(_)) = written {
            self.on_disk = Written::default();
            written = transact(&mut connection, &self.unwritten, &mut self.on_disk, &batch, Decisions::Alone).await;
        }
        match written {
            Ok(written) => {
                self.settle(written.refused);
                self.waiting.progress.note_events(batch.events);
                for (job, result) in batch.jobs.into_iter().zip(written.results) {
                    if let (Work::Events { live, events }, Ok(Done::Events(outcomes))) = (&job.work, &result) {
                        fold::events(&mut connection, live, events, outcomes).await;
                    }
                    if let (Work::Presence { live, presence }, Ok(_)) = (&job.work, &result) {
                        live.lock().tally.set_presence(presence.clone());
                    }
                    if let (Work::Intervention { live, intervention }, Ok(_)) = (&job.work, &result) {
                        fold::intervention(&mut connection, live, intervention).await;
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
                self.give_up(batch, &fault.into());
                false
            }
        }
    }

    fn settle(&mut self, refused: u64) {
        if let Some(last) = self.unwritten.back() {
            // First: who waits until all is settled then reads what was lost.
            self.waiting.progress.lose(refused);
            self.waiting.progress.settle(self.unwritten.len() as u64, last.handed_us);
            self.unwritten.clear();
        }
    }

    /// Nothing of the batch was written: decisions stay for the next one, who waits is told.
    fn give_up(&mut self, batch: Batch, fault: &StoreError) {
        // What a transaction that was rolled back wrote is not there.
        self.on_disk = Written::default();
        self.waiting.progress.drop_from_inbox(batch.inbox.len());
        tracing::error!(jobs = batch.jobs.len(), decisions = self.unwritten.len(), "could not write: {fault}");
        for job in batch.jobs {
            let _ = job.answer.send(Err(fault.clone()));
        }
    }
}

struct Outcome {
    results: Vec<Result<Done, StoreError>>,
    refused: u64,
}

/// How decisions are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Decisions {
    /// As pages. One that is wrong in itself ends the transaction.
    Together,
    /// Each as a page of its own, so that one that is wrong in itself fails alone.
    Alone,
}

/// One transaction. An error means that nothing of it is on disk; a job that is wrong in itself fails alone.
async fn transact(
    connection: &mut SqliteConnection,
    waiting: &VecDeque<QueuedDecision>,
    on_disk: &mut Written,
    batch: &Batch,
    decisions: Decisions,
) -> Result<Outcome, JobFault> {
    let mut outcome = Outcome { results: Vec::with_capacity(batch.jobs.len()), refused: 0 };
    run(connection, "BEGIN IMMEDIATE").await?;
    match decisions {
        Decisions::Together => {
            for page in pages(waiting.iter()) {
                if let Err(fault) = write_page(connection, &page, on_disk).await {
                    run(connection, "ROLLBACK").await?;
                    return Err(fault);
                }
            }
        }
        Decisions::Alone => {
            for decision in waiting {
                outcome.refused += write_alone(connection, decision, on_disk).await?;
            }
        }
    }
    jobs::write_inbox(connection, &batch.inbox).await.map_err(JobFault::Disk)?;
    for job in &batch.jobs {
        run(connection, "SAVEPOINT job").await?;
        match jobs::perform(connection, &job.work).await {
            Ok(done) => outcome.results.push(Ok(done)),
            Err(JobFault::Refused(fault)) => {
                run(connection, "ROLLBACK TO job").await?;
                outcome.results.push(Err(fault));
            }
            Err(fault @ JobFault::Disk(_)) => return Err(fault),
        }
        run(connection, "RELEASE job").await?;
    }
    run(connection, "COMMIT").await?;
    Ok(outcome)
}

/// A statement without parameters; where it fails, nothing can be written now.
async fn run(connection: &mut SqliteConnection, statement: &'static str) -> Result<(), JobFault> {
    sqlx::query(statement).execute(connection).await.map(|_| ()).map_err(JobFault::Disk)
}

/// Writes a decision as a page of its own. Gives how many could not be stored: 0 or 1.
async fn write_alone(
    connection: &mut SqliteConnection,
    decision: &QueuedDecision,
    on_disk: &mut Written,
) -> Result<u64, JobFault> {
    run(connection, "SAVEPOINT page").await?;
    let refused = match write_page(connection, &[decision], on_disk).await {
        Ok(()) => 0,
        Err(fault @ JobFault::Disk(_)) => return Err(fault),
        Err(JobFault::Refused(fault)) => {
            tracing::error!(sequence = decision.record.sequence, "a decision could not be stored: {fault}");
            *on_disk = Written::default();
            run(connection, "ROLLBACK TO page").await?;
            1
        }
    };
    run(connection, "RELEASE page").await?;
    Ok(refused)
}
