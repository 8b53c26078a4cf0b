//! Conversations that may lead to a contract, as a call's facts tell them.

use jiff::Timestamp;

use crate::core::decision::Reason;
use crate::core::distribution::call_state::CallState;
use crate::core::ids::{AgentId, CallKey};
use crate::core::phone_number::PhoneNumber;

/// One agent's conversation in an incoming call.
#[derive(Debug, Clone, PartialEq)]
pub struct HandledCall {
    /// The call.
    pub call: CallKey,
    /// Who talked.
    pub agent: AgentId,
    /// Who called; none when withheld.
    pub caller: Option<PhoneNumber>,
    /// When it was answered.
    pub at: Timestamp,
    /// For how long the agent talked.
    pub talk_seconds: f64,
}

/// The conversations of a call, in the order they were answered: none for a call that nobody asked us about (an outgoing
/// one, or another system's), and none for one that went to the caller's own manager, who is no new chance.
pub fn conversations(call: &CallState) -> Vec<HandledCall> {
    let Some(first) = call.decisions.first().filter(|record| record.decision.reason != Reason::PersonalManager) else {
        return Vec::new();
    };
    // Kept as E.164, which needs no region.
    let caller = first.asked.caller.as_deref().and_then(|caller| PhoneNumber::parse(caller, "").ok());
    let told = call.talks().into_iter().map(|talk| HandledCall {
        call: call.key.clone(),
        agent: talk.agent.clone(),
        caller: caller.clone(),
        at: talk.answered_at,
        talk_seconds: talk.talk_seconds,
    });
    told.collect()
}
