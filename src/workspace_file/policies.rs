//! Policies: defaults, and what is refused because it is not honoured yet.

use jiff::tz::TimeZone;
use serde::Deserialize;
use serde_json::Value;

use super::document::{CallbackPart, DealsPart, DiallingPart, GuardPart, PolicyPart, ScorePart};
use super::durations;
use super::people_rules;
use super::problem::Problems;
use super::rollout;
use crate::core::callback::CallbackRules;
use crate::core::policy::{
    Count, DealFilter, Dialling, Exposure, Guard, MobileCallers, Mode, PersonalCalls, PersonalManager, Policy, ScoreSettings,
    WrapUp,
};

const DEFAULT_PERIOD_SECONDS: u32 = 10 * 3600;
const PERIOD_SECONDS: std::ops::RangeInclusive<u64> = 300..=86_400;

/// Reads one policy; what is wrong goes to `problems`. Days are those of `time_zone`.
pub(super) fn policy(at: usize, part: &PolicyPart, time_zone: &TimeZone, problems: &mut Problems<'_>) -> Option<Policy> {
    let pointer = format!("/policies/{at}");
    let mode = match part.mode.as_str() {
        "percent" => Mode::Percent,
        "equal_calls" => Mode::EqualCalls,
        "equal_talk_time" => Mode::EqualTalkTime,
        _ => Mode::Performance,
    };
    let score = match (mode, &part.score) {
        (Mode::Performance, Some(score)) => Some(score_settings(&format!("{pointer}/score"), score, problems)),
        (Mode::Performance, None) => {
            problems.push(
                &pointer,
                "mode `performance` needs `score` with at least one CRM connection in `crm`: where do results come from?",
            );
            None
        }
        (_, Some(_)) => {
            problems.push(
                &format!("{pointer}/score"),
                format!("`score` goes with mode `performance`; mode `{}` follows no results", part.mode),
            );
            None
        }
        (_, None) => None,
    };
    Some(Policy {
        id: part.id.as_str().into(),
        mode,
        period_seconds: period(&pointer, part.period.as_deref(), problems),
        count: if part.count.as_deref() == Some("offered") { Count::Offered } else { Count::Answered },
        score,
        guard: guard(&format!("{pointer}/guard"), part.guard.as_ref(), problems),
        dialling: dialling(part.dialling.as_ref()),
        personal_manager: match part.personal_manager.as_deref() {
            Some("only") => PersonalManager::Only,
            Some("off") => PersonalManager::Off,
            _ => PersonalManager::Prefer,
        },
        callback: callback(&format!("{pointer}/callback"), part.callback.as_ref(), problems),
        own_setting: people_rules::own_setting(part.own_setting.as_ref()),
        missed_offers: people_rules::missed_offers(&format!("{pointer}/missed_offers"), part.missed_offers.as_ref(), problems),
        personal_calls: if part.personal_calls.as_deref() == Some("count") { PersonalCalls::Count } else { PersonalCalls::Apart },
        rollout: rollout::rollout(&pointer, part, mode, time_zone, problems),
    })
}

fn period(pointer: &str, text: Option<&str>, problems: &mut Problems<'_>) -> u32 {
    let Some(text) = text else { return DEFAULT_PERIOD_SECONDS };
    match durations::seconds(text).filter(|seconds| PERIOD_SECONDS.contains(seconds)) {
        Some(seconds) => u32::try_from(seconds).unwrap_or(DEFAULT_PERIOD_SECONDS),
        None => {
            problems.push(&format!("{pointer}/period"), format!("`{text}` is not from 5m to 24h"));
            DEFAULT_PERIOD_SECONDS
        }
    }
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

fn score_settings(pointer: &str, part: &ScorePart, problems: &mut Problems<'_>) -> ScoreSettings {
    if part.crm.is_empty() {
        problems.push(pointer, "`crm` must name at least one CRM connection: where do results come from?");
    }
    if part.exposure.as_deref() == Some("calls") {
        let message = "`exposure: calls` is not honoured yet: write `opportunities` (won and lost deals) or leave it out";
        problems.push(&format!("{pointer}/exposure"), message);
    }
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
    let metrics = part.metrics.as_ref();
    let days = |days: u64| Some(days * 86_400);
    ScoreSettings {
        crm: part.crm.iter().map(|id| id.as_str().into()).collect(),
        contracts_closed_weight: metrics.map_or(Some(1.0), |metrics| metrics.contracts_closed).unwrap_or(0.0),
        average_check_weight: metrics.map_or(Some(1.0), |metrics| metrics.average_check).unwrap_or(0.0),
        exposure: Exposure::Opportunities,
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

fn guard(pointer: &str, value: Option<&Value>, problems: &mut Problems<'_>) -> Guard {
    let Some(value) = value else { return Guard::default() };
    if let Some(preset) = value.as_str() {
        let message = format!(
            "the preset `{preset}` is not honoured yet: this version guards by `concurrent_calls` and `wrap_up` only; name those, or leave `guard` out"
        );
        problems.push(pointer, message);
        return Guard::default();
    }
    for name in ["talk_minutes", "calls_per_hour", "occupancy", "calls_in_a_row", "minutes_since_rest"] {
        if value.get(name).is_some() {
            let message = format!(
                "`{name}` is not honoured yet: this version guards by `concurrent_calls` and `wrap_up` only; leave it out"
            );
            problems.push(&format!("{pointer}/{name}"), message);
        }
    }
    let Ok(part) = GuardPart::deserialize(value) else { return Guard::default() };
    let wrap_up = part.wrap_up.map(|wrap_up| WrapUp {
        base_seconds: wrap_up.base_seconds.unwrap_or(0.0),
        per_talk_second: wrap_up.per_talk_second.unwrap_or(0.0),
        max_seconds: wrap_up.max_seconds.unwrap_or(3600.0),
    });
    Guard { concurrent_calls: part.concurrent_calls.unwrap_or(1), wrap_up }
}

fn dialling(part: Option<&DiallingPart>) -> Dialling {
    let stages = part.and_then(|part| part.stages.as_ref());
    Dialling {
        busy_stage: stages.is_none_or(|stages| stages.iter().any(|stage| stage == "busy")),
        ring_seconds: part.and_then(|part| part.ring_seconds).unwrap_or(20),
        targets_max: part.and_then(|part| part.targets_max).unwrap_or(5),
        mobile_callers: part.and_then(|part| part.mobile_callers.as_ref()).map(|mobile| MobileCallers {
            targets_max: mobile.targets_max.unwrap_or(3),
            ring_seconds: mobile.ring_seconds.unwrap_or(15),
        }),
    }
}

fn callback(pointer: &str, part: Option<&CallbackPart>, problems: &mut Problems<'_>) -> CallbackRules {
    let usual = CallbackRules::default();
    let Some(part) = part else { return usual };
    let mut within = |name: &str, text: Option<&str>, usual: u32, longest: u64| {
        let Some(text) = text else { return usual };
        let seconds = durations::seconds(text).filter(|seconds| (1..=longest).contains(seconds));
        seconds.and_then(|seconds| u32::try_from(seconds).ok()).unwrap_or_else(|| {
            problems.push(&format!("{pointer}/{name}"), format!("`{text}` is not from 1s to {}h", longest / 3600));
            usual
        })
    };
    CallbackRules {
        missed_within_seconds: within("missed_within", part.missed_within.as_deref(), usual.missed_within_seconds, 86_400),
        talked_within_seconds: within("talked_within", part.talked_within.as_deref(), usual.talked_within_seconds, 86_400),
        tasks: part.tasks.unwrap_or(usual.tasks),
        context_first: part.context_first.unwrap_or(usual.context_first),
    }
}
