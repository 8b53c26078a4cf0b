//! The shares a replay goes by: those that the scores of the other file lead to, or those that were published, where nothing that
//! they depend on differs.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use jiff::Timestamp;

use crate::core::distribution::tally::Tally;
use crate::core::ids::{AgentId, GroupId, PolicyId};
use crate::core::intervention::InterventionBook;
use crate::core::proving::rollout::Arm;
use crate::core::record::{DecisionRecord, GroupView};
use crate::core::scoring::adjustments::Adjustments;
use crate::core::scoring::score_table::ScoreTable;
use crate::core::shares::share_board::{GroupShares, ShareBoard};
use crate::core::shares::share_plan::SharePlan;
use crate::core::shares::target_share;
use crate::core::workspace::{GroupIx, PolicyIx, Workspace};

/// Shares that move are taken anew at this pace, in seconds; it divides every zone's midnight.
const STEP_SECONDS: i64 = 300;

/// The groups whose shares depend on nothing that differs between both files.
#[derive(Debug, Clone, Default)]
pub struct Unchanged {
    /// Which.
    pub groups: Vec<GroupId>,
    /// Since when the file in use holds. What was published before may have followed another one.
    pub since: Option<Timestamp>,
}

/// Score tables by policy.
pub type ScoreTables = BTreeMap<PolicyId, Arc<ScoreTable>>;

#[derive(Debug)]
pub(super) struct Shares {
    board: ShareBoard,
    /// Of each group, in the order of the workspace.
    plans: Vec<SharePlan>,
    /// Of each policy, in the order of the workspace.
    adjustments: Vec<Adjustments>,
    tables: ScoreTables,
    /// Published shares of the groups that are as they were: recorded with every decision.
    as_recorded: HashMap<GroupId, Option<Arc<[f64]>>>,
    since: Timestamp,
    /// Whether anything but a new table moves shares.
    can_move: bool,
    step: Option<i64>,
}

impl Shares {
    pub(super) fn new(workspace: &Workspace, unchanged: Unchanged) -> Self {
        let scored = workspace.policies.iter().any(|policy| policy.score.is_some());
        Self {
            board: ShareBoard::of_base(workspace),
            plans: Vec::new(),
            adjustments: Vec::new(),
            tables: ScoreTables::new(),
            as_recorded: unchanged.groups.into_iter().map(|group| (group, None)).collect(),
            since: unchanged.since.unwrap_or(Timestamp::MIN),
            can_move: scored || workspace.agents.iter().any(|agent| agent.duty.since.is_some()),
            step: None,
        }
    }

    pub(super) fn board(&self) -> &ShareBoard {
        &self.board
    }

    /// Follows new tables from the next step on.
    pub(super) fn follow(&mut self, tables: ScoreTables) {
        self.tables = tables;
        self.step = None;
    }

    /// Looks at what was set by hand before the next choice.
    pub(super) fn hold_anew(&mut self) {
        self.step = None;
    }

    /// Lets shares move to where they are at `now`.
    pub(super) fn move_on(&mut self, workspace: &Workspace, book: &InterventionBook, now: Timestamp) {
        let step = now.as_second().div_euclid(STEP_SECONDS);
        if self.step == Some(step) || (self.step.is_some() && !self.can_move) {
            return;
        }
        self.step = Some(step);
        let policies = (0..).map(PolicyIx).take(workspace.policies.len());
        let adjustments: Vec<Adjustments> = policies.map(|ix| Adjustments::at(workspace, ix, book, now)).collect();
        let plans = (0..).zip(&workspace.groups).map(|(position, group)| {
            let of_policy = |all: &[Adjustments]| all.get(group.policy.0 as usize).cloned().unwrap_or_default();
            let adjusted = of_policy(&adjustments);
            let only_scores_changed = adjusted == of_policy(&self.adjustments);
            let table = self.tables.get(&workspace.policy(group.policy).id).map(|table| &**table);
            let targets = target_share::adjusted_targets(workspace, GroupIx(position), table, &adjusted);
            let before = self.plans.get(position as usize);
            SharePlan::follow(before, &targets, now, only_scores_changed).held()
        });
        self.plans = plans.collect();
        self.adjustments = adjustments;
        self.publish(workspace, now);
    }

    /// Groups that are as they were keep the shares that were published at that moment.
    pub(super) fn follow_recorded(&mut self, tally: &Tally, recorded: &DecisionRecord) {
        if recorded.decision.received_at < self.since {
            return;
        }
        let mut moved = false;
        for view in recorded.groups.iter().filter(|view| follows_policy(tally, recorded, view)) {
            if let Some(known) = self.as_recorded.get_mut(&view.group)
                && known.as_deref() != Some(&*view.lambda.published)
            {
                *known = Some(Arc::clone(&view.lambda.published));
                moved = true;
            }
        }
        if moved {
            self.publish(tally.workspace(), recorded.decision.received_at);
        }
    }

    /// An agent's value under the policy of a group; none where nothing tells.
    pub(super) fn value(&self, workspace: &Workspace, group: GroupIx, agent: &AgentId) -> Option<f64> {
        let table = self.tables.get(&workspace.policy_of(group).id)?;
        (table.pool.contracts_closed > 0).then(|| table.value_of(agent))
    }

    fn publish(&mut self, workspace: &Workspace, now: Timestamp) {
        let groups = (0..).zip(&workspace.groups).zip(&self.plans).map(|((position, group), plan)| {
            let known = self.board.group(GroupIx(position));
            let published = match self.as_recorded.get(&group.id).cloned().flatten() {
                Some(recorded) => recorded,
                None => plan.published(now).into(),
            };
            let kept = known.filter(|known| known.published == published).map(|known| Arc::clone(&known.published));
            GroupShares {
                base: plan.members.iter().map(|member| member.base).collect(),
                published: kept.unwrap_or(published),
                scores_as_of: plan.scores_as_of,
                stale_at: None,
                follows_scores: workspace.policy(group.policy).score.is_some(),
            }
        });
        self.board = ShareBoard::new(groups.collect());
    }
}

/// Whether a group's recorded shares are its policy's, and published for the members it has, in that order.
fn follows_policy(tally: &Tally, recorded: &DecisionRecord, view: &GroupView) -> bool {
    let workspace = tally.workspace();
    workspace.find_group(&view.group).is_some_and(|group| {
        let arm = recorded.trial.arm_under(&workspace.policy_of(group).id);
        matches!(arm, None | Some(Arm::Policy)) && *tally.members(group) == view.lambda.members
    })
}
