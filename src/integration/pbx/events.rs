//! Reads call events of a dialect whose fields and words its manifest names.
//!
//! What cannot be used is told apart: a word that means nothing to the manifest is unknown (the caller keeps the hook and
//! answers well), an event whose fields make no sense is a fault.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::canonical::EVENTS_MAX;
use super::document::bounded;
use super::fault::{EventFault, HookFault};
use super::field::Fields;
use super::manifest::{EventField, EventsSpec, MeaningSpec, TimeForm, Who};
use crate::core::call::{CallEvent, CallEventType, Direction};
use crate::core::ids::{AgentId, CallId, EventId};
use crate::integration::expression::kind_of;
use crate::integration::settings::Settings;

/// At most this many agents are concerned by one event.
const AGENTS_MAX: usize = 100;

/// What a request of events came to.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct DecodedEvents {
    /// What was read, in the order of the request. One item of a foreign dialect may give several events.
    pub events: Vec<Result<CallEvent, EventFault>>,
    /// Items whose type means nothing to the dialect: to be kept in the inbox and answered with 2xx.
    pub unknown: Vec<UnknownEvent>,
}

/// An item whose type means nothing to the dialect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownEvent {
    /// Its position in the request, from 0.
    pub index: usize,
    /// The PBX's word, cut to a bearable length.
    pub event_type: String,
}

/// The compiled reader.
#[derive(Debug, Clone)]
pub(super) struct EventsReader {
    fields: Fields<EventField>,
    /// By the PBX's word in small letters: the meaning's name and what it says.
    words: HashMap<String, (String, MeaningSpec)>,
    agents: BTreeMap<String, String>,
    id_from: Vec<EventField>,
    time: TimeForm,
    zone: TimeZone,
    directions: BTreeMap<String, Direction>,
}

/// What is common to the events one item gives.
struct Item<'a> {
    document: &'a Value,
    name: &'a str,
    meaning: &'a MeaningSpec,
    word: &'a str,
    at: Option<Timestamp>,
    received_at: Timestamp,
}

impl EventsReader {
    pub(super) fn compile(spec: &EventsSpec, settings: &Settings) -> Result<Self, String> {
        let mut words = HashMap::new();
        for (name, meaning) in &spec.meanings {
            for word in &meaning.words {
                words.insert(folded(word), (name.clone(), meaning.clone()));
            }
        }
        for (word, name) in settings.map(spec.words_by.as_ref()) {
            let meaning = spec.meanings.get(&name).ok_or_else(|| format!("`{name}` is no meaning of an event"))?;
            words.insert(folded(&word), (name, meaning.clone()));
        }
        let zone = match settings.text(spec.time.zone_by.as_ref()) {
            Some(name) => TimeZone::get(name).map_err(|_| format!("`{name}` is no time zone"))?,
            None => TimeZone::UTC,
        };
        Ok(Self {
            fields: Fields::compile(&spec.fields, &settings.map(spec.rename_by.as_ref()))?,
            words,
            agents: settings.map(spec.agents_by.as_ref()),
            id_from: spec.id_from.clone(),
            time: spec.time.form,
            zone,
            directions: spec.directions.clone(),
        })
    }

    pub(super) fn decode(&self, document: &Value, received_at: Timestamp) -> Result<DecodedEvents, HookFault> {
        let items = match document {
            Value::Array(items) => items.as_slice(),
            one => std::slice::from_ref(one),
        };
        if items.len() > EVENTS_MAX {
            return Err(HookFault::TooManyEvents { found: items.len(), limit: EVENTS_MAX });
        }
        let mut decoded = DecodedEvents::default();
        for (index, item) in items.iter().enumerate() {
            match self.item(item, received_at) {
                Ok(Read::Events(events)) => decoded.events.extend(events.into_iter().map(Ok)),
                Ok(Read::Unknown(word)) => decoded.unknown.push(UnknownEvent { index, event_type: bounded(&word) }),
                Err(fault) => decoded.events.push(Err(EventFault::new(index, &fault))),
            }
        }
        Ok(decoded)
    }

    fn item(&self, document: &Value, received_at: Timestamp) -> Result<Read, HookFault> {
        if !document.is_object() {
            return Err(HookFault::WrongType {
                field: "/".to_owned(),
                expected: "an object".to_owned(),
                found: kind_of(document),
            });
        }
        let word = self.fields.required(EventField::Type, document)?;
        let Some((name, meaning)) = self.words.get(&folded(&word)) else { return Ok(Read::Unknown(word)) };
        let at = self.time(document)?;
        let item = Item { document, name, meaning, word: &word, at, received_at };
        let listed = match meaning.who {
            Who::Each => self.fields.list(EventField::Agents, document, AGENTS_MAX)?,
            Who::Named | Who::Required | Who::Nobody => Vec::new(),
        };
        if listed.is_empty() {
            return Ok(Read::Events(vec![self.event(&item, None)?]));
        }
        listed.iter().map(|agent| self.event(&item, Some(agent))).collect::<Result<_, _>>().map(Read::Events)
    }

    fn event(&self, item: &Item<'_>, listed: Option<&str>) -> Result<CallEvent, HookFault> {
        let document = item.document;
        let text = |field| self.fields.text(field, document);
        let (agent, number) = self.who(item, listed)?;
        let call_id = match item.meaning.is {
            CallEventType::AgentState => text(EventField::CallId)?,
            _ => Some(self.fields.required(EventField::CallId, document)?),
        };
        let to_agent = if item.meaning.is == CallEventType::Transferred {
            Some(self.fields.required(EventField::ToAgent, document)?)
        } else {
            text(EventField::ToAgent)?
        };
        Ok(CallEvent {
            event_id: self.event_id(item, listed)?,
            call_id: call_id.map(CallId::new),
            event_type: item.meaning.is,
            agent,
            number,
            to_agent: to_agent.map(|id| self.agent(&id)),
            direction: self.direction(item)?,
            at: item.at.unwrap_or(item.received_at),
            talk_seconds: self.fields.whole_number(EventField::TalkSeconds, document)?,
            state: None,
            reason: text(EventField::Reason)?,
            recording_url: self.link(document)?,
        })
    }

    /// Whose event it is: a mapped agent, else the PBX's own id and a number, of which the broker tries both.
    fn who(&self, item: &Item<'_>, listed: Option<&str>) -> Result<(Option<AgentId>, Option<String>), HookFault> {
        if let Some(id) = listed {
            return Ok((Some(self.agent(id)), None));
        }
        if item.meaning.who == Who::Nobody {
            return Ok((None, None));
        }
        let id = self.fields.text(EventField::Agent, item.document)?;
        let number = self.fields.text(EventField::Number, item.document)?;
        if id.is_none() && number.is_none() && item.meaning.who == Who::Required {
            return Err(self.fields.missing_any(
                &[EventField::Agent, EventField::Number],
                "this event ends one leg and does not say whose: let the PBX send the agent or its number",
            ));
        }
        Ok((id.map(|id| self.agent(&id)), number))
    }

    fn agent(&self, id: &str) -> AgentId {
        self.agents.get(id).map_or_else(|| AgentId::from(id), |agent| AgentId::from(agent.as_str()))
    }

    fn direction(&self, item: &Item<'_>) -> Result<Direction, HookFault> {
        let said = self.fields.text(EventField::Direction, item.document)?;
        Ok(said.and_then(|word| self.directions.get(&folded(&word)).copied()).unwrap_or(item.meaning.direction))
    }

    /// An address may be longer than other texts.
    fn link(&self, document: &Value) -> Result<Option<String>, HookFault> {
        const LINK_CHARS_MAX: usize = 4096;
        let Some((name, value)) = self.fields.find(EventField::RecordingUrl, document) else { return Ok(None) };
        match value.as_str() {
            Some(link) if link.chars().nth(LINK_CHARS_MAX).is_none() => Ok(Some(link.trim().to_owned())),
            Some(_) => {
                let expected = format!("at most {LINK_CHARS_MAX} characters");
                Err(HookFault::WrongValue { field: name.spelling().to_owned(), expected })
            }
            None => {
                let (field, found) = (name.spelling().to_owned(), kind_of(value));
                Err(HookFault::WrongType { field, expected: "a text".to_owned(), found })
            }
        }
    }

    /// The PBX's own id, or one made of what does not change when the PBX sends the event again. Hashed, since a number may
    /// be among it and ids are logged.
    fn event_id(&self, item: &Item<'_>, listed: Option<&str>) -> Result<EventId, HookFault> {
        if let Some(id) = self.fields.text(EventField::EventId, item.document)? {
            return Ok(EventId::new(id));
        }
        let mut digest = Sha256::new();
        for field in &self.id_from {
            let part = match field {
                EventField::Type => Some(item.word.to_owned()),
                EventField::At => item.at.map(|at| at.to_string()),
                EventField::Agent if listed.is_some() => listed.map(str::to_owned),
                other => self.fields.text(*other, item.document)?,
            };
            digest.update(part.unwrap_or_default().as_bytes());
            digest.update([0]);
        }
        let mut id = format!("{}-", item.name);
        for byte in digest.finalize().iter().take(16) {
            let _ = write!(id, "{byte:02x}");
        }
        Ok(EventId::new(id))
    }

    fn time(&self, document: &Value) -> Result<Option<Timestamp>, HookFault> {
        let Some(text) = self.fields.text(EventField::At, document)? else { return Ok(None) };
        let wrong = || {
            let expected = match self.time {
                TimeForm::Rfc3339 => "an RFC 3339 time with an offset",
                TimeForm::Local => "a date and time such as 2026-11-23 10:00:00",
                TimeForm::Unix => "seconds since 1970",
                TimeForm::UnixMs => "milliseconds since 1970",
            };
            HookFault::WrongValue { field: self.fields.spelling(EventField::At, document), expected: expected.to_owned() }
        };
        if let Ok(at) = text.parse::<Timestamp>() {
            return Ok(Some(at));
        }
        let read = match self.time {
            TimeForm::Rfc3339 => None,
            TimeForm::Local => text.parse::<DateTime>().ok().and_then(|local| self.zone.to_timestamp(local).ok()),
            TimeForm::Unix => text.parse().ok().and_then(|seconds| Timestamp::from_second(seconds).ok()),
            TimeForm::UnixMs => text.parse().ok().and_then(|milliseconds| Timestamp::from_millisecond(milliseconds).ok()),
        };
        read.map(Some).ok_or_else(wrong)
    }
}

enum Read {
    Events(Vec<CallEvent>),
    Unknown(String),
}

fn folded(word: &str) -> String {
    word.trim().to_lowercase()
}
