//! What a decision did in one group, in one sentence: who was taken and why.
//!
//! It tells only what was recorded, and computes no choice anew.

use super::decision_guard::rested;
use super::decisions::Candidate;
use crate::core::decision::{Reason, Stage};
use crate::core::ids::MemberId;
use crate::core::record::{DecisionRecord, GroupView, MemberStanding};

/// Credits closer than this are equal: they differ by rounding alone.
const SAME_CREDIT: f64 = 1e-9;

/// The sentence of one group; `candidates` are its members, the most behind first.
pub(super) fn sentence(record: &DecisionRecord, view: &GroupView, candidates: &[Candidate]) -> String {
    if let Some(text) = rested(view) {
        return text;
    }
    if record.decision.targets.is_empty() {
        return nobody(record, view);
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

/// Why nobody in a group could be rung: how its people stood.
fn nobody(record: &DecisionRecord, view: &GroupView) -> String {
    let group = &view.group;
    let is_group = |member: &MemberId| record.groups.iter().any(|view| view.group.as_str() == member.as_str());
    let members = || view.lambda.members.iter().zip(&view.standing).enumerate();
    let people = |standing: MemberStanding| {
        members().filter(move |(_, (id, stood))| **stood == standing && !is_group(id)).map(|(position, _)| position)
    };
    let count = |standing: MemberStanding| {
        let count = people(standing).count();
        (count > 0).then(|| format!("{count} {}{}", in_words(standing), stopped_by(view, people(standing))))
    };
    let mut stood: Vec<String> = STANDINGS.into_iter().filter_map(count).collect();
    let groups = members().filter(|(_, (id, _))| is_group(id)).map(|(_, (id, _))| format!("`{id}`"));
    let groups: Vec<String> = groups.collect();
    if !groups.is_empty() {
        stood.push(format!("for {} see there", groups.join(", ")));
    }
    let stood = if stood.is_empty() { "it has no members".to_owned() } else { stood.join(", ") };
    // Whoever is free is rung, unless only the caller's own manager may be.
    if !view.standing.contains(&MemberStanding::Free) {
        return format!("Nobody in group `{group}` could be rung: {stood}.");
    }
    let manager = match &record.decision.caller.responsible {
        Some(agent) => format!("`{agent}` could not be"),
        None => "none is known".to_owned(),
    };
    format!("In group `{group}` only the caller's own manager may be rung, and {manager}: {stood}.")
}

/// How people can stand, in the order in which it is told.
const STANDINGS: [MemberStanding; 10] = [
    MemberStanding::Free,
    MemberStanding::Busy,
    MemberStanding::Reserved,
    MemberStanding::Stopped,
    MemberStanding::Paused,
    MemberStanding::PlannedBreak,
    MemberStanding::ShiftEnding,
    MemberStanding::OutsideHours,
    MemberStanding::OffDuty,
    MemberStanding::NoShare,
];

fn in_words(standing: MemberStanding) -> &'static str {
    match standing {
        MemberStanding::Free => "free",
        MemberStanding::Busy => "busy",
        MemberStanding::Reserved => "being offered another call",
        MemberStanding::Stopped => "stopped by the guard",
        MemberStanding::Paused => "paused",
        MemberStanding::PlannedBreak => "in a planned break",
        MemberStanding::ShiftEnding => "too close to a break or to the end of the shift",
        MemberStanding::OutsideHours => "outside working hours",
        MemberStanding::OffDuty => "off duty",
        MemberStanding::NoShare => "without a share",
    }
}

/// By which indicators members were stopped, in brackets; nothing for those who were not.
fn stopped_by(view: &GroupView, members: impl Iterator<Item = usize>) -> String {
    let stopped = members.filter(|position| view.is_stopped(*position));
    let mut by: Vec<&str> = stopped.filter_map(|position| Some(view.eased(position)?.cause?.by.as_str())).collect();
    by.sort_unstable();
    by.dedup();
    if by.is_empty() { String::new() } else { format!(" ({})", by.join(", ").replace('_', " ")) }
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
