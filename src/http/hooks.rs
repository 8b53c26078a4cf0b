//! Hooks of PBXs: decisions and events. Whatever comes, somebody may be on the line: an authenticated decision hook is
//! always answered with something the PBX can act on, by its deadline.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, Request, StatusCode, header};
use axum::response::{IntoResponse, Response};
use percent_encoding::percent_decode_str;
use secrecy::ExposeSecret;
use subtle::ConstantTimeEq;
use tokio::time::Instant;

use super::body::{self, BodyFault};
use super::problem::{Code, Problem, RejectedEvent};
use super::state::AppState;
use crate::broker::deadline::Deadline;
use crate::broker::decide::{Decided, Hook};
use crate::broker::hook::{HookEndpoint, HookFault, HookKind, HookRequest};
use crate::broker::permits;
use crate::broker::record_event::record_events;
use crate::broker::store::InboxEntry;
use crate::broker::tenant::Tenant;
use crate::core::ids::ConnectionId;
use crate::core::record::EncodedReply;
use crate::core::routing::route::Outcome;
use crate::telemetry::metrics::{DegradedLabels, OutcomeLabels};

/// How much of a body the inbox keeps, in bytes.
const INBOX_BODY_MAX: usize = 8 * 1024;

pub mod document;

/// Where hooks are received: `/hooks/{workspace}/{connection}` and whatever follows.
const ROOT: &str = "/hooks/";

/// Whether a path is that of a hook.
pub(super) fn is_hook(path: &str) -> bool {
    address(path).is_some()
}

/// Workspace, connection, and what follows.
fn address(path: &str) -> Option<(&str, &str, &str)> {
    let (workspace, rest) = path.strip_prefix(ROOT)?.split_once('/')?;
    let (connection, rest) = rest.split_once('/').unwrap_or((rest, ""));
    (!workspace.is_empty() && !connection.is_empty()).then_some((workspace, connection, rest))
}

/// One hook on its way through.
struct Incoming<'a> {
    state: &'a AppState,
    tenant: &'a Arc<Tenant>,
    connection: &'a ConnectionId,
    endpoint: &'a HookEndpoint,
    deadline: Deadline,
    arrival: Instant,
}

/// Answers a hook.
pub(super) async fn receive(state: &AppState, request: Request<Body>) -> Response {
    let arrival = Instant::now();
    let received_at = state.clock.now();
    let (parts, body) = request.into_parts();
    let Some((workspace, connection, rest)) = address(parts.uri.path()) else { return unauthorized(state) };
    let Some(tenant) = state.tenants.find(workspace) else { return unauthorized(state) };
    let Some((connection, endpoint)) = tenant.hooks.get_key_value(connection) else { return unauthorized(state) };
    // A secret in the path may have been encoded.
    let rest = percent_decode_str(rest).decode_utf8_lossy();
    let header = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok());
    let hook = HookRequest {
        method: parts.method.as_str(),
        rest_path: &rest,
        query: parts.uri.query().unwrap_or_default(),
        header: &header,
        body: &[],
        received_at,
    };
    if !shows_secret(endpoint, &hook) {
        return unauthorized(state);
    }
    let deadline = Deadline::after(arrival, endpoint.deadline_ms);
    let incoming = Incoming { state, tenant: &tenant, connection, endpoint, deadline, arrival };
    match endpoint.dialect.kind(&hook) {
        Ok(HookKind::Decision) => match incoming.body(body, deadline.for_body()).await {
            Ok(body) => incoming.decide(&HookRequest { body: &body, ..hook }).await,
            Err(fault) => incoming.refuse(HookKind::Decision, &hook, &fault),
        },
        Ok(HookKind::Events) => {
            let until = arrival + Duration::from_millis(u64::from(state.limits.body_ms));
            match incoming.body(body, until).await {
                Ok(body) => incoming.record(&HookRequest { body: &body, ..hook }).await,
                Err(fault) => incoming.refuse(HookKind::Events, &hook, &fault),
            }
        }
        Err(fault) => incoming.refuse(HookKind::Events, &hook, &fault),
    }
}

fn shows_secret(endpoint: &HookEndpoint, hook: &HookRequest<'_>) -> bool {
    let shown = endpoint.dialect.presented_secret(hook);
    shown.is_some_and(|shown| bool::from(shown.as_bytes().ct_eq(endpoint.secret.expose_secret().as_bytes())))
}

fn unauthorized(state: &AppState) -> Response {
    state.metrics.unauthorized.inc();
    Problem::unauthorized().into_response()
}

impl Incoming<'_> {
    /// Reads the body, bounded in size and time.
    async fn body(&self, body: Body, until: Instant) -> Result<Bytes, HookFault> {
        let limit = self.state.limits.body_bytes;
        body::read(body, limit, until, &self.state.tasks).await.map_err(|fault| match fault {
            BodyFault::TooLarge => HookFault {
                code: Code::BodyTooLarge.as_str(),
                status: 413,
                detail: format!("The body is larger than {limit} bytes: send less at once."),
            },
            BodyFault::Broken => HookFault {
                code: "body_broken",
                status: 400,
                detail: "The connection broke while the body was being sent: send it again.".to_owned(),
            },
            BodyFault::Late => HookFault {
                code: Code::BodyTimeout.as_str(),
                status: 408,
                detail: "The body did not arrive in time: send it at once, with its length in Content-Length.".to_owned(),
            },
        })
    }

    async fn decide(&self, hook: &HookRequest<'_>) -> Response {
        let decoded = match Arc::clone(&self.endpoint.dialect).decode_decision(hook) {
            Ok(decoded) => decoded,
            Err(fault) => return self.refuse(HookKind::Decision, hook, &fault),
        };
        let question = Hook {
            tenant: self.tenant,
            connection: self.connection,
            request: &decoded.request,
            received_at: hook.received_at,
            deadline: self.deadline,
            encode: &*decoded.encode,
        };
        let decided = match permits::take(&self.tenant.permits.decisions, &self.state.permits.decisions) {
            Some(_places) => self.state.decider.decide(&question).await,
            None => self.state.decider.overloaded(&question),
        };
        self.count(&decided);
        reply(decided.reply())
    }

    async fn record(&self, hook: &HookRequest<'_>) -> Response {
        let decoded = match self.endpoint.dialect.decode_events(hook) {
            Ok(decoded) => decoded,
            Err(fault) => return self.refuse(HookKind::Events, hook, &fault),
        };
        let Some(_places) = permits::take(&self.tenant.permits.events, &self.state.permits.events) else {
            let detail = "Too many events at once. Nothing was stored: send them again in a second.";
            return Problem::new(Code::Overloaded, detail).into_response();
        };
        for fault in &decoded.faults {
            self.keep(hook, fault.code, &fault.detail);
            self.count_event("rejected", 1);
        }
        if decoded.unknown > 0 {
            self.keep(hook, "unknown_event_type", "The dialect does not know this type of event; nothing was counted.");
        }
        let recorded = record_events(&self.state.store, self.tenant, self.connection, decoded.events, hook.received_at).await;
        match recorded {
            Ok(recorded) => {
                self.count_event("accepted", recorded.accepted);
                self.count_event("duplicate", recorded.duplicates);
                let used = recorded.accepted + recorded.duplicates + decoded.unknown;
                let told = self.endpoint.dialect.safe_reply(HookKind::Events, hook, None).is_none();
                if used == 0 && told && !decoded.faults.is_empty() {
                    return none_used(&decoded.faults).into_response();
                }
                reply(&self.endpoint.dialect.events_reply(recorded.accepted, recorded.duplicates, &decoded.faults))
            }
            Err(error) => Problem::from(error).into_response(),
        }
    }

    /// Answers a hook that cannot be used: with the dialect's safe answer, or with a problem where it has none.
    fn refuse(&self, kind: HookKind, hook: &HookRequest<'_>, fault: &HookFault) -> Response {
        self.state.metrics.hook_faults.get_or_create(&self.labels(fault.code)).inc();
        self.keep(hook, fault.code, &fault.detail);
        let fallback = self.any_fallback();
        match self.endpoint.dialect.safe_reply(kind, hook, fallback) {
            Some(safe) => reply(&safe),
            None => Problem::of_hook_fault(fault.code, fault.status, fault.detail.clone()).into_response(),
        }
    }

    /// The backup number for a hook of which not even the dialled number is known: that of the only, or first, route that
    /// has one.
    fn any_fallback(&self) -> Option<&str> {
        self.tenant.workspace.routes.iter().find_map(|route| route.fallback.as_deref())
    }

    fn keep(&self, hook: &HookRequest<'_>, code: &str, detail: &str) {
        let cut = hook.body.get(..INBOX_BODY_MAX).unwrap_or(hook.body);
        let entry = InboxEntry {
            connection: self.connection.clone(),
            received_at: hook.received_at,
            code: code.to_owned(),
            detail: detail.to_owned(),
            body: String::from_utf8_lossy(cut).into_owned(),
        };
        self.state.store.keep_in_inbox(&self.tenant.workspace.id, entry);
    }

    fn labels(&self, outcome: &'static str) -> OutcomeLabels {
        OutcomeLabels { workspace: (&self.tenant.workspace.id).into(), connection: self.connection.into(), outcome }
    }

    fn count_event(&self, outcome: &'static str, by: usize) {
        if by > 0 {
            self.state.metrics.events.get_or_create(&self.labels(outcome)).inc_by(by as u64);
        }
    }

    fn count(&self, decided: &Decided) {
        let outcome = match decided {
            Decided::Recorded { repeated: true, .. } => "repeated",
            Decided::Recorded { .. } | Decided::Fallback { .. } => match &decided.decision().outcome {
                // A call that a route sends away is no sign of trouble, as a fallback may be.
                Some(outcome @ (Outcome::Reject | Outcome::Branch { .. } | Outcome::Callback { .. })) => outcome.as_str(),
                Some(Outcome::Ring { .. }) | None => decided.decision().reason.as_str(),
            },
        };
        let metrics = &self.state.metrics;
        metrics.decisions.get_or_create(&self.labels(outcome)).inc();
        for what in &decided.decision().degraded {
            let labels = DegradedLabels { workspace: (&self.tenant.workspace.id).into(), what: what.as_str() };
            metrics.degraded.get_or_create(&labels).inc();
        }
        metrics.answered_after(self.arrival.elapsed());
    }
}

fn none_used(faults: &[crate::broker::hook::EventFault]) -> Problem {
    let rejected = faults
        .iter()
        .map(|fault| RejectedEvent { index: fault.index, code: fault.code.to_owned(), detail: fault.detail.clone() })
        .collect();
    Problem::new(Code::EventsRejected, "None of the events could be used; `rejected` says why for each.").with_rejected(rejected)
}

fn reply(reply: &EncodedReply) -> Response {
    let status = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::OK);
    let mut response = (status, Body::from(Bytes::from_owner(Arc::clone(&reply.body)))).into_response();
    let content_type = match &*reply.content_type {
        "application/json" => Ok(HeaderValue::from_static("application/json")),
        other => HeaderValue::from_str(other),
    };
    if let Ok(content_type) = content_type {
        response.headers_mut().insert(header::CONTENT_TYPE, content_type);
    }
    response
}
