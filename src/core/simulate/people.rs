//! Who is on duty, who is busy, and how loaded everybody is.

use super::call_log::CallLog;
use super::per_agent::PerAgent;
use crate::core::load::guard::Readings;

/// Everybody on the floor.
#[derive(Debug)]
pub(super) struct People {
    on_duty: PerAgent<bool>,
    busy: PerAgent<bool>,
    idle_since_us: PerAgent<i64>,
    logs: PerAgent<CallLog>,
    ready: usize,
}

impl People {
    pub(super) fn new(agents: usize) -> Self {
        Self {
            on_duty: PerAgent::same(true, agents),
            busy: PerAgent::same(false, agents),
            idle_since_us: PerAgent::same(0, agents),
            logs: (0..agents).map(|_| CallLog::new(0)).collect(),
            ready: agents,
        }
    }

    /// How many are on duty and not busy.
    pub(super) fn ready(&self) -> usize {
        self.ready
    }

    pub(super) fn is_ready(&self, agent: usize) -> bool {
        self.on_duty[agent] && !self.busy[agent]
    }

    pub(super) fn on_duty(&self) -> &[bool] {
        self.on_duty.all()
    }

    pub(super) fn busy(&self) -> &[bool] {
        self.busy.all()
    }

    /// Since when each has been idle; meaningless for the busy.
    pub(super) fn idle_since_us(&self) -> &[i64] {
        self.idle_since_us.all()
    }

    pub(super) fn readings(&mut self, agent: usize, now_us: i64) -> Readings {
        self.logs[agent].readings(now_us)
    }

    /// A new shift: everybody comes, rested.
    pub(super) fn begin_shift(&mut self, now_us: i64) {
        for log in self.logs.all_mut() {
            log.begin_shift(now_us);
        }
        for agent in 0..self.on_duty.all().len() {
            self.come(agent, now_us);
        }
    }

    /// Goes off duty; a conversation is finished first.
    pub(super) fn leave(&mut self, agent: usize) {
        self.ready -= usize::from(self.is_ready(agent));
        self.on_duty[agent] = false;
    }

    /// Comes on duty.
    pub(super) fn come(&mut self, agent: usize, now_us: i64) {
        if !self.on_duty[agent] {
            self.on_duty[agent] = true;
            self.idle_since_us[agent] = now_us;
            self.ready += usize::from(!self.busy[agent]);
        }
    }

    /// A phone rings: nobody else is put through meanwhile.
    pub(super) fn ring(&mut self, agent: usize) {
        self.ready -= usize::from(self.is_ready(agent));
        self.busy[agent] = true;
    }

    /// A phone rang in vain.
    pub(super) fn stop_ringing(&mut self, agent: usize) {
        self.busy[agent] = false;
        self.ready += usize::from(self.is_ready(agent));
    }

    /// A conversation begins; the person is busy until its after-call time ends.
    pub(super) fn talk(&mut self, agent: usize, now_us: i64, talk_us: i64, until_us: i64) {
        self.ring(agent);
        self.logs[agent].take(now_us, talk_us, until_us);
    }

    /// After-call time is over.
    pub(super) fn release(&mut self, agent: usize, now_us: i64) {
        self.stop_ringing(agent);
        self.idle_since_us[agent] = now_us;
    }
}
