//! What a replay comes to: both sides of the comparison, by agent and in total.

use std::collections::BTreeMap;

use jiff::SignedDuration;

use super::played_call::Answerer;
use crate::core::ids::AgentId;

/// What one agent got.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct AgentTotal {
    /// Calls answered.
    pub calls: u64,
    /// Seconds talked.
    pub talk_seconds: f64,
    /// Calls in which the agent was named first.
    pub named_first: u64,
}

/// One side of the comparison.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Side {
    /// By agent.
    pub agents: BTreeMap<AgentId, AgentTotal>,
    /// Calls for which nobody was named.
    pub without_target: u64,
    /// Answered calls that scores say something of.
    pub valued_calls: u64,
    /// Sum over them of what the agent who answers is worth, by the scores of the other workspace; an average agent is 1.
    pub value: f64,
}

/// What a replay comes to.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Outcome {
    /// Calls replayed.
    pub calls: u64,
    /// Calls in which another agent, or nobody, is named first, in the first answer or in a later one.
    pub first_differs: u64,
    /// Calls that no route of the other workspace takes.
    pub without_route: u64,
    /// Calls that the other workspace's routes do not ring agents for: they refuse them, leave them to a branch, or promise a call.
    pub not_rung: u64,
    /// Calls for which a route was passed over because no CRM had been asked about the caller: it might have been taken.
    pub caller_not_known: u64,
    /// Tasks to call back that were given to somebody.
    pub tasks: u64,
    /// Those that another agent is given, or nobody.
    pub tasks_differ: u64,
    /// As recorded.
    pub recorded: Side,
    /// Under the other policy.
    pub replayed: Side,
}

impl Side {
    /// Mean value of whoever answered; none where no scores tell.
    pub fn mean_value(&self) -> Option<f64> {
        (self.valued_calls > 0).then(|| self.value / self.valued_calls as f64)
    }

    pub(super) fn add(&mut self, answers: &Answerer, talk: SignedDuration) {
        let total = self.agents.entry(answers.agent.clone()).or_default();
        total.calls += 1;
        total.talk_seconds += talk.as_secs_f64();
        self.value += answers.value.unwrap_or(0.0);
        self.valued_calls += u64::from(answers.value.is_some());
    }

    pub(super) fn take(&mut self, answers: &Answerer, talk: SignedDuration) {
        let total = self.agents.entry(answers.agent.clone()).or_default();
        total.calls = total.calls.saturating_sub(1);
        total.talk_seconds -= talk.as_secs_f64();
        self.value -= answers.value.unwrap_or(0.0);
        self.valued_calls = self.valued_calls.saturating_sub(u64::from(answers.value.is_some()));
    }
}
