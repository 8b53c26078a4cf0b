//! What people see, at the sizes of their terminals.

use std::time::Duration;

use meritline::demo::company::Company;
use meritline::demo::screen::{Frame, Latency, LookAt, Row, Snapshot, Totals, render_live, render_summary};

/// A moment that could be: shares that sum to 1, one agent of each state.
fn moment() -> Snapshot {
    let company = Company::load().unwrap();
    let states = ["free", "talking", "ringing", "wrap_up", "paused", "off_duty", "talking", "free"];
    let weight = |place: usize| 1.0 + ((place * 7) % 11) as f64 / 5.0;
    let all: f64 = (0..35).map(weight).sum();
    let rows = company.agents.iter().zip(0..).map(|(agent, place)| {
        let target = weight(place) / all;
        let drift = [0.004, -0.003, 0.0, -0.006, 0.005][place % 5];
        Row {
            agent: agent.name.clone(),
            team: agent.lead.clone(),
            office: agent.office.clone(),
            contracts: (place != 10).then_some(55.0 + (place * 29 % 300) as f64),
            average_check: (place != 10).then_some(1011.0 + (place * 317 % 2600) as f64),
            score: Some(weight(place) / 2.0),
            target_share: Some(target),
            actual_share: Some(target + drift),
            received: (place % 9) as f64,
            owed: Some(-drift * 214.0),
            state: states[place % states.len()].to_owned(),
        }
    });
    Snapshot {
        speed: 20.0,
        elapsed: Duration::from_secs(192),
        rows: rows.collect(),
        totals: Totals {
            calls: 214,
            answered: 171,
            missed: 22,
            hung_up: 7,
            fallback: 3,
            in_flight: 18,
            contracts: 12,
            ..Totals::default()
        },
        latency: Some(Latency { p50: Duration::from_micros(900), p99: Duration::from_micros(3140) }),
        recent: vec![
            "14:02:11  +7 000 •••-••-07 → Darcel Schlecht (x110): share 8.1 %, 1.4 calls behind; answered after 6 s".to_owned(),
            "14:02:12  +7 000 •••-••-31 → Boris Faz (x122): not picked up in 20 s; next Reed Clapper".to_owned(),
            "14:02:13  number withheld   nobody can be rung; backup number +7 000 100-10-00".to_owned(),
        ],
        look_at: vec![
            LookAt {
                what: "web interface".to_owned(),
                address: "http://127.0.0.1:8080/".to_owned(),
                login: "lead / demo".to_owned(),
            },
            LookAt { what: "small CRM".to_owned(), address: "http://127.0.0.1:8081/rest/1/...".to_owned(), login: String::new() },
        ],
        trouble: None,
    }
}

fn drawn(width: usize, height: usize) -> String {
    render_live(&moment(), Frame { width, height, colour: false })
}

#[test]
fn eighty_columns_show_the_top_and_say_how_many_more() {
    let text = drawn(80, 30);
    assert!(text.contains("… and "), "{text}");
    insta::assert_snapshot!("live_80x30", text);
}

#[test]
fn a_wide_tall_terminal_shows_everybody_under_their_team() {
    let text = drawn(120, 60);
    for agent in Company::load().unwrap().agents {
        assert!(text.contains(&agent.name), "{} is missing", agent.name);
    }
    insta::assert_snapshot!("live_120x60", text);
}

#[test]
fn a_wide_low_terminal_names_the_team_in_a_column() {
    insta::assert_snapshot!("live_120x45", drawn(120, 45));
}

/// Whatever the size: never a line too long (it would wrap), never a line too many (it would scroll).
#[test]
fn every_size_fits() {
    for width in [40, 60, 79, 80, 100, 109, 110, 120, 200] {
        for height in [10, 24, 25, 40, 50, 60, 100] {
            let text = drawn(width, height);
            assert!(text.lines().count() <= height, "{width}x{height}: {} lines", text.lines().count());
            let longest = text.lines().map(|line| line.chars().count()).max().unwrap_or(0);
            assert!(width < 72 || longest <= width, "{width}x{height}: a line of {longest}\n{text}");
        }
    }
}

#[test]
fn colours_change_nothing_but_colours() {
    let coloured = render_live(&moment(), Frame { width: 120, height: 60, colour: true });
    assert!(coloured.contains("\u{1b}["));
    let mut plain = String::new();
    let mut rest = coloured.as_str();
    while let Some(start) = rest.find("\u{1b}[") {
        plain.push_str(&rest[..start]);
        let end = rest[start..].find('m').unwrap();
        rest = &rest[start + end + 1..];
    }
    plain.push_str(rest);
    assert_eq!(plain, drawn(120, 60));
}

#[test]
fn the_summary_compares_target_and_actual() {
    let text = render_summary(&moment(), false);
    assert!(!text.contains('\u{1b}'));
    insta::assert_snapshot!("summary", text);
}

#[test]
fn before_the_first_figures_nothing_is_invented() {
    let mut moment = moment();
    for row in &mut moment.rows {
        *row = Row { agent: row.agent.clone(), team: row.team.clone(), office: row.office.clone(), ..Row::default() };
    }
    moment.latency = None;
    moment.trouble = Some("The figures above are not of now: GET scores: HTTP 503".to_owned());
    let live = render_live(&moment, Frame { width: 80, height: 24, colour: false });
    assert!(live.contains("HTTP 503"));
    assert!(!live.contains("0.0 %"), "{live}");
    assert!(render_summary(&moment, false).contains("No shares to compare yet"));
}
