//! Readings and stops are functions of the facts: any order, any repeats, calls let go or not, restarted or not.

use jiff::{SignedDuration, Timestamp};
use meritline::core::call::{CallEventType, PbxAgentState};
use meritline::core::load::guard::{Band, Limits};
use meritline::core::policy::Guard;
use meritline::core::record::{Presence, PresenceState, ReceivedEvent};
use proptest::prelude::*;

use super::floor::team;
use crate::support::floor::{Draw, Floor};

/// So tight that a day of chance passes every limit.
fn tight() -> Guard {
    let limits = Limits {
        talk_minutes: Some(Band::new(20.0, 60.0)),
        calls_per_hour: Some(Band::new(1.0, 4.0)),
        occupancy: Some(Band::new(0.2, 0.5)),
        calls_in_a_row: Some(Band::new(1.0, 3.0)),
        minutes_since_rest: Some(Band::new(20.0, 40.0)),
    };
    Guard { limits, ..Guard::standard() }
}

#[derive(Clone, Debug)]
enum Fact {
    Event(Box<ReceivedEvent>),
    Presence(Presence),
}

impl Fact {
    fn at(&self) -> Timestamp {
        match self {
            Fact::Event(received) => received.received_at,
            Fact::Presence(presence) => presence.set_at,
        }
    }
}

fn add(floor: &mut Floor, fact: &Fact) {
    match fact {
        Fact::Event(received) => floor.tally.add_event(received),
        Fact::Presence(presence) => floor.tally.set_presence(presence.clone()),
    }
}

fn after(start: Timestamp, seconds: i64) -> Timestamp {
    start.checked_add(SignedDuration::from_secs(seconds)).unwrap()
}

/// A conversation, now and then handed over, or a change of presence.
fn facts_of(maker: &mut Floor, at: usize, drawn: (u8, i64, i64)) -> Vec<Fact> {
    let (what, start, length) = drawn;
    let agents = ["anna", "boris"];
    let (agent, other) = (agents[at % 2], agents[(at + 1) % 2]);
    let (begin, end) = (after(maker.now, start), after(maker.now, start + length));
    let event = |maker: &mut Floor, kind, agent: Option<&str>, at: Timestamp| {
        let mut received = maker.make_event(&format!("c{start}-{length}-{what}"), kind, agent);
        (received.received_at, received.event.at) = (at, at);
        received
    };
    match what {
        0..7 => {
            let answered = event(maker, CallEventType::Answered, Some(agent), begin);
            let mut told = vec![answered];
            if what == 6 {
                let mut moved = event(maker, CallEventType::Transferred, Some(agent), after(begin, length / 2));
                moved.event.to_agent = Some(other.into());
                told.push(moved);
            }
            if what != 5 {
                told.push(event(maker, CallEventType::Ended, None, end));
            }
            told.into_iter().map(|received| Fact::Event(Box::new(received))).collect()
        }
        7 => {
            let mut word = event(maker, CallEventType::AgentState, Some(agent), begin);
            let states = [PbxAgentState::Available, PbxAgentState::Away, PbxAgentState::Offline];
            (word.event.call_id, word.event.state) = (None, Some(states[at % 3]));
            vec![Fact::Event(Box::new(word))]
        }
        _ => {
            let states = [PresenceState::Available, PresenceState::Paused, PresenceState::OffDuty];
            let until = (length % 2 == 0).then_some(end);
            let set = Presence { agent: agent.into(), state: states[at % 3], reason: None, until, set_at: begin };
            vec![Fact::Presence(set)]
        }
    }
}

/// All that the guard says, at several instants.
fn said(floor: &mut Floor, from: Timestamp) -> Vec<String> {
    let mut all = Vec::new();
    for minutes in [0, 7, 20, 61, 240] {
        floor.now = after(from, minutes * 60);
        floor.tally.advance(floor.now);
        all.extend(["anna", "boris"].map(|agent| format!("{:?} {:?}", floor.readings(agent), floor.eased(agent))));
    }
    all
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn any_order_with_any_repeats_and_calls_let_go_say_the_same(
        drawn in prop::collection::btree_set((0u8..9, 0i64..5 * 3600, 1i64..1500), 1..30),
        seed: u64,
    ) {
        let mut maker = team(&["anna", "boris"], tight());
        let start = maker.now;
        let mut facts: Vec<Fact> = Vec::new();
        for (at, drawn) in drawn.into_iter().enumerate() {
            facts.extend(facts_of(&mut maker, at, drawn));
        }
        facts.sort_by_key(Fact::at);
        let end = after(start, 6 * 3600);

        let mut in_order = team(&["anna", "boris"], tight());
        facts.iter().for_each(|fact| add(&mut in_order, fact));
        let expected = said(&mut in_order, end);

        let mut shuffled: Vec<Fact> = facts.iter().chain(&facts).cloned().collect();
        let mut draw = Draw(seed);
        for at in (1..shuffled.len()).rev() {
            shuffled.swap(at, usize::try_from(draw.next_u64() % (at as u64 + 1)).unwrap());
        }
        let mut floor = team(&["anna", "boris"], tight());
        shuffled.iter().for_each(|fact| add(&mut floor, fact));
        prop_assert_eq!(&said(&mut floor, end), &expected);

        // As the service lives: asked in between, calls that are over let go.
        let mut floor = team(&["anna", "boris"], tight());
        for fact in &facts {
            floor.now = fact.at();
            floor.tally.advance(floor.now);
            floor.tally.forget(floor.now);
            add(&mut floor, fact);
            floor.eased("anna");
        }
        floor.tally.forget(after(end, 240 * 60));
        prop_assert_eq!(said(&mut floor, end), expected);
    }
}

/// What is remembered of a person is bounded, and what is dropped cannot matter.
#[test]
fn a_day_later_nothing_is_left() {
    let mut floor = team(&["anna"], Guard::standard());
    floor.talks("c", "anna", 30, (2.0, 3.0));
    floor.pass(86_400.0);
    floor.tally.forget(floor.now);
    let readings = floor.readings("anna");
    assert_eq!((readings.talk_minutes, readings.idle_minutes), (0.0, f64::INFINITY));
}

/// Another version of the workspace asks with other limits; what people did stays.
#[test]
fn another_guard_reads_the_same_day() {
    let mut floor = team(&["anna"], Guard::default());
    floor.talks("c", "anna", 14, (1.0, 1.0));
    assert_eq!(floor.factor("anna"), 1.0);
    let other = team(&["anna"], super::floor::only(meritline::core::load::guard::Indicator::CallsPerHour, 10.0, 14.0));
    floor.tally.bind(std::sync::Arc::clone(other.tally.workspace()));
    assert_eq!(floor.factor("anna"), 0.0);
}
