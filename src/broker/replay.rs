//! What-if over recorded calls: reads what was recorded, day by day, and runs it under another version of the workspace.
//!
//! Changes nothing that is stored. What it compares and what it cannot know: see `core::replay`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::recorded_calls::{CHUNK_HOURS, after, calls_of, chunk};
use super::replayed_scores::ReplayedScores;
use super::store::{Recorded, Store, StoreError};
use crate::core::agent::Duty;
use crate::core::distribution::credit_book::PERIODS_REMEMBERED;
use crate::core::ids::{AgentId, ConnectionId, CrmUserId, GroupId, PolicyId};
use crate::core::intervention::Intervention;
use crate::core::policy::Mode;
use crate::core::record::{DecisionRecord, Presence, ReceivedEvent};
use crate::core::replay::{IN_DOUBT, Outcome, RecordedCall, Replay, UNKNOWABLE, Unchanged};
use crate::core::shares::head_count;
use crate::core::workspace::{AgentIx, GroupIx, PolicyIx, Workspace};

/// What to replay.
pub struct ReplayRequest {
    /// The workspace as it is.
    pub current: Arc<Workspace>,
    /// When that version was applied: what is recorded before may have followed another one.
    pub applied_at: Timestamp,
    /// The workspace to compare with; the same for a check of the replay itself.
    pub other: Arc<Workspace>,
    /// From when on.
    pub from: Timestamp,
    /// Until when.
    pub until: Timestamp,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq)]
pub struct ReplayResult {
    /// The comparison.
    pub outcome: Outcome,
    /// What it cannot tell, in words.
    pub cannot_know: Vec<String>,
}

/// Replays. `progress` hears how far it is.
pub async fn replay(
    store: &dyn Store,
    request: &ReplayRequest,
    progress: &mut (dyn FnMut(Timestamp) + Send),
) -> Result<ReplayResult, StoreError> {
    let unchanged = unchanged(request);
    let mut scores = ReplayedScores::read(store, request).await?;
    let mut replay = Replay::new(Arc::clone(&request.other), unchanged.clone());
    take_over(store, request, &mut replay, &mut scores).await?;
    let mut at = request.from;
    while at < request.until {
        let (facts, tail, end) = chunk(store, &request.current.id, at, request.until).await?;
        run(&mut replay, decisions(&facts, &tail, &request.current.default_region), &facts, &mut scores);
        replay.end_day(end);
        progress(end);
        at = end;
    }
    let cannot_know = unknowable(request, &replay, &scores, &unchanged.groups);
    Ok(ReplayResult { outcome: replay.outcome().clone(), cannot_know })
}

/// Brings the replay to the state at the start of the span.
async fn take_over(
    store: &dyn Store,
    request: &ReplayRequest,
    replay: &mut Replay,
    scores: &mut ReplayedScores,
) -> Result<(), StoreError> {
    let period = request.other.policies.iter().map(|policy| i64::from(policy.period_seconds)).max().unwrap_or_default();
    let seconds = (PERIODS_REMEMBERED * period).max(CHUNK_HOURS * 3600);
    let mut at = request.from.checked_sub(SignedDuration::from_secs(seconds)).unwrap_or(Timestamp::MIN);
    let standing = store.standing(&request.current.id, at).await?;
    standing.events.into_iter().for_each(|received| replay.event(received));
    standing.presence.into_iter().for_each(|presence| replay.presence(presence));
    standing.interventions.iter().for_each(|intervention| replay.intervention(intervention));
    while at < request.from {
        let until = after(at, CHUNK_HOURS).min(request.from);
        let facts = store.recorded(&request.current.id, at, until).await?;
        let decisions = facts.decisions.iter().map(Fact::Before).collect();
        run(replay, decisions, &facts, scores);
        replay.end_day(until);
        at = until;
    }
    replay.begin(request.from);
    Ok(())
}

enum Fact<'a> {
    Before(&'a Arc<DecisionRecord>),
    Call(Box<RecordedCall>, &'a Arc<DecisionRecord>),
    Callback(&'a Arc<DecisionRecord>),
    Event(&'a ReceivedEvent),
    Presence(&'a Presence),
    Intervention(&'a Intervention),
}

/// The decisions of a chunk, to be made anew; `tail` are the events of the hours behind it.
fn decisions<'a>(facts: &'a Recorded, tail: &[ReceivedEvent], region: &str) -> Vec<Fact<'a>> {
    let calls = calls_of(facts, tail);
    let made = facts.decisions.iter().filter_map(|record| {
        if record.asked.calls_back.is_some() {
            return Some(Fact::Callback(record));
        }
        let call = RecordedCall::of_attempt(calls.get(&record.call_key())?, record, region)?;
        Some(Fact::Call(Box::new(call), record))
    });
    made.collect()
}

/// Where a fact stands: when; of what happened at the same instant first what stands by itself, then decisions in their order.
type Place = (Timestamp, u64);

/// Lets all facts of a chunk happen in the order they were received in; events are told a little ahead.
fn run(replay: &mut Replay, decisions: Vec<Fact<'_>>, facts: &Recorded, scores: &mut ReplayedScores) {
    let mut timeline: Vec<(Place, Fact<'_>)> = Vec::with_capacity(facts.decisions.len() + facts.events.len());
    let mut reached = Timestamp::MIN;
    for fact in decisions {
        if let Fact::Before(record) | Fact::Call(_, record) | Fact::Callback(record) = &fact {
            // Decided in this order, whatever was received first.
            reached = reached.max(record.decision.received_at);
            timeline.push(((reached, record.sequence), fact));
        }
    }
    for received in &facts.events {
        let told_at = received.received_at.checked_sub(IN_DOUBT).unwrap_or(Timestamp::MIN);
        timeline.push(((told_at, 0), Fact::Event(received)));
    }
    timeline.extend(facts.presence.iter().map(|presence| ((presence.set_at, 0), Fact::Presence(presence))));
    timeline.extend(facts.interventions.iter().map(|set| ((set.set_at, 0), Fact::Intervention(set))));
    timeline.sort_by_key(|(place, _)| *place);
    for ((at, _), fact) in timeline {
        if matches!(fact, Fact::Call(..) | Fact::Callback(_))
            && let Some(tables) = scores.due(at, replay.interventions())
        {
            replay.follow_scores(tables);
        }
        match fact {
            Fact::Before(record) => replay.before(record),
            Fact::Call(call, recorded) => replay.call(&call, recorded),
            Fact::Callback(recorded) => replay.callback(recorded),
            Fact::Event(received) => replay.event(received.clone()),
            Fact::Presence(presence) => replay.presence(presence.clone()),
            Fact::Intervention(intervention) => replay.intervention(intervention),
        }
    }
}

/// Groups whose shares depend on nothing that differs between both versions: members, bases, policy, and the people whose results are
/// compared or who are counted.
fn unchanged(request: &ReplayRequest) -> Unchanged {
    let (current, other) = (&request.current, &request.other);
    let members = |workspace: &Workspace, ix: GroupIx| -> Vec<(String, f64)> {
        let members = workspace.group(ix).members.iter();
        members.map(|member| (workspace.member_name(member.who).to_owned(), member.base)).collect()
    };
    let people = |workspace: &Workspace, ix: GroupIx| -> Vec<BTreeSet<AgentId>> {
        let name = |agent: AgentIx| workspace.agent(agent).id.clone();
        let members = workspace.group(ix).members.iter();
        members.map(|member| head_count::people(workspace, member).into_iter().map(name).collect()).collect()
    };
    let same = |id: &GroupId| {
        let (Some(was), Some(is)) = (current.find_group(id), other.find_group(id)) else { return false };
        let follows_people = match other.policy_of(is).mode {
            Mode::HeadCount | Mode::Performance => true,
            Mode::Percent | Mode::EqualCalls | Mode::EqualTalkTime => false,
        };
        let compared = compared(current, current.group(was).policy) == compared(other, other.group(is).policy);
        compared
            && members(current, was) == members(other, is)
            && current.policy_of(was) == other.policy_of(is)
            && (!follows_people || people(current, was) == people(other, is))
    };
    let same_reckoning = current.currency == other.currency && current.time_zone == other.time_zone;
    let groups = other.groups.iter().map(|group| group.id.clone()).filter(|group| same_reckoning && same(group)).collect();
    Unchanged { groups, since: Some(request.applied_at) }
}

/// The people whom a policy compares, as far as their results and shares depend on the file.
fn compared(workspace: &Workspace, policy: PolicyIx) -> Vec<(&AgentId, &BTreeMap<ConnectionId, CrmUserId>, &Duty)> {
    let agents = workspace.pool(policy).into_iter().map(|ix| workspace.agent(ix));
    agents.map(|agent| (&agent.id, &agent.crm_users, &agent.duty)).collect()
}

/// What the result cannot tell.
fn unknowable(request: &ReplayRequest, replay: &Replay, scores: &ReplayedScores, unchanged: &[GroupId]) -> Vec<String> {
    let mut told: Vec<String> = UNKNOWABLE.iter().map(|told| (*told).to_owned()).collect();
    told.extend(scores.unknowable());
    let other = &request.other;
    let is_unchanged = |policy: &PolicyId| {
        unchanged.iter().filter_map(|id| other.find_group(id)).any(|group| other.policy_of(group).id == *policy)
    };
    let scored = || other.policies.iter().filter(|policy| policy.score.is_some());
    if request.from < request.applied_at && scored().any(|policy| is_unchanged(&policy.id)) {
        told.push(format!(
            "which scores were followed before the file in use was applied at {}: until then those it would have had are",
            request.applied_at
        ));
    }
    for policy in scored().filter(|policy| !is_unchanged(&policy.id)) {
        if let Some(version) = replay.interventions().score_pin(&policy.id) {
            told.push(format!(
                "what policy `{}` would do with its scores pinned to version {version}: the pin is passed over",
                policy.id
            ));
        }
    }
    if replay.outcome().tasks > 0 {
        told.push("which callbacks only the other file would make, and when one is given that finds nobody free".to_owned());
    }
    told
}
