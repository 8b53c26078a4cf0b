//! What several runs of one policy show together: the metrics with their confidence intervals.

use super::figures::{Figures, HourFigures};
use super::interval::{Confidence, Interval};

/// What a policy is judged by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Metric {
    /// Money per caller, answered or not.
    RevenuePerOfferedCall,
    /// Part of the callers who were not answered.
    Abandonment,
    /// Mean wait of the answered, in seconds.
    AnswerSpeed,
    /// Part of the callers answered within the goal.
    ServiceLevel,
    /// Part of the callers who were not put through at once.
    Waiting,
    /// Part of the time on duty spent on talk and after-call time.
    Occupancy,
    /// Gini coefficient of talk time within a day.
    Gini,
    /// Longest net talk of anybody in a day, in minutes.
    LongestTalk,
    /// Longest less shortest net talk in a day, in minutes.
    TalkSpread,
    /// Most less fewest calls in a day.
    CallsSpread,
    /// Largest difference of actual and expected share in a day, in percentage points.
    ShareError,
    /// Part of the calls taken by somebody whose share the standard guard would have more than halved.
    TiredCalls,
    /// Calls in the first 30 minutes after an absence over the fair number: the largest of all absences.
    ReturnBurst,
}

impl Metric {
    /// All of them, in the order of reports.
    pub const ALL: [Metric; 13] = [
        Metric::RevenuePerOfferedCall,
        Metric::Abandonment,
        Metric::AnswerSpeed,
        Metric::ServiceLevel,
        Metric::Waiting,
        Metric::Occupancy,
        Metric::Gini,
        Metric::LongestTalk,
        Metric::TalkSpread,
        Metric::CallsSpread,
        Metric::ShareError,
        Metric::TiredCalls,
        Metric::ReturnBurst,
    ];

    /// As results write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::RevenuePerOfferedCall => "revenue_per_offered_call",
            Self::Abandonment => "abandonment",
            Self::AnswerSpeed => "answer_speed_seconds",
            Self::ServiceLevel => "service_level",
            Self::Waiting => "waiting",
            Self::Occupancy => "occupancy",
            Self::Gini => "gini_of_talk",
            Self::LongestTalk => "longest_talk_minutes",
            Self::TalkSpread => "talk_spread_minutes",
            Self::CallsSpread => "calls_spread",
            Self::ShareError => "share_error_points",
            Self::TiredCalls => "tired_calls",
            Self::ReturnBurst => "return_burst",
        }
    }

    /// Its value in one run; none where nothing was seen that could be measured.
    pub fn of(self, figures: &Figures) -> Option<f64> {
        let part = |part: f64, whole: f64| (whole > 0.0).then(|| part / whole);
        let of_offered = |count: u64| part(count as f64, figures.offered as f64);
        let a_day = |sum: f64| part(sum, f64::from(figures.days));
        match self {
            Self::RevenuePerOfferedCall => part(figures.revenue, figures.offered as f64),
            Self::Abandonment => of_offered(figures.abandoned),
            Self::AnswerSpeed => part(figures.wait_seconds, figures.answered as f64),
            Self::ServiceLevel => of_offered(figures.within_goal),
            Self::Waiting => of_offered(figures.waited),
            Self::Occupancy => part(figures.busy_seconds, figures.duty_seconds),
            Self::Gini => a_day(figures.gini),
            Self::LongestTalk => a_day(figures.longest_talk_seconds / 60.0),
            Self::TalkSpread => a_day(figures.talk_spread_seconds / 60.0),
            Self::CallsSpread => a_day(figures.calls_spread),
            Self::ShareError => a_day(figures.share_error_points),
            Self::TiredCalls => part(figures.tired_calls as f64, figures.answered as f64),
            Self::ReturnBurst => {
                let bursts = figures.returns.iter().filter_map(|back| part(back.calls_30_minutes, back.due_30_minutes));
                bursts.reduce(f64::max)
            }
        }
    }
}

/// One policy over all runs.
#[derive(Debug, Clone, PartialEq)]
pub struct PolicySummary {
    /// Names the policy.
    pub policy: String,
    /// The metrics that could be measured, 95 % intervals.
    pub metrics: Vec<(Metric, Interval)>,
    /// Revenue per offered call against the policy compared with, run by run: 0.1 = 10 % more. None for that policy itself.
    pub uplift: Option<Interval>,
    /// By position of the agent.
    pub agents: Vec<AgentSummary>,
    /// By hour since the opening.
    pub hours: Vec<HourSummary>,
    /// Calls over calls due after each absence: first 30 minutes, first 2 hours.
    pub returns: Vec<ReturnSummary>,
    /// After each change of base: part of the next 60 calls, most within 11 in a row.
    pub changes: Vec<ChangeSummary>,
    /// Part of all talk held by the 0, 1, 2, ... who talked least; the mean of all days.
    pub lorenz: Vec<f64>,
}

/// One agent under a policy, means over all runs and days.
#[derive(Debug, Clone, PartialEq)]
pub struct AgentSummary {
    /// Part of the calls due.
    pub target_share: f64,
    /// Part of the calls received.
    pub actual_share: f64,
    /// Calls a day.
    pub calls: f64,
    /// Net talk a day, in minutes.
    pub talk_minutes: f64,
    /// Contracts a day.
    pub contracts: f64,
    /// Money a day.
    pub revenue: f64,
    /// Calls over calls due, by hour since the opening; none where nothing was due.
    pub ratio_by_hour: Vec<Option<f64>>,
}

/// One hour of the day under a policy.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HourSummary {
    /// Callers a day.
    pub offered: f64,
    /// Part of them who were not answered; none where nobody called.
    pub abandonment: Option<f64>,
    /// Mean wait of the answered, in seconds; none where nobody was.
    pub wait_seconds: Option<f64>,
    /// Busy part of the time on duty; none where nobody was.
    pub occupancy: Option<f64>,
}

/// What somebody got after coming back.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ReturnSummary {
    /// Who, by position.
    pub agent: usize,
    /// When, in seconds since the opening.
    pub at_seconds: f64,
    /// Calls over calls due in the first 30 minutes; none where nothing was due.
    pub first_30_minutes: Option<f64>,
    /// Calls over calls due in the first 2 hours; none where nothing was due.
    pub first_2_hours: Option<f64>,
}

/// What somebody got after a change of base.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ChangeSummary {
    /// Who, by position.
    pub agent: usize,
    /// When, in seconds since the opening.
    pub at_seconds: f64,
    /// Part of the next 60 calls; none where fewer followed before the day was over.
    pub share_of_60: Option<f64>,
    /// Most calls within any 11 in a row of them, in all runs.
    pub most_of_11: u32,
}

/// Puts the runs of one policy together. `reference` are the runs of the policy compared with, seed by seed.
pub fn summarise(policy: &str, runs: &[Figures], reference: Option<&[Figures]>) -> PolicySummary {
    let metrics = Metric::ALL.into_iter().filter_map(|metric| {
        let values: Vec<f64> = runs.iter().filter_map(|run| metric.of(run)).collect();
        Some((metric, Interval::of(&values, Confidence::P95)?))
    });
    PolicySummary {
        policy: policy.to_owned(),
        metrics: metrics.collect(),
        uplift: reference.and_then(|reference| uplift(runs, reference)),
        agents: agents(runs),
        hours: hours(runs),
        returns: returns(runs),
        changes: changes(runs),
        lorenz: lorenz(runs),
    }
}

/// Relative difference of revenue per offered call, run by run: the same callers under both policies.
fn uplift(runs: &[Figures], reference: &[Figures]) -> Option<Interval> {
    let per_call = |run: &Figures| Metric::RevenuePerOfferedCall.of(run).filter(|revenue| *revenue > 0.0);
    let pairs = runs.iter().zip(reference).filter_map(|(run, other)| Some(per_call(run)? / per_call(other)? - 1.0));
    Interval::of(&pairs.collect::<Vec<f64>>(), Confidence::P95)
}

fn ratio(part: f64, whole: f64) -> Option<f64> {
    (whole > 0.0).then(|| part / whole)
}

/// A mean that is 0 where nothing was counted.
fn mean(sum: f64, count: f64) -> f64 {
    ratio(sum, count).unwrap_or(0.0)
}

fn days(runs: &[Figures]) -> f64 {
    runs.iter().map(|run| f64::from(run.days)).sum()
}

fn agents(runs: &[Figures]) -> Vec<AgentSummary> {
    let (days, answered) = (days(runs), runs.iter().map(|run| run.answered as f64).sum::<f64>());
    let summary = |agent: usize| {
        let of_runs = || runs.iter().filter_map(|run| run.agents.get(agent));
        let sum = |part: fn(&super::figures::AgentFigures) -> f64| of_runs().map(part).sum::<f64>();
        let calls = sum(|agent| agent.calls as f64);
        let by_hour = |hour: usize| {
            let got = of_runs().filter_map(|agent| agent.calls_by_hour.get(hour)).sum();
            ratio(got, of_runs().filter_map(|agent| agent.due_by_hour.get(hour)).sum())
        };
        let open_hours = runs.first().map_or(0, |run| run.hours.len());
        AgentSummary {
            target_share: mean(sum(|agent| agent.due), answered),
            actual_share: mean(calls, answered),
            calls: mean(calls, days),
            talk_minutes: mean(sum(|agent| agent.talk_seconds) / 60.0, days),
            contracts: mean(sum(|agent| agent.contracts as f64), days),
            revenue: mean(sum(|agent| agent.revenue), days),
            ratio_by_hour: (0..open_hours).map(by_hour).collect(),
        }
    };
    (0..runs.first().map_or(0, |run| run.agents.len())).map(summary).collect()
}

fn hours(runs: &[Figures]) -> Vec<HourSummary> {
    let days = days(runs);
    let summary = |hour: usize| {
        let sum = |part: fn(&HourFigures) -> f64| runs.iter().filter_map(|run| run.hours.get(hour)).map(part).sum::<f64>();
        let offered = sum(|hour| hour.offered as f64);
        HourSummary {
            offered: mean(offered, days),
            abandonment: ratio(sum(|hour| hour.abandoned as f64), offered),
            wait_seconds: ratio(sum(|hour| hour.wait_seconds), sum(|hour| hour.answered as f64)),
            occupancy: ratio(sum(|hour| hour.busy_seconds), sum(|hour| hour.duty_seconds)),
        }
    };
    (0..runs.first().map_or(0, |run| run.hours.len())).map(summary).collect()
}

fn returns(runs: &[Figures]) -> Vec<ReturnSummary> {
    let known = runs.first().map_or(&[][..], |run| &run.returns);
    let summary = |(place, back): (usize, &super::figures::ReturnFigures)| {
        let sum = |part: fn(&super::figures::ReturnFigures) -> f64| {
            runs.iter().filter_map(|run| run.returns.get(place)).map(part).sum::<f64>()
        };
        ReturnSummary {
            agent: back.agent,
            at_seconds: back.at_seconds,
            first_30_minutes: ratio(sum(|back| back.calls_30_minutes), sum(|back| back.due_30_minutes)),
            first_2_hours: ratio(sum(|back| back.calls_2_hours), sum(|back| back.due_2_hours)),
        }
    };
    known.iter().enumerate().map(summary).collect()
}

fn changes(runs: &[Figures]) -> Vec<ChangeSummary> {
    let known = runs.first().map_or(&[][..], |run| &run.changes);
    let summary = |(place, change): (usize, &super::figures::ChangeFigures)| {
        let of_runs = || runs.iter().filter_map(|run| run.changes.get(place));
        let looked_at = of_runs().map(|change| change.occasions as f64 * 60.0).sum();
        ChangeSummary {
            agent: change.agent,
            at_seconds: change.at_seconds,
            share_of_60: ratio(of_runs().map(|change| change.calls_of_60 as f64).sum(), looked_at),
            most_of_11: of_runs().map(|change| change.most_of_11).max().unwrap_or(0),
        }
    };
    known.iter().enumerate().map(summary).collect()
}

fn lorenz(runs: &[Figures]) -> Vec<f64> {
    let days = days(runs);
    let points = runs.first().map_or(0, |run| run.lorenz.len());
    (0..points).map(|point| mean(runs.iter().filter_map(|run| run.lorenz.get(point)).sum(), days)).collect()
}
