//! From a file's words to a scenario and its policies.

use serde::Deserialize;
use serde_json::Value;

use super::document::{
    AgentPart, BaseChangePart, DistributionPart, FatiguePart, File, GuardPart, LoadPart, PolicyPart, ScorePart, WrapUpPart,
    Written,
};
use super::{SimulationFile, Tables, call_table};
use crate::core::distribution::selection::CREDIT_CAP_CALLS;
use crate::core::load::guard::{Band, Limits};
use crate::core::policy::{Count, Mode, WrapUp};
use crate::core::simulate::{
    self, AfterCall, Away, BaseChange, Distribution, Fatigue, GrowsOver, Load, LoggedCall, Rule, Scenario, ScoreKnobs,
    ShareSource, SimulatedAgent, SimulatedGuard, SimulatedPolicy,
};
use crate::workspace_file::durations;
use crate::workspace_file::problem::{Problems, did_you_mean};

const DAY_SECONDS: f64 = 86_400.0;
const REPLICATIONS: u32 = 10;
const DAYS: u32 = 20;
const PERIOD_SECONDS: f64 = 36_000.0;

/// Builds; what is wrong goes to `problems`. None when the document has not the form the schema promises.
pub(super) fn build(value: Value, tables: Tables<'_>, problems: &mut Problems<'_>) -> Option<SimulationFile> {
    let file = match File::deserialize(value) {
        Ok(file) => file,
        Err(error) => {
            problems.push("", format!("this cannot be read: {error}"));
            return None;
        }
    };
    let agents = agents(&file.agents, problems);
    let load = load(&file.load, tables, problems);
    let days = file.days.unwrap_or_else(|| days_of(&load));
    let scenario = Scenario {
        base_changes: base_changes(&file.base_changes, &agents, problems),
        agents,
        load,
        days,
        open_seconds: duration("/open", file.open.as_ref(), 9.0 * 3600.0, problems),
        warm_up_seconds: duration("/warm_up", file.warm_up.as_ref(), 0.0, problems),
        talk: distribution("/talk", &file.talk, problems),
        after_call: file.wrap_up.as_ref().map_or(AfterCall::None, |part| after_call(part, problems)),
        patience: file.patience.as_ref().map(|part| distribution("/patience", part, problems)),
        ring_seconds: duration("/ring", file.ring.as_ref(), 20.0, problems),
        check_cv: file.check_spread.unwrap_or(1.0),
        fatigue: file.fatigue.as_ref().map(fatigue),
        answer_goal_seconds: duration("/answer_goal", file.answer_goal.as_ref(), 20.0, problems),
    };
    let policies: Vec<SimulatedPolicy> =
        file.policies.iter().enumerate().map(|(at, part)| policy(&format!("/policies/{at}"), part, problems)).collect();
    for fault in simulate::check(&scenario, &policies) {
        problems.push(&fault.at, fault.message);
    }
    Some(SimulationFile {
        title: file.title.unwrap_or_else(|| file.simulation.clone()),
        id: file.simulation,
        description: file.description.unwrap_or_default(),
        seed: file.seed.unwrap_or(1),
        replications: file.replications.unwrap_or(REPLICATIONS),
        compare_with: compare_with(file.compare_with.as_deref(), &policies, problems),
        scenario,
        policies,
    })
}

fn duration(at: &str, text: Option<&Written>, default: f64, problems: &mut Problems<'_>) -> f64 {
    let Some(Written(text)) = text else { return default };
    match durations::seconds(text) {
        Some(seconds) => seconds as f64,
        None => {
            problems.push(at, format!("`{text}` is too long a time"));
            default
        }
    }
}

fn agents(part: &Value, problems: &mut Problems<'_>) -> Vec<SimulatedAgent> {
    let equal = |id: String| AgentPart {
        id,
        base: None,
        conversion: None,
        average_check: None,
        answer_probability: None,
        away: Vec::new(),
    };
    let parts = match part.as_u64() {
        Some(count) => {
            let width = count.to_string().len().max(2);
            (1..=count).map(|number| equal(format!("a{number:0width$}"))).collect()
        }
        None => Vec::<AgentPart>::deserialize(part).unwrap_or_else(|error| {
            problems.push("/agents", format!("this cannot be read: {error}"));
            Vec::new()
        }),
    };
    parts.into_iter().enumerate().map(|(at, part)| agent(&format!("/agents/{at}"), part, problems)).collect()
}

fn agent(at: &str, part: AgentPart, problems: &mut Problems<'_>) -> SimulatedAgent {
    let away = part.away.iter().enumerate().map(|(place, away)| Away {
        from_seconds: duration(&format!("{at}/away/{place}/from"), Some(&away.from), 0.0, problems),
        until_seconds: duration(&format!("{at}/away/{place}/until"), Some(&away.until), 0.0, problems),
    });
    SimulatedAgent {
        base: part.base.unwrap_or(1.0),
        conversion: part.conversion.unwrap_or(0.1),
        average_check: part.average_check.unwrap_or(100.0),
        answer_probability: part.answer_probability.unwrap_or(1.0),
        away: away.collect(),
        id: part.id,
    }
}

fn base_changes(parts: &[BaseChangePart], agents: &[SimulatedAgent], problems: &mut Problems<'_>) -> Vec<BaseChange> {
    let mut changes = Vec::new();
    for (at, part) in parts.iter().enumerate() {
        match agents.iter().position(|agent| agent.id == part.agent) {
            Some(agent) => {
                let at_seconds = duration(&format!("/base_changes/{at}/at"), Some(&part.at), 0.0, problems);
                changes.push(BaseChange { agent, at_seconds, base: part.base });
            }
            None => {
                let near = did_you_mean(&part.agent, agents.iter().map(|agent| agent.id.as_str()));
                problems.push(&format!("/base_changes/{at}/agent"), format!("`{}` is not an agent{near}", part.agent));
            }
        }
    }
    changes
}

fn load(part: &LoadPart, tables: Tables<'_>, problems: &mut Problems<'_>) -> Load {
    if let Some(rate) = part.calls_per_hour {
        return Load::PerHour(vec![rate]);
    }
    if let Some(profile) = &part.profile {
        return Load::PerHour(profile.clone());
    }
    if let Some(log) = &part.log {
        return Load::Log(log.iter().map(|call| LoggedCall { at_seconds: call.at, talk_seconds: call.talk }).collect());
    }
    let name = part.file.as_deref().unwrap_or_default();
    match tables(name).and_then(|text| call_table::read(&text)) {
        Ok(calls) => Load::Log(calls),
        Err(message) => {
            problems.push("/load/file", format!("{name}: {message}"));
            Load::PerHour(vec![1.0])
        }
    }
}

/// As many days as a record covers; some where calls come by chance.
fn days_of(load: &Load) -> u32 {
    match load {
        Load::PerHour(_) => DAYS,
        Load::Log(calls) => {
            let last = calls.iter().map(|call| call.at_seconds).fold(0.0, f64::max);
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "saturates; checked against the most days"
            )]
            let days = (last / DAY_SECONDS).floor() as u32;
            days.saturating_add(1)
        }
    }
}

fn distribution(at: &str, part: &DistributionPart, problems: &mut Problems<'_>) -> Distribution {
    let mut seconds = |key: &str, text: &Written| duration(&format!("{at}/{key}"), Some(text), 1.0, problems);
    if let Some(text) = &part.constant {
        return Distribution::Constant(seconds("constant", text));
    }
    if let Some(text) = &part.exponential {
        return Distribution::Exponential(seconds("exponential", text));
    }
    if let Some(log_normal) = &part.log_normal {
        return Distribution::LogNormal { mean: seconds("log_normal/mean", &log_normal.mean), cv: log_normal.cv };
    }
    let observed = part.observed.iter().flatten().enumerate();
    Distribution::Observed(observed.map(|(place, text)| seconds(&format!("observed/{place}"), text)).collect())
}

fn after_call(part: &Value, problems: &mut Problems<'_>) -> AfterCall {
    let keys = part.as_object().map_or(0, serde_json::Map::len);
    let by_talk = ["base_seconds", "per_talk_second", "max_seconds"].into_iter().filter(|key| part.get(key).is_some()).count();
    if keys > by_talk.max(1) {
        let message = "give either `base_seconds`, `per_talk_second` and `max_seconds`, or one distribution";
        problems.push("/wrap_up", message);
    }
    if by_talk > 0
        && let Ok(part) = WrapUpPart::deserialize(part)
    {
        return AfterCall::ByTalk(WrapUp {
            base_seconds: part.base_seconds.unwrap_or(30.0),
            per_talk_second: part.per_talk_second.unwrap_or(0.1),
            max_seconds: part.max_seconds.unwrap_or(180.0),
        });
    }
    AfterCall::Drawn(distribution("/wrap_up", &DistributionPart::deserialize(part).unwrap_or_default(), problems))
}

fn band([lo, hi]: [f64; 2]) -> Band {
    Band { lo, hi }
}

fn fatigue(part: &FatiguePart) -> Fatigue {
    Fatigue {
        talk_minutes: band(part.talk_minutes.unwrap_or([240.0, 360.0])),
        talk_loss: part.talk_loss.unwrap_or(0.0),
        calls_in_a_row: part.calls_in_a_row.unwrap_or(7.0),
        row_loss: part.row_loss.unwrap_or(0.0),
    }
}

fn policy(at: &str, part: &PolicyPart, problems: &mut Problems<'_>) -> SimulatedPolicy {
    let rule = rule(part);
    if !matches!(rule, Rule::Credit { .. }) {
        for (key, given) in [("grows_over", part.grows_over.is_some()), ("cap", part.cap.is_some())] {
            if given {
                problems.push(&format!("{at}/{key}"), format!("`{key}` goes with rule `credit` only: leave it out"));
            }
        }
    }
    SimulatedPolicy {
        id: part.id.clone(),
        shares: match part.mode.as_deref() {
            Some("equal_calls") => ShareSource::Mode(Mode::EqualCalls),
            Some("equal_talk_time") => ShareSource::Mode(Mode::EqualTalkTime),
            Some("performance") => ShareSource::Mode(Mode::Performance),
            Some("raw_totals") => ShareSource::RawTotals,
            _ => ShareSource::Mode(Mode::Percent),
        },
        rule,
        period_seconds: duration(&format!("{at}/period"), part.period.as_ref(), PERIOD_SECONDS, problems),
        count: if part.count.as_deref() == Some("offered") { Count::Offered } else { Count::Answered },
        guard: part.guard.as_ref().map(guard),
        score: score(&format!("{at}/score"), part.score.as_ref(), problems),
    }
}

fn rule(part: &PolicyPart) -> Rule {
    match part.rule.as_deref() {
        Some("longest_idle") => Rule::LongestIdle,
        Some("random") => Rule::Random,
        Some("counts_in_window") => Rule::CountsInWindow,
        Some("fair_window") => Rule::FairWindow,
        Some("webster") => Rule::Webster,
        Some("best_first") => Rule::BestFirst,
        _ => Rule::Credit {
            grows_over: match part.grows_over.as_deref() {
                Some("free") => GrowsOver::Free,
                Some("everybody") => GrowsOver::Everybody,
                _ => GrowsOver::Rotation,
            },
            cap: number_or_off(part.cap.as_ref(), CREDIT_CAP_CALLS),
        },
    }
}

/// A number, or nothing for `off`.
fn number_or_off(value: Option<&Value>, default: f64) -> Option<f64> {
    value.map_or(Some(default), Value::as_f64)
}

fn guard(part: &Value) -> SimulatedGuard {
    let preset = match part.as_str() {
        Some("light") => Some(Limits::LIGHT),
        Some("strict") => Some(Limits::STRICT),
        Some(_) => Some(Limits::STANDARD),
        None => None,
    };
    if let Some(limits) = preset {
        return SimulatedGuard { limits, hysteresis: true };
    }
    let Ok(part) = GuardPart::deserialize(part) else { return SimulatedGuard::STANDARD };
    let limits = Limits {
        talk_minutes: part.talk_minutes.map(band),
        calls_per_hour: part.calls_per_hour.map(band),
        occupancy: part.occupancy.map(band),
        calls_in_a_row: part.calls_in_a_row.map(band),
        minutes_since_rest: part.minutes_since_rest.map(band),
    };
    SimulatedGuard { limits, hysteresis: part.hysteresis.unwrap_or(true) }
}

fn score(at: &str, part: Option<&ScorePart>, problems: &mut Problems<'_>) -> ScoreKnobs {
    let usual = ScoreKnobs::default();
    let Some(part) = part else { return usual };
    let days = |text: Option<&str>, default: Option<u32>| text.map_or(default, |text| text.strip_suffix('d')?.parse().ok());
    let smoothing = duration(&format!("{at}/smoothing"), part.smoothing.as_ref(), usual.smoothing_seconds as f64, problems);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "whole seconds from a duration")]
    let smoothing_seconds = smoothing as u64;
    ScoreKnobs {
        caution: part.caution.unwrap_or(usual.caution),
        half_life_days: days(part.half_life.as_deref(), usual.half_life_days),
        horizon_days: days(part.horizon.as_deref(), usual.horizon_days),
        strength: part.strength.unwrap_or(usual.strength),
        floor: part.floor.unwrap_or(usual.floor),
        ceiling: part.ceiling.unwrap_or(usual.ceiling),
        deal_cap: number_or_off(part.deal_cap.as_ref(), usual.deal_cap.unwrap_or(f64::INFINITY)),
        smoothing_seconds,
    }
}

fn compare_with(id: Option<&str>, policies: &[SimulatedPolicy], problems: &mut Problems<'_>) -> usize {
    let Some(id) = id else { return 0 };
    policies.iter().position(|policy| policy.id == id).unwrap_or_else(|| {
        let near = did_you_mean(id, policies.iter().map(|policy| policy.id.as_str()));
        problems.push("/compare_with", format!("`{id}` is not one of the policies{near}"));
        0
    })
}
