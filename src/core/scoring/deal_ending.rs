//! How a deal ended, and when; from when on an open one counts as lost.
//!
//! Of one record alone. It must not know whom a deal counts for, nor how much.

use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;

use crate::core::deal::{Deal, DealStatus};
use crate::core::money::Currency;

/// An open deal counts as lost when it is older than this many median times to close.
const PATIENCE_IN_MEDIANS: f64 = 2.0;

/// No median is taken as shorter than a day: dates without a time make one of 0 where deals close on the day they come.
pub(in crate::core) const MEDIAN_SECONDS_MIN: f64 = 24.0 * 3600.0;

/// How a counted deal ended.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::core) enum Outcome {
    /// A contract; with its amount after returns, when it has one in the workspace's currency.
    Contract(Option<Decimal>),
    /// None.
    NoContract,
}

/// How old an open deal is when it counts as lost.
pub(in crate::core) fn patience_seconds(median_seconds_to_close: f64) -> f64 {
    PATIENCE_IN_MEDIANS * median_seconds_to_close.max(MEDIAN_SECONDS_MIN)
}

/// A date without a time is the start of its day: a deal closed on the day it was opened may seem to end before it began.
const DATE_ONLY: SignedDuration = SignedDuration::from_hours(24);

/// When a decided deal ended; none where nothing tells, or where a loss is said to lie before its opening.
pub(in crate::core) fn believed_close(deal: &Deal) -> Option<Timestamp> {
    let closed_at = deal.closed_at?;
    match deal.status {
        DealStatus::Won => Some(closed_at),
        DealStatus::Lost | DealStatus::Open => {
            let earliest = deal.known_since().and_then(|since| since.checked_sub(DATE_ONLY).ok());
            earliest.is_none_or(|earliest| earliest <= closed_at).then_some(closed_at)
        }
    }
}

/// When a deal without a date is taken to have ended: after the usual time, but not in the future; now, where nothing tells when it
/// came.
pub(in crate::core) fn likely_close(deal: &Deal, median_seconds_to_close: Option<f64>, now: Timestamp) -> Timestamp {
    let usual = median_seconds_to_close.and_then(|median| SignedDuration::try_from_secs_f64(median).ok()).unwrap_or_default();
    let closed_at = deal.known_since().and_then(|since| since.checked_add(usual).ok());
    closed_at.unwrap_or(now).min(now)
}

/// A won deal is a contract unless all of it was returned (or its amount is below 0, a credit note): then it is a deal
/// that was handled and brought nothing. The amount is what is left after returns, whatever sign the CRM gives them.
pub(in crate::core) fn outcome_of(deal: &Deal, currency: Currency) -> Outcome {
    match deal.status {
        DealStatus::Lost | DealStatus::Open => return Outcome::NoContract,
        DealStatus::Won => {}
    }
    let Some(amount) = deal.amount else { return Outcome::Contract(None) };
    let returned = deal.returned_amount.unwrap_or_default().abs();
    let left = amount.saturating_sub(returned);
    if left < Decimal::ZERO || (left.is_zero() && !returned.is_zero()) {
        return Outcome::NoContract;
    }
    match deal.currency {
        Some(other) if other != currency => Outcome::Contract(None),
        Some(_) | None => Outcome::Contract(Some(left)),
    }
}
