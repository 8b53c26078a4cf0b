//! Who is to call back: tasks of a workspace, and the choice for each, as pure functions of state, shares and time.
//!
//! The service and the replay decide tasks through these. It stores nothing: see `broker::assign_callbacks`.

use jiff::Timestamp;

use super::callback::{CallbackFacts, CallbackRules, CallbackTask, callback_key};
use super::choose::{self, Choice, Question, RecordHead};
use super::recent_calls::RecentCall;
use super::tally::Tally;
use crate::core::decision::{Decision, Stage};
use crate::core::ids::{CallKey, GroupId};
use crate::core::policy::PersonalManager;
use crate::core::record::{Asked, DecisionRecord};
use crate::core::shares::share_board::ShareBoard;
use crate::core::workspace::{GroupIx, Workspace};

/// The tasks of a workspace at an instant.
pub fn tasks_of(tally: &Tally, now: Timestamp) -> Vec<CallbackTask> {
    facts(tally, now).tasks(|call| among(tally.workspace(), call))
}

/// The task that a missed call makes at an instant, whether or not another call of the same caller stands for it.
pub fn task_of(tally: &Tally, missed: &CallKey, now: Timestamp) -> Option<CallbackTask> {
    facts(tally, now).task_of(missed, |call| among(tally.workspace(), call))
}

fn facts(tally: &Tally, now: Timestamp) -> CallbackFacts<'_> {
    CallbackFacts { calls: tally.recent(), set: tally.interventions(), now }
}

fn among(workspace: &Workspace, call: &RecentCall) -> Option<(GroupId, CallbackRules)> {
    // A call for which nobody was looked for belongs to its route's group.
    let of_route = || {
        let route = workspace.routes.iter().find(|route| Some(&route.id) == call.route.as_ref())?;
        route.outcome.group().copied()
    };
    let ix = call.group.as_ref().and_then(|group| workspace.find_group(group)).or_else(of_route)?;
    Some((workspace.group(ix).id.clone(), workspace.policy_of(ix).callback))
}

fn group_of(workspace: &Workspace, task: &CallbackTask) -> Option<GroupIx> {
    workspace.find_group(&task.group)
}

/// Who is to call back: the one the whole selection takes among the free; none while nobody is. Where the policy rings personal
/// managers only, the caller's own while on duty; whoever has none, or one who is away, is called back by somebody of the group.
pub fn choice(tally: &Tally, shares: &ShareBoard, task: &CallbackTask, now: Timestamp) -> Option<Choice> {
    let call = callback_key(&task.call);
    let workspace = tally.workspace();
    let group = group_of(workspace, task)?;
    let managers_only = workspace.policy_of(group).personal_manager == PersonalManager::Only;
    let manager = tally.recent().get(&task.call).filter(|_| managers_only).and_then(|missed| missed.manager.as_ref());
    let responsible = manager.and_then(|manager| workspace.find_agent(manager));
    // Nothing else is done for the caller, so somebody is named; but nobody waits on the line, so the busy are not: a task that
    // nobody is free for is shared out later.
    let question = Question { call: &call, group, now, exclude: &[], responsible, caller: None, has_fallback: false };
    let mut choice = choose::choose(tally, shares, &question);
    choice.targets.truncate(1);
    choice.paths.truncate(1);
    choice.targets.first().is_some_and(|target| target.stage == Stage::Free).then_some(choice)
}

/// The record of a task given to somebody. No PBX tells of it: it counts as received once it is given.
pub fn record(head: RecordHead, task: &CallbackTask, choice: Choice) -> DecisionRecord {
    let record = choice.into_record(head);
    let asked = Asked { caller: Some(task.caller.expose().to_owned()), calls_back: Some(task.call.call.clone()), ..record.asked };
    DecisionRecord { asked, decision: Decision { route: task.route.clone(), ..record.decision }, ..record }
}
