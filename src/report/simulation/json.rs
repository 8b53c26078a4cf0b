//! The report for programs: `schemas/simulation-result.schema.json`.

use serde_json::{Map, Value, json};

use super::Report;
use crate::core::simulate::{Interval, PolicySummary};

/// The report as JSON.
pub fn json(report: &Report<'_>) -> Value {
    let scenario = report.scenario;
    let formula = report.by_formula().map(|team| {
        json!({
            "erlangs": team.erlangs,
            "must_wait": team.must_wait(),
            "mean_wait_seconds": team.mean_wait_seconds(),
            "service_level": team.answered_within(scenario.answer_goal_seconds),
            "occupancy": team.occupancy(),
        })
    });
    json!({
        "simulation": report.id,
        "title": report.title,
        "seed": report.seed,
        "replications": report.replications,
        "days": scenario.days,
        "open_seconds": scenario.day_seconds(),
        "agents": scenario.agents.iter().map(|agent| agent.id.as_str()).collect::<Vec<_>>(),
        "compared_with": report.reference(),
        "erlang_c": formula,
        "policies": report.policies.iter().map(|summary| policy(report, summary)).collect::<Vec<_>>(),
    })
}

fn interval(interval: &Interval) -> Value {
    let end = |end: f64| interval.half.map(|_| end);
    json!({"mean": interval.mean, "low": end(interval.low()), "high": end(interval.high())})
}

fn policy(report: &Report<'_>, summary: &PolicySummary) -> Value {
    let metrics: Map<String, Value> =
        summary.metrics.iter().map(|(metric, found)| (metric.as_str().to_owned(), interval(found))).collect();
    let agents = summary.agents.iter().enumerate().map(|(position, agent)| {
        json!({
            "agent": report.agent(position),
            "target_share": agent.target_share,
            "actual_share": agent.actual_share,
            "calls": agent.calls,
            "talk_minutes": agent.talk_minutes,
            "contracts": agent.contracts,
            "revenue": agent.revenue,
            "ratio_by_hour": agent.ratio_by_hour,
        })
    });
    let hours = summary.hours.iter().enumerate().map(|(hour, figures)| {
        json!({
            "hour": hour,
            "offered": figures.offered,
            "abandonment": figures.abandonment,
            "wait_seconds": figures.wait_seconds,
            "occupancy": figures.occupancy,
        })
    });
    let returns = summary.returns.iter().map(|back| {
        json!({
            "agent": report.agent(back.agent),
            "at_seconds": back.at_seconds,
            "first_30_minutes": back.first_30_minutes,
            "first_2_hours": back.first_2_hours,
        })
    });
    let changes = summary.changes.iter().map(|change| {
        json!({
            "agent": report.agent(change.agent),
            "at_seconds": change.at_seconds,
            "share_of_60": change.share_of_60,
            "most_of_11": change.most_of_11,
        })
    });
    json!({
        "policy": summary.policy,
        "uplift": summary.uplift.as_ref().map(interval),
        "metrics": metrics,
        "agents": agents.collect::<Vec<_>>(),
        "hours": hours.collect::<Vec<_>>(),
        "returns": returns.collect::<Vec<_>>(),
        "base_changes": changes.collect::<Vec<_>>(),
        "lorenz": summary.lorenz,
    })
}
