//! A sales floor under a guard.

use meritline::core::call::CallEventType;
use meritline::core::intervention::{Actor, Change, Intervention};
use meritline::core::load::guard::{Band, Indicator, Limits, Readings};
use meritline::core::load::workload::Eased;
use meritline::core::policy::{Count, Guard, Mode, Policy};
use meritline::core::record::{DecisionRecord, MemberStanding};
use meritline::core::workspace::PolicyIx;

use crate::support::floor::{Floor, plain_policy, workspace};

/// A policy with nothing but the distribution and this guard in it, both stages.
pub(crate) fn guarded(id: &str, guard: Guard) -> Policy {
    let mut policy = Policy { guard, ..plain_policy(id, Mode::Percent, Count::Answered) };
    policy.dialling.busy_stage = true;
    policy
}

/// A guard with this one band.
pub(crate) fn only(indicator: Indicator, lo: f64, hi: f64) -> Guard {
    let mut limits = Limits::default();
    limits.set(indicator, Some(Band::new(lo, hi)));
    Guard { limits, ..Guard::default() }
}

/// One group `team` with these people at equal shares.
pub(crate) fn team(people: &[&str], guard: Guard) -> Floor {
    let members: Vec<(&str, f64)> = people.iter().map(|id| (*id, 1.0)).collect();
    Floor::new(workspace(&[("team", "p", &members)], vec![guarded("p", guard)]))
}

impl Floor {
    /// A conversation that nobody asked us about: it loads the person all the same.
    pub(crate) fn talk(&mut self, call: &str, agent: &str, minutes: f64) {
        self.event(call, CallEventType::Answered, Some(agent));
        self.pass(minutes * 60.0);
        self.event(call, CallEventType::Ended, Some(agent));
        self.event(call, CallEventType::Ended, None);
    }

    /// So many conversations of a length, with so much time after each, in minutes.
    pub(crate) fn talks(&mut self, name: &str, agent: &str, count: u32, (minutes, gap): (f64, f64)) {
        for call in 0..count {
            self.talk(&format!("{name}{call}"), agent, minutes);
            self.pass(gap * 60.0);
        }
    }

    /// What the indicators show of a person under the first policy.
    pub(crate) fn readings(&self, agent: &str) -> Readings {
        let (ix, guard) = (self.agent_ix(agent), &self.tally.workspace().policies[0].guard);
        let read = |course: &meritline::core::load::workload::Course| course.workload().readings(self.now.as_microsecond());
        self.tally.agent(ix).activity.with_course(0, guard, read)
    }

    /// What the first policy's guard says of a person alone.
    pub(crate) fn eased(&self, agent: &str) -> Option<Eased> {
        meritline::core::load::group_guard::eased(&self.tally, self.agent_ix(agent), PolicyIx(0), self.now)
    }

    /// What the guard leaves of a person's weight: 1 all, 0 stopped.
    pub(crate) fn factor(&self, agent: &str) -> f64 {
        self.eased(agent).map_or(1.0, |eased| eased.factor)
    }

    /// Sets something by hand; each time another one.
    pub(crate) fn set(&mut self, change: Change) {
        let id = uuid::Uuid::from_u128(self.now.as_microsecond() as u128);
        let by = Actor { role: "agent".into(), agent: None };
        self.tally.intervene(&Intervention { id, set_at: self.now, by, change });
    }
}

/// How the members of the first group stood.
pub(crate) fn standings(record: &DecisionRecord) -> &[MemberStanding] {
    &record.groups[0].standing
}

/// Expected shares of the first group.
pub(crate) fn expected(record: &DecisionRecord) -> &[f64] {
    &record.groups[0].lambda.values
}
