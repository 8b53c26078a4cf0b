//! What is wrong with a scenario or a policy, before anything is simulated.

use super::distribution::Distribution;
use super::scenario::{AfterCall, Load, Rule, Scenario, SimulatedAgent, SimulatedPolicy};
use crate::core::load::guard::{Band, Limits};

const DAY_SECONDS: f64 = 86_400.0;
/// More people make no group, and a table of everybody by everybody would not fit.
const AGENTS_MAX: usize = 2000;
/// A day has no more calls than this; more would run for minutes and say nothing new.
const CALLS_MAX: f64 = 50_000_000.0;

/// One thing wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{at}: {message}")]
pub struct Fault {
    /// JSON Pointer into the document a scenario is written as.
    pub at: String,
    /// What is wrong and what to do.
    pub message: String,
}

/// Everything wrong with a scenario and the policies to be compared in it.
pub fn check(scenario: &Scenario, policies: &[SimulatedPolicy]) -> Vec<Fault> {
    let mut faults = Faults(Vec::new());
    faults.time(scenario);
    faults.people(scenario);
    faults.load(scenario);
    faults.durations(scenario);
    faults.changes(scenario);
    faults.tiredness(scenario);
    if policies.is_empty() {
        faults.push("/policies", "at least one policy must be given");
    }
    for (at, policy) in policies.iter().enumerate() {
        let taken = policies.iter().take(at).any(|known| known.id == policy.id);
        if taken {
            faults.push(
                &format!("/policies/{at}/id"),
                format!("`{}` is taken by an earlier policy: give each its own id", policy.id),
            );
        }
        faults.policy(at, policy);
    }
    faults.0
}

struct Faults(Vec<Fault>);

impl Faults {
    fn push(&mut self, at: &str, message: impl Into<String>) {
        self.0.push(Fault { at: at.to_owned(), message: message.into() });
    }

    /// NaN is in no range, so it is refused everywhere.
    fn within(&mut self, at: &str, value: f64, range: std::ops::RangeInclusive<f64>, what: &str) {
        if !range.contains(&value) {
            let (low, high) = (range.start(), range.end());
            let message = if high.is_finite() {
                format!("{what} must be from {low} to {high}, found {value}")
            } else {
                format!("{what} must be a number of at least {low}, found {value}")
            };
            self.push(at, message);
        }
    }

    fn time(&mut self, scenario: &Scenario) {
        self.within("/days", f64::from(scenario.days), 1.0..=100_000.0, "the number of days");
        self.within("/open", scenario.open_seconds, 60.0..=DAY_SECONDS, "the seconds calls are taken a day");
        let most = f64::from(scenario.days.max(1)) * DAY_SECONDS;
        if !(0.0..most).contains(&scenario.warm_up_seconds) {
            self.push("/warm_up", "the warm-up is as long as the whole simulation or longer: nothing would be counted");
        }
        self.within("/ring", scenario.ring_seconds, 1.0..=3600.0, "the ring time in seconds");
        self.within("/answer_goal", scenario.answer_goal_seconds, 0.0..=86_400.0, "the answer goal in seconds");
        self.within("/check_spread", scenario.check_cv, 0.0..=20.0, "the spread of amounts");
    }

    fn people(&mut self, scenario: &Scenario) {
        let (agents, day_seconds) = (&scenario.agents, scenario.day_seconds());
        if agents.is_empty() {
            self.push("/agents", "there is nobody to take calls: give at least one agent");
        }
        if agents.len() > AGENTS_MAX {
            self.push("/agents", format!("{} agents are more than one group has: at most {AGENTS_MAX}", agents.len()));
        }
        for (at, agent) in agents.iter().enumerate() {
            if agents.iter().take(at).any(|known| known.id == agent.id) {
                self.push(
                    &format!("/agents/{at}/id"),
                    format!("`{}` is taken by an earlier agent: give each their own id", agent.id),
                );
            }
            self.agent(&format!("/agents/{at}"), agent, day_seconds);
        }
        if !agents.is_empty() && agents.iter().all(|agent| agent.base == 0.0) {
            self.push("/agents", "all bases are 0: nobody would ever be rung; give at least one agent a base above 0");
        }
    }

    fn agent(&mut self, at: &str, agent: &SimulatedAgent, day_seconds: f64) {
        self.within(&format!("{at}/base"), agent.base, 0.0..=1e9, "a base");
        self.within(&format!("{at}/conversion"), agent.conversion, 0.0..=1.0, "a conversion");
        self.within(&format!("{at}/average_check"), agent.average_check, 0.0..=1e12, "an average check");
        self.within(&format!("{at}/answer_probability"), agent.answer_probability, 0.0..=1.0, "a probability to pick up");
        let mut free_from = 0.0;
        for (place, away) in agent.away.iter().enumerate() {
            let ends_after_it_begins = away.from_seconds < away.until_seconds;
            if !ends_after_it_begins || away.from_seconds < 0.0 || away.until_seconds > day_seconds {
                let message = "an absence must begin before it ends and lie between opening and closing";
                self.push(&format!("{at}/away/{place}"), message);
            } else if away.from_seconds < free_from {
                self.push(&format!("{at}/away/{place}"), "this absence begins before the one above it ends: sort and join them");
            }
            free_from = away.until_seconds;
        }
    }

    fn load(&mut self, scenario: &Scenario) {
        match &scenario.load {
            Load::PerHour(rates) => {
                if rates.is_empty() || rates.len() > 24 {
                    self.push("/load", "a day profile has 1 to 24 figures, one for each hour since the opening");
                }
                for (hour, rate) in rates.iter().enumerate() {
                    let at = if rates.len() == 1 { "/load/calls_per_hour".to_owned() } else { format!("/load/profile/{hour}") };
                    self.within(&at, *rate, 0.0..=1e7, "calls an hour");
                }
                let largest = rates.iter().copied().fold(0.0, f64::max);
                if largest == 0.0 {
                    self.push("/load", "no calls come at all: give at least one hour a figure above 0");
                }
                let calls = largest * scenario.open_seconds / 3600.0 * f64::from(scenario.days);
                if calls > CALLS_MAX {
                    self.push(
                        "/load",
                        format!("this makes about {calls:.0} calls, at most {CALLS_MAX:.0} are simulated: give fewer days"),
                    );
                }
            }
            Load::Log(calls) => {
                if calls.is_empty() {
                    self.push("/load/log", "the record has no calls");
                }
                for (at, call) in calls.iter().enumerate() {
                    let most = f64::from(scenario.days) * DAY_SECONDS;
                    self.within(&format!("/load/log/{at}/at"), call.at_seconds, 0.0..=most, "the arrival in seconds");
                    self.within(&format!("/load/log/{at}/talk"), call.talk_seconds, 0.0..=604_800.0, "the talk in seconds");
                }
            }
        }
    }

    fn durations(&mut self, scenario: &Scenario) {
        let after_call = match &scenario.after_call {
            AfterCall::Drawn(distribution) => Some(distribution),
            AfterCall::None => None,
            AfterCall::ByTalk(wrap_up) => {
                for (key, value) in [
                    ("base_seconds", wrap_up.base_seconds),
                    ("per_talk_second", wrap_up.per_talk_second),
                    ("max_seconds", wrap_up.max_seconds),
                ] {
                    self.within(&format!("/wrap_up/{key}"), value, 0.0..=86_400.0, "a part of after-call time");
                }
                None
            }
        };
        let named: [(&str, Option<&Distribution>); 3] =
            [("/talk", Some(&scenario.talk)), ("/wrap_up", after_call), ("/patience", scenario.patience.as_ref())];
        for (at, distribution) in named {
            if let Some(message) = distribution.and_then(Distribution::fault) {
                self.push(at, message);
            }
        }
    }

    fn changes(&mut self, scenario: &Scenario) {
        let day_seconds = scenario.day_seconds();
        for (at, change) in scenario.base_changes.iter().enumerate() {
            let pointer = format!("/base_changes/{at}");
            if change.agent >= scenario.agents.len() {
                self.push(&format!("{pointer}/agent"), "there is no such agent");
            }
            self.within(&format!("{pointer}/base"), change.base, 0.0..=1e9, "a base");
            if !(0.0..day_seconds).contains(&change.at_seconds) {
                self.push(&format!("{pointer}/at"), "a base is changed between opening and closing");
            }
        }
        self.nobody_left(scenario);
    }

    /// The change after which all bases of the day are 0.
    fn nobody_left(&mut self, scenario: &Scenario) {
        let mut bases: Vec<f64> = scenario.agents.iter().map(|agent| agent.base).collect();
        if bases.iter().all(|base| *base == 0.0) {
            return;
        }
        let mut changes: Vec<_> = scenario.base_changes.iter().enumerate().collect();
        changes.sort_by(|(_, a), (_, b)| a.at_seconds.total_cmp(&b.at_seconds));
        // What is typed at one instant holds together.
        for together in changes.chunk_by(|(_, a), (_, b)| a.at_seconds == b.at_seconds) {
            for (_, change) in together {
                if let Some(base) = bases.get_mut(change.agent) {
                    *base = change.base;
                }
            }
            if let Some((at, _)) = together.last().filter(|_| bases.iter().all(|base| *base == 0.0)) {
                let message =
                    "with this change all bases are 0: nobody would be rung any more; leave at least one agent a base above 0";
                return self.push(&format!("/base_changes/{at}/base"), message);
            }
        }
    }

    fn tiredness(&mut self, scenario: &Scenario) {
        let Some(fatigue) = &scenario.fatigue else { return };
        self.band("/fatigue/talk_minutes", fatigue.talk_minutes);
        for (key, loss) in [("talk_loss", fatigue.talk_loss), ("row_loss", fatigue.row_loss)] {
            self.within(&format!("/fatigue/{key}"), loss, 0.0..=1.0, "a loss of conversion");
        }
        self.within("/fatigue/calls_in_a_row", fatigue.calls_in_a_row, 1.0..=1e6, "calls in a row");
    }

    fn band(&mut self, at: &str, band: Band) {
        if !(band.lo >= 0.0 && band.lo <= band.hi && band.hi.is_finite()) {
            let Band { lo, hi } = band;
            self.push(at, format!("a band is [from, to] with 0 <= from <= to, found [{lo}, {hi}]"));
        }
    }

    fn policy(&mut self, at: usize, policy: &SimulatedPolicy) {
        let pointer = format!("/policies/{at}");
        self.within(&format!("{pointer}/period"), policy.period_seconds, 300.0..=DAY_SECONDS, "the period in seconds");
        if let Rule::Credit { cap: Some(cap), .. } = policy.rule {
            self.within(&format!("{pointer}/cap"), cap, 0.1..=1e6, "a cap in calls");
        }
        if policy.counts_seconds() && !matches!(policy.rule, Rule::Credit { .. }) {
            self.push(&format!("{pointer}/rule"), "mode `equal_talk_time` needs rule `credit`: no other rule counts seconds");
        }
        if let Some(guard) = &policy.guard {
            self.limits(&format!("{pointer}/guard"), &guard.limits);
        }
        let score = &policy.score;
        self.within(&format!("{pointer}/score/caution"), score.caution, 0.0..=1e6, "caution");
        self.within(&format!("{pointer}/score/strength"), score.strength, 0.0..=10.0, "strength");
        self.within(&format!("{pointer}/score/floor"), score.floor, 0.0..=1.0, "a floor");
        self.within(&format!("{pointer}/score/ceiling"), score.ceiling, 1.0..=1e6, "a ceiling");
        if let Some(cap) = score.deal_cap {
            self.within(&format!("{pointer}/score/deal_cap"), cap, 1.0..=1e6, "a big-deal cap");
        }
    }

    fn limits(&mut self, at: &str, limits: &Limits) {
        for (indicator, band) in limits.bands() {
            if let Some(band) = band {
                self.band(&format!("{at}/{}", indicator.as_str()), band);
            }
        }
    }
}
