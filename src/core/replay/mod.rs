//! What-if: recorded calls under another policy, through the same choice and the same fold as the service.
//!
//! Each recorded call is asked about again, at its own time, in the state that the other policy would have led to. As long as the
//! same agent is named first, it goes as recorded, event by event. Else what happened to it then is assumed of whoever is named first
//! now: answered after the same time, talked for as long; a call that nobody answered stays unanswered. What happened without us (an
//! agent's own calls) happens again. So a replay says who would have been rung how often, not what would have come of it. It reads
//! nothing and prints nothing.

mod outcome;
mod played_call;
mod recorded_call;
mod routed;
mod shares;

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, VecDeque};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::call::{CallEvent, CallEventType, Direction};
use super::decision::{Decision, Reason};
use super::distribution::callback::{CallbackTask, TaskState, missed_key};
use super::distribution::callback_choice;
use super::distribution::choose::{self, Choice, Question, RecordHead};
use super::distribution::tally::Tally;
use super::ids::{AgentId, CallKey, GroupId};
use super::intervention::{Change, Intervention, InterventionBook};
use super::record::{DecisionRecord, GroupView, Presence, ReceivedEvent};
use super::workspace::Workspace;
use played_call::{Answerer, Course, PlayedCall};
use routed::Routed;
use shares::Shares;

pub use outcome::{AgentTotal, Outcome, Side};
pub use recorded_call::{Fate, RecordedCall};
pub use shares::{ScoreTables, Unchanged};

/// What a replay cannot know, to be said beside every result.
pub const UNKNOWABLE: [&str; 6] = [
    "whether another agent would have picked up as fast and talked as long: the recorded times are assumed",
    "whether another agent would have missed an offer or handed the call on: that is repeated only where the same agent is named first",
    "whether another agent would have sold: only who gets the calls is replayed, expected value follows from scores",
    "what callers would have done: a call that nobody answered stays unanswered, a later call stays where it was",
    "whether a CRM knew callers whom nobody looked up then: routes that ask for it are passed over, and such calls are counted",
    "what came first of things received within a quarter of a second: the order in which the state was as recorded is taken, else that of receipt",
];

/// Calls that are over are let go so often, like in the service.
const FORGET_EVERY_SECONDS: i64 = 5;

/// An event is folded once it is on disk, a question is answered once the caller is looked up: what is received within so long of a
/// question may have come before it or after it.
pub const IN_DOUBT: SignedDuration = SignedDuration::from_millis(250);

/// Credits nearer to each other than this are the same.
const SAME_CREDIT: f64 = 1e-6;

/// What comes later than this of a call is of another one, as in the service.
const CALL_KEPT_SECONDS: i64 = 24 * 3600;

/// Recorded calls under another policy, one after another.
pub struct Replay {
    tally: Tally,
    shares: Shares,
    due: BinaryHeap<Reverse<Due>>,
    /// Events that happened by now, or are about to, and are not folded yet.
    held: VecDeque<ReceivedEvent>,
    next_event: u64,
    calls: HashMap<CallKey, PlayedCall>,
    forgot_at: Timestamp,
    /// Groups whose credit counted something else when a decision before the span was recorded: the last time.
    other_credit: HashMap<GroupId, Timestamp>,
    outcome: Outcome,
}

/// An event that is going to happen: when, in which order, in which call, what, to whom.
type Due = (Timestamp, u64, CallKey, CallEventType, Option<AgentId>);

impl Replay {
    /// A replay under `workspace`. Shares follow what was recorded in the groups that are `unchanged`, else the scores given.
    pub fn new(workspace: Arc<Workspace>, unchanged: Unchanged) -> Self {
        Self {
            shares: Shares::new(&workspace, unchanged),
            tally: Tally::new(workspace),
            due: BinaryHeap::new(),
            held: VecDeque::new(),
            next_event: 0,
            calls: HashMap::new(),
            forgot_at: Timestamp::MIN,
            other_credit: HashMap::new(),
            outcome: Outcome::default(),
        }
    }

    /// Takes over a decision from before the span: the state that the replay starts from.
    pub fn before(&mut self, record: &Arc<DecisionRecord>) {
        self.happen_until(record.decision.received_at);
        let workspace = self.tally.workspace();
        let other = record.groups.iter().filter(|view| has_other_credit(workspace, view));
        self.other_credit.extend(other.map(|view| (view.group.clone(), record.decision.received_at)));
        self.add_decision(Arc::clone(record));
    }

    /// Ends the taking over. Groups whose credit would mean something else from now on start again at 0, as when a file is applied.
    pub fn begin(&mut self, from: Timestamp) {
        self.happen_until(from);
        for (group, last) in std::mem::take(&mut self.other_credit) {
            self.tally.reset_credit(&group, last.checked_add(SignedDuration::from_micros(1)).unwrap_or(last));
        }
    }

    /// Lets go calls that are too old for anything more to be told of them: to be called once a day or so.
    pub fn end_day(&mut self, now: Timestamp) {
        let young = |call: &PlayedCall| now.duration_since(call.asked_at).as_secs() <= CALL_KEPT_SECONDS;
        self.calls.retain(|_, call| young(call));
    }

    /// Follows these scores from now on.
    pub fn follow_scores(&mut self, tables: ScoreTables) {
        self.shares.follow(tables);
    }

    /// What was set by hand so far.
    pub fn interventions(&self) -> &InterventionBook {
        self.tally.interventions()
    }

    /// Goes on with an event, in the order of receipt: the PBX's word on an agent, or something of a call, unless that goes otherwise
    /// now. To be given before the questions asked within [`IN_DOUBT`] of it.
    pub fn event(&mut self, received: ReceivedEvent) {
        self.held.push_back(received);
    }

    /// Goes on with what was set by hand.
    pub fn intervention(&mut self, intervention: &Intervention) {
        self.happen_until(intervention.set_at);
        self.tally.intervene(intervention);
        if matches!(intervention.change, Change::Correction { .. }) {
            self.shares.hold_anew();
        }
        for key in intervention.change.moved_calls() {
            self.restore(&key, intervention.set_at);
        }
    }

    /// Goes on with a presence set by hand.
    pub fn presence(&mut self, presence: Presence) {
        self.happen_until(presence.set_at);
        self.tally.set_presence(presence);
    }

    /// Goes on with a question for a call, whichever attempt; they must come in the order of their decisions.
    pub fn call(&mut self, call: &RecordedCall, recorded: &DecisionRecord) {
        self.happen_until(call.asked_at);
        // An id that comes again a day later names another call.
        let young = |known: &&PlayedCall| call.asked_at.duration_since(known.asked_at).as_secs() <= CALL_KEPT_SECONDS;
        let known = self.calls.get(&call.key).filter(young).map(|known| known.course);
        if known == Some(Course::Assumed) && matches!(call.fate, Fate::Answered { .. }) {
            // Somebody else has it or will, so the PBX need not ask again.
            return;
        }
        self.move_shares(recorded);
        let routed = Routed::of(self.tally.workspace(), call);
        let choice = self.choose_in_recorded_order(call, &routed, recorded);
        if known.is_none() {
            self.outcome.without_route += u64::from(routed.outcome.is_none());
            self.outcome.not_rung += u64::from(routed.outcome.is_some() && routed.rung.is_none());
            self.outcome.caller_not_known += u64::from(routed.caller_not_known);
        }
        let first = choice.targets.first().map(|target| target.agent.clone());
        let goes_as_recorded = first == call.first && self.has_who_answered(call);
        let course = if goes_as_recorded && known != Some(Course::Assumed) { Course::Recorded } else { Course::Assumed };
        let answers = match &call.fate {
            Fate::Answered { agent, .. } if course == Course::Recorded => Some(agent.clone()),
            Fate::Answered { .. } => first.clone(),
            Fate::Unanswered { .. } | Fate::Untold => None,
        };
        let valued = |agent: &AgentId| Answerer { agent: agent.clone(), value: self.value(agent, &choice, recorded) };
        let (was, would) = (call.fate.answered_by().map(valued), answers.as_ref().map(valued));
        if known.is_none() {
            self.count(call, first.as_ref(), was);
        }
        self.count_course(call, first != call.first, would);
        self.add_decision(Arc::new(Self::record(call, routed, choice, recorded)));
        if let Some(played) = self.calls.get_mut(&call.key) {
            played.course = course;
        }
        if course == Course::Assumed {
            self.plan(call, answers);
        }
    }

    /// Goes on with a task to call back that was given to somebody.
    pub fn callback(&mut self, recorded: &DecisionRecord) {
        let (now, key) = (recorded.decision.received_at, recorded.call_key());
        let Some(missed) = recorded.asked.calls_back.as_ref().map(|missed| missed_key(&key, missed)) else { return };
        self.happen_until(now);
        self.fold_held(now);
        self.move_shares(recorded);
        let by_hand = recorded.asked.named_by_hand;
        let is_due = |task: &CallbackTask| match task.state {
            TaskState::Open => true,
            TaskState::Assigned { .. } => by_hand,
            TaskState::Reached { .. } | TaskState::Dropped { .. } => false,
        };
        let task = callback_choice::task_of(&self.tally, &missed, now).filter(is_due);
        let named = recorded.decision.targets.first().map(|target| &target.agent).filter(|_| by_hand);
        let choice = task.as_ref().and_then(|task| match named {
            Some(agent) => callback_choice::given_by_hand(&self.tally, self.shares.board(), task, agent, now),
            None => callback_choice::choice(&self.tally, self.shares.board(), task, now),
        });
        let first = choice.as_ref().and_then(|choice| choice.targets.first()).map(|target| &target.agent);
        let recorded_first = recorded.decision.targets.first().map(|target| &target.agent);
        self.outcome.tasks += u64::from(recorded_first.is_some());
        self.outcome.tasks_differ += u64::from(first != recorded_first);
        if let (Some(task), Some(choice)) = (task, choice) {
            let choice = Choice { reason: Reason::Callback, ..choice };
            self.add_decision(Arc::new(callback_choice::record(head(recorded, key), &task, choice, by_hand)));
        }
    }

    /// The comparison so far.
    pub fn outcome(&self) -> &Outcome {
        &self.outcome
    }

    /// The choice in the state of the moment. Of what was received about then some may have been folded before the service chose and some
    /// after: taken is the order in which the state is the recorded one, else that of receipt.
    fn choose_in_recorded_order(&mut self, call: &RecordedCall, routed: &Routed, recorded: &DecisionRecord) -> Choice {
        let mut choice = self.choose(call, routed);
        let mut by_receipt = None;
        // Under other shares credits are others, too.
        let is_comparable = has_shares_of(&choice, recorded);
        loop {
            let next = self.held.iter().position(|received| self.may_precede(received, call));
            let is_later = next.and_then(|at| self.held.get(at)).is_none_or(|next| next.received_at > call.asked_at);
            if (is_later && !is_comparable) || has_state_of(&choice, recorded) {
                return choice;
            }
            if is_later && by_receipt.is_none() {
                by_receipt = Some(choice.clone());
            }
            let Some(received) = next.and_then(|at| self.held.remove(at)) else { break };
            self.fold(&received);
            choice = self.choose(call, routed);
        }
        by_receipt.unwrap_or(choice)
    }

    /// Whether a held event may have been folded before a question: not what follows from that question's answer, and nothing of a call
    /// that is still to come.
    fn may_precede(&self, received: &ReceivedEvent, call: &RecordedCall) -> bool {
        let later = received.received_at > call.asked_at;
        if later && received.received_at.duration_since(call.asked_at) > IN_DOUBT {
            return false;
        }
        match key_of(received) {
            None => true,
            Some(key) if key == call.key => !later && self.calls.contains_key(&key),
            Some(key) => !later || self.calls.contains_key(&key),
        }
    }

    fn choose(&self, call: &RecordedCall, routed: &Routed) -> Choice {
        let workspace = self.tally.workspace();
        let Some((group, has_fallback)) = routed.rung else {
            return Choice::nobody(routed.reason());
        };
        let question = Question {
            call: &call.key,
            group,
            now: call.asked_at,
            exclude: &call.request.exclude,
            responsible: call.responsible.as_ref().and_then(|agent| workspace.find_agent(agent)),
            caller: call.request.caller.as_ref(),
            has_fallback,
            can_be_called_back: routed.can_be_called_back,
        };
        choose::choose(&self.tally, self.shares.board(), &question)
    }

    /// Whether the agent who answered, if one did, is in the other workspace.
    fn has_who_answered(&self, call: &RecordedCall) -> bool {
        match &call.fate {
            Fate::Answered { agent, .. } => self.tally.workspace().find_agent(agent).is_some(),
            Fate::Unanswered { .. } | Fate::Untold => true,
        }
    }

    fn record(call: &RecordedCall, routed: Routed, choice: Choice, recorded: &DecisionRecord) -> DecisionRecord {
        // A call for which nobody was looked for belongs to its route's group.
        let route = if choice.groups.is_empty() { routed.route } else { None };
        let outcome = choice.promise().or(routed.outcome);
        let record = choice.into_record(head(recorded, call.key.clone()));
        // Who called matters to later calls.
        let decision = Decision { route, outcome, ..record.decision };
        DecisionRecord { asked: recorded.asked.clone(), decision, ..record }
    }

    /// What happens to a call that does not go as recorded, at the recorded times.
    fn plan(&mut self, call: &RecordedCall, answers: Option<AgentId>) {
        let at = |after: SignedDuration| call.asked_at.checked_add(after).unwrap_or(call.asked_at);
        match (&call.fate, answers) {
            (Fate::Answered { after, talk, .. }, Some(agent)) => {
                self.push(at(*after), call, CallEventType::Answered, Some(agent));
                self.push(at(*after + *talk), call, CallEventType::Ended, None);
            }
            (Fate::Answered { after, .. } | Fate::Unanswered { after }, _) => {
                self.push(at(*after), call, CallEventType::Ended, None);
            }
            (Fate::Untold, _) => {}
        }
    }

    fn push(&mut self, at: Timestamp, call: &RecordedCall, kind: CallEventType, agent: Option<AgentId>) {
        self.next_event += 1;
        self.due.push(Reverse((at, self.next_event, call.key.clone(), kind, agent)));
    }

    /// Lets everything happen that is due by then; what is received in doubt stays held.
    fn happen_until(&mut self, now: Timestamp) {
        self.fold_held(now.checked_sub(IN_DOUBT).unwrap_or(Timestamp::MIN));
        while self.due.peek().is_some_and(|Reverse((at, ..))| *at <= now)
            && let Some(Reverse((at, number, key, event_type, agent))) = self.due.pop()
        {
            self.tally.advance(at);
            let event = CallEvent {
                event_id: number.to_string().into(),
                call_id: Some(key.call.clone()),
                event_type,
                agent,
                number: None,
                to_agent: None,
                direction: Direction::In,
                at,
                talk_seconds: None,
                state: None,
                reason: None,
                recording_url: None,
            };
            self.add_event(&ReceivedEvent { connection: key.connection.clone(), received_at: at, event }, Some(&key));
        }
        self.tally.advance(now);
    }

    /// Folds the held events that were received by then.
    fn fold_held(&mut self, until: Timestamp) {
        while self.held.front().is_some_and(|received| received.received_at <= until)
            && let Some(received) = self.held.pop_front()
        {
            self.fold(&received);
        }
    }

    fn fold(&mut self, received: &ReceivedEvent) {
        let key = key_of(received);
        match key.as_ref().and_then(|key| self.calls.get(key)) {
            Some(call) if call.course == Course::Assumed => {}
            Some(_) | None => self.add_event(received, key.as_ref()),
        }
    }

    fn add_decision(&mut self, record: Arc<DecisionRecord>) {
        let (key, now) = (record.call_key(), record.decision.received_at);
        self.restore(&key, now);
        let played = self.calls.entry(key).or_insert_with(|| PlayedCall::new(now));
        played.asked_at = now;
        played.records.push(Arc::clone(&record));
        self.tally.add_decision(record);
        self.forget(now);
    }

    fn add_event(&mut self, received: &ReceivedEvent, key: Option<&CallKey>) {
        if let Some(key) = key {
            self.restore(key, received.received_at);
            if let Some(played) = self.calls.get_mut(key) {
                played.events.push(received.clone());
            }
        }
        self.tally.add_event(received);
        self.forget(received.received_at);
    }

    /// Takes a call back that was let go, as the service does.
    fn restore(&mut self, key: &CallKey, now: Timestamp) {
        if let Some(played) = self.calls.get(key).filter(|played| !played.records.is_empty())
            && self.tally.call(key).is_none_or(|call| call.decisions.is_empty())
        {
            self.tally.restore(key, &played.records, &played.events, now);
        }
    }

    fn forget(&mut self, now: Timestamp) {
        let due = |since: Timestamp| since == Timestamp::MIN || now.duration_since(since).as_secs().abs() >= FORGET_EVERY_SECONDS;
        if due(self.forgot_at) {
            self.forgot_at = now;
            self.tally.forget(now);
        }
    }

    fn move_shares(&mut self, recorded: &DecisionRecord) {
        let workspace = Arc::clone(self.tally.workspace());
        self.shares.move_on(&workspace, self.tally.interventions(), recorded.decision.received_at);
        self.shares.follow_recorded(&self.tally, recorded);
    }

    /// What somebody's calls are worth, by the scores of the group the call goes to that agent in; none where nothing tells.
    fn value(&self, agent: &AgentId, choice: &Choice, recorded: &DecisionRecord) -> Option<f64> {
        let workspace = self.tally.workspace();
        let targets = || choice.targets.iter().chain(&recorded.decision.targets);
        let target = targets().find(|target| target.agent == *agent).or_else(|| choice.targets.first())?;
        self.shares.value(workspace, workspace.find_group(target.groups.last()?)?, agent)
    }

    /// Counts a call when it is first asked about.
    fn count(&mut self, call: &RecordedCall, first: Option<&AgentId>, answered: Option<Answerer>) {
        self.outcome.calls += 1;
        let (recorded, replayed) = (&mut self.outcome.recorded, &mut self.outcome.replayed);
        for (side, named) in [(&mut *recorded, call.first.as_ref()), (replayed, first)] {
            match named {
                Some(agent) => side.agents.entry(agent.clone()).or_default().named_first += 1,
                None => side.without_target += 1,
            }
        }
        if let Some(answered) = answered {
            recorded.add(&answered, call.fate.talk());
        }
        self.calls.insert(call.key.clone(), PlayedCall { is_counted: true, ..PlayedCall::new(call.asked_at) });
    }

    /// Counts how a call goes on; a later attempt may change that.
    fn count_course(&mut self, call: &RecordedCall, differs: bool, answers: Option<Answerer>) {
        let Some(played) = self.calls.get_mut(&call.key).filter(|played| played.is_counted) else { return };
        if differs && !played.differs {
            played.differs = true;
            self.outcome.first_differs += 1;
        }
        let agent = |answers: &Option<Answerer>| answers.as_ref().map(|answers| answers.agent.clone());
        if agent(&played.answers) == agent(&answers) {
            return;
        }
        if let Some(before) = std::mem::replace(&mut played.answers, answers.clone()) {
            self.outcome.replayed.take(&before, call.fate.talk());
        }
        if let Some(answers) = answers {
            self.outcome.replayed.add(&answers, call.fate.talk());
        }
    }
}

/// The head of a decision made again.
fn head(recorded: &DecisionRecord, call: CallKey) -> RecordHead {
    RecordHead {
        sequence: recorded.sequence,
        decision_id: recorded.decision.decision_id,
        call,
        attempt: recorded.decision.attempt,
        received_at: recorded.decision.received_at,
        feed: recorded.feed,
    }
}

/// The call an event is of.
fn key_of(received: &ReceivedEvent) -> Option<CallKey> {
    let call = received.event.call_id.clone()?;
    Some(CallKey { connection: received.connection.clone(), call })
}

/// Whether a choice found the recorded shares.
fn has_shares_of(choice: &Choice, recorded: &DecisionRecord) -> bool {
    let found = |now: &GroupView| {
        recorded.groups.iter().any(|then| now.group == then.group && now.lambda.published == then.lambda.published)
    };
    choice.groups.iter().all(found)
}

/// Whether a choice found everybody standing and owed as recorded.
fn has_state_of(choice: &Choice, recorded: &DecisionRecord) -> bool {
    let same = |(now, then): (&GroupView, &GroupView)| {
        let owed = now.credit.iter().zip(&then.credit).all(|(now, then)| (now - then).abs() < SAME_CREDIT);
        now.group == then.group && now.lambda.members == then.lambda.members && now.standing == then.standing && owed
    };
    // Older programs kept no groups where nobody could be rung.
    let is_untold = recorded.groups.is_empty() && choice.targets.is_empty();
    is_untold || (choice.groups.len() == recorded.groups.len() && choice.groups.iter().zip(&recorded.groups).all(same))
}

/// Whether a group's credit means something else in the workspace than when a decision was recorded.
fn has_other_credit(workspace: &Workspace, view: &GroupView) -> bool {
    let policy = workspace.find_group(&view.group).map(|group| workspace.policy_of(group));
    policy.is_some_and(|policy| policy.count != view.count || policy.mode.counts_seconds() != view.in_seconds)
}
