//! Score settings and ramp-up of policies: defaults, and what makes no sense.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::document::{DealsPart, RampUpPart, ScorePart};
use super::durations;
use super::problem::{Problems, did_you_mean};
use crate::core::metric::{Direction, Metric, MetricSetting};
use crate::core::policy::{DealFilter, Exposure, RampUp, ScoreSettings};

/// Reads the score settings of a policy; what is wrong goes to `problems`.
pub(super) fn score_settings(pointer: &str, part: &ScorePart, problems: &mut Problems<'_>) -> ScoreSettings {
    if part.crm.is_empty() {
        problems.push(pointer, "`crm` must name at least one CRM connection: where do results come from?");
    }
    let exposure = if part.exposure.as_deref() == Some("calls") { Exposure::Calls } else { Exposure::Opportunities };
    let (floor, ceiling) = (part.floor.unwrap_or(0.5), part.ceiling.unwrap_or(2.0));
    if floor > 1.0 {
        problems
            .push(&format!("{pointer}/floor"), format!("{floor} is above 1: not everybody can get more than the own base share"));
    }
    if ceiling < 1.0 {
        problems.push(
            &format!("{pointer}/ceiling"),
            format!("{ceiling} is below 1: not everybody can get less than the own base share"),
        );
    }
    let days = |days: u64| Some(days * 86_400);
    ScoreSettings {
        crm: part.crm.iter().map(|id| id.as_str().into()).collect(),
        metrics: metrics(&format!("{pointer}/metrics"), part.metrics.as_ref(), problems),
        exposure,
        min_talk_seconds: part.min_talk_seconds.unwrap_or(30),
        horizon_seconds: span(&format!("{pointer}/horizon"), part.horizon.as_deref(), "all", days(90), problems),
        half_life_seconds: span(&format!("{pointer}/half_life"), part.half_life.as_deref(), "none", days(30), problems),
        caution: part.caution.unwrap_or(10.0),
        strength: part.strength.unwrap_or(1.0),
        floor,
        ceiling,
        deal_cap: match &part.deal_cap {
            None => Some(3.0),
            Some(value) => value.as_f64(),
        },
        smoothing_seconds: smoothing(pointer, part.smoothing.as_ref(), problems),
        deals: part.deals.as_ref().map(deal_filter).unwrap_or_default(),
    }
}

/// Reads how new people come to their share.
pub(super) fn ramp_up(value: Option<&Value>) -> RampUp {
    let usual = RampUp::default();
    match value {
        None => usual,
        Some(Value::String(_)) => RampUp::OFF,
        Some(value) => {
            let part = RampUpPart::deserialize(value).unwrap_or_default();
            RampUp { from: part.from.unwrap_or(usual.from), working_days: part.working_days.unwrap_or(usual.working_days) }
        }
    }
}

fn metrics(pointer: &str, part: Option<&Map<String, Value>>, problems: &mut Problems<'_>) -> Vec<MetricSetting> {
    let Some(part) = part else { return MetricSetting::usual() };
    let settings: Vec<MetricSetting> = part.iter().map(|(name, value)| metric(name, value)).collect();
    for setting in &settings {
        let Metric::Supplied(name) = &setting.metric else { continue };
        // A misspelt name would be taken for a figure that no CRM supplies, and count for nobody.
        let near = did_you_mean(name, Metric::OWN.iter().map(Metric::as_str));
        if !near.is_empty() {
            let message = format!("`{name}` is neither a metric of ours nor far enough from one to be a CRM's{near}");
            problems.push(&format!("{pointer}/{name}"), message);
        }
    }
    if settings.iter().all(|setting| setting.weight <= 0.0) {
        problems.push(
            pointer,
            "all weights are 0, so that no result would count: give one metric a weight above 0, or use mode `percent`",
        );
    }
    settings
}

fn metric(name: &str, value: &Value) -> MetricSetting {
    let weight = value.as_f64().or_else(|| value.get("weight")?.as_f64()).unwrap_or(1.0);
    let less = value.get("direction").and_then(Value::as_str) == Some("less");
    let direction = if less { Direction::Less } else { Direction::More };
    MetricSetting { metric: Metric::named(name), weight, direction }
}

/// A duration, or one of the words that mean none.
fn span(pointer: &str, text: Option<&str>, none: &str, default: Option<u64>, problems: &mut Problems<'_>) -> Option<u64> {
    match text {
        None => default,
        Some(text) if text == none => None,
        Some(text) => durations::seconds(text).filter(|seconds| *seconds > 0).or_else(|| {
            problems.push(pointer, format!("`{text}` is not a duration such as 30d, nor `{none}`"));
            default
        }),
    }
}

fn smoothing(pointer: &str, value: Option<&Value>, problems: &mut Problems<'_>) -> u64 {
    match value {
        None => 4 * 3600,
        Some(Value::String(text)) => durations::seconds(text).unwrap_or_else(|| {
            problems.push(&format!("{pointer}/smoothing"), format!("`{text}` is not a duration such as 4h, nor 0"));
            0
        }),
        Some(_) => 0,
    }
}

fn deal_filter(part: &DealsPart) -> DealFilter {
    let list = |value: &Option<Value>| match value {
        Some(Value::Array(items)) => items.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    };
    DealFilter { pipelines: list(&part.pipelines), sources: list(&part.sources), new_customers_only: part.new_customers }
}
