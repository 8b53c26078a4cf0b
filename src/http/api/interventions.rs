//! Setting something by hand: the one place where a change gets its id, its time and its author.

use jiff::Timestamp;

use crate::core::distribution::tally::Tally;
use crate::core::intervention::{Actor, Change, Intervention};
use crate::core::record::Presence;
use crate::core::set_order;
use crate::http::access::Reader;
use crate::http::problem::Problem;
use crate::http::state::AppState;

/// Stores and folds a change in the reader's name. Who may make it was checked before.
pub(super) async fn set(state: &AppState, reader: &Reader, change: Change) -> Result<Intervention, Problem> {
    let now = state.clock.now();
    let set_at = stamp(state, reader, now, |tally| set_order::stamp_of_change(tally, &change, now)).await?;
    let by = Actor { role: reader.role.as_str().into(), agent: reader.agent.clone() };
    let intervention = Intervention { id: state.ids.next_id(now), set_at, by, change };
    state.store.intervene(&reader.tenant.workspace.id, intervention.clone()).await?;
    Ok(intervention)
}

/// Stores and folds a presence that is set at its `set_at`, or a moment later where the clock was set back.
pub(super) async fn set_presence(state: &AppState, reader: &Reader, presence: Presence) -> Result<(), Problem> {
    let now = presence.set_at;
    let set_at = stamp(state, reader, now, |tally| set_order::stamp_of_presence(tally, &presence.agent, now)).await?;
    state.store.set_presence(&reader.tenant.workspace.id, Presence { set_at, ..presence }).await?;
    Ok(())
}

async fn stamp(
    state: &AppState,
    reader: &Reader,
    now: Timestamp,
    of: impl Fn(&Tally) -> Timestamp + Send + Sync,
) -> Result<Timestamp, Problem> {
    let mut stamp = now;
    let mut look = |tally: &Tally| stamp = of(tally);
    state.store.view(&reader.tenant.workspace.id, now, &mut look).await?;
    Ok(stamp)
}
