//! The shape of a dialect's manifest: everything in which one PBX differs from another, as data.
//!
//! Nothing here names a PBX. What a manifest can say is what `schemas/pbx-manifest.schema.json` documents; a manifest is held
//! against that schema, then against these types, which refuse unknown keys as well.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::contract;
use super::hook::HookKind;
use super::settings::SettingSpec;
use crate::core::call::{CallEventType, Direction};

/// A dialect as its manifest declares it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The folder's name under `integrations/pbx/`.
    pub dialect: String,
    /// What people call the phone systems that speak it.
    pub title: String,
    /// What it does, in a sentence or two, and how sure we are of it.
    pub about: String,
    /// Where the connection's secret may stand.
    pub secret: SecretSpec,
    /// How the sender proves itself.
    pub verify: VerifySpec,
    /// What an administrator may set, by name.
    #[serde(default)]
    pub settings: BTreeMap<String, SettingSpec>,
    /// The hooks and where they are.
    pub hooks: Hooks,
    /// A named codec that reads and writes everything itself.
    pub codec: Option<Codec>,
    /// How a decision request is read.
    pub decision: Option<DecisionSpec>,
    /// How events are read.
    pub events: Option<EventsSpec>,
    /// How a decision is written.
    pub answer: Option<AnswerSpec>,
    /// What is said when no decision could be made: the first case that holds.
    #[serde(default)]
    pub safe_answer: Vec<CaseSpec>,
    /// What is said to events that are stored: the first case that holds.
    #[serde(default)]
    pub events_answer: Vec<CaseSpec>,
    /// What this dialect cannot do, in sentences for the administrator.
    #[serde(default)]
    pub limits: Vec<String>,
}

/// Where the connection's secret may stand.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SecretSpec {
    /// The setting that holds it.
    pub setting: String,
    /// The places, in the order they are looked at.
    pub at: Vec<SecretPlace>,
}

/// A place for the secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SecretPlace {
    /// `Authorization: Bearer <secret>`.
    Bearer,
    /// `?token=<secret>`.
    Query,
    /// The first segment after the connection.
    Path,
}

/// How the sender proves itself.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VerifySpec {
    /// `secret`: it knows the secret. Other kinds (signatures over body, fields or address) are reserved.
    pub kind: String,
}

/// The hooks of a dialect.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hooks {
    /// The mid-call question.
    pub decision: Option<HookSpec>,
    /// Call events.
    pub events: Option<HookSpec>,
    /// Tells the two apart by a field of the body where both use one address.
    pub dispatch: Option<DispatchSpec>,
}

/// One hook.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HookSpec {
    /// The rests of the path it answers to; an empty text is the bare address.
    pub at: Vec<String>,
    /// The HTTP methods it takes.
    pub methods: Vec<String>,
    /// Where its fields may stand.
    pub body: Vec<BodyForm>,
}

/// A form of a request's fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BodyForm {
    /// Parameters of the query.
    Query,
    /// `application/x-www-form-urlencoded`.
    Form,
    /// JSON.
    Json,
}

/// Tells hooks on one address apart.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DispatchSpec {
    /// The field, by name or path.
    pub field: String,
    /// What each value asks for.
    pub values: BTreeMap<String, HookKind>,
    /// What any other value asks for.
    pub otherwise: HookKind,
}

/// A codec that reads and writes everything itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Codec {
    /// The JSON of our own contract, without renaming.
    Canonical,
}

/// One field of what a PBX sends: the first of these that holds something.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FieldSpec {
    /// Names, or paths that begin with `$`.
    #[serde(default)]
    pub from: Vec<String>,
}

/// How a decision request is read.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DecisionSpec {
    /// A setting that gives other names to fields; what it names is looked at first.
    pub rename_by: Option<String>,
    /// Values that must be there, by name or path.
    #[serde(default)]
    pub expect: BTreeMap<String, String>,
    /// The fields: `call_id caller called scenario operation attempt exclude at`.
    pub fields: BTreeMap<DecisionField, FieldSpec>,
    /// What the answer repeats, by name.
    #[serde(default)]
    pub echo: BTreeMap<String, FieldSpec>,
}

/// A field of a decision request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DecisionField {
    /// The call.
    CallId,
    /// Who calls.
    Caller,
    /// What was dialled.
    Called,
    /// The PBX's scenario.
    Scenario,
    /// The scenario's step.
    Operation,
    /// Which try.
    Attempt,
    /// Agents that come last.
    Exclude,
}

/// How events are read.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EventsSpec {
    /// A setting that gives other names to fields; what it names is looked at first.
    pub rename_by: Option<String>,
    /// The fields.
    pub fields: BTreeMap<EventField, FieldSpec>,
    /// What the PBX's words mean, by a name for each meaning.
    pub meanings: BTreeMap<String, MeaningSpec>,
    /// A setting that maps further words of the PBX to names of meanings.
    pub words_by: Option<String>,
    /// A setting that maps the PBX's ids of people to agents.
    pub agents_by: Option<String>,
    /// Which fields make the event's id where the PBX sends none.
    #[serde(default)]
    pub id_from: Vec<EventField>,
    /// How the PBX writes a time.
    pub time: TimeSpec,
    /// How the PBX writes the direction.
    #[serde(default)]
    pub directions: BTreeMap<String, Direction>,
}

/// A field of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventField {
    /// The PBX's own id of the event.
    EventId,
    /// What happened, in the PBX's word.
    Type,
    /// The call.
    CallId,
    /// The leg; only makes ids.
    Leg,
    /// The PBX's id of the agent.
    Agent,
    /// The PBX's ids of all agents concerned.
    Agents,
    /// One of the agent's numbers.
    Number,
    /// The PBX's id of the agent who takes over.
    ToAgent,
    /// Which way the call goes.
    Direction,
    /// When.
    At,
    /// Length of the conversation in seconds.
    TalkSeconds,
    /// Why.
    Reason,
    /// Where the recording lies.
    RecordingUrl,
}

/// What a word of the PBX means.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MeaningSpec {
    /// The words, compared without regard to case.
    #[serde(default)]
    pub words: Vec<String>,
    /// The canonical type.
    pub is: CallEventType,
    /// Whose event it is.
    #[serde(default)]
    pub who: Who,
    /// The direction where the event does not say.
    #[serde(default)]
    pub direction: Direction,
}

/// Whose event it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Who {
    /// The agent named, if one is.
    #[default]
    Named,
    /// The agent named; without one the event says nothing and is refused.
    Required,
    /// The call's: an agent named is left out.
    Nobody,
    /// One event for each agent listed; without a list as [`Who::Named`].
    Each,
}

/// How the PBX writes a time. A time with an offset is always read as it says.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TimeSpec {
    /// The form.
    pub form: TimeForm,
    /// For `local`: the setting that names the zone.
    pub zone_by: Option<String>,
}

/// A form of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TimeForm {
    /// RFC 3339 with an offset.
    Rfc3339,
    /// Date and time without a zone.
    Local,
    /// Seconds since 1970.
    Unix,
    /// Milliseconds since 1970.
    UnixMs,
}

/// How a decision is written.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AnswerSpec {
    /// How phone numbers are written; extensions stay as they are.
    pub phone_form: PhoneForm,
    /// A setting that maps ids of agents and groups to labels of the PBX: gives each target its `code`.
    pub code_by: Option<String>,
    /// How targets become a flat list of numbers.
    #[serde(default)]
    pub legs: LegsSpec,
    /// The answers: the first case that holds.
    pub cases: Vec<CaseSpec>,
}

/// How phone numbers are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PhoneForm {
    /// `+79161234567`.
    E164,
    /// `79161234567`.
    Digits,
}

/// How targets become a flat list of numbers. Conditions see `settings` and `first`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LegsSpec {
    /// When a target gives all of its numbers, and not only the first.
    pub all_numbers_when: Option<String>,
    /// When the fallback number is the last of the list.
    pub fallback_when: Option<String>,
    /// How long the fallback number rings.
    #[serde(default)]
    pub fallback_ring_seconds: u32,
}

/// One possible reply.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CaseSpec {
    /// When it is the one; absent: always.
    pub when: Option<String>,
    /// HTTP status.
    #[serde(default = "ok")]
    pub status: u16,
    /// The body as a tree whose texts are templates.
    pub json: Value,
}

fn ok() -> u16 {
    200
}

/// Why a manifest cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ManifestError {
    /// It is not YAML of the right shape.
    #[error("cannot read the manifest: {0}")]
    Unreadable(String),
    /// It breaks its schema.
    #[error("the manifest breaks schemas/pbx-manifest.schema.json: {}", .0.join("; "))]
    Schema(Vec<String>),
    /// It asks for something that is planned, not there.
    #[error(
        "`verify.kind: {0}` is reserved for a later version: only `secret` is known; leave the connection's secret in its address"
    )]
    ReservedVerify(String),
    /// Its parts do not fit each other.
    #[error("{place}: {detail}")]
    Inconsistent {
        /// Where, as a dotted path.
        place: String,
        /// What is wrong and what to do.
        detail: String,
    },
}

impl Manifest {
    /// Reads a manifest from YAML and checks that its parts fit each other.
    pub fn parse(yaml: &str) -> Result<Self, ManifestError> {
        let unreadable = |error: serde_saphyr::Error| ManifestError::Unreadable(error.to_string());
        let tree: Value = serde_saphyr::from_str(yaml).map_err(unreadable)?;
        let violations = contract::PBX_MANIFEST.violations(&tree);
        if !violations.is_empty() {
            return Err(ManifestError::Schema(violations));
        }
        let manifest: Self = serde_saphyr::from_str(yaml).map_err(unreadable)?;
        manifest.check()?;
        super::dialect::check_parts(&manifest)
            .map_err(|detail| ManifestError::Inconsistent { place: manifest.dialect.clone(), detail })?;
        Ok(manifest)
    }

    /// Whether this dialect says which try a question is; if not, the retry window decides.
    pub fn tells_attempt(&self) -> bool {
        match self.codec {
            Some(Codec::Canonical) => true,
            None => self.decision.as_ref().is_some_and(|decision| decision.fields.contains_key(&DecisionField::Attempt)),
        }
    }

    fn check(&self) -> Result<(), ManifestError> {
        if self.verify.kind != "secret" {
            return Err(ManifestError::ReservedVerify(self.verify.kind.clone()));
        }
        self.check_setting_references()?;
        let inconsistent =
            |place: &str, detail: &str| Err(ManifestError::Inconsistent { place: place.to_owned(), detail: detail.to_owned() });
        if self.codec.is_some() {
            return Ok(());
        }
        if self.hooks.decision.is_some() && (self.decision.is_none() || self.answer.is_none() || self.safe_answer.is_empty()) {
            return inconsistent("hooks.decision", "a dialect without a codec needs `decision`, `answer` and `safe_answer`");
        }
        if self.hooks.events.is_some() && (self.events.is_none() || self.events_answer.is_empty()) {
            return inconsistent("hooks.events", "a dialect without a codec needs `events` and `events_answer`");
        }
        if let Some(events) = &self.events
            && !events.fields.contains_key(&EventField::EventId)
            && events.id_from.is_empty()
        {
            return inconsistent("events.id_from", "without a field `event_id`, name the fields the id is made from");
        }
        Ok(())
    }

    /// Every setting that another part names must be declared.
    fn check_setting_references(&self) -> Result<(), ManifestError> {
        let mut named = vec![("secret.setting", Some(&self.secret.setting))];
        if let Some(decision) = &self.decision {
            named.push(("decision.rename_by", decision.rename_by.as_ref()));
        }
        if let Some(events) = &self.events {
            named.push(("events.rename_by", events.rename_by.as_ref()));
            named.push(("events.words_by", events.words_by.as_ref()));
            named.push(("events.agents_by", events.agents_by.as_ref()));
            named.push(("events.time.zone_by", events.time.zone_by.as_ref()));
        }
        if let Some(answer) = &self.answer {
            named.push(("answer.code_by", answer.code_by.as_ref()));
        }
        for (place, name) in named {
            if let Some(name) = name
                && !self.settings.contains_key(name)
            {
                let detail = format!("setting `{name}` is not declared under `settings`");
                return Err(ManifestError::Inconsistent { place: place.to_owned(), detail });
            }
        }
        Ok(())
    }
}
