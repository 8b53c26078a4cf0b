//! How far a PBX's clock is from ours, as its last event tells.
//!
//! A part of the fold: of all events the one received last holds, so order and repetition cannot matter. It moves nothing.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};

use crate::core::ids::{ConnectionId, EventId};
use crate::core::record::ReceivedEvent;

/// So far a PBX's clock may differ from ours, and so late its events may come, before somebody is told.
pub const DIFFERENCE_SECONDS_MAX: i64 = 300;

/// The clocks of a workspace's PBXs.
#[derive(Debug, Clone, Default)]
pub struct PbxClocks(HashMap<ConnectionId, Word>);

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Word {
    received_at: Timestamp,
    at: Timestamp,
    id: EventId,
}

/// How a PBX's clock stood with its last event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClockDifference {
    /// Receipt of that event.
    pub received_at: Timestamp,
    /// Its own time less its receipt, in seconds: above 0 the PBX's clock is ahead; below 0 it is behind, or the event came late.
    pub seconds: i64,
}

impl PbxClocks {
    /// Takes in an event; the same one again changes nothing.
    pub fn hear(&mut self, received: &ReceivedEvent) {
        let (received_at, at) = (received.received_at, received.event.at);
        match self.0.get_mut(&received.connection) {
            Some(known) => {
                if (known.received_at, known.at, &known.id) < (received_at, at, &received.event.event_id) {
                    *known = Word { received_at, at, id: received.event.event_id.clone() };
                }
            }
            None => {
                self.0.insert(received.connection.clone(), Word { received_at, at, id: received.event.event_id.clone() });
            }
        }
    }

    /// How a connection's clock stood; none before its first event.
    pub fn difference(&self, connection: &ConnectionId) -> Option<ClockDifference> {
        let word = self.0.get(connection)?;
        Some(ClockDifference { received_at: word.received_at, seconds: word.at.duration_since(word.received_at).as_secs() })
    }
}

impl ClockDifference {
    /// What to tell of it, where it is too large.
    pub fn warning(&self, connection: &ConnectionId) -> Option<String> {
        if self.seconds.abs() <= DIFFERENCE_SECONDS_MAX {
            return None;
        }
        let how_far = SignedDuration::from_secs(self.seconds.abs());
        Some(if self.seconds > 0 {
            format!(
                "The clock of PBX connection `{connection}` is {how_far:#} ahead of ours: set both by NTP, and look at the time zone \
                 the PBX writes."
            )
        } else {
            format!(
                "The clock of PBX connection `{connection}` is {how_far:#} behind ours, or its events come so late: set both by NTP, \
                 look at the time zone the PBX writes, and at what it waits for."
            )
        })
    }
}
