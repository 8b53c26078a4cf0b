//! Small pieces of a line: columns of exact width, numbers as people read them, colours that can be off.

use std::time::Duration;

/// What a piece of text means, from which its colour follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    Plain,
    Strong,
    Faint,
    Good,
    Waiting,
    Ahead,
    Bad,
}

/// Puts colours around text, or does not.
#[derive(Debug, Clone, Copy)]
pub(super) struct Paint {
    pub(super) colour: bool,
}

impl Paint {
    pub(super) fn tone(self, tone: Tone, text: &str) -> String {
        let code = match tone {
            Tone::Plain => return text.to_owned(),
            Tone::Strong => "1",
            Tone::Faint => "2",
            Tone::Good => "32",
            Tone::Waiting => "33",
            Tone::Ahead => "36",
            Tone::Bad => "1;31",
        };
        if self.colour && !text.is_empty() { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

/// Exactly `width` columns, the text at the left; too long a text ends in `…`.
pub(super) fn left(text: &str, width: usize) -> String {
    let cut = cropped(text, width);
    let gap = width.saturating_sub(cut.chars().count());
    cut + &" ".repeat(gap)
}

/// Exactly `width` columns, the text at the right.
pub(super) fn right(text: &str, width: usize) -> String {
    let cut = cropped(text, width);
    " ".repeat(width.saturating_sub(cut.chars().count())) + &cut
}

/// At most `width` columns; what was cut shows as `…`.
pub(super) fn cropped(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let mut cut: String = text.chars().take(width.saturating_sub(1)).collect();
    cut.push('…');
    cut
}

/// `3304` as `3 304`: thousands apart, as both English and Russian readers read them.
pub fn grouped(digits: &str) -> String {
    let mut text = String::new();
    for (place, c) in digits.chars().enumerate() {
        let to_go = digits.len() - place;
        if place > 0 && to_go.is_multiple_of(3) && c.is_ascii_digit() {
            text.push(' ');
        }
        text.push(c);
    }
    text
}

pub(super) fn whole(value: Option<f64>) -> String {
    value.map_or_else(|| "–".to_owned(), |value| grouped(&format!("{value:.0}")))
}

pub(super) fn percent(share: Option<f64>) -> String {
    share.map_or_else(|| "–".to_owned(), |share| format!("{:.1} %", share * 100.0))
}

/// With its sign; nothing but zero for what rounds to it.
pub(super) fn signed(value: Option<f64>, decimals: usize) -> String {
    let Some(value) = value else { return "–".to_owned() };
    let text = format!("{value:+.decimals$}");
    if text.bytes().any(|b| (b'1'..=b'9').contains(&b)) { text } else { text.replace(['+', '-'], "") }
}

/// `1:02:05`, or `2:05` below an hour.
pub(super) fn length(of: Duration) -> String {
    let (hours, minutes, seconds) = (of.as_secs() / 3600, of.as_secs() / 60 % 60, of.as_secs() % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{seconds:02}") } else { format!("{minutes}:{seconds:02}") }
}

pub(super) fn milliseconds(of: Duration) -> String {
    format!("{:.1} ms", of.as_secs_f64() * 1000.0)
}

pub(super) fn speed(times: f64) -> String {
    let text = format!("{times:.1}");
    format!("×{}", text.trim_end_matches('0').trim_end_matches('.'))
}

/// A bar of exactly `width` columns: `█` got, `░` still owed up to the target, `▓` beyond the target.
pub(super) fn bar(target: f64, actual: f64, full: f64, width: usize) -> (String, String, String) {
    let cells = |share: f64| {
        let part = if full > 0.0 { (share / full).clamp(0.0, 1.0) } else { 0.0 };
        (part * width as f64).round() as usize
    };
    let (target, actual) = (cells(target), cells(actual));
    let got = "█".repeat(target.min(actual));
    let rest = if actual < target { "░".repeat(target - actual) } else { "▓".repeat(actual - target) };
    (got, rest, " ".repeat(width - target.max(actual)))
}
