//! What the broker wants of the outside: traits that adapters implement. The only way out of `broker`.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use jiff::Timestamp;

use crate::core::deal::Deal;
use crate::core::ids::{CrmUserId, DealId};
use crate::core::phone_number::PhoneNumber;

/// A future behind a pointer, so that ports can be used as `dyn`.
pub type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The wall clock. Durations inside a request come from the monotonic clock (`tokio::time::Instant`) instead.
pub trait Clock: Send + Sync + 'static {
    /// The instant now.
    fn now(&self) -> Timestamp;
}

/// Where ids come from.
pub trait IdSource: Send + Sync + 'static {
    /// A new UUID version 7 for something that happened at `at`.
    fn next_id(&self, at: Timestamp) -> uuid::Uuid;
}

/// Where deals come from: one CRM connection.
pub trait DealSource: Send + Sync + 'static {
    /// Pulls what changed since `cursor` (everything when there is none). The cursor is the source's own text, to be
    /// kept and handed back next time; it is only stored once the deals are.
    fn pull<'a>(&'a self, cursor: Option<&'a str>, now: Timestamp) -> Boxed<'a, Result<Pull, SourceError>>;
}

/// What one pull brought.
#[derive(Debug, Clone, PartialEq)]
pub struct Pull {
    /// The deals, in the order of the source; a deal may come again.
    pub deals: Vec<Deal>,
    /// The deals of rows that could not be read, as far as their id could: they stay as they were known.
    pub unreadable: Vec<DealId>,
    /// Whether `deals` is all there is, or only what changed.
    pub extent: Extent,
    /// Where the next pull goes on; none when the source has no notion of it.
    pub cursor: Option<String>,
    /// How many rows the source sent, readable or not.
    pub rows_read: u64,
    /// How many of them could not be read.
    pub rows_rejected: u64,
    /// The first of those (a bounded list), with place and reason.
    pub faults: Vec<RowFault>,
}

/// Whether a pull replaces what was known or adds to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// All deals of the source: what is not in it is gone.
    Everything,
    /// Only what changed.
    Changes,
}

/// One row that could not be read; the others were.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowFault {
    /// Where: `row 17`, `deal 4711`.
    pub place: String,
    /// What is wrong with it and what was expected.
    pub detail: String,
}

/// Why a CRM gave nothing. The last good table stays in use.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SourceError {
    /// It could not be reached, or did not answer in time.
    #[error("could not reach the CRM: {0}")]
    Unreachable(String),
    /// It asks us to wait.
    #[error("the CRM asks to wait {retry_after_seconds} s: {detail}")]
    RateLimited {
        /// For how long.
        retry_after_seconds: u64,
        /// In the CRM's words.
        detail: String,
    },
    /// It does not accept our credentials: retrying will not help.
    #[error("the CRM refuses our credentials: {0}")]
    Refused(String),
    /// It answered an error.
    #[error("the CRM answered an error: {0}")]
    Failed(String),
    /// Its answer makes no sense.
    #[error("the CRM's answer cannot be read: {0}")]
    Malformed(String),
    /// Something the administrator must set right: a missing file, a missing secret.
    #[error("{0}")]
    Configuration(String),
}

/// Who knows callers: one CRM connection.
pub trait CallerDirectory: Send + Sync + 'static {
    /// Finds the caller; `Ok(None)` when the CRM does not know the number. The implementation bounds its own time; the
    /// broker bounds how long a caller waits for it.
    fn find<'a>(&'a self, caller: &'a PhoneNumber) -> Boxed<'a, Result<Option<CallerRecord>, SourceError>>;

    /// Whether it failed so often that it is left alone for now.
    fn breaker_is_open(&self) -> bool;
}

/// A caller as a CRM knows it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CallerRecord {
    /// The contact's name.
    pub name: Option<String>,
    /// The responsible user in that CRM.
    pub user: Option<CrmUserId>,
    /// That user's internal number, where the CRM has it: names the agent when the user is not mapped.
    pub extension: Option<String>,
    /// The contact's page in the CRM.
    pub url: Option<String>,
    /// The segments the CRM puts the caller in, as the connector's manifest names them.
    pub segments: Vec<Arc<str>>,
}
