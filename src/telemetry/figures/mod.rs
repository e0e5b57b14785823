//! Counters, histograms and gauges, and their Prometheus text.

pub(crate) mod counters;
pub(crate) mod exposition;
pub(crate) mod histogram;
pub mod metrics;
pub(crate) mod snapshot;
pub(crate) mod system;
