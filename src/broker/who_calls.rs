//! Who calls: what a CRM says of the caller, asked only where it matters, and done without when it does not come in time.

use super::caller_lookup::Lookup;
use super::decide::Hook;
use super::ports::CallerRecord;
use crate::core::decision::{CallerCard, Degraded};
use crate::core::ids::ConnectionId;
use crate::core::routing::route::CallerStanding;
use crate::core::routing::route_match::needs_lookup;
use crate::core::workspace::{AgentIx, Workspace};

/// The caller of a hook.
pub(super) struct Caller {
    /// What is known, for the answer.
    pub(super) card: CallerCard,
    /// The same, for routes.
    pub(super) standing: CallerStanding,
    /// The responsible manager, if one of our agents is.
    pub(super) responsible: Option<AgentIx>,
    /// What was missing.
    pub(super) degraded: Option<Degraded>,
}

impl Caller {
    /// Of whom no CRM was asked, or none answered.
    pub(super) fn not_asked(hook: &Hook<'_>) -> Self {
        let standing = if hook.request.caller.is_some() { CallerStanding::Unsure } else { CallerStanding::Withheld };
        Self { card: CallerCard::default(), standing, responsible: None, degraded: None }
    }
}

/// Asks the CRM who calls, if that matters for this call and can be had by the deadline.
pub(super) async fn who_calls(hook: &Hook<'_>) -> Caller {
    let not_asked = Caller::not_asked(hook);
    let (Some(directory), Some(number)) = (&hook.tenant.directory, &hook.request.caller) else { return not_asked };
    let workspace = &hook.tenant.workspace;
    if !needs_lookup(workspace, hook.request, hook.received_at) {
        return not_asked;
    }
    let (word, degraded) = match directory.lookup.find(number, hook.deadline.for_lookup()).await {
        Lookup::Fresh(word) => (word, None),
        Lookup::Stale(word) => (word, Some(Degraded::CallerStale)),
        Lookup::Late | Lookup::Failed => return Caller { degraded: Some(Degraded::CallerLookup), ..not_asked },
    };
    let Some(record) = word else { return Caller { standing: CallerStanding::Unknown, degraded, ..not_asked } };
    let responsible = responsible(workspace, &directory.connection, &record);
    let card = CallerCard {
        known: true,
        name: record.name,
        responsible: responsible.map(|ix| workspace.agent(ix).id.clone()),
        url: record.url,
        segments: record.segments,
    };
    Caller { card, standing: CallerStanding::Known, responsible, degraded }
}

fn responsible(workspace: &Workspace, connection: &ConnectionId, record: &CallerRecord) -> Option<AgentIx> {
    let by_user = record.user.as_ref().and_then(|user| workspace.find_agent_by_crm_user(connection, user));
    by_user.or_else(|| workspace.find_agent_by_number(record.extension.as_deref()?))
}
