//! What a policy says of people's own part: what they may set for themselves, and when offers not taken pause them.

use serde_json::Value;

use super::document::{MissedOffersPart, OwnSettingPart};
use super::durations;
use super::problem::Problems;
use crate::core::policy::{MissedOffers, OwnSetting};

const PAUSE_SECONDS: std::ops::RangeInclusive<u64> = 60..=12 * 3600;

/// Reads what agents may set for themselves.
pub(super) fn own_setting(part: Option<&OwnSettingPart>) -> OwnSetting {
    let default = OwnSetting::default();
    let Some(part) = part else { return default };
    OwnSetting {
        lighter: part.lighter.unwrap_or(default.lighter),
        heavier: part.heavier.unwrap_or(default.heavier),
        allowed: part.allowed.clone().unwrap_or(default.allowed),
    }
}

/// Reads when misses pause an agent; what is wrong goes to `problems`.
pub(super) fn missed_offers(pointer: &str, part: Option<&MissedOffersPart>, problems: &mut Problems<'_>) -> MissedOffers {
    let default = MissedOffers::default();
    let Some(part) = part else { return default };
    MissedOffers {
        missed: limit(part.missed.as_ref(), default.missed),
        rejected: limit(part.rejected.as_ref(), default.rejected),
        busy: limit(part.busy.as_ref(), default.busy),
        unreachable: limit(part.unreachable.as_ref(), default.unreachable),
        pause_seconds: pause(pointer, part.pause.as_deref(), default.pause_seconds, problems),
    }
}

/// A number, or `off`: the schema lets nothing else through.
fn limit(value: Option<&Value>, default: Option<u32>) -> Option<u32> {
    match value {
        None => default,
        Some(value) => value.as_u64().and_then(|limit| u32::try_from(limit).ok()),
    }
}

fn pause(pointer: &str, text: Option<&str>, default: Option<u32>, problems: &mut Problems<'_>) -> Option<u32> {
    let text = match text {
        None => return default,
        Some("until_back") => return None,
        Some(text) => text,
    };
    let seconds = durations::seconds(text).filter(|seconds| PAUSE_SECONDS.contains(seconds));
    if seconds.is_none() {
        problems.push(&format!("{pointer}/pause"), format!("`{text}` is not from 1m to 12h, nor `until_back`"));
    }
    seconds.and_then(|seconds| u32::try_from(seconds).ok()).or(default)
}
