//! Writes answers of a dialect whose manifest declares them: which case holds, and its tree with values.
//!
//! What trees and conditions see: `settings` (defaults filled in, without secrets), `targets`, `first` (target or null),
//! `legs`, `fallback` (number or null), `outcome`, `branch` and `branch_code` (or null), `reason`, `call_id`, `decision_id`, `attempt`, `caller`, `echo`, `events_url` (or null).
//! A target is `{agent, name, stage, ring_seconds, order, number, numbers, code}`, its numbers already in the dialect's
//! form; a leg is `{order, agent, name, number, ring_seconds}`.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::hook::{Echo, HookReply};
use super::manifest::{AnswerSpec, CaseSpec, Manifest, PhoneForm};
use crate::core::agent::{Number, NumberKind};
use crate::core::decision::{Decision, Stage, Target};
use crate::integration::expression::{Formula, Tree, known};
use crate::integration::settings::Settings;

/// Why an answer could not be written: a fault of the manifest, which its samples should have shown.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AnswerFault {
    /// An expression failed.
    #[error("an expression of the manifest failed: {0}; run `meritline check` on it")]
    Expression(String),
    /// No case holds.
    #[error("no case of the manifest's answers holds: end the list with one without `when`")]
    NoCase,
}

/// The compiled writer.
#[derive(Debug, Clone)]
pub(super) struct AnswerWriter {
    phone_form: PhoneForm,
    codes: BTreeMap<String, String>,
    all_numbers_when: Option<Formula>,
    fallback_when: Option<Formula>,
    fallback_ring_seconds: u32,
    cases: Vec<Case>,
    safe: Vec<Case>,
    accepted: Vec<Case>,
    settings: Value,
    /// Every declared name with null, so that an echo that did not come is known and null.
    echo_names: Map<String, Value>,
}

/// One possible reply.
#[derive(Debug, Clone)]
struct Case {
    when: Option<Formula>,
    status: u16,
    body: Tree,
}

impl AnswerWriter {
    pub(super) fn compile(manifest: &Manifest, spec: &AnswerSpec, settings: &Settings) -> Result<Self, String> {
        let formula = |text: &Option<String>| text.as_deref().map(Formula::compile).transpose();
        Ok(Self {
            phone_form: spec.phone_form,
            codes: settings.map(spec.code_by.as_ref()),
            all_numbers_when: formula(&spec.legs.all_numbers_when)?,
            fallback_when: formula(&spec.legs.fallback_when)?,
            fallback_ring_seconds: spec.legs.fallback_ring_seconds,
            cases: cases(&spec.cases)?,
            safe: cases(&manifest.safe_answer)?,
            accepted: cases(&manifest.events_answer)?,
            settings: settings.as_json(),
            echo_names: manifest
                .decision
                .iter()
                .flat_map(|spec| spec.echo.keys())
                .map(|name| (name.clone(), Value::Null))
                .collect(),
        })
    }

    pub(super) fn decision(&self, decision: &Decision, echo: &Echo, events_url: Option<&str>) -> Result<HookReply, AnswerFault> {
        let targets: Vec<Value> = decision.targets.iter().zip(1u32..).map(|(target, order)| self.target(target, order)).collect();
        let fallback = decision.fallback.as_ref().map(|fallback| self.fallback(&fallback.number));
        let mut scope = self.scope(echo, fallback.as_deref(), events_url);
        scope.insert("first".to_owned(), targets.first().cloned().unwrap_or(Value::Null));
        scope.insert("targets".to_owned(), Value::Array(targets));
        let branch = decision.outcome.as_ref().and_then(|outcome| outcome.branch());
        scope.insert("outcome".to_owned(), json!(decision.outcome_word()));
        scope.insert("branch".to_owned(), json!(branch));
        scope.insert("branch_code".to_owned(), json!(branch.and_then(|name| self.codes.get(&**name))));
        scope.insert("reason".to_owned(), json!(decision.reason));
        scope.insert("call_id".to_owned(), json!(decision.call_id));
        scope.insert("decision_id".to_owned(), json!(decision.decision_id));
        scope.insert("attempt".to_owned(), json!(decision.attempt));
        scope.insert("caller".to_owned(), json!(decision.caller));
        let legs = self.legs(decision, fallback.as_deref(), &scope)?;
        scope.insert("legs".to_owned(), Value::Array(legs));
        pick(&self.cases, &scope)
    }

    pub(super) fn safe(&self, echo: &Echo, fallback: Option<&str>) -> HookReply {
        let fallback = fallback.map(|number| self.fallback(number));
        let scope = self.scope(echo, fallback.as_deref(), None);
        // Without a case the PBX's own else branch is all that is left: an error status leads there.
        pick(&self.safe, &scope).unwrap_or_else(|_| HookReply::json(404, &json!({})))
    }

    pub(super) fn accepted(&self, accepted: usize, duplicates: usize, rejected: usize) -> HookReply {
        let mut scope = self.scope(&Echo::default(), None, None);
        for (name, count) in [("accepted", accepted), ("duplicates", duplicates), ("rejected", rejected)] {
            scope.insert(name.to_owned(), json!(count));
        }
        pick(&self.accepted, &scope).unwrap_or_else(|_| HookReply::json(200, &json!({})))
    }

    fn scope(&self, echo: &Echo, fallback: Option<&str>, events_url: Option<&str>) -> Map<String, Value> {
        let mut echoed = self.echo_names.clone();
        echoed.extend(echo.0.clone());
        let mut scope = Map::new();
        scope.insert("settings".to_owned(), self.settings.clone());
        scope.insert("echo".to_owned(), Value::Object(echoed));
        scope.insert("fallback".to_owned(), json!(fallback));
        scope.insert("events_url".to_owned(), json!(events_url));
        scope
    }

    fn target(&self, target: &Target, order: u32) -> Value {
        let numbers: Vec<String> = target.numbers.iter().map(|number| self.number(number)).collect();
        // From the agent up to the route's group: the nearest that has a label.
        let path = std::iter::once(target.agent.as_str()).chain(target.groups.iter().rev().map(|group| group.as_str()));
        let code = path.filter_map(|id| self.codes.get(id)).next();
        let stage = match target.stage {
            Stage::Free => "free",
            Stage::Busy => "busy",
        };
        json!({"agent": target.agent, "name": target.name, "stage": stage, "ring_seconds": target.ring_seconds, "order": order,
               "number": numbers.first(), "numbers": numbers, "code": code})
    }

    fn legs(&self, decision: &Decision, fallback: Option<&str>, scope: &Map<String, Value>) -> Result<Vec<Value>, AnswerFault> {
        let seen = known(&Value::Object(scope.clone()));
        let holds = |formula: &Option<Formula>| match formula {
            Some(formula) => formula.holds(&seen).map_err(AnswerFault::Expression),
            None => Ok(false),
        };
        let per_target = if holds(&self.all_numbers_when)? { usize::MAX } else { 1 };
        let numbers =
            decision.targets.iter().flat_map(|target| target.numbers.iter().take(per_target).map(move |number| (target, number)));
        let mut legs: Vec<Value> = numbers
            .zip(1u32..)
            .map(|((target, number), order)| {
                json!({"order": order, "agent": target.agent, "name": target.name, "number": self.number(number),
                       "ring_seconds": target.ring_seconds})
            })
            .collect();
        if let Some(number) = fallback
            && holds(&self.fallback_when)?
        {
            legs.push(json!({"order": legs.len() + 1, "agent": null, "name": "fallback", "number": number,
                             "ring_seconds": self.fallback_ring_seconds}));
        }
        Ok(legs)
    }

    fn number(&self, number: &Number) -> String {
        match number.kind {
            NumberKind::Sip => number.value.to_string(),
            NumberKind::Mobile | NumberKind::Landline => self.fallback(&number.value),
        }
    }

    /// A phone number in the dialect's form; an internal number has no plus and stays.
    fn fallback(&self, number: &str) -> String {
        match self.phone_form {
            PhoneForm::E164 => number.to_owned(),
            PhoneForm::Digits => number.trim_start_matches('+').to_owned(),
        }
    }
}

fn cases(specs: &[CaseSpec]) -> Result<Vec<Case>, String> {
    let compiled = specs.iter().map(|spec| {
        let when = spec.when.as_deref().map(Formula::compile).transpose()?;
        Ok(Case { when, status: spec.status, body: Tree::compile(&spec.json)? })
    });
    compiled.collect()
}

/// The first case that holds, with its values.
fn pick(cases: &[Case], scope: &Map<String, Value>) -> Result<HookReply, AnswerFault> {
    let seen = known(&Value::Object(scope.clone()));
    for case in cases {
        let holds = case.when.as_ref().map_or(Ok(true), |when| when.holds(&seen)).map_err(AnswerFault::Expression)?;
        if holds {
            let body = case.body.value(scope).map_err(AnswerFault::Expression)?;
            return Ok(HookReply::json(case.status, &body));
        }
    }
    Err(AnswerFault::NoCase)
}
