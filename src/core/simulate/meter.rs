//! Counts what happens in one run.

use super::calls::{Caller, DAY_US, HOUR_US};
use super::distribution::{to_seconds, to_us};
use super::figures::{AgentFigures, ChangeFigures, Figures, HourFigures, ReturnFigures};
use super::per_agent::PerAgent;
use super::scenario::Scenario;

const HOURS: usize = 24;
const HALF_HOUR_US: i64 = HOUR_US / 2;
/// How many calls after a change of base are looked at, and how many of them in a row.
const CALLS_AFTER_CHANGE: u32 = 60;
const CALLS_IN_A_ROW: u32 = 11;

/// Somebody answered.
#[derive(Debug, Clone, Copy)]
pub(super) struct Answered<'q> {
    pub(super) agent: usize,
    pub(super) now_us: i64,
    pub(super) arrived_us: i64,
    pub(super) talk_us: i64,
    pub(super) busy_until_us: i64,
    pub(super) lambda: &'q [f64],
    /// Part of the share the standard guard would leave.
    pub(super) left_by_guard: f64,
    /// Money, where a contract followed.
    pub(super) amount: Option<f64>,
}

/// Calls since a base share was changed: how many, whose, and who got the last ones (newest in the lowest bit).
#[derive(Debug, Clone, Copy)]
struct Watch {
    change: usize,
    calls: u32,
    got: u32,
    last: u32,
}

/// The counters of one run.
#[derive(Debug)]
pub(super) struct Meter {
    figures: Figures,
    from_us: i64,
    goal_us: i64,
    open_us: i64,
    day_calls: PerAgent<f64>,
    day_talk_us: PerAgent<i64>,
    day_due: Vec<Vec<f64>>,
    back: Vec<(usize, i64)>,
    watches: Vec<Watch>,
    sorted: Vec<f64>,
}

impl Meter {
    pub(super) fn new(scenario: &Scenario) -> Self {
        let agents = scenario.agents.len();
        let day_seconds = scenario.day_seconds();
        let agent = AgentFigures { calls_by_hour: vec![0.0; HOURS], due_by_hour: vec![0.0; HOURS], ..AgentFigures::default() };
        let returns = scenario.agents.iter().enumerate().flat_map(|(agent, who)| {
            let back = who.away.iter().filter(|away| away.until_seconds < day_seconds);
            back.map(move |away| ReturnFigures { agent, at_seconds: away.until_seconds, ..ReturnFigures::default() })
        });
        let change = |change: &super::scenario::BaseChange| ChangeFigures {
            agent: change.agent,
            at_seconds: change.at_seconds,
            ..ChangeFigures::default()
        };
        let figures = Figures {
            agents: vec![agent; agents],
            hours: hours_on_duty(scenario, day_seconds),
            lorenz: vec![0.0; agents + 1],
            returns: returns.collect(),
            changes: scenario.base_changes.iter().map(change).collect(),
            ..Figures::default()
        };
        Self {
            figures,
            from_us: to_us(scenario.warm_up_seconds),
            goal_us: to_us(scenario.answer_goal_seconds),
            open_us: to_us(day_seconds).min(DAY_US),
            day_calls: PerAgent::same(0.0, agents),
            day_talk_us: PerAgent::same(0, agents),
            day_due: vec![vec![0.0; agents]; HOURS],
            back: Vec::new(),
            watches: Vec::new(),
            sorted: vec![0.0; agents],
        }
    }

    /// Somebody called.
    pub(super) fn offered(&mut self, caller: &Caller) {
        if caller.arrived_us >= self.from_us {
            self.figures.offered += 1;
            if let Some(hour) = self.figures.hours.get_mut(hour_of(caller.arrived_us)) {
                hour.offered += 1;
            }
        }
    }

    /// A caller was not put through at once.
    pub(super) fn waits(&mut self, caller: &mut Caller) {
        let first = !std::mem::replace(&mut caller.waited, true);
        self.figures.waited += u64::from(first && caller.arrived_us >= self.from_us);
    }

    /// A caller gave up.
    pub(super) fn abandoned(&mut self, caller: &Caller) {
        if caller.arrived_us >= self.from_us {
            self.figures.abandoned += 1;
            if let Some(hour) = self.figures.hours.get_mut(hour_of(caller.arrived_us)) {
                hour.abandoned += 1;
            }
        }
    }

    /// A caller got through.
    pub(super) fn answered(&mut self, call: &Answered<'_>) {
        if call.arrived_us < self.from_us {
            return;
        }
        let wait_us = call.now_us - call.arrived_us;
        let figures = &mut self.figures;
        figures.answered += 1;
        figures.wait_seconds += to_seconds(wait_us);
        figures.within_goal += u64::from(wait_us <= self.goal_us);
        figures.tired_calls += u64::from(call.left_by_guard < 0.5);
        if let Some(hour) = figures.hours.get_mut(hour_of(call.arrived_us)) {
            hour.answered += 1;
            hour.wait_seconds += to_seconds(wait_us);
        }
        let hour = hour_of(call.now_us);
        if let Some(agent) = figures.agents.get_mut(call.agent) {
            agent.calls += 1;
            agent.talk_seconds += to_seconds(call.talk_us);
            if let Some(calls) = agent.calls_by_hour.get_mut(hour) {
                *calls += 1.0;
            }
            if let Some(amount) = call.amount {
                agent.contracts += 1;
                agent.revenue += amount;
                figures.contracts += 1;
                figures.revenue += amount;
            }
        }
        self.day_calls[call.agent] += 1.0;
        self.day_talk_us[call.agent] += call.talk_us;
        if let Some(due) = self.day_due.get_mut(hour) {
            due.iter_mut().zip(call.lambda).for_each(|(due, share)| *due += share);
        }
        self.busy(call.now_us, call.busy_until_us);
        if !self.back.is_empty() || !self.watches.is_empty() {
            self.after_events(call);
        }
    }

    /// Busy time, hour by hour, as far as it lies between opening and closing.
    fn busy(&mut self, from_us: i64, until_us: i64) {
        let mut at_us = from_us;
        while at_us < until_us {
            let in_day = at_us % DAY_US;
            let next_us = (at_us - at_us % HOUR_US + HOUR_US).min(until_us);
            if let Some(hour) = self.figures.hours.get_mut(hour_of(at_us)).filter(|_| in_day < self.open_us) {
                hour.busy_seconds += to_seconds((next_us - at_us).min(self.open_us - in_day));
            }
            at_us = next_us;
        }
    }

    /// Somebody came back from an absence: their next calls are looked at.
    pub(super) fn came_back(&mut self, agent: usize, now_us: i64) {
        let at = to_seconds(now_us % DAY_US);
        let known = self.figures.returns.iter().position(|known| known.agent == agent && (known.at_seconds - at).abs() < 1e-3);
        if let Some(known) = known.filter(|_| now_us >= self.from_us) {
            self.back.push((known, now_us));
        }
    }

    /// A base share was changed: the next calls are looked at.
    pub(super) fn base_changed(&mut self, change: usize, now_us: i64) {
        if now_us >= self.from_us {
            self.watches.push(Watch { change, calls: 0, got: 0, last: 0 });
        }
    }

    fn after_events(&mut self, call: &Answered<'_>) {
        for (known, since_us) in &self.back {
            let Some(back) = self.figures.returns.get_mut(*known) else { continue };
            let due = call.lambda.get(back.agent).copied().unwrap_or(0.0);
            let got = if call.agent == back.agent { 1.0 } else { 0.0 };
            if call.now_us - since_us <= HALF_HOUR_US {
                back.calls_30_minutes += got;
                back.due_30_minutes += due;
            }
            if call.now_us - since_us <= 4 * HALF_HOUR_US {
                back.calls_2_hours += got;
                back.due_2_hours += due;
            }
        }
        for watch in &mut self.watches {
            let Some(change) = self.figures.changes.get_mut(watch.change) else { continue };
            let got = u32::from(call.agent == change.agent);
            watch.calls += 1;
            watch.got += got;
            watch.last = ((watch.last << 1) | got) & ((1 << CALLS_IN_A_ROW) - 1);
            change.most_of_11 = change.most_of_11.max(watch.last.count_ones());
            if watch.calls == CALLS_AFTER_CHANGE {
                change.occasions += 1;
                change.calls_of_60 += u64::from(watch.got);
            }
        }
        self.watches.retain(|watch| watch.calls < CALLS_AFTER_CHANGE);
    }

    /// The day is over.
    pub(super) fn end_day(&mut self) {
        self.back.clear();
        self.watches.clear();
        let calls: f64 = self.day_calls.all().iter().sum();
        if calls > 0.0 {
            self.figures.days += 1;
            self.share_error(calls);
            self.talk_of_day();
        }
        for (hour, due_of_hour) in self.day_due.iter_mut().enumerate() {
            for (agent, due) in self.figures.agents.iter_mut().zip(due_of_hour) {
                agent.due += *due;
                if let Some(by_hour) = agent.due_by_hour.get_mut(hour) {
                    *by_hour += *due;
                }
                *due = 0.0;
            }
        }
        self.day_calls.all_mut().fill(0.0);
        self.day_talk_us.all_mut().fill(0);
    }

    fn share_error(&mut self, calls: f64) {
        let due = |agent: usize| self.day_due.iter().filter_map(|hour| hour.get(agent)).sum::<f64>();
        let got = self.day_calls.all();
        let largest = got.iter().enumerate().map(|(agent, got)| (got - due(agent)).abs()).fold(0.0, f64::max);
        self.figures.share_error_points += largest / calls * 100.0;
        let (most, fewest) = ends(got.iter().copied());
        self.figures.calls_spread += most - fewest;
    }

    fn talk_of_day(&mut self) {
        self.sorted.clear();
        self.sorted.extend(self.day_talk_us.all().iter().map(|talk_us| to_seconds(*talk_us)));
        self.sorted.sort_unstable_by(f64::total_cmp);
        let (longest, shortest) = ends(self.sorted.iter().copied());
        self.figures.longest_talk_seconds += longest;
        self.figures.talk_spread_seconds += longest - shortest;
        let all: f64 = self.sorted.iter().sum();
        if all <= 0.0 {
            return;
        }
        self.figures.gini += gini(&self.sorted);
        let mut held = 0.0;
        for (point, talk) in self.figures.lorenz.iter_mut().skip(1).zip(&self.sorted) {
            held += talk / all;
            *point += held;
        }
    }

    /// The figures of the whole run, which lasted so many days.
    pub(super) fn finish(mut self, days: u32) -> Figures {
        let warm_up = to_seconds(self.from_us);
        let (whole_days, rest) = ((warm_up / 86_400.0).floor(), warm_up % 86_400.0);
        for (hour, start) in self.figures.hours.iter_mut().zip(0u32..) {
            let not_counted = whole_days + (rest / 3600.0 - f64::from(start)).clamp(0.0, 1.0);
            hour.duty_seconds *= f64::from(days) - not_counted;
        }
        let sum = |part: fn(&HourFigures) -> f64| self.figures.hours.iter().map(part).sum::<f64>();
        let (busy, duty) = (sum(|hour| hour.busy_seconds), sum(|hour| hour.duty_seconds));
        (self.figures.busy_seconds, self.figures.duty_seconds) = (busy, duty);
        self.figures
    }
}

/// The Gini coefficient of sorted values: 0 = everybody the same, 1 = one has all.
pub(super) fn gini(sorted: &[f64]) -> f64 {
    let (count, sum) = (sorted.len() as f64, sorted.iter().sum::<f64>());
    if sum <= 0.0 {
        return 0.0;
    }
    let weighted: f64 = sorted.iter().zip(1..).map(|(value, rank)| (2.0 * f64::from(rank) - count - 1.0) * value).sum();
    weighted / (count * sum)
}

fn ends(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let (most, fewest) = values.fold((f64::NEG_INFINITY, f64::INFINITY), |(most, fewest), v| (most.max(v), fewest.min(v)));
    if most < fewest { (0.0, 0.0) } else { (most, fewest) }
}

fn hour_of(at_us: i64) -> usize {
    usize::try_from(at_us % DAY_US / HOUR_US).unwrap_or(0)
}

/// Time on duty of everybody in each hour of one day.
fn hours_on_duty(scenario: &Scenario, day_seconds: f64) -> Vec<HourFigures> {
    let overlap = |from: f64, until: f64, hour: f64| (until.min((hour + 1.0) * 3600.0) - from.max(hour * 3600.0)).max(0.0);
    let on_duty = |hour: f64| -> f64 {
        let open = overlap(0.0, day_seconds, hour);
        let away = |agent: &super::scenario::SimulatedAgent| {
            agent.away.iter().map(|away| overlap(away.from_seconds, away.until_seconds, hour)).sum::<f64>()
        };
        scenario.agents.iter().map(|agent| open - away(agent)).sum()
    };
    let hours = (day_seconds / 3600.0).ceil().clamp(1.0, HOURS as f64) as u32;
    (0..hours).map(|hour| HourFigures { duty_seconds: on_duty(f64::from(hour)), ..HourFigures::default() }).collect()
}
