//! `rollout` and `experiment` of a policy: which calls are answered by it.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::document::{ExperimentPart, PolicyPart};
use super::durations;
use super::problem::Problems;
use crate::core::policy::Mode;
use crate::core::proving::experiment::{Experiment, SHARE_STEP_PERCENT};
use crate::core::proving::rollout::{FollowedCalls, Rollout};
use crate::core::proving::uplift::CLUSTERS_MIN;

const DEFAULT_TREATMENT_SHARE: f64 = 0.5;
const DEFAULT_BLOCK_SECONDS: u64 = 45 * 60;
const DEFAULT_DROP_FIRST_SECONDS: u64 = 5 * 60;
const BLOCK_SECONDS: std::ops::RangeInclusive<u64> = 600..=86_400;
const DAY_SECONDS: u64 = 86_400;

/// Reads both; what is wrong goes to `problems`. Days are those of `time_zone`.
pub(super) fn rollout(
    pointer: &str,
    part: &PolicyPart,
    mode: Mode,
    time_zone: &TimeZone,
    problems: &mut Problems<'_>,
) -> Rollout {
    let calls = match part.rollout.as_deref() {
        None | Some("on") => FollowedCalls::All,
        Some("observe") => FollowedCalls::None,
        Some(text) => FollowedCalls::Percent(text.trim_end_matches('%').parse().unwrap_or(100)),
    };
    let Some(experiment) = &part.experiment else { return Rollout { calls, experiment: None } };
    if let FollowedCalls::Percent(percent) = calls {
        let message = format!(
            "`rollout: {percent}%` divides the calls one by one and `experiment` by blocks of time: leave one out, or write \
             `observe` or `on` for the time before and after the experiment"
        );
        problems.push(&format!("{pointer}/rollout"), message);
    }
    if !mode.uses_base() {
        let message =
            format!("mode `{}` shares equally already: the experiment would compare it with itself; leave it out", part.mode);
        problems.push(&format!("{pointer}/experiment"), message);
    }
    Rollout { calls, experiment: read(&format!("{pointer}/experiment"), experiment, time_zone, problems) }
}

fn read(pointer: &str, part: &ExperimentPart, time_zone: &TimeZone, problems: &mut Problems<'_>) -> Option<Experiment> {
    let treatment_percent = treatment_percent(&format!("{pointer}/treatment_share"), part.treatment_share, problems);
    let (block_seconds, drop_first_seconds) = lengths(pointer, part, problems);
    if part.seed.is_none() {
        problems.push(pointer, "`seed` is missing: write any whole number, from which the order of the blocks is drawn");
    }
    let days = days(pointer, part, time_zone, problems);
    let experiment = Experiment {
        treatment_percent: treatment_percent?,
        block_seconds: block_seconds?,
        drop_first_seconds: drop_first_seconds?,
        seed: part.seed?,
        from: days?.0,
        until: days?.1,
        attribution_days: attribution_days(&format!("{pointer}/attribution"), part.attribution.as_deref(), problems)?,
    };
    refuse_too_few_blocks(pointer, &experiment, problems);
    Some(experiment)
}

fn treatment_percent(pointer: &str, share: Option<f64>, problems: &mut Problems<'_>) -> Option<u8> {
    let share = share.unwrap_or(DEFAULT_TREATMENT_SHARE);
    if share <= 0.0 || share >= 1.0 {
        let message = format!("`{share}` leaves nothing to compare: all blocks would be of one kind; write from 0.05 to 0.95");
        problems.push(pointer, message);
        return None;
    }
    let percent = (1..20u8).map(|step| step * SHARE_STEP_PERCENT).find(|at| (share * 100.0 - f64::from(*at)).abs() < 1e-6);
    if percent.is_none() {
        problems.push(pointer, format!("`{share}` is not in steps of 0.05: the ratio could not be held; write 0.5, 0.25 or 0.1"));
    }
    percent
}

/// Length of a block, and what of it does not count after a switch.
fn lengths(pointer: &str, part: &ExperimentPart, problems: &mut Problems<'_>) -> (Option<u32>, Option<u32>) {
    let seconds = |text: Option<&str>, default| text.map_or(Some(default), durations::seconds);
    let block = seconds(part.block.as_deref(), DEFAULT_BLOCK_SECONDS).filter(|seconds| BLOCK_SECONDS.contains(seconds));
    let Some(block) = block else {
        let text = part.block.as_deref().unwrap_or_default();
        let message = format!("`{text}` is not from 10m to 24h: in shorter blocks calls still feel the block before");
        problems.push(&format!("{pointer}/block"), message);
        return (None, None);
    };
    let drop_first = seconds(part.drop_first.as_deref(), DEFAULT_DROP_FIRST_SECONDS).filter(|seconds| *seconds < block);
    if drop_first.is_none() {
        let text = part.drop_first.as_deref().unwrap_or_default();
        problems.push(&format!("{pointer}/drop_first"), format!("`{text}` leaves nothing of a block of {} minutes", block / 60));
    }
    let narrow = |seconds: u64| u32::try_from(seconds).ok();
    (narrow(block), drop_first.and_then(narrow))
}

/// The first instant of the first day, and the first one after the last day.
fn days(
    pointer: &str,
    part: &ExperimentPart,
    time_zone: &TimeZone,
    problems: &mut Problems<'_>,
) -> Option<(Timestamp, Timestamp)> {
    let mut day = |name: &str, text: Option<&str>| match text.map(str::parse::<Date>) {
        Some(Ok(date)) => Some(date),
        Some(Err(_)) => {
            let text = text.unwrap_or_default();
            problems.push(&format!("{pointer}/{name}"), format!("`{text}` is no day: write it as 2026-11-23"));
            None
        }
        None => {
            problems.push(pointer, format!("`{name}` is missing: write a day, as 2026-11-23"));
            None
        }
    };
    let (from, to) = (day("from", part.from.as_deref()), day("to", part.to.as_deref()));
    let (from, to) = (from?, to?);
    if to < from {
        problems.push(&format!("{pointer}/to"), format!("the experiment would end on {to}, before it begins on {from}"));
        return None;
    }
    let start = |date: Date| time_zone.to_timestamp(date.to_datetime(jiff::civil::Time::midnight())).ok();
    Some((start(from)?, start(to.tomorrow().ok()?)?))
}

fn attribution_days(pointer: &str, text: Option<&str>, problems: &mut Problems<'_>) -> Option<u16> {
    let Some(text) = text else { return Some(crate::core::proving::uplift::ATTRIBUTION_DAYS) };
    let seconds = durations::seconds(text).filter(|seconds| seconds.is_multiple_of(DAY_SECONDS));
    let days = seconds.and_then(|seconds| u16::try_from(seconds / DAY_SECONDS).ok()).filter(|days| (1..=365).contains(days));
    if days.is_none() {
        problems.push(pointer, format!("`{text}` is not from 1d to 365d in whole days"));
    }
    days
}

/// An experiment that could never prove anything is told before it begins.
fn refuse_too_few_blocks(pointer: &str, experiment: &Experiment, problems: &mut Problems<'_>) {
    let seconds = experiment.until.duration_since(experiment.from).as_secs();
    let blocks = u64::try_from(seconds).unwrap_or(0) / u64::from(experiment.block_seconds);
    let percent = u64::from(experiment.treatment_percent);
    let fewer = blocks * percent.min(100 - percent) / 100;
    if fewer < CLUSTERS_MIN as u64 {
        let message = format!(
            "from `from` to `to` there are {blocks} blocks, so {fewer} of the rarer kind: a result needs at least {CLUSTERS_MIN} of \
             each; make the blocks shorter or the experiment longer"
        );
        problems.push(pointer, message);
    }
}
