//! Durations as files write them: `<integer>` and `s`, `m`, `h` or `d`.

/// Reads a duration in seconds.
pub(crate) fn seconds(text: &str) -> Option<u64> {
    if text == "0" {
        return Some(0);
    }
    let unit = match text.chars().last()? {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        'd' => 86_400,
        _ => return None,
    };
    let count: u64 = text.get(..text.len() - 1)?.parse().ok()?;
    count.checked_mul(unit)
}
