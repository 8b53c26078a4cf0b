//! What working hours do to people and calls. Moscow is three hours ahead of UTC, Vladivostok ten; 23 November 2026 is a Monday.

use jiff::Timestamp;
use meritline::core::call::CallEventType::{Answered, Ended, Missed, Offered};
use meritline::core::decision::Stage;
use meritline::core::distribution::availability::PauseCause;
use meritline::core::distribution::rotation::{self, RestRefusal};
use meritline::core::notice::{NoticeKind, Scene, notices};
use meritline::core::record::{MemberStanding, Presence, PresenceState};
use meritline::core::working_time::shifts::{self, AtWork};

use super::at;
use super::files::workspace;
use crate::support::floor::{Floor, listed, near};

/// Anna keeps office hours, Boris is always there.
const ONE_OFFICE: &str = r#"workspace: acme
time_zone: Europe/Moscow
hours:
  - id: office
    weekly: {mon-fri: ["09:00-18:00"]}
    breaks: ["13:00-14:00"]
    holidays: ["2026-11-24"]
agents:
  - {id: anna, numbers: [{sip: "101"}], hours: office}
  - {id: boris, numbers: [{sip: "102"}]}
groups:
  - {id: team, members: [anna, boris], policy: even}
policies:
  - {id: even, mode: percent, missed_offers: {missed: "off", rejected: "off", unreachable: "off"}, personal_manager: "off"}
"#;

fn floor(text: &str, now: &str) -> Floor {
    let mut floor = Floor::new(workspace(text));
    go_to(&mut floor, now);
    floor
}

fn go_to(floor: &mut Floor, now: &str) {
    floor.now = at(now);
    floor.tally.advance(floor.now);
}

/// Whom a new call would be rung to, in order.
fn rung(floor: &Floor) -> Vec<String> {
    floor.choose("a new call", &[]).targets.iter().map(|target| target.agent.to_string()).collect()
}

fn standing(floor: &Floor, agent: usize) -> MemberStanding {
    floor.choose("a new call", &[]).groups[0].standing[agent]
}

fn set(floor: &mut Floor, agent: &str, state: PresenceState, until: Option<&str>) {
    let presence = Presence { agent: agent.into(), state, reason: None, until: until.map(at), set_at: floor.now };
    floor.tally.set_presence(presence);
}

/// A conversation of so many seconds, at once after the call came.
fn talk(floor: &mut Floor, call: &str, seconds: f64) {
    let agent = floor.decide(call).decision.targets[0].agent.clone();
    floor.event(call, Answered, Some(agent.as_str()));
    floor.pass(seconds);
    floor.event(call, Ended, None);
}

#[test]
fn nothing_is_owed_outside_the_hours() {
    let mut floor = floor(ONE_OFFICE, "2026-11-23T15:00:00Z");
    for call in 0..10 {
        let record = floor.decide(&format!("evening-{call}"));
        assert_eq!(listed(&record), [("boris", Stage::Free)]);
        assert_eq!(record.groups[0].standing, [MemberStanding::OutsideHours, MemberStanding::Free]);
        assert_eq!(record.groups[0].lambda.values[..], [0.0, 1.0]);
        floor.event(&format!("evening-{call}"), Answered, Some("boris"));
        floor.pass(60.0);
        floor.event(&format!("evening-{call}"), Ended, None);
    }
    near(&floor.owed(floor.group), &[0.0, 0.0], 1e-9);
    // Back on Wednesday, after a holiday: one call each in turn, no flood.
    go_to(&mut floor, "2026-11-24T07:00:00Z");
    assert_eq!(rung(&floor), ["boris"], "a holiday");
    go_to(&mut floor, "2026-11-25T06:00:00Z");
    let mut got = Vec::new();
    for call in 0..6 {
        got.push(floor.decide(&format!("day-{call}")).decision.targets[0].agent.to_string());
        let agent = got[call].clone();
        floor.event(&format!("day-{call}"), Answered, Some(&agent));
        floor.pass(60.0);
        floor.event(&format!("day-{call}"), Ended, None);
    }
    assert_eq!(got.iter().filter(|agent| *agent == "anna").count(), 3, "{got:?}");
}

#[test]
fn nobody_is_rung_in_a_planned_break() {
    let text = ONE_OFFICE.replace("{id: even, mode: percent,", "{id: even, mode: percent, dialling: {stages: [free, busy]},");
    let mut floor = floor(&text, "2026-11-23T10:00:00Z");
    assert_eq!((rung(&floor), standing(&floor, 0)), (vec!["boris".to_owned()], MemberStanding::PlannedBreak));
    // Neither by hand, nor when the other is busy and only stage busy is left.
    set(&mut floor, "anna", PresenceState::Available, Some("2026-11-23T12:00:00Z"));
    floor.decide("first");
    floor.event("first", Answered, Some("boris"));
    let choice = floor.choose("second", &[]);
    let targets: Vec<_> = choice.targets.iter().map(|target| (target.agent.as_str(), target.stage)).collect();
    assert_eq!(targets, [("boris", Stage::Busy)]);
    let anna = floor.agent_ix("anna");
    let pause = rotation::pause_of(&floor.tally, anna, floor.now).unwrap();
    assert_eq!((pause.cause, pause.until), (PauseCause::PlannedBreak, Some(at("2026-11-23T11:00:00Z"))));
    assert_eq!(rotation::may_rest(&floor.tally, anna, floor.now), Err(RestRefusal::Paused));
    go_to(&mut floor, "2026-11-23T11:00:00Z");
    assert_eq!(standing(&floor, 0), MemberStanding::Free);
}

#[test]
fn an_own_manager_in_a_break_is_none() {
    for rule in ["only", "prefer"] {
        let text = ONE_OFFICE.replace("personal_manager: \"off\"", &format!("personal_manager: {rule}"));
        let mut floor = floor(&text, "2026-11-23T09:00:00Z");
        floor.responsible = Some(floor.agent_ix("anna"));
        assert_eq!(rung(&floor)[0], "anna", "{rule}");
        for instant in ["2026-11-23T10:30:00Z", "2026-11-23T15:30:00Z"] {
            go_to(&mut floor, instant);
            assert!(!rung(&floor).contains(&"anna".to_owned()), "{rule} at {instant}");
        }
    }
}

const TWO_OFFICES: &str = r#"workspace: acme
time_zone: Europe/Moscow
hours:
  - {id: west, weekly: {mon-fri: ["09:00-18:00"]}}
  - {id: east, time_zone: Asia/Vladivostok, weekly: {mon-fri: ["09:00-18:00"]}}
agents:
  - {id: anna, numbers: [{sip: "101"}]}
  - {id: boris, numbers: [{sip: "102"}]}
  - {id: clara, numbers: [{sip: "103"}]}
groups:
  - {id: sales, members: [moscow, vladivostok], policy: even}
  - {id: moscow, members: [anna, clara], policy: even, hours: west}
  - {id: vladivostok, members: [boris, clara], policy: even, hours: east}
policies:
  - {id: even, mode: percent, personal_manager: "off", dialling: {stages: [free]}}
"#;

#[test]
fn offices_in_two_zones() {
    let mut floor = floor(TWO_OFFICES, "2026-11-23T01:00:00Z");
    let mut at_instant = |instant: &str| {
        go_to(&mut floor, instant);
        let mut rung = rung(&floor);
        rung.sort();
        rung
    };
    // Eleven in Vladivostok, four in Moscow; noon in Moscow, seven in the evening in Vladivostok; both asleep.
    assert_eq!(at_instant("2026-11-23T01:00:00Z"), ["boris", "clara"]);
    assert_eq!(at_instant("2026-11-23T07:00:00Z"), ["anna", "boris", "clara"]);
    assert_eq!(at_instant("2026-11-23T09:00:00Z"), ["anna", "clara"]);
    assert_eq!(at_instant("2026-11-23T20:00:00Z"), [] as [&str; 0]);
}

#[test]
fn one_agent_in_two_groups_is_one_person() {
    let mut floor = floor(TWO_OFFICES, "2026-11-23T01:00:00Z");
    let clara = floor.agent_ix("clara");
    assert_eq!(shifts::at_work(&floor.tally, clara, floor.now), AtWork::Yes { until: Some(at("2026-11-23T08:00:00Z")) });
    floor.group = floor.group_ix("moscow");
    assert_eq!(rung(&floor), [] as [&str; 0], "it is four in the morning in Moscow");
    // Busy through one group, she is busy through the other too.
    go_to(&mut floor, "2026-11-23T07:00:00Z");
    floor.group = floor.group_ix("vladivostok");
    floor.decide("east");
    floor.event("east", Answered, Some("clara"));
    floor.group = floor.group_ix("moscow");
    assert_eq!(rung(&floor), ["anna"]);
    // Between the two she is off duty until the first of them opens.
    go_to(&mut floor, "2026-11-23T16:00:00Z");
    assert_eq!(shifts::at_work(&floor.tally, clara, floor.now), AtWork::Off { until: Some(at("2026-11-23T23:00:00Z")) });
}

/// How Anna stands at an instant, after a presence was set at another.
#[track_caller]
fn stands(set_at: &str, state: PresenceState, until: Option<&str>, asked_at: &str, expected: MemberStanding) {
    let mut floor = floor(ONE_OFFICE, set_at);
    set(&mut floor, "anna", state, until);
    go_to(&mut floor, asked_at);
    assert_eq!(standing(&floor, 0), expected, "{state:?} set at {set_at} until {until:?}, asked at {asked_at}");
}

#[test]
fn what_is_set_by_hand_and_the_hours() {
    use MemberStanding::{Free, OffDuty, OutsideHours, Paused, PlannedBreak};
    use PresenceState::{Available, OffDuty as ByHandOff, Paused as ByHandPaused};
    // Set on Wednesday evening, outside the hours: extra work until they begin on Thursday; on Thursday evening it is over.
    stands("2026-11-25T16:00:00Z", Available, None, "2026-11-25T16:00:00Z", Free);
    stands("2026-11-25T16:00:00Z", Available, None, "2026-11-26T05:59:59Z", Free);
    stands("2026-11-25T16:00:00Z", Available, None, "2026-11-26T07:00:00Z", Free);
    stands("2026-11-25T16:00:00Z", Available, None, "2026-11-26T10:30:00Z", PlannedBreak);
    stands("2026-11-25T16:00:00Z", Available, None, "2026-11-26T15:00:00Z", OutsideHours);
    // Set within the hours, without an end, it is no extra work.
    stands("2026-11-25T14:00:00Z", Available, None, "2026-11-25T15:00:00Z", OutsideHours);
    // With an end it holds until then, through changes of the schedule.
    stands("2026-11-25T14:00:00Z", Available, Some("2026-11-25T17:00:00Z"), "2026-11-25T16:50:00Z", Free);
    stands("2026-11-25T14:00:00Z", Available, Some("2026-11-25T17:00:00Z"), "2026-11-25T17:00:00Z", OutsideHours);
    stands("2026-11-25T03:00:00Z", Available, Some("2026-11-25T17:00:00Z"), "2026-11-25T16:50:00Z", Free);
    stands("2026-11-25T09:00:00Z", Available, Some("2026-11-25T17:00:00Z"), "2026-11-25T10:30:00Z", PlannedBreak);
    // The other two hold as ever.
    stands("2026-11-25T07:00:00Z", ByHandOff, None, "2026-11-26T07:00:00Z", OffDuty);
    stands("2026-11-25T07:00:00Z", ByHandPaused, None, "2026-11-26T07:00:00Z", Paused);
    stands("2026-11-25T07:00:00Z", ByHandPaused, None, "2026-11-26T10:30:00Z", Paused);
    stands("2026-11-25T07:00:00Z", ByHandPaused, None, "2026-11-25T16:00:00Z", OutsideHours);
    stands("2026-11-25T07:00:00Z", ByHandOff, None, "2026-11-25T16:00:00Z", OffDuty);
}

const WITH_WRAP_UP: &str = "guard: {wrap_up: {base_seconds: 30, per_talk_second: 0.1, max_seconds: 180}}, personal_manager";

/// When Anna is given calls for the last time before an instant: at so many seconds before it, but not a second later.
#[track_caller]
fn last_call(floor: &mut Floor, end: &str, seconds: i64) {
    let before = |seconds: i64| Timestamp::from_second(at(end).as_second() - seconds).unwrap();
    floor.now = before(seconds);
    assert_eq!(standing(floor, 0), MemberStanding::Free, "{seconds} s before {end}");
    floor.now = before(seconds - 1);
    assert_eq!(standing(floor, 0), MemberStanding::ShiftEnding, "{} s before {end}", seconds - 1);
}

#[test]
fn nobody_is_given_a_call_that_outlasts_the_shift() {
    let text = ONE_OFFICE.replace("personal_manager", WITH_WRAP_UP);
    let mut floor = floor(&text, "2026-11-23T07:00:00Z");
    // Mean talk starts at 180 s; after-call time is 30 + 18.
    last_call(&mut floor, "2026-11-23T10:00:00Z", 228);
    last_call(&mut floor, "2026-11-23T15:00:00Z", 228);
    // A call of 580 s moves the mean by a twentieth of 400, to 200 s; after-call time is 30 + 20.
    go_to(&mut floor, "2026-11-23T07:00:00Z");
    talk(&mut floor, "long", 580.0);
    last_call(&mut floor, "2026-11-23T15:00:00Z", 250);
    let pause = rotation::pause_of(&floor.tally, floor.agent_ix("anna"), floor.now).unwrap();
    assert_eq!((pause.cause, pause.until), (PauseCause::ShiftEnding, Some(at("2026-11-23T15:00:00Z"))));
    // Boris has no hours: nothing of him ends.
    assert_eq!(rung(&floor), ["boris"]);
}

#[test]
fn extra_work_moves_the_end_of_the_shift() {
    let mut floor = floor(ONE_OFFICE, "2026-11-23T14:00:00Z");
    set(&mut floor, "anna", PresenceState::Available, Some("2026-11-23T16:00:00Z"));
    last_call(&mut floor, "2026-11-23T16:00:00Z", 180);
    floor.now = at("2026-11-23T14:59:59Z");
    assert_eq!(standing(&floor, 0), MemberStanding::Free);
    // Who works on into the hours has no end before them.
    go_to(&mut floor, "2026-11-25T05:00:00Z");
    set(&mut floor, "anna", PresenceState::Available, None);
    floor.now = at("2026-11-25T05:59:59Z");
    assert_eq!(standing(&floor, 0), MemberStanding::Free);
}

#[test]
fn who_is_outside_the_hours_is_nobody_who_stays() {
    let text = ONE_OFFICE.replace("{missed: \"off\", rejected: \"off\", unreachable: \"off\"}", "{missed: 1, pause: 1h}");
    let mut floor = floor(&text, "2026-11-23T14:00:00Z");
    let boris = floor.agent_ix("boris");
    assert_eq!(rotation::may_rest(&floor.tally, boris, floor.now), Ok(()));
    set(&mut floor, "anna", PresenceState::Paused, None);
    floor.decide("one");
    floor.event("one", Offered, Some("boris"));
    floor.pass(20.0);
    floor.event("one", Missed, Some("boris"));
    floor.pass(1.0);
    floor.event("one", Ended, None);
    set(&mut floor, "anna", PresenceState::Available, None);
    assert_eq!(rung(&floor), ["anna"], "paused after a miss, since Anna stays");
    for instant in ["2026-11-23T14:59:00Z", "2026-11-23T15:00:00Z"] {
        go_to(&mut floor, instant);
        assert_eq!(rung(&floor), ["boris"], "nobody else is there at {instant}");
        let notices = notices(&Scene { tally: &floor.tally, shares: &floor.shares, refused: &[], now: floor.now });
        assert_eq!(notices.iter().map(|notice| notice.kind).collect::<Vec<_>>(), [NoticeKind::AutomaticPauseHeldBack]);
        assert_eq!(rotation::pause_of(&floor.tally, boris, floor.now), None);
    }
    set(&mut floor, "boris", PresenceState::Available, None);
    let refused = rotation::may_rest(&floor.tally, boris, floor.now);
    assert_eq!(refused, Err(RestRefusal::NobodyElse("team".into())));
    assert_eq!(rotation::may_rest(&floor.tally, floor.agent_ix("anna"), floor.now), Err(RestRefusal::OffDuty));
}

/// The misses of somebody whose day is over are no news: nobody rings that phone.
#[test]
fn no_notice_of_who_is_outside_the_hours() {
    let text = ONE_OFFICE.replace("{missed: \"off\", rejected: \"off\", unreachable: \"off\"}", "{missed: 1, pause: 1h}");
    let mut floor = floor(&text, "2026-11-23T14:40:00Z");
    set(&mut floor, "boris", PresenceState::Paused, None);
    floor.decide("one");
    floor.event("one", Offered, Some("anna"));
    floor.pass(20.0);
    floor.event("one", Missed, Some("anna"));
    let kinds = |floor: &Floor| {
        let found = notices(&Scene { tally: &floor.tally, shares: &floor.shares, refused: &[], now: floor.now });
        found.iter().map(|notice| notice.kind).collect::<Vec<_>>()
    };
    assert_eq!(kinds(&floor), [NoticeKind::AutomaticPauseHeldBack]);
    go_to(&mut floor, "2026-11-23T15:00:00Z");
    assert_eq!(kinds(&floor), []);
}

#[test]
fn a_head_count_counts_who_is_at_work() {
    let text = r#"workspace: acme
time_zone: Europe/Moscow
hours:
  - {id: early, weekly: {mon-fri: ["09:00-18:00"]}}
  - {id: late, weekly: {mon-fri: ["12:00-21:00"]}}
agents:
  - {id: a, numbers: [{sip: "1"}]}
  - {id: b, numbers: [{sip: "2"}]}
  - {id: c, numbers: [{sip: "3"}], hours: late}
  - {id: d, numbers: [{sip: "4"}]}
groups:
  - {id: sales, members: [three, one], policy: heads, hours: early}
  - {id: three, members: [a, b, c], policy: even}
  - {id: one, members: [d], policy: even}
policies:
  - {id: heads, mode: head_count}
  - {id: even, mode: percent}
"#;
    let mut floor = floor(text, "2026-11-23T07:00:00Z");
    let expected = |floor: &Floor| floor.choose("c", &[]).groups[0].lambda.values.to_vec();
    near(&expected(&floor), &[2.0 / 3.0, 1.0 / 3.0], 1e-12);
    go_to(&mut floor, "2026-11-23T10:00:00Z");
    near(&expected(&floor), &[0.75, 0.25], 1e-12);
    go_to(&mut floor, "2026-11-23T16:00:00Z");
    near(&expected(&floor), &[1.0, 0.0], 1e-12);
}
