//! Scores of groups that share calls by results: each measured as a whole.

use serde::Serialize;
use utoipa::ToSchema;

use super::explanation::{self, SharePart};
use super::{MetricItem, metric_items};
use crate::broker::score_book::PolicyScores;
use crate::core::money;
use crate::core::scoring::score_table::{GroupScore, ScoreTable};
use crate::core::workspace::{MemberRef, PolicyIx, Workspace};

/// One group's score: the results of its people added up, measured by the same formulas as a person's. Money as decimal text.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct GroupScoreItem {
    /// The group.
    pub group: String,
    /// Whose results it is made of; somebody in two groups counts with everything in each.
    pub people: Vec<String>,
    /// Deals won within the horizon.
    pub contracts_closed: u64,
    /// Deals won, lost or overdue within the horizon.
    pub opportunities: u64,
    /// Open deals that count as lost though they are not overdue, faded: so many more of that age would others have decided.
    pub undecided: f64,
    /// First conversations with callers within the horizon; 0 where conversion is counted from opportunities.
    pub calls_handled: u64,
    /// Sum of amounts.
    pub revenue: String,
    /// Revenue per contract with an amount; null without contracts.
    pub average_check: Option<String>,
    /// The same with big deals capped.
    pub capped_check: Option<String>,
    /// Conversion against the pool's; 1 = average.
    pub conversion_index: f64,
    /// Check against the pool's; 1 = average.
    pub check_index: f64,
    /// The score: 1 for an average or unknown group. Corrections are of people and act inside their groups.
    pub value: f64,
    /// How the value comes about: contributions multiply out to it.
    pub metrics: Vec<MetricItem>,
    /// The group's share in each group of the policy that it is a member of.
    pub shares: Vec<SharePart>,
}

/// The groups of a policy that have a score.
pub(super) fn items(workspace: &Workspace, policy: PolicyIx, scores: &PolicyScores, now: jiff::Timestamp) -> Vec<GroupScoreItem> {
    let Some(table) = scores.in_use() else { return Vec::new() };
    let shares = |score: &GroupScore| {
        let who = workspace.find_group(&score.group).map(MemberRef::Group);
        who.map(|who| explanation::shares(workspace, (policy, who), scores, now)).unwrap_or_default()
    };
    table.groups.iter().map(|score| item(table, score, shares(score))).collect()
}

fn item(table: &ScoreTable, score: &GroupScore, shares: Vec<SharePart>) -> GroupScoreItem {
    let pooled = &score.pooled;
    GroupScoreItem {
        group: score.group.to_string(),
        people: score.people.iter().map(ToString::to_string).collect(),
        contracts_closed: pooled.contracts_closed,
        opportunities: pooled.opportunities,
        undecided: pooled.faded_undecided,
        calls_handled: pooled.calls_handled,
        revenue: money::to_text(pooled.revenue),
        average_check: pooled.average_check.map(money::to_text),
        capped_check: pooled.capped_check.map(money::to_text),
        conversion_index: pooled.conversion_index,
        check_index: pooled.check_index,
        value: pooled.value,
        metrics: metric_items(table.explain_group(&score.group).as_ref()),
        shares,
    }
}
