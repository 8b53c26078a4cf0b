//! The published shares of every group at one moment: immutable, swapped as a whole.

use std::sync::Arc;

use jiff::Timestamp;

use super::head_count;
use crate::core::workspace::{GroupIx, Workspace};

/// One group's published shares.
#[derive(Debug, Clone, PartialEq)]
pub struct GroupShares {
    /// Typed shares, normalised to sum 1, in the order of the members.
    pub base: Arc<[f64]>,
    /// Published shares before the guard, sum 1 (all 0 for a group without shares).
    pub published: Arc<[f64]>,
    /// When the scores behind it were computed; none where shares follow no scores or there are none yet.
    pub scores_as_of: Option<Timestamp>,
    /// From when on those scores are older than they should be.
    pub stale_at: Option<Timestamp>,
    /// Whether the group's shares should follow scores.
    pub follows_scores: bool,
}

/// The published shares of a workspace, by group.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ShareBoard {
    groups: Vec<GroupShares>,
}

impl ShareBoard {
    /// A board with the shares of each group, in the order of the workspace.
    pub fn new(groups: Vec<GroupShares>) -> Self {
        Self { groups }
    }

    /// Base shares for every group: what holds before the first scores.
    pub fn of_base(workspace: &Workspace) -> Self {
        let groups = workspace.groups.iter().map(|group| {
            let policy = workspace.policy(group.policy);
            let typed: Vec<f64> = group.members.iter().map(|member| head_count::typed(workspace, policy, member)).collect();
            let sum: f64 = typed.iter().sum();
            let base: Arc<[f64]> = typed.iter().map(|typed| if sum > 0.0 { typed / sum } else { 0.0 }).collect();
            GroupShares {
                published: Arc::clone(&base),
                base,
                scores_as_of: None,
                stale_at: None,
                follows_scores: policy.score.is_some(),
            }
        });
        Self { groups: groups.collect() }
    }

    /// The same shares for another version of the workspace, in which positions may differ: a group that is still there with
    /// the same members keeps its shares, any other has its base shares.
    pub fn carried(&self, from: &Workspace, to: &Workspace) -> Self {
        let members = |workspace: &Workspace, group: GroupIx| -> Vec<String> {
            let names = workspace.group(group).members.iter().map(|member| workspace.member_name(member.who).to_owned());
            names.collect()
        };
        let base = Self::of_base(to);
        let groups = (0..).map(GroupIx).zip(&to.groups).zip(base.groups).map(|((ix, group), base)| {
            let before = from.find_group(&group.id).filter(|before| members(from, *before) == members(to, ix));
            before.and_then(|before| self.group(before)).cloned().unwrap_or(base)
        });
        Self { groups: groups.collect() }
    }

    /// A group's shares.
    pub fn group(&self, group: GroupIx) -> Option<&GroupShares> {
        self.groups.get(group.0 as usize)
    }
}
