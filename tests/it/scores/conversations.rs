//! Which conversations a call's facts tell of.

use super::*;
use crate::support::floor::{Floor, plain_policy};
use meritline::core::call::CallEventType::{self, Answered, Ended, Missed, Offered, Transferred};
use meritline::core::decision::Reason;
use meritline::core::distribution::call_state::CallState;
use meritline::core::policy::Count as Counted;
use meritline::core::record::{DecisionRecord, ReceivedEvent};
use meritline::core::scoring::handled_call::conversations;
use std::sync::Arc;

struct Line {
    floor: Floor,
    events: Vec<ReceivedEvent>,
    record: DecisionRecord,
}

impl Line {
    /// A call of +79160000001, decided.
    fn new() -> Self {
        let mut floor = Floor::of_shares(&[0.5, 0.5], plain_policy("p", Mode::Percent, Counted::Answered));
        let mut record = DecisionRecord::clone(&floor.decide("c"));
        record.asked.caller = Some("+79160000001".to_owned());
        Self { floor, events: Vec::new(), record }
    }

    /// So many seconds later.
    fn tell(&mut self, seconds: f64, kind: CallEventType, agent: Option<&str>) -> &mut ReceivedEvent {
        self.floor.pass(seconds);
        self.events.push(self.floor.make_event("c", kind, agent));
        self.events.last_mut().unwrap()
    }

    fn state(&self, events: impl Iterator<Item = ReceivedEvent>) -> CallState {
        let mut state = CallState::new(Floor::key("c"));
        state.add_decision(Arc::new(self.record.clone()));
        events.for_each(|event| state.add_event(&event));
        state
    }

    /// Who talked for how long, whatever the order of arrival.
    fn talked(&self) -> Vec<(String, f64)> {
        let straight = conversations(&self.state(self.events.iter().cloned()));
        let doubled = self.events.iter().rev().chain(&self.events).cloned();
        assert_eq!(conversations(&self.state(doubled)), straight);
        straight.iter().map(|talk| (talk.agent.as_str().to_owned(), talk.talk_seconds)).collect()
    }
}

#[test]
fn a_conversation_lasts_from_the_answer_to_the_end() {
    let mut line = Line::new();
    let answered_at = now();
    line.tell(1.0, Offered, Some("a000"));
    line.tell(4.0, Answered, Some("a000")).received_at = answered_at;
    assert!(line.talked().is_empty(), "it goes on");
    line.tell(95.0, Ended, None);
    assert_eq!(line.talked(), [("a000".to_owned(), 95.0)]);
    let talks = conversations(&line.state(line.events.iter().cloned()));
    assert_eq!((talks[0].at, talks[0].call.call.as_str()), (answered_at, "c"));
    assert_eq!(talks[0].caller.as_ref().map(|caller| caller.expose()), Some("+79160000001"));
    // What the PBX says of its length holds.
    line.tell(1.0, Ended, Some("a000")).event.talk_seconds = Some(90);
    assert_eq!(line.talked(), [("a000".to_owned(), 90.0)]);
}

#[test]
fn a_call_handed_on_has_two_conversations_in_their_order() {
    let mut line = Line::new();
    line.tell(0.0, Missed, Some("a001"));
    line.tell(5.0, Answered, Some("a000"));
    line.tell(20.0, Transferred, Some("a000")).event.to_agent = Some("a001".into());
    line.tell(0.0, Answered, Some("a001"));
    line.tell(60.0, Ended, None);
    assert_eq!(line.talked(), [("a000".to_owned(), 20.0), ("a001".to_owned(), 60.0)]);
}

#[test]
fn nobody_talked_or_nobody_asked_us_or_it_was_the_callers_own_manager() {
    let mut line = Line::new();
    line.tell(1.0, Offered, Some("a000"));
    line.tell(20.0, Missed, Some("a000"));
    line.tell(1.0, Ended, None);
    assert!(line.talked().is_empty());

    let mut line = Line::new();
    line.tell(1.0, Answered, Some("a000"));
    line.tell(60.0, Ended, None);
    let mut unasked = CallState::new(Floor::key("c"));
    line.events.iter().for_each(|event| unasked.add_event(event));
    assert!(conversations(&unasked).is_empty());
    line.record.decision.reason = Reason::PersonalManager;
    assert!(line.talked().is_empty());
}
