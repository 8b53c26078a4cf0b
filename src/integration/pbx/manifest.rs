//! The shape of a dialect's manifest: everything in which one PBX differs from another, as data.
//!
//! Nothing here names a PBX. What a manifest can say is what `schemas/pbx-manifest.schema.json` documents; a manifest is held
//! against that schema, then against these types, which refuse unknown keys as well.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::hook::HookKind;
use crate::core::call::{CallEventType, Direction};
use crate::integration::settings::SettingSpec;

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
    /// How well outcomes besides ringing can be told: for each the first rule that holds.
    #[serde(default)]
    pub outcomes: BTreeMap<OutcomeName, Vec<OutcomeRule>>,
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

/// An outcome besides ringing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutcomeName {
    /// The call is refused.
    Reject,
    /// The PBX's scenario goes on at a branch.
    Branch,
    /// The caller is called back.
    Callback,
}

/// How well an outcome can be told with some settings.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OutcomeRule {
    /// A condition over `settings`; absent: always.
    pub when: Option<String>,
    /// A setting (map) that must have a label for the branch.
    pub code_by: Option<String>,
    /// What happens instead, and what to do; absent: the outcome is told as it is meant.
    pub instead: Option<String>,
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
