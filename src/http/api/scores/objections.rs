//! Objections: an agent does not agree with the own score or share, and a lead answers.

use std::collections::HashMap;

use axum::Json;
use axum::extract::{Path, State};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{AuthorItem, checked_text, let_correct};
use crate::broker::store::InterventionRequest;
use crate::core::ids::AgentId;
use crate::core::intervention::{Change, Intervention, InterventionId};
use crate::http::access::{Reader, Role};
use crate::http::api::interventions;
use crate::http::api::page::Query;
use crate::http::body::JsonBody;
use crate::http::problem::{Code, Problem};
use crate::http::state::AppState;

/// An agent may have so many objections without an answer.
const UNANSWERED_MAX: usize = 20;

/// So many objections of an agent are looked at, and as many answers.
const LOOKED_AT: usize = 500;

/// An objection.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ObjectionBody {
    /// In the agent's words.
    #[schema(min_length = 1, max_length = 1000)]
    pub text: String,
}

/// An answer to an objection.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AnswerBody {
    /// In the lead's words.
    #[schema(min_length = 1, max_length = 1000)]
    pub text: String,
    /// Whether the lead agrees.
    pub accepted: bool,
}

/// An answer as given.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct AnswerItem {
    /// In the lead's words.
    pub text: String,
    /// Whether the lead agrees.
    pub accepted: bool,
    /// When it was given.
    pub set_at: String,
    /// By whom.
    pub by: AuthorItem,
}

/// An objection with its last answer.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ObjectionItem {
    /// Its id.
    pub id: String,
    /// Whose.
    pub agent: String,
    /// In the agent's words.
    pub text: String,
    /// When it was made.
    pub set_at: String,
    /// The last answer; null without one.
    pub answer: Option<AnswerItem>,
}

/// Objections.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ObjectionList {
    /// Newest first.
    pub items: Vec<ObjectionItem>,
    /// The cursor of the next page; null at the end.
    pub next: Option<String>,
}

/// Which objections.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ObjectionsQuery {
    /// Where to start: `next` of the page before; absent for the newest.
    pub cursor: Option<String>,
    /// Only this agent's. A token of role `agent` sees the own only.
    pub agent: Option<String>,
}

/// Objections with their answers. An agent sees the own.
#[utoipa::path(
    get,
    path = "/api/v1/workspaces/{workspace}/scores/objections",
    tag = "distribution",
    params(("workspace" = String, Path, description = "The workspace's id"), ObjectionsQuery),
    responses((status = 200, body = ObjectionList), (status = "default", body = Problem, content_type = "application/problem+json"))
)]
pub async fn list_objections(
    State(state): State<AppState>,
    reader: Reader,
    Query(query): Query<ObjectionsQuery>,
) -> Result<Json<ObjectionList>, Problem> {
    let agent = match reader.role {
        Role::Agent => Some(reader.agent.clone().ok_or_else(no_agent)?),
        Role::Operator | Role::CrmAdmin | Role::SalesLead | Role::Viewer => query.agent.map(AgentId::from),
    };
    let wanted = request("objection", agent, query.cursor, 100);
    let page = state.store.interventions(&reader.tenant.workspace.id, wanted).await?;
    let mut answers = HashMap::new();
    let agents = page.items.iter().filter_map(|objection| objection.change.agent().cloned());
    for agent in agents.collect::<std::collections::BTreeSet<AgentId>>() {
        answers.extend(answers_of(&state, &reader, &agent).await?);
    }
    let items = page.items.iter().filter_map(|objection| item(objection, &mut answers)).collect();
    Ok(Json(ObjectionList { items, next: page.next }))
}

/// Objects to the own score or share: by the agent.
#[utoipa::path(
    post,
    path = "/api/v1/workspaces/{workspace}/scores/objections",
    tag = "distribution",
    params(("workspace" = String, Path, description = "The workspace's id")),
    request_body = ObjectionBody,
    responses((status = 200, body = ObjectionItem), (status = "default", body = Problem, content_type = "application/problem+json"))
)]
pub async fn post_objection(
    State(state): State<AppState>,
    reader: Reader,
    JsonBody(body): JsonBody<ObjectionBody>,
) -> Result<Json<ObjectionItem>, Problem> {
    let agent = reader.agent.clone().ok_or_else(no_agent)?;
    let text = checked_text("text", &body.text, 1000)?;
    let known = of_agent(&state, &reader, &agent).await?;
    if known.iter().filter(|objection| objection.answer.is_none()).count() >= UNANSWERED_MAX {
        let detail = format!("{UNANSWERED_MAX} objections have no answer yet: wait for one before you add another.");
        return Err(Problem::new(Code::InvalidBody, detail));
    }
    let set = interventions::set(&state, &reader, Change::Objection { agent, text }).await?;
    shown(&set, &mut HashMap::new())
}

/// Answers an objection: by a sales lead or an operator. An answer given again replaces the one before.
#[utoipa::path(
    post,
    path = "/api/v1/workspaces/{workspace}/scores/objections/{id}/answer",
    tag = "distribution",
    params(
        ("workspace" = String, Path, description = "The workspace's id"),
        ("id" = String, Path, description = "The objection's id")
    ),
    request_body = AnswerBody,
    responses((status = 200, body = ObjectionItem), (status = "default", body = Problem, content_type = "application/problem+json"))
)]
pub async fn post_answer(
    State(state): State<AppState>,
    reader: Reader,
    Path((_, id)): Path<(String, String)>,
    JsonBody(body): JsonBody<AnswerBody>,
) -> Result<Json<ObjectionItem>, Problem> {
    let_correct(&reader)?;
    let text = checked_text("text", &body.text, 1000)?;
    let none = || Problem::new(Code::NotFound, format!("There is no objection `{id}` in this workspace."));
    let objection: InterventionId = id.parse().map_err(|_| none())?;
    let wanted = InterventionRequest { id: Some(objection), ..request("objection", None, None, 1) };
    let found = state.store.interventions(&reader.tenant.workspace.id, wanted).await?.items.pop().ok_or_else(none)?;
    let agent = found.change.agent().cloned();
    let answer = Change::ObjectionAnswer { objection, agent, text, accepted: body.accepted };
    let set = interventions::set(&state, &reader, answer).await?;
    shown(&found, &mut HashMap::from([(objection, set)]))
}

/// An agent's objections with their answers, newest first.
pub(super) async fn of_agent(state: &AppState, reader: &Reader, agent: &AgentId) -> Result<Vec<ObjectionItem>, Problem> {
    let wanted = request("objection", Some(agent.clone()), None, LOOKED_AT);
    let page = state.store.interventions(&reader.tenant.workspace.id, wanted).await?;
    let mut answers = answers_of(state, reader, agent).await?;
    Ok(page.items.iter().filter_map(|objection| item(objection, &mut answers)).collect())
}

/// The last answers to an agent's objections, by objection.
async fn answers_of(
    state: &AppState,
    reader: &Reader,
    agent: &AgentId,
) -> Result<HashMap<InterventionId, Intervention>, Problem> {
    let wanted = request("objection_answer", Some(agent.clone()), None, LOOKED_AT);
    let page = state.store.interventions(&reader.tenant.workspace.id, wanted).await?;
    let mut answers = HashMap::new();
    // Newest first: the first one found is the last one given.
    for answer in page.items {
        if let Change::ObjectionAnswer { objection, .. } = &answer.change {
            answers.entry(*objection).or_insert(answer);
        }
    }
    Ok(answers)
}

fn request(kind: &str, agent: Option<AgentId>, cursor: Option<String>, limit: usize) -> InterventionRequest {
    InterventionRequest { cursor, limit, kinds: vec![kind.to_owned()], agent, id: None }
}

fn no_agent() -> Problem {
    Problem::new(Code::Forbidden, "Only an agent may object, with a token of role `agent`.")
}

fn shown(objection: &Intervention, answers: &mut HashMap<InterventionId, Intervention>) -> Result<Json<ObjectionItem>, Problem> {
    let shown = item(objection, answers).map(Json);
    shown.ok_or_else(|| Problem::new(Code::Internal, "The objection is stored but could not be shown."))
}

fn item(objection: &Intervention, answers: &mut HashMap<InterventionId, Intervention>) -> Option<ObjectionItem> {
    let Change::Objection { agent, text } = &objection.change else { return None };
    let answer = answers.remove(&objection.id).and_then(|given| {
        let Change::ObjectionAnswer { text, accepted, .. } = &given.change else { return None };
        let (text, set_at) = (text.clone(), given.set_at.to_string());
        Some(AnswerItem { text, accepted: *accepted, set_at, by: AuthorItem::of(&given) })
    });
    Some(ObjectionItem {
        id: objection.id.to_string(),
        agent: agent.to_string(),
        text: text.clone(),
        set_at: objection.set_at.to_string(),
        answer,
    })
}
