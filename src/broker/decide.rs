//! One mid-call hook, one decision: a retry gets the stored answer, a new call is chosen for, and whatever is missing by
//! the deadline is done without and said so.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use jiff::Timestamp;

use super::deadline::Deadline;
use super::ports::IdSource;
use super::store::{Store, StoreError, Verdict};
use super::tenant::Tenant;
use super::who_calls::{Caller, who_calls};
use crate::core::call::DecisionRequest;
use crate::core::decision::{Decision, Degraded, Fallback, Reason};
use crate::core::distribution::choose::{self, Choice, Question};
use crate::core::distribution::tally::Tally;
use crate::core::ids::{CallKey, ConnectionId, GroupId};
use crate::core::proving::rollout::Arm;
use crate::core::record::{Asked, DecisionRecord, EncodedReply, Feed};
use crate::core::routing::route::{CallerStanding, Outcome};
use crate::core::routing::route_match::{CallFacts, Matched, match_route};
use crate::core::shares::share_board::ShareBoard;
use crate::core::workspace::{AgentIx, ConnectionKind, EventFeed, GroupIx, Route, Workspace};

/// Turns a decision into what the PBX gets. Called while the decision is committed: it must not wait.
pub type Encode = dyn Fn(&Decision) -> EncodedReply + Send + Sync;

/// Decides.
pub struct Decider {
    store: Arc<dyn Store>,
    ids: Arc<dyn IdSource>,
}

/// A hook to decide.
pub struct Hook<'a> {
    /// The running workspace.
    pub tenant: &'a Tenant,
    /// Through which connection it came.
    pub connection: &'a ConnectionId,
    /// What is asked.
    pub request: &'a DecisionRequest,
    /// When it was received.
    pub received_at: Timestamp,
    /// When it must be answered.
    pub deadline: Deadline,
    /// How to answer.
    pub encode: &'a Encode,
}

/// What a hook came to.
#[derive(Debug)]
pub enum Decided {
    /// A decision that is recorded; `repeated` when it was made before.
    Recorded {
        /// The record with the answer.
        record: Arc<DecisionRecord>,
        /// Whether it was made before.
        repeated: bool,
    },
    /// No choice could be made or recorded: the fallback.
    Fallback {
        /// The answer.
        decision: Box<Decision>,
        /// As the PBX gets it.
        reply: EncodedReply,
    },
}

impl Decided {
    /// What the PBX gets.
    pub fn reply(&self) -> &EncodedReply {
        match self {
            Self::Recorded { record, .. } => &record.reply,
            Self::Fallback { reply, .. } => reply,
        }
    }

    /// The answer.
    pub fn decision(&self) -> &Decision {
        match self {
            Self::Recorded { record, .. } => &record.decision,
            Self::Fallback { decision, .. } => decision,
        }
    }
}

impl Decider {
    /// Decides with this store and these ids.
    pub fn new(store: Arc<dyn Store>, ids: Arc<dyn IdSource>) -> Self {
        Self { store, ids }
    }

    /// Decides one hook by its deadline, whatever the CRM and the store do.
    pub async fn decide(&self, hook: &Hook<'_>) -> Decided {
        let caller = who_calls(hook).await;
        let commit = self.commit(hook, &caller);
        match tokio::time::timeout_at(hook.deadline.for_store(), commit).await {
            Ok(Ok(decided)) => decided,
            Ok(Err(error)) => {
                tracing::error!(%error, "a call was answered with the fallback: the decision could not be made or recorded");
                self.fallback(hook, &caller, Degraded::Fault)
            }
            Err(_) => {
                tracing::error!("a call was answered with the fallback: the store did not answer by the hook's deadline");
                self.fallback(hook, &caller, Degraded::Log)
            }
        }
    }

    /// The fallback without a choice, for a hook that came while too much was going on.
    pub fn overloaded(&self, hook: &Hook<'_>) -> Decided {
        self.fallback(hook, &Caller::not_asked(hook), Degraded::Overload)
    }

    async fn commit(&self, hook: &Hook<'_>, caller: &Caller) -> Result<Decided, StoreError> {
        let call = CallKey { connection: hook.connection.clone(), call: hook.request.call_id.clone() };
        let matched = matched(hook, caller);
        let id = self.ids.next_id(hook.received_at);
        let log_is_current = self.store.log_is_current();
        let verdict = |tally: &Tally| {
            let attempt = match attempt(tally, &call, hook) {
                Attempt::Known(record) => return Verdict::Known(record),
                Attempt::Next(attempt) => attempt,
            };
            let draft = Draft { id, attempt, matched: &matched, call: &call, caller, log_is_current };
            // A fault in the choice must not take the workspace's state or the caller's answer with it.
            let record = catch_unwind(AssertUnwindSafe(|| draft.record(tally, hook)));
            Verdict::New(Arc::new(record.unwrap_or_else(|_| draft.record_fault(tally, hook))))
        };
        let record = self.store.decide(&hook.tenant.workspace.id, &call, hook.received_at, &verdict).await?;
        let repeated = record.decision.decision_id != id;
        Ok(Decided::Recorded { record, repeated })
    }

    fn fallback(&self, hook: &Hook<'_>, caller: &Caller, why: Degraded) -> Decided {
        let matched = matched(hook, caller);
        let route = matched.route;
        let decision = Decision {
            decision_id: self.ids.next_id(hook.received_at),
            call_id: hook.request.call_id.clone(),
            attempt: hook.request.attempt.unwrap_or(1),
            received_at: hook.received_at,
            route: route.map(|route| route.id.clone()),
            // Nothing is recorded, so no task would be made: a callback must not be promised.
            outcome: route.map(|route| outcome_of(&hook.tenant.workspace, route, false)),
            passed: matched.passed,
            reason: if route.is_some() { Reason::Fallback } else { Reason::NoRoute },
            targets: Vec::new(),
            fallback: fallback_of(route),
            caller: caller.card.clone(),
            scores_age_seconds: None,
            degraded: vec![why],
        };
        let reply = (hook.encode)(&decision);
        Decided::Fallback { decision: Box::new(decision), reply }
    }
}

fn matched<'a>(hook: &Hook<'a>, caller: &Caller) -> Matched<'a> {
    let (standing, segments) = (caller.standing, caller.card.segments.as_slice());
    let facts = CallFacts { request: hook.request, standing, segments, at: hook.received_at };
    match_route(&hook.tenant.workspace, &facts)
}

/// What becomes of a call by its route.
fn outcome_of(workspace: &Workspace, route: &Route, can_be_called_back: bool) -> Outcome<GroupId> {
    route.outcome.map(|group| workspace.group(*group).id.clone()).kept(can_be_called_back)
}

fn fallback_of(route: Option<&Route>) -> Option<Fallback> {
    route.and_then(|route| route.fallback.clone()).map(|number| Fallback { number })
}

enum Attempt {
    Known(Arc<DecisionRecord>),
    Next(u32),
}

/// Whether this hook repeats an answered one. A dialect that names its attempts is taken at its word; for others a repeat
/// soon after the last answer is a retry.
fn attempt(tally: &Tally, call: &CallKey, hook: &Hook<'_>) -> Attempt {
    let decisions = tally.call(call).map(|call| call.decisions.as_slice()).unwrap_or_default();
    match hook.request.attempt {
        Some(wanted) => match decisions.iter().find(|record| record.decision.attempt == wanted) {
            Some(record) => Attempt::Known(Arc::clone(record)),
            None => Attempt::Next(wanted),
        },
        None => match decisions.last() {
            None => Attempt::Next(1),
            Some(last) => {
                let since = hook.received_at.duration_since(last.decision.received_at).as_secs();
                // Whether a clock that was set back hides a retry cannot be known: the caller shall not hear the same phone for an hour.
                if since.abs() < i64::from(retry_window_seconds(hook)) {
                    Attempt::Known(Arc::clone(last))
                } else {
                    Attempt::Next(last.decision.attempt.saturating_add(1))
                }
            }
        },
    }
}

fn pbx(hook: &Hook<'_>) -> (EventFeed, u32) {
    match hook.tenant.workspace.find_connection(hook.connection).map(|connection| connection.kind) {
        Some(ConnectionKind::Pbx { events, retry_window_seconds, .. }) => (events, retry_window_seconds),
        Some(ConnectionKind::Crm { .. }) | None => (EventFeed::Full, 5),
    }
}

fn retry_window_seconds(hook: &Hook<'_>) -> u32 {
    pbx(hook).1
}

/// What a record is made from, besides the state.
struct Draft<'a> {
    id: uuid::Uuid,
    attempt: u32,
    matched: &'a Matched<'a>,
    call: &'a CallKey,
    caller: &'a Caller,
    log_is_current: bool,
}

impl Draft<'_> {
    fn record(&self, tally: &Tally, hook: &Hook<'_>) -> DecisionRecord {
        let nobody = |reason| self.finish(tally, hook, Choice::nobody(reason), Scores::default());
        let Some(route) = self.matched.route else { return nobody(Reason::NoRoute) };
        let group = match &route.outcome {
            Outcome::Ring { group } => *group,
            Outcome::Callback { .. } if self.can_be_called_back() => return nobody(Reason::Callback),
            Outcome::Reject | Outcome::Branch { .. } | Outcome::Callback { .. } => return nobody(Reason::Fallback),
        };
        let Some(Places { shares, group, responsible }) = Places::of(tally, hook, group, self.caller.responsible) else {
            return nobody(Reason::Fallback);
        };
        let question = Question {
            call: self.call,
            group,
            now: hook.received_at,
            exclude: &hook.request.exclude,
            responsible,
            caller: hook.request.caller.as_ref(),
            has_fallback: route.fallback.is_some(),
            can_be_called_back: self.can_be_called_back(),
        };
        let choice = choose::choose(tally, &shares, &question);
        let scores = Scores::of(tally.workspace(), &shares, &choice, hook.received_at);
        self.finish(tally, hook, choice, scores)
    }

    fn can_be_called_back(&self) -> bool {
        self.caller.standing != CallerStanding::Withheld
    }

    fn record_fault(&self, tally: &Tally, hook: &Hook<'_>) -> DecisionRecord {
        tracing::error!(call.id = %self.call.call, "choosing for a call failed; it was answered with the fallback");
        let reason = if self.matched.route.is_some() { Reason::Fallback } else { Reason::NoRoute };
        self.finish(tally, hook, Choice::nobody(reason), Scores { age_seconds: None, degraded: Some(Degraded::Fault) })
    }

    fn finish(&self, tally: &Tally, hook: &Hook<'_>, choice: Choice, scores: Scores) -> DecisionRecord {
        let log = (!self.log_is_current).then_some(Degraded::Log);
        let mut degraded: Vec<Degraded> = [self.caller.degraded, scores.degraded, log].into_iter().flatten().collect();
        degraded.sort_unstable();
        let by_route = || {
            let route = self.matched.route?;
            Some(outcome_of(&hook.tenant.workspace, route, self.can_be_called_back()))
        };
        let decision = Decision {
            decision_id: self.id,
            call_id: hook.request.call_id.clone(),
            attempt: self.attempt,
            received_at: hook.received_at,
            route: self.matched.route.map(|route| route.id.clone()),
            outcome: choice.promise().or_else(by_route),
            passed: self.matched.passed.clone(),
            reason: choice.reason,
            targets: choice.targets,
            fallback: fallback_of(self.matched.route),
            caller: self.caller.card.clone(),
            scores_age_seconds: scores.age_seconds,
            degraded,
        };
        let feed = match pbx(hook).0 {
            EventFeed::Full => Feed::Events,
            EventFeed::None { hold_seconds } => Feed::Silent { hold_seconds },
        };
        let reply = (hook.encode)(&decision);
        DecisionRecord {
            sequence: tally.sequence() + 1,
            connection: hook.connection.clone(),
            asked: asked(hook.request, self.caller),
            decision,
            feed,
            moves_credit: choice.moves_credit,
            groups: choice.groups,
            paths: choice.paths,
            adjustments: choice.adjustments,
            reply,
            trial: choice.trial,
        }
    }
}

/// Where things stand in the version of the workspace that the state is in. While a workspace is being changed, that may be
/// another one than the hook was received under, and then positions differ.
struct Places {
    shares: Arc<ShareBoard>,
    group: GroupIx,
    responsible: Option<AgentIx>,
}

impl Places {
    /// None when the route's group is gone.
    fn of(tally: &Tally, hook: &Hook<'_>, group: GroupIx, responsible: Option<AgentIx>) -> Option<Self> {
        let (received, shares) = (&hook.tenant.workspace, hook.tenant.shares.load_full());
        let current = tally.workspace();
        if Arc::ptr_eq(current, received) {
            return Some(Self { shares, group, responsible });
        }
        Some(Self {
            shares: Arc::new(shares.carried(received, current)),
            group: current.find_group(&received.group(group).id)?,
            responsible: responsible.and_then(|ix| current.find_agent(&received.agent(ix).id)),
        })
    }
}

fn asked(request: &DecisionRequest, caller: &Caller) -> Asked {
    Asked {
        caller: request.caller.as_ref().map(|number| number.expose().to_owned()),
        called: request.called.as_str().to_owned(),
        scenario: request.scenario.clone(),
        operation: request.operation.clone(),
        exclude: request.exclude.clone(),
        at: request.at,
        looked_up: matches!(caller.standing, CallerStanding::Known | CallerStanding::Unknown),
        calls_back: None,
        named_by_hand: false,
    }
}

/// How old the scores behind a choice are.
#[derive(Clone, Copy, Default)]
struct Scores {
    age_seconds: Option<u64>,
    degraded: Option<Degraded>,
}

impl Scores {
    fn of(workspace: &Workspace, shares: &crate::core::shares::share_board::ShareBoard, choice: &Choice, now: Timestamp) -> Self {
        let groups = choice.groups.iter().filter_map(|view| {
            let group = workspace.find_group(&view.group)?;
            // Equal shares do without scores, however old those are.
            let arm = choice.trial.arm_under(&workspace.policy_of(group).id);
            shares.group(group).filter(|_| matches!(arm, None | Some(Arm::Policy)))
        });
        let mut found = Self::default();
        if choice.targets.is_empty() {
            // Nobody was chosen by any scores.
            return found;
        }
        for group in groups.filter(|group| group.follows_scores) {
            let Some(as_of) = group.scores_as_of else {
                found.degraded = Some(Degraded::ScoresMissing);
                continue;
            };
            let age = u64::try_from(now.duration_since(as_of).as_secs()).unwrap_or(0);
            found.age_seconds = Some(found.age_seconds.map_or(age, |known| known.max(age)));
            if group.stale_at.is_some_and(|stale_at| now >= stale_at) && found.degraded.is_none() {
                found.degraded = Some(Degraded::ScoresStale);
            }
        }
        found
    }
}
