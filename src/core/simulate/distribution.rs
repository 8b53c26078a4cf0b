//! How long something lasts, by chance.

use std::sync::Arc;

use crate::core::chance::{LogNormal, SplitMix64};

/// Nothing lasts longer than a week: beyond it a draw says nothing about a sales floor.
const SECONDS_MAX: f64 = 7.0 * 86_400.0;

/// A distribution of durations in seconds.
#[derive(Debug, Clone, PartialEq)]
pub enum Distribution {
    /// Always the same.
    Constant(f64),
    /// Exponential with this mean.
    Exponential(f64),
    /// Log-normal by mean and coefficient of variation (standard deviation over mean).
    LogNormal {
        /// Mean in seconds.
        mean: f64,
        /// Coefficient of variation.
        cv: f64,
    },
    /// One of these observed durations, each as likely.
    Observed(Arc<[f64]>),
}

impl Distribution {
    /// The mean, in seconds.
    pub fn mean(&self) -> f64 {
        match self {
            Self::Constant(seconds) => *seconds,
            Self::Exponential(mean) | Self::LogNormal { mean, .. } => *mean,
            Self::Observed(seen) => seen.iter().sum::<f64>() / seen.len().max(1) as f64,
        }
    }

    /// What is wrong with it; none when it can be drawn from.
    pub(super) fn fault(&self) -> Option<String> {
        let bad = |seconds: f64| !(0.0..=SECONDS_MAX).contains(&seconds);
        let duration = |seconds: f64| format!("a duration must be from 0 seconds to 7 days, found {seconds} s");
        match self {
            Self::Constant(seconds) => bad(*seconds).then(|| duration(*seconds)),
            Self::Exponential(mean) => (bad(*mean) || *mean == 0.0).then(|| duration(*mean) + "; a mean must be above 0"),
            Self::LogNormal { mean, .. } if bad(*mean) || *mean == 0.0 => Some(duration(*mean) + "; a mean must be above 0"),
            Self::LogNormal { cv, .. } => (!(0.0..=20.0).contains(cv))
                .then(|| format!("`cv` (standard deviation over mean) must be from 0 to 20, found {cv}")),
            Self::Observed(seen) if seen.is_empty() => Some("at least one observed duration must be given".to_owned()),
            Self::Observed(seen) => seen.iter().copied().find(|seconds| bad(*seconds)).map(duration),
        }
    }
}

/// A distribution made ready for many draws, in microseconds.
#[derive(Debug, Clone)]
pub(super) enum Drawn {
    Constant(i64),
    Exponential(f64),
    LogNormal(LogNormal),
    Observed(Arc<[f64]>),
}

impl From<&Distribution> for Drawn {
    fn from(distribution: &Distribution) -> Self {
        match distribution {
            Distribution::Constant(seconds) => Self::Constant(to_us(*seconds)),
            Distribution::Exponential(mean) => Self::Exponential(*mean),
            Distribution::LogNormal { mean, cv } => Self::LogNormal(LogNormal::of_cv(*mean, *cv)),
            Distribution::Observed(seen) => Self::Observed(Arc::clone(seen)),
        }
    }
}

impl Drawn {
    /// The next duration, in microseconds.
    pub(super) fn draw_us(&self, chance: &mut SplitMix64) -> i64 {
        match self {
            Self::Constant(us) => *us,
            Self::Exponential(mean) => to_us(chance.exponential(*mean)),
            Self::LogNormal(log_normal) => to_us(log_normal.draw(chance)),
            Self::Observed(seen) => to_us(chance.pick(seen).copied().unwrap_or(0.0)),
        }
    }
}

/// Seconds as whole microseconds, cut off like the service cuts them.
pub(super) fn to_us(seconds: f64) -> i64 {
    #[expect(clippy::cast_possible_truncation, reason = "at most a week of microseconds")]
    let us = (seconds.clamp(0.0, SECONDS_MAX) * 1e6) as i64;
    us
}

/// An instant in seconds since the first opening as whole microseconds.
pub(super) fn log_time_us(seconds: f64) -> i64 {
    #[expect(clippy::cast_possible_truncation, reason = "checked: within the simulated days")]
    let us = (seconds * 1e6).round() as i64;
    us
}

/// Microseconds as seconds.
pub(super) fn to_seconds(us: i64) -> f64 {
    us as f64 / 1e6
}
