//! What a person's day adds up to, by hand.

use meritline::core::call::{CallEventType, Direction};
use meritline::core::load::guard::Indicator;
use meritline::core::policy::{Guard, WrapUp};
use meritline::core::record::{Feed, Presence, PresenceState};

use super::floor::{only, team};
use crate::support::floor::{Floor, near};

fn floor() -> Floor {
    team(&["anna", "boris"], Guard::standard())
}

/// talk minutes, calls, occupancy, in a row, minutes since rest
fn read(floor: &Floor, agent: &str) -> [f64; 5] {
    let readings = floor.readings(agent);
    Indicator::ALL.map(|indicator| readings.of(indicator))
}

/// Three conversations of 5 minutes with 1 minute of after-call time (30 s + 0.1 x 300 s), each a minute after the last was over.
#[test]
fn indicators_follow_the_calls() {
    let mut floor = floor();
    near(&read(&floor, "anna"), &[0.0; 5], 0.0);
    floor.talks("c", "anna", 2, (5.0, 2.0));
    floor.event("c2", CallEventType::Answered, Some("anna"));
    floor.pass(120.0);
    // In the middle of the third: 5 + 5 + 2 min of talk, 6 + 6 + 2 busy of 60, unrested since the first began 16 min ago.
    near(&read(&floor, "anna"), &[12.0, 3.0, 14.0 / 60.0, 3.0, 16.0], 1e-9);
    near(&read(&floor, "boris"), &[0.0; 5], 0.0);
    floor.pass(180.0);
    floor.event("c2", CallEventType::Ended, None);
    floor.pass(240.0);
    // Four minutes after the third ended, three after its after-call time: the row is over, the rest is not long enough.
    near(&read(&floor, "anna"), &[15.0, 3.0, 18.0 / 60.0, 0.0, 23.0], 1e-9);
    floor.pass(420.0);
    near(&read(&floor, "anna"), &[15.0, 3.0, 18.0 / 60.0, 0.0, 0.0], 1e-9);
    // 61 minutes after the first began: it counts no more as a call, nor does its first minute as busy.
    floor.pass(61.0 * 60.0 - 30.0 * 60.0);
    near(&read(&floor, "anna"), &[15.0, 2.0, 17.0 / 60.0, 0.0, 0.0], 1e-9);
}

/// Two calls through two groups, numbers and directions at the same time are one person who talks.
#[test]
fn overlapping_conversations_are_one_person_busy_once() {
    let mut floor = floor();
    floor.event("c1", CallEventType::Answered, Some("anna"));
    floor.pass(60.0);
    let mut out = floor.make_event("c2", CallEventType::Answered, Some("anna"));
    out.event.direction = Direction::Out;
    floor.tally.add_event(&out);
    floor.pass(120.0);
    near(&read(&floor, "anna"), &[3.0, 2.0, 3.0 / 60.0, 2.0, 3.0], 1e-9);
}

/// The PBX says how long it was: 300 s until the event that ended it, though we heard of its beginning 10 s before the end.
#[test]
fn the_length_is_the_pbx_s_the_place_is_ours() {
    let mut floor = floor();
    floor.pass(600.0);
    floor.event("c1", CallEventType::Answered, Some("anna"));
    floor.pass(10.0);
    let mut ended = floor.make_event("c1", CallEventType::Ended, None);
    ended.event.talk_seconds = Some(300);
    floor.tally.add_event(&ended);
    assert!((floor.readings("anna").talk_minutes - 5.0).abs() < 1e-9);
    assert!((floor.readings("anna").minutes_since_rest - 5.0).abs() < 1e-9);
    // A length that cannot be is cut to what a lost end would count.
    let mut absurd = floor.make_event("c1", CallEventType::Ended, None);
    (absurd.event.talk_seconds, absurd.event.at) = (Some(u32::MAX), later(&floor, 1.0));
    floor.tally.add_event(&absurd);
    assert_eq!(floor.readings("anna").talk_minutes, 240.0);
}

fn later(floor: &Floor, seconds: f64) -> jiff::Timestamp {
    floor.now.checked_add(jiff::SignedDuration::from_secs_f64(seconds)).unwrap()
}

/// Nothing is known of talk: the first target took the call at the decision and is held busy for a minute.
#[test]
fn without_events_a_call_counts_as_taken_at_the_decision() {
    let mut floor = floor();
    floor.feed = Feed::Silent { hold_seconds: 60 };
    let first = floor.decide("c1").decision.targets[0].agent.to_string();
    floor.pass(120.0);
    near(&read(&floor, &first), &[0.0, 1.0, 1.0 / 60.0, 1.0, 2.0], 1e-9);
    // A second attempt that names somebody else took it from the first.
    let second = floor.decide("c1").decision.targets[0].agent.to_string();
    assert_ne!(first, second);
    near(&read(&floor, &first), &[0.0; 5], 0.0);
    assert_eq!(floor.readings(&second).calls_per_hour, 1.0);
}

/// Who is to call somebody back has not talked yet; the call that is made then counts.
#[test]
fn a_task_to_call_back_is_no_call() {
    let mut floor = team(&["anna"], Guard::standard());
    floor.feed = Feed::Silent { hold_seconds: 0 };
    let record = floor.decide("c1");
    assert_eq!(floor.readings("anna").calls_per_hour, 1.0);
    let asked = meritline::core::record::Asked { calls_back: Some("missed".into()), ..Default::default() };
    let task = meritline::core::record::DecisionRecord { asked, ..(*record).clone() };
    let mut floor = team(&["anna"], Guard::standard());
    floor.tally.add_decision(std::sync::Arc::new(task));
    assert_eq!(floor.readings("anna").calls_per_hour, 0.0);
}

/// Four hours without a call, or two hours off duty, begin a new shift; a break of an hour does not.
#[test]
fn a_shift_ends_after_hours_off() {
    let mut floor = floor();
    floor.talk("c1", "anna", 60.0);
    floor.set_presence("anna", PresenceState::OffDuty);
    floor.pass(3600.0);
    floor.set_presence("anna", PresenceState::Available);
    floor.talk("c2", "anna", 30.0);
    assert!((floor.readings("anna").talk_minutes - 90.0).abs() < 1e-9, "a break is no new shift");
    floor.set_presence("anna", PresenceState::OffDuty);
    floor.pass(2.0 * 3600.0);
    floor.set_presence("anna", PresenceState::Available);
    floor.talk("c3", "anna", 20.0);
    assert!((floor.readings("anna").talk_minutes - 20.0).abs() < 1e-9, "two hours off duty are");
    // After-call time of 20 minutes' talk is 150 s; four hours after it the shift is over.
    floor.pass(4.0 * 3600.0 + 149.0);
    assert!((floor.readings("anna").talk_minutes - 20.0).abs() < 1e-9);
    floor.pass(2.0);
    assert_eq!(floor.readings("anna").talk_minutes, 0.0);
}

/// Ten minutes' pause right after a conversation is a rest: it cuts after-call time short.
#[test]
fn a_pause_is_a_rest() {
    let mut floor = floor();
    floor.talk("c1", "anna", 20.0);
    floor.set_presence("anna", PresenceState::Paused);
    floor.pass(600.0);
    floor.set_presence("anna", PresenceState::Available);
    floor.talk("c2", "anna", 5.0);
    near(&read(&floor, "anna"), &[25.0, 2.0, 25.0 / 60.0, 1.0, 5.0], 1e-9);
    // Without the pause the gap of 10 minutes is 150 s of after-call time and no rest.
    let mut floor = self::floor();
    floor.talk("c1", "anna", 20.0);
    floor.pass(600.0);
    floor.talk("c2", "anna", 5.0);
    assert!((floor.readings("anna").minutes_since_rest - 35.0).abs() < 1e-9);
    assert_eq!(floor.readings("anna").calls_in_a_row, 1.0, "7.5 minutes end a row");
}

/// A pause that ends by itself is one too, however the PBX or a person says so.
#[test]
fn the_pbx_s_word_and_an_end_by_itself_count_too() {
    let mut floor = floor();
    floor.talk("c1", "anna", 20.0);
    let until = later(&floor, 600.0);
    let paused =
        Presence { agent: "anna".into(), state: PresenceState::Paused, reason: None, until: Some(until), set_at: floor.now };
    floor.tally.set_presence(paused);
    floor.pass(601.0);
    floor.talk("c2", "anna", 1.0);
    assert!((floor.readings("anna").minutes_since_rest - 1.0).abs() < 1e-9);
    let mut away = floor.make_event("", CallEventType::AgentState, Some("anna"));
    (away.event.call_id, away.event.state) = (None, Some(meritline::core::call::PbxAgentState::Away));
    floor.tally.add_event(&away);
    floor.pass(600.0);
    let mut back = floor.make_event("", CallEventType::AgentState, Some("anna"));
    (back.event.call_id, back.event.state) = (None, Some(meritline::core::call::PbxAgentState::Available));
    floor.tally.add_event(&back);
    floor.talk("c3", "anna", 2.0);
    assert!((floor.readings("anna").minutes_since_rest - 2.0).abs() < 1e-9);
}

/// 24 of 40 minutes on duty are 60 %; of less than 30 minutes on duty 30 count.
#[test]
fn occupancy_is_counted_over_time_on_duty() {
    let mut floor = team(&["anna"], only(Indicator::Occupancy, 0.8, 0.9));
    floor.set_presence("anna", PresenceState::OffDuty);
    floor.pass(5.0 * 3600.0);
    floor.set_presence("anna", PresenceState::Available);
    floor.pass(60.0);
    floor.talk("c1", "anna", 12.0);
    assert!((floor.readings("anna").occupancy - 12.0 / 30.0).abs() < 1e-9, "13 minutes on duty");
    floor.talk("c2", "anna", 12.0);
    floor.pass(900.0);
    assert!((floor.readings("anna").occupancy - 24.0 / 40.0).abs() < 1e-9);
    floor.pass(20.0 * 60.0);
    assert!((floor.readings("anna").occupancy - 24.0 / 60.0).abs() < 1e-9, "an hour on duty");
}

/// Our clock jumps an hour ahead and back again: the hour looks like a gap, then what lies ahead has not happened yet.
#[test]
fn a_clock_that_jumps_moves_readings_and_breaks_nothing() {
    let mut floor = floor();
    floor.talks("a", "anna", 4, (4.0, 1.0));
    let before = floor.now;
    floor.pass(3600.0);
    near(&read(&floor, "anna"), &[16.0, 0.0, 0.0, 0.0, 0.0], 1e-9);
    floor.talk("b", "anna", 4.0);
    assert!((floor.readings("anna").talk_minutes - 20.0).abs() < 1e-9);
    floor.now = before;
    let back = read(&floor, "anna");
    assert!((back[0] - 16.0).abs() < 1e-9 && back[1] == 4.0, "{back:?}");
    floor.talk("c", "anna", 4.0);
    assert!((floor.readings("anna").talk_minutes - 20.0).abs() < 1e-9);
    assert!(floor.factor("anna") <= 1.0);
}

/// The conversation whose end is lost counts until it is taken as over, like its hold on the person.
#[test]
fn a_lost_end_counts_four_hours_at_most() {
    let mut floor = team(&["anna"], Guard { wrap_up: Some(WrapUp::STANDARD), ..Guard::default() });
    floor.event("c1", CallEventType::Answered, Some("anna"));
    floor.pass(7.0 * 3600.0);
    assert_eq!(floor.readings("anna").talk_minutes, 240.0);
}
