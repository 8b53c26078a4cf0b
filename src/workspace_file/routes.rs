//! Reads lists and routes of a workspace file, and holds them against what its integrations can do.

use serde_json::Value;

use super::document::{File, ListPart, RoutePart, WhenPart};
use super::problem::{Problems, did_you_mean};
use super::{Segments, SettingsCheck, Told};
use crate::core::call::DialledNumber;
use crate::core::ids::{GroupId, HoursId};
use crate::core::phone_number::PhoneNumber;
use crate::core::routing::route::{CallerIs, NumberList, OpeningHours, Outcome, When};
use crate::core::workspace::{CalledMatch, RouteParts};

/// The lists of numbers.
pub(super) fn lists(parts: &[ListPart], region: &str, problems: &mut Problems<'_>) -> Vec<NumberList> {
    parts.iter().enumerate().map(|(at, part)| list(at, part, region, problems)).collect()
}

fn list(at: usize, part: &ListPart, region: &str, problems: &mut Problems<'_>) -> NumberList {
    let mut list = NumberList { id: part.id.as_str().into(), numbers: Default::default(), prefixes: Vec::new() };
    for (place, text) in part.numbers.iter().enumerate() {
        let mut refuse = |message: String| problems.push(&format!("/lists/{at}/numbers/{place}"), message);
        if let Some(start) = text.trim().strip_suffix('*') {
            let digits = start.strip_prefix('+').filter(|digits| digits.bytes().all(|b| b.is_ascii_digit()));
            match digits {
                Some(digits) if !digits.is_empty() => list.prefixes.push(start.into()),
                Some(_) | None => refuse("the beginning of a number is a plus, digits and a *, as in +7495*".to_owned()),
            }
            continue;
        }
        match PhoneNumber::parse(text, region) {
            Ok(number) => {
                list.numbers.insert(number);
            }
            Err(fault) => refuse(format!("this is {fault}")),
        }
    }
    list
}

/// The routes; one that is at fault is left out and told.
pub(super) fn routes(file: &File, region: &str, checks: &dyn SettingsCheck, problems: &mut Problems<'_>) -> Vec<RouteParts> {
    let segments = file.connections.iter().find_map(|part| checks.caller_segments(&part.integration));
    let mut routes = Vec::with_capacity(file.routes.len());
    for (at, part) in file.routes.iter().enumerate() {
        let when = when(at, part.when.as_ref(), segments.as_ref(), problems);
        let Some(outcome) = outcome(at, part, problems) else { continue };
        tell_phones(at, &outcome, file, checks, problems);
        routes.push(route(part, region, when, outcome));
    }
    routes
}

fn route(part: &RoutePart, region: &str, when: When<String, HoursId>, outcome: Outcome<GroupId>) -> RouteParts {
    let called = match &part.called {
        Some(Value::Array(numbers)) => {
            CalledMatch::Numbers(numbers.iter().filter_map(Value::as_str).map(|text| DialledNumber::read(text, region)).collect())
        }
        _ => CalledMatch::Any,
    };
    RouteParts {
        id: part.id.as_str().into(),
        called,
        scenario: part.scenario.clone(),
        operation: part.operation.clone(),
        when,
        outcome,
        fallback: part.fallback.as_ref().map(|fallback| DialledNumber::read(&fallback.number, region).as_str().to_owned()),
    }
}

/// The one outcome that a route names.
fn outcome(at: usize, part: &RoutePart, problems: &mut Problems<'_>) -> Option<Outcome<GroupId>> {
    let named = [
        ("group", part.group.as_ref().map(|group| Outcome::Ring { group: group.as_str().into() })),
        ("reject", part.reject.as_ref().map(|_| Outcome::Reject)),
        ("branch", part.branch.as_ref().map(|name| Outcome::Branch { name: name.as_str().into() })),
        ("callback", part.callback.as_ref().map(|part| Outcome::Callback { group: part.group.as_str().into() })),
    ];
    let mut named = named.into_iter().filter_map(|(name, outcome)| Some((name, outcome?)));
    let Some((first, outcome)) = named.next() else {
        let message = format!(
            "route `{}` does not say what becomes of a call: name one of `group`, `reject`, `branch` and `callback`",
            part.id
        );
        problems.push(&format!("/routes/{at}"), message);
        return None;
    };
    for (name, _) in named {
        let message = format!("route `{}` names two outcomes, `{first}` and `{name}`: keep one", part.id);
        problems.push(&format!("/routes/{at}/{name}"), message);
    }
    Some(outcome)
}

/// An id, or several.
fn several(value: Option<&Value>) -> Vec<&str> {
    match value {
        Some(Value::String(one)) => vec![one],
        Some(Value::Array(many)) => many.iter().filter_map(Value::as_str).collect(),
        Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_)) | None => Vec::new(),
    }
}

fn when(at: usize, part: Option<&WhenPart>, segments: Option<&Segments>, problems: &mut Problems<'_>) -> When<String, HoursId> {
    let Some(part) = part else { return When::ALWAYS };
    let caller = match part.caller.as_deref() {
        Some("known") => Some(CallerIs::Known),
        Some("unknown") => Some(CallerIs::Unknown),
        Some("withheld") => Some(CallerIs::Withheld),
        Some(_) | None => None,
    };
    let wanted = several(part.segment.as_ref());
    let asked = [("caller", matches!(caller, Some(CallerIs::Known | CallerIs::Unknown))), ("segment", !wanted.is_empty())];
    match segments {
        None => {
            for (name, _) in asked.iter().filter(|(_, asked)| *asked) {
                let message = "no CRM connection here looks callers up, so this would never hold: add one to `connections`";
                problems.push(&format!("/routes/{at}/when/{name}"), message);
            }
        }
        Some(Segments::Named(known)) => {
            for segment in wanted.iter().filter(|wanted| !known.iter().any(|known| known == *wanted)) {
                let near = did_you_mean(segment, known.iter().map(String::as_str));
                let near = if near.is_empty() { told_segments(known) } else { near };
                problems.push(&format!("/routes/{at}/when/segment"), format!("the CRM knows no segment `{segment}`{near}"));
            }
        }
        Some(Segments::Any) => {}
    }
    When {
        caller,
        lists: several(part.list.as_ref()).into_iter().map(str::to_owned).collect(),
        segments: wanted.into_iter().map(Into::into).collect(),
        hours: part.hours.as_ref().map(opening_hours),
    }
}

/// An id, which means open, or a block.
fn opening_hours(value: &Value) -> OpeningHours<HoursId> {
    let id = value.as_str().or_else(|| value.get("id")?.as_str()).unwrap_or_default();
    OpeningHours { hours: id.into(), open: value.get("open").and_then(Value::as_bool).unwrap_or(true) }
}

fn told_segments(known: &[String]) -> String {
    if known.is_empty() { ": its connector tells none".to_owned() } else { format!("; known are {}", known.join(", ")) }
}

/// What a phone system cannot be told for want of a setting.
fn tell_phones(at: usize, outcome: &Outcome<GroupId>, file: &File, checks: &dyn SettingsCheck, problems: &mut Problems<'_>) {
    for part in &file.connections {
        let settings = part.settings.clone().unwrap_or_default();
        if let Told::Lacking(message) = checks.tells(&part.integration, &settings, outcome) {
            let pointer = format!("/routes/{at}/{}", outcome_key(outcome));
            problems.push(&pointer, format!("connection `{}`: {message}", part.id));
        }
    }
}

/// What a route calls an outcome.
pub(super) fn outcome_key<G>(outcome: &Outcome<G>) -> &'static str {
    match outcome {
        Outcome::Ring { .. } => "group",
        Outcome::Reject => "reject",
        Outcome::Branch { .. } => "branch",
        Outcome::Callback { .. } => "callback",
    }
}
