//! What waits for the writer: bounded queues, and whether decisions reach the disk in time.
//!
//! The only way to the writer. Handing over a decision never waits; everything else waits a bounded time.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, timeout};

use crate::broker::store::{
    Backlog, EventOutcome, InboxEntry, PullCommit, StoreError, StoredScoreVersion, StoredScores, StoredToken, WorkspaceChange,
};
use crate::core::ids::WorkspaceId;
use crate::core::intervention::Intervention;
use crate::core::record::{DecisionRecord, Presence, ReceivedEvent};

use super::WriterSettings;
use super::live::Live;

/// Decisions that may wait. At 500 a second: 16 seconds of a stalled disk.
pub(super) const DECISIONS_MAX: usize = 8192;

/// Jobs that may wait.
pub(super) const JOBS_MAX: usize = 1024;

/// Webhooks for inspection that may wait.
const INBOX_MAX: usize = 512;

/// A decision shall be on disk after this.
const LOG_LATE_AFTER: Duration = Duration::from_millis(50);

/// How long somebody waits for a place in the queue.
const PLACE_WAIT: Duration = Duration::from_secs(1);

/// How long somebody waits for the disk: longer than the writer waits for a locked file.
const ANSWER_WAIT: Duration = Duration::from_secs(10);

/// A decision that waits.
pub(super) struct QueuedDecision {
    pub(super) workspace: WorkspaceId,
    pub(super) record: Arc<DecisionRecord>,
    /// On the clock of who handed it over.
    pub(super) handed_us: u64,
}

/// What is to be written, each in whole or not at all.
pub(super) enum Work {
    Events {
        live: Arc<Live>,
        events: Vec<ReceivedEvent>,
    },
    Presence {
        live: Arc<Live>,
        presence: Presence,
    },
    Intervention {
        live: Arc<Live>,
        intervention: Intervention,
    },
    Workspaces {
        changes: Vec<WorkspaceChange>,
        at: Timestamp,
    },
    Pull {
        workspace: WorkspaceId,
        pull: PullCommit,
    },
    Scores {
        workspace: WorkspaceId,
        scores: StoredScores,
    },
    ScoreVersion {
        workspace: WorkspaceId,
        version: StoredScoreVersion,
        keep: Vec<u64>,
    },
    Token(StoredToken),
    PruneInbox {
        workspace: WorkspaceId,
        now: Timestamp,
    },
    /// Tells how the writer's connection is set up.
    Settings,
    /// Writes a number, to see whether it can be written.
    Beat,
    /// Nothing more comes: write out what waits and close.
    Stop,
}

/// What was done.
pub(super) enum Done {
    Written,
    Events(Vec<EventOutcome>),
    Settings(WriterSettings),
}

/// Work somebody waits for.
pub(super) struct Job {
    pub(super) work: Work,
    pub(super) answer: oneshot::Sender<Result<Done, StoreError>>,
}

/// The writer's ends.
pub(super) struct Waiting {
    pub(super) decisions: mpsc::Receiver<QueuedDecision>,
    pub(super) inbox: mpsc::Receiver<(WorkspaceId, InboxEntry)>,
    pub(super) jobs: mpsc::Receiver<Job>,
    pub(super) progress: Progress,
}

/// How far the writer is, as told by the writer.
#[derive(Clone)]
pub(super) struct Progress {
    shared: Arc<Shared>,
    settled: watch::Sender<u64>,
}

struct Shared {
    /// Decisions handed over.
    handed: AtomicU64,
    /// Since when the oldest decision not on disk waits: microseconds since `origin`, plus 1; 0 when none waits.
    waits_since: AtomicU64,
    /// Decisions that found the queue full, or could not be stored.
    lost: AtomicU64,
    inbox_dropped: AtomicU64,
    /// The most events that were written in one transaction.
    events_at_once: AtomicUsize,
    stopping: AtomicBool,
}

/// The senders' end.
pub(super) struct Queue {
    decisions: mpsc::Sender<QueuedDecision>,
    inbox: mpsc::Sender<(WorkspaceId, InboxEntry)>,
    jobs: mpsc::Sender<Job>,
    shared: Arc<Shared>,
    settled: watch::Receiver<u64>,
    origin: Instant,
}

impl Queue {
    /// Both ends.
    pub(super) fn new() -> (Self, Waiting) {
        let (decisions, decisions_end) = mpsc::channel(DECISIONS_MAX);
        let (inbox, inbox_end) = mpsc::channel(INBOX_MAX);
        let (jobs, jobs_end) = mpsc::channel(JOBS_MAX);
        let (settled_sender, settled) = watch::channel(0);
        let shared = Arc::new(Shared {
            handed: AtomicU64::new(0),
            waits_since: AtomicU64::new(0),
            lost: AtomicU64::new(0),
            inbox_dropped: AtomicU64::new(0),
            events_at_once: AtomicUsize::new(0),
            stopping: AtomicBool::new(false),
        });
        let progress = Progress { shared: Arc::clone(&shared), settled: settled_sender };
        let queue = Self { decisions, inbox, jobs, shared, settled, origin: Instant::now() };
        (queue, Waiting { decisions: decisions_end, inbox: inbox_end, jobs: jobs_end, progress })
    }

    fn now_us(&self) -> u64 {
        u64::try_from(self.origin.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    /// Hands over a decision. Never waits: where the queue is full the decision stands, its record is counted as lost.
    pub(super) fn hand_over(&self, workspace: &WorkspaceId, record: &Arc<DecisionRecord>) {
        let handed_us = self.now_us();
        let item = QueuedDecision { workspace: workspace.clone(), record: Arc::clone(record), handed_us };
        // Counted before it is sent: the writer must never have settled more than was handed over.
        self.shared.handed.fetch_add(1, Ordering::AcqRel);
        let _ = self.shared.waits_since.compare_exchange(0, handed_us + 1, Ordering::AcqRel, Ordering::Acquire);
        if self.decisions.try_send(item).is_err() {
            self.shared.handed.fetch_sub(1, Ordering::AcqRel);
            let lost = self.shared.lost.fetch_add(1, Ordering::AcqRel) + 1;
            if lost.is_power_of_two() {
                tracing::error!(lost, "the disk is too slow: records of {lost} decisions so far could not be kept");
            }
        }
    }

    /// Whether decisions reach the disk in time.
    pub(super) fn log_is_current(&self) -> bool {
        let since = self.shared.waits_since.load(Ordering::Acquire);
        since == 0 || u128::from(self.now_us().saturating_sub(since - 1)) < LOG_LATE_AFTER.as_micros()
    }

    /// What waits, and what found no room or could not be stored since the start.
    pub(super) fn backlog(&self) -> Backlog {
        let settled = *self.settled.borrow();
        Backlog {
            decisions_waiting: self.shared.handed.load(Ordering::Acquire).saturating_sub(settled),
            decisions_lost: self.shared.lost.load(Ordering::Acquire),
            inbox_dropped: self.shared.inbox_dropped.load(Ordering::Acquire),
        }
    }

    /// The most events that were written in one transaction since the start.
    pub(super) fn most_events_at_once(&self) -> usize {
        self.shared.events_at_once.load(Ordering::Acquire)
    }

    /// Hands over a webhook for inspection; dropped where too many wait.
    pub(super) fn keep_in_inbox(&self, workspace: &WorkspaceId, entry: InboxEntry) {
        if self.inbox.try_send((workspace.clone(), entry)).is_err() {
            self.shared.inbox_dropped.fetch_add(1, Ordering::AcqRel);
        }
    }

    /// Waits, for at most `limit`, until all decisions handed over so far are on disk.
    pub(super) async fn settle(&self, limit: Duration) {
        let wanted = self.shared.handed.load(Ordering::Acquire);
        let mut settled = self.settled.clone();
        // Either way the reader goes on: a slow disk must not stop anybody from reading what is there.
        let _ = timeout(limit, settled.wait_for(|settled| *settled >= wanted)).await;
    }

    /// Has work done, and waits until it is on disk.
    pub(super) async fn run(&self, work: Work) -> Result<Done, StoreError> {
        self.run_within(work, PLACE_WAIT, ANSWER_WAIT).await
    }

    /// The same with the caller's limits: for a place in the queue, and for the answer.
    pub(super) async fn run_within(&self, work: Work, place: Duration, answer: Duration) -> Result<Done, StoreError> {
        if self.shared.stopping.load(Ordering::Acquire) && !matches!(work, Work::Stop) {
            return Err(stopped());
        }
        let permit = match timeout(place, self.jobs.reserve()).await {
            Ok(Ok(permit)) => permit,
            Ok(Err(_)) => return Err(stopped()),
            Err(_) => return Err(StoreError::Overloaded { waiting: JOBS_MAX, retry_after_seconds: 1 }),
        };
        if matches!(work, Work::Stop) {
            self.shared.stopping.store(true, Ordering::Release);
        }
        let (sender, receiver) = oneshot::channel();
        permit.send(Job { work, answer: sender });
        match timeout(answer, receiver).await {
            Ok(Ok(result)) => result,
            Ok(Err(_)) => Err(stopped()),
            Err(_) => Err(StoreError::Unavailable(format!("the disk did not answer within {} ms", answer.as_millis()))),
        }
    }
}

fn stopped() -> StoreError {
    StoreError::Unavailable("the writer has stopped: restart the service".into())
}

impl Progress {
    /// So many decisions are settled (on disk, or known to be impossible to store); of what still waits, all was handed
    /// over at `last_us` or later.
    pub(super) fn settle(&self, count: u64, last_us: u64) {
        let shared = &self.shared;
        let mut settled = 0;
        self.settled.send_modify(|total| {
            *total += count;
            settled = *total;
        });
        let since = if shared.handed.load(Ordering::Acquire) <= settled { 0 } else { last_us + 1 };
        shared.waits_since.store(since, Ordering::Release);
        // One more may have been handed over between the two lines above, and found a time already set.
        if since == 0 && shared.handed.load(Ordering::Acquire) > settled {
            let _ = shared.waits_since.compare_exchange(0, last_us + 1, Ordering::AcqRel, Ordering::Acquire);
        }
    }

    /// Counts decisions that cannot be stored.
    pub(super) fn lose(&self, count: u64) {
        self.shared.lost.fetch_add(count, Ordering::AcqRel);
    }

    /// Notes how many events one transaction wrote.
    pub(super) fn note_events(&self, count: usize) {
        self.shared.events_at_once.fetch_max(count, Ordering::AcqRel);
    }

    /// Counts webhooks that were not kept.
    pub(super) fn drop_from_inbox(&self, count: usize) {
        self.shared.inbox_dropped.fetch_add(count as u64, Ordering::AcqRel);
    }
}
