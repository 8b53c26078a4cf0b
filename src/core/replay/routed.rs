//! What becomes of a recorded call by the routes of the other workspace: a function of what was asked and of the workspace alone.

use super::RecordedCall;
use crate::core::decision::Reason;
use crate::core::ids::{GroupId, RouteId};
use crate::core::routing::route::{CallerStanding, Condition, Outcome};
use crate::core::routing::route_match::{CallFacts, match_route};
use crate::core::workspace::{GroupIx, Workspace};

/// Where a call goes.
pub(super) struct Routed {
    /// By which route; none where no route takes the call.
    pub(super) route: Option<RouteId>,
    /// What becomes of it; none without a route.
    pub(super) outcome: Option<Outcome<GroupId>>,
    /// Among whom it is rung, and whether it can go elsewhere; none where nobody is.
    pub(super) rung: Option<(GroupIx, bool)>,
    /// Whether the caller may be promised a call.
    pub(super) can_be_called_back: bool,
    /// Whether a route was passed over because no CRM had been asked about the caller.
    pub(super) caller_not_known: bool,
}

impl Routed {
    pub(super) fn of(workspace: &Workspace, call: &RecordedCall) -> Self {
        let facts = CallFacts { request: &call.request, standing: call.standing, segments: &call.segments, at: call.asked_at };
        let matched = match_route(workspace, &facts);
        let can_be_called_back = call.standing != CallerStanding::Withheld;
        let outcome = |route: &Outcome<GroupIx>| route.map(|group| workspace.group(*group).id.clone()).kept(can_be_called_back);
        let rung = matched.route.and_then(|route| match &route.outcome {
            Outcome::Ring { group } => Some((*group, route.fallback.is_some())),
            Outcome::Reject | Outcome::Branch { .. } | Outcome::Callback { .. } => None,
        });
        Self {
            route: matched.route.map(|route| route.id.clone()),
            outcome: matched.route.map(|route| outcome(&route.outcome)),
            rung,
            can_be_called_back,
            caller_not_known: matched.passed.iter().any(|passed| passed.failed == Condition::NoWord),
        }
    }

    /// Why nobody is rung, where nobody is.
    pub(super) fn reason(&self) -> Reason {
        match &self.outcome {
            None => Reason::NoRoute,
            Some(Outcome::Callback { .. }) => Reason::Callback,
            Some(Outcome::Ring { .. } | Outcome::Reject | Outcome::Branch { .. }) => Reason::Fallback,
        }
    }
}
