//! The small CRM's HTTP face: webhook secret, request limit, and one function per method.

use std::sync::{Arc, Mutex, PoisonError, RwLock};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use rust_decimal::Decimal;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::answer::{Found, RestError};
use super::book::{CrmTotals, DealBook};
use super::query::{Portal, Query};
use crate::broker::ports::Clock;
use crate::demo::company::{Company, Contact, DealStage, DemoAgent};
use crate::demo::workspace_text::{CRM_WEBHOOK_USER, CURRENCY};

/// Deals, in that API's numbering of object types.
const DEAL: i64 = 2;

/// The leaky bucket every portal has: documented as 50 and 2 per second, 250 and 5 on the largest plan.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BucketLimit {
    /// How many requests fit at once.
    pub burst: f64,
    /// How many leave per second.
    pub leak_per_second: f64,
}

impl BucketLimit {
    /// Wide enough for a day of calls in a few minutes.
    pub const DEMO: Self = Self { burst: 500.0, leak_per_second: 50.0 };
}

/// How the small CRM is set up.
pub struct CrmSettings {
    /// The webhook's secret, a part of every address.
    pub secret: SecretString,
    /// On this day the last deal of the sample was closed.
    pub today: Date,
    /// The portal's zone.
    pub time_zone: TimeZone,
    /// How many requests it bears.
    pub limit: BucketLimit,
    /// For the times in its replies.
    pub clock: Arc<dyn Clock>,
}

/// The small CRM. Cheap to clone: all clones are the same CRM.
#[derive(Clone)]
pub struct Crm(Arc<Inner>);

struct Inner {
    secret: SecretString,
    portal: Portal,
    limit: BucketLimit,
    clock: Arc<dyn Clock>,
    agents: Vec<DemoAgent>,
    contacts: Vec<Contact>,
    book: RwLock<DealBook>,
    /// How full the bucket was, and when.
    bucket: Mutex<(f64, Instant)>,
}

impl Crm {
    /// A CRM that holds the company's opportunities.
    pub fn new(company: &Company, settings: CrmSettings) -> Self {
        Self(Arc::new(Inner {
            secret: settings.secret,
            book: RwLock::new(DealBook::of(company, settings.today, &settings.time_zone)),
            portal: Portal { zone: settings.time_zone, currency: CURRENCY },
            limit: settings.limit,
            clock: settings.clock,
            agents: company.agents.clone(),
            contacts: company.contacts.clone(),
            bucket: Mutex::new((0.0, Instant::now())),
        }))
    }

    /// Opens a deal for a user at `at`; gives its id.
    pub fn add_deal(&self, user: u32, title: &str, amount: Decimal, at: Timestamp) -> u64 {
        self.change(|book| book.add(user, title, amount, at))
    }

    /// Closes a deal with a contract; whether there is such a deal.
    pub fn win(&self, deal: u64, at: Timestamp) -> bool {
        self.change(|book| book.close(deal, DealStage::Won, at))
    }

    /// Closes a deal without one; whether there is such a deal.
    pub fn lose(&self, deal: u64, at: Timestamp) -> bool {
        self.change(|book| book.close(deal, DealStage::Lost, at))
    }

    /// What it holds now.
    pub fn totals(&self) -> CrmTotals {
        self.0.book.read().unwrap_or_else(PoisonError::into_inner).totals()
    }

    /// Its HTTP interface.
    pub fn router(&self) -> Router {
        Router::new().route("/rest/{user}/{secret}/{method}", post(call).get(call)).with_state(self.clone())
    }

    fn change<T>(&self, change: impl FnOnce(&mut DealBook) -> T) -> T {
        change(&mut self.0.book.write().unwrap_or_else(PoisonError::into_inner))
    }

    fn admit(&self, now: Instant) -> Result<(), RestError> {
        let mut bucket = self.0.bucket.lock().unwrap_or_else(PoisonError::into_inner);
        let (level, then) = *bucket;
        let level = (level - now.duration_since(then).as_secs_f64() * self.0.limit.leak_per_second).max(0.0) + 1.0;
        if level > self.0.limit.burst {
            return Err(RestError::new(StatusCode::SERVICE_UNAVAILABLE, "QUERY_LIMIT_EXCEEDED", "Too many requests"));
        }
        *bucket = (level, now);
        Ok(())
    }

    fn run(&self, path: &(String, String, String), body: &[u8]) -> Result<Found, RestError> {
        let (user, secret, method) = path;
        if *user != CRM_WEBHOOK_USER.to_string() || secret != self.0.secret.expose_secret() {
            return Err(RestError::new(StatusCode::UNAUTHORIZED, "NO_AUTH_FOUND", "Wrong authorization data"));
        }
        self.admit(Instant::now())?;
        let body: Value = match body {
            [] => json!({}),
            text => serde_json::from_slice(text).map_err(|error| {
                RestError::new(StatusCode::BAD_REQUEST, "INVALID_REQUEST", &format!("The body is not JSON: {error}"))
            })?,
        };
        match method.trim_end_matches(".json").to_ascii_lowercase().as_str() {
            "crm.item.list" => self.item_list(&body),
            "user.get" => Ok(self.user_get(&body)),
            "telephony.externalcall.searchcrmentities" => self.search(&body),
            _ => Err(RestError::new(StatusCode::NOT_FOUND, "ERROR_METHOD_NOT_FOUND", "Method not found!")),
        }
    }

    fn item_list(&self, body: &Value) -> Result<Found, RestError> {
        let entity = body
            .get("entityTypeId")
            .ok_or_else(|| RestError::new(StatusCode::BAD_REQUEST, "100", "Could not find value for parameter {entityTypeId}"))?;
        if integer(entity) != Some(DEAL) {
            return Err(RestError::new(StatusCode::BAD_REQUEST, "NOT_FOUND", "Смарт-процесс не найден"));
        }
        let query = Query::parse(body, &self.0.portal)?;
        Ok(query.run(self.0.book.read().unwrap_or_else(PoisonError::into_inner).deals(), &self.0.portal))
    }

    fn user_get(&self, body: &Value) -> Found {
        const PAGE: usize = 50;
        let filter = ["filter", "FILTER"].iter().find_map(|key| body.get(key)).unwrap_or(body);
        let wanted: Option<Vec<i64>> = ["ID", "id"].iter().find_map(|key| filter.get(key)).map(|id| match id {
            Value::Array(ids) => ids.iter().filter_map(integer).collect(),
            one => integer(one).into_iter().collect(),
        });
        let start = body.get("start").and_then(integer).and_then(|start| usize::try_from(start).ok()).unwrap_or(0);
        let agents = self.0.agents.iter().filter(|agent| wanted.as_ref().is_none_or(|ids| ids.contains(&agent.crm_user.into())));
        let users: Vec<Value> = agents.map(user).collect();
        let total = users.len();
        let page: Vec<Value> = users.into_iter().skip(start).take(PAGE).collect();
        Found { result: Value::Array(page), total: Some(total), next: Some(start + PAGE).filter(|next| *next < total) }
    }

    fn search(&self, body: &Value) -> Result<Found, RestError> {
        let digits: String = match body.get("PHONE_NUMBER") {
            Some(Value::String(text)) => text.chars().filter(char::is_ascii_digit).collect(),
            Some(Value::Number(number)) => number.to_string(),
            _ => String::new(),
        };
        if digits.is_empty() {
            return Err(RestError::new(StatusCode::BAD_REQUEST, "ERROR_CORE", "PHONE_NUMBER is empty"));
        }
        let known = self.0.contacts.iter().zip(1..).filter(|(contact, _)| contact.phone.trim_start_matches('+') == digits);
        let cards = known.filter_map(|(contact, id)| Some(card(id, contact, self.0.agents.get(contact.agent)?)));
        Ok(Found::only(Value::Array(cards.collect())))
    }
}

async fn call(State(crm): State<Crm>, Path(path): Path<(String, String, String)>, body: Bytes) -> Response {
    let started = crm.0.clock.now();
    match crm.run(&path, &body) {
        Ok(found) => found.into_reply(started, crm.0.clock.now(), &crm.0.portal.zone),
        Err(error) => error.into_response(),
    }
}

/// Serves the CRM until `stop`.
pub async fn serve(listener: TcpListener, crm: Crm, stop: CancellationToken) -> std::io::Result<()> {
    axum::serve(listener, crm.router()).with_graceful_shutdown(stop.cancelled_owned()).await
}

fn integer(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_str()?.trim().parse().ok())
}

fn user(agent: &DemoAgent) -> Value {
    let (first, last) = agent.name.split_once(' ').unwrap_or((&agent.name, ""));
    json!({
        "ID": agent.crm_user.to_string(), "ACTIVE": true, "NAME": first, "LAST_NAME": last, "USER_TYPE": "employee",
        "WORK_POSITION": format!("Sales agent, team of {}", agent.lead), "PERSONAL_MOBILE": agent.mobile,
        "UF_PHONE_INNER": agent.extension,
    })
}

fn card(id: u32, contact: &Contact, agent: &DemoAgent) -> Value {
    json!({
        "CRM_ENTITY_TYPE": "COMPANY", "CRM_ENTITY_ID": id, "ASSIGNED_BY_ID": agent.crm_user, "NAME": contact.name,
        "ASSIGNED_BY": {
            "ID": agent.crm_user.to_string(), "TIMEMAN_STATUS": "OPENED", "USER_PHONE_INNER": agent.extension,
            "WORK_PHONE": null, "PERSONAL_PHONE": null, "PERSONAL_MOBILE": agent.mobile.trim_start_matches('+'),
        },
    })
}
