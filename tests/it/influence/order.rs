//! Decisions, events, presence and what was set by hand: in any order, any number of times, they come to the same.

use std::sync::Arc;

use meritline::core::call::CallEventType;
use meritline::core::distribution::misses::MissKind;
use meritline::core::distribution::rotation;
use meritline::core::intervention::{Actor, Change, Intervention};
use meritline::core::policy::{MissedOffers, Policy};
use meritline::core::record::{DecisionRecord, MemberStanding, Presence, PresenceState, ReceivedEvent};
use meritline::core::workspace::AgentIx;
use proptest::prelude::*;

use super::{pausing, seconds_after};
use crate::support::floor::{Draw, Floor};

const KINDS: [CallEventType; 8] = [
    CallEventType::Offered,
    CallEventType::Answered,
    CallEventType::Missed,
    CallEventType::Missed,
    CallEventType::Rejected,
    CallEventType::Unreachable,
    CallEventType::Cancelled,
    CallEventType::Ended,
];
const AGENTS: [&str; 2] = ["a000", "a001"];
const CALLS: usize = 6;

#[derive(Clone)]
enum Fact {
    Decision(Arc<DecisionRecord>),
    Event(Box<ReceivedEvent>),
    Presence(Presence),
    Intervention(Intervention),
}

fn floor() -> Floor {
    let rule = MissedOffers { missed: Some(2), ..MissedOffers::default() };
    Floor::of_shares(&[1.0, 1.0], Policy { missed_offers: rule, ..pausing("p") })
}

fn add(floor: &mut Floor, fact: &Fact) {
    match fact {
        Fact::Decision(record) => floor.tally.add_decision(Arc::clone(record)),
        Fact::Event(received) => floor.tally.add_event(received),
        Fact::Presence(presence) => floor.tally.set_presence(presence.clone()),
        Fact::Intervention(intervention) => floor.tally.intervene(intervention),
    }
}

/// Everything this part of the state says of an agent, at several instants after the last fact.
fn said(facts: &[Fact]) -> Vec<(Vec<u32>, Option<String>, MemberStanding, bool)> {
    let mut floor = floor();
    facts.iter().for_each(|fact| add(&mut floor, fact));
    floor.pass(700.0);
    let mut all = Vec::new();
    for _ in 0..4 {
        for agent in [AgentIx(0), AgentIx(1)] {
            let live = floor.tally.agent(agent);
            let set_at = live.presence.as_ref().map(|presence| presence.set_at);
            let counts = MissKind::ALL.map(|kind| live.misses.count(kind, set_at, floor.now)).to_vec();
            let pause = rotation::pause_of(&floor.tally, agent, floor.now).map(|pause| format!("{pause:?}"));
            let guard = &floor.tally.workspace().policies[0].guard;
            let pending = live.pending_pause(floor.now).is_some();
            all.push((counts, pause, live.standing(guard, floor.now, None), pending));
        }
        floor.pass(400.0);
    }
    all
}

/// One fact at its second: what it is, which call, whose.
fn fact(maker: &mut Floor, drawn: (usize, usize, usize), second: i64) -> Fact {
    let (what, call, agent) = drawn;
    let at = seconds_after(maker.now, second);
    let agent = AGENTS[agent];
    match what {
        0..8 => {
            let mut received = maker.make_event(&format!("c{call}"), KINDS[what], Some(agent));
            (received.received_at, received.event.at) = (at, at);
            Fact::Event(Box::new(received))
        }
        8 => {
            let states = [PresenceState::Available, PresenceState::Paused, PresenceState::OffDuty];
            let until = (call % 2 == 0).then(|| seconds_after(at, 300));
            Fact::Presence(Presence { agent: agent.into(), state: states[call % 3], reason: None, until, set_at: at })
        }
        _ => {
            let until = (call % 2 == 0).then(|| seconds_after(at, 900));
            let change = Change::PauseAfterCall { agent: agent.into(), reason: None, until, taken_back: call == 5 };
            let id = uuid::Uuid::from_u128(u128::try_from(second).unwrap());
            Fact::Intervention(Intervention { id, set_at: at, by: Actor { role: "agent".into(), agent: None }, change })
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn any_order_with_any_repeats_says_the_same(
        drawn in prop::collection::vec((0usize..10, 0usize..CALLS, 0usize..2), 1..24),
        seed: u64,
    ) {
        let mut maker = floor();
        let mut facts: Vec<Fact> = (0..CALLS).map(|call| Fact::Decision(maker.decide(&format!("c{call}")))).collect();
        for (drawn, second) in drawn.into_iter().zip((1i64..).map(|place| place * 25)) {
            facts.push(fact(&mut maker, drawn, second));
        }
        let mut shuffled: Vec<Fact> = facts.iter().chain(&facts).cloned().collect();
        let mut draw = Draw(seed);
        for at in (1..shuffled.len()).rev() {
            let other = usize::try_from(draw.next_u64() % (at as u64 + 1)).unwrap();
            shuffled.swap(at, other);
        }
        prop_assert_eq!(said(&facts), said(&shuffled));
    }
}
