//! A connector's manifest as it stands in YAML. `schemas/crm-manifest.schema.json` says the same; it is checked first.
//!
//! Texts with `{{ }}` see `settings`, `workspace` (`time_zone`, `currency`) and what their place adds.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use crate::core::deal::DealStatus;
use crate::integration::settings::SettingSpecs;

/// A connector.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The folder's name.
    pub connector: String,
    /// What people call the CRM.
    pub title: String,
    /// What it does, and how sure we are of it.
    pub about: String,
    /// What an administrator sets.
    #[serde(default)]
    pub settings: SettingSpecs,
    /// How requests prove who sends them, beyond headers and address.
    #[serde(default)]
    pub(super) auth: AuthSpec,
    /// Where requests go.
    pub(super) http: Option<HttpSpec>,
    /// How often the CRM may be asked.
    pub(super) budget: Option<BudgetSpec>,
    /// What the CRM's errors mean.
    #[serde(default)]
    pub(super) errors: ErrorsSpec,
    /// What is pulled.
    pub(super) streams: StreamsSpec,
    /// How a caller is found.
    pub(super) lookup: Option<LookupSpec>,
}

/// How requests prove who sends them.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AuthSpec {
    pub(super) kind: String,
}

impl Default for AuthSpec {
    fn default() -> Self {
        Self { kind: "none".to_owned() }
    }
}

/// Where requests go. Only here texts see `secret`, by setting.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct HttpSpec {
    pub(super) base: String,
    #[serde(default)]
    pub(super) headers: BTreeMap<String, String>,
    #[serde(default = "timeout_seconds")]
    pub(super) timeout_seconds: u64,
}

fn timeout_seconds() -> u64 {
    60
}

/// How often the CRM may be asked.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct BudgetSpec {
    /// A whole number, or a text that comes to one.
    pub(super) burst: Value,
    /// The same.
    pub(super) per_second: Value,
    /// The part of the budget that pulls leave to lookups, 0 to 0.9.
    #[serde(default)]
    pub(super) reserve_for_lookup: f64,
}

/// Where an error's code and text stand, and what they mean. Without a rule the status decides.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ErrorsSpec {
    pub(super) code: Option<String>,
    pub(super) message: Option<String>,
    #[serde(default)]
    pub(super) rules: Vec<RuleSpec>,
}

/// The first rule that fits decides; what a rule does not name fits.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RuleSpec {
    #[serde(default)]
    pub(super) status: Vec<u16>,
    #[serde(default)]
    pub(super) code: Vec<String>,
    /// A condition over `status`, `code`, `body`.
    pub(super) when: Option<String>,
    #[serde(rename = "as")]
    pub(super) meaning: Meaning,
    pub(super) wait_seconds: Option<u64>,
    /// Where the body says until when to wait, in seconds since 1970.
    pub(super) wait_until: Option<String>,
}

/// What an answer means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Meaning {
    /// It is no error.
    Ok,
    /// There is nothing.
    Empty,
    /// The same may work a moment later.
    Retry,
    /// We ask too often.
    RateLimited,
    /// Our credentials do not do.
    Refused,
    /// An error that asking again does not mend.
    Failed,
}

/// What is pulled.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StreamsSpec {
    pub(super) deals: DealsSpec,
}

/// How deals are pulled: by requests, or as a table.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DealsSpec {
    pub(super) request: Option<RequestSpec>,
    /// Where the list of rows stands in an answer.
    pub(super) rows: Option<String>,
    pub(super) page: Option<PageSpec>,
    pub(super) incremental: Option<IncrementalSpec>,
    pub(super) table: Option<TableSpec>,
    pub(super) fields: BTreeMap<DealField, FieldSpec>,
    pub(super) metrics: Option<MetricsSpec>,
}

/// Further figures of a deal.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MetricsSpec {
    /// A text that comes to a map: a metric's name, and the name or path of its field; null for none.
    pub(super) places: String,
    /// `.`, `,` or `auto`; a point without it.
    pub(super) decimal_mark: Option<String>,
}

/// A request. `json` and `query` are trees: a name that ends in `?` is left out when its value is null.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RequestSpec {
    pub(super) method: Method,
    pub(super) path: String,
    #[serde(default)]
    pub(super) query: Value,
    #[serde(default)]
    pub(super) json: Value,
}

/// Methods that requests use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(super) enum Method {
    #[serde(rename = "GET")]
    Get,
    #[serde(rename = "POST")]
    Post,
}

/// How the next page is asked for.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PageSpec {
    pub(super) kind: String,
    /// For `keyset`: where a row's key stands; requests see the last one as `page.last`.
    pub(super) key: Option<String>,
    /// For `keyset`: `page.last` of the first request.
    #[serde(default)]
    pub(super) first: Value,
    /// A shorter page is the last.
    pub(super) size: usize,
}

/// How only what changed is asked for: requests see `since` (RFC 3339, or null when everything is wanted).
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct IncrementalSpec {
    /// Where a row says when it changed, by the CRM's own clock.
    pub(super) path: String,
    /// How far `since` lies before the youngest change seen.
    pub(super) overlap_seconds: u64,
    /// Everything is pulled anew after so long, since nobody tells of deleted deals.
    pub(super) full_every_hours: u64,
}

/// A table of texts with a header: from a file or an address. Texts see `settings`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TableSpec {
    pub(super) path: String,
    pub(super) url: String,
    pub(super) delimiter: String,
    pub(super) encoding: String,
    #[serde(default)]
    pub(super) redirects_max: u8,
}

/// The fields of a deal. What type each has is the canonical deal's matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum DealField {
    Deal,
    User,
    Status,
    Amount,
    ReturnedAmount,
    Currency,
    OpenedAt,
    ClosedAt,
    Pipeline,
    LeadSource,
    NewCustomer,
    ContactPhones,
    LinkKey,
}

/// Where a value stands and how it is read.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FieldSpec {
    /// A name, a path, or a text that comes to one; a text that comes to null maps nothing.
    pub(super) path: Option<String>,
    /// A text over `row`: only for lookups.
    pub(super) text: Option<String>,
    /// What holds where the row has nothing; sees `settings`.
    pub(super) default: Option<String>,
    /// For words: what each meaning is called (a list, or a text that comes to one). Letter case does not matter.
    #[serde(default)]
    pub(super) values: BTreeMap<String, Value>,
    /// For words: what any other word means; without it another word is a fault.
    pub(super) otherwise: Option<String>,
    /// Values that mean there is none.
    #[serde(default)]
    pub(super) none_when: Vec<Value>,
    /// For instants: how they are written, in the letters of `strftime`; without it RFC 3339 and ISO 8601.
    pub(super) format: Option<String>,
    /// For instants without an offset: the zone's name; the workspace's without it.
    pub(super) zone: Option<String>,
    /// For amounts: `.`, `,` or `auto`; a point without it.
    pub(super) decimal_mark: Option<String>,
    /// Taken only from deals that stand so.
    #[serde(default)]
    pub(super) only_for: Vec<DealStatus>,
}

/// How a caller is found. The request sees `phone`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LookupSpec {
    /// Forms of the number to try, in this order, until one finds something.
    pub(super) phones: Vec<PhoneForm>,
    pub(super) request: RequestSpec,
    pub(super) rows: String,
    /// Which row to take when several are found.
    pub(super) prefer: Option<PreferSpec>,
    pub(super) fields: BTreeMap<CallerField, FieldSpec>,
}

/// Forms of a phone number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum PhoneForm {
    /// `+79161234567`.
    E164,
    /// `79161234567`.
    Digits,
    /// `9161234567`.
    Last10,
}

/// Rows in the order of a word of theirs.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PreferSpec {
    pub(super) path: String,
    pub(super) order: Vec<String>,
}

/// What a lookup finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum CallerField {
    Name,
    User,
    Extension,
    Url,
    /// One word or several: `values` says which segment each means.
    Segments,
}
