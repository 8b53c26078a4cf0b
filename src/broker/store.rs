//! The store as the broker sees it: one contract for the embedded store and for several replicas on one database.
//!
//! The contract of a decision: distribution state is read, the pure core decides, and the result is committed only if
//! nothing changed meanwhile, else decided again. So the closure handed to [`Store::decide`] may run several times and
//! must be pure.

use std::sync::Arc;

use jiff::Timestamp;

use crate::core::deal::Deal;
use crate::core::distribution::tally::Tally;
use crate::core::ids::{AgentId, CallId, CallKey, ConnectionId, DealId, DecisionId, EventId, GroupId, PolicyId, WorkspaceId};
use crate::core::intervention::{Intervention, InterventionId};
use crate::core::record::{DecisionRecord, Presence, ReceivedEvent};
use crate::core::working_time::duty_days::OffDutySpan;
use crate::core::workspace::Workspace;

use super::ports::{Boxed, Extent, RowFault};

/// So many of the newest versions of a score table are kept.
pub const SCORE_VERSIONS_NEWEST: u32 = 20;

/// For so many days the last version of each is kept.
pub const SCORE_VERSIONS_DAYS: u32 = 30;

/// Why the store did not do it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// It cannot be reached, is full, or cannot be written.
    #[error("the store is not available: {0}")]
    Unavailable(String),
    /// Too much waits to be written.
    #[error("the store is overloaded: {waiting} writes wait; try again in {retry_after_seconds} s")]
    Overloaded {
        /// How many writes wait.
        waiting: usize,
        /// When to try again.
        retry_after_seconds: u64,
    },
    /// Somebody else changed it first; read again and repeat.
    #[error("changed meanwhile: {0}")]
    Conflict(String),
    /// What is stored cannot be read.
    #[error("stored data cannot be read: {0}")]
    Corrupt(String),
}

/// What the closure of [`Store::decide`] wants.
pub enum Verdict {
    /// This decision was made before: nothing to commit.
    Known(Arc<DecisionRecord>),
    /// Commit this one. Its `sequence` is one above the tally's.
    New(Arc<DecisionRecord>),
}

/// A workspace document as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredWorkspace {
    /// Which.
    pub id: WorkspaceId,
    /// Grows with every change of this workspace.
    pub revision: u64,
    /// The document, canonical JSON.
    pub document: String,
    /// When it was applied.
    pub applied_at: Timestamp,
}

/// One workspace to write, with the revision the change was computed from (0 = it was not there).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkspaceChange {
    /// Which.
    pub id: WorkspaceId,
    /// The revision the change was computed from.
    pub based_on: u64,
    /// The new document, canonical JSON.
    pub document: String,
    /// Groups whose credit starts again at 0.
    pub credit_resets: Vec<GroupId>,
}

/// What became of one event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventOutcome {
    /// Stored, and counted.
    Accepted,
    /// Known: not counted again.
    Duplicate,
}

/// An event as read back, with whether anything about it was unknown.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredEvent {
    /// The event.
    pub received: ReceivedEvent,
    /// Whether its call had no decision of ours, or its agent is not of this workspace.
    pub flags: EventFlags,
}

/// What was unknown about an event when it came.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct EventFlags {
    /// No decision of ours for this call.
    pub unknown_call: bool,
    /// No agent of this workspace.
    pub unknown_agent: bool,
}

/// One webhook kept for inspection: what could not be understood, or was answered safely.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InboxEntry {
    /// Through which connection.
    pub connection: ConnectionId,
    /// When.
    pub received_at: Timestamp,
    /// Stable code of what was wrong, or `unknown_event_type`.
    pub code: String,
    /// What was wrong, without personal data.
    pub detail: String,
    /// The body, cut at 8 KiB; kept for a bounded time.
    pub body: String,
}

/// A token as stored: only a hash of its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredToken {
    /// SHA-256 of the token.
    pub hash: [u8; 32],
    /// Which workspace it opens.
    pub workspace: WorkspaceId,
    /// With which role: `operator crm_admin sales_lead agent viewer`.
    pub role: String,
    /// For role `agent`: whose.
    pub agent: Option<AgentId>,
    /// When it was made.
    pub created_at: Timestamp,
}

/// How a connection's last pull went.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PullState {
    /// Where the next pull goes on.
    pub cursor: Option<String>,
    /// When deals were last stored.
    pub succeeded_at: Option<Timestamp>,
    /// When it last failed, and how.
    pub failure: Option<(Timestamp, String)>,
    /// Rows of the last success that could not be read: how many, and the first of them.
    pub rejected: (u64, Vec<RowFault>),
}

/// How long a deal that a full pull no longer shows is remembered, in days.
pub const VANISHED_DEALS_DAYS: i64 = 90;

/// One pull to store: deals, cursor and state in one transaction.
#[derive(Debug, Clone, PartialEq)]
pub struct PullCommit {
    /// From which connection.
    pub connection: ConnectionId,
    /// The deals.
    pub deals: Vec<Deal>,
    /// Deals that stay as they were known, because what the CRM says of them now cannot be read.
    pub unreadable: Vec<DealId>,
    /// Whether they replace what was known. What vanishes with that is remembered for [`VANISHED_DEALS_DAYS`] days: a deal that comes
    /// back is still its first owner's.
    pub extent: Extent,
    /// The state to keep.
    pub state: PullState,
}

/// A policy's last good score table and the published shares that follow it, as the broker writes them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredScores {
    /// Which policy.
    pub policy: PolicyId,
    /// JSON; see `broker::refresh_scores`.
    pub body: String,
}

/// What waits for the disk, and what never reached it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Backlog {
    /// Records of decisions that wait.
    pub decisions_waiting: u64,
    /// Records of decisions that could not be kept since the start, because the disk was too slow or refused them.
    pub decisions_lost: u64,
    /// Webhooks that were not kept for inspection since the start.
    pub inbox_dropped: u64,
}

/// One version of a policy's score table, as the broker writes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredScoreVersion {
    /// Which policy.
    pub policy: PolicyId,
    /// Its number, from 1, in the order in which tables were taken.
    pub version: u64,
    /// When it was taken.
    pub taken_at: Timestamp,
    /// JSON of the table.
    pub body: String,
}

/// Where the reading of calls goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CallsAfter {
    /// `next` of the answer before; 0 for the start.
    pub position: u64,
    /// Events received before this are passed over.
    pub since: Timestamp,
}

/// Some calls with what is stored of them, in the order the PBX told of them.
#[derive(Debug, Clone, PartialEq)]
pub struct ToldCalls {
    /// Each whole: a call that was given before comes again when something new is told of it.
    pub calls: Vec<ToldCall>,
    /// Where to go on.
    pub next: u64,
    /// Whether more is there already.
    pub more: bool,
}

/// One call with what is stored of it.
#[derive(Debug, Clone, PartialEq)]
pub struct ToldCall {
    /// Which.
    pub key: CallKey,
    /// Its decisions, by sequence.
    pub records: Vec<Arc<DecisionRecord>>,
    /// Its events.
    pub events: Vec<ReceivedEvent>,
}

/// A page of a list, newest first.
#[derive(Debug, Clone, PartialEq)]
pub struct Page<T> {
    /// The items.
    pub items: Vec<T>,
    /// Where the next page starts; none at the end.
    pub next: Option<String>,
}

/// What of a list is wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PageRequest {
    /// Where to start; none for the newest.
    pub cursor: Option<String>,
    /// At most so many items (1 to 500).
    pub limit: usize,
    /// Only this call's.
    pub call: Option<CallId>,
}

/// What was recorded over a span.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Recorded {
    /// Decisions received in the span, by sequence.
    pub decisions: Vec<Arc<DecisionRecord>>,
    /// Events received in the span, by receipt.
    pub events: Vec<ReceivedEvent>,
    /// Presence set in the span, by time.
    pub presence: Vec<Presence>,
    /// What else was set by hand in the span, by time.
    pub interventions: Vec<Intervention>,
}

/// Which decisions are wanted, oldest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecisionSpan {
    /// Received from this instant on.
    pub from: Timestamp,
    /// Received before this instant.
    pub until: Timestamp,
    /// Where to go on; none for the start of the span.
    pub cursor: Option<String>,
}

/// Which interventions are wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct InterventionRequest {
    /// Where to start; none for the newest.
    pub cursor: Option<String>,
    /// At most so many items (1 to 500).
    pub limit: usize,
    /// Only of these kinds; empty means all.
    pub kinds: Vec<String>,
    /// Only those about this agent.
    pub agent: Option<AgentId>,
    /// Only this one.
    pub id: Option<InterventionId>,
}

/// The store.
pub trait Store: Send + Sync + 'static {
    /// All workspaces, by id. Cheap enough to ask every second.
    fn workspaces(&self) -> Boxed<'_, Result<Vec<StoredWorkspace>, StoreError>>;

    /// A number that changes whenever any workspace changes. Cheap.
    fn workspaces_revision(&self) -> Boxed<'_, Result<u64, StoreError>>;

    /// Writes all changes in one transaction, or none ([`StoreError::Conflict`] if any was based on an older revision).
    fn apply_workspaces(&self, changes: Vec<WorkspaceChange>, at: Timestamp) -> Boxed<'_, Result<(), StoreError>>;

    /// Makes a workspace's distribution state ready (reads and folds what is stored), or goes on with a newer version of
    /// the workspace. Must be called before the functions below that take its id.
    fn open(&self, workspace: Arc<Workspace>, now: Timestamp) -> Boxed<'_, Result<(), StoreError>>;

    /// Closes a workspace that was removed.
    fn close(&self, workspace: &WorkspaceId) -> Boxed<'_, ()>;

    /// Decides one call. `decide` sees the current state, with the call's own history at hand, and may run several times.
    /// Returns the known or the committed record; it is in memory at once and on disk within 50 ms.
    fn decide<'a>(
        &'a self,
        workspace: &'a WorkspaceId,
        call: &'a CallKey,
        now: Timestamp,
        decide: &'a (dyn Fn(&Tally) -> Verdict + Send + Sync),
    ) -> Boxed<'a, Result<Arc<DecisionRecord>, StoreError>>;

    /// Shows the state as it is now, time advanced to `now`.
    fn view<'a>(
        &'a self,
        workspace: &'a WorkspaceId,
        now: Timestamp,
        look: &'a mut (dyn FnMut(&Tally) + Send),
    ) -> Boxed<'a, Result<(), StoreError>>;

    /// Stores events (agents already named by id) and folds the new ones. Durable before it returns.
    fn record_events<'a>(
        &'a self,
        workspace: &'a WorkspaceId,
        events: Vec<ReceivedEvent>,
    ) -> Boxed<'a, Result<Vec<EventOutcome>, StoreError>>;

    /// Stores and folds an agent's presence. Durable before it returns.
    fn set_presence<'a>(&'a self, workspace: &'a WorkspaceId, presence: Presence) -> Boxed<'a, Result<(), StoreError>>;

    /// Stores and folds what somebody set by hand. Durable before it returns; the same id again changes nothing.
    fn intervene<'a>(&'a self, workspace: &'a WorkspaceId, intervention: Intervention) -> Boxed<'a, Result<(), StoreError>>;

    /// What was set by hand, newest first.
    fn interventions<'a>(
        &'a self,
        workspace: &'a WorkspaceId,
        wanted: InterventionRequest,
    ) -> Boxed<'a, Result<Page<Intervention>, StoreError>>;

    /// Whether records of decisions reach the disk in time; false shows in answers as `degraded: ["log"]`. Never waits.
    fn log_is_current(&self) -> bool;

    /// All that was recorded in `[from, until)`. Ask for hours, not for months: it is held in memory.
    fn recorded<'a>(
        &'a self,
        workspace: &'a WorkspaceId,
        from: Timestamp,
        until: Timestamp,
    ) -> Boxed<'a, Result<Recorded, StoreError>>;
    /// What waits for the disk, and what never reached it. Never waits.
    fn backlog(&self) -> Backlog;

    /// What may still hold at an instant though it was set before: of each agent the presence last set and the PBX's last word,
    /// and all interventions. No decisions, no other events.
    fn standing<'a>(&'a self, workspace: &'a WorkspaceId, before: Timestamp) -> Boxed<'a, Result<Recorded, StoreError>>;

    /// Decisions, newest first.
    fn decisions<'a>(
        &'a self,
        workspace: &'a WorkspaceId,
        page: PageRequest,
    ) -> Boxed<'a, Result<Page<Arc<DecisionRecord>>, StoreError>>;

    /// Some of the decisions received in a span, in the order they were made; a page may hold none and still not be the last.
    fn decisions_between<'a>(
        &'a self,
        workspace: &'a WorkspaceId,
        span: DecisionSpan,
    ) -> Boxed<'a, Result<Page<Arc<DecisionRecord>>, StoreError>>;

    /// One decision. Its id is a UUID version 7 made for the instant its hook was received, so a store may look there.
    fn decision<'a>(
        &'a self,
        workspace: &'a WorkspaceId,
        id: DecisionId,
    ) -> Boxed<'a, Result<Option<Arc<DecisionRecord>>, StoreError>>;

    /// Events, newest first.
    fn events<'a>(&'a self, workspace: &'a WorkspaceId, page: PageRequest) -> Boxed<'a, Result<Page<StoredEvent>, StoreError>>;

    /// One event by its PBX's id.
    fn event<'a>(
        &'a self,
        workspace: &'a WorkspaceId,
        connection: &'a ConnectionId,
        id: &'a EventId,
    ) -> Boxed<'a, Result<Option<StoredEvent>, StoreError>>;

    /// Calls that events after a position tell of; at most some hundred at once. What is given for a call are its facts from a day
    /// before the first of these events on: an id that is used again a day later names another call.
    fn told_calls<'a>(&'a self, workspace: &'a WorkspaceId, after: CallsAfter) -> Boxed<'a, Result<ToldCalls, StoreError>>;

    /// Spans for which agents were set off duty, longer than so many seconds and not over before `since`.
    fn off_duty_spans<'a>(
        &'a self,
        workspace: &'a WorkspaceId,
        longer_than_seconds: i64,
        since: Timestamp,
    ) -> Boxed<'a, Result<Vec<OffDutySpan>, StoreError>>;

    /// Keeps webhooks for inspection (bounded per connection; not waited for, dropped with a count when too many).
    fn keep_in_inbox(&self, workspace: &WorkspaceId, entry: InboxEntry);

    /// Kept webhooks of a connection, newest first.
    fn inbox<'a>(
        &'a self,
        workspace: &'a WorkspaceId,
        connection: &'a ConnectionId,
        page: PageRequest,
    ) -> Boxed<'a, Result<Page<InboxEntry>, StoreError>>;

    /// All deals of a connection, by deal id.
    fn deals<'a>(&'a self, workspace: &'a WorkspaceId, connection: &'a ConnectionId) -> Boxed<'a, Result<Vec<Deal>, StoreError>>;

    /// Stores one pull. A deal that was known is merged with what was known of it ([`Deal::merged_with`]).
    fn commit_pull<'a>(&'a self, workspace: &'a WorkspaceId, pull: PullCommit) -> Boxed<'a, Result<(), StoreError>>;

    /// How a connection's last pull went.
    fn pull_state<'a>(
        &'a self,
        workspace: &'a WorkspaceId,
        connection: &'a ConnectionId,
    ) -> Boxed<'a, Result<PullState, StoreError>>;

    /// Stores a policy's scores and shares.
    fn save_scores<'a>(&'a self, workspace: &'a WorkspaceId, scores: StoredScores) -> Boxed<'a, Result<(), StoreError>>;

    /// The last stored scores and shares of every policy.
    fn scores<'a>(&'a self, workspace: &'a WorkspaceId) -> Boxed<'a, Result<Vec<StoredScores>, StoreError>>;

    /// Stores a version of a policy's score table. Kept are the newest [`SCORE_VERSIONS_NEWEST`] and, of older ones, the last of
    /// each of [`SCORE_VERSIONS_DAYS`] days; those in `keep` stay anyway.
    fn save_score_version<'a>(
        &'a self,
        workspace: &'a WorkspaceId,
        version: StoredScoreVersion,
        keep: Vec<u64>,
    ) -> Boxed<'a, Result<(), StoreError>>;

    /// The kept versions of a policy's score table, newest first.
    fn score_versions<'a>(
        &'a self,
        workspace: &'a WorkspaceId,
        policy: &'a PolicyId,
    ) -> Boxed<'a, Result<Vec<StoredScoreVersion>, StoreError>>;

    /// Stores a new token.
    fn add_token(&self, token: StoredToken) -> Boxed<'_, Result<(), StoreError>>;

    /// The token with this hash.
    fn token<'a>(&'a self, hash: &'a [u8; 32]) -> Boxed<'a, Result<Option<StoredToken>, StoreError>>;

    /// Whether the store can be written now; the reason if not. For `/readyz`.
    fn ready(&self) -> Boxed<'_, Result<(), StoreError>>;

    /// Writes out what waits and closes. Nothing may be asked afterwards.
    fn shut_down(&self) -> Boxed<'_, ()>;
}
