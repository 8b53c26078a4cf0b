//! The overload guard of a policy: a preset, or a block with a preset or without, and what a call does when everybody rests.

use serde::Deserialize;
use serde_json::Value;

use super::document::GuardPart;
use super::problem::Problems;
use crate::core::load::guard::{Band, Indicator};
use crate::core::policy::{Guard, WhenAllStopped, WrapUp};

/// Reads a guard; what is wrong goes to `problems`.
pub(super) fn guard(pointer: &str, value: Option<&Value>, problems: &mut Problems<'_>) -> Guard {
    let Some(value) = value else { return Guard::default() };
    if let Some(name) = value.as_str() {
        return preset(Some(name));
    }
    let Ok(part) = GuardPart::deserialize(value) else { return Guard::default() };
    let mut guard = preset(part.preset.as_deref());
    if let Some(concurrent_calls) = part.concurrent_calls {
        guard.concurrent_calls = concurrent_calls;
    }
    if let Some(wrap_up) = part.wrap_up {
        guard.wrap_up = Some(WrapUp {
            base_seconds: wrap_up.base_seconds.unwrap_or(0.0),
            per_talk_second: wrap_up.per_talk_second.unwrap_or(0.0),
            max_seconds: wrap_up.max_seconds.unwrap_or(3600.0),
        });
    }
    for indicator in Indicator::ALL {
        if let Some(value) = value.get(indicator.as_str()) {
            guard.limits.set(indicator, band(&format!("{pointer}/{}", indicator.as_str()), value, problems));
        }
    }
    if let Some(order) = &part.when_all_stopped {
        guard.when_all_stopped = order.iter().map(when_all_stopped).collect();
    }
    guard
}

fn preset(name: Option<&str>) -> Guard {
    match name {
        Some("light") => Guard::light(),
        Some("standard") => Guard::standard(),
        Some("strict") => Guard::strict(),
        Some(_) | None => Guard::default(),
    }
}

/// A band, or nothing for `off`: the schema lets nothing else through.
fn band(pointer: &str, value: &Value, problems: &mut Problems<'_>) -> Option<Band> {
    let ends: Vec<f64> = value.as_array()?.iter().filter_map(Value::as_f64).collect();
    let (lo, hi) = (*ends.first()?, *ends.get(1)?);
    if lo < hi {
        return Some(Band::new(lo, hi));
    }
    let message = format!(
        "expected [from, to] with from below to, found [{lo}, {hi}]: up to the first everybody has the whole share, from the second on \
         nobody is rung"
    );
    problems.push(pointer, message);
    None
}

fn when_all_stopped(entry: &Value) -> WhenAllStopped {
    match (entry.as_str(), entry.get("group").and_then(Value::as_str)) {
        (None, Some(group)) => WhenAllStopped::Group(group.into()),
        (Some("least_over"), _) => WhenAllStopped::LeastOver,
        (Some("callback"), _) => WhenAllStopped::Callback,
        (Some(_) | None, _) => WhenAllStopped::Fallback,
    }
}
