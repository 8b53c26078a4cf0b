//! Which route a call takes: by the dialled number, the PBX's scenario and its operation; the first that matches.

use meritline::core::call::{DecisionRequest, DialledNumber};
use meritline::core::phone_number::PhoneNumber;
use meritline::core::policy::{Count, Mode};
use meritline::core::routing::route::{CallerIs, CallerStanding, Condition, NumberList, Outcome, When};
use meritline::core::routing::route_match::{CallFacts, match_route, needs_lookup};
use meritline::core::workspace::{CalledMatch, GroupIx, Route, Workspace};

use proptest::prelude::*;
use std::sync::Arc;

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

const CALLER: &str = "+79161234567";

/// A route with conditions: what the CRM must say, a list that holds the caller or not, a segment, and an outcome.
fn any_route() -> impl Strategy<Value = Route> {
    let caller =
        prop_oneof![Just(None), Just(Some(CallerIs::Known)), Just(Some(CallerIs::Unknown)), Just(Some(CallerIs::Withheld))];
    let outcome = prop_oneof![
        Just(Outcome::Ring { group: GroupIx(0) }),
        Just(Outcome::Reject),
        Just(Outcome::Branch { name: "night".into() }),
        Just(Outcome::Callback { group: GroupIx(0) }),
    ];
    let segments = prop::collection::vec(prop_oneof![Just("vip".into()), Just("lead".into())], 0..2);
    let lists = prop::collection::vec(any::<bool>(), 0..2);
    (caller, lists, segments, outcome, any::<bool>()).prop_map(|(caller, lists, segments, outcome, is_addressed)| {
        let list = |holds: bool| {
            let prefixes = if holds { vec!["+7916".into()] } else { vec!["+7495".into()] };
            Arc::new(NumberList { id: "list".into(), numbers: Default::default(), prefixes })
        };
        let when = When { caller, lists: lists.into_iter().map(list).collect(), segments, hours: None };
        let called = if is_addressed { CalledMatch::Any } else { numbers(&[KAZAN]) };
        Route { when, outcome, ..route("r", called, None, None) }
    })
}

fn any_word() -> impl Strategy<Value = (CallerStanding, Vec<Arc<str>>)> {
    let segments = prop::collection::vec(prop_oneof![Just(Arc::from("vip")), Just(Arc::from("lead"))], 0..3);
    prop_oneof![
        segments.prop_map(|segments| (CallerStanding::Known, segments)),
        Just((CallerStanding::Unknown, Vec::new())),
        Just((CallerStanding::Unsure, Vec::new())),
    ]
}

/// Whether a route takes the call, said in the words of the documents.
fn takes(route: &Route, has_number: bool, standing: CallerStanding, segments: &[Arc<str>]) -> bool {
    let lists = route.when.lists.iter().any(|list| list.prefixes[0].starts_with("+7916"));
    let caller = match route.when.caller {
        None => true,
        Some(CallerIs::Known) => standing == CallerStanding::Known,
        Some(CallerIs::Unknown) => standing == CallerStanding::Unknown,
        Some(CallerIs::Withheld) => !has_number,
    };
    route.called == CalledMatch::Any
        && (route.when.lists.is_empty() || (has_number && lists))
        && caller
        && (route.when.segments.is_empty() || route.when.segments.iter().any(|segment| segments.contains(segment)))
}

proptest! {
    /// The first route whose conditions all hold takes the call; every one before it that was dialled is told with a reason; and where the
    /// CRM need not be asked, its word would have changed nothing.
    #[test]
    fn conditions_hold_all_together_and_the_crm_is_asked_where_it_matters(
        routes in prop::collection::vec(any_route(), 0..6),
        has_number in any::<bool>(),
        word in any_word(),
    ) {
        let routes: Vec<Route> = routes.into_iter().enumerate().map(|(at, route)| Route { id: format!("r{at}").as_str().into(), ..route }).collect();
        let workspace = workspace_with(routes.clone());
        let request = DecisionRequest {
            call_id: "c-1".into(),
            caller: has_number.then(|| PhoneNumber::parse(CALLER, "RU").unwrap()),
            called: DialledNumber::read(MOSCOW, "RU"),
            scenario: None,
            operation: None,
            attempt: None,
            exclude: Vec::new(),
            at: None,
        };
        let (standing, segments) = if has_number { word } else { (CallerStanding::Withheld, Vec::new()) };
        let at = jiff::Timestamp::UNIX_EPOCH;
        let matched = match_route(&workspace, &CallFacts { request: &request, standing, segments: &segments, at });
        let expected = routes.iter().position(|route| takes(route, has_number, standing, &segments));
        prop_assert_eq!(matched.route.map(|route| &route.id), expected.map(|at| &routes[at].id));
        let before = &routes[..expected.unwrap_or(routes.len())];
        let dialled: Vec<_> = before.iter().filter(|route| route.called == CalledMatch::Any).map(|route| &route.id).collect();
        prop_assert_eq!(matched.passed.iter().map(|passed| &passed.route).collect::<Vec<_>>(), dialled);
        let without_word = matched.passed.iter().any(|passed| passed.failed == Condition::NoWord);
        prop_assert!(!without_word || standing == CallerStanding::Unsure);
        let unsure = if has_number { CallerStanding::Unsure } else { CallerStanding::Withheld };
        let unasked = match_route(&workspace, &CallFacts { request: &request, standing: unsure, segments: &[], at });
        if !needs_lookup(&workspace, &request, at) {
            prop_assert_eq!(unasked.route, matched.route);
            let rings = matched.route.is_some_and(|route| route.outcome.as_str() == "ring");
            prop_assert!(!rings);
        }
    }
}
