//! How results age, and newcomers ramp up, by the working days of a schedule.

use jiff::civil::date;
use meritline::core::agent::Absence;
use meritline::core::policy::RampUp;
use meritline::core::scoring::adjustments::ramp_up;
use meritline::core::working_time::duty_days::{DutyCalendar, OFF_DUTY_ABSENCE_SECONDS};
use meritline::core::workspace::{AgentIx, Workspace};

use super::at;
use super::files::{NoConnections, workspace};

const DAY: f64 = 86_400.0;

/// Anna works five days a week, Boris two, Clara as she likes.
const TEXT: &str = r#"workspace: acme
time_zone: Europe/Moscow
hours:
  - {id: five, weekly: {mon-fri: ["09:00-18:00"]}, holidays: ["2026-11-04", {date: 2026-11-07, hours: ["10:00-12:00"]}]}
  - {id: two, weekly: {sat-sun: ["09:00-21:00"]}}
agents:
  - {id: anna, numbers: [{sip: "101"}], hours: five, since: 2026-11-02}
  - {id: boris, numbers: [{sip: "102"}], since: 2026-11-02}
  - {id: clara, numbers: [{sip: "103"}], since: 2026-11-02}
groups:
  - {id: weekend, members: [boris], policy: even, hours: two}
  - {id: any, members: [clara, anna], policy: even}
policies:
  - {id: even, mode: percent}
"#;

fn days(workspace: &Workspace, agent: u32, from: &str, to: &str) -> f64 {
    DutyCalendar::of(workspace, &[], OFF_DUTY_ABSENCE_SECONDS).seconds_on_duty(AgentIx(agent), at(from), at(to)) / DAY
}

#[test]
fn an_ordinary_week_is_a_week_for_everybody() {
    let workspace = workspace(TEXT);
    for agent in 0..3 {
        let week = days(&workspace, agent, "2026-11-16T09:00:00Z", "2026-11-23T09:00:00Z");
        assert!((week - 7.0).abs() < 1e-9, "{agent}: {week}");
    }
    // Thursday noon to Monday noon in Moscow: two working days of seven fifths, or two of seven halves, or four.
    let span = |agent| days(&workspace, agent, "2026-11-19T09:00:00Z", "2026-11-23T09:00:00Z");
    assert!((span(0) - 2.0 * 7.0 / 5.0).abs() < 1e-9 && (span(1) - 7.0).abs() < 1e-9 && (span(2) - 4.0).abs() < 1e-9);
    assert!(days(&workspace, 0, "2026-11-23T09:00:00Z", "2026-11-19T09:00:00Z").abs() < 1e-9);
}

#[test]
fn holidays_age_nothing_and_an_extra_day_does() {
    let workspace = workspace(TEXT);
    // Midnight of Monday the 2nd to midnight of the next: Wednesday is off, Saturday is worked. Without Saturday, four days.
    let week = days(&workspace, 0, "2026-11-01T21:00:00Z", "2026-11-08T21:00:00Z");
    assert!((week - 7.0).abs() < 1e-9, "{week}");
    let until_saturday = days(&workspace, 0, "2026-11-01T21:00:00Z", "2026-11-06T21:00:00Z");
    assert!((until_saturday - 4.0 * 7.0 / 5.0).abs() < 1e-9, "{until_saturday}");
    let the_holiday = days(&workspace, 0, "2026-11-03T21:00:00Z", "2026-11-04T21:00:00Z");
    assert!(the_holiday.abs() < 1e-9);
}

#[test]
fn an_absence_ages_nothing_either_way() {
    let text = TEXT.replace("hours: five, since", "hours: five, absences: [{from: 2026-11-09, to: 2026-12-06}], since");
    let workspace = workspace(&text);
    let away = days(&workspace, 0, "2026-11-08T21:00:00Z", "2026-12-06T21:00:00Z");
    assert!(away.abs() < 1e-9, "28 days away are none: {away}");
    let around = days(&workspace, 0, "2026-11-08T09:00:00Z", "2026-12-07T09:00:00Z");
    assert!((around - 0.5 * 7.0 / 5.0).abs() < 1e-9, "the half Monday after them: {around}");
}

#[test]
fn newcomers_ramp_up_by_the_days_of_their_schedule() {
    let workspace = workspace(TEXT);
    let worked = |agent: u32, today| {
        let (ix, rule) = (AgentIx(agent), RampUp { from: 0.3, working_days: 20 });
        ramp_up(workspace.agent(ix), workspace.schedule_of_results(ix), rule, today).map(|state| state.days_worked)
    };
    // Two weeks from Monday the 2nd: ten weekdays less a holiday and one Saturday more; two weekends; ten weekdays.
    let today = date(2026, 11, 16);
    assert_eq!((worked(0, today), worked(1, today), worked(2, today)), (Some(10), Some(4), Some(10)));
    assert_eq!((worked(0, date(2026, 11, 5)), worked(2, date(2026, 11, 5))), (Some(2), Some(3)));
    let away = [Absence { from: date(2026, 11, 2), to: date(2026, 11, 8) }];
    let mut parts = meritline::workspace_file::read(TEXT, "acme.yaml", &NoConnections).unwrap().workspace;
    parts.agents[0].duty.absences = away.to_vec();
    let state = ramp_up(&parts.agents[0], parts.schedule_of_results(AgentIx(0)), RampUp { from: 0.3, working_days: 20 }, today);
    assert_eq!(state.map(|state| state.days_worked), Some(5), "the worked Saturday lies in the absence");
}
