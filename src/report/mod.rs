//! What a simulation showed, for people and for programs: a table, JSON, one page with charts.
//!
//! Values in, text out. Opens no file, knows no terminal; every text from outside is escaped.

pub mod simulation;
pub mod svg;
