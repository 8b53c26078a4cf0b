//! Call events as received.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::page::{PageQuery, Query};
use crate::broker::store::StoredEvent;
use crate::http::access::Reader;
use crate::http::problem::Problem;
use crate::http::state::AppState;

/// One event.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct EventItem {
    /// As the PBX named it, or as its dialect derived it.
    pub event_id: String,
    /// Through which connection.
    pub connection: String,
    /// The call; null for `agent_state`.
    pub call_id: Option<String>,
    /// What happened.
    #[serde(rename = "type")]
    pub event_type: String,
    /// The agent, where known; else as the PBX wrote it.
    pub agent: Option<String>,
    /// The number by which the PBX named the agent, as it wrote it.
    pub number: Option<String>,
    /// Who took a transferred call over.
    pub to_agent: Option<String>,
    /// The PBX's clock.
    pub at: String,
    /// When it was received.
    pub received_at: String,
    /// Length of the conversation, where told.
    pub talk_seconds: Option<u32>,
    /// No decision of ours for this call.
    pub unknown_call: bool,
    /// No agent of this workspace.
    pub unknown_agent: bool,
}

/// Events, newest first.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct EventList {
    /// The events.
    pub items: Vec<EventItem>,
    /// Where the next page starts; null at the end.
    pub next: Option<String>,
}

/// Call events, newest first.
#[utoipa::path(
    get,
    path = "/api/v1/workspaces/{workspace}/events",
    tag = "events",
    params(("workspace" = String, Path, description = "The workspace's id"), PageQuery),
    responses((status = 200, body = EventList), (status = "default", body = Problem, content_type = "application/problem+json"))
)]
pub async fn list_events(
    State(state): State<AppState>,
    reader: Reader,
    Query(query): Query<PageQuery>,
) -> Result<Json<EventList>, Problem> {
    let page = state.store.events(&reader.tenant.workspace.id, query.page()?).await?;
    Ok(Json(EventList { items: page.items.iter().map(item).collect(), next: page.next }))
}

fn item(stored: &StoredEvent) -> EventItem {
    let event = &stored.received.event;
    EventItem {
        event_id: event.event_id.to_string(),
        connection: stored.received.connection.to_string(),
        call_id: event.call_id.as_ref().map(ToString::to_string),
        event_type: event.event_type.as_str().to_owned(),
        agent: event.agent.as_ref().map(ToString::to_string),
        number: event.number.clone(),
        to_agent: event.to_agent.as_ref().map(ToString::to_string),
        at: event.at.to_string(),
        received_at: stored.received.received_at.to_string(),
        talk_seconds: event.talk_seconds,
        unknown_call: stored.flags.unknown_call,
        unknown_agent: stored.flags.unknown_agent,
    }
}
