//! The report for a terminal.

use tabled::builder::Builder;
use tabled::settings::object::{Columns, Object, Rows};
use tabled::settings::{Alignment, Style};

use super::{Report, hours_minutes, shown, words};
use crate::core::simulate::{Metric, PolicySummary};

/// More policies than this stand in another table below.
const POLICIES_A_TABLE: usize = 4;

/// The report as text.
pub fn table(report: &Report<'_>) -> String {
    let scenario = report.scenario;
    let mut text = format!(
        "{}\n{} agents, {} days of {} h, {} runs from seed {}; ± is half the 95 % interval.\n",
        report.title,
        scenario.agents.len(),
        scenario.days,
        scenario.day_seconds() / 3600.0,
        report.replications,
        report.seed,
    );
    for policies in report.policies.chunks(POLICIES_A_TABLE) {
        text.push('\n');
        text.push_str(&metrics(report, policies));
        text.push('\n');
    }
    text.push_str(&after_events(report));
    if let Some(team) = report.by_formula() {
        let wait = team.mean_wait_seconds().map_or("without end".to_owned(), |seconds| format!("{seconds:.2} s"));
        text.push_str(&format!(
            "\nErlang C for this load without giving up: {:.2} Erlangs, {:.2} % have to wait, mean wait {wait}, {:.2} % answered within the goal, \
             occupancy {:.2} %.\n",
            team.erlangs,
            team.must_wait() * 100.0,
            team.answered_within(scenario.answer_goal_seconds) * 100.0,
            team.occupancy() * 100.0,
        ));
    }
    text
}

fn metrics(report: &Report<'_>, policies: &[PolicySummary]) -> String {
    let mut rows = Builder::default();
    rows.push_record(std::iter::once("").chain(policies.iter().map(|policy| policy.policy.as_str())));
    if policies.iter().any(|policy| policy.uplift.is_some()) {
        let name = format!("Revenue against {}", report.reference());
        let uplifts = policies.iter().map(|policy| policy.uplift.as_ref().map_or("".to_owned(), words::uplift));
        rows.push_record(std::iter::once(name).chain(uplifts));
    }
    for metric in Metric::ALL {
        let shown = shown(metric);
        let figure = |policy: &PolicySummary| {
            let found = policy.metrics.iter().find(|(known, _)| *known == metric);
            found.map_or(String::new(), |(_, interval)| shown.figure(interval))
        };
        let figures: Vec<String> = policies.iter().map(figure).collect();
        if figures.iter().any(|figure| !figure.is_empty()) {
            rows.push_record(std::iter::once(shown.name.to_owned()).chain(figures));
        }
    }
    let mut table = rows.build();
    table.with(Style::sharp()).modify(Columns::new(1..).not(Rows::first()), Alignment::right());
    table.to_string()
}

/// What people got after coming back and after a change of base.
fn after_events(report: &Report<'_>) -> String {
    let mut text = String::new();
    for policy in &report.policies {
        for back in &policy.returns {
            text.push_str(&format!(
                "{}: {} back at {}, calls over the fair number: {} in the first 30 minutes, {} in the first 2 hours\n",
                policy.policy,
                report.agent(back.agent),
                hours_minutes(back.at_seconds),
                words::times(back.first_30_minutes),
                words::times(back.first_2_hours),
            ));
        }
        for change in &policy.changes {
            let most = words::most_of_11(change.share_of_60, change.most_of_11);
            text.push_str(&format!(
                "{}: {} after the change of base at {}, part of the next 60 calls: {}, most in a row: {most}\n",
                policy.policy,
                report.agent(change.agent),
                hours_minutes(change.at_seconds),
                words::part_of_60(change.share_of_60),
            ));
        }
    }
    if text.is_empty() { text } else { format!("\n{text}") }
}
