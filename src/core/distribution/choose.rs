//! Whom to ring, in which order: the whole choice for one call, as a pure function of state, shares and time.
//!
//! Walks from the route's group down. In each group everybody in the rotation grows, and the largest credit among those
//! who can be rung is taken. The further targets are what the same choice would give with those already listed removed,
//! no credit moved. Nothing is changed here: the result names what the caller must record. Where the guard has stopped everybody:
//! `all_stopped`; who comes first because of who calls: `known_caller`.

mod all_stopped;
mod choice;
mod known_caller;
mod named;
mod rank;

pub use choice::{Choice, RecordHead};
pub use named::choose_named;

use std::sync::Arc;

use jiff::Timestamp;
use smallvec::{SmallVec, smallvec};

use self::rank::Rank;
use super::call_state::CallState;
use super::roster::Roster;
use super::selection::{self, Adjustment, CREDIT_CAP_CALLS, Standing};
use super::tally::Tally;
use crate::core::decision::{Reason, Stage, Target};
use crate::core::ids::{AgentId, CallKey, GroupId};
use crate::core::load::group_guard::{self, GroupGuard};
use crate::core::phone_number::PhoneNumber;
use crate::core::policy::{Count, Mode, PersonalCalls, PersonalManager};
use crate::core::proving::rollout;
use crate::core::proving::trial::{Lens, Trial};
use crate::core::record::{AllStopped, EasedMember, GroupView, GuardView, Lambda, MemberStanding, Step, Steps};
use crate::core::shares::head_count;
use crate::core::shares::share_board::ShareBoard;
use crate::core::workspace::{AgentIx, GroupIx, MemberRef, Workspace};

/// What is asked of the choice.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// The call.
    pub call: &'a CallKey,
    /// The route's group.
    pub group: GroupIx,
    /// When the hook was received.
    pub now: Timestamp,
    /// Agents that shall come last.
    pub exclude: &'a [AgentId],
    /// The caller's responsible manager, if one of our agents is.
    pub responsible: Option<AgentIx>,
    /// Who calls; none when withheld.
    pub caller: Option<&'a PhoneNumber>,
    /// Whether the call can go elsewhere when nobody is named. If not, the busy are named rather than nobody.
    pub has_fallback: bool,
    /// Whether the caller may be promised a call: there is a number, and the call is not a task to call back itself.
    pub can_be_called_back: bool,
}

/// Chooses; for a call under test also what the other arm would have chosen.
pub fn choose(tally: &Tally, shares: &ShareBoard, question: &Question<'_>) -> Choice {
    let lens = Lens::answer(rollout::arms(tally, question.call, question.group, question.now));
    let mut choice = choose_through(&lens, tally, shares, question);
    if let Some(other) = lens.other() {
        choice.trial = lens.trial(tally, question.call, choose_through(&other, tally, shares, question));
    }
    choice
}

fn choose_through(lens: &Lens, tally: &Tally, shares: &ShareBoard, question: &Question<'_>) -> Choice {
    let workspace = Arc::clone(tally.workspace());
    let policy = workspace.policy_of(question.group);
    let mut walk = Walk::start(lens, &workspace, tally, shares, question);
    let first = walk.list_known_caller(policy);
    let by_credit = policy.personal_manager != PersonalManager::Only || (walk.targets.is_empty() && !question.has_fallback);
    if by_credit {
        walk.list_by_credit(policy.dialling.busy_stage, walk.targets_max());
    }
    if walk.targets.is_empty() && !question.has_fallback {
        walk.list_by_credit(true, walk.targets_max());
    }
    if walk.targets.is_empty() && by_credit && walk.everybody_rests() {
        return walk.instead();
    }
    let reason = first.unwrap_or_else(|| walk.reason_of_first());
    let began_apart = walk.began_apart();
    let apart = reason == Reason::PersonalManager && policy.personal_calls == PersonalCalls::Apart;
    walk.finish(reason, !(began_apart || apart))
}

enum Who {
    Agent(AgentIx, Option<Rank>),
    Group(usize),
}

struct Node {
    ix: GroupIx,
    who: Vec<Who>,
    standing: Vec<MemberStanding>,
    credit: Vec<f64>,
    grown: Vec<f64>,
    last_given: Vec<u64>,
    lambda: Arc<Lambda>,
    unit: f64,
    eased: Vec<EasedMember>,
    /// Where the call goes because everybody here rests.
    all_stopped: Option<AllStopped>,
}

/// The members of a group as they stand, in its order.
struct Members {
    who: Vec<Who>,
    standing: Vec<MemberStanding>,
    eased: Vec<EasedMember>,
}

/// A way down the nodes: node and position of the member.
type NodePath = SmallVec<[(usize, usize); 2]>;

struct Listed {
    agent: AgentIx,
    stage: Stage,
    path: NodePath,
}

struct Walk<'a> {
    lens: &'a Lens,
    workspace: &'a Workspace,
    tally: &'a Tally,
    shares: &'a ShareBoard,
    question: &'a Question<'a>,
    own_call: Option<u64>,
    tried: Vec<AgentIx>,
    mobile_caller: bool,
    nodes: Vec<Node>,
    targets: Vec<Listed>,
}

impl<'a> Walk<'a> {
    fn start(
        lens: &'a Lens,
        workspace: &'a Workspace,
        tally: &'a Tally,
        shares: &'a ShareBoard,
        question: &'a Question<'a>,
    ) -> Self {
        let rung = tally.call(question.call).map(CallState::already_tried).unwrap_or_default();
        let tried = rung.into_iter().chain(question.exclude).filter_map(|id| workspace.find_agent(id)).collect();
        let own_call = tally.call_serial_of(question.call);
        // Looked at only where it matters: telling the kind of a number takes longer than the choice.
        let matters = workspace.policies.iter().any(|policy| policy.dialling.mobile_callers.is_some());
        let mobile_caller = matters && question.caller.is_some_and(PhoneNumber::is_mobile);
        let (nodes, targets) = (Vec::new(), Vec::new());
        let mut walk = Self { lens, workspace, tally, shares, question, own_call, tried, mobile_caller, nodes, targets };
        walk.visit(question.group);
        walk
    }

    /// A call that began apart stays apart: its later attempts move nothing either.
    fn began_apart(&self) -> bool {
        self.tally.call(self.question.call).and_then(|call| call.decisions.first()).is_some_and(|first| !first.moves_credit)
    }

    /// Reads a group and everything below it; gives its place among the nodes.
    fn visit(&mut self, ix: GroupIx) -> usize {
        if let Some(known) = self.nodes.iter().position(|node| node.ix == ix) {
            return known;
        }
        let group = self.workspace.group(ix);
        let policy = self.workspace.policy(group.policy);
        let published = self.lens.published(self.workspace, self.shares, ix);
        let roster = Roster::of_group(self.tally, ix, self.question.now);
        let guard = GroupGuard::in_group(self.tally, ix, &roster, self.question.now);
        let (mut who, mut standing) = (Vec::with_capacity(group.members.len()), Vec::with_capacity(group.members.len()));
        let mut eased = Vec::new();
        for (position, member) in group.members.iter().enumerate() {
            let has_share = published.get(position).is_some_and(|share| *share > 0.0);
            let (name, mut stands) = match member.who {
                MemberRef::Agent(agent) => {
                    let live = self.tally.agent(agent);
                    let stands = roster.over(agent, live, live.standing(&policy.guard, self.question.now, self.own_call));
                    let guarded = guard.over(position, stands);
                    if has_share && stands.in_rotation() {
                        eased.extend(guard.recorded(position, policy.own_setting.factor(live.load)));
                    }
                    let stands = guarded;
                    (Who::Agent(agent, Rank::of(stands, self.tried.contains(&agent))), stands)
                }
                MemberRef::Group(below) => {
                    let node = self.visit(below);
                    (Who::Group(node), self.standing_of_group(node))
                }
            };
            if !has_share {
                stands = MemberStanding::NoShare;
            }
            who.push(name);
            standing.push(stands);
        }
        let node = self.node(ix, published, Members { who, standing, eased });
        self.nodes.push(node);
        self.nodes.len() - 1
    }

    fn node(&self, ix: GroupIx, published: Arc<[f64]>, of: Members) -> Node {
        let Members { who, standing, mut eased } = of;
        let (book, members) = (self.lens.book(self.tally, ix), self.tally.members(ix));
        let weight = |(share, stands): (&f64, &MemberStanding)| if stands.in_rotation() { *share } else { 0.0 };
        let mut weights: Vec<f64> = published.iter().zip(&standing).map(weight).collect();
        group_guard::ease_weights(&mut weights, &mut eased);
        self.weigh_by_who_is_there(ix, &who, &mut weights);
        let values = selection::expected_shares(&weights).into_boxed_slice();
        let base = self.shares.group(ix).map(|shares| Arc::clone(&shares.base)).unwrap_or_default();
        let lambda = book.share_lambda(Lambda { members: Arc::clone(members), base, published, values });
        let policy = self.workspace.policy_of(ix);
        let unit = if policy.mode.counts_seconds() { self.tally.book(ix).mean_talk_seconds() } else { 1.0 };
        let now_us = self.question.now.as_microsecond();
        let mut credit = book.credits(members, now_us);
        if policy.count == Count::Answered {
            // The call is shared out anew: what it moved so far is as if it had not been.
            for key in self.lens.parts_of(self.tally, self.question.call, ix) {
                book.subtract_part(key, members, now_us, &mut credit);
            }
        }
        let grown = credit.iter().zip(&lambda.values).map(|(credit, share)| credit + share * unit).collect();
        let last_given = book.last_given(members);
        Node { ix, who, standing, credit, grown, last_given, lambda, unit, eased, all_stopped: None }
    }

    /// Under `head_count` a member group counts with the part of its people that is in the rotation.
    fn weigh_by_who_is_there(&self, ix: GroupIx, who: &[Who], weights: &mut [f64]) {
        if self.workspace.policy_of(ix).mode != Mode::HeadCount || !self.lens.follows_policy(self.workspace, ix) {
            return;
        }
        let heads = self.workspace.head_counts(ix);
        for (position, (who, weight)) in who.iter().zip(weights).enumerate() {
            match who {
                Who::Group(below) if *weight > 0.0 => {
                    let mut there = Vec::new();
                    self.add_people_there(*below, &mut there);
                    *weight *= head_count::part(there, heads.get(position));
                }
                Who::Agent(..) | Who::Group(_) => {}
            }
        }
    }

    fn add_people_there(&self, node: usize, there: &mut Vec<AgentIx>) {
        let Some(node) = self.nodes.get(node) else { return };
        for (who, _) in node.who.iter().zip(&node.standing).filter(|(_, stands)| stands.in_rotation()) {
            match who {
                Who::Agent(agent, _) => there.push(*agent),
                Who::Group(below) => self.add_people_there(*below, there),
            }
        }
    }

    fn standing_of_group(&self, node: usize) -> MemberStanding {
        let Some(node) = self.nodes.get(node) else { return MemberStanding::NoShare };
        let has = |wanted: MemberStanding| node.standing.contains(&wanted);
        let order = [
            MemberStanding::Free,
            MemberStanding::Busy,
            MemberStanding::Reserved,
            MemberStanding::Stopped,
            MemberStanding::ShiftEnding,
            MemberStanding::PlannedBreak,
            MemberStanding::Paused,
            MemberStanding::OutsideHours,
        ];
        order.into_iter().find(|wanted| has(*wanted)).unwrap_or(MemberStanding::OffDuty)
    }

    /// Whether somebody of this rank below a member is not listed yet.
    fn can_give(&self, node: &Node, position: usize, rank: Rank) -> bool {
        if !node.standing.get(position).is_some_and(|stands| stands.in_rotation()) {
            return false;
        }
        match node.who.get(position) {
            Some(Who::Agent(agent, has)) => *has == Some(rank) && !self.targets.iter().any(|listed| listed.agent == *agent),
            Some(Who::Group(below)) => {
                let Some(below) = self.nodes.get(*below) else { return false };
                (0..below.who.len()).any(|position| self.can_give(below, position, rank))
            }
            None => false,
        }
    }

    /// The member most behind its share among those that can give somebody of this rank.
    fn best(&self, node: &Node, rank: Rank) -> Option<usize> {
        let standing = |position: usize| {
            Some(Standing {
                credit: *node.grown.get(position)?,
                last_given: *node.last_given.get(position)?,
                weight: *node.lambda.values.get(position)?,
                id: node.lambda.members.get(position)?.as_str(),
            })
        };
        let able = (0..node.who.len()).filter(|position| self.can_give(node, *position, rank));
        selection::first_to_ring(able.filter_map(|position| Some((position, standing(position)?))))
    }

    fn top(&self) -> usize {
        // Everything below a group is read before the group itself.
        self.nodes.len().saturating_sub(1)
    }

    fn next(&self, rank: Rank) -> Option<Listed> {
        let (mut at, mut path) = (self.top(), NodePath::new());
        loop {
            let node = self.nodes.get(at)?;
            let position = self.best(node, rank)?;
            path.push((at, position));
            match node.who.get(position)? {
                Who::Agent(agent, _) => return Some(Listed { agent: *agent, stage: rank.stage(), path }),
                Who::Group(below) => at = *below,
            }
        }
    }

    fn list(&mut self, listed: Listed) {
        self.targets.push(listed);
    }

    fn targets_max(&self) -> usize {
        let dialling = &self.workspace.policy_of(self.question.group).dialling;
        let mobile = dialling.mobile_callers.filter(|_| self.mobile_caller);
        mobile.map_or(dialling.targets_max, |mobile| mobile.targets_max.min(dialling.targets_max))
    }

    fn ring_seconds(&self, group: GroupIx) -> u32 {
        let dialling = &self.workspace.policy_of(group).dialling;
        dialling.mobile_callers.filter(|_| self.mobile_caller).map_or(dialling.ring_seconds, |mobile| mobile.ring_seconds)
    }

    fn list_by_credit(&mut self, busy_stage: bool, targets_max: usize) {
        for rank in Rank::ALL.into_iter().filter(|rank| busy_stage || rank.stage() == Stage::Free) {
            while self.targets.len() < targets_max
                && let Some(listed) = self.next(rank)
            {
                self.list(listed);
            }
        }
    }

    fn path_to(&self, at: usize, agent: AgentIx) -> Option<NodePath> {
        let node = self.nodes.get(at)?;
        node.who.iter().enumerate().find_map(|(position, who)| match who {
            Who::Agent(found, _) => (*found == agent).then(|| smallvec![(at, position)]),
            Who::Group(below) => {
                let mut path: NodePath = smallvec![(at, position)];
                path.extend(self.path_to(*below, agent)?);
                Some(path)
            }
        })
    }

    /// Why the first target is one, where nothing but credit decided.
    fn reason_of_first(&self) -> Reason {
        let last = self.targets.first().and_then(|listed| listed.path.last());
        let Some(node) = last.and_then(|(node, _)| self.nodes.get(*node)) else { return Reason::Fallback };
        match self.workspace.policy_of(node.ix).mode {
            Mode::Percent => Reason::Percent,
            Mode::EqualCalls => Reason::EqualCalls,
            Mode::EqualTalkTime => Reason::EqualTalkTime,
            Mode::Performance => Reason::Performance,
            Mode::HeadCount => Reason::HeadCount,
        }
    }

    /// The groups on the way to a target: mostly the same as for the one before.
    fn groups_on(&self, listed: &Listed, before: Option<&Target>) -> Arc<[GroupId]> {
        let ids = || listed.path.iter().filter_map(|(node, _)| Some(&self.workspace.group(self.nodes.get(*node)?.ix).id));
        match before {
            Some(before) if before.groups.iter().eq(ids()) => Arc::clone(&before.groups),
            _ => ids().cloned().collect(),
        }
    }

    fn target(&self, listed: &Listed, groups: Arc<[GroupId]>) -> Target {
        let agent = self.workspace.agent(listed.agent);
        let nodes = || listed.path.iter().filter_map(|(node, position)| Some((self.nodes.get(*node)?, *position)));
        let group = nodes().next_back().map_or(self.question.group, |(node, _)| node.ix);
        Target {
            agent: agent.id.clone(),
            name: Arc::clone(&agent.name),
            stage: listed.stage,
            share: nodes().filter_map(|(node, position)| node.lambda.published.get(position)).product(),
            ring_seconds: self.ring_seconds(group),
            numbers: Arc::clone(&agent.numbers),
            groups,
        }
    }

    /// What keeps credits bounded in one group after its member was charged.
    fn adjustment(&mut self, node: usize, position: usize) -> Adjustment {
        let Some(node) = self.nodes.get_mut(node) else { return Adjustment::default() };
        if node.all_stopped.is_some() {
            // Who rests keeps the credit as it is.
            return Adjustment::default();
        }
        // Nobody is chosen any more: what credits grew to is needed here last.
        let mut credits = std::mem::take(&mut node.grown);
        if let Some(credit) = credits.get_mut(position) {
            *credit -= node.unit;
        }
        let in_rotation = |position: usize| node.lambda.values.get(position).is_some_and(|share| *share > 0.0);
        selection::adjustment(&credits, in_rotation, CREDIT_CAP_CALLS * node.unit)
    }

    fn finish(mut self, reason: Reason, moves_credit: bool) -> Choice {
        let mut targets: Vec<Target> = Vec::with_capacity(self.targets.len());
        for listed in &self.targets {
            let groups = self.groups_on(listed, targets.last());
            targets.push(self.target(listed, groups));
        }
        let first = self.targets.first().filter(|_| moves_credit).map(|listed| listed.path.clone()).unwrap_or_default();
        let adjustments = first.into_iter().map(|(node, at)| self.adjustment(node, at)).collect();
        let mut kept: Vec<usize> = Vec::new();
        let mut step = |(node, position): (usize, usize)| {
            let group = kept.iter().position(|known| *known == node).unwrap_or_else(|| {
                kept.push(node);
                kept.len() - 1
            });
            Step { group: to_u32(group), member: to_u32(position) }
        };
        let listed = std::mem::take(&mut self.targets);
        let nobody = listed.is_empty();
        let paths: Vec<Steps> = listed.into_iter().map(|listed| listed.path.into_iter().map(&mut step).collect()).collect();
        // With nobody to ring no way leads anywhere, so that nothing is moved: the groups tell why.
        let looked_into = if nobody { (0..self.nodes.len()).rev().collect() } else { kept };
        let groups = looked_into.into_iter().filter_map(|node| self.view(node)).collect();
        Choice { targets, reason, moves_credit, groups, paths, adjustments, trial: Trial::default() }
    }

    fn view(&mut self, node: usize) -> Option<GroupView> {
        let node = self.nodes.get_mut(node)?;
        let policy = self.workspace.policy_of(node.ix);
        Some(GroupView {
            group: self.workspace.group(node.ix).id.clone(),
            lambda: Arc::clone(&node.lambda),
            count: policy.count,
            unit: node.unit,
            in_seconds: policy.mode.counts_seconds(),
            credit: std::mem::take(&mut node.credit),
            standing: std::mem::take(&mut node.standing),
            guard: GuardView { eased: std::mem::take(&mut node.eased), all_stopped: node.all_stopped.take() },
        })
    }
}

fn to_u32(position: usize) -> u32 {
    u32::try_from(position).unwrap_or(u32::MAX)
}
