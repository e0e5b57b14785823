//! What the alert rules read from a cycle's figures. `None` where the cycle says nothing.

use super::Sample;
use crate::{
    Window,
    figures::{
        metrics::{
            AGENT_RUNS, CONTROL_REQUESTS, DATABASE_CONNECTIONS, DATABASE_CONNECTIONS_LIMIT,
            DATABASE_ERRORS, DISK_FREE, DISK_SIZE, MEMORY_TOTAL, MEMORY_USED, Metric,
            QUERY_SECONDS,
        },
        snapshot::percent,
    },
};

pub(crate) fn ratio(window: &Window, metric: Metric) -> Option<Sample> {
    let value = window.figures.gauge(metric, |_| true)?;
    Some(Sample { value: 100.0 * value, samples: 1 })
}

pub(crate) fn memory(window: &Window) -> Option<Sample> {
    let used = window.figures.gauge(MEMORY_USED, |_| true)?;
    let total = window.figures.gauge(MEMORY_TOTAL, |_| true)?;
    Some(Sample { value: 100.0 * used / total, samples: 1 })
}

pub(crate) fn disk(window: &Window) -> Option<Sample> {
    let free = window.figures.gauge(DISK_FREE, |_| true)?;
    let size = window.figures.gauge(DISK_SIZE, |_| true)?;
    Some(Sample { value: 100.0 - 100.0 * free / size, samples: 1 })
}

pub(crate) fn pool_usage(window: &Window) -> Option<Sample> {
    let used = window.figures.gauge(DATABASE_CONNECTIONS, |labels| labels[0] == "used")?;
    let limit = window.figures.gauge(DATABASE_CONNECTIONS_LIMIT, |_| true)?;
    Some(Sample { value: 100.0 * used / limit, samples: 1 })
}

/// A cycle without any query, failed ones included, says nothing.
pub(crate) fn database_errors(window: &Window) -> Option<Sample> {
    let errors = window.figures.counter(DATABASE_ERRORS, |_| true);
    let samples = errors + window.figures.histogram(QUERY_SECONDS).count();
    (samples > 0).then_some(Sample { value: errors as f64, samples })
}

pub(crate) fn mean(window: &Window, metric: Metric) -> Option<Sample> {
    let times = window.figures.histogram(metric);
    Some(Sample { value: times.mean_seconds()?, samples: times.count() })
}

pub(crate) fn quantile(window: &Window, metric: Metric, share: f64) -> Option<Sample> {
    let times = window.figures.histogram(metric);
    Some(Sample { value: times.quantile_seconds(share)?, samples: times.count() })
}

pub(crate) fn hits(window: &Window, cache: Metric) -> Option<Sample> {
    window.hit_percent(cache).map(|(value, samples)| Sample { value, samples })
}

pub(crate) fn error_rate(window: &Window) -> Option<Sample> {
    let errors = window.figures.counter(CONTROL_REQUESTS, |labels| labels[1] == "5xx");
    let all = window.figures.counter(CONTROL_REQUESTS, |_| true);
    percent(errors, all).map(|(value, samples)| Sample { value, samples })
}

/// A fallback to the rules is a success: the plan goes on with a valid answer.
pub(crate) fn agent_success(window: &Window) -> Option<Sample> {
    let good = |labels: &[String]| labels[1] == "ok" || labels[1] == "fallback";
    let all = window.figures.counter(AGENT_RUNS, |_| true);
    percent(window.figures.counter(AGENT_RUNS, good), all)
        .map(|(value, samples)| Sample { value, samples })
}
