//! What becomes of a call when the guard has stopped all who could be in the rotation: the policy's order, entry by entry.
//!
//! The order is that of the route's group: a group below it whose people all rest is passed over like any other that nobody can be
//! rung in. A stopped person is named only where the policy says so, and then only the one who is past a limit least and would be
//! free: never in mid-call or in after-call time, never paused or off duty.

use std::sync::Arc;

use super::{Choice, Listed, Node, Question, Walk, Who, choose_through};
use crate::core::decision::{Reason, Stage};
use crate::core::distribution::roster::Roster;
use crate::core::ids::GroupId;
use crate::core::load::group_guard;
use crate::core::policy::WhenAllStopped;
use crate::core::record::{AllStopped, Lambda, MemberStanding, Step};
use crate::core::workspace::AgentIx;

/// A stopped member who would be free but for the guard.
struct Resting {
    /// How far past the limits, in bands.
    excess: f64,
    listed: Listed,
}

impl Walk<'_> {
    /// Whether nobody is in the rotation, and the guard is why.
    pub(super) fn everybody_rests(&self) -> bool {
        let Some(top) = self.nodes.last() else { return false };
        !top.standing.iter().any(|stands| stands.in_rotation()) && top.standing.contains(&MemberStanding::Stopped)
    }

    /// The choice by the first entry of the policy's order that can take the call.
    pub(super) fn instead(self) -> Choice {
        let (workspace, question) = (self.workspace, self.question);
        for entry in &workspace.policy_of(question.group).guard.when_all_stopped {
            match entry {
                WhenAllStopped::Fallback if question.has_fallback => return self.nobody(AllStopped::Fallback, Reason::Fallback),
                WhenAllStopped::Callback if question.can_be_called_back => {
                    return self.nobody(AllStopped::Callback, Reason::Callback);
                }
                WhenAllStopped::Fallback | WhenAllStopped::Callback => {}
                WhenAllStopped::Group(id) => {
                    // Nobody goes round in circles: the check of a workspace refuses that.
                    let Some(group) = workspace.find_group(id) else { continue };
                    let choice = choose_through(self.lens, self.tally, self.shares, &Question { group, ..*question });
                    if !choice.targets.is_empty() {
                        return self.handed_over(id, choice);
                    }
                }
                WhenAllStopped::LeastOver => {
                    if let Some(listed) = self.least_over() {
                        return self.offered_to(listed);
                    }
                }
            }
        }
        self.nobody(AllStopped::Nowhere, Reason::Fallback)
    }

    fn nobody(mut self, then: AllStopped, reason: Reason) -> Choice {
        let groups = self.resting_view(then).into_iter().collect();
        Choice { groups, ..Choice::nobody(reason) }
    }

    /// Another group's choice, with the group whose people rest in front, where the route's group is looked for.
    fn handed_over(mut self, to: &GroupId, mut choice: Choice) -> Choice {
        let Some(view) = self.resting_view(AllStopped::Group(to.clone())) else { return choice };
        choice.groups.insert(0, view);
        let shifted = |step: &Step| Step { group: step.group + 1, member: step.member };
        choice.paths = choice.paths.iter().map(|path| path.iter().map(shifted).collect()).collect();
        choice
    }

    fn resting_view(&mut self, why: AllStopped) -> Option<crate::core::record::GroupView> {
        let top = self.top();
        self.nodes.get_mut(top)?.all_stopped = Some(why);
        self.view(top)
    }

    /// The stopped person who is past a limit least; of two the one not tried yet, then the smaller id.
    fn least_over(&self) -> Option<Listed> {
        let stopped = self.nodes.iter().zip(0..).flat_map(|(node, at)| {
            let agents = node.who.iter().enumerate().filter_map(|(position, who)| match who {
                Who::Agent(agent, _) => Some((position, *agent)),
                Who::Group(_) => None,
            });
            agents.filter_map(move |(position, agent)| self.stopped(node, (at, position), agent))
        });
        let id = |agent: AgentIx| self.workspace.agent(agent).id.as_str();
        let least = stopped.min_by(|one, other| {
            let (a, b) = (one.listed.agent, other.listed.agent);
            let tried = |agent: AgentIx| self.tried.contains(&agent);
            tried(a).cmp(&tried(b)).then(one.excess.total_cmp(&other.excess)).then_with(|| id(a).cmp(id(b)))
        });
        least.map(|resting| resting.listed)
    }

    /// A member, if stopped and free but for that.
    fn stopped(&self, node: &Node, at: (usize, usize), agent: AgentIx) -> Option<Resting> {
        let path = self.path_to(self.top(), agent).filter(|path| path.last() == Some(&at))?;
        let stands = |(node, position): &(usize, usize)| self.nodes.get(*node)?.standing.get(*position);
        if !path.iter().all(|step| stands(step) == Some(&MemberStanding::Stopped)) {
            return None;
        }
        let (now, policy) = (self.question.now, self.workspace.policy_of(node.ix));
        let live = self.tally.agent(agent);
        let roster = Roster::of_group(self.tally, node.ix, now);
        if roster.over(agent, live, live.standing(&policy.guard, now, self.own_call)) != MemberStanding::Free {
            return None;
        }
        let eased = group_guard::eased(self.tally, agent, self.workspace.group(node.ix).policy, now)?;
        let listed = Listed { agent, stage: Stage::Free, path };
        Some(Resting { excess: group_guard::excess(&eased, policy), listed })
    }

    /// The call is the one person's whole: nobody else is due a part of it, and nobody's credit moves by it.
    fn offered_to(mut self, listed: Listed) -> Choice {
        for (node, position) in &listed.path {
            let Some(node) = self.nodes.get_mut(*node) else { continue };
            let mut values = vec![0.0; node.lambda.values.len()];
            if let Some(value) = values.get_mut(*position) {
                *value = 1.0;
            }
            let Lambda { members, base, published, .. } = Lambda::clone(&node.lambda);
            node.lambda = Arc::new(Lambda { members, base, published, values: values.into_boxed_slice() });
            node.all_stopped = Some(AllStopped::LeastOver(self.workspace.agent(listed.agent).id.clone()));
        }
        self.targets.push(listed);
        let reason = self.reason_of_first();
        let moves_credit = !self.began_apart();
        self.finish(reason, moves_credit)
    }
}
