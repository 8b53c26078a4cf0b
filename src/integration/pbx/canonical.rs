//! The `canonical` codec: the JSON of our own contract, without renaming and without templates.
//!
//! Reading goes through the schemas of `schemas/`, so that they are what is enforced. A name given twice is refused: which
//! of two called numbers was meant cannot be guessed in mid-call.

use std::fmt;

use jiff::Timestamp;
use serde::de::{DeserializeOwned, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::contract::{CALL_EVENT, Contract, DECISION_REQUEST};
use super::dialect::EventsOutcome;
use super::document;
use super::fault::{EventFault, HookFault};
use super::hook::HookReply;
use super::party;
use crate::core::agent::Number;
use crate::core::call::{CallEvent, DecisionRequest};
use crate::core::decision::{CallerCard, Decision, Degraded, Fallback, Reason, Stage};
use crate::core::ids::{AgentId, CallId, DecisionId, EventId};

/// The most events taken in one request.
pub const EVENTS_MAX: usize = 1000;

/// Reads a decision request.
pub(super) fn decode_decision(body: &[u8], default_region: &str) -> Result<DecisionRequest, HookFault> {
    let value = checked(body, &DECISION_REQUEST)?;
    let text = |name: &str| value.get(name).and_then(Value::as_str);
    let owned = |name: &str| text(name).map(str::to_owned);
    let excluded = value.get("exclude").and_then(Value::as_array).into_iter().flatten();
    Ok(DecisionRequest {
        call_id: CallId::from(text("call_id").unwrap_or_default()),
        caller: text("caller").and_then(|caller| party::caller(caller, default_region)),
        called: party::called(text("called").unwrap_or_default(), default_region),
        scenario: owned("scenario"),
        operation: owned("operation"),
        attempt: whole_number(value.get("attempt")),
        exclude: excluded.filter_map(Value::as_str).map(AgentId::from).collect(),
        at: text("at").map(instant).transpose()?,
    })
}

/// Reads one event, or an array of them: each is taken or refused on its own.
pub(super) fn decode_events(body: &[u8]) -> Result<Vec<Result<CallEvent, EventFault>>, HookFault> {
    let first = body.iter().find(|byte| !byte.is_ascii_whitespace());
    let items: Vec<&RawValue> = match first {
        Some(b'[') => document::json(body)?,
        _ => vec![document::json(body)?],
    };
    if items.len() > EVENTS_MAX {
        return Err(HookFault::TooManyEvents { found: items.len(), limit: EVENTS_MAX });
    }
    let decoded = items.iter().enumerate();
    Ok(decoded.map(|(index, item)| event(item.get().as_bytes()).map_err(|fault| EventFault::new(index, &fault))).collect())
}

fn event(body: &[u8]) -> Result<CallEvent, HookFault> {
    let value = checked(body, &CALL_EVENT)?;
    let text = |name: &str| value.get(name).and_then(Value::as_str);
    let owned = |name: &str| text(name).map(str::to_owned);
    Ok(CallEvent {
        event_id: EventId::from(text("event_id").unwrap_or_default()),
        call_id: text("call_id").map(CallId::from),
        event_type: word(&value, "type")?.ok_or_else(|| unfit("/type"))?,
        agent: text("agent").map(AgentId::from),
        number: owned("number"),
        to_agent: text("to_agent").map(AgentId::from),
        direction: word(&value, "direction")?.unwrap_or_default(),
        at: instant(text("at").unwrap_or_default())?,
        talk_seconds: whole_number(value.get("talk_seconds")),
        state: word(&value, "state")?,
        reason: owned("reason"),
        recording_url: owned("recording_url"),
    })
}

/// The body as JSON that keeps its contract.
fn checked(body: &[u8], contract: &Contract) -> Result<Value, HookFault> {
    let is_object = body.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{');
    let Fields { value, repeated } = if is_object { document::json(body)? } else { Fields::none(document::json(body)?) };
    contract.check(&value)?;
    match repeated {
        Some(field) => Err(HookFault::DuplicateField { field: document::bounded(&field) }),
        None => Ok(value),
    }
}

/// One of our own words; the schema lists them, so a mismatch means that schema and type went apart.
fn word<T: DeserializeOwned>(value: &Value, name: &str) -> Result<Option<T>, HookFault> {
    match value.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(found) => serde_json::from_value(found.clone()).map(Some).map_err(|_| unfit(&format!("/{name}"))),
    }
}

fn unfit(field: &str) -> HookFault {
    HookFault::WrongValue { field: field.to_owned(), expected: "a word of the contract".to_owned() }
}

fn instant(text: &str) -> Result<Timestamp, HookFault> {
    let expected = "an RFC 3339 time with an offset, such as 2026-11-23T10:00:00+03:00";
    text.parse().map_err(|_| HookFault::WrongValue { field: "/at".to_owned(), expected: expected.to_owned() })
}

/// A whole number; JSON Schema counts `1.0` among them.
fn whole_number(value: Option<&Value>) -> Option<u32> {
    let value = value?;
    let whole = value.as_u64().or_else(|| value.as_f64().filter(|float| float.fract() == 0.0).map(|float| float as u64))?;
    u32::try_from(whole).ok()
}

/// An object, with the first name that its top level has twice.
struct Fields {
    value: Value,
    repeated: Option<String>,
}

impl Fields {
    fn none(value: Value) -> Self {
        Self { value, repeated: None }
    }
}

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(TopLevel)
    }
}

struct TopLevel;

impl<'de> Visitor<'de> for TopLevel {
    type Value = Fields;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
        let (mut fields, mut repeated) = (Map::new(), None);
        while let Some(name) = map.next_key::<String>()? {
            let value = map.next_value()?;
            if repeated.is_none() && fields.contains_key(&name) {
                repeated = Some(name);
            } else {
                fields.insert(name, value);
            }
        }
        Ok(Fields { value: Value::Object(fields), repeated })
    }
}
/// A decision as the contract spells it: these names, in this order.
#[derive(Serialize)]
struct DecisionView<'a> {
    decision_id: DecisionId,
    call_id: &'a CallId,
    attempt: u32,
    reason: Reason,
    targets: Vec<TargetView<'a>>,
    fallback: Option<&'a Fallback>,
    caller: &'a CallerCard,
    scores_age_seconds: Option<u64>,
    degraded: &'a [Degraded],
    outcome: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    branch: Option<&'a str>,
}

#[derive(Serialize)]
struct TargetView<'a> {
    agent: &'a AgentId,
    name: &'a str,
    stage: Stage,
    share: f64,
    ring_seconds: u32,
    numbers: &'a [Number],
}

/// Writes a decision.
pub(super) fn encode_decision(decision: &Decision) -> HookReply {
    let targets = decision.targets.iter().map(|target| TargetView {
        agent: &target.agent,
        name: &target.name,
        stage: target.stage,
        share: target.share,
        ring_seconds: target.ring_seconds,
        numbers: &target.numbers,
    });
    let view = DecisionView {
        decision_id: decision.decision_id,
        call_id: &decision.call_id,
        attempt: decision.attempt,
        reason: decision.reason,
        targets: targets.collect(),
        fallback: decision.fallback.as_ref(),
        caller: &decision.caller,
        scores_age_seconds: decision.scores_age_seconds,
        degraded: &decision.degraded,
        outcome: decision.outcome_word(),
        branch: decision.outcome.as_ref().and_then(|outcome| outcome.branch()).map(|name| &**name),
    };
    HookReply::json(200, &view)
}

/// The counts of a request of events, and what was refused.
#[derive(Serialize)]
struct OutcomeView<'a> {
    accepted: usize,
    duplicates: usize,
    rejected: Vec<RejectedView<'a>>,
}

#[derive(Serialize)]
struct RejectedView<'a> {
    index: usize,
    code: &'a str,
    detail: &'a str,
}

/// Writes what became of a request of events: 200 if any was taken, else 422.
pub(super) fn encode_events_accepted(outcome: &EventsOutcome) -> HookReply {
    let status = if outcome.accepted + outcome.duplicates > 0 { 200 } else { 422 };
    let rejected =
        outcome.rejected.iter().map(|fault| RejectedView { index: fault.index, code: fault.code, detail: &fault.detail });
    HookReply::json(
        status,
        &OutcomeView { accepted: outcome.accepted, duplicates: outcome.duplicates, rejected: rejected.collect() },
    )
}
