//! Which shares an answer follows: the policy's, or equal ones to compare with.
//!
//! A new policy is first observed, then followed for a part of the calls or in an experiment's blocks, then for all. Meanwhile the
//! other calls are answered by the comparison: equal shares among the same people, with everything else of the policy (who may be
//! rung, how, what is charged) as it is. A lead's brake puts equal shares in place of the policy's at once. It chooses nobody: see
//! `choose`.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::experiment::Experiment;
use super::trial::PolicyArm;
use crate::core::chance::SplitMix64;
use crate::core::distribution::call_state::CallState;
use crate::core::distribution::selection;
use crate::core::distribution::tally::Tally;
use crate::core::ids::{CallKey, PolicyId};
use crate::core::policy::Policy;
use crate::core::workspace::{AgentIx, Group, GroupIx, Member, MemberRef, PolicyIx, Workspace};

/// Which calls are answered by the policy while no experiment runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FollowedCalls {
    /// None: the policy decides and records, the PBX gets the comparison.
    None,
    /// So many percent, drawn by the call's id; the others get the comparison.
    Percent(u8),
    /// All.
    #[default]
    All,
}

/// How far answers follow a policy.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rollout {
    /// Which calls, while no experiment runs.
    pub calls: FollowedCalls,
    /// The experiment; while it runs, its blocks say whether answers follow the policy.
    pub experiment: Option<Experiment>,
}

/// Which shares an answer followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Arm {
    /// The policy's.
    Policy,
    /// Equal ones, to compare with.
    Comparison,
    /// Equal ones, because a lead pulled the brake.
    Brake,
}

impl Arm {
    /// The arm as it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Policy => "policy",
            Self::Comparison => "comparison",
            Self::Brake => "brake",
        }
    }

    /// What it is compared with.
    pub fn other(self) -> Self {
        match self {
            Self::Policy => Self::Comparison,
            Self::Comparison | Self::Brake => Self::Policy,
        }
    }
}

impl Rollout {
    /// The arm of a call that has none yet; none where all calls follow the policy and nothing is compared.
    pub fn arm(&self, policy: &PolicyId, call: &CallKey, now: Timestamp) -> Option<Arm> {
        if let Some(block) = self.experiment.as_ref().and_then(|experiment| experiment.block_at(now)) {
            return Some(block.arm);
        }
        match self.calls {
            FollowedCalls::All => None,
            FollowedCalls::Percent(percent) if draw(policy, call) * 100.0 < f64::from(percent) => Some(Arm::Policy),
            FollowedCalls::None | FollowedCalls::Percent(_) => Some(Arm::Comparison),
        }
    }

    /// The setting as a workspace file writes it, or `experiment` while one runs.
    pub fn told(&self, now: Timestamp) -> String {
        if self.experiment.as_ref().is_some_and(|experiment| experiment.block_at(now).is_some()) {
            return "experiment".to_owned();
        }
        match self.calls {
            FollowedCalls::None => "observe".to_owned(),
            FollowedCalls::Percent(percent) => format!("{percent}%"),
            FollowedCalls::All => "on".to_owned(),
        }
    }
}

/// A number in [0, 1) that is the same for all attempts of a call, on every machine and in every version: FNV-1a of the ids,
/// mixed. The policy is part of it, so that two policies divide the calls independently.
fn draw(policy: &PolicyId, call: &CallKey) -> f64 {
    let texts = [policy.as_str(), call.connection.as_str(), call.call.as_str()];
    let bytes = texts.iter().flat_map(|text| text.bytes().chain([0xff]));
    let hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    SplitMix64::new(hash).unit()
}

/// The arm of each policy that a call may meet below a group; empty where all follow their policies and nothing is compared.
pub(in crate::core) fn arms(tally: &Tally, call: &CallKey, group: GroupIx, now: Timestamp) -> Vec<(PolicyIx, Arm)> {
    let workspace = tally.workspace();
    let known = tally.call(call);
    let arm = |ix: PolicyIx| Some((ix, arm_under(workspace.policy(ix), tally, call, known, now)?));
    let under_test: Vec<(PolicyIx, Arm)> = (0..).map(PolicyIx).take(workspace.policies.len()).filter_map(arm).collect();
    if under_test.is_empty() {
        return under_test;
    }
    let mut met = Vec::new();
    policies_below(workspace, group, &mut met);
    under_test.into_iter().filter(|(ix, _)| met.contains(ix)).collect()
}

fn arm_under(policy: &Policy, tally: &Tally, call: &CallKey, known: Option<&CallState>, now: Timestamp) -> Option<Arm> {
    if tally.interventions().equal_shares(&policy.id) {
        return Some(Arm::Brake);
    }
    // A call stays in its arm, whatever block its later attempts fall into.
    let taken = known.into_iter().flat_map(|call| &call.decisions).flat_map(|record| &record.trial.arms);
    let mut taken = taken.filter(|PolicyArm { policy: of, arm }| *of == policy.id && *arm != Arm::Brake);
    taken.next().map(|taken| taken.arm).or_else(|| policy.rollout.arm(&policy.id, call, now))
}

fn policies_below(workspace: &Workspace, group: GroupIx, met: &mut Vec<PolicyIx>) {
    let group = workspace.group(group);
    if !met.contains(&group.policy) {
        met.push(group.policy);
    }
    for member in &group.members {
        match member.who {
            MemberRef::Group(below) => policies_below(workspace, below, met),
            MemberRef::Agent(_) => {}
        }
    }
}

/// Equal shares of a group's members: each person counts the same, so a member that is a group gets as many parts as there are
/// people in it. Whoever has base 0 has no part.
pub(in crate::core) fn equal_shares(groups: &[Group], group: &Group) -> Vec<f64> {
    let people: Vec<f64> = head_counts(groups, group).iter().map(|people| *people as f64).collect();
    selection::expected_shares(&people)
}

/// How many people can be rung through each member of a group.
pub(in crate::core) fn head_counts(groups: &[Group], group: &Group) -> Box<[usize]> {
    let people = group.members.iter().map(|member| {
        let mut people = BTreeSet::new();
        add_people(groups, member, &mut people);
        people.len()
    });
    people.collect()
}

/// Adds everybody who can be rung through a member.
pub(in crate::core) fn add_people(groups: &[Group], member: &Member, people: &mut BTreeSet<AgentIx>) {
    match member.who {
        _ if member.base <= 0.0 => {}
        MemberRef::Agent(agent) => drop(people.insert(agent)),
        MemberRef::Group(GroupIx(below)) => {
            let members = groups.get(below as usize).into_iter().flat_map(|group| &group.members);
            members.for_each(|member| add_people(groups, member, people));
        }
    }
}

/// The people whom a policy gives calls to: everybody who can be rung through a group with it.
pub fn people_under(workspace: &Workspace, policy: PolicyIx) -> BTreeSet<AgentIx> {
    let mut people = BTreeSet::new();
    for member in workspace.groups.iter().filter(|group| group.policy == policy).flat_map(|group| &group.members) {
        add_people(&workspace.groups, member, &mut people);
    }
    people
}
