//! Why a call took its route and not an earlier one.
//!
//! Conditions under `when` are told as they were recorded. That a route is for other numbers, scenarios or steps is looked up in the
//! workspace as it is now: it is not recorded for every route of every call.

use serde::Serialize;
use utoipa::ToSchema;

use crate::core::call::DialledNumber;
use crate::core::record::DecisionRecord;
use crate::core::routing::route::{CallerStanding, Condition, Outcome, Passed};
use crate::core::routing::route_match::wrong_address;
use crate::core::workspace::{Route, Workspace};

/// A route that was tried before and did not take the call.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct PassedRoute {
    /// The route.
    pub route: String,
    /// The first condition that did not hold: `called scenario operation list hours caller segment`, `no_word` where only a CRM could
    /// tell and did not in time, `changed` where the route is newer or other than when the call came.
    pub condition: String,
    /// The same in one sentence.
    pub sentence: String,
}

/// How a call came to its route.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct RouteExplained {
    /// The route; null when none matched.
    pub route: Option<String>,
    /// What was known of the caller: `known unknown withheld`, or `unsure` where no CRM gave its word.
    pub caller_standing: String,
    /// The segments the CRM puts the caller in.
    pub segments: Vec<String>,
    /// What became of the call, in one sentence.
    pub sentence: String,
    /// The routes before it, in their order.
    pub passed: Vec<PassedRoute>,
}

/// Explains the route of a recorded decision.
pub(super) fn explain(record: &DecisionRecord, workspace: &Workspace) -> RouteExplained {
    let decision = &record.decision;
    RouteExplained {
        route: decision.route.as_ref().map(ToString::to_string),
        caller_standing: standing_name(record.standing()).to_owned(),
        segments: decision.caller.segments.iter().map(ToString::to_string).collect(),
        sentence: sentence(record, workspace),
        passed: if record.asked.calls_back.is_some() { Vec::new() } else { passed(record, workspace) },
    }
}

fn passed(record: &DecisionRecord, workspace: &Workspace) -> Vec<PassedRoute> {
    let decision = &record.decision;
    let before = |route: &&Route| Some(&route.id) != decision.route.as_ref();
    let there = decision.route.is_none() || workspace.routes.iter().any(|route| !before(&route));
    // Without its own route nothing can be said of an order that is no more.
    let earlier: Vec<&Route> = if there { workspace.routes.iter().take_while(before).collect() } else { Vec::new() };
    let gone = decision.passed.iter().filter(|passed| earlier.iter().all(|route| route.id != passed.route));
    let called = DialledNumber::read(&record.asked.called, &workspace.default_region);
    let of_route = |route: &&Route| match decision.passed.iter().find(|passed| passed.route == route.id) {
        Some(recorded) => recorded_item(recorded, record),
        None => {
            let (scenario, operation) = (record.asked.scenario.as_deref(), record.asked.operation.as_deref());
            address_item(route, wrong_address(route, &called, scenario, operation))
        }
    };
    gone.map(|passed| recorded_item(passed, record)).chain(earlier.iter().map(of_route)).collect()
}

fn recorded_item(passed: &Passed, record: &DecisionRecord) -> PassedRoute {
    let route = &passed.route;
    let (condition, sentence) = match passed.failed {
        Condition::List => ("list", format!("`{route}` takes callers on its lists; this one is on none of them.")),
        Condition::Hours => ("hours", format!("`{route}` asks for opening hours that did not hold at that moment.")),
        Condition::Caller => {
            let standing = match record.standing() {
                CallerStanding::Withheld => "withheld the number",
                CallerStanding::Known => "is known to the CRM",
                CallerStanding::Unknown => "is unknown to the CRM",
                CallerStanding::Unsure => "has a number",
            };
            ("caller", format!("`{route}` asks for other callers; this one {standing}."))
        }
        Condition::Segment => {
            let segments: Vec<&str> = record.decision.caller.segments.iter().map(|segment| &**segment).collect();
            let is_in = if segments.is_empty() { "none".to_owned() } else { segments.join(", ") };
            ("segment", format!("`{route}` asks for a CRM segment; the caller is in {is_in}."))
        }
        Condition::NoWord => {
            ("no_word", format!("`{route}` asks what the CRM knows of the caller, and there was no word of it in time."))
        }
    };
    PassedRoute { route: route.to_string(), condition: condition.to_owned(), sentence }
}

fn address_item(route: &Route, wrong: Option<&'static str>) -> PassedRoute {
    let id = &route.id;
    let sentence = match wrong {
        Some("called") => format!("`{id}` takes other numbers than the one dialled."),
        Some(what) => format!("`{id}` takes another {what}."),
        None => format!("`{id}` was not there, or was different, when the call came."),
    };
    PassedRoute { route: id.to_string(), condition: wrong.unwrap_or("changed").to_owned(), sentence }
}

fn sentence(record: &DecisionRecord, workspace: &Workspace) -> String {
    let decision = &record.decision;
    let Some(route) = &decision.route else { return "No route takes this call.".to_owned() };
    if let Some(missed) = &record.asked.calls_back {
        return format!("A task to call back the caller of `{missed}`, whom route `{route}` took.");
    }
    let nobody = match (&decision.fallback, decision.targets.is_empty()) {
        (_, false) => "",
        (Some(_), true) => "; nobody could be rung, so it went to the fallback",
        (None, true) => "; nobody could be rung, and there is no fallback",
    };
    match &decision.outcome {
        Some(Outcome::Ring { .. }) if promises(workspace, record) => {
            format!("Route `{route}` promises a call, but the number is withheld: nobody can be called back{nobody}.")
        }
        Some(Outcome::Ring { group }) => format!("Route `{route}` rings group `{group}`{nobody}."),
        Some(Outcome::Reject) => format!("Route `{route}` refuses the call."),
        Some(Outcome::Branch { name }) => format!("Route `{route}` leaves the call to branch `{name}` of the PBX's scenario."),
        Some(Outcome::Callback { group }) => {
            format!("Route `{route}` rings nobody now: group `{group}` shares the task to call back.")
        }
        None => format!("Route `{route}` took the call{nobody}."),
    }
}

/// Whether the route, as it is now, promises a call that could not be promised this caller.
fn promises(workspace: &Workspace, record: &DecisionRecord) -> bool {
    let route = workspace.routes.iter().find(|route| Some(&route.id) == record.decision.route.as_ref());
    record.asked.caller.is_none() && route.is_some_and(|route| matches!(route.outcome, Outcome::Callback { .. }))
}

fn standing_name(standing: CallerStanding) -> &'static str {
    match standing {
        CallerStanding::Known => "known",
        CallerStanding::Unknown => "unknown",
        CallerStanding::Withheld => "withheld",
        CallerStanding::Unsure => "unsure",
    }
}
