//! The report as one page that needs nothing else.

use super::{Report, charts, hours_minutes, shown, words};
use crate::core::simulate::{Load, Metric, PolicySummary};
use crate::report::svg::escape;

const STYLE: &str = "body{font:15px/1.5 system-ui,sans-serif;color:#1f2937;max-width:1100px;margin:2rem auto;padding:0 1rem}\
h1{font-size:1.5rem;margin-bottom:.2rem}h2{font-size:1.15rem;margin-top:2rem}\
table{border-collapse:collapse;margin:1rem 0}th,td{padding:.3rem .7rem;border-bottom:1px solid #e5e7eb;text-align:right;white-space:nowrap}\
th:first-child,td:first-child{text-align:left}.wide{overflow-x:auto}svg{max-width:100%;height:auto;margin:.5rem 0}\
.faint{color:#6b7280}dt{font-weight:600}dd{margin:0 0 .4rem 0}";

/// The page.
pub fn page(report: &Report<'_>) -> String {
    let title = escape(report.title);
    let mut body = format!("<h1>{title}</h1>\n<p>{}</p>\n", escape(report.description));
    body.push_str(&setting(report));
    body.push_str("<h2>What the policies did</h2>\n");
    body.push_str(&metrics(report));
    body.push_str(
        "<p class=\"faint\">± is half the 95 % interval over the independent runs. All policies had the same callers.</p>\n",
    );
    body.push_str(&formula(report));
    body.push_str(&after_events(report));
    body.push_str("<h2>Pictures</h2>\n");
    for chart in charts(report) {
        body.push_str(&chart.svg);
    }
    body.push_str(&meanings());
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width\">\n\
         <title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n{body}</body>\n</html>\n"
    )
}

fn setting(report: &Report<'_>) -> String {
    let scenario = report.scenario;
    let load = match &scenario.load {
        Load::PerHour(rates) if rates.len() == 1 => format!("{} calls an hour", rates.first().copied().unwrap_or(0.0)),
        Load::PerHour(rates) => format!("{} calls an hour over the day", list(rates)),
        Load::Log(calls) => format!("{} recorded calls", calls.len()),
    };
    let patience = match &scenario.patience {
        Some(patience) => format!("callers wait {:.0} s on average", patience.mean()),
        None => "callers wait for ever".to_owned(),
    };
    format!(
        "<p class=\"faint\">{} agents, {load}, {:.0} s handling a call, {patience}; {} days of {} h, {} runs from seed {}.</p>\n",
        scenario.agents.len(),
        scenario.handling_seconds(),
        scenario.days,
        scenario.day_seconds() / 3600.0,
        report.replications,
        report.seed,
    )
}

fn list(rates: &[f64]) -> String {
    rates.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn metrics(report: &Report<'_>) -> String {
    let cell = |text: &str| format!("<td>{}</td>", escape(text));
    let head: String = report.policies.iter().map(|policy| format!("<th>{}</th>", escape(&policy.policy))).collect();
    let mut rows = format!("<tr><th></th>{head}</tr>\n");
    let uplifts: String =
        report.policies.iter().map(|policy| cell(&policy.uplift.as_ref().map_or(String::new(), words::uplift))).collect();
    rows.push_str(&format!("<tr><td>Revenue against {}</td>{uplifts}</tr>\n", escape(report.reference())));
    for metric in Metric::ALL {
        let shown = shown(metric);
        let figure = |policy: &PolicySummary| {
            let found = policy.metrics.iter().find(|(known, _)| *known == metric);
            found.map_or(String::new(), |(_, interval)| shown.figure(interval))
        };
        let figures: Vec<String> = report.policies.iter().map(figure).collect();
        if figures.iter().any(|figure| !figure.is_empty()) {
            let cells: String = figures.iter().map(|figure| cell(figure)).collect();
            rows.push_str(&format!("<tr><td title=\"{}\">{}</td>{cells}</tr>\n", escape(shown.sentence), escape(shown.name)));
        }
    }
    format!("<div class=\"wide\"><table>\n{rows}</table></div>\n")
}

fn formula(report: &Report<'_>) -> String {
    let Some(team) = report.by_formula() else { return String::new() };
    let wait = team.mean_wait_seconds().map_or("without end".to_owned(), |seconds| format!("{seconds:.1} s"));
    format!(
        "<p>Erlang C for this load, without giving up and with nobody away: {:.2} Erlangs, {:.1} % have to wait, mean wait {wait}, {:.1} % answered \
         within the goal, occupancy {:.1} %.</p>\n",
        team.erlangs,
        team.must_wait() * 100.0,
        team.answered_within(report.scenario.answer_goal_seconds) * 100.0,
        team.occupancy() * 100.0,
    )
}

fn after_events(report: &Report<'_>) -> String {
    let mut text = String::new();
    let row = |cells: [String; 4]| {
        let cells: String = cells.iter().map(|text| format!("<td>{}</td>", escape(text))).collect();
        format!("<tr>{cells}</tr>\n")
    };
    let backs = report.policies.iter().flat_map(|policy| policy.returns.iter().map(move |back| (policy, back)));
    let rows: String = backs
        .map(|(policy, back)| {
            let who = format!("{}, back at {}", report.agent(back.agent), hours_minutes(back.at_seconds));
            row([policy.policy.clone(), who, words::times(back.first_30_minutes), words::times(back.first_2_hours)])
        })
        .collect();
    if !rows.is_empty() {
        let head = "<tr><th>Policy</th><th>Who</th><th>First 30 minutes</th><th>First 2 hours</th></tr>\n";
        text.push_str(&format!("<h2>After coming back: calls over calls due</h2>\n<table>\n{head}{rows}</table>\n"));
    }
    let changes = report.policies.iter().flat_map(|policy| policy.changes.iter().map(move |change| (policy, change)));
    let rows: String = changes
        .map(|(policy, change)| {
            let who = format!("{}, base changed at {}", report.agent(change.agent), hours_minutes(change.at_seconds));
            row([
                policy.policy.clone(),
                who,
                words::part_of_60(change.share_of_60),
                words::most_of_11(change.share_of_60, change.most_of_11),
            ])
        })
        .collect();
    if !rows.is_empty() {
        let head = "<tr><th>Policy</th><th>Who</th><th>Of the next 60 calls</th><th>Most in a row of 11</th></tr>\n";
        text.push_str(&format!("<h2>After a change of base</h2>\n<table>\n{head}{rows}</table>\n"));
    }
    text
}

fn meanings() -> String {
    let meaning = |metric: Metric| {
        let shown = shown(metric);
        format!("<dt>{}</dt><dd>{}</dd>\n", escape(shown.name), escape(shown.sentence))
    };
    format!("<h2>What the figures mean</h2>\n<dl>\n{}</dl>\n", Metric::ALL.into_iter().map(meaning).collect::<String>())
}
