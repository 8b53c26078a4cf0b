//! Callers who were missed, cut off or promised a call: who has the context when they call again, and who owes them a call.
//!
//! Both are functions of the calls of the last day and of what people set by hand. It chooses nobody by credit: a callback is
//! shared out by the same choice as a call (`core::distribution::choose`), and charged like one.

use std::collections::HashSet;

use jiff::{SignedDuration, Timestamp};

use super::call_state;
use super::recent_calls::{RecentCall, RecentCalls};
use crate::core::ids::{AgentId, CallId, CallKey, ConnectionId, GroupId, RouteId};
use crate::core::intervention::{CallbackOutcome, InterventionBook};
use crate::core::phone_number::PhoneNumber;

const DAY_SECONDS: i64 = 24 * 3600;

/// How a policy treats callers who were missed or cut off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CallbackRules {
    /// Whether a missed call makes a task to call back.
    pub tasks: bool,
    /// Whether a caller who calls again goes first to the agent who has the context.
    pub context_first: bool,
    /// A missed call is open, and gives context, for so long, in seconds.
    pub missed_within_seconds: u32,
    /// A caller who calls again so soon after a conversation was cut off, in seconds.
    pub talked_within_seconds: u32,
}

impl CallbackRules {
    /// Nothing of it.
    pub const OFF: Self = Self { tasks: false, context_first: false, missed_within_seconds: 0, talked_within_seconds: 0 };
}

impl Default for CallbackRules {
    /// Tasks and context, a day after a missed call and ten minutes after a conversation.
    fn default() -> Self {
        Self { tasks: true, context_first: true, missed_within_seconds: 24 * 3600, talked_within_seconds: 600 }
    }
}

/// How a task to call back stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TaskState {
    /// Nobody has it yet.
    Open,
    /// Somebody is to call back.
    Assigned {
        /// Who.
        agent: AgentId,
        /// Since when.
        since: Timestamp,
    },
    /// Somebody called back and reached the caller.
    Reached {
        /// Who.
        agent: Option<AgentId>,
        /// When.
        at: Timestamp,
    },
    /// Nobody needs to call back any more: the caller was talked to otherwise, or a person said so.
    Dropped {
        /// When.
        at: Timestamp,
    },
}

/// A task to call somebody back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallbackTask {
    /// The missed call.
    pub call: CallKey,
    /// Whom to call.
    pub caller: PhoneNumber,
    /// When it was missed, or its caller promised a call.
    pub missed_at: Timestamp,
    /// Whether a route promised the caller a call; else nobody answered.
    pub promised: bool,
    /// The route the call took.
    pub route: Option<RouteId>,
    /// Among whom the task is shared.
    pub group: GroupId,
    /// How it stands.
    pub state: TaskState,
    /// To whom it was given last, if to anybody, however it stands now.
    pub holder: Option<AgentId>,
    /// How often nobody answered when called back.
    pub attempts: u32,
}

/// What the connection of a callback's key begins with. No connection of a workspace has a colon in its id, so whatever a PBX calls
/// its calls, none of them can be taken for a callback.
const CALLBACK_CONNECTION: &str = "callback:";

/// The key under which the callback of a missed call is decided: the same on every replica, so that it is decided once.
pub fn callback_key(missed: &CallKey) -> CallKey {
    CallKey { connection: ConnectionId::from(format!("{CALLBACK_CONNECTION}{}", missed.connection)), call: missed.call.clone() }
}

/// The key that older versions decided callbacks under. A PBX may use it for a call of its own: look whether it calls back.
fn older_callback_key(missed: &CallKey) -> CallKey {
    CallKey { connection: missed.connection.clone(), call: CallId::from(format!("{CALLBACK_CONNECTION}{}", missed.call)) }
}

/// All keys under which the callback of a missed call may be found.
pub fn callback_keys(missed: &CallKey) -> [CallKey; 2] {
    [callback_key(missed), older_callback_key(missed)]
}

/// The missed call that the call with this key calls back.
pub fn missed_key(back: &CallKey, missed: &CallId) -> CallKey {
    let connection = back.connection.as_str().strip_prefix(CALLBACK_CONNECTION).map(ConnectionId::from);
    CallKey { connection: connection.unwrap_or_else(|| back.connection.clone()), call: missed.clone() }
}

/// The agent who has the context of a caller who calls again: who is to call back, who talked a moment ago, or who was offered the
/// missed call last; of several the one of the latest call. A conversation settles what was missed before it.
pub fn context(
    calls: &RecentCalls,
    caller: &PhoneNumber,
    rules: &CallbackRules,
    own: &CallKey,
    now: Timestamp,
) -> Option<AgentId> {
    if !rules.context_first {
        return None;
    }
    let mut earlier: Vec<(&CallKey, &RecentCall)> = calls.of_caller(caller).filter(|(key, _)| *key != own).collect();
    earlier.sort_by(|a, b| (b.1.asked_at, b.0).cmp(&(a.1.asked_at, a.0)));
    for (_, call) in earlier {
        if let Some((agent, ended)) = &call.talked {
            // While a conversation lasts, a second call of the same person is no callback.
            return ended.filter(|ended| within(*ended, now, rules.talked_within_seconds)).map(|_| agent.clone());
        }
        let owed_since = if call.calls_back.is_some() { Some(call.asked_at) } else { call.missed_at.filter(|at| *at <= now) };
        let is_owed = owed_since.is_some_and(|since| within(since, now, rules.missed_within_seconds));
        if let Some(agent) = call.offered.as_ref().filter(|_| is_owed) {
            return Some(agent.clone());
        }
    }
    None
}

/// What tasks follow from.
#[derive(Debug, Clone, Copy)]
pub struct CallbackFacts<'a> {
    /// The calls of the last day.
    pub calls: &'a RecentCalls,
    /// What people set by hand.
    pub set: &'a InterventionBook,
    /// The instant asked for.
    pub now: Timestamp,
}

impl CallbackFacts<'_> {
    /// The tasks to call back, oldest first; `among` says among whom a call is shared and under which rules. Finished ones stay
    /// visible for as long as their call is remembered.
    pub fn tasks(&self, among: impl Fn(&RecentCall) -> Option<(GroupId, CallbackRules)>) -> Vec<CallbackTask> {
        let missed = self.calls.iter().filter(|(_, call)| call.missed_at.is_some());
        let found = missed.filter_map(|(key, call)| self.task(key, call, among(call)?));
        let mut found: Vec<CallbackTask> = found.collect();
        found.sort_by(|a, b| (a.missed_at, &a.call).cmp(&(b.missed_at, &b.call)));
        // Who was missed several times is called back once: the oldest task stands for all.
        let mut waiting: HashSet<PhoneNumber> = HashSet::new();
        found.retain(|task| match task.state {
            TaskState::Open | TaskState::Assigned { .. } => waiting.insert(task.caller.clone()),
            TaskState::Reached { .. } | TaskState::Dropped { .. } => true,
        });
        found
    }

    /// The task that one missed call makes, whether or not another call of the same caller stands for it.
    pub fn task_of(
        &self,
        missed: &CallKey,
        among: impl Fn(&RecentCall) -> Option<(GroupId, CallbackRules)>,
    ) -> Option<CallbackTask> {
        let call = self.calls.get(missed)?;
        self.task(missed, call, among(call)?)
    }

    fn task(&self, key: &CallKey, call: &RecentCall, among: (GroupId, CallbackRules)) -> Option<CallbackTask> {
        let (caller, missed_at, (group, rules)) = (call.caller.as_ref()?, call.missed_at?, among);
        // What the route promised is kept, whatever the policy says of missed calls.
        if !(rules.tasks || call.promised) || missed_at > self.now || call.calls_back.is_some() {
            return None;
        }
        let (given, until) = (self.given(key), call_state::later(missed_at, i64::from(rules.missed_within_seconds)));
        Some(CallbackTask {
            holder: given.as_ref().map(|(agent, _)| agent.clone()),
            state: self.state(key, call, given, until),
            call: key.clone(),
            caller: caller.clone(),
            missed_at,
            promised: call.promised,
            route: call.route.clone(),
            group,
            attempts: self.set.callback_attempts(key, call.asked_at),
        })
    }

    /// To whom the callback of a missed call was given, and when: the last decision says.
    fn given(&self, missed: &CallKey) -> Option<(AgentId, Timestamp)> {
        let keys = callback_keys(missed);
        let backs = keys.iter().filter_map(|back| self.calls.get(back));
        let backs = backs.filter(|back| back.calls_back.as_ref() == Some(&missed.call));
        backs.filter_map(|back| Some((back.offered.clone()?, back.named_at))).max_by_key(|(_, at)| *at)
    }

    fn state(&self, key: &CallKey, call: &RecentCall, given: Option<(AgentId, Timestamp)>, until: Timestamp) -> TaskState {
        let said = match self.set.callback(key, call.asked_at) {
            Some((CallbackOutcome::Reached, agent, at)) => return TaskState::Reached { agent: agent.cloned(), at },
            Some((CallbackOutcome::Dropped, _, at)) => Some(at),
            Some((CallbackOutcome::NoAnswer, ..)) | None => None,
        };
        let settled = || self.settled_since(call.caller.as_ref()?, call.asked_at);
        let too_old = || (until < self.now).then_some(until);
        if let Some(at) = said.or_else(settled).or_else(too_old) {
            return TaskState::Dropped { at };
        }
        given.map_or(TaskState::Open, |(agent, since)| TaskState::Assigned { agent, since })
    }

    /// When a missed call needed no calling back any more: its caller was talked to, or a person said so of another call of the
    /// same caller.
    fn settled_since(&self, caller: &PhoneNumber, missed: Timestamp) -> Option<Timestamp> {
        let said = self.calls.of_caller(caller).filter_map(|(key, call)| self.set.callback(key, call.asked_at));
        let said = said.filter(|(outcome, _, at)| *outcome != CallbackOutcome::NoAnswer && *at > missed).map(|(_, _, at)| at);
        said.chain(talked_since(self.calls, caller, missed, a_day_after(missed))).min()
    }
}

/// When the caller of a missed call was first talked to afterwards, up to an instant. Calls are remembered for a day in the running
/// service and for longer while a restart reads them: the bound keeps both at one.
fn talked_since(calls: &RecentCalls, caller: &PhoneNumber, missed: Timestamp, until: Timestamp) -> Option<Timestamp> {
    let talked = calls.of_caller(caller).filter(|(_, later)| later.talked.is_some()).map(|(_, later)| later.asked_at);
    talked.filter(|asked_at| missed < *asked_at && *asked_at <= until).min()
}

fn a_day_after(at: Timestamp) -> Timestamp {
    call_state::later(at, DAY_SECONDS)
}

/// Whether a call counts for nothing: it is tagged, or it was to call somebody back who was talked to otherwise, within a day after
/// it was given out. What was said before the call was asked about is of an earlier call with its id.
pub fn is_void(calls: &RecentCalls, set: &InterventionBook, key: &CallKey, call: &RecentCall) -> bool {
    if set.tag(key, call.asked_at).is_some() {
        return true;
    }
    let Some(missed) = &call.calls_back else { return false };
    let missed = missed_key(key, missed);
    // What is forgotten is older than all that is remembered, and was missed during the day before it was given out.
    let missed_at = calls.get(&missed).map(|call| call.asked_at);
    let said_since = missed_at.unwrap_or_else(|| call_state::later(call.asked_at, -DAY_SECONDS));
    match set.callback(&missed, said_since) {
        Some((CallbackOutcome::Reached, ..)) => false,
        Some((CallbackOutcome::Dropped, ..)) => true,
        Some((CallbackOutcome::NoAnswer, ..)) | None => {
            let (since, until) = (missed_at.unwrap_or(Timestamp::MIN), a_day_after(call.asked_at));
            call.caller.as_ref().is_some_and(|caller| talked_since(calls, caller, since, until).is_some())
        }
    }
}

fn within(since: Timestamp, now: Timestamp, seconds: u32) -> bool {
    now.duration_since(since) <= SignedDuration::from_secs(i64::from(seconds))
}
