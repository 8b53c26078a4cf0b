//! The small formulas that scores are made of: fading, the median, caution.
//!
//! They must not know what they are computed from.

/// `(seen + caution) / (expected + caution)`; 1 when both are 0 (no caution and nothing known).
pub fn shrunken(seen: f64, expected: f64, caution: f64) -> f64 {
    let below = expected + caution;
    if below > 0.0 { (seen + caution) / below } else { 1.0 }
}

/// `2^(-age/half_life)`; 1 without a half-life.
pub(in crate::core) fn fading(age_seconds: f64, half_life_seconds: Option<u64>) -> f64 {
    match half_life_seconds {
        Some(half_life) => (-age_seconds / half_life.max(1) as f64).exp2(),
        None => 1.0,
    }
}

/// The middle value (the mean of the two middle ones). Sorts `values`.
pub(in crate::core) fn median_of(values: &mut [f64]) -> Option<f64> {
    values.sort_unstable_by(f64::total_cmp);
    let upper = *values.get(values.len() / 2)?;
    if values.len() % 2 == 1 {
        return Some(upper);
    }
    let lower = *values.get(values.len() / 2 - 1)?;
    Some(lower + (upper - lower) / 2.0)
}
