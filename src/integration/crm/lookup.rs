//! Finds a caller while she waits: one form of her number after the other, behind a breaker, without retries.

use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Map, Value};
use tokio::time::Instant;

use super::budget::Lane;
use super::manifest::{CallerField, FieldSpec, LookupSpec, PhoneForm};
use super::read_value;
use super::request::{Ask, Link, Request};
use super::segments::SegmentsField;
use crate::broker::ports::{CallerRecord, SourceError};
use crate::core::ids::CrmUserId;
use crate::core::phone_number::PhoneNumber;
use crate::integration::expression::{FieldName, Text, known, scalar_text};
use crate::outbound::breaker::{Admission, Breaker};

/// How long one request may take.
const REQUEST: Duration = Duration::from_secs(2);

/// Finds callers.
pub(super) struct Lookup {
    phones: Vec<PhoneForm>,
    request: Request,
    rows: FieldName,
    prefer: Option<(FieldName, Vec<String>)>,
    fields: BTreeMap<CallerField, Found>,
    segments: Option<SegmentsField>,
    scope: Map<String, Value>,
    breaker: Mutex<Breaker>,
}

enum Found {
    At(FieldName),
    Text(Text),
}

impl Lookup {
    pub(super) fn compile(spec: &LookupSpec, scope: &Map<String, Value>) -> Result<Self, String> {
        let found = |spec: &FieldSpec| match (&spec.path, &spec.text) {
            (Some(path), None) => FieldName::read(path).map(Found::At),
            (None, Some(text)) => Text::compile(text)?
                .map(Found::Text)
                .ok_or_else(|| format!("`{text}` has no `{{{{ }}}}`: it would be the same for all")),
            (Some(_), Some(_)) | (None, None) => Err("a field of a lookup needs either `path` or `text`".to_owned()),
        };
        let fields = spec.fields.iter().filter(|(field, _)| **field != CallerField::Segments);
        let fields = fields.map(|(field, spec)| Ok((*field, found(spec)?)));
        let prefer = spec.prefer.as_ref().map(|prefer| Ok::<_, String>((FieldName::read(&prefer.path)?, prefer.order.clone())));
        Ok(Self {
            phones: spec.phones.clone(),
            request: Request::compile(&spec.request)?,
            rows: FieldName::read(&spec.rows)?,
            prefer: prefer.transpose()?,
            fields: fields.collect::<Result<_, String>>()?,
            segments: spec.fields.get(&CallerField::Segments).map(|spec| SegmentsField::compile(spec, scope)).transpose()?,
            scope: scope.clone(),
            breaker: Mutex::default(),
        })
    }

    pub(super) async fn find(&self, link: &Link, caller: &PhoneNumber) -> Result<Option<CallerRecord>, SourceError> {
        for form in &self.phones {
            let phone = match form {
                PhoneForm::E164 => caller.expose(),
                PhoneForm::Digits => caller.digits(),
                PhoneForm::Last10 => caller.digits().get(caller.digits().len().saturating_sub(10)..).unwrap_or_default(),
            };
            if let Some(found) = self.find_as(link, phone).await? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    async fn find_as(&self, link: &Link, phone: &str) -> Result<Option<CallerRecord>, SourceError> {
        self.admit()?;
        let mut scope = self.scope.clone();
        scope.insert("phone".to_owned(), phone.into());
        let ask =
            Ask { request: &self.request, scope: &scope, lane: Lane::Lookup, timeout: REQUEST.min(link.timeout), now: None };
        let answered = link.ask(&ask).await.and_then(|answer| match answer {
            None => Ok(None),
            Some(answer) => match self.rows.find(&answer) {
                Some(Value::Array(rows)) => Ok(self.best(rows).cloned()),
                None => Ok(None),
                Some(_) => Err(SourceError::Malformed(format!("there is no list at `{}`", self.rows.spelling()))),
            },
        });
        self.record(answered.as_ref().err());
        let row = answered?;
        Ok(row.map(|row| self.record_of(&row, &scope)))
    }

    pub(super) fn breaker_is_open(&self) -> bool {
        self.breaker.lock().unwrap_or_else(PoisonError::into_inner).is_open()
    }

    fn admit(&self) -> Result<(), SourceError> {
        match self.breaker.lock().unwrap_or_else(PoisonError::into_inner).admit(Instant::now()) {
            Admission::Go => Ok(()),
            Admission::Wait(left) => {
                let text = format!("it failed repeatedly and is left alone for {} s", left.as_secs() + 1);
                Err(SourceError::Unreachable(text))
            }
        }
    }

    fn record(&self, error: Option<&SourceError>) {
        let failed = match error {
            Some(SourceError::Unreachable(_) | SourceError::Failed(_) | SourceError::Malformed(_)) => true,
            None | Some(SourceError::RateLimited { .. } | SourceError::Refused(_) | SourceError::Configuration(_)) => false,
        };
        let draw = RandomState::new().hash_one(0u8) % 1000;
        #[expect(clippy::cast_precision_loss, reason = "below 1000")]
        let spread = draw as f64 / 1000.0;
        self.breaker.lock().unwrap_or_else(PoisonError::into_inner).record(failed, Instant::now(), spread);
    }

    fn best<'a>(&self, rows: &'a [Value]) -> Option<&'a Value> {
        let Some((word, order)) = &self.prefer else { return rows.first() };
        let rank = |row: &Value| {
            let word = word.find(row).and_then(scalar_text).unwrap_or_default();
            order.iter().position(|known| known.eq_ignore_ascii_case(&word)).unwrap_or(order.len())
        };
        rows.iter().min_by_key(|row| rank(row))
    }

    /// A field that cannot be read is left out: the others still help.
    fn record_of(&self, row: &Value, scope: &Map<String, Value>) -> CallerRecord {
        let mut scope = scope.clone();
        scope.insert("row".to_owned(), row.clone());
        let seen = known(&Value::Object(scope));
        let field = |field: CallerField| match self.fields.get(&field)? {
            Found::At(name) => name.find(row).and_then(|value| read_value::text(value).ok()),
            Found::Text(text) => text.value(&seen).ok().and_then(|value| read_value::text(&value).ok()),
        };
        CallerRecord {
            name: field(CallerField::Name),
            user: field(CallerField::User).map(CrmUserId::from),
            extension: field(CallerField::Extension),
            url: field(CallerField::Url),
            segments: self.segments.as_ref().map(|segments| segments.of(row)).unwrap_or_default(),
        }
    }
}
