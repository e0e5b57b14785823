//! What the alert rules read from a cycle's figures. `None` where the cycle says nothing.

use super::Sample;
use crate::{
    Window,
    figures::{
        metrics::{
            CONTROL_REQUESTS, DATABASE_CONNECTIONS, DATABASE_CONNECTIONS_LIMIT, DATABASE_ERRORS,
            DISK_FREE, DISK_SIZE, MEMORY_TOTAL, MEMORY_USED, Metric, QUERY_SECONDS,
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

pub(crate) fn agent_success(window: &Window) -> Option<Sample> {
    window.agent_success_percent().map(|(value, samples)| Sample { value, samples })
}

#[cfg(test)]
pub(super) mod tests {
    use crate::{Telemetry, figures::metrics::*};

    /// Figures of one cycle in which everything is bad.
    pub(crate) fn bad_cycle() -> Telemetry {
        let telemetry = Telemetry::default();
        telemetry.gauge(CPU_RATIO, &[], 0.99);
        telemetry.gauge(MEMORY_USED, &[], 95.0);
        telemetry.gauge(MEMORY_TOTAL, &[], 100.0);
        telemetry.gauge(DATABASE_CONNECTIONS, &["used"], 58.0);
        telemetry.gauge(DATABASE_CONNECTIONS, &["idle"], 2.0);
        telemetry.gauge(DATABASE_CONNECTIONS_LIMIT, &[], 60.0);
        telemetry.add(QUERY_CACHE, &["miss"], 1_000);
        telemetry.add(LLM_CACHE, &["miss"], 1_000);
        telemetry.add(DATABASE_ERRORS, &["query"], 1_000);
        telemetry.add(AGENT_RUNS, &["budgeting", "timed_out"], 100);
        telemetry.add(CONTROL_REQUESTS, &["plans", "5xx"], 100);
        telemetry.gauge(DISK_FREE, &[], 1.0);
        telemetry.gauge(DISK_SIZE, &[], 100.0);
        for _ in 0..100 {
            telemetry.observe_seconds(CONTROL_SECONDS, &["plans"], 20.0);
            telemetry.observe_seconds(WORKFLOW_SECONDS, &["failed"], 2_000.0);
            telemetry.observe_seconds(QUERY_SECONDS, &["search"], 20.0);
            telemetry.observe_seconds(LLM_SECONDS, &["ollama", "m"], 20.0);
        }
        telemetry
    }

    /// Figures of one cycle in which everything is well: gauges at zero, hits, successes, fast
    /// answers.
    pub(crate) fn good_cycle() -> Telemetry {
        let good = Telemetry::default();
        for metric in [CPU_RATIO, MEMORY_USED] {
            good.gauge(metric, &[], 0.0);
        }
        good.gauge(MEMORY_TOTAL, &[], 1.0);
        good.gauge(DATABASE_CONNECTIONS, &["used"], 0.0);
        good.gauge(DATABASE_CONNECTIONS_LIMIT, &[], 60.0);
        good.add(QUERY_CACHE, &["hit"], 1_000);
        good.add(LLM_CACHE, &["hit"], 1_000);
        good.add(AGENT_RUNS, &["budgeting", "fallback"], 100);
        good.add(CONTROL_REQUESTS, &["plans", "2xx"], 100);
        good.gauge(DISK_FREE, &[], 99.0);
        good.gauge(DISK_SIZE, &[], 100.0);
        for _ in 0..100 {
            good.observe_seconds(CONTROL_SECONDS, &["plans"], 0.01);
            good.observe_seconds(WORKFLOW_SECONDS, &["awaiting_selection"], 0.01);
            good.observe_seconds(QUERY_SECONDS, &["search"], 0.01);
            good.observe_seconds(LLM_SECONDS, &["ollama", "m"], 0.01);
        }
        good
    }
}
