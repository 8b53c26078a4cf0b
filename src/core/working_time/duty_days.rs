//! Time on duty: what is left of a span when the days somebody was away are taken out of it, and working days.
//!
//! Results fade and leave the horizon by time on duty, so that a leave does not lower a score: whoever was away for four
//! weeks comes back with the index of before. Without working hours whoever is not told to be away is on duty, nights and
//! weekends included, for everybody alike; with them the schedule's working days count, see `core::working_time::working_days`.

use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;

use super::hours::Hours;
use super::working_days::WorkingDays;
use crate::core::agent::Absence;
use crate::core::ids::AgentId;
use crate::core::workspace::{AgentIx, Workspace};

/// Being off duty for longer than this, in seconds, is an absence: 4 days. Nights and long weekends are not.
pub const OFF_DUTY_ABSENCE_SECONDS: i64 = 4 * 24 * 3600;

/// Whoever is off duty for longer than this, in seconds, decides no deals meanwhile: a day.
pub const OFF_DUTY_UNDECIDED_SECONDS: i64 = 24 * 3600;

/// A span for which somebody was set off duty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OffDutySpan {
    /// Who.
    pub agent: AgentId,
    /// From when.
    pub from: Timestamp,
    /// Until when; none while it lasts.
    pub to: Option<Timestamp>,
}

/// When each agent of a workspace was away.
#[derive(Debug, Clone, Default)]
pub struct DutyCalendar {
    /// By agent: spans that neither touch nor overlap, in order.
    away: Vec<Vec<(Timestamp, Timestamp)>>,
    /// By agent: the working days of who has working hours.
    works: Vec<Option<Arc<WorkingDays>>>,
}

impl DutyCalendar {
    /// From the absences that the document names and the spans, longer than so many seconds, for which people were set off duty.
    pub fn of(workspace: &Workspace, off_duty: &[OffDutySpan], longer_than_seconds: i64) -> Self {
        let named = |absences: &[Absence]| -> Vec<(Timestamp, Timestamp)> {
            absences.iter().filter_map(|absence| whole_days(absence, &workspace.time_zone)).collect()
        };
        let mut away: Vec<Vec<(Timestamp, Timestamp)>> =
            workspace.agents.iter().map(|agent| named(&agent.duty.absences)).collect();
        for span in off_duty {
            let to = span.to.unwrap_or(Timestamp::MAX);
            let long = to.duration_since(span.from).as_secs() > longer_than_seconds;
            let agent = workspace.find_agent(&span.agent).filter(|_| long);
            if let Some(spans) = agent.and_then(|ix| away.get_mut(ix.0 as usize)) {
                spans.push((span.from, to));
            }
        }
        let days: Vec<Arc<WorkingDays>> = workspace.hours.iter().map(|hours| Arc::new(WorkingDays::of(hours))).collect();
        let works = (0..).map(AgentIx).take(workspace.agents.len()).map(|agent| {
            let ix = workspace.hours_of_results(agent)?;
            days.get(ix.0 as usize).cloned()
        });
        Self { away: away.into_iter().map(joined).collect(), works: works.collect() }
    }

    /// Seconds on duty from one instant to another; 0 when `to` lies before `from`.
    pub fn seconds_on_duty(&self, agent: AgentIx, from: Timestamp, to: Timestamp) -> f64 {
        let works = self.works.get(agent.0 as usize).and_then(Option::as_deref);
        let seconds = |from: Timestamp, to: Timestamp| match works {
            Some(days) => days.seconds(from, to),
            None => seconds_between(from, to),
        };
        let whole = seconds(from, to);
        let away = self.away.get(agent.0 as usize).map_or(0.0, |spans| {
            let part = |(start, end): &(Timestamp, Timestamp)| seconds(*start.max(&from), *end.min(&to));
            spans.iter().map(part).sum()
        });
        (whole - away).max(0.0)
    }
}

/// Seconds from `from` to `to`, never below 0.
pub(in crate::core) fn seconds_between(from: Timestamp, to: Timestamp) -> f64 {
    to.duration_since(from).as_secs_f64().max(0.0)
}

/// Both days whole, in the workspace's zone; none for a span that ends before it begins.
fn whole_days(absence: &Absence, zone: &TimeZone) -> Option<(Timestamp, Timestamp)> {
    let start = |day: Date| Some(day.to_zoned_datetime(zone.clone()).ok()?.timestamp());
    let after = absence.to.tomorrow().ok()?;
    (absence.from <= absence.to).then_some((start(absence.from)?, start(after)?))
}

fn joined(mut spans: Vec<(Timestamp, Timestamp)>) -> Vec<(Timestamp, Timestamp)> {
    spans.sort_unstable();
    let mut joined: Vec<(Timestamp, Timestamp)> = Vec::with_capacity(spans.len());
    for (from, to) in spans {
        match joined.last_mut() {
            Some((_, end)) if from <= *end => *end = to.max(*end),
            _ => joined.push((from, to)),
        }
    }
    joined
}

/// Days from `from` (included) to `to` (excluded) that count as working days. At most `most` are counted.
pub fn working_days(from: Date, to: Date, most: u32, is_working: impl Fn(Date) -> bool) -> u32 {
    let (mut day, mut count) = (from, 0);
    while day < to && count < most {
        count += u32::from(is_working(day));
        match day.tomorrow() {
            Ok(next) => day = next,
            Err(_) => break,
        }
    }
    count
}

/// A day of the schedule on which work is done, or without a schedule Monday to Friday; apart from the days of an absence.
pub fn is_working_day(day: Date, hours: Option<&Hours>, absences: &[Absence]) -> bool {
    let works =
        hours.map_or_else(|| !matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday), |hours| hours.is_working_day(day));
    works && !absences.iter().any(|absence| (absence.from..=absence.to).contains(&day))
}
