//! `crm.item.list` as a query over deals: `select`, `filter` with its prefixes, `order`, `start`.
//!
//! Parsed once into a form that cannot be wrong, then applied; a field or value the CRM would not take is refused in its
//! words. Documentation: apidocs.bitrix24.com, "crm.item.list".

use std::cmp::Ordering;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use rust_decimal::Decimal;
use serde_json::Value;

use super::answer::{Found, RestError, iso};
use super::book::CrmDeal;

/// Rows of one page: fixed in that API.
const PAGE: usize = 50;
/// How deep conditions may be nested, and how many a filter may have.
const DEPTH_MAX: usize = 5;

/// Fields that can be selected, filtered and sorted by, in the order of a full reply.
const FIELDS: [&str; 14] = [
    "id",
    "title",
    "assignedById",
    "opportunity",
    "currencyId",
    "categoryId",
    "stageId",
    "stageSemanticId",
    "closed",
    "createdTime",
    "movedTime",
    "updatedTime",
    "closedate",
    "sourceId",
];
/// Fields that can only be selected.
const SELECT_ONLY: [&str; 1] = ["originId"];

#[derive(Debug, Clone, PartialEq)]
enum Cell {
    Number(Decimal),
    Text(String),
    Time(Timestamp),
    Empty,
}

/// What every row of a query shares.
#[derive(Debug, Clone)]
pub(super) struct Portal {
    pub(super) zone: TimeZone,
    pub(super) currency: &'static str,
}

impl Portal {
    fn cell(&self, deal: &CrmDeal, field: &str) -> Cell {
        match field {
            "id" => Cell::Number(deal.id.into()),
            "title" => Cell::Text(deal.title.clone()),
            "assignedById" => Cell::Number(deal.assigned_by.into()),
            "opportunity" => Cell::Number(deal.opportunity),
            "currencyId" => Cell::Text(self.currency.to_owned()),
            "categoryId" => Cell::Number(Decimal::ZERO),
            "stageId" => Cell::Text(deal.stage_id().to_owned()),
            "stageSemanticId" => Cell::Text(deal.stage_semantic_id().to_owned()),
            "closed" => Cell::Text(if deal.stage_semantic_id() == "P" { "N" } else { "Y" }.to_owned()),
            "createdTime" => Cell::Time(deal.created),
            "movedTime" => Cell::Time(deal.moved),
            "updatedTime" => Cell::Time(deal.updated),
            "closedate" => deal.close_day.map_or(Cell::Empty, Cell::Time),
            "sourceId" => Cell::Text(deal.source.to_owned()),
            "originId" => Cell::Text(deal.origin.clone()),
            _ => Cell::Empty,
        }
    }

    fn json(&self, cell: Cell) -> Value {
        match cell {
            Cell::Number(number) => number.normalize().to_string().parse().map_or(Value::Null, Value::Number),
            Cell::Text(text) => Value::String(text),
            Cell::Time(at) => Value::String(iso(at, &self.zone)),
            Cell::Empty => Value::Null,
        }
    }

    /// Reads a filter's value as what the field holds. A time without an offset is the portal's.
    fn read(&self, field: &str, value: &Value) -> Option<Cell> {
        let text = match value {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            Value::Bool(yes) => (if *yes { "Y" } else { "N" }).to_owned(),
            Value::Null => return Some(Cell::Empty),
            Value::Array(_) | Value::Object(_) => return None,
        };
        match field {
            "id" | "assignedById" | "opportunity" | "categoryId" => text.trim().parse().ok().map(Cell::Number),
            "createdTime" | "movedTime" | "updatedTime" | "closedate" => self.read_time(text.trim()).map(Cell::Time),
            _ => Some(Cell::Text(text)),
        }
    }

    fn read_time(&self, text: &str) -> Option<Timestamp> {
        text.parse::<Timestamp>().ok().or_else(|| {
            let local: DateTime = text.parse().ok()?;
            Some(local.to_zoned_datetime(self.zone.clone()).ok()?.timestamp())
        })
    }
}

fn compare(left: &Cell, right: &Cell) -> Ordering {
    let rank = |cell: &Cell| match cell {
        Cell::Empty => 0,
        Cell::Number(_) => 1,
        Cell::Text(_) => 2,
        Cell::Time(_) => 3,
    };
    match (left, right) {
        (Cell::Number(a), Cell::Number(b)) => a.cmp(b),
        (Cell::Text(a), Cell::Text(b)) => a.cmp(b),
        (Cell::Time(a), Cell::Time(b)) => a.cmp(b),
        (a, b) => rank(a).cmp(&rank(b)),
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Test {
    Equal,
    NotEqual,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
    Contains,
    ContainsNot,
}

#[derive(Debug)]
enum Condition {
    All(Vec<Condition>),
    Any(Vec<Condition>),
    Field { field: &'static str, test: Test, values: Vec<Cell> },
}

impl Condition {
    fn parse(filter: &Value, portal: &Portal, depth: usize) -> Result<Self, RestError> {
        let entries: Vec<(String, &Value)> = match filter {
            Value::Object(map) => map.iter().map(|(key, value)| (key.clone(), value)).collect(),
            // An empty PHP array arrives as a list; so does a list of nested conditions.
            Value::Array(list) => list.iter().zip(0..).map(|(value, place)| (place.to_string(), value)).collect(),
            Value::Null => Vec::new(),
            Value::Bool(_) | Value::Number(_) | Value::String(_) => {
                return Err(RestError::invalid("Invalid filter: an object is expected".to_owned()));
            }
        };
        let mut any = false;
        let mut parts = Vec::new();
        for (key, value) in entries {
            if key == "logic" {
                any = value.as_str().is_some_and(|logic| logic.eq_ignore_ascii_case("or"));
            } else if key.bytes().all(|b| b.is_ascii_digit()) && depth < DEPTH_MAX {
                parts.push(Self::parse(value, portal, depth + 1)?);
            } else {
                parts.push(Self::parse_field(&key, value, portal)?);
            }
        }
        Ok(if any { Self::Any(parts) } else { Self::All(parts) })
    }

    fn parse_field(key: &str, value: &Value, portal: &Portal) -> Result<Self, RestError> {
        const PREFIXES: [(&str, Test); 11] = [
            (">=", Test::GreaterOrEqual),
            ("<=", Test::LessOrEqual),
            ("!=", Test::NotEqual),
            ("!@", Test::NotEqual),
            ("!%", Test::ContainsNot),
            (">", Test::Greater),
            ("<", Test::Less),
            ("@", Test::Equal),
            ("%", Test::Contains),
            ("=", Test::Equal),
            ("!", Test::NotEqual),
        ];
        let (test, name) = PREFIXES
            .iter()
            .find_map(|(prefix, test)| key.strip_prefix(prefix).map(|name| (*test, name)))
            .unwrap_or((Test::Equal, key));
        let Some(field) = FIELDS.iter().find(|field| **field == name) else {
            return Err(RestError::invalid(format!("Invalid filter: field '{name}' is not allowed in filter")));
        };
        let given = match value {
            Value::Array(values) => values.iter().collect(),
            one => vec![one],
        };
        let values: Option<Vec<Cell>> = given.into_iter().map(|value| portal.read(field, value)).collect();
        match values {
            Some(values) => Ok(Self::Field { field, test, values }),
            None => Err(RestError::invalid(format!("Invalid filter: field '{name}' has invalid value"))),
        }
    }

    fn holds(&self, deal: &CrmDeal, portal: &Portal) -> bool {
        match self {
            Self::All(parts) => parts.iter().all(|part| part.holds(deal, portal)),
            Self::Any(parts) => parts.iter().any(|part| part.holds(deal, portal)),
            Self::Field { field, test, values } => {
                let cell = portal.cell(deal, field);
                let any = |holds: &dyn Fn(&Cell) -> bool| values.iter().any(holds);
                match test {
                    Test::Equal => any(&|value| compare(&cell, value).is_eq()),
                    Test::NotEqual => !any(&|value| compare(&cell, value).is_eq()),
                    Test::Contains => any(&|value| contains(&cell, value)),
                    Test::ContainsNot => !any(&|value| contains(&cell, value)),
                    // A deal without a close date is neither before nor after anything, as in SQL.
                    Test::Greater => cell != Cell::Empty && any(&|value| compare(&cell, value).is_gt()),
                    Test::GreaterOrEqual => cell != Cell::Empty && any(&|value| compare(&cell, value).is_ge()),
                    Test::Less => cell != Cell::Empty && any(&|value| compare(&cell, value).is_lt()),
                    Test::LessOrEqual => cell != Cell::Empty && any(&|value| compare(&cell, value).is_le()),
                }
            }
        }
    }
}

fn contains(cell: &Cell, part: &Cell) -> bool {
    match (cell, part) {
        (Cell::Text(text), Cell::Text(part)) => text.to_lowercase().contains(&part.to_lowercase()),
        _ => false,
    }
}

/// One `crm.item.list`, understood.
#[derive(Debug)]
pub(super) struct Query {
    select: Vec<&'static str>,
    order: Vec<(&'static str, bool)>,
    filter: Condition,
    /// None: no counting, only the first page (`start: -1`).
    start: Option<usize>,
}

impl Query {
    /// Reads a request's body.
    pub(super) fn parse(body: &Value, portal: &Portal) -> Result<Self, RestError> {
        let start = match body.get("start").map(|start| start.as_i64().or_else(|| start.as_str()?.parse().ok())) {
            None | Some(None) => Some(0),
            Some(Some(-1)) => None,
            Some(Some(start)) => Some(usize::try_from(start).unwrap_or(0) / PAGE * PAGE),
        };
        Ok(Self {
            select: select(body.get("select")),
            order: order(body.get("order"))?,
            filter: Condition::parse(body.get("filter").unwrap_or(&Value::Null), portal, 0)?,
            start,
        })
    }

    /// One page of what matches.
    pub(super) fn run(&self, deals: &[CrmDeal], portal: &Portal) -> Found {
        let matching = deals.iter().filter(|deal| self.filter.holds(deal, portal));
        let start = self.start.unwrap_or(0);
        let by_id = self.order == [("id", true)];
        // Without counting, in the order of the book, nothing behind the page needs a look.
        let wanted = if by_id && self.start.is_none() { PAGE } else { usize::MAX };
        let mut matching: Vec<&CrmDeal> = matching.take(wanted).collect();
        if !by_id {
            matching.sort_by(|a, b| self.compare(a, b, portal));
        }
        let items = matching.iter().skip(start).take(PAGE).map(|deal| {
            let cells = self.select.iter().map(|field| ((*field).to_owned(), portal.json(portal.cell(deal, field))));
            Value::Object(cells.collect())
        });
        let items: Vec<Value> = items.collect();
        let total = self.start.map(|_| matching.len());
        let next = Some(start + PAGE).filter(|next| total.is_some_and(|total| *next < total));
        Found { result: serde_json::json!({ "items": items }), total, next }
    }

    fn compare(&self, a: &CrmDeal, b: &CrmDeal, portal: &Portal) -> Ordering {
        self.order.iter().fold(Ordering::Equal, |so_far, (field, ascending)| {
            so_far.then_with(|| {
                let order = compare(&portal.cell(a, field), &portal.cell(b, field));
                if *ascending { order } else { order.reverse() }
            })
        })
    }
}

/// The fields asked for, `id` always; names that are no fields are left out, as there.
fn select(asked: Option<&Value>) -> Vec<&'static str> {
    let all = FIELDS.iter().chain(&SELECT_ONLY).copied();
    let Some(asked) = asked.and_then(Value::as_array).filter(|asked| !asked.is_empty()) else { return all.collect() };
    if asked.iter().any(|name| name == "*") {
        return all.collect();
    }
    all.filter(|field| *field == "id" || asked.iter().any(|name| name == field)).collect()
}

fn order(asked: Option<&Value>) -> Result<Vec<(&'static str, bool)>, RestError> {
    let Some(asked) = asked.and_then(Value::as_object).filter(|asked| !asked.is_empty()) else { return Ok(vec![("id", true)]) };
    asked
        .iter()
        .map(|(name, direction)| {
            let field = FIELDS
                .iter()
                .find(|field| *field == name)
                .ok_or_else(|| RestError::invalid(format!("Invalid order: field '{name}' is not allowed in order")))?;
            let word = direction.as_str().unwrap_or_default();
            match word.to_ascii_uppercase().as_str() {
                "ASC" => Ok((*field, true)),
                "DESC" => Ok((*field, false)),
                _ => Err(RestError::invalid(format!(
                    "Invalid order: allowed sort directions are ASC, DESC. But got '{word}' for field '{name}'"
                ))),
            }
        })
        .collect()
}
