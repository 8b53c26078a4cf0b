//! Reads a table of texts (CSV and its relatives) as people export it: any usual encoding and delimiter, rows that are
//! broken told by their number while the others are read.

use csv::{ReaderBuilder, StringRecord};
use encoding_rs::{Encoding, UTF_8, WINDOWS_1251};
use serde_json::{Map, Value};

/// Rows of a table.
const ROWS_MAX: usize = 1_000_000;
/// How often a quote left open may be mended.
const MENDED_MAX: usize = 1_000;

/// A table.
pub(super) struct Table {
    /// The names of its columns.
    pub(super) header: Vec<String>,
    /// Rows by their number (the header is row 1): the texts by column, or what is wrong.
    pub(super) rows: Vec<(usize, Result<Value, String>)>,
}

/// Reads a table; `delimiter` and `encoding` may be `auto`.
pub(super) fn read(bytes: &[u8], delimiter: &str, encoding: &str) -> Result<Table, String> {
    let text = decode(bytes, encoding)?.replace("\r\n", "\n");
    let text = text.trim_start_matches('\u{feff}');
    let header_line = text.lines().find(|line| !line.trim().is_empty()).ok_or("the table is empty: not even a header")?;
    let delimiter = match delimiter {
        "auto" => likely_delimiter(header_line),
        "\\t" | "tab" => b'\t',
        one => *one.as_bytes().first().filter(|_| one.len() == 1).ok_or("`delimiter` must be one sign, `tab` or `auto`")?,
    };
    Rows { text, delimiter, number: 0, header: None, rows: Vec::new() }.read()
}

fn decode(bytes: &[u8], encoding: &str) -> Result<String, String> {
    let chosen: &Encoding = match (Encoding::for_bom(bytes), encoding) {
        (Some((marked, _)), _) => marked,
        (None, "auto") => {
            if std::str::from_utf8(bytes).is_ok() {
                UTF_8
            } else {
                WINDOWS_1251
            }
        }
        (None, label) => Encoding::for_label(label.as_bytes()).ok_or_else(|| format!("`{label}` is no known encoding"))?,
    };
    let (text, _, had_errors) = chosen.decode(bytes);
    if had_errors && encoding != "auto" {
        return Err(format!("the table is not written in {encoding}: set `encoding`"));
    }
    Ok(text.into_owned())
}

fn likely_delimiter(header: &str) -> u8 {
    let mut quoted = false;
    let mut counts = [(b',', 0usize), (b';', 0), (b'\t', 0), (b'|', 0)];
    for byte in header.bytes() {
        quoted ^= byte == b'"';
        if let Some((_, count)) = counts.iter_mut().find(|(delimiter, _)| *delimiter == byte && !quoted) {
            *count += 1;
        }
    }
    counts.into_iter().rev().max_by_key(|(_, count)| *count).map_or(b',', |(delimiter, _)| delimiter)
}

struct Rows<'t> {
    text: &'t str,
    delimiter: u8,
    number: usize,
    header: Option<Vec<String>>,
    rows: Vec<(usize, Result<Value, String>)>,
}

impl Rows<'_> {
    fn read(mut self) -> Result<Table, String> {
        let mut from = 0;
        let mut mended = 0;
        while let Some(again_from) = self.read_from(from)? {
            mended += 1;
            if mended > MENDED_MAX {
                return Err(format!("more than {MENDED_MAX} rows are broken: is `delimiter` right?"));
            }
            from = again_from;
        }
        Ok(Table { header: self.header.unwrap_or_default(), rows: self.rows })
    }

    /// Reads on; gives where to begin anew when a quote left open has swallowed lines.
    fn read_from(&mut self, from: usize) -> Result<Option<usize>, String> {
        let rest = self.text.get(from..).unwrap_or_default();
        let mut reader =
            ReaderBuilder::new().has_headers(false).flexible(true).delimiter(self.delimiter).from_reader(rest.as_bytes());
        let mut record = StringRecord::new();
        loop {
            let start = offset(reader.position());
            if !reader.read_record(&mut record).map_err(|error| error.to_string())? {
                return Ok(None);
            }
            let taken = rest.get(start..offset(reader.position())).unwrap_or_default();
            let blank = taken.len() - taken.trim_start_matches('\n').len();
            self.number += 1 + blank;
            if self.rows.len() >= ROWS_MAX {
                return Err(format!("the table has more than {ROWS_MAX} rows"));
            }
            let Some(header) = &self.header else {
                self.header = Some(record.iter().map(|name| name.trim().to_owned()).collect());
                continue;
            };
            if record.iter().all(|cell| cell.trim().is_empty()) {
                continue;
            }
            if record.len() == header.len() {
                let cells = header.iter().cloned().zip(record.iter().map(|cell| Value::String(cell.to_owned())));
                self.rows.push((self.number, Ok(Value::Object(cells.collect::<Map<_, _>>()))));
                continue;
            }
            let first_line_end = taken.get(blank..).and_then(|row| row.find('\n')).map(|end| blank + end + 1);
            if let Some(end) = first_line_end.filter(|end| *end < taken.len()) {
                self.rows.push((self.number, Err("has a quote that is not closed in this row".to_owned())));
                return Ok(Some(from + start + end));
            }
            self.rows.push((self.number, Err(format!("has {} cells, the header has {}", record.len(), header.len()))));
        }
    }
}

fn offset(position: &csv::Position) -> usize {
    usize::try_from(position.byte()).unwrap_or(usize::MAX)
}
