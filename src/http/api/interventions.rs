//! Setting something by hand: the one place where a change gets its id, its time and its author.

use jiff::{SignedDuration, Timestamp};

use crate::core::call_state::is_ahead;
use crate::core::intervention::{Actor, Change, Intervention};
use crate::core::tally::Tally;
use crate::http::access::Reader;
use crate::http::problem::Problem;
use crate::http::state::AppState;

/// Stores and folds a change in the reader's name. Who may make it was checked before.
pub(super) async fn set(state: &AppState, reader: &Reader, change: Change) -> Result<Intervention, Problem> {
    let (now, set_at) = (state.clock.now(), set_at(state, reader).await?);
    let by = Actor { role: reader.role.as_str().into(), agent: reader.agent.clone() };
    let intervention = Intervention { id: state.ids.next_id(now), set_at, by, change };
    state.store.intervene(&reader.tenant.workspace.id, intervention.clone()).await?;
    Ok(intervention)
}

/// The instant of what is set now. A clock that was set back must not leave the last word to what was set or heard before: what is set
/// by hand holds at once.
pub(super) async fn set_at(state: &AppState, reader: &Reader) -> Result<Timestamp, Problem> {
    let now = state.clock.now();
    let mut set_at = now;
    let mut look = |tally: &Tally| {
        let later = tally.heard_at().checked_add(SignedDuration::from_micros(1)).unwrap_or(now);
        set_at = if is_ahead(tally.heard_at(), now) { later } else { now };
    };
    state.store.view(&reader.tenant.workspace.id, now, &mut look).await?;
    Ok(set_at)
}
