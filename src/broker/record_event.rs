//! Call events: the agent named, stored durably, folded once. The answer to the PBX waits for the disk.

use std::sync::Arc;

use jiff::Timestamp;

use super::store::{EventOutcome, Store, StoreError};
use super::tenant::Tenant;
use crate::core::call::CallEvent;
use crate::core::ids::ConnectionId;
use crate::core::record::ReceivedEvent;
use crate::core::workspace::Workspace;

/// What became of a batch.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Recorded {
    /// Stored now.
    pub accepted: usize,
    /// Known before.
    pub duplicates: usize,
}

/// Records events that came at once through one connection. When it returns, they are on disk.
pub async fn record_events(
    store: &Arc<dyn Store>,
    tenant: &Tenant,
    connection: &ConnectionId,
    events: Vec<CallEvent>,
    received_at: Timestamp,
) -> Result<Recorded, StoreError> {
    if events.is_empty() {
        return Ok(Recorded::default());
    }
    let name = |event| ReceivedEvent { connection: connection.clone(), received_at, event: name_agent(&tenant.workspace, event) };
    let received = events.into_iter().map(name).collect();
    let outcomes = store.record_events(&tenant.workspace.id, received).await?;
    let accepted = outcomes.iter().filter(|outcome| **outcome == EventOutcome::Accepted).count();
    Ok(Recorded { accepted, duplicates: outcomes.len() - accepted })
}

/// Fills in the agent that a number names. An id that is not the workspace's may be an internal number as well: some PBXs
/// have one field for both.
fn name_agent(workspace: &Workspace, mut event: CallEvent) -> CallEvent {
    let known = event.agent.as_ref().and_then(|id| workspace.find_agent(id));
    let by_number = || {
        let texts = [event.agent.as_ref().map(|id| id.as_str()), event.number.as_deref()];
        texts.into_iter().flatten().find_map(|text| workspace.find_agent_by_number(text))
    };
    if let Some(ix) = known.or_else(by_number) {
        event.agent = Some(workspace.agent(ix).id.clone());
    }
    event
}
