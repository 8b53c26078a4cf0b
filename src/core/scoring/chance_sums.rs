//! Chances of one kind, and what came of them.

use super::score_scope::Week;

/// The kind of a chance: from which lead source it came, and in which week.
pub(in crate::core) type Kind<'s> = (Option<&'s str>, Week);

/// Faded chances and what came of them, and how many chances they are without fading.
#[derive(Debug, Default, Clone, Copy)]
pub(in crate::core) struct Sums {
    /// Faded chances.
    pub(in crate::core) chances: f64,
    /// Faded results.
    pub(in crate::core) results: f64,
    /// Chances, each as 1, or as the part it is.
    pub(in crate::core) count: f64,
}

impl Sums {
    /// Adds a part of others.
    pub(in crate::core) fn add(&mut self, other: Sums, part: f64) {
        self.chances += other.chances * part;
        self.results += other.results * part;
        self.count += other.count * part;
    }

    /// Results per chance; none without chances.
    pub(in crate::core) fn rate(self) -> Option<f64> {
        (self.chances > 0.0).then(|| self.results / self.chances)
    }
}
