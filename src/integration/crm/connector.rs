//! A connection to a CRM, ready to be asked: a manifest with an administrator's settings.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use reqwest::header::{HeaderName, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value, json};

use super::budget::Budget;
use super::classify::Classifier;
use super::deals::{Incremental, Keyset, Pages, Sheet, SheetPlace};
use super::lookup::Lookup;
use super::manifest::{BudgetSpec, DealsSpec, HttpSpec, Manifest, TableSpec};
use super::map_deal::{DealMap, settled};
use super::registry;
use super::request::{Link, Patience, Request, Secretive};
use super::transport::Transport;
use crate::broker::ports::{Boxed, CallerDirectory, CallerRecord, DealSource, Pull, SourceError};
use crate::core::money::Currency;
use crate::core::phone_number::PhoneNumber;
use crate::core::workspace::Connection;
use crate::integration::expression::{FieldName, scalar_text};
use crate::integration::secrets::{SecretError, Secrets};
use crate::integration::settings::{self, SettingFault, SettingKind, Settings};

/// Requests a second to a CRM that states no limit.
const PER_SECOND: u32 = 5;
/// Requests at once to a CRM that states no limit.
const BURST: u32 = 10;

/// What a connector is built with.
pub struct ConnectorContext<'a> {
    /// What carries its requests.
    pub http: Arc<dyn Transport>,
    /// Resolves its secrets.
    pub secrets: &'a dyn Secrets,
    /// Where its files lie.
    pub files_root: PathBuf,
    /// The workspace's zone.
    pub time_zone: TimeZone,
    /// The workspace's region for phone numbers.
    pub default_region: String,
    /// The workspace's currency.
    pub currency: Currency,
    /// How long it bears failures.
    pub patience: Patience,
}

/// Why a connection cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BuildError {
    /// There is no such integration, or its manifest is at fault.
    #[error("{0}")]
    Integration(String),
    /// Its settings do not fit the manifest.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Settings(Vec<SettingFault>),
    /// A secret cannot be had.
    #[error("setting `{setting}`: {error}")]
    Secret {
        /// Which.
        setting: String,
        /// Why.
        error: SecretError,
    },
    /// Settings and manifest do not come to something that can be asked.
    #[error("{0}")]
    Unusable(String),
}

/// A connection to a CRM.
pub struct Connector {
    deals: Deals,
    lookup: Option<Lookup>,
    link: Option<Link>,
}

enum Deals {
    Pages(Box<Pages>),
    Sheet(Box<Sheet>),
}

impl Connector {
    /// Prepares a connection of an integration that comes with the program.
    pub fn build(connection: &Connection, context: ConnectorContext<'_>) -> Result<Self, BuildError> {
        let manifest = registry::find(&connection.integration).map_err(BuildError::Integration)?;
        Self::of(&manifest, &connection.settings, context)
    }

    /// Prepares a connection of any manifest.
    pub fn of(manifest: &Manifest, given: &Value, context: ConnectorContext<'_>) -> Result<Self, BuildError> {
        let name = format!("crm/{}", manifest.connector);
        let faults = settings::check(&manifest.settings, &name, given);
        if !faults.is_empty() {
            return Err(BuildError::Settings(faults));
        }
        let mut secrets = Map::new();
        for (setting, _) in manifest.settings.iter().filter(|(_, spec)| spec.kind == SettingKind::Secret) {
            let Some(reference) = given.get(setting).and_then(Value::as_str) else { continue };
            let told = |error| BuildError::Secret { setting: setting.clone(), error };
            let secret = context.secrets.resolve(reference).map_err(told)?;
            secrets.insert(setting.clone(), secret.expose_secret().into());
        }
        Self::assemble(manifest, given, &secrets, context).map_err(BuildError::Unusable)
    }

    fn assemble(
        manifest: &Manifest,
        given: &Value,
        secrets: &Map<String, Value>,
        context: ConnectorContext<'_>,
    ) -> Result<Self, String> {
        let mut scope = Map::new();
        scope.insert("settings".to_owned(), Settings::resolve(&manifest.settings, given).as_json());
        let zone = context.time_zone.iana_name().unwrap_or("UTC");
        scope.insert("workspace".to_owned(), json!({"time_zone": zone, "currency": context.currency}));
        let lookup = manifest.lookup.as_ref().map(|spec| Lookup::compile(spec, &scope)).transpose()?;
        let secretive = Secretive(secrets.values().filter_map(Value::as_str).map(SecretString::from).collect());
        let link = match &manifest.http {
            Some(http) => Some(link(manifest, http, &scope, secrets, (&context, secretive.clone()))?),
            None => None,
        };
        let deals = &manifest.streams.deals;
        let map = DealMap::compile(deals, &scope, (&context.time_zone, &context.default_region))?;
        let deals = match &deals.table {
            Some(table) => Deals::Sheet(Box::new(sheet(table, map, &scope, context, secretive)?)),
            None => Deals::Pages(Box::new(pages(deals, map, scope)?)),
        };
        Ok(Self { deals, lookup, link })
    }

    /// Whether it finds callers.
    pub fn looks_up(&self) -> bool {
        self.lookup.is_some()
    }
}

impl DealSource for Connector {
    fn pull<'a>(&'a self, cursor: Option<&'a str>, now: Timestamp) -> Boxed<'a, Result<Pull, SourceError>> {
        Box::pin(async move {
            match (&self.deals, &self.link) {
                (Deals::Pages(pages), Some(link)) => pages.pull(link, cursor, now).await,
                (Deals::Pages(_), None) => Err(SourceError::Configuration("its manifest names no address".to_owned())),
                (Deals::Sheet(sheet), _) => sheet.pull(cursor).await,
            }
        })
    }
}

impl CallerDirectory for Connector {
    fn find<'a>(&'a self, caller: &'a PhoneNumber) -> Boxed<'a, Result<Option<CallerRecord>, SourceError>> {
        Box::pin(async move {
            match (&self.lookup, &self.link) {
                (Some(lookup), Some(link)) => lookup.find(link, caller).await,
                _ => Ok(None),
            }
        })
    }

    fn breaker_is_open(&self) -> bool {
        self.lookup.as_ref().is_some_and(Lookup::breaker_is_open)
    }
}

fn link(
    manifest: &Manifest,
    http: &HttpSpec,
    scope: &Map<String, Value>,
    secrets: &Map<String, Value>,
    (context, secretive): (&ConnectorContext<'_>, Secretive),
) -> Result<Link, String> {
    let mut with_secrets = scope.clone();
    with_secrets.insert("secret".to_owned(), Value::Object(secrets.clone()));
    let text = |template: &str| {
        let value = settled(template, &with_secrets).map_err(|error| secretive.clean(&error))?;
        scalar_text(&value).ok_or_else(|| format!("`{template}` comes to no text"))
    };
    let base = text(&http.base)?;
    if url::Url::parse(&base).is_err() {
        return Err("the settings do not come to an address".to_owned());
    }
    let mut headers = Vec::new();
    for (name, template) in &http.headers {
        let header: HeaderName = name.parse().map_err(|_| format!("`{name}` is no name of a header"))?;
        let mut value = HeaderValue::from_str(&text(template)?).map_err(|_| format!("header `{name}` cannot hold its value"))?;
        value.set_sensitive(true);
        headers.push((header, value));
    }
    Ok(Link {
        transport: Arc::clone(&context.http),
        base: base.into(),
        headers,
        secrets: secretive,
        classifier: Classifier::compile(&manifest.errors)?,
        budget: budget(manifest.budget.as_ref(), scope)?,
        timeout: Duration::from_secs(http.timeout_seconds),
        patience: context.patience,
    })
}

fn budget(spec: Option<&BudgetSpec>, scope: &Map<String, Value>) -> Result<Budget, String> {
    let Some(spec) = spec else { return Ok(Budget::new(BURST, PER_SECOND, 0.0)) };
    let number = |value: &Value| {
        let value = match value {
            Value::String(text) => settled(text, scope)?,
            other => other.clone(),
        };
        let number = scalar_text(&value).and_then(|text| text.parse::<u32>().ok()).filter(|number| *number > 0);
        number.ok_or_else(|| format!("a budget must be a whole number above 0, not {value}"))
    };
    Ok(Budget::new(number(&spec.burst)?, number(&spec.per_second)?, spec.reserve_for_lookup))
}

fn pages(spec: &DealsSpec, map: DealMap, scope: Map<String, Value>) -> Result<Pages, String> {
    let request = spec.request.as_ref().ok_or("`streams.deals` has no request")?;
    let keyset = match spec.page.as_ref().and_then(|page| Some((page, page.key.as_ref()?))) {
        Some((page, key)) => Some(Keyset { key: FieldName::read(key)?, first: page.first.clone(), size: page.size }),
        None => None,
    };
    let incremental = match &spec.incremental {
        Some(incremental) => Some(Incremental {
            changed_at: FieldName::read(&incremental.path)?,
            overlap_seconds: i64::try_from(incremental.overlap_seconds).unwrap_or(i64::MAX),
            full_every_hours: i64::try_from(incremental.full_every_hours).unwrap_or(i64::from(u16::MAX)),
        }),
        None => None,
    };
    let rows = FieldName::read(spec.rows.as_deref().ok_or("`streams.deals.rows` is missing")?)?;
    Ok(Pages { request: Request::compile(request)?, rows, keyset, incremental, map, scope })
}

fn sheet(
    spec: &TableSpec,
    map: DealMap,
    scope: &Map<String, Value>,
    context: ConnectorContext<'_>,
    secrets: Secretive,
) -> Result<Sheet, String> {
    let text = |template: &str| settled(template, scope).map(|value| scalar_text(&value));
    let place = match (text(&spec.path)?, text(&spec.url)?) {
        (Some(path), None) => SheetPlace::File { root: context.files_root, path },
        (None, Some(address)) => {
            SheetPlace::Address(url::Url::parse(&address).map_err(|_| "`url` is no address: it begins with https://".to_owned())?)
        }
        (Some(_), Some(_)) => return Err("`path` and `url` are both set: a table lies in one place".to_owned()),
        (None, None) => return Err("neither `path` nor `url` is set: say where the table lies".to_owned()),
    };
    Ok(Sheet {
        place,
        delimiter: text(&spec.delimiter)?.unwrap_or_else(|| "auto".to_owned()),
        encoding: text(&spec.encoding)?.unwrap_or_else(|| "auto".to_owned()),
        redirects_max: spec.redirects_max,
        map,
        transport: context.http,
        secrets,
    })
}
