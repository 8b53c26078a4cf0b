//! What the overload guard did in a decision, told.

use serde::Serialize;
use utoipa::ToSchema;

use crate::core::load::guard::Indicator;
use crate::core::record::{AllStopped, EaseCause, EasedMember, GroupView, Spared};

/// What the overload guard and the own setting did to a member's share.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct GuardItem {
    /// What the guard left: 1 all, 0 stopped.
    pub factor: f64,
    /// Times that by the person's own setting (lighter or heavier); 1 without one.
    pub own_setting: f64,
    /// The indicator that eased or stopped the member: `talk_minutes calls_per_hour occupancy calls_in_a_row minutes_since_rest`;
    /// null where only the own setting counted.
    pub reason: Option<String>,
    /// What the indicators showed; null where only the own setting counted.
    pub readings: Option<ReadingsItem>,
    /// Why less was done than the indicators asked for: `one_more` (a call asked for past a taper) or `team_overloaded` (the others
    /// could not have carried the load); null where it was done.
    pub spared: Option<String>,
    /// In one sentence.
    pub sentence: String,
}

/// What the indicators showed of one person.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub struct ReadingsItem {
    /// Minutes of talk this shift.
    pub talk_minutes: f64,
    /// Calls in the last 60 minutes.
    pub calls_per_hour: f64,
    /// Busy part of the last 60 minutes on duty, 0 to 1.
    pub occupancy: f64,
    /// Calls without a gap of 3 minutes.
    pub calls_in_a_row: f64,
    /// Minutes since a rest of 10 minutes.
    pub minutes_since_rest: f64,
}

/// What was done to a member.
pub(super) fn guard_item(eased: &EasedMember) -> GuardItem {
    let cause = eased.cause;
    GuardItem {
        factor: eased.factor,
        own_setting: eased.own,
        reason: cause.map(|cause| cause.by.as_str().to_owned()),
        readings: cause.map(
            |EaseCause { readings: [talk_minutes, calls_per_hour, occupancy, calls_in_a_row, minutes_since_rest], .. }| {
                ReadingsItem { talk_minutes, calls_per_hour, occupancy, calls_in_a_row, minutes_since_rest }
            },
        ),
        spared: cause.and_then(|cause| cause.spared).map(|spared| spared_name(spared).to_owned()),
        sentence: sentence(eased),
    }
}

fn spared_name(spared: Spared) -> &'static str {
    match spared {
        Spared::OneMore => "one_more",
        Spared::TeamOverloaded => "team_overloaded",
    }
}

fn sentence(eased: &EasedMember) -> String {
    let own = if eased.own == 1.0 { String::new() } else { format!("; own setting: times {}", eased.own) };
    let Some(cause) = eased.cause else { return format!("Own setting: times {}.", eased.own) };
    let reading = Indicator::ALL.into_iter().zip(cause.readings).find(|(indicator, _)| *indicator == cause.by);
    let why = cause.by.told(reading.map_or(0.0, |(_, reading)| reading));
    let left = 100.0 * eased.factor;
    match cause.spared {
        Some(Spared::OneMore) => format!("One more call was asked for, so this did not count: {why}{own}."),
        Some(Spared::TeamOverloaded) => format!(
            "Due a rest ({why}), but the others could not have carried the load: kept with {left:.1} % of the share{own}."
        ),
        None if eased.factor == 0.0 => format!("Rests: {why}."),
        None => format!("Eased to {left:.1} % of the share: {why}{own}."),
    }
}

/// Where the call went because everybody in a group rested; none where somebody was left.
pub(super) fn rested(view: &GroupView) -> Option<String> {
    let then = match view.guard.all_stopped.as_ref()? {
        AllStopped::Fallback => "the call went to the backup number".to_owned(),
        AllStopped::Group(group) => format!("the call went to group `{group}`"),
        AllStopped::LeastOver(agent) => format!("the call went to `{agent}`, who was past a limit least"),
        AllStopped::Callback => "the caller was promised a call".to_owned(),
        AllStopped::Nowhere => "nothing that the policy names could take the call".to_owned(),
    };
    Some(format!("Everybody left in group `{}` rested, so {then}.", view.group))
}
