//! YAML to JSON with the place of every part. One document, no aliases, no duplicate keys, bounded in size and depth.
//!
//! Scalars are read by the core schema of YAML 1.2, so `on`, `off`, `yes` and `no` are words. Numbers keep their text.

use std::borrow::Cow;

use granit_parser::{Event, Parser, ScalarStyle, Span};
use serde_json::{Map, Number, Value};

use super::problem::{Positions, Problem};

/// Bytes of a file.
const TEXT_MAX: usize = 4 * 1024 * 1024;
/// How deep a document may be nested.
const DEPTH_MAX: usize = 32;
/// How many parts a document may have.
const NODES_MAX: usize = 200_000;

/// Reads a document that is meant as a `kind` (a workspace, a simulation); the first fault ends it, with its place.
pub(crate) fn read(text: &str, file: &str, kind: &'static str) -> Result<(Value, Positions), Problem> {
    let at = |line: usize, column: usize, message: String| Problem {
        file: file.to_owned(),
        line,
        column,
        path: String::new(),
        message,
    };
    if text.len() > TEXT_MAX {
        return Err(at(
            1,
            1,
            format!("the file has {} bytes, at most {TEXT_MAX} are read: split it into several {kind}s", text.len()),
        ));
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    // Another crate of the program may switch on that comments are told as events: here they are passed over.
    let parser = Parser::new_from_str_with_options(text, granit_parser::options! { emit_comments: false });
    let mut reader = Reader { kind, parser, positions: Positions::default(), nodes: 0 };
    reader.document().map_err(|fault| at(fault.line, fault.column, fault.message)).map(|value| (value, reader.positions))
}

struct Fault {
    line: usize,
    column: usize,
    message: String,
}

fn fault(span: Span, message: impl Into<String>) -> Fault {
    Fault { line: span.start.line(), column: span.start.col() + 1, message: message.into() }
}

struct Reader<'a> {
    kind: &'static str,
    parser: Parser<'a, granit_parser::StrInput<'a>>,
    positions: Positions,
    nodes: usize,
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Result<(Event<'a>, Span), Fault> {
        match self.parser.next() {
            Some(Ok(event)) => Ok(event),
            Some(Err(error)) => {
                let marker = error.marker();
                Err(Fault {
                    line: marker.line(),
                    column: marker.col() + 1,
                    message: format!("this is not YAML: {}", error.info()),
                })
            }
            None => Err(self.empty()),
        }
    }

    fn empty(&self) -> Fault {
        Fault { line: 1, column: 1, message: format!("the file is empty: it must be a {}", self.kind) }
    }

    fn document(&mut self) -> Result<Value, Fault> {
        let mut root = None;
        loop {
            let (event, span) = self.next()?;
            match event {
                Event::StreamStart | Event::DocumentStart(..) | Event::DocumentEnd => {}
                Event::StreamEnd => break,
                _ if root.is_some() => {
                    let message = format!("one file holds one {}: put the second document into a file of its own", self.kind);
                    return Err(fault(span, message));
                }
                event => root = Some(self.node(event, span, "", 0)?),
            }
        }
        root.ok_or_else(|| self.empty())
    }

    fn node(&mut self, event: Event<'a>, span: Span, pointer: &str, depth: usize) -> Result<Value, Fault> {
        self.nodes += 1;
        if depth > DEPTH_MAX || self.nodes > NODES_MAX {
            return Err(fault(span, format!("the document is nested too deeply or too large to be a {}", self.kind)));
        }
        self.positions.0.entry(pointer.to_owned()).or_insert((span.start.line(), span.start.col() + 1));
        match event {
            Event::Scalar(text, style, anchor, tag) if anchor == 0 && tag.is_none() => Ok(scalar(text, style)),
            Event::SequenceStart(_, 0, None) => self.sequence(pointer, depth),
            Event::MappingStart(_, 0, None) => self.mapping(pointer, depth),
            Event::Alias(_) | Event::UnresolvedAlias(_) | Event::Anchor(..) => {
                Err(fault(span, "aliases (`*name`) are not read here: write the value out"))
            }
            Event::Scalar(..) | Event::SequenceStart(..) | Event::MappingStart(..) => {
                Err(fault(span, "anchors (`&name`) and tags (`!name`) are not read here: leave them out"))
            }
            _ => Err(fault(span, format!("this is not YAML that makes a {}", self.kind))),
        }
    }

    fn sequence(&mut self, pointer: &str, depth: usize) -> Result<Value, Fault> {
        let mut items = Vec::new();
        loop {
            let (event, span) = self.next()?;
            if matches!(event, Event::SequenceEnd) {
                return Ok(Value::Array(items));
            }
            items.push(self.node(event, span, &format!("{pointer}/{}", items.len()), depth + 1)?);
        }
    }

    fn mapping(&mut self, pointer: &str, depth: usize) -> Result<Value, Fault> {
        let mut map = Map::new();
        loop {
            let (event, span) = self.next()?;
            let key = match event {
                Event::MappingEnd => return Ok(Value::Object(map)),
                Event::Scalar(key, ..) => key.into_owned(),
                _ => return Err(fault(span, "a key must be a plain word")),
            };
            let inner = format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1"));
            if map.contains_key(&key) {
                return Err(fault(span, format!("`{key}` is given twice here: keep one")));
            }
            self.positions.0.insert(inner.clone(), (span.start.line(), span.start.col() + 1));
            let (event, span) = self.next()?;
            let value = self.node(event, span, &inner, depth + 1)?;
            map.insert(key, value);
        }
    }
}

fn scalar(text: Cow<'_, str>, style: ScalarStyle) -> Value {
    if style != ScalarStyle::Plain {
        return Value::String(text.into_owned());
    }
    match &*text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" => Value::Bool(true),
        "false" | "False" | "FALSE" => Value::Bool(false),
        plain => match number(plain) {
            Some(number) => Value::Number(number),
            None => Value::String(text.into_owned()),
        },
    }
}

/// A number as JSON writes it. Anything with a leading zero or plus (`007`, `+7916...`) is a text here: it is an id or a
/// phone number.
fn number(text: &str) -> Option<Number> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let starts_well = digits.starts_with(|c: char| c.is_ascii_digit())
        && (!digits.starts_with('0') || digits == "0" || digits.starts_with("0."));
    if !starts_well || !digits.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | 'e' | 'E' | '+' | '-')) {
        return None;
    }
    serde_json::from_str(text).ok()
}
