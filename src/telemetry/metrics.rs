//! The metrics of the process, in OpenMetrics text. One value per thing, no globals: whoever counts gets a handle.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use prometheus_client::encoding::text::{encode_eof, encode_registry};
use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use super::observed::Observed;

/// What the names of all metrics begin with.
pub(super) const PREFIX: &str = "meritline";

/// An id as a label: shared, since every answer is counted under some.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct IdLabel(Arc<str>);

impl<T: Into<Arc<str>>> From<T> for IdLabel {
    fn from(id: T) -> Self {
        Self(id.into())
    }
}

impl EncodeLabelValue for IdLabel {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> Result<(), std::fmt::Error> {
        (&*self.0).encode(encoder)
    }
}

/// A connection of a workspace.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct ConnectionLabels {
    /// The workspace's id.
    pub workspace: IdLabel,
    /// The connection's id.
    pub connection: IdLabel,
}

/// A connection and what came of something.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct OutcomeLabels {
    /// The workspace's id.
    pub workspace: IdLabel,
    /// The connection's id.
    pub connection: IdLabel,
    /// For a decision its reason (or `repeated`), for an event `accepted`, `duplicate` or `rejected`, for a pull `ok` or
    /// `failed`.
    pub outcome: &'static str,
}

/// What an answer had to do without.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct DegradedLabels {
    /// The workspace's id.
    pub workspace: IdLabel,
    /// What was missing.
    pub what: &'static str,
}

/// All metrics. Cheap to clone.
#[derive(Clone)]
pub struct Metrics {
    registry: Arc<Registry>,
    /// Decision hooks answered.
    pub decisions: Family<OutcomeLabels, Counter>,
    /// From the arrival of a decision hook to its answer.
    pub decision_seconds: Histogram,
    /// Answers that had to do without something.
    pub degraded: Family<DegradedLabels, Counter>,
    /// Call events received.
    pub events: Family<OutcomeLabels, Counter>,
    /// Hooks refused for a wrong or missing secret, or an unknown workspace or connection.
    pub unauthorized: Counter,
    /// Hooks that could not be understood.
    pub hook_faults: Family<OutcomeLabels, Counter>,
    /// Pulls of CRM connections.
    pub pulls: Family<OutcomeLabels, Counter>,
    /// When the last successful pull ended, seconds since 1970.
    pub pulled_at: Family<ConnectionLabels, Gauge<f64, AtomicU64>>,
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    /// Metrics that have counted nothing.
    pub fn new() -> Self {
        let mut registry = Registry::with_prefix(PREFIX);
        let buckets = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0];
        let decisions = Family::<OutcomeLabels, Counter>::default();
        registry.register("decisions", "Decision hooks answered, by reason", decisions.clone());
        let decision_seconds = Histogram::new(buckets);
        let help = "From the arrival of a decision hook to its answer";
        registry.register_with_unit("decision", help, Unit::Seconds, decision_seconds.clone());
        let degraded = Family::<DegradedLabels, Counter>::default();
        registry.register("degraded", "Answers that had to do without something", degraded.clone());
        let events = Family::<OutcomeLabels, Counter>::default();
        registry.register("events", "Call events received, by what became of them", events.clone());
        let unauthorized = Counter::default();
        registry.register("unauthorized", "Requests with a wrong or missing secret", unauthorized.clone());
        let hook_faults = Family::<OutcomeLabels, Counter>::default();
        registry.register("hook_faults", "Hooks that could not be understood, by code", hook_faults.clone());
        let pulls = Family::<OutcomeLabels, Counter>::default();
        registry.register("pulls", "Pulls of CRM connections, by result", pulls.clone());
        let pulled_at = Family::<ConnectionLabels, Gauge<f64, AtomicU64>>::default();
        registry.register("pulled_at_seconds", "When the last successful pull ended, seconds since 1970", pulled_at.clone());
        let registry = Arc::new(registry);
        Self { registry, decisions, decision_seconds, degraded, events, unauthorized, hook_faults, pulls, pulled_at }
    }

    /// Notes how long a decision hook took.
    pub fn answered_after(&self, elapsed: Duration) {
        self.decision_seconds.observe(elapsed.as_secs_f64());
    }

    /// All metrics as OpenMetrics text: what was counted, and what was seen just now.
    pub fn text(&self, seen: &Observed) -> String {
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _written = encode_registry(&mut text, &self.registry)
            .and_then(|()| encode_registry(&mut text, &seen.registry()))
            .and_then(|()| encode_eof(&mut text));
        text
    }
}
