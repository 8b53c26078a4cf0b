//! Writes pages.
//!
//! Keeps what a page is made in, for the next one: the writer makes thousands a minute.

use std::collections::HashMap;
use std::sync::Arc;

use foldhash::fast::RandomState;
use serde::{Serialize, Serializer};

use super::{LENGTH_BYTES, Person, TargetTexts, VERSION, letter};
use crate::broker::store::StoreError;
use crate::core::decision::{CallerCard, Degraded, Fallback, Reason, Target};
use crate::core::distribution::selection::Adjustment;
use crate::core::ids::{CallId, ConnectionId, DecisionId, GroupId, RouteId};
use crate::core::policy::Count;
use crate::core::record::{Asked, DecisionRecord, Feed, GroupView, GuardView};
use crate::core::routing::route::{Outcome, Passed};
use crate::store::rows::{micros, to_json};
use crate::store::trial_texts::TrialTexts;

/// Pages in the making, one after another; what they are made in is used again.
#[derive(Default)]
pub(in crate::store) struct PageWriter {
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
    pub(in crate::store) fn add(&mut self, record: &DecisionRecord, lambda_keys: &[Arc<str>]) -> Result<(), StoreError> {
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
    pub(in crate::store) fn finish(&mut self) -> Result<Vec<u8>, StoreError> {
        let (people, group_lists) = (to_json(&self.people)?, to_json(&self.group_lists)?);
        self.page.extend_from_slice(format!("],\"people\":{people},\"group_lists\":{group_lists}}}").as_bytes());
        let length = u32::try_from(self.page.len() - LENGTH_BYTES).unwrap_or(u32::MAX);
        self.page.splice(..LENGTH_BYTES, length.to_le_bytes());
        self.page.append(&mut self.bytes);
        let size = u32::try_from(self.page.len()).map_err(|_| unwritable("it would be larger than any page"))?;
        let room = lz4_flex::block::get_maximum_output_size(self.page.len());
        self.packed.resize(self.packed.len().max(room), 0);
        let packed =
            lz4_flex::block::compress_into(&self.page, &mut self.packed).map_err(|fault| unwritable(&fault.to_string()))?;
        let stored = [&[VERSION][..], &size.to_le_bytes(), self.packed.get(..packed).unwrap_or_default()].concat();
        self.clear();
        Ok(stored)
    }

    /// Forgets what was added.
    pub(in crate::store) fn clear(&mut self) {
        self.page.clear();
        self.people.clear();
        self.known_people.clear();
        self.group_lists.clear();
        self.bytes.clear();
    }
}

fn unwritable(why: &str) -> StoreError {
    StoreError::Corrupt(format!("a page of decisions cannot be written: {why}"))
}

fn push<T>(list: &mut Vec<T>, item: T) -> u32 {
    list.push(item);
    u32::try_from(list.len() - 1).unwrap_or(u32::MAX)
}
