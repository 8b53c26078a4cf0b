//! Shares out tasks to call back: each is chosen for like a call, recorded like a decision and charged like one.
//!
//! A task is decided under a key that follows from the missed call, so that several replicas decide it once.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::ports::{Clock, IdSource};
use super::store::{Store, StoreError, Verdict};
use super::tenant::Tenant;
use crate::core::callback::{CallbackFacts, CallbackTask, TaskState, callback_key};
use crate::core::choose::{self, Choice, Question, RecordHead};
use crate::core::decision::{Decision, Reason, Stage};
use crate::core::policy::PersonalManager;
use crate::core::recent_calls::RecentCall;
use crate::core::record::{Asked, DecisionRecord, Feed};
use crate::core::share_board::ShareBoard;
use crate::core::tally::Tally;
use crate::core::workspace::{GroupIx, Workspace};

/// How often open tasks are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// Shares out the callbacks of one workspace.
pub struct CallbackAssigner {
    /// The store.
    pub store: Arc<dyn Store>,
    /// The wall clock.
    pub clock: Arc<dyn Clock>,
    /// Where ids of decisions come from.
    pub ids: Arc<dyn IdSource>,
    /// The running workspace.
    pub tenant: Arc<Tenant>,
}

impl CallbackAssigner {
    /// Goes on until stopped (by dropping).
    pub async fn run(self) {
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            if let Err(error) = self.assign(self.clock.now()).await {
                tracing::warn!(workspace = %self.tenant.workspace.id, %error, "callbacks could not be shared out; trying again");
            }
        }
    }

    /// Gives every open task to somebody who is free, where somebody is. Tells how many were given out.
    pub async fn assign(&self, now: Timestamp) -> Result<usize, StoreError> {
        let workspace = &self.tenant.workspace.id;
        let mut open = Vec::new();
        let mut look = |tally: &Tally| open = tasks_of(tally, now);
        self.store.view(workspace, now, &mut look).await?;
        open.retain(|task| task.state == TaskState::Open);
        let mut given = 0;
        for task in &open {
            given += usize::from(self.give(task, now).await?);
        }
        Ok(given)
    }

    async fn give(&self, task: &CallbackTask, now: Timestamp) -> Result<bool, StoreError> {
        let (key, shares, id) = (callback_key(&task.call), self.tenant.shares.load_full(), self.ids.next_id(now));
        let workspace = &self.tenant.workspace.id;
        let mut can_be_given = false;
        let mut look = |tally: &Tally| can_be_given = choice(tally, &shares, task, now).is_some();
        self.store.view(workspace, now, &mut look).await?;
        if !can_be_given {
            return Ok(false);
        }
        let verdict = |tally: &Tally| {
            let decided = tally.call(&key).map(|call| call.decisions.as_slice()).unwrap_or_default();
            if let Some(known) = decided.iter().find(|record| !record.decision.targets.is_empty()) {
                return Verdict::Known(Arc::clone(known));
            }
            let attempt = u32::try_from(decided.len()).unwrap_or(u32::MAX).saturating_add(1);
            let choice = choice(tally, &shares, task, now).unwrap_or_else(|| Choice::nobody(Reason::Callback));
            let choice = Choice { reason: Reason::Callback, ..choice };
            let (sequence, feed) = (tally.sequence() + 1, Feed::Silent { hold_seconds: 0 });
            let head = RecordHead { sequence, decision_id: id, call: key.clone(), attempt, received_at: now, feed };
            Verdict::New(Box::new(record(head, task, choice)))
        };
        let record = self.store.decide(workspace, &key, now, &verdict).await?;
        Ok(!record.decision.targets.is_empty())
    }
}

/// The tasks of a workspace at an instant.
pub fn tasks_of(tally: &Tally, now: Timestamp) -> Vec<CallbackTask> {
    let workspace = Arc::clone(tally.workspace());
    let among = |call: &RecentCall| {
        // A call for which nobody was looked for belongs to its route's group.
        let of_route = || {
            let route = workspace.routes.iter().find(|route| Some(&route.id) == call.route.as_ref())?;
            route.outcome.group().copied()
        };
        let ix = call.group.as_ref().and_then(|group| workspace.find_group(group)).or_else(of_route)?;
        Some((workspace.group(ix).id.clone(), workspace.policy_of(ix).callback))
    };
    CallbackFacts { calls: tally.recent(), set: tally.interventions(), now }.tasks(among)
}

fn group_of(workspace: &Workspace, task: &CallbackTask) -> Option<GroupIx> {
    workspace.find_group(&task.group)
}

/// Who is to call back: the one the whole selection takes among the free; none while nobody is. Where the policy rings personal
/// managers only, the caller's own while on duty; whoever has none, or one who is away, is called back by somebody of the group.
fn choice(tally: &Tally, shares: &ShareBoard, task: &CallbackTask, now: Timestamp) -> Option<Choice> {
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
fn record(head: RecordHead, task: &CallbackTask, choice: Choice) -> DecisionRecord {
    let record = choice.into_record(head);
    let asked = Asked { caller: Some(task.caller.expose().to_owned()), calls_back: Some(task.call.call.clone()), ..record.asked };
    DecisionRecord { asked, decision: Decision { route: task.route.clone(), ..record.decision }, ..record }
}
