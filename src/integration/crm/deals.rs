//! Pulls deals: page after page, or a whole table.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::budget::Lane;
use super::classify::{self, Classifier, Verdict};
use super::map_deal::DealMap;
use super::request::{Ask, Link, Request, Secretive, unanswered};
use super::table;
use super::transport::Transport;
use crate::broker::ports::{Extent, Pull, RowFault, SourceError};
use crate::core::deal::Deal;
use crate::core::ids::DealId;
use crate::integration::expression::{FieldName, scalar_text};
use crate::integration::secrets::{NotBelow, below};
use crate::integration::settings::suggestion;
use crate::outbound::OutboundRequest;

/// Faults that are kept.
const FAULTS_MAX: usize = 20;
/// Rows of one pull.
const ROWS_MAX: u64 = 1_000_000;
/// How long a pull may take.
const PULL: Duration = Duration::from_secs(30 * 60);
/// The largest table, in bytes.
const TABLE_BYTES_MAX: usize = 64 * 1024 * 1024;
/// How long fetching a table may take.
const TABLE_FETCH: Duration = Duration::from_secs(60);

/// What is kept between pulls.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Cursor {
    /// The youngest change seen, by the CRM's clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    changed_at: Option<Timestamp>,
    /// When everything was pulled last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    full_at: Option<Timestamp>,
    /// What the last table was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    digest: Option<String>,
}

/// Rows read so far.
#[derive(Default)]
struct Collected {
    deals: Vec<Deal>,
    unreadable: Vec<DealId>,
    rows_read: u64,
    rows_rejected: u64,
    faults: Vec<RowFault>,
}

impl Collected {
    fn reject(&mut self, place: String, detail: String) {
        self.rows_rejected += 1;
        if self.faults.len() < FAULTS_MAX {
            self.faults.push(RowFault { place, detail });
        }
    }

    fn into_pull(self, extent: Extent, cursor: &Cursor) -> Pull {
        let Self { deals, unreadable, rows_read, rows_rejected, faults } = self;
        Pull { deals, unreadable, extent, cursor: serde_json::to_string(cursor).ok(), rows_read, rows_rejected, faults }
    }
}

/// Deals by requests.
pub(super) struct Pages {
    pub(super) request: Request,
    pub(super) rows: FieldName,
    pub(super) keyset: Option<Keyset>,
    pub(super) incremental: Option<Incremental>,
    pub(super) map: DealMap,
    /// `settings` and `workspace`.
    pub(super) scope: Map<String, Value>,
}

/// Pages by the key of the last row.
pub(super) struct Keyset {
    pub(super) key: FieldName,
    pub(super) first: Value,
    pub(super) size: usize,
}

/// Only what changed.
pub(super) struct Incremental {
    pub(super) changed_at: FieldName,
    pub(super) overlap_seconds: i64,
    pub(super) full_every_hours: i64,
}

impl Pages {
    pub(super) async fn pull(&self, link: &Link, cursor: Option<&str>, now: Timestamp) -> Result<Pull, SourceError> {
        match tokio::time::timeout(PULL, self.pull_all(link, cursor, now)).await {
            Ok(pulled) => pulled,
            Err(_) => Err(SourceError::Unreachable(format!("the pull took longer than {} minutes", PULL.as_secs() / 60))),
        }
    }

    async fn pull_all(&self, link: &Link, cursor: Option<&str>, now: Timestamp) -> Result<Pull, SourceError> {
        let known: Option<Cursor> = cursor.and_then(|text| serde_json::from_str(text).ok());
        let since = known.as_ref().and_then(|known| self.since(known, now));
        let mut collected = Collected::default();
        let mut changed_at = known.as_ref().and_then(|known| known.changed_at);
        let mut last = self.keyset.as_ref().map(|keyset| keyset.first.clone()).unwrap_or(Value::Null);
        loop {
            let mut scope = self.scope.clone();
            scope.insert("since".to_owned(), since.map_or(Value::Null, |since| since.to_string().into()));
            scope.insert("page".to_owned(), json!({"last": last}));
            let ask = Ask { request: &self.request, scope: &scope, lane: Lane::Pull, timeout: link.timeout, now: Some(now) };
            let Some(answer) = link.ask(&ask).await? else { break };
            let rows = self.rows_of(&answer)?;
            collected.rows_read += rows.len() as u64;
            if collected.rows_read > ROWS_MAX {
                return Err(SourceError::Malformed(format!("it shows more than {ROWS_MAX} rows: its pages may never end")));
            }
            for row in rows {
                changed_at = changed_at.max(self.changed_at(row));
                self.take(row, &mut collected);
            }
            match self.next(rows, &last)? {
                Some(next) => last = next,
                None => break,
            }
        }
        let extent = if since.is_some() { Extent::Changes } else { Extent::Everything };
        let full_at = if since.is_some() { known.and_then(|known| known.full_at) } else { Some(now) };
        Ok(collected.into_pull(extent, &Cursor { changed_at, full_at, digest: None }))
    }

    /// From when on changes are asked for; none when everything is.
    fn since(&self, known: &Cursor, now: Timestamp) -> Option<Timestamp> {
        let incremental = self.incremental.as_ref()?;
        let full_at = known.full_at?;
        let due = now.duration_since(full_at).as_secs() >= incremental.full_every_hours * 3600;
        let since = known.changed_at?.checked_sub(jiff::SignedDuration::from_secs(incremental.overlap_seconds)).ok()?;
        (!due).then_some(since)
    }

    fn changed_at(&self, row: &Value) -> Option<Timestamp> {
        scalar_text(self.incremental.as_ref()?.changed_at.find(row)?)?.parse().ok()
    }

    fn rows_of<'a>(&self, answer: &'a Value) -> Result<&'a [Value], SourceError> {
        let rows = self.rows.find(answer).and_then(Value::as_array).map(Vec::as_slice);
        rows.ok_or_else(|| SourceError::Malformed(format!("there is no list at `{}`", self.rows.spelling())))
    }

    fn take(&self, row: &Value, collected: &mut Collected) {
        match self.map.deal(row) {
            Ok(deal) => collected.deals.push(deal),
            Err(detail) => {
                collected.unreadable.extend(self.map.deal_id(row));
                let key = self.keyset.as_ref().and_then(|keyset| keyset.key.find(row)).and_then(scalar_text);
                let place = match key {
                    Some(key) => format!("deal {key}"),
                    None => format!("row {}", collected.deals.len() as u64 + collected.rows_rejected + 1),
                };
                collected.reject(place, detail);
            }
        }
    }

    /// The key to go on after; none on the last page.
    fn next(&self, rows: &[Value], last: &Value) -> Result<Option<Value>, SourceError> {
        let Some(keyset) = &self.keyset else { return Ok(None) };
        if rows.len() < keyset.size {
            return Ok(None);
        }
        let key = rows.last().and_then(|row| keyset.key.find(row));
        let key =
            key.ok_or_else(|| SourceError::Malformed(format!("a page ends with a row without `{}`", keyset.key.spelling())))?;
        if !goes_on(last, key) {
            return Err(SourceError::Malformed(format!("its pages do not go on after `{}` {last}", keyset.key.spelling())));
        }
        Ok(Some(key.clone()))
    }
}

/// Whether a key comes after another; numbers as numbers, even in quotes.
fn goes_on(last: &Value, key: &Value) -> bool {
    let number = |value: &Value| scalar_text(value).and_then(|text| text.parse::<u64>().ok());
    match (number(last), number(key)) {
        (Some(last), Some(key)) => key > last,
        _ => scalar_text(key) > scalar_text(last),
    }
}

/// Deals as a table.
pub(super) struct Sheet {
    pub(super) place: SheetPlace,
    pub(super) delimiter: String,
    pub(super) encoding: String,
    pub(super) redirects_max: u8,
    pub(super) map: DealMap,
    pub(super) transport: Arc<dyn Transport>,
    pub(super) secrets: Secretive,
}

/// Where a table lies.
pub(super) enum SheetPlace {
    File { root: PathBuf, path: String },
    Address(url::Url),
}

impl Sheet {
    pub(super) async fn pull(&self, cursor: Option<&str>) -> Result<Pull, SourceError> {
        let bytes = match &self.place {
            SheetPlace::File { root, path } => file(root.clone(), path.clone()).await?,
            SheetPlace::Address(url) => self.fetch(url.clone()).await?,
        };
        let digest = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        let same = cursor
            .and_then(|text| serde_json::from_str::<Cursor>(text).ok())
            .is_some_and(|known| known.digest.as_ref() == Some(&digest));
        let mut collected = self.read(&bytes)?;
        let extent = if same { Extent::Changes } else { Extent::Everything };
        if same {
            collected.deals.clear();
        }
        Ok(collected.into_pull(extent, &Cursor { changed_at: None, full_at: None, digest: Some(digest) }))
    }

    fn read(&self, bytes: &[u8]) -> Result<Collected, SourceError> {
        let table = table::read(bytes, &self.delimiter, &self.encoding).map_err(SourceError::Malformed)?;
        self.check_columns(&table.header)?;
        let mut collected = Collected::default();
        let mut seen: HashMap<String, usize> = HashMap::new();
        for (number, row) in &table.rows {
            collected.rows_read += 1;
            let deal = row.as_ref().map_err(Clone::clone).and_then(|row| self.map.deal(row));
            let place = || format!("row {number}");
            match deal {
                Err(detail) => {
                    collected.unreadable.extend(row.as_ref().ok().and_then(|row| self.map.deal_id(row)));
                    collected.reject(place(), detail);
                }
                Ok(deal) => match seen.get(deal.deal.as_str()) {
                    Some(first) => collected.reject(place(), format!("deal `{}` stands in row {first} already", deal.deal)),
                    None => {
                        seen.insert(deal.deal.to_string(), *number);
                        collected.deals.push(deal);
                    }
                },
            }
        }
        Ok(collected)
    }

    /// Every column that is mapped must be there, once.
    fn check_columns(&self, header: &[String]) -> Result<(), SourceError> {
        for column in self.map.columns() {
            match header.iter().filter(|name| *name == column).count() {
                1 => {}
                0 => {
                    let near = suggestion(column, header.iter().map(String::as_str));
                    let text = format!("the table has no column `{column}`; {near} Set it right under `columns`.");
                    return Err(SourceError::Configuration(text));
                }
                _ => {
                    return Err(SourceError::Configuration(format!(
                        "the table has column `{column}` more than once: rename one"
                    )));
                }
            }
        }
        Ok(())
    }

    async fn fetch(&self, url: url::Url) -> Result<Vec<u8>, SourceError> {
        let request = OutboundRequest {
            method: reqwest::Method::GET,
            url,
            headers: Vec::new(),
            json: None,
            timeout: TABLE_FETCH,
            body_bytes_max: TABLE_BYTES_MAX,
            redirects_max: self.redirects_max,
        };
        let error = match self.transport.send(request).await {
            Ok(reply) if reply.status != 200 => match Classifier::by_status_alone(&reply) {
                Verdict::Passing(error) | Verdict::Lasting(error) => error,
                Verdict::Answer(_) | Verdict::Empty => SourceError::Malformed(format!("HTTP {} without a table", reply.status)),
            },
            Ok(reply) if classify::looks_like_a_page(&reply) => {
                SourceError::Malformed("a web page came instead of a table: the link may have lost its access".to_owned())
            }
            Ok(reply) => return Ok(reply.body),
            Err(error) => match unanswered(&error) {
                Verdict::Passing(error) | Verdict::Lasting(error) => error,
                Verdict::Answer(_) | Verdict::Empty => SourceError::Unreachable(error.to_string()),
            },
        };
        Err(self.secrets.error(error))
    }
}

async fn file(root: PathBuf, path: String) -> Result<Vec<u8>, SourceError> {
    let told = path.clone();
    let read = move || {
        let whole = below(&root, &path).map_err(|error| match error {
            NotBelow::Outside => {
                "leaves the folder in which files of connections may lie: move it, or set `files_root`".to_owned()
            }
            NotBelow::Missing(detail) => detail,
        })?;
        let size = std::fs::metadata(&whole).map_err(|error| error.to_string())?.len();
        if size > TABLE_BYTES_MAX as u64 {
            return Err(format!("is larger than {TABLE_BYTES_MAX} bytes"));
        }
        std::fs::read(&whole).map_err(|error| error.to_string())
    };
    let done = tokio::task::spawn_blocking(read).await.unwrap_or_else(|error| Err(error.to_string()));
    done.map_err(|why| SourceError::Configuration(format!("file `{told}`: {why}")))
}
