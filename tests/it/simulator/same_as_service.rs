//! The simulator's picks are the service's: the same calls through `core::distribution::choose` and the fold of events.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use jiff::SignedDuration;
use meritline::core::call::CallEventType;
use meritline::core::policy::{Count, Mode, WrapUp};
use meritline::core::record::{Presence, PresenceState};
use meritline::core::simulate::{
    AfterCall, Away, Distribution, GrowsOver, Load, LoggedCall, Rule, Scenario, SimulatedPolicy, watch,
};

use crate::support::floor::{Draw, Floor, plain_policy};

const WRAP_UP: WrapUp = WrapUp { base_seconds: 30.0, per_talk_second: 0.1, max_seconds: 180.0 };
const SHARES: [f64; 6] = [30.0, 25.0, 15.0, 15.0, 10.0, 5.0];
/// The second person is away in the third hour of each day.
const AWAY: Away = Away { from_seconds: 7200.0, until_seconds: 10_800.0 };
const DAYS: u32 = 2;
const OPEN_SECONDS: f64 = 9.0 * 3600.0;

/// Calls of two days: when, in microseconds since the first opening, and whole seconds of talk.
fn recorded_calls(seed: u64, calls_per_hour: f64) -> Vec<(i64, u32)> {
    let mut draw = Draw(seed);
    let mut calls = Vec::new();
    for day in 0..DAYS {
        let mut at = 0.0;
        loop {
            at += draw.exponential(3600.0 / calls_per_hour);
            if at >= OPEN_SECONDS {
                break;
            }
            calls.push(((at * 1e6) as i64 + i64::from(day) * 86_400_000_000, 20 + draw.exponential(280.0) as u32));
        }
    }
    calls
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum What {
    HangUp { call: usize, agent: usize },
    Back,
    Away,
    Call(usize),
}

/// Who gets each call of the record in the service; nobody where nobody is free, and the caller goes elsewhere.
fn by_service(mode: Mode, count: Count, period_seconds: u32, calls: &[(i64, u32)]) -> Vec<(usize, usize)> {
    let mut policy = plain_policy("p", mode, count);
    policy.period_seconds = period_seconds;
    policy.guard.wrap_up = Some(WRAP_UP);
    let mut floor = Floor::of_shares(&SHARES, policy);
    let start = floor.now;
    let mut agenda: BinaryHeap<Reverse<(i64, What)>> =
        calls.iter().enumerate().map(|(call, (at_us, _))| Reverse((*at_us, What::Call(call)))).collect();
    for day in 0..i64::from(DAYS) {
        let at = |seconds: f64| day * 86_400_000_000 + (seconds * 1e6) as i64;
        agenda.push(Reverse((at(AWAY.from_seconds), What::Away)));
        agenda.push(Reverse((at(AWAY.until_seconds), What::Back)));
    }
    let mut given = Vec::new();
    while let Some(Reverse((at_us, what))) = agenda.pop() {
        floor.now = start.checked_add(SignedDuration::from_micros(at_us)).unwrap();
        floor.tally.advance(floor.now);
        let presence = |state| Presence { agent: "a001".into(), state, reason: None, until: None, set_at: floor.now };
        match what {
            What::Away => floor.tally.set_presence(presence(PresenceState::OffDuty)),
            What::Back => floor.tally.set_presence(presence(PresenceState::Available)),
            What::HangUp { call, agent } => {
                floor.event(&format!("c{call}"), CallEventType::Ended, Some(&format!("a{agent:03}")));
                floor.event(&format!("c{call}"), CallEventType::Ended, None);
            }
            What::Call(call) => {
                let record = floor.decide(&format!("c{call}"));
                let Some(target) = record.decision.targets.first() else { continue };
                let agent: usize = target.agent.as_str()[1..].parse().unwrap();
                given.push((call, agent));
                floor.event(&format!("c{call}"), CallEventType::Answered, Some(target.agent.as_str()));
                agenda.push(Reverse((at_us + i64::from(calls[call].1) * 1_000_000, What::HangUp { call, agent })));
            }
        }
    }
    given
}

/// Who gets each call of the record in the simulator.
fn by_simulator(mode: Mode, count: Count, period_seconds: u32, calls: &[(i64, u32)]) -> Vec<(usize, usize)> {
    let mut scenario = Scenario {
        days: DAYS,
        after_call: AfterCall::ByTalk(WRAP_UP),
        patience: Some(Distribution::Constant(0.0)),
        ..super::floor(&SHARES, 1.0, Distribution::Constant(60.0))
    };
    let logged = |(at_us, talk): &(i64, u32)| LoggedCall { at_seconds: *at_us as f64 / 1e6, talk_seconds: f64::from(*talk) };
    scenario.load = Load::Log(calls.iter().map(logged).collect());
    scenario.agents[1].away = vec![AWAY];
    let policy = SimulatedPolicy { count, period_seconds: f64::from(period_seconds), ..SimulatedPolicy::of_mode("p", mode) };
    assert_eq!(policy.rule, Rule::Credit { grows_over: GrowsOver::Rotation, cap: Some(4.0) });
    let mut given = Vec::new();
    watch(&scenario, &policy, 1, |call| given.push((call.call as usize - 1, call.agent)));
    given
}

#[test]
fn the_simulator_picks_whom_the_service_picks() {
    // Two days are less than eight of each period: what is older the service leaves out, while the simulator lets it fade on.
    for (case, (mode, count, period_seconds, calls_per_hour)) in [
        (Mode::Percent, Count::Answered, 36_000, 30.0),
        (Mode::Percent, Count::Offered, 21_600, 30.0),
        // More calls than some shares can carry: credits reach the cap.
        (Mode::Percent, Count::Answered, 86_400, 60.0),
        (Mode::EqualCalls, Count::Answered, 21_600, 40.0),
        (Mode::EqualTalkTime, Count::Answered, 36_000, 30.0),
        (Mode::EqualTalkTime, Count::Offered, 21_600, 60.0),
    ]
    .into_iter()
    .enumerate()
    {
        let calls = recorded_calls(100 + case as u64, calls_per_hour);
        let (service, simulator) =
            (by_service(mode, count, period_seconds, &calls), by_simulator(mode, count, period_seconds, &calls));
        assert!(service.len() > 300, "{mode:?}: only {} calls of {} were answered", service.len(), calls.len());
        assert_eq!(service.len(), simulator.len(), "{mode:?} {count:?}");
        let differs = service.iter().zip(&simulator).position(|(service, simulator)| service != simulator);
        assert_eq!(
            differs,
            None,
            "{mode:?} {count:?}: {:?} and {:?}",
            differs.map(|at| service[at]),
            differs.map(|at| simulator[at])
        );
    }
}
