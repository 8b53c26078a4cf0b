//! Distribution state of one workspace: the fold of stored decisions, call events, presence and interventions.
//!
//! The service, a restart, a replica and the replay run this same fold. It takes facts in any order and any number of
//! times; what depends on time is asked for with an instant. It decides nothing: see `core::distribution::choose`.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap};
use std::sync::Arc;

use foldhash::fast::RandomState;
use jiff::Timestamp;

use super::availability::{AgentLive, Hold, PbxWord};
use super::call_state::{CallState, GroupPart, Held, is_ahead};
use super::callback;
use super::credit_book::{CreditBook, EntryKey};
use super::pbx_clock::PbxClocks;
use super::recent_calls::RecentCalls;
use crate::core::call::CallEventType;
use crate::core::ids::{AgentId, CallKey, GroupId, MemberId};
use crate::core::intervention::{Change, Intervention, InterventionBook};
use crate::core::load::activity::{CallMark, Conversation};
use crate::core::proving::rollout::Arm;
use crate::core::proving::shadow_books::ShadowBooks;
use crate::core::record::{DecisionRecord, Presence, ReceivedEvent};
use crate::core::workspace::{AgentIx, GroupIx, MemberRef, Workspace};

/// At most this many calls are kept at hand; the oldest finished ones go first and are found in the store again.
pub const CALLS_MAX: usize = 10_000;

/// Of finished calls (they hold nobody and are no task to call back) at most this many are kept at hand while they are found in the
/// store: what nobody asks about any more only makes the rest slower to reach.
pub const FINISHED_MAX: usize = 4096;

/// A finished call is kept at hand this long, so that retries and late events find it without the store.
const FINISHED_KEPT_SECONDS: i64 = 120;

/// A task to call back stays at hand this long: what becomes of its caller moves its charge.
const CALLBACK_KEPT_SECONDS: i64 = 24 * 3600;

/// A call nothing was heard of for this long is finished for us.
const SILENT_KEPT_SECONDS: i64 = 4 * 3600;

struct LiveCall {
    state: CallState,
    parts: Vec<GroupPart>,
    held: Vec<AgentId>,
    /// Whether it holds nobody and is no task to call back.
    finished: bool,
    /// How people's activities name the call, and whose name it.
    mark: CallMark,
    talked: Vec<AgentId>,
    heard_at: Timestamp,
}

/// Distribution state of one workspace.
pub struct Tally {
    workspace: Arc<Workspace>,
    layouts: Vec<Arc<[MemberId]>>,
    books: HashMap<GroupId, CreditBook, RandomState>,
    agents: Vec<AgentLive>,
    agent_slots: HashMap<AgentId, usize, RandomState>,
    agents_by_ix: Vec<usize>,
    /// Apart from the tree, which moves what lies in it.
    calls: BTreeMap<u64, Box<LiveCall>>,
    /// How many of them are finished.
    finished: usize,
    call_serials: HashMap<CallKey, u64, RandomState>,
    next_serial: u64,
    expiries: BinaryHeap<Reverse<(Timestamp, u64)>>,
    sequence: u64,
    advanced_to: Timestamp,
    interventions: InterventionBook,
    recent: RecentCalls,
    pbx_clocks: PbxClocks,
    shadows: ShadowBooks,
}

impl Tally {
    /// The state before any fact.
    pub fn new(workspace: Arc<Workspace>) -> Self {
        let mut tally = Self {
            workspace: Arc::clone(&workspace),
            layouts: Vec::new(),
            books: HashMap::default(),
            agents: Vec::new(),
            agent_slots: HashMap::default(),
            agents_by_ix: Vec::new(),
            calls: BTreeMap::new(),
            finished: 0,
            call_serials: HashMap::default(),
            next_serial: 1,
            expiries: BinaryHeap::new(),
            sequence: 0,
            advanced_to: Timestamp::MIN,
            interventions: InterventionBook::default(),
            recent: RecentCalls::default(),
            pbx_clocks: PbxClocks::default(),
            shadows: ShadowBooks::default(),
        };
        tally.bind(workspace);
        tally
    }

    /// Goes on under another version of the workspace. Credits survive: a group keeps its book, a member its place.
    pub fn bind(&mut self, workspace: Arc<Workspace>) {
        self.agents_by_ix = workspace.agents.iter().map(|agent| self.agent_slot(&agent.id)).collect();
        self.layouts = workspace
            .groups
            .iter()
            .map(|group| {
                let member = |who| match who {
                    MemberRef::Agent(ix) => MemberId::from(&workspace.agent(ix).id),
                    MemberRef::Group(ix) => MemberId::from(&workspace.group(ix).id),
                };
                group.members.iter().map(|m| member(m.who)).collect()
            })
            .collect();
        for (group, members) in workspace.groups.iter().zip(&self.layouts) {
            let period = workspace.policy(group.policy).period_seconds;
            let book = self.books.entry(group.id.clone()).or_insert_with(|| CreditBook::new(period));
            book.set_period(period);
            book.set_members(members);
            self.shadows.bind(&group.id, period, members);
        }
        self.workspace = workspace;
        let policies = self.workspace.policies.len();
        self.agents.iter_mut().for_each(|agent| agent.activity.bind(policies));
    }

    /// The version of the workspace in use.
    pub fn workspace(&self) -> &Arc<Workspace> {
        &self.workspace
    }

    /// The sequence of the last decision.
    pub fn sequence(&self) -> u64 {
        self.sequence
    }

    /// Goes on counting decisions above one that is stored, though it is too old to be folded.
    pub fn continue_after(&mut self, sequence: u64) {
        self.sequence = self.sequence.max(sequence);
    }

    /// Adds a decision.
    pub fn add_decision(&mut self, record: Arc<DecisionRecord>) {
        let received_at = record.decision.received_at;
        self.advanced_to = self.advanced_to.max(received_at);
        self.sequence = self.sequence.max(record.sequence);
        if record.moves_credit {
            self.note_given(&record);
        }
        self.shadows.add(&record);
        if let Some(target) = record.decision.targets.first() {
            let slot = self.agent_slot(&target.agent);
            if let Some(agent) = self.agents.get_mut(slot) {
                agent.named_first_at = agent.named_first_at.max(Some(received_at));
            }
        }
        let serial = self.call_serial(record.call_key(), received_at);
        if let Some(call) = self.calls.get_mut(&serial) {
            call.state.add_decision(record);
        }
        self.refresh(serial, received_at);
    }

    /// Adds an event whose agent is named by id (numbers are resolved before).
    pub fn add_event(&mut self, received: &ReceivedEvent) {
        self.advanced_to = self.advanced_to.max(received.received_at);
        self.pbx_clocks.hear(received);
        if received.event.event_type == CallEventType::AgentState {
            self.hear_agent_state(received);
            return;
        }
        let Some(call) = received.event.call_id.clone() else { return };
        let key = CallKey { connection: received.connection.clone(), call };
        let serial = self.call_serial(key, received.received_at);
        if let Some(call) = self.calls.get_mut(&serial) {
            call.state.add_event(received);
        }
        self.refresh(serial, received.received_at);
    }

    /// Sets an agent's presence; of two the later set holds.
    pub fn set_presence(&mut self, presence: Presence) {
        let slot = self.agent_slot(&presence.agent);
        let Some(agent) = self.agents.get_mut(slot) else { return };
        agent.activity.hear_presence(&presence);
        if agent.presence.as_ref().is_none_or(|known| known.set_at <= presence.set_at) {
            agent.presence = Some(presence);
        }
    }

    /// Adds what somebody set by hand; the same one again changes nothing. What is said of a call that was let go moves credit
    /// once the call is restored.
    pub fn intervene(&mut self, intervention: &Intervention) {
        self.interventions.add(intervention);
        for key in intervention.change.moved_calls() {
            if let Some(serial) = self.call_serials.get(&key).copied() {
                self.refresh(serial, intervention.set_at);
            }
        }
        if let Change::PauseAfterCall { agent: id, .. } | Change::Load { agent: id, .. } | Change::OneMore { agent: id } =
            &intervention.change
        {
            let slot = self.agent_slot(id);
            if let Some(agent) = self.agents.get_mut(slot) {
                agent.pause_after_call = self.interventions.pause_after_call(id).cloned();
                agent.load = self.interventions.load(id);
                agent.one_more_asked_at = self.interventions.one_more_asked_at(id);
            }
        }
    }

    /// The calls of the last day.
    pub fn recent(&self) -> &RecentCalls {
        &self.recent
    }

    /// How the clocks of PBXs stand.
    pub fn pbx_clocks(&self) -> &PbxClocks {
        &self.pbx_clocks
    }

    /// What holds by hand.
    pub fn interventions(&self) -> &InterventionBook {
        &self.interventions
    }

    /// Starts a group's credit again at 0, because its unit changed.
    pub fn reset_credit(&mut self, group: &GroupId, at: Timestamp) {
        if let Some(book) = self.books.get_mut(group) {
            book.reset(at.as_microsecond());
        }
        self.shadows.reset(group, at.as_microsecond());
    }

    /// Lets time pass: reservations that ran out by `now` free their agents. Where the clock was set back, what every call does
    /// to its agents is looked at anew.
    pub fn advance(&mut self, now: Timestamp) {
        if is_ahead(self.advanced_to, now) {
            let serials: Vec<u64> = self.calls.keys().copied().collect();
            serials.into_iter().for_each(|serial| self.settle(serial, now));
            self.advanced_to = now;
        }
        self.advanced_to = self.advanced_to.max(now);
        while let Some(Reverse((_, serial))) = self.expiries.peek().copied().filter(|Reverse((until, _))| *until <= now) {
            self.expiries.pop();
            self.refresh(serial, now);
        }
    }

    /// Forgets calls that are over and book entries past their weight; of those left the excess, as [`Tally::let_excess_go`]. Returns
    /// the calls no longer at hand.
    pub fn forget(&mut self, now: Timestamp) -> Vec<CallState> {
        for book in self.books.values_mut() {
            book.forget_before(now.as_microsecond());
        }
        self.recent.forget(now);
        self.agents.iter_mut().for_each(|agent| agent.activity.forget(now));
        self.shadows.forget_before(now.as_microsecond());
        let old = |call: &LiveCall| {
            let idle = now.duration_since(call.heard_at).as_secs();
            let finished = call.state.is_ended() || call.held.is_empty();
            let seconds = match (call.state.calls_back(), finished) {
                (true, _) => CALLBACK_KEPT_SECONDS,
                (false, true) => FINISHED_KEPT_SECONDS,
                (false, false) => SILENT_KEPT_SECONDS,
            };
            idle > seconds
        };
        let gone: Vec<u64> = self.calls.iter().filter(|(_, call)| old(call)).map(|(serial, _)| *serial).collect();
        let mut gone: Vec<CallState> = gone.into_iter().filter_map(|serial| self.drop_call(serial)).collect();
        gone.append(&mut self.let_excess_go(FINISHED_MAX, usize::MAX));
        gone
    }

    /// Lets the oldest calls go while more than [`CALLS_MAX`] are at hand, or more than `finished_max` that are finished; at most
    /// `at_once` of them. One that holds somebody is let go last (without its hold the agent would be rung in
    /// mid-conversation), and so is a task to call back. Returns the calls no longer at hand.
    pub fn let_excess_go(&mut self, finished_max: usize, at_once: usize) -> Vec<CallState> {
        let excess = self.calls.len().saturating_sub(CALLS_MAX).max(self.finished.saturating_sub(finished_max));
        let oldest =
            |finished: bool| self.calls.iter().filter(move |(_, call)| call.finished == finished).map(|(serial, _)| *serial);
        let gone: Vec<u64> = oldest(true).chain(oldest(false)).take(excess.min(at_once)).collect();
        gone.into_iter().filter_map(|serial| self.drop_call(serial)).collect()
    }

    /// Takes a call that was let go back from what is stored of it. The parts it left in the books are taken out and put
    /// in anew, so that nothing counts twice.
    pub fn restore(&mut self, key: &CallKey, records: &[Arc<DecisionRecord>], events: &[ReceivedEvent], now: Timestamp) {
        let serial = self.call_serial(key.clone(), now);
        let at_hand = self.calls.get(&serial).map(|call| call.state.decisions.clone()).unwrap_or_default();
        for record in at_hand.iter().chain(records) {
            let at_us = record.decision.received_at.as_microsecond();
            for view in &record.groups {
                if let Some(book) = self.books.get_mut(&view.group) {
                    book.take_decision(at_us, record.sequence);
                }
            }
        }
        if let Some(call) = self.calls.get_mut(&serial) {
            call.parts.clear();
        }
        for record in records {
            self.add_decision(Arc::clone(record));
        }
        for received in events {
            self.add_event(received);
        }
        self.refresh(serial, now);
    }

    /// A call at hand.
    pub fn call(&self, key: &CallKey) -> Option<&CallState> {
        self.calls.get(self.call_serials.get(key)?).map(|call| &call.state)
    }

    /// The serial of a call at hand: how its holds on agents are told apart.
    pub fn call_serial_of(&self, key: &CallKey) -> Option<u64> {
        self.call_serials.get(key).copied()
    }

    /// How many calls are at hand.
    pub fn calls_at_hand(&self) -> usize {
        self.calls.len()
    }

    /// How many of them hold nobody and are no task to call back.
    pub fn finished_at_hand(&self) -> usize {
        self.finished
    }

    /// The keys of a call's parts in a group's book, with what it charges.
    pub fn parts_of(&self, key: &CallKey, group: &GroupId) -> Vec<EntryKey> {
        let call = self.call_serials.get(key).and_then(|serial| self.calls.get(serial));
        let parts = call.into_iter().flat_map(|call| &call.parts);
        parts.filter(|part| part.group == *group).map(|part| part.key).collect()
    }

    /// What is known of an agent.
    #[expect(clippy::indexing_slicing, reason = "bind made a slot for every agent of the workspace")]
    pub fn agent(&self, ix: AgentIx) -> &AgentLive {
        &self.agents[self.agents_by_ix[ix.0 as usize]]
    }

    /// A group's members in the order of the workspace.
    #[expect(clippy::indexing_slicing, reason = "bind made a layout for every group of the workspace")]
    pub fn members(&self, group: GroupIx) -> &Arc<[MemberId]> {
        &self.layouts[group.0 as usize]
    }

    /// A group's book.
    #[expect(clippy::indexing_slicing, reason = "bind made a book for every group of the workspace")]
    pub fn book(&self, group: GroupIx) -> &CreditBook {
        &self.books[&self.workspace.group(group).id]
    }

    /// The would-be credits of a group in an arm; see `shadow_books`.
    pub fn shadow(&self, group: GroupIx, arm: Arm) -> Option<&CreditBook> {
        self.shadows.get(&self.workspace.group(group).id, arm)
    }

    fn note_given(&mut self, record: &DecisionRecord) {
        let key = EntryKey::of_first_target(record);
        for (step, adjustment) in record.paths.first().into_iter().flatten().zip(&record.adjustments) {
            let Some(view) = record.view(*step) else { continue };
            let book = self.books.entry(view.group.clone()).or_insert_with(|| CreditBook::new(300));
            book.given(key, &view.lambda, step.member, adjustment);
        }
    }

    fn hear_agent_state(&mut self, received: &ReceivedEvent) {
        let (Some(agent), Some(state)) = (&received.event.agent, received.event.state) else { return };
        let (received_at, at, id) = (received.received_at, received.event.at, received.event.event_id.clone());
        let word = PbxWord { received_at, at, id, state };
        let slot = self.agent_slot(agent);
        let Some(agent) = self.agents.get_mut(slot) else { return };
        agent.activity.hear_word(received.received_at, &word);
        if agent.pbx_word.as_ref().is_none_or(|known| *known < word) {
            agent.pbx_word = Some(word);
        }
    }

    fn agent_slot(&mut self, id: &AgentId) -> usize {
        if let Some(slot) = self.agent_slots.get(id) {
            return *slot;
        }
        let slot = self.agents.len();
        self.agents.push(AgentLive::new(self.workspace.policies.len()));
        self.agent_slots.insert(id.clone(), slot);
        slot
    }

    fn call_serial(&mut self, key: CallKey, heard_at: Timestamp) -> u64 {
        if let Some(serial) = self.call_serials.get(&key) {
            if let Some(call) = self.calls.get_mut(serial) {
                call.heard_at = call.heard_at.max(heard_at);
            }
            return *serial;
        }
        let serial = self.next_serial;
        self.next_serial += 1;
        self.call_serials.insert(key.clone(), serial);
        let (parts, held, talked, mark) = (Vec::new(), Vec::new(), Vec::new(), CallMark::of(&key));
        let call = LiveCall { state: CallState::new(key), parts, held, finished: false, mark, talked, heard_at };
        self.calls.insert(serial, Box::new(call));
        serial
    }

    /// Brings books and agents in line with what a call says now. Whoever is talked to need not be called back any more.
    fn refresh(&mut self, serial: u64, now: Timestamp) {
        self.settle(serial, now);
        let Some(call) = self.calls.get(&serial) else { return };
        let talked = self.recent.get(&call.state.key).filter(|recent| recent.talked.is_some());
        let Some(caller) = talked.and_then(|recent| recent.caller.clone()) else { return };
        let waiting = self.recent.of_caller(&caller).filter(|(_, recent)| recent.calls_back.is_some());
        let waiting: Vec<u64> = waiting.filter_map(|(key, _)| self.call_serials.get(key).copied()).collect();
        waiting.into_iter().for_each(|serial| self.settle(serial, now));
    }

    fn settle(&mut self, serial: u64, now: Timestamp) {
        let Some(call) = self.calls.get(&serial) else { return };
        let key = &call.state.key;
        let mut void = false;
        if let Some(recent) = call.state.recent() {
            self.recent.put(key, recent);
            // A call that counts for nothing keeps its people busy all the same.
            void = self.recent.get(key).is_some_and(|recent| callback::is_void(&self.recent, &self.interventions, key, recent));
        }
        let parts = if void { Vec::new() } else { call.state.parts(now) };
        let holds = call.state.occupancies(now);
        let talk_ends: Vec<_> =
            call.state.talkers().filter_map(|agent| Some((agent.clone(), call.state.talk_end(agent)?))).collect();
        let conversations = call.state.conversations();
        self.note_misses(serial);
        self.move_conversations(serial, &conversations);
        self.move_parts(serial, parts);
        self.move_holds(serial, &holds);
        for (agent, end) in talk_ends {
            let slot = self.agent_slot(&agent);
            if let Some(agent) = self.agents.get_mut(slot) {
                agent.past_talks.set(serial, end);
            }
        }
        for held in holds {
            self.expiries.push(Reverse((held.until, serial)));
        }
    }

    /// Only what we offered counts: a call of somebody else's may be one the agent need not take.
    fn note_misses(&mut self, serial: u64) {
        let Some(call) = self.calls.get(&serial).filter(|call| !call.state.decisions.is_empty()) else { return };
        for (agent, outcome) in call.state.outcomes().iter() {
            // `agent_slot`, field by field: the call is borrowed.
            let policies = self.workspace.policies.len();
            let slot = *self.agent_slots.entry(agent.clone()).or_insert_with(|| {
                self.agents.push(AgentLive::new(policies));
                self.agents.len() - 1
            });
            if let Some(agent) = self.agents.get_mut(slot) {
                agent.misses.note(&call.state.key, outcome);
            }
        }
    }

    fn move_parts(&mut self, serial: u64, parts: Vec<GroupPart>) {
        let Some(call) = self.calls.get_mut(&serial) else { return };
        if call.parts == parts {
            return;
        }
        let old = std::mem::replace(&mut call.parts, parts);
        for part in old.iter().filter(|part| !call.parts.contains(part)) {
            if let Some(book) = self.books.get_mut(&part.group) {
                book.take(part.key);
                book.talked(part.key, None);
            }
        }
        for part in call.parts.iter().filter(|part| !old.contains(part)) {
            let book = self.books.entry(part.group.clone()).or_insert_with(|| CreditBook::new(300));
            book.put(part.key, part.contribution.clone());
            book.talked(part.key, part.talk_seconds);
        }
    }

    fn move_conversations(&mut self, serial: u64, conversations: &[(AgentId, Conversation)]) {
        let Some(call) = self.calls.get_mut(&serial) else { return };
        let mark = call.mark;
        let before = std::mem::replace(&mut call.talked, conversations.iter().map(|(agent, _)| agent.clone()).collect());
        for agent in before.iter().filter(|agent| !conversations.iter().any(|(talks, _)| talks == *agent)) {
            let slot = self.agent_slot(agent);
            if let Some(agent) = self.agents.get_mut(slot) {
                agent.activity.take(mark);
            }
        }
        for (agent, conversation) in conversations {
            let slot = self.agent_slot(agent);
            if let Some(agent) = self.agents.get_mut(slot) {
                agent.activity.set(mark, *conversation);
            }
        }
    }

    fn move_holds(&mut self, serial: u64, holds: &[Held]) {
        let Some(call) = self.calls.get_mut(&serial) else { return };
        let before = std::mem::replace(&mut call.held, holds.iter().map(|held| held.agent.clone()).collect());
        let was_finished = std::mem::replace(&mut call.finished, holds.is_empty() && !call.state.calls_back());
        self.finished += usize::from(call.finished);
        self.finished -= usize::from(was_finished);
        for agent in before {
            if let Some(agent) = self.agent_slots.get(&agent).and_then(|slot| self.agents.get_mut(*slot)) {
                agent.holds.retain(|hold| hold.call != serial);
            }
        }
        for held in holds {
            let slot = self.agent_slot(&held.agent);
            if let Some(agent) = self.agents.get_mut(slot) {
                agent.holds.push(Hold { call: serial, occupancy: held.occupancy, since: held.since, until: held.until });
            }
        }
    }

    /// Lets a call go; its parts stay in the books.
    fn drop_call(&mut self, serial: u64) -> Option<CallState> {
        self.move_holds(serial, &[]);
        let call = self.calls.remove(&serial)?;
        self.finished -= usize::from(call.finished);
        self.call_serials.remove(&call.state.key);
        for agent in call.state.talkers() {
            if let Some(agent) = self.agent_slots.get(agent).and_then(|slot| self.agents.get_mut(*slot)) {
                agent.past_talks.settle(serial);
            }
        }
        Some(call.state)
    }
}
