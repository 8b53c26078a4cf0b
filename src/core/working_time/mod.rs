//! When people work: schedules, breaks, holidays, and what follows from them for calls and for the ageing of results.
//!
//! Knows calendars and time zones; it must not know calls or credits beyond how long one more call would take.

pub mod day_span;
pub mod duty_days;
pub mod hours;
pub(in crate::core) mod hours_used;
pub mod shifts;
pub(in crate::core) mod working_days;
