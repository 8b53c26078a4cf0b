//! One call as its decisions and events tell it: who rings, who talks, who is charged.
//!
//! Every update is a maximum, a minimum or a set union, so events may come in any order and any number of times. What
//! depends on time (a reservation that runs out) is a function of the instant asked for.

mod reservation;
mod stretches;

use std::cmp::Ordering;
use std::sync::Arc;

use jiff::Timestamp;

use super::credit_book::{Contribution, EntryKey};
use super::misses::Outcomes;
use super::recent_calls::RecentCall;
use crate::core::call::CallEventType;
use crate::core::decision::Reason;
use crate::core::ids::{AgentId, CallKey, EventId, GroupId};
use crate::core::load::activity::{Conversation, Told};
use crate::core::phone_number::PhoneNumber;
use crate::core::policy::Count;
use crate::core::record::{DecisionRecord, Feed, GroupView, ReceivedEvent, Step, Steps};
use crate::core::routing::route::Outcome;
use reservation::Endings;
use stretches::Stretches;

/// How much longer than the ring time an offer may stay open: the PBX's own dead time between ringing and telling.
pub const RING_GRACE_SECONDS: i64 = 5;

/// How long an agent rings at most where no decision of ours says.
const RING_UNKNOWN_SECONDS: i64 = 60;

/// A conversation whose end was never told is taken as over after so long: a lost event must not keep a person busy.
const TALK_MAX_SECONDS: i64 = 4 * 3600;

/// A call that nobody answered and whose end was never told is missed so long after its targets must have rung out.
const UNTOLD_END_SECONDS: i64 = 60;

/// What was received further ahead than this of the instant asked for, was received before the clock was set back.
pub const CLOCK_SLACK_SECONDS: i64 = 60;

/// An event's place in the order the PBX tells: its clock, then the kind, then the id.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Mark {
    at: Timestamp,
    kind: CallEventType,
    id: EventId,
    received_at: Timestamp,
}

/// One agent's part in the call.
#[derive(Debug, Clone)]
struct Leg {
    agent: AgentId,
    latest: Mark,
    first_answer: Option<Mark>,
    stretches: Stretches,
    endings: Endings,
}

/// What a call does to an agent at an instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Occupancy {
    /// The decision named the agent first; the PBX has not told yet.
    Reserved,
    /// The agent's number rings.
    Ringing,
    /// The agent talks (or is on hold).
    Talking,
}

/// A call's hold on an agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// On whom.
    pub agent: AgentId,
    /// What the call does.
    pub occupancy: Occupancy,
    /// Receipt of what began it; of a conversation its answer, or the first word after a transfer.
    pub since: Timestamp,
    /// Until when, without further events.
    pub until: Timestamp,
}

/// How an agent's last conversation in a call ended: when we learned of it, and how long the agent talked in the call.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TalkEnd {
    /// Receipt of the event that ended it.
    pub received_at: Timestamp,
    /// In seconds, over all the agent's conversations in the call.
    pub talk_seconds: f64,
}

/// An agent's answer to a call.
#[derive(Debug, Clone, PartialEq)]
pub struct CallAnswer {
    /// Who answered first.
    pub agent: AgentId,
    /// Receipt of the event that told so.
    pub received_at: Timestamp,
    /// How long that agent talked in seconds; 0 where nothing tells.
    pub talk_seconds: f64,
}

impl TalkEnd {
    /// Which of two ended later; of two told at once, which was longer.
    pub fn in_order(&self, other: &Self) -> Ordering {
        self.received_at.cmp(&other.received_at).then(self.talk_seconds.total_cmp(&other.talk_seconds))
    }
}

/// One agent's conversation in a call.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Talk<'a> {
    /// Who talked.
    pub agent: &'a AgentId,
    /// Receipt of the event that began it.
    pub answered_at: Timestamp,
    /// Its length in seconds.
    pub talk_seconds: f64,
}

/// One call's part in one group's book.
#[derive(Debug, Clone, PartialEq)]
pub struct GroupPart {
    /// Whose book.
    pub group: GroupId,
    /// Which part.
    pub key: EntryKey,
    /// What it is.
    pub contribution: Contribution,
    /// How long the charged agent talked, where known.
    pub talk_seconds: Option<f64>,
}

/// One call.
#[derive(Debug, Clone)]
pub struct CallState {
    /// Which call.
    pub key: CallKey,
    /// Its decisions, by sequence.
    pub decisions: Vec<Arc<DecisionRecord>>,
    legs: Vec<Leg>,
    foreign_answer: Option<Mark>,
    ended: Option<Mark>,
    told_talk: Option<(Mark, u32)>,
    outcomes: Outcomes,
}

impl CallState {
    /// A call nothing is known of.
    pub fn new(key: CallKey) -> Self {
        let (decisions, legs, outcomes) = (Vec::new(), Vec::new(), Outcomes::default());
        Self { key, decisions, legs, foreign_answer: None, ended: None, told_talk: None, outcomes }
    }

    /// Adds a decision; the same one again changes nothing.
    pub fn add_decision(&mut self, record: Arc<DecisionRecord>) {
        if let Err(place) = self.decisions.binary_search_by_key(&record.sequence, |known| known.sequence) {
            self.decisions.insert(place, record);
        }
    }

    /// Adds an event; the same one again changes nothing.
    pub fn add_event(&mut self, received: &ReceivedEvent) {
        let event = &received.event;
        self.outcomes.hear(received);
        let mark = Mark { at: event.at, kind: event.event_type, id: event.event_id.clone(), received_at: received.received_at };
        match event.event_type {
            CallEventType::Started | CallEventType::Recorded | CallEventType::AgentState => {}
            // Neither agent nor number: a leg of a number nobody has ends nobody's conversation.
            CallEventType::Ended if event.agent.is_none() && event.number.is_none() => {
                if let Some(seconds) = event.talk_seconds {
                    keep_later_pair(&mut self.told_talk, (mark.clone(), seconds));
                }
                keep_later(&mut self.ended, mark);
            }
            CallEventType::Transferred => {
                if let Some(to) = &event.to_agent {
                    self.observe(to, Mark { kind: CallEventType::Resumed, ..mark.clone() }, None);
                }
                if let Some(agent) = &event.agent {
                    self.observe(agent, mark, event.talk_seconds);
                }
            }
            CallEventType::Offered
            | CallEventType::Answered
            | CallEventType::Missed
            | CallEventType::Rejected
            | CallEventType::Busy
            | CallEventType::Unreachable
            | CallEventType::Cancelled
            | CallEventType::Held
            | CallEventType::Resumed
            | CallEventType::Ended => match &event.agent {
                Some(agent) => self.observe(agent, mark, event.talk_seconds),
                None if event.event_type == CallEventType::Answered => keep_earlier(&mut self.foreign_answer, mark),
                None => {}
            },
        }
    }

    /// Whether the PBX told the end of the call.
    pub fn is_ended(&self) -> bool {
        self.ended.is_some()
    }

    /// Whether this is a task to call somebody back.
    pub fn calls_back(&self) -> bool {
        self.decisions.first().is_some_and(|record| record.asked.calls_back.is_some())
    }

    /// What the call came to for each agent it was offered to.
    pub fn outcomes(&self) -> &Outcomes {
        &self.outcomes
    }

    /// Agents the PBX told anything about in this call.
    pub fn rung(&self) -> impl Iterator<Item = &AgentId> {
        self.legs.iter().map(|leg| &leg.agent)
    }

    /// Agents that come last in the next answer: those with an event for this call; while there is none, all targets of
    /// earlier answers.
    pub fn already_tried(&self) -> Vec<&AgentId> {
        if self.legs.is_empty() {
            self.decisions.iter().flat_map(|record| &record.decision.targets).map(|target| &target.agent).collect()
        } else {
            self.rung().collect()
        }
    }

    /// What the call does to each agent at an instant. An offer from before the clock was set back is over: nobody is held for an hour
    /// that comes twice. A conversation lasts until its end is told.
    pub fn occupancies(&self, now: Timestamp) -> Vec<Held> {
        let mut found = Vec::new();
        if self.ended.is_some() {
            return found;
        }
        let first_answer = self.first_answer();
        for leg in &self.legs {
            let (occupancy, seconds) = match leg.latest.kind {
                // Whoever rang when somebody answered rings no more; who is rung later is asked to join or to take over.
                CallEventType::Offered if first_answer.is_some_and(|answer| leg.latest < *answer) => continue,
                CallEventType::Offered => (Occupancy::Ringing, self.ring_seconds(&leg.agent) + RING_GRACE_SECONDS),
                CallEventType::Answered | CallEventType::Held | CallEventType::Resumed => (Occupancy::Talking, TALK_MAX_SECONDS),
                CallEventType::Started
                | CallEventType::Missed
                | CallEventType::Rejected
                | CallEventType::Busy
                | CallEventType::Unreachable
                | CallEventType::Cancelled
                | CallEventType::Transferred
                | CallEventType::Ended
                | CallEventType::Recorded
                | CallEventType::AgentState => continue,
            };
            let until = later(leg.latest.received_at, seconds);
            if now < until && (occupancy == Occupancy::Talking || !is_ahead(leg.latest.received_at, now)) {
                let began = leg.stretches.iter().last().and_then(|stretch| stretch.begin);
                let since = began.filter(|_| occupancy == Occupancy::Talking).unwrap_or(&leg.latest).received_at;
                found.push(Held { agent: leg.agent.clone(), occupancy, since, until });
            }
        }
        if let Some((agent, since, until)) = self.reservation()
            && now < until
            && !is_ahead(since, now)
            && !found.iter().any(|held| held.agent == agent)
        {
            found.push(Held { agent, occupancy: Occupancy::Reserved, since, until });
        }
        found
    }

    /// Agents with a conversation in this call.
    pub fn talkers(&self) -> impl Iterator<Item = &AgentId> {
        self.legs.iter().filter(|leg| leg.last_talk().is_some()).map(|leg| &leg.agent)
    }

    /// What the call was to each agent who talked in it, as `core::load::activity` keeps it. Where the PBX tells nothing, the first target
    /// of the last decision took it; a task to call back is no call yet.
    pub fn conversations(&self) -> Vec<(AgentId, Conversation)> {
        let talked = self.legs.iter().filter_map(|leg| Some((leg.agent.clone(), self.conversation(leg)?)));
        let mut talked: Vec<(AgentId, Conversation)> = talked.collect();
        if talked.is_empty()
            && !self.calls_back()
            && let Some(record) = self.decisions.last()
            && let Feed::Silent { hold_seconds } = record.feed
            && let Some(target) = record.decision.targets.first()
        {
            let start_us = record.decision.received_at.as_microsecond();
            let end_us = start_us + i64::from(hold_seconds) * 1_000_000;
            talked.push((target.agent.clone(), Conversation { start_us, end_us, told: Told::Nothing }));
        }
        talked
    }

    fn conversation(&self, leg: &Leg) -> Option<Conversation> {
        let last = leg.stretches.iter().filter(|stretch| stretch.begin.is_some()).last()?;
        let seconds = self.talk_seconds(leg).unwrap_or(0.0).clamp(0.0, TALK_MAX_SECONDS as f64);
        #[expect(clippy::cast_possible_truncation, reason = "clamped to hours")]
        let talked_us = (seconds * 1e6) as i64;
        let Some(end) = self.end_of(&last) else {
            let start_us = last.begin?.received_at.as_microsecond() - talked_us;
            let end_us = later(leg.latest.received_at, TALK_MAX_SECONDS).as_microsecond();
            return Some(Conversation { start_us, end_us, told: Told::Running });
        };
        let end_us = end.received_at.as_microsecond();
        Some(Conversation { start_us: end_us - talked_us, end_us, told: Told::Ended })
    }

    /// Conversations whose length is known, in the order they were answered.
    pub fn talks(&self) -> Vec<Talk<'_>> {
        let answered = self.legs.iter().filter_map(|leg| Some((leg.first_answer.as_ref()?, leg)));
        let mut answered: Vec<(&Mark, &Leg)> = answered.collect();
        answered.sort_unstable_by_key(|(mark, _)| *mark);
        let told = answered.into_iter().filter_map(|(mark, leg)| {
            Some(Talk { agent: &leg.agent, answered_at: mark.received_at, talk_seconds: self.talk_seconds(leg)? })
        });
        told.collect()
    }

    /// The call's parts in the books of its groups at an instant.
    pub fn parts(&self, now: Timestamp) -> Vec<GroupPart> {
        if self.decisions.first().is_none_or(|record| !record.moves_credit) {
            return Vec::new();
        }
        let mut parts = Vec::new();
        if let Some(charged) = self.charged(now) {
            self.push_parts(&charged, Count::Answered, &mut parts);
        }
        for offered in self.offered() {
            self.push_parts(&offered, Count::Offered, &mut parts);
        }
        parts
    }

    /// The first answer of an agent.
    pub fn answered(&self) -> Option<CallAnswer> {
        let answers = self.legs.iter().filter_map(|leg| Some((leg.first_answer.as_ref()?, leg)));
        let (mark, leg) = answers.min_by(|a, b| a.0.cmp(b.0))?;
        let talk_seconds = self.talk_seconds(leg).unwrap_or(0.0);
        Some(CallAnswer { agent: leg.agent.clone(), received_at: mark.received_at, talk_seconds })
    }

    /// What later calls need to know of this one; none for a call nobody asked about.
    pub fn recent(&self) -> Option<RecentCall> {
        let (first, last) = (self.decisions.first()?, self.decisions.last()?);
        let talked = self.legs.iter().filter_map(|leg| Some((leg.last_talk()?, leg))).max_by(|a, b| a.0.cmp(b.0));
        let ended = |leg: &Leg| Some(self.end_of(&leg.stretches.iter().last()?)?.received_at);
        let is_personal = first.decision.reason == Reason::PersonalManager;
        let rung = self.legs.iter().max_by(|a, b| a.latest.cmp(&b.latest)).map(|leg| &leg.agent);
        Some(RecentCall {
            // Stored as E.164, which needs no region.
            caller: first.asked.caller.as_deref().and_then(|caller| PhoneNumber::parse(caller, "").ok()),
            asked_at: first.decision.received_at,
            named_at: last.decision.received_at,
            route: first.decision.route.clone(),
            group: first.groups.first().map(|view| &view.group).or_else(|| self.promise().map(|(_, group)| group)).cloned(),
            promised: self.promise().is_some(),
            calls_back: first.asked.calls_back.clone(),
            manager: first.decision.targets.first().filter(|_| is_personal).map(|target| target.agent.clone()),
            offered: rung.or_else(|| last.decision.targets.first().map(|target| &target.agent)).cloned(),
            talked: talked.map(|(_, leg)| (leg.agent.clone(), ended(leg))),
            missed_at: self.missed_at(last),
        })
    }

    /// From when on the call counts as missed: its end without an answer, or when all its targets must have rung out.
    fn missed_at(&self, last: &DecisionRecord) -> Option<Timestamp> {
        if let Some((promised_at, _)) = self.promise() {
            // Known without any event. A recording that answers keeps no promise, an agent who talks does.
            return self.talkers().next().is_none().then_some(promised_at);
        }
        if self.decisions.iter().all(|record| is_sent_away(record)) {
            return None;
        }
        match last.feed {
            Feed::Silent { .. } => return None,
            // A conversation may be told by its transfer alone.
            Feed::Events if self.is_answered() || self.talkers().next().is_some() => return None,
            Feed::Events => {}
        }
        let rings: i64 = last.decision.targets.iter().map(|target| i64::from(target.ring_seconds)).sum();
        let rung_out = later(last.decision.received_at, rings + UNTOLD_END_SECONDS);
        Some(self.ended.as_ref().map_or(rung_out, |ended| ended.received_at.min(rung_out)))
    }

    /// When the caller was first promised a call, and by which group.
    fn promise(&self) -> Option<(Timestamp, &GroupId)> {
        self.decisions.iter().find_map(|record| match record.decision.outcome.as_ref()? {
            Outcome::Callback { group } => Some((record.decision.received_at, group)),
            Outcome::Ring { .. } | Outcome::Reject | Outcome::Branch { .. } => None,
        })
    }

    fn observe(&mut self, agent: &AgentId, mark: Mark, talk_seconds: Option<u32>) {
        if let Some(leg) = self.legs.iter_mut().find(|leg| leg.agent == *agent) {
            leg.observe(mark, talk_seconds);
            return;
        }
        let mut leg = Leg {
            agent: agent.clone(),
            latest: mark.clone(),
            first_answer: None,
            stretches: Stretches::default(),
            endings: Endings::default(),
        };
        leg.observe(mark, talk_seconds);
        self.legs.push(leg);
    }

    fn is_answered(&self) -> bool {
        self.first_answer().is_some()
    }

    /// The call's first answer, by whomever.
    fn first_answer(&self) -> Option<&Mark> {
        self.legs.iter().filter_map(|leg| leg.first_answer.as_ref()).chain(&self.foreign_answer).min()
    }

    fn ring_seconds(&self, agent: &AgentId) -> i64 {
        let targets = self.decisions.iter().rev().flat_map(|record| &record.decision.targets);
        let mut targets = targets.filter(|target| target.agent == *agent);
        targets.next().map_or(RING_UNKNOWN_SECONDS, |target| i64::from(target.ring_seconds))
    }

    /// Who pays for the call where only answered calls count: who answered first; before that whoever it is offered to.
    fn charged(&self, now: Timestamp) -> Option<AgentId> {
        let record = self.decisions.last()?;
        if matches!(record.feed, Feed::Silent { .. }) {
            return record.decision.targets.first().map(|target| target.agent.clone());
        }
        let answers = self.legs.iter().filter_map(|leg| Some((leg.first_answer.as_ref()?, &leg.agent)));
        if let Some((_, agent)) = answers.min() {
            return Some(agent.clone());
        }
        if self.foreign_answer.is_some() {
            return None;
        }
        let held = self.occupancies(now);
        let place = |agent: &AgentId| record.decision.targets.iter().position(|target| target.agent == *agent);
        held.into_iter().filter_map(|held| Some((place(&held.agent)?, held.agent))).min().map(|(_, agent)| agent)
    }

    /// Who was offered the call: the first target of each decision, and everybody the PBX told about. A task to call back is one
    /// call, whoever had it before: it is offered to whom it was given last.
    fn offered(&self) -> Vec<AgentId> {
        let passed_on = if self.calls_back() { self.decisions.len().saturating_sub(1) } else { 0 };
        let firsts = self
            .decisions
            .iter()
            .skip(passed_on)
            .filter_map(|record| record.decision.targets.first())
            .map(|target| &target.agent);
        let mut offered: Vec<AgentId> = Vec::new();
        for agent in firsts.chain(self.legs.iter().map(|leg| &leg.agent)) {
            if !offered.contains(agent) {
                offered.push(agent.clone());
            }
        }
        offered
    }

    fn push_parts(&self, agent: &AgentId, count: Count, parts: &mut Vec<GroupPart>) {
        let Some((record, target, path)) = self.path(agent) else { return };
        let talk = self.legs.iter().find(|leg| leg.agent == *agent).and_then(|leg| self.talk_seconds(leg));
        let talk = talk.filter(|_| count == Count::Answered || self.has_answered(agent));
        for step in path {
            let Some(view) = record.view(step).filter(|view| view.count == count) else { continue };
            let units = if view.in_seconds { talk.unwrap_or(view.unit) } else { view.unit };
            let key = EntryKey { at_us: record.decision.received_at.as_microsecond(), sequence: record.sequence, target };
            let contribution = Contribution { lambda: Arc::clone(&view.lambda), member: step.member, units };
            parts.push(GroupPart { group: view.group.clone(), key, contribution, talk_seconds: talk });
        }
    }

    fn has_answered(&self, agent: &AgentId) -> bool {
        self.legs.iter().any(|leg| leg.agent == *agent && leg.first_answer.is_some())
    }

    /// The way from the route's group to an agent: that of the first decision that lists it; for an agent the PBX rang on
    /// its own, the first decision's own path down to the group that has it as a member.
    fn path(&self, agent: &AgentId) -> Option<(&DecisionRecord, u32, Steps)> {
        for record in &self.decisions {
            let place = record.decision.targets.iter().position(|target| target.agent == *agent);
            if let Some((place, path)) = place.and_then(|place| Some((place, record.paths.get(place)?))) {
                return Some((record, u32::try_from(place).unwrap_or(u32::MAX), path.clone()));
            }
        }
        let record = self.decisions.first()?;
        let first = record.paths.first()?;
        first.iter().enumerate().rev().find_map(|(depth, step)| {
            let member = member_position(record.view(*step)?, agent)?;
            let mut path = Steps::from_slice(first.get(..depth)?);
            path.push(Step { group: step.group, member });
            // Beyond every listed target, so that two such agents of one call stay apart.
            Some((&**record, u32::try_from(record.paths.len()).unwrap_or(0) + member, path))
        })
    }
}

impl Leg {
    fn last_talk(&self) -> Option<&Mark> {
        self.stretches.last_talk()
    }

    fn observe(&mut self, mark: Mark, talk_seconds: Option<u32>) {
        if mark.kind == CallEventType::Answered {
            keep_earlier(&mut self.first_answer, mark.clone());
        }
        self.stretches.hear(&mark, talk_seconds);
        self.endings.hear(&mark);
        if mark > self.latest {
            self.latest = mark;
        }
    }
}

fn member_position(view: &GroupView, agent: &AgentId) -> Option<u32> {
    let mut members = view.lambda.members.iter().zip(&view.lambda.values);
    let place = members.position(|(id, share)| id.as_str() == agent.as_str() && *share > 0.0)?;
    u32::try_from(place).ok()
}

fn keep_earlier(slot: &mut Option<Mark>, mark: Mark) {
    if slot.as_ref().is_none_or(|known| mark < *known) {
        *slot = Some(mark);
    }
}

fn keep_later(slot: &mut Option<Mark>, mark: Mark) {
    if slot.as_ref().is_none_or(|known| *known < mark) {
        *slot = Some(mark);
    }
}

fn keep_later_pair(slot: &mut Option<(Mark, u32)>, pair: (Mark, u32)) {
    if slot.as_ref().is_none_or(|known| *known < pair) {
        *slot = Some(pair);
    }
}

/// `at` plus seconds; the end of time where that leaves the calendar.
pub fn later(at: Timestamp, seconds: i64) -> Timestamp {
    at.checked_add(jiff::SignedDuration::from_secs(seconds)).unwrap_or(Timestamp::MAX)
}

/// Whether a decision refused the call or left it to the PBX's scenario: then nobody of ours missed it.
fn is_sent_away(record: &DecisionRecord) -> bool {
    match &record.decision.outcome {
        Some(Outcome::Reject | Outcome::Branch { .. }) => true,
        Some(Outcome::Ring { .. } | Outcome::Callback { .. }) | None => false,
    }
}

/// Whether something was received before the clock was set back to an instant.
pub fn is_ahead(received_at: Timestamp, now: Timestamp) -> bool {
    later(now, CLOCK_SLACK_SECONDS) < received_at
}
