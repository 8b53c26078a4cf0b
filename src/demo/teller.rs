//! One plain sentence for what just happened and why.
//!
//! It keeps only what a later sentence of the same call needs. Callers' numbers come out masked.

use std::collections::HashMap;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::company::Company;
use super::hooks::AnsweredTarget;
use super::sales::Closed;
use super::screen::grouped;
use super::traffic::{Happening, What};
use super::watch::View;
use super::workspace_text::{CURRENCY, RING_SECONDS};
use crate::core::phone_number::masked;

/// Calls remembered; a call beyond that is told without its reason.
const CALLS_MAX: usize = 1000;

#[derive(Default)]
struct Known {
    reason: String,
    customer: Option<String>,
    degraded: Vec<String>,
    /// What the rung agent was owed when the phone began to ring.
    owed: Option<f64>,
}

/// Turns happenings into sentences.
pub struct Teller {
    zone: TimeZone,
    calls: HashMap<u64, Known>,
}

impl Teller {
    /// Times are told in `zone`.
    pub fn new(zone: TimeZone) -> Self {
        Self { zone, calls: HashMap::new() }
    }

    /// The sentence for a happening; none for steps nobody needs to read. `view` is the last look at the service.
    pub fn tell(&mut self, happening: &Happening, view: &View) -> Option<String> {
        let known = self.note(happening, view);
        let said = match &happening.what {
            What::Decided { .. } | What::Rang { .. } | What::Busy { .. } | What::Ended { .. } => return None,
            What::Answered { target, before, after_seconds } => {
                format!("→ {}: {}; answered after {after_seconds:.0} s", person(target), why(target, *before, &known))
            }
            What::Missed { target, next } => {
                let then = match next {
                    Some(next) => format!("next {}", next.name),
                    None => "nobody is left to ring".to_owned(),
                };
                format!("→ {}: not picked up in {RING_SECONDS:.0} s; {then}", person(target))
            }
            What::HungUp { target, waited_seconds } => {
                format!("hung up after {waited_seconds:.0} s, while {} was rung", target.name)
            }
            What::Fallback { targets: 0, number } => format!("nobody can be rung; {}", backup(number.as_deref())),
            What::Fallback { targets, number } => {
                format!("all {targets} to ring were busy or did not pick up; {}", backup(number.as_deref()))
            }
            What::LinesBusy => "all lines of the PBX are in use: busy tone".to_owned(),
            What::HookFailed { decision: true, error } => format!("HOOK FAILED, the PBX uses its own plan: {error}"),
            What::HookFailed { decision: false, error } => format!("EVENT NOT TAKEN: {error}"),
        };
        Some(format!("{}  {} {said}", self.clock_face(happening.at), caller(happening.caller.as_deref())))
    }

    /// The sentence for a closed deal; none for a lost one.
    pub fn tell_sale(&self, closed: &Closed, company: &Company, at: Timestamp) -> Option<String> {
        let (agent, amount) = (company.agents.get(closed.agent)?, closed.amount?);
        let amount = grouped(&amount.round().normalize().to_string());
        Some(format!(
            "{}  {} closed a contract of {amount} {CURRENCY}: the CRM has it, the next pull counts it",
            self.clock_face(at),
            agent.name
        ))
    }

    fn clock_face(&self, at: Timestamp) -> String {
        at.to_zoned_datetime(self.zone.clone()).strftime("%H:%M:%S").to_string()
    }

    /// Remembers or recalls what the sentence needs.
    fn note(&mut self, happening: &Happening, view: &View) -> Known {
        match &happening.what {
            What::Decided { reason, customer, degraded, .. } => {
                if self.calls.len() < CALLS_MAX {
                    let (reason, customer, degraded) = (reason.clone(), customer.clone(), degraded.clone());
                    self.calls.insert(happening.call, Known { reason, customer, degraded, owed: None });
                }
                Known::default()
            }
            What::Rang { target, .. } => {
                if let Some(known) = self.calls.get_mut(&happening.call) {
                    known.owed = view.get(&target.agent).and_then(|agent| agent.owed);
                }
                Known::default()
            }
            What::Missed { next: Some(_), .. } | What::Busy { .. } | What::Ended { .. } => Known::default(),
            What::Answered { .. }
            | What::Missed { next: None, .. }
            | What::HungUp { .. }
            | What::Fallback { .. }
            | What::LinesBusy
            | What::HookFailed { .. } => self.calls.remove(&happening.call).unwrap_or_default(),
        }
    }
}

fn person(target: &AnsweredTarget) -> String {
    match target.numbers.first() {
        Some(number) if !number.value.starts_with('+') => format!("{} (x{})", target.name, number.value),
        _ => target.name.clone(),
    }
}

fn why(target: &AnsweredTarget, before: usize, known: &Known) -> String {
    let mut why = match (known.reason.as_str(), before) {
        ("personal_manager", 0) => {
            format!("the manager of {}", known.customer.as_deref().unwrap_or("this customer"))
        }
        (_, 0) => standing(target, known.owed),
        (_, 1) => format!("{}, next in line", standing(target, known.owed)),
        (_, before) => format!("{}, in line after {before}", standing(target, known.owed)),
    };
    if target.stage == "busy" {
        why.push_str(", nobody else was free");
    }
    if !known.degraded.is_empty() {
        let words: Vec<&str> = known.degraded.iter().map(|what| in_words(what)).collect();
        why.push_str(&format!(" ({})", words.join(", ")));
    }
    why
}

/// "share 8.1 %, 1.4 calls behind".
fn standing(target: &AnsweredTarget, owed: Option<f64>) -> String {
    let share = format!("share {:.1} %", target.share * 100.0);
    match owed {
        Some(owed) if owed >= 0.05 => format!("{share}, {owed:.1} calls behind"),
        Some(owed) if owed <= -0.05 => format!("{share}, {:.1} calls ahead", -owed),
        Some(_) => format!("{share}, even"),
        None => share,
    }
}

fn backup(number: Option<&str>) -> String {
    number.map_or_else(|| "the answer names no backup number".to_owned(), |number| format!("backup number {}", spaced(number)))
}

fn caller(number: Option<&str>) -> String {
    number.map_or_else(|| "number withheld  ".to_owned(), |number| spaced(&masked(number)))
}

/// `+7916•••••07` as `+7 916 •••-••-07`; other numbers stay as they are.
fn spaced(number: &str) -> String {
    let chars: Vec<char> = number.chars().collect();
    match (number.starts_with("+7"), chars.as_slice()) {
        (true, [plus, seven, a, b, c, d, e, f, g, h, i, j]) => {
            format!("{plus}{seven} {a}{b}{c} {d}{e}{f}-{g}{h}-{i}{j}")
        }
        _ => number.to_owned(),
    }
}

/// What an answer had to do without, in words.
fn in_words(degraded: &str) -> &str {
    match degraded {
        "caller_lookup" => "the CRM did not say in time who calls",
        "caller_stale" => "the caller's card was an older one",
        "scores_stale" => "scores were old",
        "scores_missing" => "there were no scores yet",
        "log" => "the decision was not on disk yet",
        "overload" => "too many calls at once",
        "fault" => "a fault inside",
        other => other,
    }
}
