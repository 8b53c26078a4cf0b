//! The fold of events does not depend on their order or repetition.

use meritline::core::call::CallEventType;
use meritline::core::policy::{Count, Mode};
use meritline::core::record::ReceivedEvent;
use meritline::core::workspace::{AgentIx, GroupIx};
use proptest::prelude::*;

use crate::support::floor::{Draw, Floor, plain_policy};

const KINDS: [CallEventType; 8] = [
    CallEventType::Started,
    CallEventType::Offered,
    CallEventType::Answered,
    CallEventType::Missed,
    CallEventType::Rejected,
    CallEventType::Busy,
    CallEventType::Ended,
    CallEventType::Cancelled,
];
const AGENTS: [&str; 3] = ["a000", "a001", "a002"];
const CALLS: [&str; 3] = ["c0", "c1", "c2"];

fn floor(mode: Mode, count: Count) -> Floor {
    let mut floor = Floor::of_shares(&[3.0, 2.0, 1.0], plain_policy("p", mode, count));
    for call in CALLS {
        floor.pass(1.0);
        floor.decide(call);
    }
    floor
}

/// What the events of a floor came to, half an hour later.
fn end(mut floor: Floor, events: &[ReceivedEvent]) -> (Vec<f64>, Vec<usize>) {
    for event in events {
        floor.tally.add_event(event);
    }
    floor.pass(1800.0);
    let holds = (0..3).map(|at| floor.tally.agent(AgentIx(at)).holds.iter().filter(|hold| floor.now < hold.until).count());
    (floor.owed(GroupIx(0)), holds.collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn any_order_with_any_repeats_ends_in_the_same_state(
        drawn in prop::collection::vec((0usize..3, 0usize..8, prop::option::of(0usize..3), 0u32..600), 1..14),
        seed: u64,
        in_talk_time: bool,
        answered: bool,
    ) {
        let mode = if in_talk_time { Mode::EqualTalkTime } else { Mode::Percent };
        let count = if answered { Count::Answered } else { Count::Offered };
        let mut maker = floor(mode, count);
        let start = maker.now;
        let events: Vec<ReceivedEvent> = drawn
            .iter()
            .map(|(call, kind, agent, after_seconds)| {
                let mut received = maker.make_event(CALLS[*call], KINDS[*kind], agent.map(|at| AGENTS[at]));
                received.event.at = start.checked_add(jiff::SignedDuration::from_secs(i64::from(*after_seconds))).unwrap();
                received
            })
            .collect();
        let mut shuffled: Vec<ReceivedEvent> = events.iter().chain(&events).cloned().collect();
        let mut draw = Draw(seed);
        for at in (1..shuffled.len()).rev() {
            let other = usize::try_from(draw.next_u64() % (at as u64 + 1)).unwrap();
            shuffled.swap(at, other);
        }
        let (owed, holds) = end(floor(mode, count), &events);
        let (owed_shuffled, holds_shuffled) = end(floor(mode, count), &shuffled);
        prop_assert_eq!(holds, holds_shuffled);
        for (a, b) in owed.iter().zip(&owed_shuffled) {
            // The mean talk time, which later calls are charged by, is a running mean: charges of these calls are not.
            prop_assert!((a - b).abs() < 1e-6, "{:?} {:?}", owed, owed_shuffled);
        }
    }
}
