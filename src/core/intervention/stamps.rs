//! When something about the same thing was last set by hand.

use jiff::Timestamp;

use super::{Change, InterventionBook, Latest};
use crate::core::ids::CallKey;

impl InterventionBook {
    /// When what a change would replace was set; none where nothing was, or where nothing is replaced.
    pub fn last_set_at(&self, change: &Change) -> Option<Timestamp> {
        match change {
            Change::Load { agent, .. } => at(self.loads.get(agent)),
            Change::OneMore { agent } => at(self.one_more.get(agent)),
            Change::PauseAfterCall { agent, .. } => at(self.pauses_after_call.get(agent)),
            Change::Correction { agent, .. } => at(self.corrections.get(agent)),
            Change::Exclusion { subject, .. } => at(self.exclusions.get(subject)),
            Change::Tag { connection, call, .. } => {
                at(self.tags.get(&CallKey { connection: connection.clone(), call: call.clone() }))
            }
            Change::Callback { connection, call, .. } => {
                let said = self.callbacks.get(&CallKey { connection: connection.clone(), call: call.clone() })?;
                said.last_key_value().map(|((at, _), _)| *at)
            }
            Change::EqualShares { policy, .. } => at(self.equal_shares.get(policy)),
            Change::ScorePin { policy, .. } => at(self.score_pins.get(policy)),
            Change::ScoreAccept { policy, .. } => at(self.accepted_scores.get(policy)),
            Change::Objection { .. } | Change::ObjectionAnswer { .. } => None,
        }
    }
}

fn at<T>(latest: Option<&Latest<T>>) -> Option<Timestamp> {
    latest.map(|latest| latest.stamp.0)
}
