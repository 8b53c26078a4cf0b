//! A working day on a floor: calls come at random (Poisson), whoever is named first picks up at once and talks.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use meritline::core::call::CallEventType;

use super::floor::{Draw, Floor};

/// A call that somebody took.
pub struct Taken {
    /// Position in the floor's one group.
    pub member: usize,
    pub talk_seconds: f64,
}

/// A day. Its calls and the lengths of their conversations depend on the seed alone, whatever the policy makes of them.
pub struct Day {
    pub floor: Floor,
    calls_per_hour: f64,
    talk_seconds: fn(&mut Draw) -> f64,
    draw: Draw,
    clock_us: i64,
    calls: u64,
    /// When, which call, whose.
    hang_ups: BinaryHeap<Reverse<(i64, String, String)>>,
}

impl Day {
    pub fn new(floor: Floor, seed: u64, calls_per_hour: f64, talk_seconds: fn(&mut Draw) -> f64) -> Self {
        Self { floor, calls_per_hour, talk_seconds, draw: Draw(seed), clock_us: 0, calls: 0, hang_ups: BinaryHeap::new() }
    }

    /// Lets calls come until so many hours after the start; gives those that somebody took. A caller who meets nobody free
    /// is lost.
    pub fn until(&mut self, hours: f64) -> Vec<Taken> {
        let end_us = (hours * 3.6e9) as i64;
        let mut taken = Vec::new();
        loop {
            let pause_seconds = self.draw.exponential(3600.0 / self.calls_per_hour);
            let next_us = self.clock_us + (pause_seconds * 1e6) as i64;
            if next_us >= end_us {
                break;
            }
            self.pass_to(next_us);
            taken.extend(self.call());
        }
        self.pass_to(end_us);
        taken
    }

    fn call(&mut self) -> Option<Taken> {
        self.calls += 1;
        let talk_seconds = (self.talk_seconds)(&mut self.draw);
        let call = format!("c{}", self.calls);
        let record = self.floor.decide(&call);
        let agent = record.decision.targets.first()?.agent.to_string();
        self.floor.event(&call, CallEventType::Answered, Some(&agent));
        self.hang_ups.push(Reverse((self.clock_us + (talk_seconds * 1e6) as i64, call, agent)));
        Some(Taken { member: record.paths[0][0].member as usize, talk_seconds })
    }

    fn pass_to(&mut self, at_us: i64) {
        while self.hang_ups.peek().is_some_and(|Reverse((end_us, ..))| *end_us <= at_us) {
            let Some(Reverse((end_us, call, agent))) = self.hang_ups.pop() else { break };
            self.pass_us(end_us);
            self.floor.event(&call, CallEventType::Ended, Some(&agent));
            self.floor.event(&call, CallEventType::Ended, None);
        }
        self.pass_us(at_us);
    }

    fn pass_us(&mut self, at_us: i64) {
        self.floor.pass((at_us - self.clock_us) as f64 / 1e6);
        self.clock_us = at_us;
    }
}
