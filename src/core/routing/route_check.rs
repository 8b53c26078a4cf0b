//! Checks routes against the rest of a workspace: groups and lists there are, conditions that can hold together.

use std::collections::HashMap;
use std::sync::Arc;

use super::route::{CallerIs, NumberList, OpeningHours, Outcome, When};
use crate::core::ids::{GroupId, HoursId};
use crate::core::working_time::hours::Hours;
use crate::core::workspace::{Fault, FaultKind, GroupIx, HoursIx, Noun, Route, RouteParts, WorkspaceParts};
use crate::core::workspace_check::fault;

/// Resolves what routes refer to; a route with a fault is left out.
pub(in crate::core) fn resolve(parts: &WorkspaceParts, groups: &HashMap<&str, GroupIx>, faults: &mut Vec<Fault>) -> Vec<Route> {
    let lists: HashMap<&str, Arc<NumberList>> = parts.lists.iter().map(|list| (&*list.id, Arc::new(list.clone()))).collect();
    let mut routes = Vec::with_capacity(parts.routes.len());
    for (at, route) in parts.routes.iter().enumerate() {
        check_together(at, route, faults);
        let when = when(at, &route.when, (&parts.hours, &lists), faults);
        let outcome = outcome(at, &route.outcome, groups, faults);
        if let (Some(when), Some(outcome)) = (when, outcome) {
            routes.push(Route {
                id: route.id.clone(),
                called: route.called.clone(),
                scenario: route.scenario.clone(),
                operation: route.operation.clone(),
                when,
                outcome,
                fallback: route.fallback.clone(),
            });
        }
    }
    routes
}

fn outcome(
    at: usize,
    wanted: &Outcome<GroupId>,
    groups: &HashMap<&str, GroupIx>,
    faults: &mut Vec<Fault>,
) -> Option<Outcome<GroupIx>> {
    let mut find = |id: &GroupId, place: &str| {
        let found = groups.get(id.as_str()).copied();
        if found.is_none() {
            let kind = FaultKind::Unknown { id: id.to_string(), wanted: "a group", noun: Noun::Group };
            faults.push(fault(format!("/routes/{at}/{place}"), kind));
        }
        found
    };
    Some(match wanted {
        Outcome::Ring { group } => Outcome::Ring { group: find(group, "group")? },
        Outcome::Reject => Outcome::Reject,
        Outcome::Branch { name } => Outcome::Branch { name: Arc::clone(name) },
        Outcome::Callback { group } => Outcome::Callback { group: find(group, "callback/group")? },
    })
}

fn when(
    at: usize,
    wanted: &When<String, HoursId>,
    known: (&[Hours], &HashMap<&str, Arc<NumberList>>),
    faults: &mut Vec<Fault>,
) -> Option<When<Arc<NumberList>, HoursIx>> {
    let (schedules, lists) = known;
    let mut found = Vec::with_capacity(wanted.lists.len());
    for id in &wanted.lists {
        match lists.get(id.as_str()) {
            Some(list) => found.push(Arc::clone(list)),
            None => {
                let kind = FaultKind::Unknown { id: id.clone(), wanted: "a list of `lists`", noun: Noun::List };
                faults.push(fault(format!("/routes/{at}/when/list"), kind));
            }
        }
    }
    let schedule = |wanted: &HoursId| (0..).map(HoursIx).zip(schedules).find(|(_, hours)| hours.id() == wanted);
    let hours = wanted.hours.as_ref().map(|wanted| {
        let found = schedule(&wanted.hours).map(|(ix, _)| OpeningHours { hours: ix, open: wanted.open });
        if found.is_none() {
            let kind = FaultKind::Unknown { id: wanted.hours.to_string(), wanted: "a schedule of `hours`", noun: Noun::Hours };
            faults.push(fault(format!("/routes/{at}/when/hours"), kind));
        }
        found
    });
    let (lists_found, hours) = (found.len() == wanted.lists.len(), hours.map_or(Some(None), |found| found.map(Some))?);
    lists_found.then(|| When { caller: wanted.caller, lists: found, segments: wanted.segments.clone(), hours })
}

/// Conditions that can never hold together, and outcomes that a condition rules out.
fn check_together(at: usize, route: &RouteParts, faults: &mut Vec<Fault>) {
    let mut refuse = |place: &str, text: String| faults.push(fault(format!("/routes/{at}{place}"), FaultKind::Refused(text)));
    let (id, when) = (&route.id, &route.when);
    if when.caller == Some(CallerIs::Withheld) {
        let rest = [("list", !when.lists.is_empty()), ("segment", !when.segments.is_empty())];
        for (name, _) in rest.iter().filter(|(_, stated)| *stated) {
            refuse(
                "/when",
                format!(
                    "route `{id}` can never match: a caller whose number is withheld is on no list and in no segment; drop `{name}` or `caller`"
                ),
            );
        }
        if matches!(route.outcome, Outcome::Callback { .. }) {
            refuse(
                "/callback",
                format!("route `{id}` takes callers whose number is withheld: nobody could be called back; name another outcome"),
            );
        }
    }
    if when.caller == Some(CallerIs::Unknown) && !when.segments.is_empty() {
        refuse(
            "/when",
            format!(
                "route `{id}` can never match: a caller whom the CRM does not know is in no segment; drop `segment` or `caller`"
            ),
        );
    }
    if matches!(route.outcome, Outcome::Reject) && route.fallback.is_some() {
        refuse("/fallback", format!("route `{id}` rejects the call: it goes nowhere after that; drop `fallback`"));
    }
}
