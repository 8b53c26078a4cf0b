//! Which route a call takes: the first whose stated conditions all hold.

use super::call::DecisionRequest;
use super::workspace::{CalledMatch, Route, Workspace};

/// The first route that matches, or none.
pub fn match_route<'a>(workspace: &'a Workspace, request: &DecisionRequest) -> Option<&'a Route> {
    workspace.routes.iter().find(|route| matches(route, request))
}

fn matches(route: &Route, request: &DecisionRequest) -> bool {
    let called = match &route.called {
        CalledMatch::Any => true,
        CalledMatch::Numbers(numbers) => numbers.contains(&request.called),
    };
    let agrees = |wanted: &Option<String>, given: &Option<String>| wanted.is_none() || wanted == given;
    called && agrees(&route.scenario, &request.scenario) && agrees(&route.operation, &request.operation)
}
