//! What a replay has let happen in a call so far: enough to take it up again when something comes late.

use std::sync::Arc;

use jiff::Timestamp;

use crate::core::ids::AgentId;
use crate::core::record::{DecisionRecord, ReceivedEvent};

/// How a call goes on in a replay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Course {
    /// As recorded, event by event.
    Recorded,
    /// Somebody else was named first, who is assumed to do what was recorded.
    Assumed,
}

/// Who answers a call.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Answerer {
    pub(super) agent: AgentId,
    /// What scores say of that agent; none where nothing tells.
    pub(super) value: Option<f64>,
}

/// A call that the replay has begun.
#[derive(Debug)]
pub(super) struct PlayedCall {
    pub(super) course: Course,
    /// When a question for it was last replayed.
    pub(super) asked_at: Timestamp,
    pub(super) records: Vec<Arc<DecisionRecord>>,
    pub(super) events: Vec<ReceivedEvent>,
    /// Whether the span has its first question.
    pub(super) is_counted: bool,
    /// Whether it counts as one in which somebody else is named first.
    pub(super) differs: bool,
    /// Who answers it, as it stands.
    pub(super) answers: Option<Answerer>,
}

impl PlayedCall {
    /// A call that goes as recorded and is not counted.
    pub(super) fn new(asked_at: Timestamp) -> Self {
        let (records, events) = (Vec::new(), Vec::new());
        Self { course: Course::Recorded, asked_at, records, events, is_counted: false, differs: false, answers: None }
    }
}
