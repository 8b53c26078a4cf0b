//! The fold of facts does not depend on their order or repetition.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use meritline::core::call::{CallEventType, PbxAgentState};
use meritline::core::distribution::availability::PbxWord;
use meritline::core::distribution::call_state::Occupancy;
use meritline::core::policy::{Count, Guard, Mode, WrapUp};
use meritline::core::record::{DecisionRecord, ReceivedEvent};
use meritline::core::workspace::GroupIx;
use proptest::prelude::*;

use crate::support::floor::{Draw, Floor, plain_policy};

const KINDS: [CallEventType; 14] = [
    CallEventType::Started,
    CallEventType::Offered,
    CallEventType::Answered,
    CallEventType::Missed,
    CallEventType::Rejected,
    CallEventType::Busy,
    CallEventType::Unreachable,
    CallEventType::Cancelled,
    CallEventType::Transferred,
    CallEventType::Held,
    CallEventType::Resumed,
    CallEventType::Ended,
    CallEventType::Recorded,
    CallEventType::AgentState,
];
const STATES: [PbxAgentState; 4] =
    [PbxAgentState::Available, PbxAgentState::Away, PbxAgentState::DoNotDisturb, PbxAgentState::Offline];
const AGENTS: [&str; 3] = ["a000", "a001", "a002"];
const CALLS: [&str; 3] = ["c0", "c1", "c2"];

fn floor(mode: Mode, count: Count) -> Floor {
    Floor::of_shares(&[3.0, 2.0, 1.0], plain_policy("p", mode, count))
}

#[derive(Clone)]
enum Fact {
    Decided(Arc<DecisionRecord>),
    Heard(ReceivedEvent),
}

/// An event as drawn: most of it may be missing, whatever its kind needs.
#[derive(Debug, Clone)]
struct Drawn {
    call: usize,
    kind: usize,
    agent: Option<usize>,
    to_agent: Option<usize>,
    state: usize,
    talk_seconds: Option<u32>,
    at_seconds: i64,
    received_seconds: i64,
}

impl Drawn {
    fn any() -> impl Strategy<Value = Self> {
        let who = (0usize..3, 0..KINDS.len(), prop::option::of(0usize..3), prop::option::of(0usize..3));
        // Few moments: several facts fall on one, as in a batch of events.
        let when = (0i64..600, (0i64..6).prop_map(|moment| moment * 100));
        (who, when, 0..STATES.len(), prop::option::weighted(0.2, 0u32..900)).prop_map(
            |((call, kind, agent, to_agent), (at_seconds, received_seconds), state, talk_seconds)| Self {
                call,
                kind,
                agent,
                to_agent,
                state,
                talk_seconds,
                at_seconds,
                received_seconds,
            },
        )
    }

    fn event(&self, maker: &mut Floor, start: Timestamp) -> ReceivedEvent {
        let after = |seconds| start.checked_add(SignedDuration::from_secs(seconds)).unwrap();
        let kind = KINDS[self.kind];
        let mut received = maker.make_event(CALLS[self.call], kind, self.agent.map(|at| AGENTS[at]));
        received.received_at = after(self.received_seconds);
        let event = &mut received.event;
        event.at = after(self.at_seconds);
        event.talk_seconds = self.talk_seconds;
        match kind {
            // The end of a leg that is nobody's.
            CallEventType::Ended if self.agent.is_none() => event.number = self.to_agent.map(|_| "+74951112200".to_owned()),
            CallEventType::Transferred => event.to_agent = self.to_agent.map(|at| AGENTS[at].into()),
            CallEventType::AgentState => {
                event.call_id = None;
                event.state = Some(STATES[self.state]);
            }
            _ => {}
        }
        received
    }
}

/// What is known of an agent at the end.
#[derive(Debug, PartialEq)]
struct AgentEnd {
    holds: Vec<(Occupancy, Timestamp, Timestamp)>,
    pbx_word: Option<PbxWord>,
    wrap_up_until: Option<Timestamp>,
}

/// What facts came to on an empty floor, half an hour later.
fn end(mut floor: Floor, facts: &[Fact]) -> (Vec<f64>, Vec<AgentEnd>) {
    for fact in facts {
        match fact {
            Fact::Decided(record) => floor.tally.add_decision(Arc::clone(record)),
            Fact::Heard(event) => floor.tally.add_event(event),
        }
    }
    floor.pass(1800.0);
    // Long enough that every conversation shows.
    let wrap_up = Some(WrapUp { base_seconds: 3600.0, per_talk_second: 1.0, max_seconds: 1e6 });
    let guard = Guard { wrap_up, ..Guard::default() };
    let agents = AGENTS.map(|id| {
        let agent = floor.tally.agent(floor.agent_ix(id));
        let live = agent.holds.iter().filter(|hold| floor.now < hold.until);
        let mut holds: Vec<_> = live.map(|hold| (hold.occupancy, hold.since, hold.until)).collect();
        holds.sort_unstable();
        AgentEnd { holds, pbx_word: agent.pbx_word.clone(), wrap_up_until: agent.wrap_up_until(&guard, floor.now) }
    });
    (floor.owed(GroupIx(0)), agents.into())
}

fn shuffled(facts: &[Fact], seed: u64) -> Vec<Fact> {
    let mut shuffled: Vec<Fact> = facts.iter().chain(facts).cloned().collect();
    let mut draw = Draw(seed);
    for at in (1..shuffled.len()).rev() {
        let other = usize::try_from(draw.next_u64() % (at as u64 + 1)).unwrap();
        shuffled.swap(at, other);
    }
    shuffled
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn any_order_with_any_repeats_ends_in_the_same_state(
        drawn in prop::collection::vec(Drawn::any(), 1..20),
        seed: u64,
        in_talk_time: bool,
        answered: bool,
    ) {
        let mode = if in_talk_time { Mode::EqualTalkTime } else { Mode::Percent };
        let count = if answered { Count::Answered } else { Count::Offered };
        let mut maker = floor(mode, count);
        let start = maker.now;
        let mut facts = Vec::new();
        for call in CALLS {
            maker.pass(1.0);
            facts.push(Fact::Decided(maker.decide(call)));
        }
        facts.extend(drawn.iter().map(|drawn| Fact::Heard(drawn.event(&mut maker, start))));
        let (owed, agents) = end(floor(mode, count), &facts);
        let (owed_shuffled, agents_shuffled) = end(floor(mode, count), &shuffled(&facts, seed));
        prop_assert_eq!(agents, agents_shuffled);
        for (a, b) in owed.iter().zip(&owed_shuffled) {
            // Sums in another order differ by rounding.
            prop_assert!((a - b).abs() < 1e-6, "{:?} {:?}", owed, owed_shuffled);
        }
    }
}
