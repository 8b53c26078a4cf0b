//! How the tests ask and tell: a broker in miniature.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use jiff::{SignedDuration, Timestamp};
use meritline::broker::store::{EventOutcome, Store, StoreError, Verdict};
use meritline::core::call::{CallEvent, CallEventType, Direction};
use meritline::core::decision::{CallerCard, Decision};
use meritline::core::distribution::choose::{Question, choose};
use meritline::core::distribution::tally::Tally;
use meritline::core::ids::{AgentId, CallId, CallKey, ConnectionId, DecisionId, EventId, GroupId, WorkspaceId};
use meritline::core::record::{Asked, DecisionRecord, EncodedReply, Feed, ReceivedEvent};
use meritline::core::shares::share_board::ShareBoard;

static NEXT_ID: AtomicU64 = AtomicU64::new(1);

fn next_id(at: Timestamp) -> DecisionId {
    let count = u128::from(NEXT_ID.fetch_add(1, Ordering::Relaxed)).to_be_bytes();
    let millis = u64::try_from(at.as_millisecond()).unwrap();
    uuid::Builder::from_unix_timestamp_millis(millis, count[6..].try_into().unwrap()).into_uuid()
}

/// Seconds after the moment all tests begin at.
pub(crate) fn at(seconds: i64) -> Timestamp {
    let start: Timestamp = "2026-11-23T07:00:00Z".parse().unwrap();
    start.checked_add(SignedDuration::from_secs(seconds)).unwrap()
}

pub(crate) fn pbx() -> ConnectionId {
    ConnectionId::from("pbx")
}

pub(crate) fn key(call: &str) -> CallKey {
    CallKey { connection: pbx(), call: CallId::from(call) }
}

/// What a broker would record for this call now.
pub(crate) fn decided(tally: &Tally, call: &CallKey, attempt: u32, now: Timestamp) -> DecisionRecord {
    let workspace = tally.workspace();
    let route = &workspace.routes[0];
    let group = *route.outcome.group().unwrap();
    let question = Question {
        call,
        group,
        now,
        exclude: &[],
        responsible: None,
        caller: None,
        has_fallback: true,
        can_be_called_back: true,
    };
    let choice = choose(tally, &ShareBoard::of_base(workspace), &question);
    let agents: Vec<&str> = choice.targets.iter().map(|target| target.agent.as_str()).collect();
    let body = format!("{}/{attempt}: {}", call.call, agents.join(","));
    DecisionRecord {
        sequence: tally.sequence() + 1,
        connection: call.connection.clone(),
        asked: Asked { called: "+74951112233".to_owned(), ..Asked::default() },
        decision: Decision {
            decision_id: next_id(now),
            call_id: call.call.clone(),
            attempt,
            received_at: now,
            route: Some(route.id.clone()),
            outcome: Some(route.outcome.map(|group| workspace.group(*group).id.clone())),
            passed: Vec::new(),
            reason: choice.reason,
            targets: choice.targets,
            fallback: None,
            caller: CallerCard::default(),
            scores_age_seconds: None,
            degraded: Vec::new(),
        },
        feed: Feed::Events,
        moves_credit: choice.moves_credit,
        groups: choice.groups,
        paths: choice.paths,
        adjustments: choice.adjustments,
        trial: choice.trial,
        reply: EncodedReply { status: 200, content_type: "text/plain".into(), body: body.into_bytes().into() },
    }
}

/// Asks for one attempt of a call.
pub(crate) async fn ask_attempt(
    store: &dyn Store,
    workspace: &str,
    call: &str,
    attempt: u32,
    now: Timestamp,
) -> Result<Arc<DecisionRecord>, StoreError> {
    let (workspace, call) = (WorkspaceId::from(workspace), key(call));
    let decide = |tally: &Tally| {
        let known = tally.call(&call).and_then(|known| known.decisions.iter().find(|record| record.decision.attempt == attempt));
        match known {
            Some(record) => Verdict::Known(Arc::clone(record)),
            None => Verdict::New(Arc::new(decided(tally, &call, attempt, now))),
        }
    };
    store.decide(&workspace, &call, now, &decide).await
}

/// Asks for the first attempt of a call.
pub(crate) async fn ask(store: &dyn Store, workspace: &str, call: &str, now: Timestamp) -> Arc<DecisionRecord> {
    ask_attempt(store, workspace, call, 1, now).await.unwrap()
}

/// Who is rung first.
pub(crate) fn first(record: &DecisionRecord) -> &str {
    record.decision.targets[0].agent.as_str()
}

/// An event whose PBX clock is our clock.
pub(crate) fn event(id: &str, call: &str, event_type: CallEventType, agent: Option<&str>, now: Timestamp) -> ReceivedEvent {
    ReceivedEvent {
        connection: pbx(),
        received_at: now,
        event: CallEvent {
            event_id: EventId::from(id),
            call_id: Some(CallId::from(call)),
            event_type,
            agent: agent.map(AgentId::from),
            number: None,
            to_agent: None,
            direction: Direction::In,
            at: now,
            talk_seconds: None,
            state: None,
            reason: None,
            recording_url: None,
        },
    }
}

/// The events of a call that an agent takes: rung at once, answered after 5 s, over after 60 s.
pub(crate) fn taken(call: &str, agent: &str, start: i64) -> Vec<ReceivedEvent> {
    let told = |what: &str, kind, agent, after| event(&format!("{call}-{what}"), call, kind, agent, at(start + after));
    vec![
        told("offered", CallEventType::Offered, Some(agent), 0),
        told("answered", CallEventType::Answered, Some(agent), 5),
        told("ended", CallEventType::Ended, None, 60),
    ]
}

/// Tells events; gives how many were accepted.
pub(crate) async fn tell(store: &dyn Store, workspace: &str, events: Vec<ReceivedEvent>) -> usize {
    let outcomes = store.record_events(&WorkspaceId::from(workspace), events).await.unwrap();
    outcomes.into_iter().filter(|outcome| *outcome == EventOutcome::Accepted).count()
}

/// Credits of a group's members.
pub(crate) async fn credits(store: &dyn Store, workspace: &str, group: &str, now: Timestamp) -> BTreeMap<String, f64> {
    let mut found = BTreeMap::new();
    let mut look = |tally: &Tally| {
        let ix = tally.workspace().find_group(&GroupId::from(group)).unwrap();
        let members = tally.members(ix);
        let credits = tally.book(ix).credits(members, now.as_microsecond());
        found = members.iter().map(|member| member.as_str().to_owned()).zip(credits).collect();
    };
    store.view(&WorkspaceId::from(workspace), now, &mut look).await.unwrap();
    found
}

/// Whether a call is in memory.
pub(crate) async fn is_at_hand(store: &dyn Store, workspace: &str, call: &str, now: Timestamp) -> bool {
    let mut found = false;
    let mut look = |tally: &Tally| found = tally.call(&key(call)).is_some();
    store.view(&WorkspaceId::from(workspace), now, &mut look).await.unwrap();
    found
}

pub(crate) fn assert_same_credits(left: &BTreeMap<String, f64>, right: &BTreeMap<String, f64>) {
    assert_eq!(left.keys().collect::<Vec<_>>(), right.keys().collect::<Vec<_>>());
    for (member, credit) in left {
        assert!((credit - right[member]).abs() < 1e-9, "{member}: {credit} and {}", right[member]);
    }
}
