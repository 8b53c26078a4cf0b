//! The charts of a report.

use super::Report;
use crate::core::simulate::{HourSummary, PolicySummary};
use crate::report::svg::{BarChart, LineChart, NO_VALUE, Series, bars, lines};

/// A chart with the name of its file.
#[derive(Debug, Clone, PartialEq)]
pub struct Chart {
    /// Small letters, digits and `-`.
    pub name: String,
    /// The picture.
    pub svg: String,
}

/// All charts: shares of each policy, the day, people who come back, and how equal talk is.
pub fn charts(report: &Report<'_>) -> Vec<Chart> {
    let mut charts: Vec<Chart> = report.policies.iter().map(|policy| shares(report, policy)).collect();
    charts.push(day(report, "occupancy", "Occupancy over the day", " %", |hour| hour.occupancy.map(|busy| busy * 100.0)));
    charts.push(day(report, "wait", "Mean wait over the day", " s", |hour| hour.wait_seconds));
    let away = report.scenario.agents.iter().enumerate().filter(|(_, agent)| !agent.away.is_empty());
    charts.extend(away.map(|(position, _)| return_of(report, position)));
    charts.push(lorenz(report));
    charts
}

fn shares(report: &Report<'_>, policy: &PolicySummary) -> Chart {
    let series = |name: &str, share: fn(&crate::core::simulate::AgentSummary) -> f64| Series {
        name: name.to_owned(),
        values: policy.agents.iter().map(|agent| share(agent) * 100.0).collect(),
    };
    let svg = bars(&BarChart {
        title: format!("Shares of calls: {}", policy.policy),
        labels: report.scenario.agents.iter().map(|agent| agent.id.clone()).collect(),
        series: vec![series("due", |agent| agent.target_share), series("received", |agent| agent.actual_share)],
        unit: " %".to_owned(),
    });
    Chart { name: format!("shares-{}", policy.policy), svg }
}

fn day(report: &Report<'_>, name: &str, title: &str, unit: &str, of: fn(&HourSummary) -> Option<f64>) -> Chart {
    let series = |policy: &PolicySummary| Series {
        name: policy.policy.clone(),
        values: policy.hours.iter().map(|hour| of(hour).unwrap_or(NO_VALUE)).collect(),
    };
    let svg = lines(&LineChart {
        title: title.to_owned(),
        horizontal: "hour since the opening".to_owned(),
        places: hours(report),
        series: report.policies.iter().map(series).collect(),
        unit: unit.to_owned(),
        reference: None,
    });
    Chart { name: name.to_owned(), svg }
}

fn hours(report: &Report<'_>) -> Vec<(f64, String)> {
    let count = report.policies.first().map_or(0, |policy| policy.hours.len());
    (1..=count).map(|hour| (hour as f64, hour.to_string())).collect()
}

/// Calls over calls due of somebody who is away for a part of the day.
fn return_of(report: &Report<'_>, position: usize) -> Chart {
    let ratios = |policy: &PolicySummary| {
        let by_hour = policy.agents.get(position).map(|agent| agent.ratio_by_hour.iter());
        by_hour.into_iter().flatten().map(|ratio| ratio.unwrap_or(NO_VALUE)).collect()
    };
    let series = |policy: &PolicySummary| Series { name: policy.policy.clone(), values: ratios(policy) };
    let agent = report.agent(position);
    let places = hours(report);
    let svg = lines(&LineChart {
        title: format!("{agent}: calls received over calls due"),
        horizontal: "hour since the opening; none where no call was due".to_owned(),
        reference: Some(Series { name: "exactly the fair share".to_owned(), values: vec![1.0; places.len()] }),
        places,
        series: report.policies.iter().map(series).collect(),
        unit: String::new(),
    });
    Chart { name: format!("return-{agent}"), svg }
}

fn lorenz(report: &Report<'_>) -> Chart {
    let agents = report.scenario.agents.len().max(1);
    let part = |count: usize| count as f64 / agents as f64 * 100.0;
    // About ten words under the axis, whatever the number of people.
    let every = agents.div_ceil(10);
    let word = |count: usize| if count.is_multiple_of(every) { format!("{:.0} %", part(count)) } else { String::new() };
    let series = |policy: &PolicySummary| Series {
        name: policy.policy.clone(),
        values: policy.lorenz.iter().map(|held| held * 100.0).collect(),
    };
    let svg = lines(&LineChart {
        title: "Lorenz curve of talk: how much those who talk least have of all".to_owned(),
        horizontal: "part of the agents, those who talk least first".to_owned(),
        places: (0..=agents).map(|count| (part(count), word(count))).collect(),
        series: report.policies.iter().map(series).collect(),
        unit: " %".to_owned(),
        reference: Some(Series { name: "everybody the same".to_owned(), values: (0..=agents).map(part).collect() }),
    });
    Chart { name: "lorenz".to_owned(), svg }
}
