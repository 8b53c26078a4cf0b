//! The events of one run in the order of time: calls come, phones ring, people come and go.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use super::calls::{Caller, Calls, DAY_US, HOUR_US};
use super::distribution::to_us;
use super::figures::Figures;
use super::meter::{Answered, Meter};
use super::people::People;
use super::per_agent::PerAgent;
use super::rule::{Chooser, Question};
use super::scenario::{Scenario, SimulatedPolicy};
use super::sharing::Sharing;
use crate::core::chance::{LogNormal, SplitMix64};
use crate::core::load::guard::{Limits, Readings, taper};

/// Callers beyond this many in the queue hear the busy tone.
const WAITING_MAX: usize = 1_000_000;
/// How often it is looked whether the guard lets somebody back, while callers wait.
const LOOK_US: i64 = 30_000_000;
/// How long after closing the last callers are still served.
const GRACE_US: i64 = HOUR_US;

/// A call that was given to somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Given {
    /// The caller's number, from 1 in order of arrival.
    pub call: u64,
    /// When, in microseconds since the first opening.
    pub at_us: i64,
    /// To whom, by position.
    pub agent: usize,
}

/// Runs a policy through a scenario. The same seed gives the same callers under every policy.
///
/// The scenario and the policy must be sound ([`super::check`]).
pub fn run(scenario: &Scenario, policy: &SimulatedPolicy, seed: u64) -> Figures {
    watch(scenario, policy, seed, |_| ())
}

/// Runs, and shows every call that is given to somebody who answers.
pub fn watch(scenario: &Scenario, policy: &SimulatedPolicy, seed: u64, seen: impl FnMut(Given)) -> Figures {
    Engine::new(scenario, policy, seed, seen).run()
}

/// What happens, in the order of things that happen at the same instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum What {
    /// Everybody goes home; whoever still waits is not answered.
    Closing,
    /// A day begins.
    Opening,
    /// A conversation ends.
    HangUp(usize),
    /// After-call time ends.
    Ready(usize),
    /// A phone has rung in vain.
    Missed(usize),
    /// Somebody comes back.
    Back(usize),
    /// A base share is typed in, by position of the change.
    BaseChange(usize),
    /// Somebody leaves.
    Leaving(usize),
    /// Has the guard let somebody back?
    Look,
}

struct Engine<'a, S> {
    scenario: &'a Scenario,
    policy: &'a SimulatedPolicy,
    seed: u64,
    seen: S,
    ids: Vec<&'a str>,
    amounts: Vec<LogNormal>,
    calls: Calls<'a>,
    agenda: BinaryHeap<Reverse<(i64, What)>>,
    waiting: VecDeque<Caller>,
    ringing: PerAgent<Option<Caller>>,
    talk_us: PerAgent<i64>,
    people: People,
    sharing: Sharing<'a>,
    chooser: Chooser,
    meter: Meter,
    pick_up: SplitMix64,
    can_ring: Vec<bool>,
    decisions: u64,
    looks: bool,
    closed: bool,
    now_us: i64,
}

impl<'a, S: FnMut(Given)> Engine<'a, S> {
    fn new(scenario: &'a Scenario, policy: &'a SimulatedPolicy, seed: u64, seen: S) -> Self {
        let agents = scenario.agents.len();
        let amount = |mean: f64| LogNormal::of_cv(mean, scenario.check_cv);
        Self {
            scenario,
            policy,
            seed,
            seen,
            ids: scenario.agents.iter().map(|agent| agent.id.as_str()).collect(),
            amounts: scenario.agents.iter().map(|agent| amount(agent.average_check)).collect(),
            calls: Calls::new(scenario, seed),
            agenda: BinaryHeap::from([Reverse((0, What::Opening))]),
            waiting: VecDeque::new(),
            ringing: PerAgent::same(None, agents),
            talk_us: PerAgent::same(0, agents),
            people: People::new(agents),
            sharing: Sharing::new(scenario, policy),
            chooser: Chooser::new(scenario, policy, seed),
            meter: Meter::new(scenario),
            pick_up: SplitMix64::stream(seed, 3),
            can_ring: vec![false; agents],
            decisions: 0,
            looks: false,
            closed: false,
            now_us: 0,
        }
    }

    fn run(mut self) -> Figures {
        loop {
            let event_us = self.agenda.peek().map(|Reverse((at_us, _))| *at_us);
            match (event_us, self.calls.next_us()) {
                (None, None) => break,
                (Some(event_us), call_us) if call_us.is_none_or(|call_us| event_us <= call_us) => self.happen(),
                (_, _) => self.arrive(),
            }
        }
        self.close();
        self.meter.end_day();
        self.meter.finish(self.scenario.days)
    }

    fn arrive(&mut self) {
        let Some(caller) = self.calls.take() else { return };
        self.now_us = caller.arrived_us;
        self.meter.offered(&caller);
        if self.waiting.len() >= WAITING_MAX {
            return self.meter.abandoned(&caller);
        }
        let number = caller.number;
        self.waiting.push_back(caller);
        self.serve();
        if let Some(last) = self.waiting.back_mut().filter(|last| last.number == number) {
            self.meter.waits(last);
        }
    }

    fn happen(&mut self) {
        let Some(Reverse((at_us, what))) = self.agenda.pop() else { return };
        self.now_us = at_us;
        match what {
            What::Closing => self.close(),
            What::Opening => self.open(),
            What::HangUp(agent) => self.chooser.hung_up(agent, self.talk_us[agent]),
            What::Ready(agent) => self.people.release(agent, at_us),
            What::Missed(agent) => self.missed(agent),
            What::Back(agent) => {
                self.people.come(agent, at_us);
                self.sharing.rotation_changed();
                self.meter.came_back(agent, at_us);
            }
            What::BaseChange(change) => {
                if let Some(typed) = self.scenario.base_changes.get(change) {
                    self.sharing.type_base(typed.agent, typed.base, at_us);
                    self.meter.base_changed(change, at_us);
                }
            }
            What::Leaving(agent) => {
                self.people.leave(agent);
                self.sharing.rotation_changed();
            }
            What::Look => self.looks = false,
        }
        if !self.waiting.is_empty() {
            self.serve();
        }
    }

    fn plan(&mut self, at_us: i64, what: What) {
        self.agenda.push(Reverse((at_us, what)));
    }

    fn open(&mut self) {
        let (now_us, day) = (self.now_us, self.now_us / DAY_US);
        self.closed = false;
        if day > 0 {
            self.meter.end_day();
        }
        self.people.begin_shift(now_us);
        self.sharing.begin_day(now_us);
        self.chooser.begin_day();
        for (agent, who) in self.scenario.agents.iter().enumerate() {
            for away in &who.away {
                self.agenda.push(Reverse((now_us + to_us(away.from_seconds), What::Leaving(agent))));
                self.agenda.push(Reverse((now_us + to_us(away.until_seconds), What::Back(agent))));
            }
        }
        for (change, typed) in self.scenario.base_changes.iter().enumerate() {
            self.agenda.push(Reverse((now_us + to_us(typed.at_seconds), What::BaseChange(change))));
        }
        let last = day + 1 >= i64::from(self.scenario.days);
        if !last {
            self.plan(now_us + DAY_US, What::Opening);
        }
        if last || !self.scenario.never_closes() {
            let open_us = if self.scenario.never_closes() { DAY_US } else { to_us(self.scenario.open_seconds).min(DAY_US) };
            let closing_us = now_us + open_us + GRACE_US;
            self.plan(if last { closing_us } else { closing_us.min(now_us + DAY_US) }, What::Closing);
        }
    }

    fn close(&mut self) {
        self.closed = true;
        for caller in self.waiting.drain(..) {
            self.meter.abandoned(&caller);
        }
    }

    /// Puts waiting callers through, first come first served, as long as somebody can be rung.
    fn serve(&mut self) {
        while let Some(caller) = self.waiting.front() {
            if caller.deadline_us < self.now_us {
                self.meter.abandoned(caller);
                self.waiting.pop_front();
                continue;
            }
            let Some(agent) = self.pick() else { break };
            if let Some(caller) = self.waiting.pop_front() {
                self.offer(caller, agent);
            }
        }
        // Somebody is there, but stopped by the guard or without a share: time alone may bring them back.
        let may_come_back = !self.waiting.is_empty() && self.policy.guard.is_some() && self.people.ready() > 0;
        if may_come_back && !self.looks {
            self.looks = true;
            self.plan(self.now_us + LOOK_US, What::Look);
        }
    }

    /// Whom the front caller is put through to.
    fn pick(&mut self) -> Option<usize> {
        if self.people.ready() == 0 {
            return None;
        }
        self.sharing.refresh(&mut self.people, self.now_us);
        let rung = self.waiting.front().map_or(&[][..], |caller| &caller.rung);
        let mut able = 0u32;
        for (agent, (can_ring, weight)) in self.can_ring.iter_mut().zip(self.sharing.weights()).enumerate() {
            *can_ring = *weight > 0.0 && self.people.is_ready(agent);
            able += u32::from(*can_ring);
        }
        if able == 0 {
            return None;
        }
        // Whoever was rung for this call comes after all others.
        let others = || self.can_ring.iter().enumerate().any(|(agent, can_ring)| *can_ring && !rung.contains(&agent));
        if !rung.is_empty() && others() {
            for agent in rung {
                self.can_ring.iter_mut().skip(*agent).take(1).for_each(|can_ring| *can_ring = false);
            }
        }
        self.decisions += 1;
        self.chooser.pick(&Question {
            now_us: self.now_us,
            sequence: self.decisions,
            lambda: self.sharing.lambda(),
            weights: self.sharing.weights(),
            published: self.sharing.published(),
            values: self.sharing.values(),
            can_ring: &self.can_ring,
            busy: self.people.busy(),
            idle_since_us: self.people.idle_since_us(),
            ids: &self.ids,
        })
    }

    fn offer(&mut self, caller: Caller, agent: usize) {
        let picks_up = self.scenario.agents.get(agent).map_or(1.0, |agent| agent.answer_probability);
        if picks_up >= 1.0 || self.pick_up.happens(picks_up) {
            return self.connect(&caller, agent);
        }
        self.people.ring(agent);
        let rings_until_us = (self.now_us + to_us(self.scenario.ring_seconds)).min(caller.deadline_us.saturating_add(1));
        self.plan(rings_until_us, What::Missed(agent));
        self.ringing[agent] = Some(caller);
    }

    fn missed(&mut self, agent: usize) {
        self.people.stop_ringing(agent);
        self.chooser.missed(agent);
        if let Some(mut caller) = self.ringing[agent].take() {
            self.meter.waits(&mut caller);
            if self.closed {
                return self.meter.abandoned(&caller);
            }
            caller.rung.push(agent);
            self.waiting.push_front(caller);
        }
    }

    fn connect(&mut self, caller: &Caller, agent: usize) {
        let now_us = self.now_us;
        let readings = self.people.readings(agent, now_us);
        let amount = self.contract(caller, agent, &readings);
        let busy_until_us = now_us + caller.talk_us + caller.after_us;
        self.people.talk(agent, now_us, caller.talk_us, busy_until_us);
        self.plan(busy_until_us, What::Ready(agent));
        if self.policy.counts_seconds() {
            self.talk_us[agent] = caller.talk_us;
            self.plan(now_us + caller.talk_us, What::HangUp(agent));
        }
        self.chooser.answered(agent, now_us, self.sharing.lambda());
        self.sharing.learn(agent, amount);
        self.meter.answered(&Answered {
            agent,
            now_us,
            arrived_us: caller.arrived_us,
            talk_us: caller.talk_us,
            busy_until_us,
            lambda: self.sharing.lambda(),
            left_by_guard: Limits::STANDARD.factor(&readings).0,
            amount,
        });
        (self.seen)(Given { call: caller.number, at_us: now_us, agent });
    }

    /// What the conversation brings, if anything. A caller's luck and amount are the same under every policy.
    fn contract(&self, caller: &Caller, agent: usize, readings: &Readings) -> Option<f64> {
        let mut conversion = self.scenario.agents.get(agent)?.conversion;
        if let Some(fatigue) = &self.scenario.fatigue {
            conversion *= 1.0 - fatigue.talk_loss * (1.0 - taper(readings.talk_minutes, fatigue.talk_minutes));
            if readings.calls_in_a_row >= fatigue.calls_in_a_row {
                conversion *= 1.0 - fatigue.row_loss;
            }
        }
        if caller.luck >= conversion {
            return None;
        }
        let mut chance = SplitMix64::stream(self.seed ^ AMOUNTS, caller.number);
        self.amounts.get(agent).map(|amount| amount.draw(&mut chance))
    }
}

/// Keeps the stream of a call's amount apart from the streams of the run.
const AMOUNTS: u64 = 0x416d_6f75_6e74_0000;
