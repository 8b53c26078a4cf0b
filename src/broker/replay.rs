//! What-if over recorded calls: reads what was recorded, day by day, and runs it under another version of the workspace.
//!
//! Changes nothing that is stored. What it compares and what it cannot know: see `core::replay`.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::recorded_calls::{CHUNK_HOURS, after, calls_of, chunk, key_of};
use super::score_book::PolicyScores;
use super::store::{Recorded, Store, StoreError, StoredScores};
use crate::core::credit_book::PERIODS_REMEMBERED;
use crate::core::ids::{AgentId, CallKey, GroupId, PolicyId};
use crate::core::intervention::Intervention;
use crate::core::record::{DecisionRecord, Presence, ReceivedEvent};
use crate::core::replay::{Outcome, RecordedCall, Replay};
use crate::core::score_table::ScoreTable;
use crate::core::share_board::{GroupShares, ShareBoard};
use crate::core::target_share;
use crate::core::workspace::{GroupIx, Workspace};

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
    take_over(store, request, &mut replay).await?;
    let mut at = request.from;
    while at < request.until {
        let (facts, tail, end) = chunk(store, &request.current.id, at, request.until).await?;
        run(&mut replay, decisions(&facts, &tail, &request.current.default_region), &facts);
        replay.end_day(end);
        progress(end);
        at = end;
    }
    let values = tables.values().flat_map(|table| &table.agents).map(|score| (score.agent.clone(), score.value)).collect();
    Ok(ReplayResult { outcome: replay.outcome().clone(), values })
}

/// Brings the replay to the state at the start of the span.
async fn take_over(store: &dyn Store, request: &ReplayRequest, replay: &mut Replay) -> Result<(), StoreError> {
    let period = request.other.policies.iter().map(|policy| i64::from(policy.period_seconds)).max().unwrap_or_default();
    let seconds = (PERIODS_REMEMBERED * period).max(CHUNK_HOURS * 3600);
    let mut at = request.from.checked_sub(SignedDuration::from_secs(seconds)).unwrap_or(Timestamp::MIN);
    let standing = store.standing(&request.current.id, at).await?;
    standing.events.iter().for_each(|received| replay.event(received));
    standing.presence.into_iter().for_each(|presence| replay.presence(presence));
    standing.interventions.iter().for_each(|intervention| replay.intervention(intervention));
    while at < request.from {
        let until = after(at, CHUNK_HOURS).min(request.from);
        let facts = store.recorded(&request.current.id, at, until).await?;
        let decisions = facts.decisions.iter().map(Fact::Before).collect();
        run(replay, decisions, &facts);
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

/// Where a fact stands: when; of what happened at the same instant first what stands by itself, then decisions in their order, each
/// followed by what was told of its call.
type Place = (Timestamp, u64, bool);

/// Lets all facts of a chunk happen in the order they were received in.
fn run(replay: &mut Replay, decisions: Vec<Fact<'_>>, facts: &Recorded) {
    let begun: HashMap<(CallKey, Timestamp), u64> = facts
        .decisions
        .iter()
        .filter(|record| record.decision.attempt == 1)
        .map(|record| ((record.call_key(), record.decision.received_at), record.sequence))
        .collect();
    let mut timeline: Vec<(Place, Fact<'_>)> = Vec::with_capacity(facts.decisions.len() + facts.events.len());
    let mut reached = Timestamp::MIN;
    for fact in decisions {
        if let Fact::Before(record) | Fact::Call(_, record) | Fact::Callback(record) = &fact {
            // Decided in this order, whatever was received first.
            reached = reached.max(record.decision.received_at);
            timeline.push(((reached, record.sequence, false), fact));
        }
    }
    for received in &facts.events {
        let at = received.received_at;
        let own = key_of(received).and_then(|key| begun.get(&(key, at)));
        timeline.push(((at, own.copied().unwrap_or(0), own.is_some()), Fact::Event(received)));
    }
    timeline.extend(facts.presence.iter().map(|presence| ((presence.set_at, 0, false), Fact::Presence(presence))));
    timeline.extend(facts.interventions.iter().map(|set| ((set.set_at, 0, false), Fact::Intervention(set))));
    timeline.sort_by_key(|(place, _)| *place);
    for (_, fact) in timeline {
        match fact {
            Fact::Before(record) => replay.before(record),
            Fact::Call(call, recorded) => replay.call(&call, recorded),
            Fact::Callback(recorded) => replay.callback(recorded),
            Fact::Event(received) => replay.event(received),
            Fact::Presence(presence) => replay.presence(presence.clone()),
            Fact::Intervention(intervention) => replay.intervention(intervention),
        }
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

/// Groups with the same members, bases and policy in both versions.
fn unchanged_groups(request: &ReplayRequest) -> Vec<GroupId> {
    let (current, other) = (&request.current, &request.other);
    let members = |workspace: &Workspace, ix: GroupIx| -> Vec<(String, f64)> {
        let members = workspace.group(ix).members.iter();
        members.map(|member| (workspace.member_name(member.who).to_owned(), member.base)).collect()
    };
    let same = |id: &GroupId| {
        let (Some(was), Some(is)) = (current.find_group(id), other.find_group(id)) else { return false };
        members(current, was) == members(other, is) && current.policy_of(was) == other.policy_of(is)
    };
    other.groups.iter().map(|group| group.id.clone()).filter(same).collect()
}
