//! Stops against a slow reading of the words: the day lived through second by second.

use meritline::core::call::CallEventType;
use meritline::core::load::guard::{Band, Indicator, Limits};
use meritline::core::policy::Guard;
use proptest::prelude::*;

use super::floor::team;

/// Bands whose ends no whole number of seconds meets.
fn limits() -> Limits {
    Limits {
        talk_minutes: Some(Band::new(60.01, 100.003)),
        calls_per_hour: Some(Band::new(4.0, 7.0)),
        occupancy: Some(Band::new(0.5001, 0.7003)),
        calls_in_a_row: Some(Band::new(2.0, 4.0)),
        minutes_since_rest: Some(Band::new(40.003, 60.007)),
    }
}

/// One person's day, second by second.
#[derive(Clone, Default)]
struct Slow {
    talk: u32,
    /// Busy seconds before each second.
    busy: Vec<u32>,
    starts: Vec<usize>,
    idle: u32,
    row: u32,
    unrested: Option<usize>,
    stopped: [bool; 5],
}

impl Slow {
    fn readings(&self, at: usize, just_before: bool) -> [f64; 5] {
        let hour_ago = at.saturating_sub(3600);
        let calls = self.starts.iter().filter(|start| if just_before { **start + 3600 >= at } else { **start + 3600 > at });
        let busy = self.talk - self.busy.get(hour_ago).copied().unwrap_or(self.talk);
        let since = self.unrested.filter(|_| self.idle < 600).map_or(0, |since| at - since);
        [
            f64::from(self.talk) / 60.0,
            calls.count() as f64,
            f64::from(busy) / 3600.0,
            if self.idle >= 180 { 0.0 } else { f64::from(self.row) },
            since as f64 / 60.0,
        ]
    }

    fn look(&mut self, at: usize, just_before: bool) {
        let readings = self.readings(at, just_before);
        for ((indicator, reading), stopped) in Indicator::ALL.into_iter().zip(readings).zip(&mut self.stopped) {
            let band = limits().of(indicator).unwrap();
            let rested = self.idle >= 600;
            *stopped = match indicator {
                _ if reading >= band.hi => true,
                Indicator::CallsInARow | Indicator::MinutesSinceRest => *stopped && !rested,
                Indicator::TalkMinutes | Indicator::CallsPerHour | Indicator::Occupancy => *stopped && reading > band.middle(),
            };
        }
    }

    fn second(&mut self, at: usize, starts: bool, talks: bool) {
        self.look(at, true);
        if starts {
            if self.idle >= 180 || self.starts.is_empty() {
                self.row = 0;
            }
            if self.idle >= 600 || self.unrested.is_none() {
                self.unrested = Some(at);
            }
            self.row += 1;
            self.starts.push(at);
            self.idle = 0;
        }
        self.look(at, false);
        self.busy.push(self.talk);
        self.talk += u32::from(talks);
        self.idle = if talks { 0 } else { self.idle + 1 };
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn stops_are_those_of_the_day_lived_through(
        calls in prop::collection::vec((prop_oneof![3 => 1usize..200, 1 => 170usize..700], 20usize..900), 1..30),
        ask_every in 37usize..1200,
    ) {
        let mut floor = team(&["anna"], Guard { limits: limits(), ..Guard::default() });
        let mut slow = Slow::default();
        let mut at = 0;
        let check = |floor: &crate::support::floor::Floor, slow: &Slow, at: usize| {
            let mut slow = slow.clone();
            slow.look(at, false);
            let readings = floor.readings("anna");
            for (indicator, expected) in Indicator::ALL.into_iter().zip(slow.readings(at, false)) {
                let got = readings.of(indicator);
                prop_assert!((got - expected).abs() < 1e-6, "{:?} at {}: {} is not {}", indicator, at, got, expected);
            }
            let stopped = floor.factor("anna") == 0.0;
            prop_assert_eq!(stopped, slow.stopped.contains(&true), "at {}: {:?} {:?}", at, slow.stopped, readings);
            Ok(())
        };
        for (place, (gap, length)) in calls.into_iter().enumerate() {
            let name = format!("c{place}");
            for second in 0..gap + length {
                if second == gap {
                    floor.event(&name, CallEventType::Answered, Some("anna"));
                } else if at % ask_every == 0 {
                    check(&floor, &slow, at)?;
                }
                slow.second(at, second == gap, second >= gap);
                at += 1;
                floor.pass(1.0);
            }
            floor.event(&name, CallEventType::Ended, None);
        }
    }
}
