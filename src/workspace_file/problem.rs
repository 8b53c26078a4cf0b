//! What is wrong with a file: where, what, and what to do.

use std::collections::HashMap;
use std::fmt;

/// Where each part of a document stands in its text: JSON Pointer to line and column, both from 1.
#[derive(Debug, Clone, Default)]
pub struct Positions(pub(super) HashMap<String, (usize, usize)>);

impl Positions {
    /// The place of a part, or of the nearest part around it.
    pub fn of(&self, pointer: &str) -> (usize, usize) {
        let mut pointer = pointer;
        loop {
            if let Some(place) = self.0.get(pointer) {
                return *place;
            }
            match pointer.rfind('/') {
                Some(end) => pointer = pointer.get(..end).unwrap_or_default(),
                None => return (1, 1),
            }
        }
    }
}

/// One thing wrong with a file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// The file, as named by whoever asked.
    pub file: String,
    /// From 1.
    pub line: usize,
    /// From 1.
    pub column: usize,
    /// `groups[0].members[1]`; empty for the document as a whole.
    pub path: String,
    /// What is wrong and what to do.
    pub message: String,
}

impl Problem {
    /// A problem with the part at a JSON Pointer.
    pub(super) fn at(file: &str, positions: &Positions, pointer: &str, message: impl Into<String>) -> Self {
        let (line, column) = positions.of(pointer);
        Self { file: file.to_owned(), line, column, path: dotted(pointer), message: message.into() }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}: ", self.file, self.line, self.column)?;
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        f.write_str(&self.message)
    }
}

/// Gathers problems of one file.
pub(crate) struct Problems<'a> {
    pub(super) file: &'a str,
    pub(super) positions: &'a Positions,
    pub(crate) found: Vec<Problem>,
}

/// More problems than this are not told at once.
const PROBLEMS_MAX: usize = 50;

impl<'a> Problems<'a> {
    pub(crate) fn new(file: &'a str, positions: &'a Positions) -> Self {
        Self { file, positions, found: Vec::new() }
    }

    pub(crate) fn push(&mut self, pointer: &str, message: impl Into<String>) {
        self.found.push(Problem::at(self.file, self.positions, pointer, message));
    }

    /// Sorted by place, each once, bounded.
    pub(crate) fn finish(mut self) -> Vec<Problem> {
        self.found.sort_by(|a, b| (a.line, a.column, &a.message).cmp(&(b.line, b.column, &b.message)));
        self.found.dedup();
        self.found.truncate(PROBLEMS_MAX);
        self.found
    }
}

/// `/groups/0/members/1` as `groups[0].members[1]`.
fn dotted(pointer: &str) -> String {
    let mut text = String::new();
    for segment in pointer.split('/').skip(1) {
        if segment.bytes().all(|b| b.is_ascii_digit()) && !segment.is_empty() {
            text.push_str(&format!("[{segment}]"));
        } else {
            if !text.is_empty() {
                text.push('.');
            }
            text.push_str(&segment.replace("~1", "/").replace("~0", "~"));
        }
    }
    text
}

/// `; did you mean `x`?` for the candidate nearest to what was written, if any is near.
pub(crate) fn did_you_mean<'a>(written: &str, candidates: impl IntoIterator<Item = &'a str>) -> String {
    let near = candidates.into_iter().map(|candidate| (strsim::damerau_levenshtein(written, candidate), candidate));
    let bearable = (written.chars().count() / 3).max(1) + 1;
    match near.filter(|(distance, _)| *distance <= bearable).min() {
        Some((_, candidate)) => format!("; did you mean `{candidate}`?"),
        None => String::new(),
    }
}
