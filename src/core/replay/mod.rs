//! What-if: recorded calls under another policy, through the same choice and the same fold as the service.
//!
//! Each recorded call is asked about again, at its own time, in the state that the other policy would have led to. Where the same
//! agent is named first, it goes as recorded. Else what happened to it then is assumed of whoever is named first now: answered
//! after the same time, talked for as long; a call that nobody answered stays unanswered. So a replay says who would have been rung
//! how often, not what would have come of it. It reads nothing and prints nothing.

mod recorded_call;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::call::{CallEvent, CallEventType, Direction};
use super::choose::{self, Choice, Question, RecordHead};
use super::decision::{Decision, Reason};
use super::ids::{AgentId, CallKey, GroupId};
use super::intervention::Intervention;
use super::record::{DecisionRecord, GroupView, Presence, ReceivedEvent};
use super::route::{CallerStanding, Condition, Outcome as RouteOutcome, Passed};
use super::route_match::{CallFacts, match_route};
use super::share_board::{GroupShares, ShareBoard};
use super::tally::Tally;
use super::workspace::{GroupIx, Workspace};

pub use recorded_call::{Fate, RecordedCall};

/// What a replay cannot know, to be said beside every result.
pub const UNKNOWABLE: [&str; 4] = [
    "whether another agent would have picked up as fast and talked as long: the recorded times are assumed",
    "whether another agent would have sold: only who gets the calls is replayed, expected value follows from scores",
    "what callers would have done: a call that nobody answered stays unanswered, a later call stays where it was",
    "whether a CRM knew callers whom nobody looked up then: routes that ask for it are passed over, and such calls are counted",
];

/// Calls that are over are let go after so many.
const FORGET_EVERY: u64 = 256;

/// What one agent got.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct AgentTotal {
    /// Calls answered.
    pub calls: u64,
    /// Seconds talked.
    pub talk_seconds: f64,
    /// Calls in which the agent was named first.
    pub named_first: u64,
}

/// One side of the comparison.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Side {
    /// By agent.
    pub agents: BTreeMap<AgentId, AgentTotal>,
    /// Calls for which nobody was named.
    pub without_target: u64,
}

/// What a replay comes to.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Outcome {
    /// Calls replayed.
    pub calls: u64,
    /// Calls in which another agent, or nobody, is named first.
    pub first_differs: u64,
    /// Calls that no route of the other workspace takes.
    pub without_route: u64,
    /// Calls that the other workspace's routes do not ring agents for: they refuse them, leave them to a branch, or promise a call.
    pub not_rung: u64,
    /// Calls for which a route was passed over because no CRM had been asked about the caller: it might have been taken.
    pub caller_not_known: u64,
    /// As recorded.
    pub recorded: Side,
    /// Under the other policy.
    pub replayed: Side,
}

/// Recorded calls under another policy, one after another.
pub struct Replay {
    tally: Tally,
    board: ShareBoard,
    /// Published shares of the groups that are as they were: recorded with every decision.
    as_recorded: HashMap<GroupId, Option<Arc<[f64]>>>,
    due: BinaryHeap<Reverse<Due>>,
    next_event: u64,
    outcome: Outcome,
}

/// An event that is going to happen: when, in which order, in which call, what, to whom.
type Due = (Timestamp, u64, CallKey, CallEventType, Option<AgentId>);

impl Replay {
    /// A replay under `workspace`. `board` holds its shares; those of the groups in `unchanged` follow what was recorded.
    pub fn new(workspace: Arc<Workspace>, board: ShareBoard, unchanged: impl IntoIterator<Item = GroupId>) -> Self {
        Self {
            tally: Tally::new(workspace),
            board,
            as_recorded: unchanged.into_iter().map(|group| (group, None)).collect(),
            due: BinaryHeap::new(),
            next_event: 0,
            outcome: Outcome::default(),
        }
    }

    /// Takes over what was recorded before the span: the state that the replay starts from.
    pub fn before(&mut self, record: Arc<DecisionRecord>) {
        self.tally.add_decision(record);
    }

    /// Lets go what is over: to be called now and then while facts before the span are taken over.
    pub fn forget(&mut self, now: Timestamp) {
        self.happen_until(now);
        self.tally.forget(now);
    }

    /// Takes over an event of a call that was asked about before the span.
    pub fn event_before(&mut self, received: &ReceivedEvent) {
        self.happen_until(received.received_at);
        self.tally.add_event(received);
    }

    /// Goes on with what was set by hand.
    pub fn intervention(&mut self, intervention: &Intervention) {
        self.happen_until(intervention.set_at);
        self.tally.intervene(intervention);
    }

    /// Goes on with a presence set by hand.
    pub fn presence(&mut self, presence: Presence) {
        self.happen_until(presence.set_at);
        self.tally.set_presence(presence);
    }

    /// Goes on with the PBX's word on an agent.
    pub fn agent_state(&mut self, received: &ReceivedEvent) {
        self.happen_until(received.received_at);
        self.tally.add_event(received);
    }

    /// Goes on with a call; calls must come in the order they were asked about.
    pub fn call(&mut self, call: &RecordedCall, recorded: &DecisionRecord) {
        self.happen_until(call.asked_at);
        self.follow_recorded_shares(recorded);
        let (route, choice) = self.choose(call);
        let answers = self.answers(call, &choice);
        self.count(call, &choice, answers.as_ref());
        let (sequence, feed) = (self.tally.sequence() + 1, call.feed);
        let decision_id = uuid::Uuid::from_u128(u128::from(sequence));
        let head = RecordHead { sequence, decision_id, call: call.key.clone(), attempt: 1, received_at: call.asked_at, feed };
        let record = choice.into_record(head);
        // Who called matters to later calls.
        let decision = Decision { outcome: route, ..record.decision };
        self.tally.add_decision(Arc::new(DecisionRecord { asked: recorded.asked.clone(), decision, ..record }));
        if sequence.is_multiple_of(FORGET_EVERY) {
            self.tally.forget(call.asked_at);
        }
        self.plan(call, answers);
    }

    /// The comparison so far.
    pub fn outcome(&self) -> &Outcome {
        &self.outcome
    }

    /// What becomes of a call by the routes of this workspace, and whom they ring.
    fn choose(&mut self, call: &RecordedCall) -> (Option<RouteOutcome<GroupId>>, Choice) {
        let workspace = Arc::clone(self.tally.workspace());
        let facts = CallFacts { request: &call.request, standing: call.standing, segments: &call.segments, at: call.asked_at };
        let matched = match_route(&workspace, &facts);
        let no_word = |passed: &Passed| passed.failed == Condition::NoWord;
        self.outcome.caller_not_known += u64::from(matched.passed.iter().any(no_word));
        let Some(route) = matched.route else {
            self.outcome.without_route += 1;
            return (None, Choice::nobody(Reason::NoRoute));
        };
        let can_be_called_back = call.standing != CallerStanding::Withheld;
        let outcome = route.outcome.map(|group| workspace.group(*group).id.clone()).kept(can_be_called_back);
        let group = match &route.outcome {
            RouteOutcome::Ring { group } => *group,
            RouteOutcome::Reject | RouteOutcome::Branch { .. } | RouteOutcome::Callback { .. } => {
                self.outcome.not_rung += 1;
                let promised = matches!(outcome, RouteOutcome::Callback { .. });
                let reason = if promised { Reason::Callback } else { Reason::Fallback };
                return (Some(outcome), Choice::nobody(reason));
            }
        };
        let question = Question {
            call: &call.key,
            group,
            now: call.asked_at,
            exclude: &call.request.exclude,
            responsible: call.responsible.as_ref().and_then(|agent| workspace.find_agent(agent)),
            caller: call.request.caller.as_ref(),
            has_fallback: route.fallback.is_some(),
        };
        (Some(outcome), choose::choose(&self.tally, &self.board, &question))
    }

    /// Who answers the call, if an agent did: the same one where the same is named first, else whoever is.
    fn answers(&self, call: &RecordedCall, choice: &Choice) -> Option<AgentId> {
        let Fate::Answered { agent, .. } = &call.fate else { return None };
        let first = choice.targets.first().map(|target| &target.agent);
        let as_recorded = first == call.first.as_ref() && self.tally.workspace().find_agent(agent).is_some();
        if as_recorded { Some(agent.clone()) } else { first.cloned() }
    }

    /// What happens to the call, at the recorded times.
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

    /// Lets everything happen that is due by then.
    fn happen_until(&mut self, now: Timestamp) {
        while self.due.peek().is_some_and(|Reverse((at, ..))| *at <= now)
            && let Some(Reverse((at, number, key, event_type, agent))) = self.due.pop()
        {
            self.tally.advance(at);
            let event = CallEvent {
                event_id: number.to_string().into(),
                call_id: Some(key.call),
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
            self.tally.add_event(&ReceivedEvent { connection: key.connection, received_at: at, event });
        }
        self.tally.advance(now);
    }

    /// Groups that are as they were keep the shares that were published at that moment.
    fn follow_recorded_shares(&mut self, recorded: &DecisionRecord) {
        let mut moved = false;
        for view in recorded.groups.iter().filter(|view| has_same_members(&self.tally, view)) {
            if let Some(known) = self.as_recorded.get_mut(&view.group)
                && known.as_deref() != Some(&*view.lambda.published)
            {
                *known = Some(Arc::clone(&view.lambda.published));
                moved = true;
            }
        }
        if moved {
            let workspace = Arc::clone(self.tally.workspace());
            self.board = self.board_now(&workspace);
        }
    }

    fn board_now(&self, workspace: &Workspace) -> ShareBoard {
        let groups = workspace.groups.iter().zip((0..).map(GroupIx)).filter_map(|(group, ix)| {
            let shares = self.board.group(ix)?.clone();
            let recorded = self.as_recorded.get(&group.id).cloned().flatten();
            Some(match recorded {
                Some(published) => GroupShares { published, ..shares },
                None => shares,
            })
        });
        ShareBoard::new(groups.collect())
    }

    fn count(&mut self, call: &RecordedCall, choice: &Choice, answers: Option<&AgentId>) {
        let first = choice.targets.first().map(|target| &target.agent);
        self.outcome.calls += 1;
        self.outcome.first_differs += u64::from(first != call.first.as_ref());
        let (recorded, replayed) = (&mut self.outcome.recorded, &mut self.outcome.replayed);
        for (side, named) in [(&mut *recorded, call.first.as_ref()), (&mut *replayed, first)] {
            match named {
                Some(agent) => side.agents.entry(agent.clone()).or_default().named_first += 1,
                None => side.without_target += 1,
            }
        }
        let Fate::Answered { agent, talk, .. } = &call.fate else { return };
        for (side, answers) in [(recorded, Some(agent)), (replayed, answers)] {
            if let Some(agent) = answers {
                let total = side.agents.entry(agent.clone()).or_default();
                total.calls += 1;
                total.talk_seconds += talk.as_secs_f64();
            }
        }
    }
}

/// Whether the group's members are those, in that order, for whom the recorded shares were published.
fn has_same_members(tally: &Tally, view: &GroupView) -> bool {
    let group = tally.workspace().find_group(&view.group);
    group.is_some_and(|group| *tally.members(group) == view.lambda.members)
}
