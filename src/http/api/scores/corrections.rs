//! Corrections: a lead's timed factor on somebody's value.

use axum::Json;
use axum::extract::State;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{AuthorItem, checked_text, let_correct};
use crate::broker::refresh_scores;
use crate::core::ids::AgentId;
use crate::core::intervention::Change;
use crate::core::scoring::adjustments::{CORRECTION_MAX, CORRECTION_MIN};
use crate::http::access::Reader;
use crate::http::api::interventions;
use crate::http::body::JsonBody;
use crate::http::problem::{Code, Problem};
use crate::http::state::AppState;

/// A correction to set.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CorrectionBody {
    /// Whose value.
    pub agent: String,
    /// Times the value; 1 takes a correction back.
    #[schema(minimum = 0.1, maximum = 10)]
    pub factor: f64,
    /// Why; the agent reads it.
    #[schema(min_length = 1, max_length = 200)]
    pub reason: String,
    /// When it ends by itself (RFC 3339); absent or null until it is set again.
    pub until: Option<String>,
}

/// A correction as set.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct CorrectionItem {
    /// Its id.
    pub id: String,
    /// Whose value.
    pub agent: String,
    /// Times the value.
    pub factor: f64,
    /// Why.
    pub reason: String,
    /// When it ends by itself.
    pub until: Option<String>,
    /// When it was set.
    pub set_at: String,
    /// By whom.
    pub by: AuthorItem,
}

/// Corrects an agent's value, at once: by a sales lead or an operator.
#[utoipa::path(
    post,
    path = "/api/v1/workspaces/{workspace}/scores/corrections",
    tag = "distribution",
    params(("workspace" = String, Path, description = "The workspace's id")),
    request_body = CorrectionBody,
    responses((status = 200, body = CorrectionItem), (status = "default", body = Problem, content_type = "application/problem+json"))
)]
pub async fn post_correction(
    State(state): State<AppState>,
    reader: Reader,
    JsonBody(body): JsonBody<CorrectionBody>,
) -> Result<Json<CorrectionItem>, Problem> {
    let_correct(&reader)?;
    let agent = AgentId::from(body.agent);
    if reader.tenant.workspace.find_agent(&agent).is_none() {
        return Err(Problem::new(Code::NotFound, format!("There is no agent `{agent}` in this workspace.")));
    }
    if !(CORRECTION_MIN..=CORRECTION_MAX).contains(&body.factor) {
        let detail = format!("`factor` is {}: write a number from {CORRECTION_MIN} to {CORRECTION_MAX}.", body.factor);
        return Err(Problem::new(Code::InvalidBody, detail));
    }
    let reason = checked_text("reason", &body.reason, 200)?;
    let now = state.clock.now();
    let until = body.until.as_deref().map(read_until).transpose()?;
    if until.is_some_and(|until| until <= now) {
        return Err(Problem::new(Code::InvalidBody, "`until` lies in the past: leave it out, or name a later time."));
    }
    let change = Change::Correction { agent: agent.clone(), factor: body.factor, reason: reason.clone(), until };
    let set = interventions::set(&state, &reader, change).await?;
    refresh_scores::step_now(&state.store, &reader.tenant, now).await?;
    Ok(Json(CorrectionItem {
        id: set.id.to_string(),
        agent: agent.to_string(),
        factor: body.factor,
        reason,
        until: until.map(|until| until.to_string()),
        set_at: set.set_at.to_string(),
        by: AuthorItem::of(&set),
    }))
}

fn read_until(text: &str) -> Result<Timestamp, Problem> {
    text.parse().map_err(|_| Problem::new(Code::InvalidBody, "`until` is not a time: write it as 2026-11-23T13:30:00+03:00."))
}
