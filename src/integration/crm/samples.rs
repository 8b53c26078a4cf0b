//! Runs a connector's samples: what it asks, what the CRM answers, what comes of it.
//!
//! With `secrets` and files, the only part of the engine that reads files; `meritline check` and the tests call it. A case is
//! a folder under `samples/`: `exchange.yaml` holds the settings, the requests expected and the replies given; `deals.json`,
//! `caller.json` or `fault.json` what must come of it. Tables lie in the case's folder.

use std::collections::VecDeque;
use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::{Value, json};

use super::connector::{Connector, ConnectorContext};
use super::manifest::Manifest;
use super::request::Patience;
use super::transport::Transport;
use crate::broker::ports::{Boxed, CallerDirectory, DealSource, Extent, Pull, SourceError};
use crate::core::phone_number::PhoneNumber;
use crate::integration::samples::{self, CaseReport, SamplesError, read};
use crate::integration::secrets::{SecretError, Secrets};
use crate::outbound::{OutboundError, OutboundReply, OutboundRequest};

/// When every sample is pulled (2026-11-23T07:00:00Z), in seconds since 1970.
const NOW_SECONDS: i64 = 1_795_417_200;

/// A case as its file shows it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    /// The connection's settings; secrets are taken as they stand.
    settings: Value,
    /// What an earlier pull left.
    cursor: Option<String>,
    /// With a caller she is looked up, else deals are pulled.
    caller: Option<String>,
    #[serde(default)]
    exchange: VecDeque<Exchange>,
}

/// One request and its reply.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Exchange {
    request: Expected,
    reply: Given,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    method: String,
    url: String,
    #[serde(default)]
    json: Value,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Given {
    status: u16,
    content_type: Option<String>,
    retry_after: Option<String>,
    json: Option<Value>,
    text: Option<String>,
}

/// Runs all cases of the connector in `folder` (it holds `manifest.yaml` and `samples/`), sorted by name. With `update`,
/// expectations are rewritten instead of compared.
pub async fn run(folder: &Path, update: bool) -> Result<Vec<CaseReport>, SamplesError> {
    let path = folder.join("manifest.yaml");
    let manifest = Manifest::parse(&read(&path)?);
    let manifest = manifest.map_err(|error| SamplesError::Manifest { path, fault: error.to_string() })?;
    let mut reports = Vec::new();
    for case in samples::cases(folder)? {
        let failures = run_case(&manifest, &case, update).await?;
        reports.push(CaseReport::of(&case, failures));
    }
    Ok(reports)
}

async fn run_case(manifest: &Manifest, folder: &Path, update: bool) -> Result<Vec<String>, SamplesError> {
    let case: Case = match serde_saphyr::from_str(&read(&folder.join("exchange.yaml"))?) {
        Ok(case) => case,
        Err(error) => return Ok(vec![format!("exchange.yaml: {error}")]),
    };
    let script = Arc::new(Script { left: Mutex::new(case.exchange.clone()), failures: Mutex::default() });
    let (file, outcome) = match play(manifest, folder, &case, &script).await {
        Ok(outcome) => outcome,
        Err(failure) => return Ok(vec![failure]),
    };
    let mut failures = std::mem::take(&mut *script.failures.lock().unwrap_or_else(PoisonError::into_inner));
    let left = script.left.lock().unwrap_or_else(PoisonError::into_inner).len();
    if left > 0 {
        failures.push(format!("{left} requests of the exchange were not made"));
    }
    for name in ["deals.json", "caller.json", "fault.json"] {
        failures.extend(compare(&folder.join(name), (name == file).then_some(&outcome), update)?);
    }
    Ok(failures)
}

/// What the case comes to: the file that must say so, and its content.
async fn play(manifest: &Manifest, folder: &Path, case: &Case, script: &Arc<Script>) -> Result<(&'static str, Value), String> {
    let context = ConnectorContext {
        http: Arc::clone(script) as Arc<dyn Transport>,
        secrets: &AsTheyStand,
        files_root: folder.to_owned(),
        time_zone: TimeZone::get("Europe/Moscow").map_err(|error| error.to_string())?,
        default_region: "RU".to_owned(),
        currency: "RUB".parse().map_err(|error| format!("{error}"))?,
        patience: Patience { tries: 1, pause: Duration::ZERO, wait_max: Duration::ZERO },
    };
    let connector = match Connector::of(manifest, &case.settings, context) {
        Ok(connector) => connector,
        Err(error) => return Ok(("fault.json", json!({"configuration": error.to_string()}))),
    };
    let now = Timestamp::from_second(NOW_SECONDS).map_err(|error| error.to_string())?;
    let Some(caller) = &case.caller else {
        return Ok(match connector.pull(case.cursor.as_deref(), now).await {
            Ok(pull) => ("deals.json", shown(&pull)),
            Err(error) => ("fault.json", fault(&error)),
        });
    };
    let caller = PhoneNumber::parse(caller, "RU").map_err(|error| error.to_string())?;
    Ok(match connector.find(&caller).await {
        Ok(found) => (
            "caller.json",
            found.map_or(Value::Null, |found| {
                json!({"name": found.name, "user": found.user, "extension": found.extension, "url": found.url,
                               "segments": found.segments})
            }),
        ),
        Err(error) => ("fault.json", fault(&error)),
    })
}

fn shown(pull: &Pull) -> Value {
    let extent = match pull.extent {
        Extent::Everything => "everything",
        Extent::Changes => "changes",
    };
    let faults: Vec<Value> = pull.faults.iter().map(|fault| json!({"place": fault.place, "detail": fault.detail})).collect();
    json!({
        "deals": pull.deals, "extent": extent, "cursor": pull.cursor,
        "rows_read": pull.rows_read, "rows_rejected": pull.rows_rejected, "faults": faults,
    })
}

fn fault(error: &SourceError) -> Value {
    let text = error.to_string();
    match error {
        SourceError::Unreachable(_) => json!({"unreachable": text}),
        SourceError::RateLimited { retry_after_seconds, .. } => {
            json!({"rate_limited": text, "retry_after_seconds": retry_after_seconds})
        }
        SourceError::Refused(_) => json!({"refused": text}),
        SourceError::Failed(_) => json!({"failed": text}),
        SourceError::Malformed(_) => json!({"malformed": text}),
        SourceError::Configuration(_) => json!({"configuration": text}),
    }
}

/// Samples hold no real secrets: the setting is the secret.
struct AsTheyStand;

impl Secrets for AsTheyStand {
    fn resolve(&self, reference: &str) -> Result<SecretString, SecretError> {
        Ok(reference.into())
    }
}

/// Plays the CRM.
struct Script {
    left: Mutex<VecDeque<Exchange>>,
    failures: Mutex<Vec<String>>,
}

impl Transport for Script {
    fn send(&self, request: OutboundRequest) -> Boxed<'_, Result<OutboundReply, OutboundError>> {
        let reply = self.reply(&request);
        Box::pin(async move { reply })
    }
}

impl Script {
    fn reply(&self, request: &OutboundRequest) -> Result<OutboundReply, OutboundError> {
        let next = self.left.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(Exchange { request: expected, reply }) = next else {
            failures.push(format!("one request more than the exchange has: {} {}", request.method, request.url));
            return Err(OutboundError::Broken("the exchange is over".to_owned()));
        };
        let asked = format!("{} {}", request.method, request.url);
        let wanted = format!("{} {}", expected.method, expected.url);
        if asked != wanted {
            failures.push(format!("asked {asked}, expected {wanted}"));
        }
        let sent: Value = request.json.as_deref().and_then(|text| serde_json::from_str(text).ok()).unwrap_or(Value::Null);
        if sent != expected.json {
            failures.push(format!("sent {sent}, expected {}", expected.json));
        }
        let (body, content_type) = match (reply.json, reply.text) {
            (Some(json), _) => (json.to_string(), "application/json"),
            (None, text) => (text.unwrap_or_default(), "text/plain"),
        };
        Ok(OutboundReply {
            status: reply.status,
            content_type: reply.content_type.unwrap_or_else(|| content_type.to_owned()),
            retry_after: reply.retry_after,
            body: body.into_bytes(),
        })
    }
}

fn compare(path: &Path, found: Option<&Value>, update: bool) -> Result<Option<String>, SamplesError> {
    let file_error = |error| SamplesError::File { path: path.to_owned(), error };
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let text = found.map(|found| serde_json::to_string_pretty(found).unwrap_or_default() + "\n");
    if update {
        return match text {
            Some(text) => fs::write(path, text).map(|()| None).map_err(file_error),
            None if path.exists() => fs::remove_file(path).map(|()| None).map_err(file_error),
            None => Ok(None),
        };
    }
    let expected = if path.exists() { Some(read(path)?) } else { None };
    let same = |text: &str, expected: &str| {
        let value = |text: &str| serde_json::from_str::<Value>(text).ok();
        value(text).is_some() && value(text) == value(expected)
    };
    Ok(match (expected, text) {
        (None, None) => None,
        (Some(expected), Some(text)) if same(&text, &expected) => None,
        (Some(_), Some(text)) => Some(format!("{name} differs; it came to {text}")),
        (Some(_), None) => Some(format!("{name} is expected, something else came of it")),
        (None, Some(text)) => Some(format!("{name} is missing; it came to {text}")),
    })
}
