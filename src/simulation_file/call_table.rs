//! Recorded calls from a CSV table with the columns `at` and `talk`, both in seconds.

use crate::core::simulate::LoggedCall;

/// Rows of a table.
const ROWS_MAX: usize = 5_000_000;

/// Reads a table; the first fault ends it, with its line.
pub(super) fn read(text: &str) -> Result<Vec<LoggedCall>, String> {
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text.as_bytes());
    let headers = reader.headers().map_err(|error| format!("this is not a CSV table: {error}"))?.clone();
    let place = |name: &str| {
        let found = headers.iter().position(|header| header.trim_start_matches('\u{feff}') == name);
        found.ok_or_else(|| format!("the table has no column `{name}`: its first line must name `at` and `talk`"))
    };
    let (at, talk) = (place("at")?, place("talk")?);
    let mut calls = Vec::new();
    for row in reader.records() {
        let row = row.map_err(|error| format!("a row cannot be read: {error}"))?;
        let line = row.position().map_or(0, csv::Position::line);
        let number = |column: usize, name: &str| {
            let text = row.get(column).unwrap_or_default();
            let number = text.parse::<f64>().ok().filter(|number| number.is_finite() && *number >= 0.0);
            number.ok_or_else(|| format!("line {line}: `{name}` must be seconds of at least 0, found `{text}`"))
        };
        calls.push(LoggedCall { at_seconds: number(at, "at")?, talk_seconds: number(talk, "talk")? });
        if calls.len() > ROWS_MAX {
            return Err(format!("the table has more than {ROWS_MAX} rows: cut it"));
        }
    }
    Ok(calls)
}
