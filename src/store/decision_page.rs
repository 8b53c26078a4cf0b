//! The stored form of decisions: some that follow each other in one workspace make a page.
//!
//! Decisions of one hour are much alike, and what is written at once is cheap: a page takes a tenth of the room and of the
//! time of as many rows. Laid out as: a byte with the version; then, compressed (LZ4 block with its length in front), the
//! length of the texts (4 bytes, little-endian), the texts (JSON; what all decisions repeat stands in it once), and behind them
//! for each decision in turn the credits of its groups (IEEE 754 doubles, little-endian, so that they come back exactly), how their
//! members stood (a byte each), and the reply. Knows no database.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use foldhash::fast::RandomState;
use jiff::Timestamp;
use serde::{Deserialize, Serialize, Serializer};

use super::rows::{from_json, instant, micros, to_json};
use super::trial_texts::TrialTexts;
use crate::broker::store::StoreError;
use crate::core::agent::Number;
use crate::core::decision::{CallerCard, Decision, Degraded, Fallback, Reason, Stage, Target};
use crate::core::distribution::selection::Adjustment;
use crate::core::ids::{AgentId, CallId, CallKey, ConnectionId, DecisionId, GroupId, RouteId};
use crate::core::policy::Count;
use crate::core::record::{Asked, DecisionRecord, EncodedReply, Feed, GroupView, GuardView, Lambda, MemberStanding, Step, Steps};
use crate::core::routing::route::{Outcome, Passed};

/// The version this program writes. Since 2 a member can be stopped by the guard; since 3 what is empty is left out.
const VERSION: u8 = 3;

/// The most decisions in a page.
pub(super) const DECISIONS_MAX: usize = 256;

/// The longest time between receipts in a page: bounds where a decision of a known time is looked for.
pub(super) const SPAN_MAX_US: i64 = 60_000_000;

/// How the length of the texts is written.
const LENGTH_BYTES: usize = 4;

/// More than this is no page of ours: the length is read before anything else can be checked.
const UNPACKED_BYTES_MAX: usize = 256 * 1024 * 1024;

/// Pages in the making, one after another; what they are made in is used again.
#[derive(Default)]
pub(super) struct PageWriter {
    /// The length of the texts, then the texts.
    page: Vec<u8>,
    people: Vec<Person>,
    /// The targets of the decision at hand.
    targets: Vec<TargetTexts>,
    /// Where a person's name and numbers lie in memory, and their place in `people`.
    known_people: HashMap<(usize, usize), u32, RandomState>,
    group_lists: Vec<Arc<[GroupId]>>,
    /// What follows the texts.
    bytes: Vec<u8>,
    packed: Vec<u8>,
}

/// What the targets of a page repeat: written once.
#[derive(Serialize, Deserialize)]
struct Person {
    agent: AgentId,
    name: Arc<str>,
    numbers: Arc<[Number]>,
}

/// A target: place in the people, place in the group lists, stage, share, seconds to ring.
type TargetTexts = (u32, u32, Stage, f64, u32);

/// Something to write as a list, without making one first.
struct List<F>(F);

impl<I: Iterator<Item: Serialize>, F: Fn() -> I> Serialize for List<F> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq((self.0)())
    }
}

/// The texts of a decision as written.
#[derive(Serialize)]
struct TextsOut<'a, G, P> {
    sequence: u64,
    connection: &'a ConnectionId,
    asked: &'a Asked,
    decision_id: DecisionId,
    call_id: &'a CallId,
    attempt: u32,
    received_us: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    route: &'a Option<RouteId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: &'a Option<Outcome<GroupId>>,
    #[serde(skip_serializing_if = "<[Passed]>::is_empty")]
    passed: &'a [Passed],
    reason: Reason,
    targets: &'a [TargetTexts],
    #[serde(skip_serializing_if = "Option::is_none")]
    fallback: &'a Option<Fallback>,
    #[serde(skip_serializing_if = "Option::is_none")]
    caller: Option<&'a CallerCard>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scores_age_seconds: Option<u64>,
    #[serde(skip_serializing_if = "<[Degraded]>::is_empty")]
    degraded: &'a [Degraded],
    feed: Feed,
    moves_credit: bool,
    groups: G,
    paths: P,
    adjustments: &'a [Adjustment],
    reply_status: u16,
    reply_type: &'a str,
    reply_bytes: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    trial: Option<TrialTexts>,
}

/// The same as read. A field added later must have a default, so that old pages stay readable.
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

/// A group as written.
#[derive(Serialize)]
struct GroupOut<'a> {
    group: &'a GroupId,
    lambda: &'a str,
    count: Count,
    unit: f64,
    in_seconds: bool,
    members: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    guard: Option<&'a GuardView>,
}

/// The same as read.
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

impl<'a> GroupOut<'a> {
    fn of(view: &'a GroupView, lambda: &'a str) -> Self {
        Self {
            group: &view.group,
            lambda,
            count: view.count,
            unit: view.unit,
            in_seconds: view.in_seconds,
            members: view.credit.len(),
            guard: Some(&view.guard).filter(|guard| **guard != GuardView::default()),
        }
    }
}

impl PageWriter {
    /// Adds a decision; `lambda_keys` are those of its groups, in their order, then those of its trial.
    pub(super) fn add(&mut self, record: &DecisionRecord, lambda_keys: &[Arc<str>]) -> Result<(), StoreError> {
        if record.groups.iter().any(|view| view.credit.len() != view.standing.len()) {
            return Err(StoreError::Corrupt(format!("decision {}: a member without a standing", record.sequence)));
        }
        let decision = &record.decision;
        let mut targets = std::mem::take(&mut self.targets);
        targets.clear();
        targets.extend(decision.targets.iter().map(|target| self.target(target)));
        let texts = TextsOut {
            sequence: record.sequence,
            connection: &record.connection,
            asked: &record.asked,
            decision_id: decision.decision_id,
            call_id: &decision.call_id,
            attempt: decision.attempt,
            received_us: micros(decision.received_at),
            route: &decision.route,
            outcome: &decision.outcome,
            passed: &decision.passed,
            reason: decision.reason,
            targets: &targets,
            fallback: &decision.fallback,
            caller: Some(&decision.caller).filter(|card| **card != CallerCard::default()),
            scores_age_seconds: decision.scores_age_seconds,
            degraded: &decision.degraded,
            feed: record.feed,
            moves_credit: record.moves_credit,
            groups: List(|| record.groups.iter().zip(lambda_keys).map(|(view, lambda)| GroupOut::of(view, lambda))),
            paths: List(|| record.paths.iter().map(|path| List(|| path.iter().map(|step| (step.group, step.member))))),
            adjustments: &record.adjustments,
            reply_status: record.reply.status,
            reply_type: &record.reply.content_type,
            reply_bytes: record.reply.body.len(),
            trial: TrialTexts::of(&record.trial, lambda_keys.get(record.groups.len()..).unwrap_or_default()),
        };
        let mark = self.page.len();
        self.page.extend_from_slice(if mark == 0 { &b"????{\"decisions\":["[..] } else { b"," });
        let written = serde_json::to_writer(&mut self.page, &texts);
        self.targets = targets;
        if let Err(fault) = written {
            self.page.truncate(mark);
            return Err(StoreError::Corrupt(format!("a decision cannot be written as JSON: {fault}")));
        }
        for view in &record.groups {
            for credit in &view.credit {
                self.bytes.extend_from_slice(&credit.to_le_bytes());
            }
            self.bytes.extend(view.standing.iter().map(|standing| letter(*standing)));
        }
        self.bytes.extend_from_slice(&record.reply.body);
        Ok(())
    }

    fn target(&mut self, target: &Target) -> TargetTexts {
        let place = (Arc::as_ptr(&target.name).addr(), Arc::as_ptr(&target.numbers).addr());
        let known = self.known_people.get(&place).copied();
        let person = known.filter(|known| self.people.get(*known as usize).is_some_and(|person| person.agent == target.agent));
        let person = person.unwrap_or_else(|| {
            let (agent, name) = (target.agent.clone(), Arc::clone(&target.name));
            // The page holds what lies there until it is written, so that the place means nothing else meanwhile.
            let person = push(&mut self.people, Person { agent, name, numbers: Arc::clone(&target.numbers) });
            self.known_people.insert(place, person);
            person
        });
        let groups = self.group_lists.iter().zip(0..).find(|(known, _)| **known == target.groups).map(|(_, place)| place);
        let groups = groups.unwrap_or_else(|| push(&mut self.group_lists, Arc::clone(&target.groups)));
        (person, groups, target.stage, target.share, target.ring_seconds)
    }

    /// The page of the decisions added so far. The next one added begins another.
    pub(super) fn finish(&mut self) -> Result<Vec<u8>, StoreError> {
        let (people, group_lists) = (to_json(&self.people)?, to_json(&self.group_lists)?);
        self.page.extend_from_slice(format!("],\"people\":{people},\"group_lists\":{group_lists}}}").as_bytes());
        let length = u32::try_from(self.page.len() - LENGTH_BYTES).unwrap_or(u32::MAX);
        self.page.splice(..LENGTH_BYTES, length.to_le_bytes());
        self.page.append(&mut self.bytes);
        let size = u32::try_from(self.page.len()).map_err(|_| broken("it would be larger than any page"))?;
        let room = lz4_flex::block::get_maximum_output_size(self.page.len());
        self.packed.resize(self.packed.len().max(room), 0);
        let packed = lz4_flex::block::compress_into(&self.page, &mut self.packed)
            .map_err(|fault| StoreError::Corrupt(format!("a page of decisions cannot be packed: {fault}")))?;
        let stored = [&[VERSION][..], &size.to_le_bytes(), self.packed.get(..packed).unwrap_or_default()].concat();
        self.clear();
        Ok(stored)
    }

    /// Forgets what was added.
    pub(super) fn clear(&mut self) {
        self.page.clear();
        self.people.clear();
        self.known_people.clear();
        self.group_lists.clear();
        self.bytes.clear();
    }
}

fn push<T>(list: &mut Vec<T>, item: T) -> u32 {
    list.push(item);
    u32::try_from(list.len() - 1).unwrap_or(u32::MAX)
}

/// A decision as read, before its expected shares are found.
pub(super) struct StoredDecision {
    texts: Texts,
    received_at: Timestamp,
    targets: Vec<Target>,
    standings: Vec<(Vec<f64>, Vec<MemberStanding>)>,
    reply: Vec<u8>,
}

/// Reads a page.
pub(super) fn read(stored: &[u8]) -> Result<Vec<StoredDecision>, StoreError> {
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
    pub(super) fn sequence(&self) -> u64 {
        self.texts.sequence
    }

    /// Its id.
    pub(super) fn id(&self) -> DecisionId {
        self.texts.decision_id
    }

    /// The call it is about.
    pub(super) fn call(&self) -> CallKey {
        CallKey { connection: self.texts.connection.clone(), call: self.texts.call_id.clone() }
    }

    /// When its hook was received.
    pub(super) fn received_at(&self) -> Timestamp {
        self.received_at
    }

    /// Keys of the expected shares it refers to.
    pub(super) fn lambda_keys(&self) -> impl Iterator<Item = &str> {
        let of_trial = self.texts.trial.iter().flat_map(TrialTexts::lambda_keys);
        self.texts.groups.iter().map(|group| &*group.lambda).chain(of_trial)
    }

    /// The record, with its expected shares found by `lambda`.
    pub(super) fn record(self, lambda: impl Fn(&str) -> Option<Arc<Lambda>>) -> Result<DecisionRecord, StoreError> {
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

fn broken(why: &str) -> StoreError {
    StoreError::Corrupt(format!("a page of decisions cannot be read: {why}"))
}

fn take<'a>(bytes: &mut &'a [u8], count: usize) -> Result<&'a [u8], StoreError> {
    bytes.split_off(..count).ok_or_else(|| broken("it is shorter than its texts say"))
}

fn steps(path: Vec<(u32, u32)>) -> Steps {
    path.into_iter().map(|(group, member)| Step { group, member }).collect()
}

fn letter(standing: MemberStanding) -> u8 {
    match standing {
        MemberStanding::Free => b'f',
        MemberStanding::Busy => b'b',
        MemberStanding::Reserved => b'r',
        MemberStanding::OffDuty => b'o',
        MemberStanding::Paused => b'p',
        MemberStanding::Stopped => b's',
        MemberStanding::NoShare => b'n',
        MemberStanding::OutsideHours => b'h',
        MemberStanding::PlannedBreak => b'k',
        MemberStanding::ShiftEnding => b'e',
    }
}

fn standing(letter: u8) -> Result<MemberStanding, StoreError> {
    match letter {
        b'f' => Ok(MemberStanding::Free),
        b'b' => Ok(MemberStanding::Busy),
        b'r' => Ok(MemberStanding::Reserved),
        b'o' => Ok(MemberStanding::OffDuty),
        b'p' => Ok(MemberStanding::Paused),
        b's' => Ok(MemberStanding::Stopped),
        b'n' => Ok(MemberStanding::NoShare),
        b'h' => Ok(MemberStanding::OutsideHours),
        b'k' => Ok(MemberStanding::PlannedBreak),
        b'e' => Ok(MemberStanding::ShiftEnding),
        _ => Err(broken("a member stands in no known way")),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::core::distribution::choose::{Choice, RecordHead};
    use crate::core::load::guard::Indicator;
    use crate::core::record::{AllStopped, EaseCause, EasedMember, Spared};
    use crate::core::routing::route::{CallerStanding, Condition};

    proptest! {
        /// A file can be damaged anywhere: a page says so, it never panics and never asks for absurd memory.
        #[test]
        fn damaged_pages_are_told(mut bytes in proptest::collection::vec(any::<u8>(), 0..200), ours in any::<bool>()) {
            if let (true, Some(first)) = (ours, bytes.first_mut()) {
                *first = VERSION;
            }
            if let Err(fault) = read(&bytes) {
                prop_assert!(fault.to_string().contains("a page of decisions"), "{}", fault);
            }
        }

        #[test]
        fn damaged_contents_are_told(contents in proptest::collection::vec(any::<u8>(), 0..200)) {
            let mut bytes = vec![VERSION];
            bytes.extend_from_slice(&lz4_flex::compress_prepend_size(&contents));
            prop_assert!(read(&bytes).is_err());
        }
    }

    fn record(standing: MemberStanding, guard: GuardView) -> (DecisionRecord, Arc<Lambda>) {
        let (members, half) = (Arc::from(["anna".into()]), Arc::from([1.0]));
        let lambda = Arc::new(Lambda { members, base: Arc::clone(&half), published: half, values: [1.0].into() });
        let view = GroupView {
            group: "sales".into(),
            lambda: Arc::clone(&lambda),
            count: Count::Answered,
            unit: 1.0,
            in_seconds: false,
            credit: vec![0.25],
            standing: vec![standing],
            guard,
        };
        let head = RecordHead {
            sequence: 7,
            decision_id: DecisionId::from_u128(7),
            call: CallKey { connection: "pbx".into(), call: "c-7".into() },
            attempt: 1,
            received_at: Timestamp::UNIX_EPOCH,
            feed: Feed::Events,
        };
        let record = Choice { groups: vec![view], ..Choice::nobody(Reason::Fallback) }.into_record(head);
        (record, lambda)
    }

    fn written(record: &DecisionRecord) -> Vec<u8> {
        let mut writer = PageWriter::default();
        writer.add(record, &["l".into()]).unwrap();
        writer.finish().unwrap()
    }

    fn read_back(page: &[u8], lambda: &Arc<Lambda>) -> DecisionRecord {
        read(page).unwrap().remove(0).record(|_| Some(Arc::clone(lambda))).unwrap()
    }

    #[test]
    fn what_the_guard_did_is_read_back() {
        let cause = EaseCause { by: Indicator::Occupancy, readings: [300.0, 9.0, 0.91, 2.0, 45.0], spared: None };
        let eased = |factor: f64, own: f64, cause| EasedMember { member: 0, factor, own, cause };
        let held = EaseCause { spared: Some(Spared::TeamOverloaded), ..cause };
        let orders = [
            None,
            Some(AllStopped::Fallback),
            Some(AllStopped::Group("support".into())),
            Some(AllStopped::LeastOver("anna".into())),
            Some(AllStopped::Callback),
            Some(AllStopped::Nowhere),
        ];
        for all_stopped in orders {
            for eased in [eased(0.0, 1.0, Some(cause)), eased(0.6667, 0.5, Some(held)), eased(1.0, 1.25, None)] {
                let guard = GuardView { eased: vec![eased], all_stopped: all_stopped.clone() };
                let (record, lambda) = record(MemberStanding::Stopped, guard);
                assert_eq!(read_back(&written(&record), &lambda), record);
            }
        }
    }

    /// A page of before says nothing of a guard.
    #[test]
    fn a_page_of_an_older_program_is_read() {
        let (record, lambda) = record(MemberStanding::Free, GuardView::default());
        let mut page = written(&record);
        let texts = lz4_flex::decompress_size_prepended(page.get(1..).unwrap()).unwrap();
        assert!(!String::from_utf8_lossy(&texts).contains("guard"));
        *page.first_mut().unwrap() = 1;
        assert_eq!(read_back(&page, &lambda), record);
    }

    fn refused() -> DecisionRecord {
        let head = RecordHead {
            sequence: 1,
            decision_id: uuid::Uuid::from_u128(1),
            call: CallKey { connection: "pbx".into(), call: "c-1".into() },
            attempt: 1,
            received_at: Timestamp::UNIX_EPOCH,
            feed: Feed::Events,
        };
        let mut record = Choice::nobody(Reason::Fallback).into_record(head);
        record.asked.looked_up = true;
        record.asked.caller = Some("+79161234567".to_owned());
        record.decision.route = Some("main".into());
        record.decision.outcome = Some(Outcome::Branch { name: "night".into() });
        record.decision.passed = vec![Passed { route: "vips".into(), failed: Condition::List }];
        record.decision.caller.segments = vec!["lead".into()];
        record
    }

    fn read_one(page: &[u8]) -> DecisionRecord {
        read(page).unwrap().remove(0).record(|_| None).unwrap()
    }

    #[test]
    fn what_a_route_decided_is_read_back() {
        let mut writer = PageWriter::default();
        writer.add(&refused(), &[]).unwrap();
        assert_eq!(read_one(&writer.finish().unwrap()), refused());
    }

    /// Pages written before routes had outcomes and conditions: every route rang, and of the caller only that a CRM knew her is known.
    #[test]
    fn pages_from_before_outcomes_are_read() {
        let mut writer = PageWriter::default();
        writer.add(&refused(), &[]).unwrap();
        let page = writer.finish().unwrap();
        let unpacked = lz4_flex::decompress_size_prepended(&page[1..]).unwrap();
        let length = u32::from_le_bytes(unpacked[..LENGTH_BYTES].try_into().unwrap()) as usize;
        let (texts, rest) = unpacked[LENGTH_BYTES..].split_at(length);
        let mut texts: serde_json::Value = serde_json::from_slice(texts).unwrap();
        let decision = texts["decisions"][0].as_object_mut().unwrap();
        for (part, names) in [("", ["outcome", "passed"]), ("asked", ["looked_up", ""]), ("caller", ["segments", ""])] {
            let fields = if part.is_empty() { &mut *decision } else { decision[part].as_object_mut().unwrap() };
            for name in names.into_iter().filter(|name| !name.is_empty()) {
                assert!(fields.remove(name).is_some(), "{name} is written");
            }
        }
        let texts = texts.to_string();
        let old = [&u32::try_from(texts.len()).unwrap().to_le_bytes()[..], texts.as_bytes(), rest].concat();
        let record = read_one(&[&[VERSION][..], &lz4_flex::compress_prepend_size(&old)].concat());
        assert_eq!((record.decision.outcome_word(), record.decision.passed.len()), ("ring", 0));
        assert_eq!(record.standing(), CallerStanding::Unsure);
        let known = DecisionRecord {
            decision: Decision { caller: CallerCard { known: true, ..record.decision.caller }, ..record.decision },
            ..record
        };
        assert_eq!(known.standing(), CallerStanding::Known);
    }

    #[test]
    fn a_page_of_a_newer_program_says_what_to_do() {
        let fault = read(&[VERSION + 1, 0, 0, 0, 0]).err().unwrap();
        assert!(fault.to_string().contains("start the newer program"), "{fault}");
    }
}
