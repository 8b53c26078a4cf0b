//! Which route a call takes: the first whose stated conditions all hold.
//!
//! A condition that only a CRM can answer does not hold while there is no word of it: the route is passed over, whichever way
//! it asks. So a slow CRM leads to a later route, never to a guess.

use std::sync::Arc;

use jiff::Timestamp;

use super::route::{CallerIs, CallerStanding, Condition, NumberList, Outcome, Passed, When};
use crate::core::call::{DecisionRequest, DialledNumber};
use crate::core::workspace::{CalledMatch, HoursIx, Route, Workspace};

/// What routes are matched against.
#[derive(Debug, Clone, Copy)]
pub struct CallFacts<'a> {
    /// What is asked.
    pub request: &'a DecisionRequest,
    /// What is known of the caller.
    pub standing: CallerStanding,
    /// The caller's segments in the CRM.
    pub segments: &'a [Arc<str>],
    /// When the hook was received.
    pub at: Timestamp,
}

/// The route a call takes.
#[derive(Debug, Clone, PartialEq)]
pub struct Matched<'a> {
    /// The first whose conditions all hold; none when no route's do.
    pub route: Option<&'a Route>,
    /// Those before it that were right but for a condition under `when`, in the order of the workspace.
    pub passed: Vec<Passed>,
}

/// The first route that matches, or none.
pub fn match_route<'a>(workspace: &'a Workspace, facts: &CallFacts<'_>) -> Matched<'a> {
    let mut passed = Vec::new();
    for route in workspace.routes.iter().filter(|route| is_addressed(route, facts.request)) {
        match failed(workspace, &route.when, facts) {
            None => return Matched { route: Some(route), passed },
            Some(failed) => passed.push(Passed { route: route.id.clone(), failed }),
        }
    }
    Matched { route: None, passed }
}

/// Whether it matters for this call what a CRM knows of the caller: a route asks for it before one is found without, or agents
/// are rung, who are to see who calls.
pub fn needs_lookup(workspace: &Workspace, request: &DecisionRequest, at: Timestamp) -> bool {
    let standing = if request.caller.is_some() { CallerStanding::Unsure } else { CallerStanding::Withheld };
    let facts = CallFacts { request, standing, segments: &[], at };
    for route in workspace.routes.iter().filter(|route| is_addressed(route, request)) {
        match failed(workspace, &route.when, &facts) {
            Some(Condition::NoWord) => return true,
            Some(Condition::List | Condition::Hours | Condition::Caller | Condition::Segment) => {}
            None => return matches!(route.outcome, Outcome::Ring { .. }),
        }
    }
    false
}

/// What of the address does not fit, as the workspace file calls it.
pub fn wrong_address(
    route: &Route,
    called: &DialledNumber,
    scenario: Option<&str>,
    operation: Option<&str>,
) -> Option<&'static str> {
    let takes_number = match &route.called {
        CalledMatch::Any => true,
        CalledMatch::Numbers(numbers) => numbers.contains(called),
    };
    let agrees = |wanted: &Option<String>, given: Option<&str>| wanted.is_none() || wanted.as_deref() == given;
    if !takes_number {
        return Some("called");
    }
    if !agrees(&route.scenario, scenario) {
        return Some("scenario");
    }
    (!agrees(&route.operation, operation)).then_some("operation")
}

fn is_addressed(route: &Route, request: &DecisionRequest) -> bool {
    wrong_address(route, &request.called, request.scenario.as_deref(), request.operation.as_deref()).is_none()
}

/// The first condition that does not hold: what we know ourselves before what a CRM says.
fn failed(workspace: &Workspace, when: &When<Arc<NumberList>, HoursIx>, facts: &CallFacts<'_>) -> Option<Condition> {
    let number = facts.request.caller.as_ref();
    if !when.lists.is_empty() && !number.is_some_and(|number| when.lists.iter().any(|list| list.holds(number))) {
        return Some(Condition::List);
    }
    if let Some(wanted) = when.hours
        && workspace.hours.get(wanted.hours.0 as usize).is_some_and(|hours| hours.is_open(facts.at) != wanted.open)
    {
        return Some(Condition::Hours);
    }
    match (when.caller, facts.standing) {
        (None, _)
        | (Some(CallerIs::Known), CallerStanding::Known)
        | (Some(CallerIs::Unknown), CallerStanding::Unknown)
        | (Some(CallerIs::Withheld), CallerStanding::Withheld) => {}
        (Some(CallerIs::Known | CallerIs::Unknown), CallerStanding::Unsure) => return Some(Condition::NoWord),
        (Some(CallerIs::Known), CallerStanding::Withheld | CallerStanding::Unknown)
        | (Some(CallerIs::Unknown), CallerStanding::Withheld | CallerStanding::Known)
        | (Some(CallerIs::Withheld), CallerStanding::Known | CallerStanding::Unknown | CallerStanding::Unsure) => {
            return Some(Condition::Caller);
        }
    }
    if when.segments.is_empty() || when.segments.iter().any(|wanted| facts.segments.contains(wanted)) {
        return None;
    }
    Some(if facts.standing == CallerStanding::Unsure { Condition::NoWord } else { Condition::Segment })
}
