//! Policies: defaults, and what goes together.

use jiff::tz::TimeZone;

use super::document::{CallbackPart, DiallingPart, PolicyPart};
use super::durations;
use super::guard;
use super::people_rules;
use super::problem::Problems;
use super::rollout;
use super::scores;
use crate::core::distribution::callback::CallbackRules;
use crate::core::policy::{Count, Dialling, MobileCallers, Mode, PersonalCalls, PersonalManager, Policy};

const DEFAULT_PERIOD_SECONDS: u32 = 10 * 3600;
const PERIOD_SECONDS: std::ops::RangeInclusive<u64> = 300..=86_400;

/// Reads one policy; what is wrong goes to `problems`. Days are those of `time_zone`.
pub(super) fn policy(at: usize, part: &PolicyPart, time_zone: &TimeZone, problems: &mut Problems<'_>) -> Option<Policy> {
    let pointer = format!("/policies/{at}");
    let mode = match part.mode.as_str() {
        "percent" => Mode::Percent,
        "equal_calls" => Mode::EqualCalls,
        "equal_talk_time" => Mode::EqualTalkTime,
        "head_count" => Mode::HeadCount,
        _ => Mode::Performance,
    };
    let score = match (mode, &part.score) {
        (Mode::Performance, Some(score)) => Some(scores::score_settings(&format!("{pointer}/score"), score, problems)),
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
        guard: guard::guard(&format!("{pointer}/guard"), part.guard.as_ref(), problems),
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
        ramp_up: scores::ramp_up(part.ramp_up.as_ref()),
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
