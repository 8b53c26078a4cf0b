//! Call events: the agent named, stored durably, folded once. The answer to the PBX waits for the disk.

use std::sync::Arc;

use jiff::Timestamp;

use super::store::{EventOutcome, Store, StoreError};
use super::tenant::Tenant;
use crate::core::agent::Number;
use crate::core::call::CallEvent;
use crate::core::ids::{AgentId, CallKey, ConnectionId};
use crate::core::record::ReceivedEvent;
use crate::core::tally::Tally;
use crate::core::workspace::{Workspace, canonical_number};

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
    let mut received: Vec<ReceivedEvent> = events.into_iter().map(name).collect();
    name_from_calls(store, tenant, &mut received, received_at).await?;
    let outcomes = store.record_events(&tenant.workspace.id, received).await?;
    let accepted = outcomes.iter().filter(|outcome| **outcome == EventOutcome::Accepted).count();
    Ok(Recorded { accepted, duplicates: outcomes.len() - accepted })
}

/// Fills in agents who are no longer the workspace's, though the call was given to them before they were removed: what they
/// do in it must not look as if somebody else had done it.
async fn name_from_calls(
    store: &Arc<dyn Store>,
    tenant: &Tenant,
    received: &mut [ReceivedEvent],
    now: Timestamp,
) -> Result<(), StoreError> {
    let workspace = &tenant.workspace;
    let is_strange = |event: &CallEvent| match (&event.agent, &event.number) {
        (Some(agent), _) => workspace.find_agent(agent).is_none(),
        (None, number) => number.is_some(),
    };
    let mut strange: Vec<&mut ReceivedEvent> = received.iter_mut().filter(|received| is_strange(&received.event)).collect();
    if strange.is_empty() {
        return Ok(());
    }
    let mut look = |tally: &Tally| {
        for received in &mut strange {
            if let Some(agent) = target_of_call(tally, received, &workspace.default_region) {
                received.event.agent = Some(agent);
            }
        }
    };
    store.view(&workspace.id, now, &mut look).await
}

/// The agent whom a decision for the event's call named with the event's number.
fn target_of_call(tally: &Tally, received: &ReceivedEvent, region: &str) -> Option<AgentId> {
    let event = &received.event;
    let key = CallKey { connection: received.connection.clone(), call: event.call_id.clone()? };
    let texts = [event.agent.as_ref().map(|id| id.as_str()), event.number.as_deref()];
    let is_meant =
        |number: &Number| texts.into_iter().flatten().any(|text| number.value == canonical_number(number.kind, text, region));
    let mut targets = tally.call(&key)?.decisions.iter().flat_map(|record| &record.decision.targets);
    targets.find(|target| target.numbers.iter().any(is_meant)).map(|target| target.agent.clone())
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
