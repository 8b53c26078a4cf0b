//! The figures an index can be made of, and how much each counts.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// A figure an index is made of.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum Metric {
    /// How often a contract follows.
    ContractsClosed,
    /// How large contracts are.
    AverageCheck,
    /// How much money follows from an opportunity (or a call): both of the above in one.
    Revenue,
    /// A figure that the CRM supplies with its contracts, by the CRM's name.
    Supplied(Arc<str>),
}

impl Metric {
    /// The metrics every workspace has; any other name means one that a CRM supplies.
    pub const OWN: [Metric; 3] = [Metric::ContractsClosed, Metric::AverageCheck, Metric::Revenue];

    /// The metric of this name.
    pub fn named(name: &str) -> Self {
        Self::OWN.into_iter().find(|metric| metric.as_str() == name).unwrap_or_else(|| Self::Supplied(name.into()))
    }

    /// The metric as a workspace file writes it.
    pub fn as_str(&self) -> &str {
        match self {
            Self::ContractsClosed => "contracts_closed",
            Self::AverageCheck => "average_check",
            Self::Revenue => "revenue",
            Self::Supplied(name) => name,
        }
    }
}

impl From<String> for Metric {
    fn from(name: String) -> Self {
        Self::named(&name)
    }
}

impl From<Metric> for String {
    fn from(metric: Metric) -> Self {
        metric.as_str().to_owned()
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Whether more or less of a metric is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// More is better.
    #[default]
    More,
    /// Less is better: the index is turned over.
    Less,
}

impl Direction {
    /// No index is turned over beyond this.
    const LARGEST: f64 = 1e6;

    /// An index as it counts: `index`, or one over it.
    pub fn turn(self, index: f64) -> f64 {
        match self {
            Self::More => index,
            Self::Less => index.max(Self::LARGEST.recip()).recip(),
        }
    }
}

/// How much a metric counts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MetricSetting {
    /// Which.
    pub metric: Metric,
    /// Exponent of its index, 0 or more; 0 leaves it out.
    pub weight: f64,
    /// Whether more or less is better.
    #[serde(default)]
    pub direction: Direction,
}

impl MetricSetting {
    /// A metric of which more is better.
    pub fn more(metric: Metric, weight: f64) -> Self {
        Self { metric, weight, direction: Direction::More }
    }

    /// The product's default: contracts and checks count alike.
    pub fn usual() -> Vec<Self> {
        vec![Self::more(Metric::ContractsClosed, 1.0), Self::more(Metric::AverageCheck, 1.0)]
    }
}
