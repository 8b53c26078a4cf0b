//! Which route a call takes: by the dialled number, the PBX's scenario and its operation; the first that matches.

use meritline::core::call::{DecisionRequest, DialledNumber};
use meritline::core::policy::{Count, Mode};
use meritline::core::route::{CallerStanding, Outcome, When};
use meritline::core::route_match::{CallFacts, match_route};
use meritline::core::workspace::{CalledMatch, GroupIx, Route, Workspace};

use crate::support::floor::{plain_policy, workspace};

const MOSCOW: &str = "+74951112233";
const KAZAN: &str = "+78431112233";
const ELSEWHERE: &str = "+78121112233";

fn numbers(texts: &[&str]) -> CalledMatch {
    CalledMatch::Numbers(texts.iter().map(|text| DialledNumber::read(text, "RU")).collect())
}

fn route(id: &str, called: CalledMatch, scenario: Option<&str>, operation: Option<&str>) -> Route {
    Route {
        id: id.into(),
        called,
        scenario: scenario.map(str::to_owned),
        operation: operation.map(str::to_owned),
        when: When::ALWAYS,
        outcome: Outcome::Ring { group: GroupIx(0) },
        fallback: None,
    }
}

fn workspace_with(routes: Vec<Route>) -> Workspace {
    let groups = [("sales", "p", &[("anna", 1.0)][..])];
    let mut built = (*workspace(&groups, vec![plain_policy("p", Mode::Percent, Count::Answered)])).clone();
    built.routes = routes;
    built
}

fn matched<'a>(workspace: &'a Workspace, called: &str, scenario: Option<&str>, operation: Option<&str>) -> Option<&'a str> {
    let request = DecisionRequest {
        call_id: "c-1".into(),
        caller: None,
        called: DialledNumber::read(called, "RU"),
        scenario: scenario.map(str::to_owned),
        operation: operation.map(str::to_owned),
        attempt: None,
        exclude: Vec::new(),
        at: None,
    };
    let facts =
        CallFacts { request: &request, standing: CallerStanding::Withheld, segments: &[], at: jiff::Timestamp::UNIX_EPOCH };
    match_route(workspace, &facts).route.map(|route| route.id.as_str())
}

#[test]
fn all_stated_conditions_hold_and_the_first_match_wins() {
    let workspace = workspace_with(vec![
        route("distribute", numbers(&[MOSCOW]), Some("sales"), Some("distribute")),
        route("sales", numbers(&[MOSCOW]), Some("sales"), None),
        route("cities", numbers(&[MOSCOW, KAZAN]), None, None),
        route("overflow", CalledMatch::Any, None, Some("overflow")),
        route("late", numbers(&[KAZAN]), Some("sales"), None),
        route("night", CalledMatch::Any, Some("night"), None),
    ]);
    let table = [
        // All three conditions of the first route, then one less each time.
        (MOSCOW, Some("sales"), Some("distribute"), Some("distribute")),
        (MOSCOW, Some("sales"), Some("greet"), Some("sales")),
        (MOSCOW, Some("sales"), None, Some("sales")),
        (MOSCOW, Some("support"), Some("distribute"), Some("cities")),
        (MOSCOW, None, Some("distribute"), Some("cities")),
        (MOSCOW, None, None, Some("cities")),
        // A route without a condition takes whatever the PBX says of it, and comes before narrower ones that follow.
        (KAZAN, Some("sales"), Some("overflow"), Some("cities")),
        (KAZAN, Some("night"), None, Some("cities")),
        // Any number: by the operation alone, then by the scenario alone.
        (ELSEWHERE, Some("night"), Some("overflow"), Some("overflow")),
        (ELSEWHERE, None, Some("overflow"), Some("overflow")),
        (ELSEWHERE, Some("night"), Some("greet"), Some("night")),
        (ELSEWHERE, Some("night"), None, Some("night")),
        // Nothing matches; words are taken as they are written.
        (ELSEWHERE, None, None, None),
        (ELSEWHERE, Some("sales"), Some("distribute"), None),
        (ELSEWHERE, Some("Night"), None, None),
        ("sip:line-1", None, None, None),
    ];
    for (called, scenario, operation, expected) in table {
        assert_eq!(matched(&workspace, called, scenario, operation), expected, "{called} {scenario:?} {operation:?}");
    }
}

#[test]
fn a_dialled_number_matches_in_any_spelling() {
    let workspace =
        workspace_with(vec![route("line", numbers(&["line-1"]), None, None), route("city", numbers(&[MOSCOW]), None, None)]);
    for spelling in ["+74951112233", "8 (495) 111-22-33", "7 495 111 22 33"] {
        assert_eq!(matched(&workspace, spelling, None, None), Some("city"), "{spelling}");
    }
    assert_eq!(matched(&workspace, " line-1 ", None, None), Some("line"));
    assert_eq!(matched(&workspace, "line-2", None, None), None);
}

#[test]
fn without_routes_nothing_matches() {
    assert_eq!(matched(&workspace_with(Vec::new()), MOSCOW, Some("sales"), None), None);
}
