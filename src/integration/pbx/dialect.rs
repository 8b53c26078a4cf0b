//! A dialect at work: one PBX connection with its manifest, ready to read hooks and to write answers.
//!
//! Pure and quick: bytes in, canonical values out and back. It compares no secret (the HTTP layer does, in constant time),
//! reads no clock, remembers nothing between calls.

use std::borrow::Cow;
use std::sync::Arc;

use serde_json::Value;

use super::answer::{AnswerFault, AnswerWriter};
use super::canonical;
use super::decode::{DecisionReader, Question};
use super::document;
use super::events::{DecodedEvents, EventsReader};
use super::fault::{EventFault, HookFault};
use super::hook::{Echo, HookKind, HookReply, HookRequest};
use super::manifest::{Codec, HookSpec, Manifest, SecretPlace};
use super::outcomes;
use crate::core::decision::Decision;
use crate::core::workspace::{Connection, ConnectionKind, EventFeed};
use crate::integration::expression::{FieldName, scalar_text};
use crate::integration::settings::{self, SettingFault, Settings};

/// The name of the query parameter that may hold a secret.
const SECRET_PARAMETER: &str = "token";

/// Why a connection has no dialect.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BuildError {
    /// The connection is no PBX connection.
    #[error("connection `{0}` is no PBX connection")]
    NotAPbx(String),
    /// Its settings do not fit the manifest.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Settings(Vec<SettingFault>),
    /// The manifest itself is at fault.
    #[error("manifest of pbx/{dialect}: {detail}")]
    Manifest {
        /// The dialect.
        dialect: String,
        /// What is wrong.
        detail: String,
    },
}

/// What an answer needs beside the decision.
#[derive(Debug, Clone, Copy)]
pub struct AnswerContext<'a> {
    /// The public address of this connection's hooks, without a slash at the end.
    pub hook_url: &'a str,
    /// The connection's secret, for answers that name our address for events.
    pub secret: Option<&'a str>,
    /// What the question at hand asked to be repeated.
    pub echo: &'a Echo,
}

/// What became of a request of events.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EventsOutcome {
    /// New and durable.
    pub accepted: usize,
    /// Known before.
    pub duplicates: usize,
    /// Refused, with position, code and reason.
    pub rejected: Vec<EventFault>,
}

/// One connection's dialect.
#[derive(Debug, Clone)]
pub struct Dialect {
    manifest: Arc<Manifest>,
    events_on: bool,
    reader: Option<DecisionReader>,
    events: Option<EventsReader>,
    writer: Option<AnswerWriter>,
    dispatch: Option<FieldName>,
}

impl Dialect {
    /// Prepares a connection. All faults of its settings are told at once.
    pub fn build(connection: &Connection, manifest: &Arc<Manifest>) -> Result<Self, BuildError> {
        let ConnectionKind::Pbx { events, .. } = connection.kind else {
            return Err(BuildError::NotAPbx(connection.id.to_string()));
        };
        let faults = settings::check(&manifest.settings, &connection.integration, &connection.settings);
        if !faults.is_empty() {
            return Err(BuildError::Settings(faults));
        }
        let settings = Settings::resolve(&manifest.settings, &connection.settings);
        let compiled = Self::compile(manifest, &settings, events != EventFeed::Full);
        compiled.map_err(|detail| BuildError::Manifest { dialect: manifest.dialect.clone(), detail })
    }

    fn compile(manifest: &Arc<Manifest>, settings: &Settings, silent: bool) -> Result<Self, String> {
        let Parts { reader, events, writer, dispatch } = Parts::compile(manifest, settings)?;
        let events_on = !silent && manifest.hooks.events.is_some();
        Ok(Self { manifest: Arc::clone(manifest), events_on, reader, events, writer, dispatch })
    }

    /// The manifest.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Whether a question says which try it is; if not, the retry window decides.
    pub fn tells_attempt(&self) -> bool {
        self.manifest.tells_attempt()
    }

    /// Whether faults are told as problems (RFC 9457) rather than hidden behind a safe answer.
    pub fn reports_problems(&self) -> bool {
        self.manifest.codec.is_some()
    }

    /// The secret that the sender presents, to be compared in constant time before anything is read.
    pub fn credentials<'a>(&self, hook: &HookRequest<'a>) -> Option<Cow<'a, str>> {
        self.presented(hook).map(|(_, secret)| secret)
    }

    fn presented<'a>(&self, hook: &HookRequest<'a>) -> Option<(SecretPlace, Cow<'a, str>)> {
        self.manifest.secret.at.iter().find_map(|place| {
            let found = match place {
                SecretPlace::Bearer => (hook.header)("authorization").and_then(bearer).map(Cow::Borrowed),
                SecretPlace::Query => hook.query_parameter(SECRET_PARAMETER),
                SecretPlace::Path => hook.segments().next().filter(|first| !self.is_hook_segment(first)).map(Cow::Borrowed),
            };
            found.filter(|secret| !secret.is_empty()).map(|secret| (*place, secret))
        })
    }

    fn hooks(&self) -> impl Iterator<Item = (HookKind, &HookSpec)> {
        let hooks = &self.manifest.hooks;
        let decision = hooks.decision.as_ref().map(|spec| (HookKind::Decision, spec));
        decision.into_iter().chain(hooks.events.as_ref().map(|spec| (HookKind::Events, spec)))
    }

    /// A path segment that begins one of our hooks is no secret.
    fn is_hook_segment(&self, segment: &str) -> bool {
        self.hooks().flat_map(|(_, spec)| &spec.at).any(|at| at.split('/').next() == Some(segment))
    }

    /// What the hook asks for, by its path or, where both hooks share one, by the field the manifest names.
    pub fn classify(&self, hook: &HookRequest<'_>) -> Result<HookKind, HookFault> {
        let secret_in_path = matches!(self.presented(hook), Some((SecretPlace::Path, _)));
        let rest = || hook.segments().skip(usize::from(secret_in_path));
        let is_there = |at: &String| at.split('/').filter(|segment| !segment.is_empty()).eq(rest());
        let mut matching = self.hooks().filter(|(_, spec)| spec.at.iter().any(is_there));
        match (matching.next(), matching.next(), &self.manifest.hooks.dispatch, &self.dispatch) {
            (None, ..) => Err(self.unknown_path(&rest().collect::<Vec<_>>().join("/"))),
            (Some(_), Some((_, spec)), Some(dispatch), Some(field)) => {
                let document = document::read(hook, spec)?;
                let word = field.find(&document).and_then(scalar_text).unwrap_or_default();
                Ok(dispatch.values.get(&word).copied().unwrap_or(dispatch.otherwise))
            }
            (Some((kind, _)), ..) => Ok(kind),
        }
    }

    fn unknown_path(&self, rest: &str) -> HookFault {
        let known = self.hooks().flat_map(|(_, spec)| &spec.at).map(|at| match at.as_str() {
            "" => "the bare address".to_owned(),
            at => format!("`/{at}`"),
        });
        HookFault::UnknownPath { path: format!("/{}", document::bounded(rest)), expected: known.collect::<Vec<_>>().join(" or ") }
    }

    /// Reads a mid-call question. `default_region` (ISO 3166 alpha-2) tells how national numbers are read.
    pub fn decode_decision(&self, hook: &HookRequest<'_>, default_region: &str) -> Result<Question, HookFault> {
        let spec = self.spec(HookKind::Decision, hook)?;
        match (self.manifest.codec, &self.reader) {
            (Some(Codec::Canonical), _) => {
                needs_body(hook, spec)?;
                let request = canonical::decode_decision(hook.body, default_region)?;
                Ok(Question { request, echo: Echo::default() })
            }
            (None, Some(reader)) => {
                let document = document::read(hook, spec)?;
                let request = reader.decode(&document, default_region)?;
                Ok(Question { request, echo: reader.echo(&document) })
            }
            (None, None) => Err(self.unknown_path("decision")),
        }
    }

    /// Reads events.
    pub fn decode_events(&self, hook: &HookRequest<'_>) -> Result<DecodedEvents, HookFault> {
        let spec = self.spec(HookKind::Events, hook)?;
        match (self.manifest.codec, &self.events) {
            (Some(Codec::Canonical), _) => {
                needs_body(hook, spec)?;
                Ok(DecodedEvents { events: canonical::decode_events(hook.body)?, unknown: Vec::new() })
            }
            (None, Some(reader)) => reader.decode(&document::read(hook, spec)?, hook.received_at),
            (None, None) => Err(self.unknown_path("events")),
        }
    }

    /// The hook's declaration, if its method is one of those it takes.
    fn spec(&self, kind: HookKind, hook: &HookRequest<'_>) -> Result<&HookSpec, HookFault> {
        let found = self.hooks().find(|(known, _)| *known == kind).map(|(_, spec)| spec);
        let spec = found.ok_or_else(|| self.unknown_path(""))?;
        if spec.methods.iter().any(|method| method == hook.method) {
            return Ok(spec);
        }
        Err(HookFault::BadMethod { found: document::bounded(hook.method), expected: spec.methods.join(" or ") })
    }

    /// Writes a decision.
    pub fn encode_decision(&self, decision: &Decision, context: &AnswerContext<'_>) -> Result<HookReply, AnswerFault> {
        match &self.writer {
            None => Ok(canonical::encode_decision(decision)),
            Some(writer) => {
                let events_url = self.events_url(context);
                writer.decision(decision, context.echo, events_url.as_deref())
            }
        }
    }

    /// What is said after authentication when no decision can be made of a hook. None for a dialect that reports
    /// problems. `fallback` is the route's number, where a route is known.
    pub fn safe_answer(&self, hook: &HookRequest<'_>, fallback: Option<&str>) -> Option<HookReply> {
        let writer = self.writer.as_ref()?;
        let spec = self.manifest.hooks.decision.as_ref();
        let document = spec.and_then(|spec| document::read(hook, spec).ok()).unwrap_or(Value::Null);
        let echo = self.reader.as_ref().map(|reader| reader.echo(&document)).unwrap_or_default();
        Some(writer.safe(&echo, fallback))
    }

    /// The safe answer to a question that was understood; an empty success for a dialect that reports problems.
    pub fn safe_answer_to(&self, echo: &Echo, fallback: Option<&str>) -> HookReply {
        match &self.writer {
            Some(writer) => writer.safe(echo, fallback),
            None => HookReply::json(200, &Value::Null),
        }
    }

    /// What is said once events are durable. A foreign dialect always gets a success, so that its PBX does not send what we
    /// cannot use again and again; call it with an empty outcome for a hook that could not be read at all.
    pub fn encode_events_accepted(&self, outcome: &EventsOutcome) -> HookReply {
        match &self.writer {
            None => canonical::encode_events_accepted(outcome),
            Some(writer) => writer.accepted(outcome.accepted, outcome.duplicates, outcome.rejected.len()),
        }
    }

    /// Our own address for events, with the secret where this dialect's PBX can carry it; none when events are off.
    fn events_url(&self, context: &AnswerContext<'_>) -> Option<String> {
        let rest = self.manifest.hooks.events.as_ref().filter(|_| self.events_on)?.at.first()?;
        let mut url = url::Url::parse(context.hook_url).ok()?;
        let in_query = self.manifest.secret.at.contains(&SecretPlace::Query);
        {
            let mut segments = url.path_segments_mut().ok()?;
            segments.pop_if_empty();
            if let (false, Some(secret)) = (in_query, context.secret) {
                segments.push(secret);
            }
            segments.extend(rest.split('/').filter(|segment| !segment.is_empty()));
        }
        if let (true, Some(secret)) = (in_query, context.secret) {
            url.query_pairs_mut().append_pair(SECRET_PARAMETER, secret);
        }
        Some(url.into())
    }
}

/// What is compiled of a manifest.
struct Parts {
    reader: Option<DecisionReader>,
    events: Option<EventsReader>,
    writer: Option<AnswerWriter>,
    dispatch: Option<FieldName>,
}

impl Parts {
    fn compile(manifest: &Manifest, settings: &Settings) -> Result<Self, String> {
        Ok(Self {
            reader: manifest.decision.as_ref().map(|spec| DecisionReader::compile(spec, settings)).transpose()?,
            events: manifest.events.as_ref().map(|spec| EventsReader::compile(spec, settings)).transpose()?,
            writer: manifest.answer.as_ref().map(|spec| AnswerWriter::compile(manifest, spec, settings)).transpose()?,
            dispatch: manifest.hooks.dispatch.as_ref().map(|spec| FieldName::read(&spec.field)).transpose()?,
        })
    }
}

/// Whether every path and expression of a manifest compiles, with no settings but the defaults.
pub(super) fn check_parts(manifest: &Manifest) -> Result<(), String> {
    outcomes::check(manifest)?;
    Parts::compile(manifest, &Settings::resolve(&manifest.settings, &Value::Null)).map(|_| ())
}

fn bearer(header: &str) -> Option<&str> {
    let (scheme, secret) = header.trim().split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| secret.trim())
}

/// The canonical codec reads the body itself; this checks that it claims to be something it can read.
fn needs_body(hook: &HookRequest<'_>, spec: &HookSpec) -> Result<(), HookFault> {
    document::body_form(hook, spec).map(|_| ())
}
