//! What a choice comes to, and the record of one.

use std::sync::Arc;

use jiff::Timestamp;

use crate::core::decision::{CallerCard, Decision, Reason, Target};
use crate::core::distribution::selection::Adjustment;
use crate::core::ids::{CallKey, DecisionId, GroupId};
use crate::core::proving::trial::Trial;
use crate::core::record::{AllStopped, Asked, DecisionRecord, EncodedReply, Feed, GroupView, Steps};
use crate::core::routing::route::Outcome;

/// Whom to ring, and what that moves.
#[derive(Debug, Clone, PartialEq)]
pub struct Choice {
    /// In this order; empty when nobody can be rung.
    pub targets: Vec<Target>,
    /// Why.
    pub reason: Reason,
    /// Whether the call moves credit.
    pub moves_credit: bool,
    /// The groups looked into, the route's group first: those on the way to a target; where nobody can be rung, all.
    pub groups: Vec<GroupView>,
    /// For each target the way to it.
    pub paths: Vec<Steps>,
    /// For each step of the first path: what keeps credits bounded.
    pub adjustments: Vec<Adjustment>,
    /// What of it is under test.
    pub trial: Trial,
}

/// What a record says besides the choice.
#[derive(Debug, Clone)]
pub struct RecordHead {
    /// One above the state's last.
    pub sequence: u64,
    /// UUID version 7.
    pub decision_id: DecisionId,
    /// The call.
    pub call: CallKey,
    /// The attempt, from 1.
    pub attempt: u32,
    /// When it was asked.
    pub received_at: Timestamp,
    /// Whether events follow.
    pub feed: Feed,
}

impl Choice {
    /// Nobody.
    pub fn nobody(reason: Reason) -> Self {
        let (targets, groups, paths, adjustments) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        Self { targets, reason, moves_credit: true, groups, paths, adjustments, trial: Trial::default() }
    }

    /// What becomes of the call in place of ringing, because everybody rests: the promise that the policy's order makes.
    pub fn promise(&self) -> Option<Outcome<GroupId>> {
        let view = self.groups.first().filter(|view| view.guard.all_stopped == Some(AllStopped::Callback))?;
        Some(Outcome::Callback { group: view.group.clone() })
    }

    /// The record of a choice that no PBX asked for: nothing of a caller, and an empty answer.
    pub fn into_record(self, head: RecordHead) -> DecisionRecord {
        DecisionRecord {
            sequence: head.sequence,
            connection: head.call.connection,
            asked: Asked::default(),
            decision: Decision {
                decision_id: head.decision_id,
                call_id: head.call.call,
                attempt: head.attempt,
                received_at: head.received_at,
                route: None,
                outcome: None,
                passed: Vec::new(),
                reason: self.reason,
                targets: self.targets,
                fallback: None,
                caller: CallerCard::default(),
                scores_age_seconds: None,
                degraded: Vec::new(),
            },
            feed: head.feed,
            moves_credit: self.moves_credit,
            groups: self.groups,
            paths: self.paths,
            adjustments: self.adjustments,
            trial: self.trial,
            reply: EncodedReply { status: 204, content_type: "".into(), body: Arc::default() },
        }
    }
}
