//! Shares out tasks to call back: each is chosen for like a call, recorded like a decision and charged like one.
//!
//! A task is decided under a key that follows from the missed call, so that several replicas decide it once. Whoever has a task
//! and goes away loses it to somebody else by the next decision under that key.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::ports::{Clock, IdSource};
use super::store::{Store, StoreError, Verdict};
use super::tenant::Tenant;
use crate::core::decision::Reason;
use crate::core::distribution::callback::{CallbackTask, TaskState, callback_key};
use crate::core::distribution::callback_choice::{choice, given_by_hand, record, task_of};
use crate::core::distribution::choose::{Choice, RecordHead};
use crate::core::distribution::tally::Tally;
use crate::core::ids::AgentId;
use crate::core::record::Feed;

pub use crate::core::distribution::callback_choice::tasks_of;

/// Who gets a task in a state; none where nobody is to get it.
type Choosing<'a> = &'a (dyn Fn(&Tally, &CallbackTask) -> Option<Choice> + Send + Sync);

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
            given += usize::from(self.share_out(task, now).await?);
        }
        Ok(given)
    }

    /// Gives a task to an agent whom a lead names, whoever has it. Tells whether that agent has it now: not while out of the rotation
    /// of the task's group, nor once the task is finished.
    pub async fn give_to(&self, task: &CallbackTask, agent: &AgentId, now: Timestamp) -> Result<bool, StoreError> {
        let shares = self.tenant.shares.load_full();
        let named = |tally: &Tally, task: &CallbackTask| match &task.state {
            TaskState::Reached { .. } | TaskState::Dropped { .. } => None,
            TaskState::Assigned { agent: has, .. } if has == agent => None,
            TaskState::Assigned { .. } | TaskState::Open => given_by_hand(tally, &shares, task, agent, now),
        };
        self.give(task, now, true, &named).await?;
        let mut has = false;
        let mut look = |tally: &Tally| {
            let task = task_of(tally, &task.call, now);
            has = matches!(task.map(|task| task.state), Some(TaskState::Assigned { agent: holds, .. }) if holds == *agent);
        };
        self.store.view(&self.tenant.workspace.id, now, &mut look).await?;
        Ok(has)
    }

    async fn share_out(&self, task: &CallbackTask, now: Timestamp) -> Result<bool, StoreError> {
        let shares = self.tenant.shares.load_full();
        let by_credit = |tally: &Tally, task: &CallbackTask| {
            let is_open = task.state == TaskState::Open;
            if is_open { choice(tally, &shares, task, now) } else { None }
        };
        self.give(task, now, false, &by_credit).await
    }

    /// Commits the next decision of a task, if in the state it is committed to `choose` still takes somebody.
    async fn give(&self, task: &CallbackTask, now: Timestamp, by_hand: bool, choose: Choosing<'_>) -> Result<bool, StoreError> {
        let (key, id, workspace) = (callback_key(&task.call), self.ids.next_id(now), &self.tenant.workspace.id);
        let chosen = |tally: &Tally| task_of(tally, &task.call, now).and_then(|task| choose(tally, &task));
        let mut can_be_given = false;
        let mut look = |tally: &Tally| can_be_given = chosen(tally).is_some();
        self.store.view(workspace, now, &mut look).await?;
        if !can_be_given {
            return Ok(false);
        }
        let verdict = |tally: &Tally| {
            let decided = tally.call(&key).map(|call| call.decisions.as_slice()).unwrap_or_default();
            let choice = match (chosen(tally), decided.last()) {
                (Some(choice), _) => choice,
                (None, Some(last)) => return Verdict::Known(Arc::clone(last)),
                (None, None) => Choice::nobody(Reason::Callback),
            };
            let attempt = u32::try_from(decided.len()).unwrap_or(u32::MAX).saturating_add(1);
            let choice = Choice { reason: Reason::Callback, ..choice };
            let (sequence, feed) = (tally.sequence() + 1, Feed::Silent { hold_seconds: 0 });
            let head = RecordHead { sequence, decision_id: id, call: key.clone(), attempt, received_at: now, feed };
            Verdict::New(Arc::new(record(head, task, choice, by_hand)))
        };
        let record = self.store.decide(workspace, &key, now, &verdict).await?;
        Ok(record.decision.decision_id == id && !record.decision.targets.is_empty())
    }
}
