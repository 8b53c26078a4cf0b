//! Decisions on disk: pages of them in the order they were made, and where each call's are found.
//!
//! The writer hands decisions over in the order of their sequence, so pages of a workspace follow each other and never
//! overlap. Folds nothing: see `fold`.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use foldhash::fast::RandomState;
use sqlx::SqliteConnection;

use crate::broker::store::{DecisionSpan, Page, PageRequest, StoreError};
use crate::core::ids::{CallId, CallKey, ConnectionId, DecisionId, WorkspaceId};
use crate::core::record::{DecisionRecord, Lambda};
use crate::store::decision_page::{self, DECISIONS_MAX, PageWriter, SPAN_MAX_US, StoredDecision};
use crate::store::rows::{LambdaRow, micros, to_json};
use crate::store::trial_texts;

use super::jobs::JobFault;
use super::queue::QueuedDecision;
use super::readers::{Slice, foreign_cursor};
use super::unavailable;

/// Members, typed, published and expected shares.
type LambdaColumns = (String, Vec<u8>, Vec<u8>, Vec<u8>);

/// Pages read at once for a list: a page may hold one decision or many.
const PAGES_AT_ONCE: i64 = 16;

/// What the writer knows of the decisions on disk. Forgotten when a transaction fails: it may have been rolled back.
#[derive(Default)]
pub(super) struct Written {
    /// Keys of expected shares already stored, by their place in memory. The pointer is held, so that its address means
    /// nothing else meanwhile.
    lambda_keys: HashMap<usize, LambdaOnDisk, RandomState>,
    page: PageWriter,
    /// The last sequence on disk.
    through: HashMap<WorkspaceId, u64>,
}

/// Expected shares that are stored.
struct LambdaOnDisk {
    workspace: WorkspaceId,
    lambda: Arc<Lambda>,
    key: Arc<str>,
}

impl LambdaOnDisk {
    fn is(&self, workspace: &WorkspaceId, lambda: &Arc<Lambda>) -> bool {
        self.workspace == *workspace && Arc::ptr_eq(&self.lambda, lambda)
    }
}

impl Written {
    const LAMBDAS_MAX: usize = 512;

    async fn lambda_key(
        &mut self,
        connection: &mut SqliteConnection,
        workspace: &WorkspaceId,
        lambda: &Arc<Lambda>,
    ) -> Result<Arc<str>, JobFault> {
        let place = Arc::as_ptr(lambda).addr();
        let known = self.lambda_keys.get(&place).filter(|known| known.is(workspace, lambda));
        if let Some(known) = known {
            return Ok(Arc::clone(&known.key));
        }
        let row = LambdaRow::of(lambda)?;
        sqlx::query(
            "INSERT INTO lambdas (workspace, key, members, base, published, shares) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        )
        .bind(workspace.as_str())
        .bind(&*row.key)
        .bind(&row.members)
        .bind(&row.base)
        .bind(&row.published)
        .bind(&row.shares)
        .execute(connection)
        .await?;
        if self.lambda_keys.len() >= Self::LAMBDAS_MAX {
            self.lambda_keys.clear();
        }
        let (workspace, lambda, key) = (workspace.clone(), Arc::clone(lambda), Arc::clone(&row.key));
        self.lambda_keys.insert(place, LambdaOnDisk { workspace, lambda, key });
        Ok(row.key)
    }

    async fn through(&mut self, connection: &mut SqliteConnection, workspace: &WorkspaceId) -> Result<u64, sqlx::Error> {
        if let Some(through) = self.through.get(workspace) {
            return Ok(*through);
        }
        let through = last_sequence(connection, workspace).await?;
        self.through.insert(workspace.clone(), through);
        Ok(through)
    }
}

/// The last sequence on disk; 0 where there is none.
pub(super) async fn last_sequence(connection: &mut SqliteConnection, workspace: &WorkspaceId) -> Result<u64, sqlx::Error> {
    let last: Option<i64> =
        sqlx::query_scalar("SELECT last_sequence FROM decision_pages WHERE workspace = ? ORDER BY first_sequence DESC LIMIT 1")
            .bind(workspace.as_str())
            .fetch_optional(connection)
            .await?;
    Ok(last.unwrap_or(0).cast_unsigned())
}

/// Cuts what waits, in its order, into what goes into a page each.
pub(super) fn pages<'a>(waiting: impl Iterator<Item = &'a QueuedDecision>) -> Vec<Vec<&'a QueuedDecision>> {
    let mut of_workspace: Vec<(&WorkspaceId, Vec<&QueuedDecision>)> = Vec::new();
    for item in waiting {
        match of_workspace.iter_mut().find(|(workspace, _)| **workspace == item.workspace) {
            Some((_, items)) => items.push(item),
            None => of_workspace.push((&item.workspace, vec![item])),
        }
    }
    of_workspace.into_iter().flat_map(|(_, items)| pages_of_one(&items)).collect()
}

fn pages_of_one<'a>(items: &[&'a QueuedDecision]) -> Vec<Vec<&'a QueuedDecision>> {
    let at = |item: &QueuedDecision| micros(item.record.decision.received_at);
    let mut pages: Vec<Vec<&QueuedDecision>> = Vec::new();
    let (mut from, mut until) = (i64::MAX, i64::MIN);
    for item in items {
        (from, until) = (from.min(at(item)), until.max(at(item)));
        match pages.last_mut() {
            Some(page) if page.len() < DECISIONS_MAX && until.saturating_sub(from) <= SPAN_MAX_US => page.push(item),
            _ => {
                (from, until) = (at(item), at(item));
                pages.push(vec![item]);
            }
        }
    }
    pages
}

/// Writes decisions of one workspace as a page; those already there are not written again. An error means that none of them is
/// written.
pub(super) async fn write_page(
    connection: &mut SqliteConnection,
    items: &[&QueuedDecision],
    written: &mut Written,
) -> Result<(), JobFault> {
    let Some(workspace) = items.first().map(|item| &item.workspace) else { return Ok(()) };
    let through = written.through(connection, workspace).await?;
    let records: Vec<&DecisionRecord> =
        items.iter().map(|item| &*item.record).filter(|record| record.sequence > through).collect();
    let (Some(first), Some(last)) = (records.first(), records.last()) else { return Ok(()) };
    written.page.clear();
    let mut calls: BTreeMap<&ConnectionId, Vec<&CallId>> = BTreeMap::new();
    let mut keys: Vec<Arc<str>> = Vec::new();
    for record in &records {
        keys.clear();
        for lambda in record.groups.iter().map(|view| &view.lambda).chain(trial_texts::lambdas(&record.trial)) {
            keys.push(written.lambda_key(connection, workspace, lambda).await?);
        }
        written.page.add(record, &keys)?;
        calls.entry(&record.connection).or_default().push(&record.decision.call_id);
    }
    let received = || records.iter().map(|record| micros(record.decision.received_at));
    sqlx::query(
        "INSERT INTO decision_pages (workspace, first_sequence, last_sequence, first_received_us, last_received_us, body)
         VALUES (?, ?, ?, ?, ?, ?)",
    )
    .bind(workspace.as_str())
    .bind(first.sequence.cast_signed())
    .bind(last.sequence.cast_signed())
    .bind(received().min())
    .bind(received().max())
    .bind(written.page.finish()?)
    .execute(&mut *connection)
    .await?;
    for (of, calls) in calls {
        sqlx::query(
            "INSERT INTO decision_calls (workspace, call_id, connection, page)
             SELECT ?, value, ?, ? FROM json_each(?) WHERE true ON CONFLICT DO NOTHING",
        )
        .bind(workspace.as_str())
        .bind(of.as_str())
        .bind(first.sequence.cast_signed())
        .bind(to_json(&calls)?)
        .execute(&mut *connection)
        .await?;
    }
    written.through.insert(workspace.clone(), last.sequence);
    Ok(())
}

/// Reads decisions back. Keeps the expected shares read so far, so that decisions that share them share them again.
pub(super) struct Reading<'a> {
    workspace: &'a WorkspaceId,
    lambdas: HashMap<String, Arc<Lambda>>,
}

impl<'a> Reading<'a> {
    const LAMBDAS_MAX: usize = 4096;

    /// Of this workspace.
    pub(super) fn of(workspace: &'a WorkspaceId) -> Self {
        Self { workspace, lambdas: HashMap::new() }
    }

    /// Finds the expected shares of a decision.
    pub(super) async fn record(
        &mut self,
        connection: &mut SqliteConnection,
        stored: StoredDecision,
    ) -> Result<Arc<DecisionRecord>, StoreError> {
        if self.lambdas.len() > Self::LAMBDAS_MAX {
            self.lambdas.clear();
        }
        for key in stored.lambda_keys() {
            if self.lambdas.contains_key(key) {
                continue;
            }
            let row: Option<LambdaColumns> =
                sqlx::query_as("SELECT members, base, published, shares FROM lambdas WHERE workspace = ? AND key = ?")
                    .bind(self.workspace.as_str())
                    .bind(key)
                    .fetch_optional(&mut *connection)
                    .await
                    .map_err(|fault| unavailable(&fault))?;
            if let Some((members, base, published, shares)) = row {
                let lambda = LambdaRow { key: key.into(), members, base, published, shares }.lambda()?;
                self.lambdas.insert(key.to_owned(), Arc::new(lambda));
            }
        }
        stored.record(|key| self.lambdas.get(key).cloned()).map(Arc::new)
    }

    /// One call's decisions, by sequence.
    pub(super) async fn of_call(
        &mut self,
        connection: &mut SqliteConnection,
        call: &CallKey,
    ) -> Result<Vec<Arc<DecisionRecord>>, StoreError> {
        let bodies: Vec<Vec<u8>> = sqlx::query_scalar(
            "SELECT p.body FROM decision_calls AS c
             JOIN decision_pages AS p ON p.workspace = c.workspace AND p.first_sequence = c.page
             WHERE c.workspace = ? AND c.call_id = ? AND c.connection = ? ORDER BY c.page",
        )
        .bind(self.workspace.as_str())
        .bind(call.call.as_str())
        .bind(call.connection.as_str())
        .fetch_all(&mut *connection)
        .await
        .map_err(|fault| unavailable(&fault))?;
        let mut found = Vec::new();
        for stored in bodies.iter().flat_map(|body| readable(body)).filter(|stored| stored.call() == *call) {
            found.push(self.record(connection, stored).await?);
        }
        Ok(found)
    }
}

impl Reading<'_> {
    /// The decisions of several calls, each from an instant on, by sequence.
    pub(super) async fn of_calls(
        &mut self,
        connection: &mut SqliteConnection,
        from: &BTreeMap<CallKey, i64>,
    ) -> Result<HashMap<CallKey, Vec<Arc<DecisionRecord>>>, StoreError> {
        let wanted: Vec<(&ConnectionId, &CallId)> = from.keys().map(|key| (&key.connection, &key.call)).collect();
        let bodies: Vec<Vec<u8>> = sqlx::query_scalar(
            "SELECT body FROM decision_pages WHERE workspace = ?1 AND first_sequence IN (SELECT d.page FROM json_each(?2) AS c
             CROSS JOIN decision_calls AS d ON d.workspace = ?1 AND d.call_id = c.value ->> 1 AND d.connection = c.value ->> 0)
             ORDER BY first_sequence",
        )
        .bind(self.workspace.as_str())
        .bind(to_json(&wanted)?)
        .fetch_all(&mut *connection)
        .await
        .map_err(|fault| unavailable(&fault))?;
        let mut found: HashMap<CallKey, Vec<Arc<DecisionRecord>>> = HashMap::new();
        for stored in bodies.iter().flat_map(|body| readable(body)) {
            let key = stored.call();
            if from.get(&key).is_some_and(|from| micros(stored.received_at()) >= *from) {
                let record = self.record(connection, stored).await?;
                found.entry(key).or_default().push(record);
            }
        }
        Ok(found)
    }
}

/// The decisions of a page. One bad page must not keep a company from its calls: it is passed over and told in the log.
fn readable(body: &[u8]) -> Vec<StoredDecision> {
    decision_page::read(body)
        .inspect_err(|fault| tracing::error!("some stored decisions are passed over: {fault}"))
        .unwrap_or_default()
}

/// The next pages from a first sequence on, in their order; and where to go on. None at the end.
pub(super) async fn next_pages(
    connection: &mut SqliteConnection,
    workspace: &WorkspaceId,
    from_sequence: i64,
) -> Result<Option<(Vec<StoredDecision>, i64)>, StoreError> {
    let rows: Vec<(i64, Vec<u8>)> = sqlx::query_as(
        "SELECT last_sequence, body FROM decision_pages WHERE workspace = ? AND first_sequence >= ?
         ORDER BY first_sequence LIMIT ?",
    )
    .bind(workspace.as_str())
    .bind(from_sequence)
    .bind(PAGES_AT_ONCE)
    .fetch_all(connection)
    .await
    .map_err(|fault| unavailable(&fault))?;
    let next = rows.last().map(|(last_sequence, _)| last_sequence + 1);
    Ok(next.map(|next| (rows.iter().flat_map(|(_, body)| readable(body)).collect(), next)))
}

/// The first sequence of the first page with a decision received at or after an instant.
pub(super) async fn first_page_since(
    connection: &mut SqliteConnection,
    workspace: &WorkspaceId,
    since_us: i64,
) -> Result<Option<i64>, StoreError> {
    sqlx::query_scalar("SELECT MIN(first_sequence) FROM decision_pages WHERE workspace = ? AND last_received_us >= ?")
        .bind(workspace.as_str())
        .bind(since_us)
        .fetch_one(connection)
        .await
        .map_err(|fault| unavailable(&fault))
}

/// A page of the list, newest first.
pub(super) async fn list(
    connection: &mut SqliteConnection,
    workspace: &WorkspaceId,
    page: &PageRequest,
) -> Result<Page<Arc<DecisionRecord>>, StoreError> {
    let slice = Slice::of(page)?;
    let mut reading = Reading::of(workspace);
    let (mut items, mut below) = (Vec::new(), slice.below);
    let wanted = slice.limit + 1;
    while items.len() < wanted {
        let pages = pages_below(connection, workspace, page.call.as_ref(), below).await?;
        let Some((first_sequence, _)) = pages.last() else { break };
        let stored = pages.iter().flat_map(|(_, body)| readable(body).into_iter().rev());
        let listed = stored.filter(|stored| {
            stored.sequence().cast_signed() < slice.below && page.call.as_ref().is_none_or(|call| stored.call().call == *call)
        });
        for stored in listed.take(wanted - items.len()) {
            items.push(reading.record(connection, stored).await?);
        }
        below = *first_sequence;
    }
    let next = slice.cut(&mut items, |record| record.sequence.cast_signed());
    Ok(Page { items, next })
}

/// The next pages downwards, of one call or of all; each with its first sequence.
async fn pages_below(
    connection: &mut SqliteConnection,
    workspace: &WorkspaceId,
    call: Option<&CallId>,
    below: i64,
) -> Result<Vec<(i64, Vec<u8>)>, StoreError> {
    let query = match call {
        None => sqlx::query_as(
            "SELECT first_sequence, body FROM decision_pages WHERE workspace = ? AND first_sequence < ?
             ORDER BY first_sequence DESC LIMIT ?",
        )
        .bind(workspace.as_str()),
        Some(call) => sqlx::query_as(
            "SELECT p.first_sequence, p.body FROM (SELECT DISTINCT page FROM decision_calls WHERE workspace = ?1 AND call_id = ?2)
                 AS c
             CROSS JOIN decision_pages AS p ON p.workspace = ?1 AND p.first_sequence = c.page
             WHERE p.first_sequence < ?3 ORDER BY p.first_sequence DESC LIMIT ?4",
        )
        .bind(workspace.as_str())
        .bind(call.as_str()),
    };
    query.bind(below).bind(PAGES_AT_ONCE).fetch_all(connection).await.map_err(|fault| unavailable(&fault))
}

/// Some of the decisions received in a span, oldest first, and where to go on.
pub(super) async fn between(
    connection: &mut SqliteConnection,
    workspace: &WorkspaceId,
    span: &DecisionSpan,
) -> Result<Page<Arc<DecisionRecord>>, StoreError> {
    let at = match &span.cursor {
        Some(text) => Some(text.parse().map_err(|_| foreign_cursor())?),
        None => first_page_since(connection, workspace, micros(span.from)).await?,
    };
    let rows: Vec<(i64, Vec<u8>)> = sqlx::query_as(
        "SELECT last_sequence, body FROM decision_pages WHERE workspace = ? AND first_sequence >= ? AND first_received_us < ?
         ORDER BY first_sequence LIMIT ?",
    )
    .bind(workspace.as_str())
    .bind(at.unwrap_or(i64::MAX))
    .bind(micros(span.until))
    .bind(PAGES_AT_ONCE)
    .fetch_all(&mut *connection)
    .await
    .map_err(|fault| unavailable(&fault))?;
    let (mut reading, mut items) = (Reading::of(workspace), Vec::new());
    let stored = rows.iter().flat_map(|(_, body)| readable(body));
    for stored in stored.filter(|stored| (span.from..span.until).contains(&stored.received_at())) {
        items.push(reading.record(connection, stored).await?);
    }
    Ok(Page { items, next: rows.last().map(|(last_sequence, _)| (last_sequence + 1).to_string()) })
}

/// One decision. Its id (a UUID version 7) says when its hook was received, and so in which pages to look.
pub(super) async fn find(
    connection: &mut SqliteConnection,
    workspace: &WorkspaceId,
    id: DecisionId,
) -> Result<Option<Arc<DecisionRecord>>, StoreError> {
    let Some((seconds, nanoseconds)) = id.get_timestamp().map(|at| at.to_unix()) else { return Ok(None) };
    let Ok(from_us) = i64::try_from(u128::from(seconds) * 1_000_000 + u128::from(nanoseconds / 1000)) else { return Ok(None) };
    // The id knows milliseconds.
    let until_us = from_us.saturating_add(1000);
    let bodies: Vec<Vec<u8>> = sqlx::query_scalar(
        "SELECT body FROM decision_pages WHERE workspace = ? AND last_received_us BETWEEN ? AND ? AND first_received_us < ?",
    )
    .bind(workspace.as_str())
    .bind(from_us)
    .bind(until_us.saturating_add(SPAN_MAX_US))
    .bind(until_us)
    .fetch_all(&mut *connection)
    .await
    .map_err(|fault| unavailable(&fault))?;
    match bodies.iter().flat_map(|body| readable(body)).find(|stored| stored.id() == id) {
        None => Ok(None),
        Some(stored) => Reading::of(workspace).record(connection, stored).await.map(Some),
    }
}
