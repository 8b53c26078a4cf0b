//! A PBX's hook as the broker sees it: plain values in, plain values out, and the port that a dialect implements.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use secrecy::SecretString;

use super::decide::Encode;
use crate::core::call::{CallEvent, DecisionRequest};
use crate::core::record::EncodedReply;

/// One request to `/hooks/{workspace}/{connection}/{*rest}`. Everything in it comes from strangers.
#[derive(Clone, Copy)]
pub struct HookRequest<'a> {
    /// The HTTP method, in capitals.
    pub method: &'a str,
    /// What follows the connection in the path.
    pub rest_path: &'a str,
    /// The query as it came, without the question mark; empty when there is none.
    pub query: &'a str,
    /// Finds a header by its name in small letters.
    pub header: &'a (dyn Fn(&str) -> Option<&'a str> + Sync),
    /// The body as it came; empty while the sender is not known yet.
    pub body: &'a [u8],
    /// When it was received.
    pub received_at: Timestamp,
}

impl fmt::Debug for HookRequest<'_> {
    /// Leaves out path, query and body: they hold secrets and personal data.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HookRequest")
            .field("method", &self.method)
            .field("body_bytes", &self.body.len())
            .field("received_at", &self.received_at)
            .finish_non_exhaustive()
    }
}

/// What a hook asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum HookKind {
    /// Whom to ring?
    Decision,
    /// This happened.
    Events,
}

/// Why a hook cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct HookFault {
    /// Stable code: for problems, logs and metrics.
    pub code: &'static str,
    /// The HTTP status, where faults are told to the PBX.
    pub status: u16,
    /// What is wrong and what to do, without personal data.
    pub detail: String,
}

/// One event of a batch that cannot be used; the others can.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventFault {
    /// Its position in the request, from 0.
    pub index: usize,
    /// Stable code.
    pub code: &'static str,
    /// What is wrong and what to do.
    pub detail: String,
}

/// The events of a hook.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct DecodedEvents {
    /// Those that can be used.
    pub events: Vec<CallEvent>,
    /// Those that cannot.
    pub faults: Vec<EventFault>,
    /// How many were of a type the dialect does not know; they stay in the inbox.
    pub unknown: usize,
}

/// A decoded question with the way to answer it.
pub struct DecodedDecision {
    /// What is asked.
    pub request: DecisionRequest,
    /// How to answer, with what the answer must repeat of the question.
    pub encode: Box<Encode>,
}

/// A PBX's dialect, as configured in one connection. Never waits, never panics on what strangers send.
pub trait HookDialect: Send + Sync + 'static {
    /// The secret the sender shows, wherever the dialect carries it; asked before the body is read.
    fn presented_secret<'a>(&self, hook: &HookRequest<'a>) -> Option<Cow<'a, str>>;

    /// What the hook asks for; asked before the body is read.
    fn kind(&self, hook: &HookRequest<'_>) -> Result<HookKind, HookFault>;

    /// Reads a question.
    fn decode_decision(self: Arc<Self>, hook: &HookRequest<'_>) -> Result<DecodedDecision, HookFault>;

    /// Reads events.
    fn decode_events(&self, hook: &HookRequest<'_>) -> Result<DecodedEvents, HookFault>;

    /// What the PBX gets for events that were stored.
    fn events_reply(&self, accepted: usize, duplicates: usize, faults: &[EventFault]) -> EncodedReply;

    /// What the PBX gets for a hook that cannot be used, where that is not a problem document: something it can dial, if
    /// possible.
    fn safe_reply(&self, kind: HookKind, hook: &HookRequest<'_>, fallback: Option<&str>) -> Option<EncodedReply>;
}

/// Where a PBX connection's hooks are received.
#[derive(Clone)]
pub struct HookEndpoint {
    /// Its dialect.
    pub dialect: Arc<dyn HookDialect>,
    /// The secret its hooks must show.
    pub secret: SecretString,
    /// By when a hook must be answered, in milliseconds since its arrival.
    pub deadline_ms: u32,
}
