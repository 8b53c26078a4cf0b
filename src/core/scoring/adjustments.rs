//! What bends an agent's share beside the score: a lead's correction of the value, and a newcomer's part of the base.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::core::agent::Agent;
use crate::core::ids::AgentId;
use crate::core::intervention::{CorrectionInForce, InterventionBook};
use crate::core::policy::RampUp;
use crate::core::working_time::duty_days;
use crate::core::working_time::hours::Hours;
use crate::core::workspace::{PolicyIx, Workspace};

/// A correction is a factor from here ...
pub const CORRECTION_MIN: f64 = 0.1;

/// ... to here.
pub const CORRECTION_MAX: f64 = 10.0;

/// Two factors; 1 changes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Adjustment {
    /// Times the value.
    pub correction: f64,
    /// Times the base share.
    pub ramp_up: f64,
}

impl Adjustment {
    /// Nothing is adjusted.
    pub const NONE: Self = Self { correction: 1.0, ramp_up: 1.0 };
}

/// The adjustments that hold at one instant. Who is not in it has none.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Adjustments(BTreeMap<AgentId, Adjustment>);

impl Adjustments {
    /// What holds for the agents of a policy.
    pub fn at(workspace: &Workspace, policy: PolicyIx, book: &InterventionBook, now: Timestamp) -> Self {
        let today = workspace.time_zone.to_datetime(now).date();
        let rule = workspace.policy(policy).ramp_up;
        let of = |(agent, hours): (&Agent, Option<&Hours>)| Adjustment {
            correction: book.correction(&agent.id, now).map_or(1.0, factor),
            ramp_up: ramp_up(agent, hours, rule, today).map_or(1.0, |ramp_up| ramp_up.factor),
        };
        let agents = workspace.pool(policy).into_iter().map(|ix| (workspace.agent(ix), workspace.schedule_of_results(ix)));
        let adjusted =
            agents.map(|agent| (agent.0.id.clone(), of(agent))).filter(|(_, adjustment)| *adjustment != Adjustment::NONE);
        Self(adjusted.collect())
    }

    /// An agent's.
    pub fn of(&self, agent: &AgentId) -> Adjustment {
        self.0.get(agent).copied().unwrap_or(Adjustment::NONE)
    }
}

/// A correction's factor within bounds; 1 for one that is no number.
fn factor(correction: &CorrectionInForce) -> f64 {
    if correction.factor.is_nan() { 1.0 } else { correction.factor.clamp(CORRECTION_MIN, CORRECTION_MAX) }
}

/// How far a newcomer is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RampUpState {
    /// The first day.
    pub since: Date,
    /// Working days since then, today not counted; leave does not count. At most as many as the rule asks for.
    pub days_worked: u32,
    /// Times the base share.
    pub factor: f64,
}

/// How far somebody is on a day, who works by these hours (without: Monday to Friday); none for who is not new, or no more.
pub fn ramp_up(agent: &Agent, hours: Option<&Hours>, rule: RampUp, today: Date) -> Option<RampUpState> {
    let since = agent.duty.since?;
    let is_working = |day: Date| duty_days::is_working_day(day, hours, &agent.duty.absences);
    let days_worked = duty_days::working_days(since, today, rule.working_days, is_working);
    (days_worked < rule.working_days).then(|| RampUpState { since, days_worked, factor: rule.factor(days_worked) })
}
