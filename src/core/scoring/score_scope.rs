//! What every part of a score's computation asks: who is in the pool, how old something is, in which week it lies.

use std::collections::HashMap;

use jiff::Timestamp;
use jiff::civil::{Date, date};

use super::formulas::fading;
use super::score_input::ScoreInput;
use crate::core::working_time::duty_days::{DutyCalendar, OFF_DUTY_ABSENCE_SECONDS, OFF_DUTY_UNDECIDED_SECONDS, seconds_between};
use crate::core::workspace::AgentIx;

/// Weeks from Monday to Sunday in the workspace's zone, counted from that of 5 January 1970.
pub(in crate::core) type Week = i64;

/// The pool, and time as its members see it.
pub(in crate::core) struct Scope<'a> {
    /// What scores are computed from.
    pub(in crate::core) input: &'a ScoreInput<'a>,
    /// The pool, in the order of the document.
    pub(in crate::core) pool: Vec<AgentIx>,
    positions: HashMap<AgentIx, usize>,
    duty: DutyCalendar,
    decides: DutyCalendar,
}

impl<'a> Scope<'a> {
    /// Of the input's policy.
    pub(in crate::core) fn of(input: &'a ScoreInput<'a>) -> Self {
        let pool = input.workspace.pool(input.policy);
        let positions = pool.iter().enumerate().map(|(position, agent)| (*agent, position)).collect();
        let calendar = |longer_than_seconds| DutyCalendar::of(input.workspace, input.off_duty, longer_than_seconds);
        let (duty, decides) = (calendar(OFF_DUTY_ABSENCE_SECONDS), calendar(OFF_DUTY_UNDECIDED_SECONDS));
        Self { input, pool, positions, duty, decides }
    }

    /// An agent's position in the pool.
    pub(in crate::core) fn member(&self, agent: AgentIx) -> Option<usize> {
        self.positions.get(&agent).copied()
    }

    /// How long ago something was, in an agent's seconds on duty; 0 for what lies in the future.
    pub(in crate::core) fn age_seconds(&self, agent: AgentIx, at: Timestamp) -> f64 {
        self.duty.seconds_on_duty(agent, at, self.input.now)
    }

    /// How long an agent could decide a deal since an instant, in seconds: days off are taken out, too.
    pub(in crate::core) fn deciding_seconds(&self, agent: AgentIx, since: Timestamp, until: Timestamp) -> f64 {
        self.decides.seconds_on_duty(agent, since, until)
    }

    /// How long ago something was by the calendar, in seconds.
    pub(in crate::core) fn calendar_seconds(&self, at: Timestamp) -> f64 {
        seconds_between(at, self.input.now)
    }

    /// Whether something of this age counts at all.
    pub(in crate::core) fn is_inside_horizon(&self, age_seconds: f64) -> bool {
        self.input.settings.horizon_seconds.is_none_or(|horizon| age_seconds <= horizon as f64)
    }

    /// What is left of a result of this age.
    pub(in crate::core) fn weight(&self, age_seconds: f64) -> f64 {
        fading(age_seconds, self.input.settings.half_life_seconds)
    }

    /// The day in the workspace's zone.
    pub(in crate::core) fn day(&self, at: Timestamp) -> Date {
        self.input.workspace.time_zone.to_datetime(at).date()
    }

    /// The last day that a lead took out of an agent's results, today included.
    pub(in crate::core) fn last_excluded_day(&self, agent: AgentIx) -> Option<Date> {
        let agent = &self.input.workspace.agent(agent).id;
        self.input.exclusions?.last_day(agent, self.day(self.input.now))
    }

    /// The week in the workspace's zone; this week for what lies in the future.
    pub(in crate::core) fn week(&self, at: Timestamp) -> Week {
        let days = self.day(at.min(self.input.now)).duration_since(date(1970, 1, 5)).as_hours() / 24;
        days.div_euclid(7)
    }
}
