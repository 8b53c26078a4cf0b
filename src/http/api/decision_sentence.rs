//! What a decision did in one group, in one sentence: who was taken and why.
//!
//! It tells only what was recorded, and computes no choice anew.

use super::decision_guard::rested;
use super::decisions::Candidate;
use crate::core::decision::{Reason, Stage};
use crate::core::record::{DecisionRecord, GroupView};

/// Credits closer than this are equal: they differ by rounding alone.
const SAME_CREDIT: f64 = 1e-9;

/// The sentence of one group; `candidates` are its members, the most behind first.
pub(super) fn sentence(record: &DecisionRecord, view: &GroupView, candidates: &[Candidate]) -> String {
    if let Some(text) = rested(view) {
        return text;
    }
    let Some(chosen) = candidates.iter().find(|candidate| candidate.chosen) else {
        return format!("Group `{}` was looked into for the further targets only.", view.group);
    };
    let is_task = record.asked.calls_back.is_some();
    match record.decision.reason {
        Reason::PersonalManager => known_caller(record, view, chosen, "being the caller's own manager"),
        Reason::Callback if !is_task => {
            known_caller(record, view, chosen, "having talked with the caller lately or owing the caller a call")
        }
        Reason::Percent
        | Reason::EqualCalls
        | Reason::EqualTalkTime
        | Reason::Performance
        | Reason::HeadCount
        | Reason::Callback
        | Reason::Fallback
        | Reason::NoRoute => by_credit(record, view, chosen, candidates),
    }
}

/// Somebody came first for who called.
fn known_caller(record: &DecisionRecord, view: &GroupView, chosen: &Candidate, why: &str) -> String {
    let agent = record.decision.targets.first().map_or(chosen.member.as_str(), |target| target.agent.as_str());
    let through = if agent == chosen.member { String::new() } else { format!(" through `{}`", chosen.member) };
    let credit = if record.moves_credit {
        "the call is charged like any other"
    } else {
        "the call is kept apart and moves nobody's credit"
    };
    format!("In group `{}` `{agent}` came first{through} for {why}, not by credit; {credit}.", view.group)
}

fn by_credit(record: &DecisionRecord, view: &GroupView, chosen: &Candidate, candidates: &[Candidate]) -> String {
    let unit = if view.in_seconds { "seconds" } else { "calls" };
    let owed_more = |candidate: &&Candidate| {
        candidate.expected > 0.0 && candidate.owed_compared > chosen.owed_compared + SAME_CREDIT && !candidate.chosen
    };
    let passed: Vec<&Candidate> = candidates.iter().filter(owed_more).collect();
    let before = match passed.as_slice() {
        [] => String::new(),
        [one] => format!("; `{}` is owed more, but could not be rung first", one.member),
        many => format!("; {} others are owed more, but could not be rung first", many.len()),
    };
    let stage = record.decision.targets.first().map(|target| target.stage);
    let nobody_free = if stage == Some(Stage::Busy) { "; of the free nobody was left to try" } else { "" };
    let (behind, most) = if chosen.owed_compared < -SAME_CREDIT { ("ahead of", "the least") } else { ("behind", "the most") };
    let far = chosen.owed_compared.abs();
    format!(
        "In group `{}` `{}` was {far:.2} {unit} {behind} its share of {:.1} % with this call, {}{nobody_free}{before}.",
        view.group,
        chosen.member,
        chosen.target * 100.0,
        among(stage, chosen, candidates, most),
    )
}

/// Of whom somebody was the one most behind: those who stood alike and had not been tried for this call.
fn among(stage: Option<Stage>, chosen: &Candidate, candidates: &[Candidate], most: &str) -> String {
    let alike = || candidates.iter().filter(|candidate| candidate.standing == chosen.standing);
    let tried = alike().filter(|one| one.owed_compared > chosen.owed_compared + SAME_CREDIT).count();
    let left = alike().count() - tried;
    let stood = match (chosen.standing.as_str(), stage) {
        // A group in which somebody was free, but was tried before.
        ("free", Some(Stage::Busy)) => return format!("{most} of those through whom somebody could be rung"),
        ("free", _) => "free",
        ("busy", _) => "busy",
        ("reserved", _) => "being offered another call",
        _ => "left",
    };
    let untried = if tried > 0 { " and not tried before" } else { "" };
    match left {
        1 => format!("the only one who was {stood}{untried}"),
        _ => format!("{most} of the {left} who were {stood}{untried}"),
    }
}
