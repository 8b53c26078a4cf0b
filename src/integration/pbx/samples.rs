//! Runs a dialect's samples: what a PBX sent, what it must be read as, what it must be answered.
//!
//! The only part of the engine that reads files; `meritline check` and the tests call it. A case is a folder under
//! `samples/`: `hook.http` is what came; `again.http`, if there, must be read as the same. `request.json` or `events.json` is
//! what it reads as, `fault.json` why it cannot be read, `decision.json` the decision that is answered, `reply.http` the answer.
//! `samples/connection.yaml` is the connection, a `connection.yaml` of the case lies over it.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::dialect::{AnswerContext, BuildError, Dialect, EventsOutcome};
use super::fault::HookFault;
use super::hook::{Echo, HookKind, HookReply, HookRequest};
use super::manifest::Manifest;
use crate::core::call::DecisionRequest;
use crate::core::decision::Decision;
use crate::core::workspace::{Connection, ConnectionKind, EventFeed};
use crate::integration::samples::{self, CaseReport, SamplesError, read};

/// When every sample is received (2026-11-23T07:00:00Z), in seconds since 1970.
const RECEIVED_AT_SECONDS: i64 = 1_795_417_200;

/// The connection a sample runs on.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct SampleConnection {
    settings: Value,
    events_off: bool,
    default_region: Option<String>,
    secret: Option<String>,
    hook_url: Option<String>,
    fallback: Option<String>,
}

/// A request as a file shows it.
struct RawHook {
    method: String,
    rest_path: String,
    query: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

/// What a case came to: file name and content, in the form in which it is compared.
type Outcome = Vec<(&'static str, Value)>;

/// The files that [`Outcome`] may name.
const EXPECTATIONS: [&str; 4] = ["request.json", "events.json", "fault.json", "reply.http"];

/// Runs all cases of the dialect in `folder` (it holds `manifest.yaml` and `samples/`), sorted by name. With `update`,
/// expectations are rewritten instead of compared.
pub fn run(folder: &Path, update: bool) -> Result<Vec<CaseReport>, SamplesError> {
    let path = folder.join("manifest.yaml");
    let manifest = Manifest::parse(&read(&path)?);
    let manifest = Arc::new(manifest.map_err(|error| SamplesError::Manifest { path, fault: error.to_string() })?);
    samples::cases(folder)?.iter().map(|case| run_case(&manifest, case, update)).collect()
}

fn run_case(manifest: &Arc<Manifest>, case: &Path, update: bool) -> Result<CaseReport, SamplesError> {
    let mut failures = Vec::new();
    match outcome(manifest, case, "hook.http")? {
        Err(failure) => failures.push(failure),
        Ok(outcome) => {
            for name in EXPECTATIONS {
                let found = outcome.iter().find(|(file, _)| *file == name).map(|(_, value)| value);
                failures.extend(compare(&case.join(name), found, update)?);
            }
            if case.join("again.http").exists() {
                failures.extend(repeated(manifest, case, &outcome)?);
            }
        }
    }
    Ok(CaseReport::of(case, failures))
}

/// What the PBX sends again must be read as what it sent first; the reply may repeat another id.
fn repeated(manifest: &Arc<Manifest>, case: &Path, first: &Outcome) -> Result<Vec<String>, SamplesError> {
    let again = match outcome(manifest, case, "again.http")? {
        Err(failure) => return Ok(vec![failure]),
        Ok(again) => again,
    };
    let read_as = |outcome: &Outcome| outcome.iter().filter(|(name, _)| *name != "reply.http").cloned().collect::<Vec<_>>();
    let same = read_as(first) == read_as(&again);
    Ok(if same { Vec::new() } else { vec!["again.http is not read as the same as hook.http".to_owned()] })
}

/// What a hook comes to; the inner error is a failure of the case.
fn outcome(manifest: &Arc<Manifest>, case: &Path, file: &str) -> Result<Result<Outcome, String>, SamplesError> {
    let raw = match RawHook::parse(&read_bytes(&case.join(file))?) {
        Ok(raw) => raw,
        Err(failure) => return Ok(Err(format!("{file}: {failure}"))),
    };
    let connection = match sample_connection(case)? {
        Ok(connection) => connection,
        Err(failure) => return Ok(Err(failure)),
    };
    let dialect = match dialect(manifest, &connection) {
        Ok(dialect) => dialect,
        Err(error) => return Ok(Err(error.to_string())),
    };
    let decision = match fs::read(case.join("decision.json")) {
        Err(_) => None,
        Ok(text) => match serde_json::from_slice::<Decision>(&text) {
            Ok(decision) => Some(decision),
            Err(error) => return Ok(Err(format!("decision.json is no decision: {error}"))),
        },
    };
    Ok(raw.with(|hook| answer(&dialect, &connection, hook, decision.as_ref())))
}

fn answer(
    dialect: &Dialect,
    connection: &SampleConnection,
    hook: &HookRequest<'_>,
    decision: Option<&Decision>,
) -> Result<Outcome, String> {
    let secret = connection.secret.as_deref().unwrap_or("sample-secret");
    if dialect.credentials(hook).as_deref() != Some(secret) {
        return Ok(vec![("fault.json", json!({"code": "wrong_secret", "status": 401}))]);
    }
    let fault = |fault: HookFault| {
        let told = json!({"code": fault.code(), "status": fault.status(), "field": fault.field(), "detail": fault.to_string()});
        let reply = dialect.safe_answer(hook, connection.fallback.as_deref()).map(|reply| ("reply.http", shown(&reply)));
        Ok([("fault.json", told)].into_iter().chain(reply).collect())
    };
    match dialect.classify(hook) {
        Err(found) => fault(found),
        Ok(HookKind::Decision) => {
            let region = connection.default_region.as_deref().unwrap_or("RU");
            match dialect.decode_decision(hook, region) {
                Err(found) => fault(found),
                Ok(question) => {
                    let request = ("request.json", request_view(&question.request));
                    let Some(decision) = decision else { return Ok(vec![request]) };
                    let reply = decided(dialect, connection, decision, &question.echo)?;
                    Ok(vec![request, ("reply.http", shown(&reply))])
                }
            }
        }
        Ok(HookKind::Events) => match dialect.decode_events(hook) {
            Err(found) => fault(found),
            Ok(decoded) => {
                let unknown = decoded.unknown.iter().map(|item| json!({"index": item.index, "type": item.event_type}));
                let outcome = EventsOutcome {
                    accepted: decoded.events.iter().filter(|event| event.is_ok()).count(),
                    duplicates: 0,
                    rejected: decoded.events.iter().filter_map(|event| event.as_ref().err().cloned()).collect(),
                };
                let rejected = outcome
                    .rejected
                    .iter()
                    .map(|fault| json!({"index": fault.index, "code": fault.code, "detail": fault.detail}));
                let events: Vec<&_> = decoded.events.iter().filter_map(|event| event.as_ref().ok()).collect();
                let view =
                    json!({"events": events, "rejected": rejected.collect::<Vec<_>>(), "unknown": unknown.collect::<Vec<_>>()});
                Ok(vec![("events.json", view), ("reply.http", shown(&dialect.encode_events_accepted(&outcome)))])
            }
        },
    }
}

fn decided(dialect: &Dialect, connection: &SampleConnection, decision: &Decision, echo: &Echo) -> Result<HookReply, String> {
    let context = AnswerContext {
        hook_url: connection.hook_url.as_deref().unwrap_or("https://meritline.example/hooks/acme/pbx"),
        secret: Some(connection.secret.as_deref().unwrap_or("sample-secret")),
        echo,
    };
    dialect.encode_decision(decision, &context).map_err(|fault| fault.to_string())
}

fn dialect(manifest: &Arc<Manifest>, sample: &SampleConnection) -> Result<Dialect, BuildError> {
    let events = if sample.events_off { EventFeed::None { hold_seconds: 0 } } else { EventFeed::Full };
    let connection = Connection {
        id: "pbx".into(),
        integration: format!("pbx/{}", manifest.dialect),
        kind: ConnectionKind::Pbx { events, deadline_ms: 300, retry_window_seconds: 5 },
        settings: sample.settings.clone(),
    };
    Dialect::build(&connection, manifest)
}

/// The case's connection over the dialect's: stated keys win, settings one by one.
fn sample_connection(case: &Path) -> Result<Result<SampleConnection, String>, SamplesError> {
    let mut merged = json!({});
    let common = case.parent().map(|samples| samples.join("connection.yaml"));
    for path in common.into_iter().chain([case.join("connection.yaml")]).filter(|path| path.exists()) {
        let stated: Value = match serde_saphyr::from_str(&read(&path)?) {
            Ok(stated) => stated,
            Err(error) => return Ok(Err(format!("{}: {error}", path.display()))),
        };
        merge(&mut merged, &stated);
    }
    Ok(serde_json::from_value(merged).map_err(|error| format!("connection.yaml: {error}")))
}

fn merge(under: &mut Value, over: &Value) {
    match (under, over) {
        (Value::Object(under), Value::Object(over)) => {
            for (name, value) in over {
                merge(under.entry(name.clone()).or_insert(Value::Null), value);
            }
        }
        (under, over) => *under = over.clone(),
    }
}

fn request_view(request: &DecisionRequest) -> Value {
    json!({
        "call_id": request.call_id,
        "caller": request.caller.as_ref().map(|caller| caller.expose()),
        "called": request.called.as_str(),
        "scenario": request.scenario,
        "operation": request.operation,
        "attempt": request.attempt,
        "exclude": request.exclude,
        "at": request.at,
    })
}

fn shown(reply: &HookReply) -> Value {
    let body: Value = serde_json::from_slice(&reply.body).unwrap_or_else(|_| String::from_utf8_lossy(&reply.body).into());
    json!({"status": reply.status, "content_type": reply.content_type, "body": body})
}

/// Compares one expectation, or rewrites it.
fn compare(path: &Path, found: Option<&Value>, update: bool) -> Result<Option<String>, SamplesError> {
    let file = |error| SamplesError::File { path: path.to_owned(), error };
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    if update {
        match found {
            Some(found) => fs::write(path, written(&name, found)).map_err(file)?,
            None if path.exists() => fs::remove_file(path).map_err(file)?,
            None => {}
        }
        return Ok(None);
    }
    Ok(match (found, path.exists()) {
        (None, false) => None,
        (None, true) => Some(format!("{name} is expected and did not come about")),
        (Some(_), false) => Some(format!("{name} came about and is not expected: review it with UPDATE=1")),
        (Some(found), true) => {
            let (expected, found) = (read(path)?.trim().to_owned(), written(&name, found).trim().to_owned());
            (expected != found).then(|| format!("{name} differs\nexpected:\n{expected}\nfound:\n{found}"))
        }
    })
}

/// An outcome as its file shows it.
fn written(name: &str, value: &Value) -> String {
    let pretty = |value: &Value| serde_json::to_string_pretty(value).unwrap_or_default();
    let text = |key: &str| {
        value.get(key).map(|found| found.as_str().map_or_else(|| found.to_string(), str::to_owned)).unwrap_or_default()
    };
    if name == "reply.http" {
        let body = value.get("body").map(pretty).unwrap_or_default();
        return format!("HTTP/1.1 {}\nContent-Type: {}\n\n{body}\n", text("status"), text("content_type"));
    }
    format!("{}\n", pretty(value))
}

impl RawHook {
    /// Reads a request line, headers, an empty line and a body; a line feed that ends the file is not part of the body.
    fn parse(text: &[u8]) -> Result<Self, String> {
        let (head, body) = match text.windows(2).position(|pair| pair == b"\n\n") {
            Some(at) => text.split_at(at),
            None => (text, &b""[..]),
        };
        let body = body.strip_prefix(b"\n\n").unwrap_or(body);
        let body = body.strip_suffix(b"\n").unwrap_or(body).to_vec();
        let head = std::str::from_utf8(head).map_err(|_| "the head is not UTF-8".to_owned())?;
        let mut lines = head.lines();
        let mut words = lines.next().unwrap_or_default().split(' ');
        let (Some(method), Some(target)) = (words.next(), words.next()) else {
            return Err("must begin with a request line: METHOD /hooks/workspace/connection/...".to_owned());
        };
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let rest_path = path.strip_prefix("/hooks/").and_then(|path| path.splitn(3, '/').nth(2).or(Some("")));
        let rest_path = rest_path.ok_or("the path must begin with /hooks/workspace/connection")?;
        let headers = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.trim().to_ascii_lowercase(), value.trim().to_owned()));
        Ok(Self {
            method: method.to_owned(),
            rest_path: rest_path.to_owned(),
            query: query.to_owned(),
            headers: headers.collect(),
            body,
        })
    }

    fn with<T>(&self, act: impl FnOnce(&HookRequest<'_>) -> T) -> T {
        let find = |name: &str| self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
        act(&HookRequest {
            method: &self.method,
            rest_path: &self.rest_path,
            query: &self.query,
            header: &find,
            content_type: find("content-type"),
            body: &self.body,
            received_at: Timestamp::from_second(RECEIVED_AT_SECONDS).unwrap_or_default(),
        })
    }
}

fn read_bytes(path: &Path) -> Result<Vec<u8>, SamplesError> {
    fs::read(path).map_err(|error| SamplesError::File { path: path.to_owned(), error })
}
