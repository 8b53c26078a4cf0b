//! What a sales lead should know now.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::core::distribution::tally::Tally;
use crate::core::notice::{self, Notice, NoticeKind, Scene};
use crate::http::access::Reader;
use crate::http::problem::{Code, Problem};
use crate::http::state::AppState;

/// One thing to know.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct NoticeItem {
    /// What it is about.
    #[schema(value_type = NoticeKindName)]
    pub kind: NoticeKind,
    /// Since when it is so.
    pub since: String,
    /// About whom, if about one.
    pub agent: Option<String>,
    /// In which group, if in one.
    pub group: Option<String>,
    /// Under which policy, if under one.
    pub policy: Option<String>,
    /// What happened and what to do, in one sentence.
    pub text: String,
}

/// Names of kinds of notices.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub enum NoticeKindName {
    /// An agent is paused after misses in a row.
    AutomaticPause,
    /// All who are left in a group should be paused after misses in a row, and so nobody is.
    AutomaticPauseHeldBack,
    /// An agent asked for a pause after the call at hand.
    PauseAsked,
    /// A published share of a group is more than its member can carry at the load of now.
    ShareAboveFeasible,
    /// The load of a group is so high that the guard cannot let one more person rest.
    TeamOverloaded,
    /// The guard has stopped everybody left in a group.
    EverybodyRests,
    /// A PBX's clock is far from ours.
    PbxClock,
    /// A policy's new score table is kept out until a lead takes it.
    ScoresRefused,
    /// Nobody of a group can be rung while calls come.
    NobodyToRing,
}

/// All there is to know.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct NoticeList {
    /// The newest first. A notice is there for as long as what it tells.
    pub items: Vec<NoticeItem>,
    /// Always null: there is one page.
    pub next: Option<String>,
}

/// What a sales lead should know now: automatic pauses, pauses asked for, shares nobody can carry, loads nobody can carry, PBX clocks
/// that are wrong, scores kept out, groups in which nobody can be rung. An agent sees what is about that agent alone.
#[utoipa::path(
    get,
    path = "/api/v1/workspaces/{workspace}/notices",
    tag = "notices",
    params(("workspace" = String, Path, description = "The workspace's id")),
    responses((status = 200, body = NoticeList), (status = "default", body = Problem, content_type = "application/problem+json"))
)]
pub async fn list_notices(State(state): State<AppState>, reader: Reader) -> Result<Json<NoticeList>, Problem> {
    let only_own = !reader.role.may_see_notices();
    if only_own && reader.agent.is_none() {
        return Err(Problem::new(Code::Forbidden, "Notices are for those who lead: ask with another role's token."));
    }
    let (now, shares) = (state.clock.now(), reader.tenant.shares.load_full());
    let refused = reader.tenant.scores.refused(&reader.tenant.workspace);
    let mut found = Vec::new();
    let mut look = |tally: &Tally| found = notice::notices(&Scene { tally, shares: &shares, refused: &refused, now });
    state.store.view(&reader.tenant.workspace.id, now, &mut look).await?;
    found.retain(|notice| !only_own || notice.agent == reader.agent);
    Ok(Json(NoticeList { items: found.into_iter().map(item).collect(), next: None }))
}

fn item(notice: Notice) -> NoticeItem {
    NoticeItem {
        kind: notice.kind,
        since: notice.since.to_string(),
        agent: notice.agent.map(|agent| agent.to_string()),
        group: notice.group.map(|group| group.to_string()),
        policy: notice.policy.map(|policy| policy.to_string()),
        text: notice.text,
    }
}
