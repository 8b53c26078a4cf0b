//! What a policy brought: reads offered calls and contracts back from the store and has them compared.
//!
//! Reads only. The arithmetic is `core::proving::uplift`'s.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::store::{DecisionSpan, Store, StoreError};
use crate::core::ids::{CallKey, ConnectionId};
use crate::core::policy::DealFilter;
use crate::core::proving::attribution::{ContractSource, Contracts};
use crate::core::proving::experiment::Experiment;
use crate::core::proving::uplift::{self, Comparison, OfferedCall};
use crate::core::workspace::{ConnectionKind, PolicyIx, Workspace};

/// At most so many calls are compared at once.
const CALLS_MAX: usize = 500_000;

/// After this time a PBX may use a call's id again.
const CALL_ID_HOURS: i64 = 24;

/// Why nothing was compared.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UpliftError {
    /// The store did not give what was asked.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There are too many calls for one comparison.
    #[error("more than {CALLS_MAX} calls lie between these days: compare shorter spans")]
    TooManyCalls,
    /// A fault of ours.
    #[error("comparing failed")]
    Fault,
}

/// A span of time: the first instant and the first one after it.
pub type Span = (Timestamp, Timestamp);

/// What an experiment of a policy has come to by `now`.
pub async fn of_experiment(
    store: &Arc<dyn Store>,
    workspace: &Arc<Workspace>,
    policy: PolicyIx,
    experiment: &Experiment,
    now: Timestamp,
) -> Result<Comparison, UpliftError> {
    let calls = offered_calls(store, workspace, policy, (experiment.from, experiment.until.min(now))).await?;
    let contracts = contracts(store, workspace, policy).await?;
    let experiment = experiment.clone();
    let compared = tokio::task::spawn_blocking(move || uplift::of_experiment(&experiment, &calls, &contracts, now));
    compared.await.map_err(|_| UpliftError::Fault)
}

/// What changed between two spans of time, calls being given `days` to bring a contract.
pub async fn of_spans(
    store: &Arc<dyn Store>,
    workspace: &Arc<Workspace>,
    policy: PolicyIx,
    spans: [Span; 2],
    (days, now): (u16, Timestamp),
) -> Result<Comparison, UpliftError> {
    let [before, after] = spans;
    let before = offered_calls(store, workspace, policy, before).await?;
    let after = offered_calls(store, workspace, policy, after).await?;
    let contracts = contracts(store, workspace, policy).await?;
    let zone = workspace.time_zone.clone();
    let compared = tokio::task::spawn_blocking(move || uplift::of_spans(&before, &after, &contracts, (days, now), &zone));
    compared.await.map_err(|_| UpliftError::Fault)
}

/// The calls offered to a policy in a span, each once.
async fn offered_calls(
    store: &Arc<dyn Store>,
    workspace: &Workspace,
    policy: PolicyIx,
    (from, until): Span,
) -> Result<Vec<OfferedCall>, UpliftError> {
    let mut calls = Vec::new();
    let mut known: HashMap<CallKey, Timestamp> = HashMap::new();
    let mut span = DecisionSpan { from, until, cursor: None };
    loop {
        let page = store.decisions_between(&workspace.id, span.clone()).await?;
        for record in &page.items {
            let Some(call) = OfferedCall::of(record, workspace, policy) else { continue };
            let again = known
                .get(&record.call_key())
                .is_some_and(|first| call.at.duration_since(*first) < SignedDuration::from_hours(CALL_ID_HOURS));
            if !again {
                known.insert(record.call_key(), call.at);
                calls.push(call);
            }
        }
        if calls.len() > CALLS_MAX {
            return Err(UpliftError::TooManyCalls);
        }
        match page.next {
            Some(cursor) => span.cursor = Some(cursor),
            None => return Ok(calls),
        }
    }
}

/// The contracts a policy is judged by: those its scores count, or all where it keeps none.
async fn contracts(store: &Arc<dyn Store>, workspace: &Workspace, policy: PolicyIx) -> Result<Contracts, UpliftError> {
    let (connections, filter) = match &workspace.policy(policy).score {
        Some(score) => (score.crm.clone(), score.deals.clone()),
        None => (crm_connections(workspace), DealFilter::default()),
    };
    let mut deals = Vec::new();
    for connection in &connections {
        deals.push((connection, store.deals(&workspace.id, connection).await?));
    }
    let source = ContractSource { connections: &connections, filter: &filter, currency: workspace.currency };
    let rows = deals.iter().flat_map(|(connection, deals)| deals.iter().map(move |deal| (*connection, deal)));
    Ok(Contracts::read(&source, rows))
}

fn crm_connections(workspace: &Workspace) -> Vec<ConnectionId> {
    let crm = workspace.connections.iter().filter(|connection| matches!(connection.kind, ConnectionKind::Crm { .. }));
    crm.map(|connection| connection.id.clone()).collect()
}
