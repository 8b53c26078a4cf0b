//! Call events: the agent named, stored durably, folded once. The answer to the PBX waits for the disk.

use std::sync::Arc;

use jiff::Timestamp;

use super::store::{EventOutcome, Store, StoreError};
use super::tenant::Tenant;
use crate::core::agent::Number;
use crate::core::call::{CallEvent, CallEventType};
use crate::core::distribution::tally::Tally;
use crate::core::ids::{AgentId, CallKey, ConnectionId};
use crate::core::record::ReceivedEvent;
use crate::core::set_order;
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
    let name =
        |event| ReceivedEvent { connection: connection.clone(), received_at, event: name_agents(&tenant.workspace, event) };
    let mut received: Vec<ReceivedEvent> = events.into_iter().map(name).collect();
    name_from_calls(store, tenant, &mut received, received_at).await?;
    put_words_last(store, tenant, &mut received, received_at).await?;
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
    let is_stranger = |agent: &AgentId| workspace.find_agent(agent).is_none();
    let is_strange = |event: &CallEvent| {
        let who = event.agent.as_ref().map_or(event.number.is_some(), is_stranger);
        who || event.to_agent.as_ref().is_some_and(is_stranger)
    };
    let mut strange: Vec<&mut ReceivedEvent> = received.iter_mut().filter(|received| is_strange(&received.event)).collect();
    if strange.is_empty() {
        return Ok(());
    }
    let mut look = |tally: &Tally| {
        for received in &mut strange {
            let event = &received.event;
            let named = |texts| target_of_call(tally, received, texts, &workspace.default_region);
            let who = [event.agent.as_ref().map(AgentId::as_str), event.number.as_deref()];
            let who = event.agent.as_ref().is_none_or(is_stranger).then(|| named(who)).flatten();
            let to = event.to_agent.as_ref().filter(|agent| is_stranger(agent));
            let to = to.and_then(|agent| named([Some(agent.as_str()), None]));
            if who.is_some() {
                received.event.agent = who;
            }
            if to.is_some() {
                received.event.to_agent = to;
            }
        }
    };
    store.view(&workspace.id, now, &mut look).await
}

/// A PBX's word on an agent holds against those received before it. Where our clock was set back since then, its receipt is put
/// right after theirs.
async fn put_words_last(
    store: &Arc<dyn Store>,
    tenant: &Tenant,
    received: &mut [ReceivedEvent],
    now: Timestamp,
) -> Result<(), StoreError> {
    let mut words: Vec<&mut ReceivedEvent> =
        received.iter_mut().filter(|received| received.event.event_type == CallEventType::AgentState).collect();
    if words.is_empty() {
        return Ok(());
    }
    let mut look = |tally: &Tally| {
        for word in &mut words {
            let agent = word.event.agent.as_ref().and_then(|agent| tally.workspace().find_agent(agent));
            let known = agent.and_then(|agent| tally.agent(agent).pbx_word.as_ref()).map(|known| known.received_at);
            word.received_at = set_order::after(now, [known.filter(|known| now < *known)]);
        }
    };
    store.view(&tenant.workspace.id, now, &mut look).await
}

/// The agent whom a decision for the event's call named with one of these numbers.
fn target_of_call(tally: &Tally, received: &ReceivedEvent, texts: [Option<&str>; 2], region: &str) -> Option<AgentId> {
    let key = CallKey { connection: received.connection.clone(), call: received.event.call_id.clone()? };
    let is_meant =
        |number: &Number| texts.into_iter().flatten().any(|text| number.value == canonical_number(number.kind, text, region));
    let mut targets = tally.call(&key)?.decisions.iter().flat_map(|record| &record.decision.targets);
    targets.find(|target| target.numbers.iter().any(is_meant)).map(|target| target.agent.clone())
}

/// Fills in the agents that ids and numbers name.
fn name_agents(workspace: &Workspace, mut event: CallEvent) -> CallEvent {
    if let Some(agent) = named(workspace, event.agent.as_ref(), event.number.as_deref()) {
        event.agent = Some(agent);
    }
    if let Some(agent) = named(workspace, event.to_agent.as_ref(), None) {
        event.to_agent = Some(agent);
    }
    event
}

/// The agent with this id, else with this number. An id that is not the workspace's may be an internal number as well: some PBXs
/// have one field for both.
fn named(workspace: &Workspace, id: Option<&AgentId>, number: Option<&str>) -> Option<AgentId> {
    let by_number = || {
        let texts = [number, id.map(AgentId::as_str)];
        texts.into_iter().flatten().find_map(|text| workspace.find_agent_by_number(text))
    };
    let found = id.and_then(|id| workspace.find_agent(id)).or_else(by_number);
    found.map(|ix| workspace.agent(ix).id.clone())
}
