//! For operators: alive, ready, metrics, and the API document.

use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use super::problem::{Code, Problem};
use super::state::AppState;
use crate::broker::store::Backlog;
use crate::telemetry::metrics::ConnectionLabels;
use crate::telemetry::observed::{Observed, ObservedLookup};

/// The API document, as committed.
pub const OPENAPI_YAML: &str = include_str!("../../openapi.yaml");

/// The schemas that the API document refers to, by file name.
const SCHEMAS: [(&str, &str); 4] = [
    ("decision-request.schema.json", include_str!("../../schemas/decision-request.schema.json")),
    ("decision.schema.json", include_str!("../../schemas/decision.schema.json")),
    ("call-event.schema.json", include_str!("../../schemas/call-event.schema.json")),
    ("problem.schema.json", include_str!("../../schemas/problem.schema.json")),
];

/// Whether the service is ready.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Readyz {
    /// Whether requests should be sent here.
    pub ready: bool,
    /// Why not, if not.
    pub reason: Option<String>,
    /// What an operator should look at: connections without their secret, and the like.
    pub warnings: Vec<String>,
}

/// The process is alive. Looks at neither CRM nor store: a dead CRM must not restart us.
#[utoipa::path(get, path = "/healthz", tag = "operations", security(()), responses((status = 200, body = String, content_type = "text/plain")))]
pub async fn healthz() -> &'static str {
    "ok\n"
}

/// Whether requests should be sent here, and what an operator should look at.
#[utoipa::path(
    get,
    path = "/readyz",
    tag = "operations",
    security(()),
    responses((status = 200, body = Readyz), (status = 503, body = Readyz))
)]
pub async fn readyz(State(state): State<AppState>) -> Response {
    let stopping = state.readiness.stopping.load(Ordering::Relaxed);
    let reason = match state.store.ready().await {
        _ if stopping => Some("the service is stopping".to_owned()),
        Ok(()) => None,
        Err(error) => Some(error.to_string()),
    };
    let warnings = state.readiness.warnings.lock().unwrap_or_else(PoisonError::into_inner).values().flatten().cloned().collect();
    let status = if reason.is_none() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(Readyz { ready: reason.is_none(), reason, warnings })).into_response()
}

/// Metrics in OpenMetrics text.
#[utoipa::path(
    get,
    path = "/metrics",
    tag = "operations",
    security(()),
    responses((status = 200, body = String, content_type = "application/openmetrics-text"))
)]
pub async fn metrics(State(state): State<AppState>) -> Response {
    let content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(header::CONTENT_TYPE, content_type)], state.metrics.text(&observe(&state).await)).into_response()
}

/// What is only looked at when somebody asks.
async fn observe(state: &AppState) -> Observed {
    let mut lookups = Vec::new();
    for tenant in state.tenants.all() {
        let Some(directory) = &tenant.directory else { continue };
        lookups.push(ObservedLookup {
            connection: ConnectionLabels { workspace: (&tenant.workspace.id).into(), connection: (&directory.connection).into() },
            callers: directory.lookup.entries().await,
            breaker_is_open: directory.lookup.breaker_is_open(),
        });
    }
    let Backlog { decisions_waiting, decisions_lost, inbox_dropped } = state.store.backlog();
    Observed { decisions_waiting, decisions_lost, inbox_dropped, lookups }
}

/// This document.
#[utoipa::path(
    get,
    path = "/openapi.yaml",
    tag = "operations",
    security(()),
    responses((status = 200, body = String, content_type = "application/yaml"))
)]
pub async fn openapi() -> Response {
    ([(header::CONTENT_TYPE, "application/yaml")], OPENAPI_YAML).into_response()
}

/// A schema that this document refers to.
#[utoipa::path(
    get,
    path = "/schemas/{schema}",
    tag = "operations",
    security(()),
    params(("schema" = String, Path, description = "Its file name: `decision.schema.json`")),
    responses(
        (status = 200, body = String, content_type = "application/schema+json"),
        (status = "default", body = Problem, content_type = "application/problem+json")
    )
)]
pub async fn schema(Path(schema): Path<String>) -> Result<Response, Problem> {
    let found = SCHEMAS.iter().find(|(name, _)| *name == schema);
    let (_, text) = found.ok_or_else(|| Problem::new(Code::NotFound, "There is no such schema; see /openapi.yaml."))?;
    Ok(([(header::CONTENT_TYPE, "application/schema+json")], *text).into_response())
}
