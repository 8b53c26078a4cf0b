//! One row becomes one canonical deal, or a fault that says which field and why.

use std::collections::{BTreeMap, BTreeSet};

use jiff::tz::TimeZone;
use rust_decimal::Decimal;
use serde_json::{Map, Value};

use super::manifest::{DealField, DealsSpec, FieldSpec, MetricsSpec};
use super::read_value::{self, DecimalMark};
use crate::core::deal::{Deal, DealMemory, DealStatus};
use crate::core::ids::{CrmUserId, DealId};
use crate::core::money::Currency;
use crate::core::phone_number::PhoneNumber;
use crate::integration::expression::{FieldName, Text, known, scalar_text};

/// Contact numbers taken from one deal.
const PHONES_MAX: usize = 20;

/// Reads rows.
pub(super) struct DealMap {
    fields: BTreeMap<DealField, Field>,
    metrics: BTreeMap<String, Field>,
    default_region: String,
    /// Spreadsheets turn ids into `1.23E+09`.
    from_table: bool,
}

/// A field, compiled with the connection's settings.
struct Field {
    name: Option<FieldName>,
    default: Option<Value>,
    words: Vec<(String, DealStatus)>,
    otherwise: Option<DealStatus>,
    none_when: Vec<Value>,
    format: Option<String>,
    zone: TimeZone,
    mark: DecimalMark,
    only_for: Vec<DealStatus>,
}

/// A text of a manifest with the connection's settings in it; null stays null.
pub(super) fn settled(text: &str, scope: &Map<String, Value>) -> Result<Value, String> {
    match Text::compile(text)? {
        None => Ok(Value::String(text.to_owned())),
        Some(text) => text.value(&known(&Value::Object(scope.clone()))),
    }
}

fn settled_text(text: Option<&String>, scope: &Map<String, Value>) -> Result<Option<String>, String> {
    text.map(|text| settled(text, scope)).transpose().map(|value| value.as_ref().and_then(scalar_text))
}

impl Field {
    fn compile(spec: &FieldSpec, scope: &Map<String, Value>, zone: &TimeZone, from_table: bool) -> Result<Self, String> {
        let name = match settled_text(spec.path.as_ref(), scope)? {
            Some(column) if from_table => Some(FieldName::Key(column)),
            Some(path) => Some(FieldName::read(&path)?),
            None => None,
        };
        let mut words = Vec::new();
        for (meaning, called) in &spec.values {
            let called = match called {
                Value::String(text) => settled(text, scope)?,
                other => other.clone(),
            };
            let status = status_word(meaning)?;
            let called = called.as_array().cloned().unwrap_or_default();
            words.extend(called.iter().filter_map(scalar_text).map(|word| (word.to_lowercase(), status)));
        }
        let zone = match settled_text(spec.zone.as_ref(), scope)? {
            Some(name) => TimeZone::get(&name).map_err(|_| format!("`{name}` is no time zone"))?,
            None => zone.clone(),
        };
        Ok(Self {
            name,
            default: spec.default.as_ref().map(|text| settled(text, scope)).transpose()?.filter(|value| !value.is_null()),
            words,
            otherwise: spec.otherwise.as_deref().map(status_word).transpose()?,
            none_when: spec.none_when.clone(),
            format: settled_text(spec.format.as_ref(), scope)?,
            zone,
            mark: settled_text(spec.decimal_mark.as_ref(), scope)?
                .map_or(Ok(DecimalMark::Point), |mark| DecimalMark::read(&mark))?,
            only_for: spec.only_for.clone(),
        })
    }

    /// The row's value, or the default.
    fn find<'v>(&'v self, row: &'v Value) -> Option<&'v Value> {
        let found = self.name.as_ref().and_then(|name| name.find(row)).filter(|value| !self.is_none(value));
        found.or(self.default.as_ref())
    }

    /// `0` and `0.00` are the same nothing.
    fn is_none(&self, value: &Value) -> bool {
        let number = |value: &Value| scalar_text(value)?.parse::<Decimal>().ok();
        self.none_when.iter().any(|none| none == value || number(none).is_some() && number(none) == number(value))
    }

    fn spelling(&self) -> &str {
        self.name.as_ref().map_or("", FieldName::spelling)
    }
}

/// The further figures that an administrator names.
fn metrics(
    spec: &MetricsSpec,
    scope: &Map<String, Value>,
    zone: &TimeZone,
    from_table: bool,
) -> Result<BTreeMap<String, Field>, String> {
    let places = settled(&spec.places, scope)?;
    let field = |(name, place): (&String, &Value)| {
        let place = scalar_text(place).ok_or_else(|| format!("metric `{name}`: its place is no text"))?;
        let spec = FieldSpec { path: Some(place), decimal_mark: spec.decimal_mark.clone(), ..FieldSpec::default() };
        Ok((name.clone(), Field::compile(&spec, scope, zone, from_table)?))
    };
    places.as_object().into_iter().flatten().map(field).collect()
}

fn status_word(word: &str) -> Result<DealStatus, String> {
    match word {
        "won" => Ok(DealStatus::Won),
        "lost" => Ok(DealStatus::Lost),
        "open" => Ok(DealStatus::Open),
        other => Err(format!("`{other}` is no status: won, lost or open")),
    }
}

/// Why a row is no deal: the field, as the CRM calls it, and what is wrong with it.
type Fault = String;

impl DealMap {
    pub(super) fn compile(deals: &DealsSpec, scope: &Map<String, Value>, place: (&TimeZone, &str)) -> Result<Self, String> {
        let ((zone, region), from_table) = (place, deals.table.is_some());
        let fields = deals.fields.iter().map(|(field, spec)| Ok((*field, Field::compile(spec, scope, zone, from_table)?)));
        let metrics = deals.metrics.as_ref().map(|spec| metrics(spec, scope, zone, from_table)).transpose()?;
        Ok(Self {
            fields: fields.collect::<Result<_, String>>()?,
            metrics: metrics.unwrap_or_default(),
            default_region: region.to_owned(),
            from_table,
        })
    }

    /// The columns a table must have.
    pub(super) fn columns(&self) -> impl Iterator<Item = &str> {
        self.fields.values().chain(self.metrics.values()).filter(|field| field.name.is_some()).map(Field::spelling)
    }

    /// The id of the deal that a row shows, readable or not otherwise.
    pub(super) fn deal_id(&self, row: &Value) -> Option<DealId> {
        self.text(DealField::Deal, row).ok().flatten().map(DealId::from)
    }

    /// The deal that a row shows.
    pub(super) fn deal(&self, row: &Value) -> Result<Deal, Fault> {
        let deal = self.text(DealField::Deal, row)?.ok_or_else(|| self.missing(DealField::Deal))?;
        if self.from_table && looks_scientific(&deal) {
            return Err(format!(
                "`{}`: `{deal}` was an id before a spreadsheet made a number of it",
                self.spelling(DealField::Deal)
            ));
        }
        let status = self.status(row)?;
        let (metrics, unreadable_metrics) = self.further(row);
        let at = |field| self.of(field, status).map(|field| self.instant(field, row)).transpose().map(Option::flatten);
        Ok(Deal {
            deal: DealId::from(deal),
            user: self.text(DealField::User, row)?.map(CrmUserId::from),
            status,
            amount: self.amount(DealField::Amount, status, row)?,
            returned_amount: self.amount(DealField::ReturnedAmount, status, row)?,
            currency: self.currency(row)?,
            opened_at: at(DealField::OpenedAt)?,
            closed_at: at(DealField::ClosedAt)?,
            pipeline: self.text(DealField::Pipeline, row)?,
            lead_source: self.text(DealField::LeadSource, row)?,
            new_customer: self.found(DealField::NewCustomer, row, read_value::truth)?,
            contact_phones: self.phones(row),
            link_key: self.text(DealField::LinkKey, row)?,
            metrics,
            unreadable_metrics,
            memory: DealMemory::default(),
        })
    }

    /// Figures that cannot be read are left out, and told: a deal is worth more than one of its figures.
    fn further(&self, row: &Value) -> (BTreeMap<String, Decimal>, BTreeSet<String>) {
        let (mut read, mut unreadable) = (BTreeMap::new(), BTreeSet::new());
        for (name, field) in &self.metrics {
            match field.find(row).map(|value| read_value::amount(value, field.mark)) {
                Some(Ok(value)) => drop(read.insert(name.clone(), value)),
                Some(Err(_)) => drop(unreadable.insert(name.clone())),
                None => {}
            }
        }
        (read, unreadable)
    }

    fn status(&self, row: &Value) -> Result<DealStatus, Fault> {
        let missing = || self.missing(DealField::Status);
        let field = self.fields.get(&DealField::Status).ok_or_else(missing)?;
        let value = field.find(row).ok_or_else(missing)?;
        let word = scalar_text(value).unwrap_or_default().to_lowercase();
        let known = field.words.iter().find(|(known, _)| *known == word).map(|(_, status)| *status);
        known.or(field.otherwise).ok_or_else(|| {
            format!("`{}`: `{}` is none of the words for won, lost and open", field.spelling(), read_value::shown(value))
        })
    }

    /// A field that deals standing so have.
    fn of(&self, field: DealField, status: DealStatus) -> Option<&Field> {
        self.fields.get(&field).filter(|field| field.only_for.is_empty() || field.only_for.contains(&status))
    }

    fn instant(&self, field: &Field, row: &Value) -> Result<Option<jiff::Timestamp>, Fault> {
        let Some(value) = field.find(row) else { return Ok(None) };
        let read = read_value::instant(value, field.format.as_deref(), &field.zone);
        read.map(Some).map_err(|why| format!("`{}`: {why}", field.spelling()))
    }

    fn amount(&self, field: DealField, status: DealStatus, row: &Value) -> Result<Option<Decimal>, Fault> {
        let Some(field) = self.of(field, status) else { return Ok(None) };
        let Some(value) = field.find(row) else { return Ok(None) };
        let amount = read_value::amount(value, field.mark).map_err(|why| format!("`{}`: {why}", field.spelling()))?;
        if amount.is_sign_negative() && !amount.is_zero() {
            return Err(format!("`{}`: `{}` is below zero", field.spelling(), read_value::shown(value)));
        }
        Ok(Some(amount))
    }

    fn currency(&self, row: &Value) -> Result<Option<Currency>, Fault> {
        self.found(DealField::Currency, row, |value| {
            scalar_text(value).unwrap_or_default().parse::<Currency>().map_err(|error| error.to_string())
        })
    }

    fn text(&self, field: DealField, row: &Value) -> Result<Option<String>, Fault> {
        self.found(field, row, read_value::text)
    }

    fn found<T>(&self, field: DealField, row: &Value, read: impl Fn(&Value) -> Result<T, String>) -> Result<Option<T>, Fault> {
        let Some(field) = self.fields.get(&field) else { return Ok(None) };
        let Some(value) = field.find(row) else { return Ok(None) };
        read(value).map(Some).map_err(|why| format!("`{}`: {why}", field.spelling()))
    }

    /// Numbers that cannot be read are left out: a deal is worth more than its contact's spelling.
    fn phones(&self, row: &Value) -> Vec<String> {
        let value = self.fields.get(&DealField::ContactPhones).and_then(|field| field.find(row));
        let texts: Vec<String> = match value {
            Some(Value::Array(items)) => items.iter().filter_map(scalar_text).collect(),
            Some(Value::String(text)) => text.split([',', ';']).map(str::to_owned).collect(),
            Some(value) => scalar_text(value).into_iter().collect(),
            None => Vec::new(),
        };
        let read = texts.iter().filter_map(|text| PhoneNumber::parse(text, &self.default_region).ok());
        read.map(|number| number.expose().to_owned()).take(PHONES_MAX).collect()
    }

    fn spelling(&self, field: DealField) -> &str {
        self.fields.get(&field).map_or("", Field::spelling)
    }

    fn missing(&self, field: DealField) -> Fault {
        format!("`{}` is empty", self.spelling(field))
    }
}

/// `1.23E+09`.
fn looks_scientific(text: &str) -> bool {
    let Some((mantissa, exponent)) = text.split_once("E+") else { return false };
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    mantissa.contains(['.', ',']) && mantissa.split(['.', ',']).all(digits) && digits(exponent)
}
