//! What a workspace's routes allow, but hardly mean: routes that are never reached, callers who may reach nobody, outcomes that a
//! phone system cannot be told.

use std::sync::Arc;

use super::problem::Problems;
use super::routes::outcome_key;
use super::{SettingsCheck, Told};
use crate::core::routing::route::{CallerIs, NumberList, Outcome, When};
use crate::core::workspace::{CalledMatch, HoursIx, Route, Workspace};

pub(super) fn warn(workspace: &Workspace, checks: &dyn SettingsCheck, warnings: &mut Problems<'_>) {
    for (at, route) in workspace.routes.iter().enumerate() {
        let pointer = format!("/routes/{at}");
        if let Some(taker) = workspace.routes.iter().take(at).find(|earlier| leaves_nothing_for(earlier, route)) {
            let calls = if takes_all(taker) { "every call" } else { "all of its calls" };
            let message = format!("route `{}` never matches: `{}` before it takes {calls}; put it first", route.id, taker.id);
            warnings.push(&pointer, message);
            continue;
        }
        if let Some(message) = dead_line(route) {
            warnings.push(&pointer, message);
        }
        for connection in &workspace.connections {
            let outcome = route.outcome.map(|group| workspace.group(*group).id.clone());
            if let Told::Instead(message) = checks.tells(&connection.integration, &connection.settings, &outcome) {
                let pointer = format!("{pointer}/{}", outcome_key(&outcome));
                warnings.push(&pointer, format!("connection `{}`: {message}", connection.id));
            }
        }
    }
}

/// Whom a route may leave with nobody on the line.
fn dead_line(route: &Route) -> Option<String> {
    if route.fallback.is_some() {
        return None;
    }
    match &route.outcome {
        Outcome::Ring { .. } => Some(format!(
            "route `{}` has no fallback: while nobody is on duty its callers reach nobody; name a number under `fallback`",
            route.id
        )),
        // Whoever has a number is called back; who is on a list or known has one.
        Outcome::Callback { .. } if route.when.takes_every_caller() => Some(format!(
            "route `{}` has no fallback: callers whose number is withheld cannot be called back and reach nobody; name a number \
             under `fallback`, or take them by a route with `when: {{caller: withheld}}` before it",
            route.id
        )),
        Outcome::Callback { .. } | Outcome::Reject | Outcome::Branch { .. } => None,
    }
}

fn takes_all(route: &Route) -> bool {
    route.called == CalledMatch::Any && route.scenario.is_none() && route.operation.is_none() && route.when.is_always()
}

/// Whether every call that `later` matches is matched by `earlier` too.
fn leaves_nothing_for(earlier: &Route, later: &Route) -> bool {
    let called = match (&earlier.called, &later.called) {
        (CalledMatch::Any, _) => true,
        (CalledMatch::Numbers(_), CalledMatch::Any) => false,
        (CalledMatch::Numbers(takes), CalledMatch::Numbers(wants)) => wants.iter().all(|number| takes.contains(number)),
    };
    let same = |takes: &Option<String>, wants: &Option<String>| takes.is_none() || takes == wants;
    called
        && same(&earlier.scenario, &later.scenario)
        && same(&earlier.operation, &later.operation)
        && covers(&earlier.when, &later.when)
}

fn covers(takes: &When<Arc<NumberList>, HoursIx>, wants: &When<Arc<NumberList>, HoursIx>) -> bool {
    let caller: Option<CallerIs> = takes.caller;
    let within = |takes: &[Arc<str>], wants: &[Arc<str>]| {
        takes.is_empty() || (!wants.is_empty() && wants.iter().all(|wanted| takes.contains(wanted)))
    };
    let ids = |lists: &[Arc<NumberList>]| lists.iter().map(|list| Arc::clone(&list.id)).collect::<Vec<_>>();
    (caller.is_none() || caller == wants.caller)
        && within(&ids(&takes.lists), &ids(&wants.lists))
        && within(&takes.segments, &wants.segments)
        && (takes.hours.is_none() || takes.hours == wants.hours)
}
