//! Setting something by hand: the one place where a change gets its id, its time and its author.

use crate::core::intervention::{Actor, Change, Intervention};
use crate::http::access::Reader;
use crate::http::problem::Problem;
use crate::http::state::AppState;

/// Stores and folds a change in the reader's name. Who may make it was checked before.
pub(super) async fn set(state: &AppState, reader: &Reader, change: Change) -> Result<Intervention, Problem> {
    let now = state.clock.now();
    let by = Actor { role: reader.role.as_str().into(), agent: reader.agent.clone() };
    let intervention = Intervention { id: state.ids.next_id(now), set_at: now, by, change };
    state.store.intervene(&reader.tenant.workspace.id, intervention.clone()).await?;
    Ok(intervention)
}
