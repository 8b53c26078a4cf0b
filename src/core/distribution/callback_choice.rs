//! Who is to call back: tasks of a workspace, and the choice for each, as pure functions of state, shares and time.
//!
//! The service and the replay decide tasks through these. It stores nothing: see `broker::assign_callbacks`.

use jiff::{SignedDuration, Timestamp};

use super::availability::PauseCause;
use super::call_state::Occupancy;
use super::callback::{CallbackFacts, CallbackRules, CallbackTask, TaskState, callback_key};
use super::choose::{self, Choice, Question, RecordHead};
use super::recent_calls::RecentCall;
use super::rotation;
use super::tally::Tally;
use crate::core::decision::{Decision, Stage};
use crate::core::ids::{AgentId, CallKey, GroupId};
use crate::core::policy::PersonalManager;
use crate::core::record::{Asked, DecisionRecord, PresenceState};
use crate::core::shares::share_board::ShareBoard;
use crate::core::working_time::shifts::{self, AtWork};
use crate::core::workspace::{GroupIx, Workspace};

/// A pause that ends within this keeps the tasks of whoever rests; so does the beginning of a pause without an end.
const PAUSE_KEEPS_MINUTES: i64 = 15;

/// The tasks of a workspace at an instant. One whose holder cannot be expected to call is open again, until somebody else has it or
/// the holder is back.
pub fn tasks_of(tally: &Tally, now: Timestamp) -> Vec<CallbackTask> {
    let tasks = facts(tally, now).tasks(|call| among(tally.workspace(), call));
    tasks.into_iter().map(|task| opened_while_away(tally, task, now)).collect()
}

/// The task that a missed call makes at an instant, whether or not another call of the same caller stands for it.
pub fn task_of(tally: &Tally, missed: &CallKey, now: Timestamp) -> Option<CallbackTask> {
    let task = facts(tally, now).task_of(missed, |call| among(tally.workspace(), call))?;
    Some(opened_while_away(tally, task, now))
}

fn opened_while_away(tally: &Tally, task: CallbackTask, now: Timestamp) -> CallbackTask {
    match &task.state {
        TaskState::Assigned { agent, .. } if !is_there(tally, agent, now) => CallbackTask { state: TaskState::Open, ..task },
        TaskState::Assigned { .. } | TaskState::Open | TaskState::Reached { .. } | TaskState::Dropped { .. } => task,
    }
}

/// Whether who has a task can be expected to call soon.
fn is_there(tally: &Tally, holder: &AgentId, now: Timestamp) -> bool {
    let Some(ix) = tally.workspace().find_agent(holder) else { return false };
    let live = tally.agent(ix);
    // Perhaps with that very caller: no PBX tells which call is the callback.
    if live.holds.iter().any(|hold| hold.occupancy == Occupancy::Talking && now < hold.until) {
        return true;
    }
    if live.presence(now) == PresenceState::OffDuty || matches!(shifts::at_work(tally, ix, now), AtWork::Off { .. }) {
        return false;
    }
    let Some(pause) = rotation::pause_of(tally, ix, now) else { return true };
    let began = match &pause.cause {
        PauseCause::ByHand(_) => live.set_by_hand(now).map(|presence| presence.set_at),
        PauseCause::AfterCall(_) => live.pause_after_call.as_ref().map(|asked| asked.asked_at),
        PauseCause::Pbx => live.pbx_word.as_ref().map(|word| word.received_at),
        PauseCause::Misses(_) | PauseCause::PlannedBreak => None,
        PauseCause::ShiftEnding => return true,
    };
    let minutes = SignedDuration::from_mins(PAUSE_KEEPS_MINUTES);
    match (pause.until, began) {
        (Some(until), _) => until.duration_since(now) <= minutes,
        (None, Some(began)) => now.duration_since(began) < minutes,
        (None, None) => false,
    }
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
    let question = Question { responsible, ..question(&call, group, now) };
    let mut choice = choose::choose(tally, shares, &question);
    choice.targets.truncate(1);
    choice.paths.truncate(1);
    // Who rests is left alone, and whoever the policy names in their place is there for callers on the line.
    let somebody_works = choice.groups.first().is_none_or(|view| view.guard.all_stopped.is_none());
    choice.targets.first().is_some_and(|target| somebody_works && target.stage == Stage::Free).then_some(choice)
}

fn question(call: &CallKey, group: GroupIx, now: Timestamp) -> Question<'_> {
    let (responsible, caller, has_fallback, can_be_called_back) = (None, None, false, false);
    Question { call, group, now, exclude: &[], responsible, caller, has_fallback, can_be_called_back }
}

/// The choice of an agent whom a lead named; none where nobody may be given anything: that agent is not in the group's rotation.
pub fn given_by_hand(tally: &Tally, shares: &ShareBoard, task: &CallbackTask, agent: &AgentId, now: Timestamp) -> Option<Choice> {
    let (call, workspace) = (callback_key(&task.call), tally.workspace());
    let group = group_of(workspace, task)?;
    choose::choose_named(tally, shares, &question(&call, group, now), workspace.find_agent(agent)?)
}

/// The record of a task given to somebody, by hand or not. No PBX tells of it: it counts as received once it is given.
pub fn record(head: RecordHead, task: &CallbackTask, choice: Choice, by_hand: bool) -> DecisionRecord {
    let record = choice.into_record(head);
    let (caller, calls_back) = (Some(task.caller.expose().to_owned()), Some(task.call.call.clone()));
    let asked = Asked { caller, calls_back, named_by_hand: by_hand, ..record.asked };
    DecisionRecord { asked, decision: Decision { route: task.route.clone(), ..record.decision }, ..record }
}
