//! Reads single values of rows: amounts, instants, words, ids. Faults tell the field and what was expected.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use rust_decimal::Decimal;
use serde_json::Value;

use crate::integration::expression::scalar_text;

/// The longest id, name or word, in characters.
const TEXT_CHARS_MAX: usize = 256;

/// Which sign stands before the decimals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DecimalMark {
    Point,
    Comma,
    /// Found out from each amount.
    Auto,
}

impl DecimalMark {
    pub(super) fn read(text: &str) -> Result<Self, String> {
        match text {
            "." => Ok(Self::Point),
            "," => Ok(Self::Comma),
            "auto" => Ok(Self::Auto),
            other => Err(format!("`{other}` is no decimal mark: `.`, `,` or `auto`")),
        }
    }
}

/// A value shown in a fault: bounded, on one line.
pub(super) fn shown(value: &Value) -> String {
    let text = scalar_text(value).unwrap_or_else(|| value.to_string());
    text.chars().filter(|c| !c.is_control()).take(40).collect()
}

/// A text, or a number as its text.
pub(super) fn text(value: &Value) -> Result<String, String> {
    let text = scalar_text(value).ok_or_else(|| "is neither a text nor a number".to_owned())?;
    if text.chars().nth(TEXT_CHARS_MAX).is_some() {
        return Err(format!("is longer than {TEXT_CHARS_MAX} characters"));
    }
    Ok(text)
}

/// An amount, exactly as written; spaces between digits are allowed.
pub(super) fn amount(value: &Value, mark: DecimalMark) -> Result<Decimal, String> {
    let written = scalar_text(value).ok_or_else(|| "is neither a number nor a text".to_owned())?;
    let refuse = || format!("`{}` is no amount", shown(value));
    let spaceless: String =
        written.chars().filter(|c| !c.is_whitespace() && !matches!(c, '\u{a0}' | '\'' | '\u{2019}')).collect();
    let plain = match mark {
        DecimalMark::Point => spaceless.replace(',', ""),
        DecimalMark::Comma => spaceless.replace('.', "").replace(',', "."),
        DecimalMark::Auto => unambiguous(&spaceless)
            .map_err(|()| format!("`{}` may have thousands or decimals after its comma: set `decimal_mark`", shown(value)))?,
    };
    let exact = || plain.parse::<Decimal>().ok().or_else(|| Decimal::from_scientific(&plain).ok());
    let sound = plain.chars().any(|c| c.is_ascii_digit());
    sound.then(exact).flatten().ok_or_else(refuse)
}

/// The text with a point before its decimals, if only one reading is possible.
fn unambiguous(text: &str) -> Result<String, ()> {
    let (points, commas) = (text.matches('.').count(), text.matches(',').count());
    let comma_is_last = text.rfind(',') > text.rfind('.');
    match (points, commas) {
        (_, 0) if points <= 1 => Ok(text.to_owned()),
        (_, 0) => Ok(text.replace('.', "")),
        (0, 1) if text.rsplit(',').next().is_some_and(|decimals| decimals.len() == 3) => Err(()),
        (0, 1) => Ok(text.replace(',', ".")),
        (0, _) => Ok(text.replace(',', "")),
        _ if comma_is_last => Ok(text.replace('.', "").replace(',', ".")),
        _ => Ok(text.replace(',', "")),
    }
}

/// An instant. A date alone is the start of that day in `zone`.
pub(super) fn instant(value: &Value, format: Option<&str>, zone: &TimeZone) -> Result<Timestamp, String> {
    let text = scalar_text(value).ok_or_else(|| "is no date".to_owned())?;
    let read = match format {
        Some(format) => formatted(&text, format, zone),
        None => iso(&text, zone),
    };
    read.ok_or_else(|| match format {
        Some(format) => format!("`{}` is no date of the form `{format}`", shown(value)),
        None => format!("`{}` is no date (ISO 8601)", shown(value)),
    })
}

fn iso(text: &str, zone: &TimeZone) -> Option<Timestamp> {
    text.parse::<Timestamp>().ok().or_else(|| local(text.parse::<DateTime>().ok()?, zone))
}

fn formatted(text: &str, format: &str, zone: &TimeZone) -> Option<Timestamp> {
    let parts = jiff::fmt::strtime::parse(format, text).ok()?;
    parts.to_timestamp().ok().or_else(|| {
        let day: Date = parts.to_date().ok()?;
        local(parts.to_datetime().unwrap_or_else(|_| day.to_datetime(jiff::civil::Time::midnight())), zone)
    })
}

/// Midnight that a clock change skips is the first moment of that day.
fn local(at: DateTime, zone: &TimeZone) -> Option<Timestamp> {
    Some(at.to_zoned_datetime(zone.clone()).ok()?.timestamp())
}

/// Yes or no, in the words that exports use.
pub(super) fn truth(value: &Value) -> Result<bool, String> {
    if let Value::Bool(truth) = value {
        return Ok(*truth);
    }
    let text = scalar_text(value).unwrap_or_default().to_lowercase();
    match text.as_str() {
        "1" | "y" | "yes" | "true" | "да" => Ok(true),
        "0" | "n" | "no" | "false" | "нет" => Ok(false),
        _ => Err(format!("`{}` is neither yes nor no", shown(value))),
    }
}
