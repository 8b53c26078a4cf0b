//! What of a decision was under test: in which arm it was, and what the other arm would have answered.
//!
//! The would-be answer is chosen like the real one, from the same people at the same instant, but with shares and credits of the
//! other arm: see `shadow_books`. It is stored as a fact and never computed again.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::rollout::Arm;
use crate::core::decision::Reason;
use crate::core::distribution::choose::Choice;
use crate::core::distribution::credit_book::{CreditBook, EntryKey};
use crate::core::distribution::selection::Adjustment;
use crate::core::distribution::tally::Tally;
use crate::core::ids::{AgentId, CallKey, GroupId, PolicyId};
use crate::core::record::Lambda;
use crate::core::shares::share_board::ShareBoard;
use crate::core::workspace::{GroupIx, PolicyIx, Workspace};

/// What of a decision was under test.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Trial {
    /// The policies under test that the call could meet, with its arm under each; none where nothing was tested.
    pub arms: Vec<PolicyArm>,
    /// What would have been answered with each of them in its other arm.
    pub other: Option<OtherAnswer>,
}

/// The arm of a decision under one policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyArm {
    /// Which policy.
    pub policy: PolicyId,
    /// Which shares its groups had.
    pub arm: Arm,
}

/// An answer that was not given.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OtherAnswer {
    /// Whom it would have named first; none where nobody could be rung.
    pub agent: Option<AgentId>,
    /// Why.
    pub reason: Reason,
    /// The choices inside groups under test that led there: what the would-be credits move by. Empty for later attempts of a call
    /// and for calls that move no credit.
    pub steps: Vec<OtherStep>,
}

/// One would-be choice inside one group.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OtherStep {
    /// The group.
    pub group: GroupId,
    /// In which arm it would have been made.
    pub arm: Arm,
    /// Expected shares in that arm.
    pub lambda: Arc<Lambda>,
    /// Position of the chosen member in `lambda.members`.
    pub member: u32,
    /// Units of one call, as in the group's view.
    pub unit: f64,
    /// What kept the would-be credits bounded.
    pub adjustment: Adjustment,
}

impl Trial {
    /// The arm of the decision as a whole: the brake where it held anywhere, else the comparison where it answered anywhere.
    pub fn arm(&self) -> Arm {
        let has = |wanted: Arm| self.arms.iter().any(|of| of.arm == wanted);
        [Arm::Brake, Arm::Comparison].into_iter().find(|wanted| has(*wanted)).unwrap_or(Arm::Policy)
    }

    /// The arm under a policy; none where it was not tested.
    pub fn arm_under(&self, policy: &PolicyId) -> Option<Arm> {
        self.arms.iter().find(|of| of.policy == *policy).map(|of| of.arm)
    }
}

/// Which shares and credits a choice reads, group by group.
pub(in crate::core) struct Lens {
    arms: Vec<(PolicyIx, Arm)>,
    /// Whether the choice is a would-be one: it reads the credits of its arms' shadows.
    would_be: bool,
}

impl Lens {
    /// The lens of the answer.
    pub(in crate::core) fn answer(arms: Vec<(PolicyIx, Arm)>) -> Self {
        Self { arms, would_be: false }
    }

    /// The lens of the answer that is not given; none where nothing is tested.
    pub(in crate::core) fn other(&self) -> Option<Self> {
        let arms: Vec<(PolicyIx, Arm)> = self.arms.iter().map(|(policy, arm)| (*policy, arm.other())).collect();
        (!arms.is_empty()).then_some(Self { arms, would_be: true })
    }

    fn arm(&self, workspace: &Workspace, group: GroupIx) -> Option<Arm> {
        let policy = workspace.group(group).policy;
        self.arms.iter().find(|(known, _)| *known == policy).map(|(_, arm)| *arm)
    }

    /// Whether a group's calls follow its policy, and not the comparison.
    pub(in crate::core) fn follows_policy(&self, workspace: &Workspace, group: GroupIx) -> bool {
        match self.arm(workspace, group) {
            None | Some(Arm::Policy) => true,
            Some(Arm::Comparison | Arm::Brake) => false,
        }
    }

    /// The shares a group has.
    pub(in crate::core) fn published(&self, workspace: &Workspace, shares: &ShareBoard, group: GroupIx) -> Arc<[f64]> {
        match self.arm(workspace, group) {
            None | Some(Arm::Policy) => shares.group(group).map(|shares| Arc::clone(&shares.published)).unwrap_or_default(),
            Some(Arm::Comparison | Arm::Brake) => Arc::clone(workspace.equal_shares(group)),
        }
    }

    /// The credits a group has.
    pub(in crate::core) fn book<'t>(&self, tally: &'t Tally, group: GroupIx) -> &'t CreditBook {
        let shadow = self.arm(tally.workspace(), group).filter(|_| self.would_be);
        shadow.and_then(|arm| tally.shadow(group, arm)).unwrap_or_else(|| tally.book(group))
    }

    /// The parts a call has in those credits.
    pub(in crate::core) fn parts_of(&self, tally: &Tally, call: &CallKey, group: GroupIx) -> Vec<EntryKey> {
        if !self.would_be || self.arm(tally.workspace(), group).is_none() {
            return tally.parts_of(call, &tally.workspace().group(group).id);
        }
        let first = tally.call(call).and_then(|call| call.decisions.first());
        first.map(|record| EntryKey::of_first_target(record)).into_iter().collect()
    }

    /// What is recorded of a choice made through this lens, given what the other would have been.
    pub(in crate::core) fn trial(&self, tally: &Tally, call: &CallKey, other: Choice) -> Trial {
        let workspace = tally.workspace();
        let arms = self.arms.iter().map(|(policy, arm)| PolicyArm { policy: workspace.policy(*policy).id.clone(), arm: *arm });
        let begins = tally.call(call).is_none_or(|call| call.decisions.is_empty());
        let agent = other.targets.first().map(|target| target.agent.clone());
        let reason = other.reason;
        let steps = if begins && other.moves_credit { self.other_steps(workspace, other) } else { Vec::new() };
        Trial { arms: arms.collect(), other: Some(OtherAnswer { agent, reason, steps }) }
    }

    fn other_steps(&self, workspace: &Workspace, other: Choice) -> Vec<OtherStep> {
        let path = other.paths.into_iter().next().unwrap_or_default();
        let steps = path.into_iter().zip(other.adjustments).filter_map(|(step, adjustment)| {
            let view = other.groups.get(step.group as usize)?;
            let arm = self.arm(workspace, workspace.find_group(&view.group)?)?.other();
            let lambda = Arc::clone(&view.lambda);
            Some(OtherStep { group: view.group.clone(), arm, lambda, member: step.member, unit: view.unit, adjustment })
        });
        steps.collect()
    }
}
