//! Reads pages, also those of older programs.

use std::borrow::Cow;
use std::sync::Arc;

use jiff::Timestamp;
use serde::Deserialize;

use super::{Person, TargetTexts, UNPACKED_BYTES_MAX, VERSION, broken, standing};
use crate::broker::store::StoreError;
use crate::core::decision::{CallerCard, Decision, Degraded, Fallback, Reason, Target};
use crate::core::distribution::selection::Adjustment;
use crate::core::ids::{CallId, CallKey, ConnectionId, DecisionId, GroupId, RouteId};
use crate::core::policy::Count;
use crate::core::record::{Asked, DecisionRecord, EncodedReply, Feed, GroupView, GuardView, Lambda, MemberStanding, Step, Steps};
use crate::core::routing::route::{Outcome, Passed};
use crate::store::rows::{from_json, instant};
use crate::store::trial_texts::TrialTexts;

/// The texts of a decision as read. A field added later must have a default, so that old pages stay readable.
#[derive(Deserialize)]
struct Texts {
    sequence: u64,
    connection: ConnectionId,
    asked: Asked,
    decision_id: DecisionId,
    call_id: CallId,
    attempt: u32,
    received_us: i64,
    route: Option<RouteId>,
    #[serde(default)]
    outcome: Option<Outcome<GroupId>>,
    #[serde(default)]
    passed: Vec<Passed>,
    reason: Reason,
    targets: Vec<TargetTexts>,
    fallback: Option<Fallback>,
    #[serde(default)]
    caller: CallerCard,
    scores_age_seconds: Option<u64>,
    #[serde(default)]
    degraded: Vec<Degraded>,
    feed: Feed,
    moves_credit: bool,
    groups: Vec<GroupTexts>,
    paths: Vec<Vec<(u32, u32)>>,
    adjustments: Vec<Adjustment>,
    reply_status: u16,
    reply_type: Cow<'static, str>,
    reply_bytes: usize,
    #[serde(default)]
    trial: Option<TrialTexts>,
}

/// A group as read.
#[derive(Deserialize)]
struct GroupTexts {
    group: GroupId,
    lambda: Arc<str>,
    count: Count,
    unit: f64,
    in_seconds: bool,
    members: usize,
    #[serde(default)]
    guard: Option<GuardView>,
}

/// All texts of a page.
#[derive(Deserialize)]
struct PageTexts {
    people: Vec<Person>,
    group_lists: Vec<Arc<[GroupId]>>,
    decisions: Vec<Texts>,
}

/// A decision as read, before its expected shares are found.
pub(in crate::store) struct StoredDecision {
    texts: Texts,
    received_at: Timestamp,
    targets: Vec<Target>,
    standings: Vec<(Vec<f64>, Vec<MemberStanding>)>,
    reply: Vec<u8>,
}

/// Reads a page.
pub(in crate::store) fn read(stored: &[u8]) -> Result<Vec<StoredDecision>, StoreError> {
    let (version, packed) = stored.split_first().ok_or_else(|| broken("it is empty"))?;
    if *version > VERSION {
        let text = format!("it was written as version {version}, this program reads up to {VERSION}: start the newer program");
        return Err(broken(&text));
    }
    let (size, _) = lz4_flex::block::uncompressed_size(packed).map_err(|_| broken("it is cut off"))?;
    if size > UNPACKED_BYTES_MAX {
        return Err(broken("it says to be larger than any page"));
    }
    let page = lz4_flex::decompress_size_prepended(packed).map_err(|_| broken("it cannot be unpacked"))?;
    let (length, rest) = page.split_first_chunk().ok_or_else(|| broken("it is cut off"))?;
    let (texts, mut bytes) =
        rest.split_at_checked(u32::from_le_bytes(*length) as usize).ok_or_else(|| broken("it is cut off"))?;
    let texts: PageTexts = from_json(texts, "a page of decisions")?;
    let PageTexts { people, group_lists, decisions } = texts;
    decisions.into_iter().map(|texts| StoredDecision::read(texts, &people, &group_lists, &mut bytes)).collect()
}

impl StoredDecision {
    fn read(texts: Texts, people: &[Person], group_lists: &[Arc<[GroupId]>], bytes: &mut &[u8]) -> Result<Self, StoreError> {
        let target = |(person, groups, stage, share, ring_seconds): &TargetTexts| {
            let person = people.get(*person as usize).ok_or_else(|| broken("a target is missing"))?;
            let groups = group_lists.get(*groups as usize).ok_or_else(|| broken("a target's groups are missing"))?;
            Ok(Target {
                agent: person.agent.clone(),
                name: Arc::clone(&person.name),
                stage: *stage,
                share: *share,
                ring_seconds: *ring_seconds,
                numbers: Arc::clone(&person.numbers),
                groups: Arc::clone(groups),
            })
        };
        let targets = texts.targets.iter().map(target).collect::<Result<_, StoreError>>()?;
        let received_at = instant(texts.received_us)?;
        let mut standings = Vec::with_capacity(texts.groups.len());
        for group in &texts.groups {
            let credit = take(bytes, group.members.saturating_mul(8))?;
            let credit = credit.as_chunks().0.iter().map(|chunk| f64::from_le_bytes(*chunk)).collect();
            let standing = take(bytes, group.members)?.iter().map(|letter| standing(*letter)).collect::<Result<_, _>>()?;
            standings.push((credit, standing));
        }
        let reply = take(bytes, texts.reply_bytes)?.to_vec();
        Ok(Self { texts, received_at, targets, standings, reply })
    }

    /// Its place in the order of decisions.
    pub(in crate::store) fn sequence(&self) -> u64 {
        self.texts.sequence
    }

    /// Its id.
    pub(in crate::store) fn id(&self) -> DecisionId {
        self.texts.decision_id
    }

    /// The call it is about.
    pub(in crate::store) fn call(&self) -> CallKey {
        CallKey { connection: self.texts.connection.clone(), call: self.texts.call_id.clone() }
    }

    /// When its hook was received.
    pub(in crate::store) fn received_at(&self) -> Timestamp {
        self.received_at
    }

    /// Keys of the expected shares it refers to.
    pub(in crate::store) fn lambda_keys(&self) -> impl Iterator<Item = &str> {
        let of_trial = self.texts.trial.iter().flat_map(TrialTexts::lambda_keys);
        self.texts.groups.iter().map(|group| &*group.lambda).chain(of_trial)
    }

    /// The record, with its expected shares found by `lambda`.
    pub(in crate::store) fn record(self, lambda: impl Fn(&str) -> Option<Arc<Lambda>>) -> Result<DecisionRecord, StoreError> {
        let texts = self.texts;
        let lambda = |key: &str| {
            lambda(key)
                .ok_or_else(|| StoreError::Corrupt(format!("decision {}: its expected shares are missing", texts.sequence)))
        };
        let groups = texts.groups.into_iter().zip(self.standings).map(|(group, (credit, standing))| {
            Ok(GroupView {
                group: group.group,
                lambda: lambda(&group.lambda)?,
                count: group.count,
                unit: group.unit,
                in_seconds: group.in_seconds,
                credit,
                standing,
                guard: group.guard.unwrap_or_default(),
            })
        });
        Ok(DecisionRecord {
            sequence: texts.sequence,
            groups: groups.collect::<Result<_, StoreError>>()?,
            connection: texts.connection,
            asked: texts.asked,
            decision: Decision {
                decision_id: texts.decision_id,
                call_id: texts.call_id,
                attempt: texts.attempt,
                received_at: self.received_at,
                route: texts.route,
                outcome: texts.outcome,
                passed: texts.passed,
                reason: texts.reason,
                targets: self.targets,
                fallback: texts.fallback,
                caller: texts.caller,
                scores_age_seconds: texts.scores_age_seconds,
                degraded: texts.degraded,
            },
            feed: texts.feed,
            moves_credit: texts.moves_credit,
            paths: texts.paths.into_iter().map(steps).collect(),
            adjustments: texts.adjustments,
            reply: EncodedReply { status: texts.reply_status, content_type: texts.reply_type, body: self.reply.into() },
            trial: texts.trial.map(|trial| trial.trial(lambda)).transpose()?.unwrap_or_default(),
        })
    }
}

fn take<'a>(bytes: &mut &'a [u8], count: usize) -> Result<&'a [u8], StoreError> {
    bytes.split_off(..count).ok_or_else(|| broken("it is shorter than its texts say"))
}

fn steps(path: Vec<(u32, u32)>) -> Steps {
    path.into_iter().map(|(group, member)| Step { group, member }).collect()
}
