//! Who comes first because of who calls: the agent who has the context, or the caller's own manager.

use super::rank::Rank;
use super::{Listed, Walk};
use crate::core::decision::{Reason, Stage};
use crate::core::distribution::callback;
use crate::core::distribution::roster::Roster;
use crate::core::load::group_guard;
use crate::core::policy::{PersonalManager, Policy};
use crate::core::record::MemberStanding;
use crate::core::workspace::{AgentIx, GroupIx};

impl Walk<'_> {
    /// Lists who comes first because of who calls, and says why; nobody where credit decides.
    pub(super) fn list_known_caller(&mut self, policy: &Policy) -> Option<Reason> {
        if policy.personal_manager != PersonalManager::Only
            && let Some(listed) = self.with_context(policy)
        {
            self.list(listed);
            return Some(Reason::Callback);
        }
        let listed = match policy.personal_manager {
            PersonalManager::Off => None,
            PersonalManager::Only | PersonalManager::Prefer => self.personal(policy.personal_manager),
        }?;
        self.list(listed);
        Some(Reason::PersonalManager)
    }

    /// The agent who has the context of a caller who calls again, if free. The caller's own manager stays that.
    fn with_context(&self, policy: &Policy) -> Option<Listed> {
        let caller = self.question.caller?;
        let (recent, now) = (self.tally.recent(), self.question.now);
        let agent = callback::context(recent, caller, &policy.callback, self.question.call, now)?;
        let agent = self.workspace.find_agent(&agent)?;
        if self.tried.contains(&agent)
            || (policy.personal_manager == PersonalManager::Prefer && self.question.responsible == Some(agent))
        {
            return None;
        }
        let path = self.path_to(self.top(), agent)?;
        let standing = |(node, position): &(usize, usize)| self.nodes.get(*node)?.standing.get(*position);
        let is_free = path.iter().all(|step| standing(step) == Some(&MemberStanding::Free));
        is_free.then_some(Listed { agent, stage: Stage::Free, path })
    }

    /// The caller's own manager, if that agent can be rung under the rule.
    fn personal(&self, rule: PersonalManager) -> Option<Listed> {
        let agent = self.question.responsible?;
        let path = self.path_to(self.top(), agent).unwrap_or_default();
        let group = path.last().and_then(|(node, _)| self.nodes.get(*node)).map_or(self.question.group, |node| node.ix);
        let known = path.last().and_then(|(node, position)| self.nodes.get(*node)?.standing.get(*position).copied());
        let known = known.filter(|stands| *stands != MemberStanding::NoShare);
        let standing = known.unwrap_or_else(|| self.standing_outside(group, agent));
        let stage = match (rule, Rank::of(standing, self.tried.contains(&agent))?) {
            (PersonalManager::Prefer, Rank::Free) => Stage::Free,
            (PersonalManager::Off | PersonalManager::Prefer, _) => return None,
            (PersonalManager::Only, rank) => rank.stage(),
        };
        Some(Listed { agent, stage, path })
    }

    /// How an agent stands under the rules of a group without having a share in it.
    fn standing_outside(&self, group: GroupIx, agent: AgentIx) -> MemberStanding {
        let (live, now) = (self.tally.agent(agent), self.question.now);
        let stands = live.standing(&self.workspace.policy_of(group).guard, now, self.own_call);
        let stands = Roster::of_group(self.tally, group, now).over(agent, live, stands);
        let eased = group_guard::eased(self.tally, agent, self.workspace.group(group).policy, now);
        let stopped = stands.in_rotation() && eased.is_some_and(|eased| eased.factor == 0.0);
        if stopped { MemberStanding::Stopped } else { stands }
    }
}
