//! Metrics that are looked at when somebody asks, instead of counted as they happen.

use std::sync::atomic::AtomicU64;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::metrics::{ConnectionLabels, PREFIX};

/// What was seen.
#[derive(Debug, Clone, Default)]
pub struct Observed {
    /// Records of decisions that wait for the disk.
    pub decisions_waiting: u64,
    /// Records of decisions that never reached it, since the start.
    pub decisions_lost: u64,
    /// Webhooks not kept for inspection, since the start.
    pub inbox_dropped: u64,
    /// CRM connections that are asked who is calling.
    pub lookups: Vec<ObservedLookup>,
}

/// A CRM connection that is asked who is calling.
#[derive(Debug, Clone)]
pub struct ObservedLookup {
    /// Which.
    pub connection: ConnectionLabels,
    /// Callers remembered.
    pub callers: u64,
    /// Whether it failed so often that it is left alone for now.
    pub breaker_is_open: bool,
}

impl Observed {
    /// As metrics, made for one reading: what is gone is not shown any more.
    pub(super) fn registry(&self) -> Registry {
        let mut registry = Registry::with_prefix(PREFIX);
        let waiting = Gauge::<u64, AtomicU64>::default();
        waiting.set(self.decisions_waiting);
        registry.register("decisions_waiting", "Records of decisions that wait for the disk", waiting);
        let counters = [
            ("decisions_lost", "Records of decisions that never reached the disk", self.decisions_lost),
            ("inbox_dropped", "Webhooks not kept for inspection", self.inbox_dropped),
        ];
        for (name, help, count) in counters {
            let counter = Counter::<u64>::default();
            counter.inc_by(count);
            registry.register(name, help, counter);
        }
        let callers = Family::<ConnectionLabels, Gauge<u64, AtomicU64>>::default();
        let breakers = Family::<ConnectionLabels, Gauge<u64, AtomicU64>>::default();
        for lookup in &self.lookups {
            callers.get_or_create(&lookup.connection).set(lookup.callers);
            breakers.get_or_create(&lookup.connection).set(u64::from(lookup.breaker_is_open));
        }
        registry.register("callers_remembered", "Callers in the cache in front of a CRM connection", callers);
        registry.register("lookup_breaker_open", "1 while a CRM connection that failed is not asked who is calling", breakers);
        registry
    }
}
