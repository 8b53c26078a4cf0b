//! A score table that is kept out, as a lead looks at it before accepting it.

use serde::Serialize;
use utoipa::ToSchema;

use super::versions::VersionValue;
use crate::broker::score_book::PolicyScores;
use crate::core::shares::target_share;
use crate::core::workspace::{GroupIx, PolicyIx, Workspace};

/// A score table that was not taken.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct RefusedVersion {
    /// The version it gets if it is accepted. What the CRM shows later goes by the same number only as long as it would follow this
    /// table without question.
    pub version: u64,
    /// Why it was not taken.
    pub reason: String,
    /// When it was first refused.
    pub since: String,
    /// When its deals were known to be current.
    pub as_of: String,
    /// Contracts within the horizon, of all agents.
    pub contracts_closed: u64,
    /// Contracts of any age, of all agents.
    pub contracts_known: u64,
    /// In the order of the workspace.
    pub agents: Vec<VersionValue>,
    /// Where shares would go, by group and member.
    pub shares: Vec<RefusedShare>,
}

/// A member's target share under the table in use and under the refused one, 0 to 1.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct RefusedShare {
    /// In which group.
    pub group: String,
    /// An agent or a group.
    pub member: String,
    /// Under the table in use.
    pub from: f64,
    /// If the refused one were taken.
    pub to: f64,
}

/// The table that waits to be accepted, if one does.
pub(super) fn shown(workspace: &Workspace, policy: PolicyIx, scores: &PolicyScores) -> Option<RefusedVersion> {
    let (reason, kept_out) = scores.refused.as_ref().zip(scores.kept_out.as_ref())?;
    let table = &kept_out.table;
    Some(RefusedVersion {
        version: kept_out.version,
        reason: reason.clone(),
        since: kept_out.since.to_string(),
        as_of: table.as_of.to_string(),
        contracts_closed: table.pool.contracts_closed,
        contracts_known: table.agents.iter().map(|score| score.contracts_known).sum(),
        agents: VersionValue::of(table),
        shares: shares(workspace, policy, scores),
    })
}

fn shares(workspace: &Workspace, policy: PolicyIx, scores: &PolicyScores) -> Vec<RefusedShare> {
    let groups = (0..).map(GroupIx).zip(&workspace.groups).filter(|(_, group)| group.policy == policy);
    let (in_use, refused) = (scores.in_use(), scores.kept_out.as_ref().map(|kept_out| &kept_out.table));
    let of_group = |(ix, group): (GroupIx, &crate::core::workspace::Group)| {
        let targets = |table: Option<&std::sync::Arc<crate::core::scoring::score_table::ScoreTable>>| {
            target_share::adjusted_targets(workspace, ix, table.map(|table| &**table), &scores.adjustments).members
        };
        let pairs = targets(in_use).into_iter().zip(targets(refused));
        let share = |(from, to): (target_share::MemberTarget, target_share::MemberTarget)| RefusedShare {
            group: group.id.to_string(),
            member: to.member.to_string(),
            from: from.target,
            to: to.target,
        };
        pairs.map(share).collect::<Vec<_>>()
    };
    groups.flat_map(of_group).collect()
}
