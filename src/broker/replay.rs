//! What-if over recorded calls: reads what was recorded, day by day, and runs it under another version of the workspace.
//!
//! Changes nothing that is stored. What it compares and what it cannot know: see `core::replay`.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::recorded_calls::{CALL_HOURS_MAX, CHUNK_HOURS, after, calls_of, chunk, key_of};
use super::score_book::PolicyScores;
use super::store::{Recorded, Store, StoreError, StoredScores};
use crate::core::call::CallEventType;
use crate::core::credit_book::PERIODS_REMEMBERED;
use crate::core::head_count;
use crate::core::ids::{AgentId, CallKey, GroupId, PolicyId};
use crate::core::intervention::Intervention;
use crate::core::policy::Mode;
use crate::core::record::{DecisionRecord, Presence, ReceivedEvent};
use crate::core::replay::{Outcome, RecordedCall, Replay};
use crate::core::score_table::ScoreTable;
use crate::core::share_board::{GroupShares, ShareBoard};
use crate::core::target_share;
use crate::core::workspace::{AgentIx, GroupIx, Workspace};

/// What to replay.
pub struct ReplayRequest {
    /// The workspace as it is.
    pub current: Arc<Workspace>,
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
    /// The value of each agent in the scores in use, where there are any.
    pub values: BTreeMap<AgentId, f64>,
}

/// Replays. `progress` hears how far it is.
pub async fn replay(
    store: &dyn Store,
    request: &ReplayRequest,
    progress: &mut (dyn FnMut(Timestamp) + Send),
) -> Result<ReplayResult, StoreError> {
    let tables = tables(store.scores(&request.current.id).await?);
    let board = board(&request.other, &tables);
    let mut replay = Replay::new(Arc::clone(&request.other), board, unchanged_groups(request));
    let earlier = take_over(store, request, &mut replay).await?;
    let mut at = request.from;
    while at < request.until {
        let (facts, tail, end) = chunk(store, &request.current.id, at, request.until).await?;
        run(&mut replay, facts, &tail, &earlier, &request.current.default_region);
        progress(end);
        at = end;
    }
    let values = tables.values().flat_map(|table| &table.agents).map(|score| (score.agent.clone(), score.value)).collect();
    Ok(ReplayResult { outcome: replay.outcome().clone(), values })
}

/// Brings the replay to the state at the start of the span. Gives the calls that may still have been going on then.
async fn take_over(store: &dyn Store, request: &ReplayRequest, replay: &mut Replay) -> Result<HashSet<CallKey>, StoreError> {
    let period = request.other.policies.iter().map(|policy| i64::from(policy.period_seconds)).max().unwrap_or_default();
    let seconds = (PERIODS_REMEMBERED * period).max(CHUNK_HOURS * 3600);
    let mut at = request.from.checked_sub(SignedDuration::from_secs(seconds)).unwrap_or(Timestamp::MIN);
    let mut going_on = HashSet::new();
    let standing = store.standing(&request.current.id, at).await?;
    standing.events.iter().for_each(|received| replay.agent_state(received));
    standing.presence.into_iter().for_each(|presence| replay.presence(presence));
    standing.interventions.iter().for_each(|intervention| replay.intervention(intervention));
    while at < request.from {
        let until = after(at, CHUNK_HOURS).min(request.from);
        let facts = store.recorded(&request.current.id, at, until).await?;
        for record in facts.decisions {
            if after(record.decision.received_at, CALL_HOURS_MAX) > request.from {
                going_on.insert(record.call_key());
            }
            replay.before(record);
        }
        facts.events.iter().for_each(|received| replay.event_before(received));
        facts.presence.into_iter().for_each(|presence| replay.presence(presence));
        facts.interventions.iter().for_each(|intervention| replay.intervention(intervention));
        replay.forget(until);
        at = until;
    }
    Ok(going_on)
}

enum Fact<'a> {
    Call(Box<RecordedCall>, &'a Arc<DecisionRecord>),
    AgentState(&'a ReceivedEvent),
    EventBefore(&'a ReceivedEvent),
    Presence(Presence),
    Intervention(&'a Intervention),
}

fn run(replay: &mut Replay, facts: Recorded, tail: &[ReceivedEvent], earlier: &HashSet<CallKey>, region: &str) {
    let calls = calls_of(&facts, tail);
    let mut timeline: Vec<(Timestamp, Fact<'_>)> = Vec::new();
    for received in &facts.events {
        if received.event.event_type == CallEventType::AgentState {
            timeline.push((received.received_at, Fact::AgentState(received)));
        } else if key_of(received).is_some_and(|key| earlier.contains(&key)) {
            timeline.push((received.received_at, Fact::EventBefore(received)));
        }
    }
    for call in calls.values().filter(|call| !earlier.contains(&call.key)) {
        if let (Some(recorded), Some(first)) = (RecordedCall::of(call, region), call.decisions.first()) {
            timeline.push((recorded.asked_at, Fact::Call(Box::new(recorded), first)));
        }
    }
    timeline.extend(facts.presence.into_iter().map(|presence| (presence.set_at, Fact::Presence(presence))));
    timeline.extend(facts.interventions.iter().map(|set| (set.set_at, Fact::Intervention(set))));
    timeline.sort_by_key(|(at, fact)| (*at, order(fact)));
    for (_, fact) in timeline {
        match fact {
            Fact::Call(call, recorded) => replay.call(&call, recorded),
            Fact::AgentState(received) => replay.agent_state(received),
            Fact::EventBefore(received) => replay.event_before(received),
            Fact::Presence(presence) => replay.presence(presence),
            Fact::Intervention(intervention) => replay.intervention(intervention),
        }
    }
}

/// Of what happened at the same instant: what people said first, then calls in the order of their decisions.
fn order(fact: &Fact<'_>) -> u64 {
    match fact {
        Fact::Presence(_) | Fact::Intervention(_) | Fact::AgentState(_) | Fact::EventBefore(_) => 0,
        Fact::Call(_, recorded) => recorded.sequence,
    }
}

fn tables(stored: Vec<StoredScores>) -> BTreeMap<PolicyId, Arc<ScoreTable>> {
    let read = |scores: StoredScores| Some((scores.policy, serde_json::from_str::<PolicyScores>(&scores.body).ok()?.table?));
    stored.into_iter().filter_map(read).collect()
}

/// The shares that scores in use lead to: where they settle, without the way there.
fn board(workspace: &Workspace, tables: &BTreeMap<PolicyId, Arc<ScoreTable>>) -> ShareBoard {
    let groups = (0..).map(GroupIx).take(workspace.groups.len()).map(|ix| {
        let policy = workspace.policy_of(ix);
        let table = tables.get(&policy.id).map(|table| &**table);
        let targets = target_share::targets(workspace, ix, table);
        GroupShares {
            base: targets.members.iter().map(|member| member.base).collect(),
            published: targets.members.iter().map(|member| member.target).collect(),
            scores_as_of: targets.scores_as_of,
            stale_at: None,
            follows_scores: policy.score.is_some(),
        }
    });
    ShareBoard::new(groups.collect())
}

/// Groups with the same members, bases and policy in both versions; and the same people, where shares follow those.
fn unchanged_groups(request: &ReplayRequest) -> Vec<GroupId> {
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
        let policy = other.policy_of(is);
        let follows_people = match policy.mode {
            Mode::HeadCount | Mode::Performance => true,
            Mode::Percent | Mode::EqualCalls | Mode::EqualTalkTime => false,
        };
        members(current, was) == members(other, is)
            && current.policy_of(was) == policy
            && (!follows_people || people(current, was) == people(other, is))
    };
    other.groups.iter().map(|group| group.id.clone()).filter(same).collect()
}
