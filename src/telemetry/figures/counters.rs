//! The figures themselves, behind one handle that everybody may hold.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use super::{
    exposition::prometheus,
    metrics::{Metric, MetricKind, SERIES_FOLDED},
    snapshot::Figure,
};
use crate::{Histogram, Snapshot, settings::MetricsSettings};

/// Longest value of a label in bytes; the rest is cut off.
const LABEL_MAX_BYTES: usize = 64;

/// Counts, gauges and times of the daemon. A clone is a reference to the same figures.
///
/// A std Mutex: it is held for the change of one figure, never over an await, and a copy of all
/// figures takes well under a millisecond.
#[derive(Clone, Debug)]
pub struct Telemetry {
    figures: Arc<Mutex<Snapshot>>,
    max_series: usize,
}

impl Default for Telemetry {
    fn default() -> Self {
        Self::new(&MetricsSettings::default())
    }
}

impl Telemetry {
    pub fn new(settings: &MetricsSettings) -> Self {
        Self { figures: Arc::default(), max_series: settings.max_series }
    }

    /// Adds 1 to a counter. `labels`: the values, in the metric's order.
    pub fn inc(&self, metric: Metric, labels: &[&str]) {
        self.add(metric, labels, 1);
    }

    /// Adds to a counter.
    pub fn add(&self, metric: Metric, labels: &[&str], count: u64) {
        self.change(metric, labels, |figure| {
            if let Figure::Counter(sum) = figure {
                *sum = sum.saturating_add(count);
            }
        });
    }

    /// Sets a counter that somebody else counts, such as a cache of its own hits.
    pub fn set_total(&self, metric: Metric, labels: &[&str], total: u64) {
        self.change(metric, labels, |figure| {
            if let Figure::Counter(sum) = figure {
                *sum = total;
            }
        });
    }

    pub fn gauge(&self, metric: Metric, labels: &[&str], value: f64) {
        self.change(metric, labels, |figure| {
            if let Figure::Gauge(current) = figure {
                *current = value;
            }
        });
    }

    pub(crate) fn observe_seconds(&self, metric: Metric, labels: &[&str], seconds: f64) {
        self.change(metric, labels, |figure| {
            if let Figure::Histogram(histogram) = figure {
                histogram.observe(seconds);
            }
        });
    }

    pub fn observe(&self, metric: Metric, labels: &[&str], time: Duration) {
        self.observe_seconds(metric, labels, time.as_secs_f64());
    }

    /// Looks at the figures without a copy. Counting waits meanwhile: be quick.
    pub fn read<T>(&self, look: impl FnOnce(&Snapshot) -> T) -> T {
        look(&self.lock())
    }

    /// A copy of all figures.
    pub fn snapshot(&self) -> Snapshot {
        self.lock().clone()
    }

    /// All figures as Prometheus text, format 0.0.4.
    pub fn prometheus(&self) -> String {
        prometheus(&self.snapshot())
    }

    fn change(&self, metric: Metric, labels: &[&str], change: impl FnOnce(&mut Figure)) {
        debug_assert_eq!(labels.len(), metric.labels.len(), "labels of {}", metric.name);
        debug_assert!(
            metric.values.is_empty() || labels.last().is_some_and(|v| metric.values.contains(v)),
            "{}: {labels:?} is not in the table",
            metric.name
        );
        let labels: Vec<String> = metric
            .labels
            .iter()
            .zip(labels.iter().chain(std::iter::repeat(&"")))
            .map(|(_, value)| cut(value).to_owned())
            .collect();
        let mut figures = self.lock();
        let series = figures.metrics.entry(metric).or_default();
        if series.len() < self.max_series || series.contains_key(&labels) {
            return change(series.entry(labels).or_insert_with(|| start(metric.kind)));
        }
        let other = vec!["other".to_owned(); metric.labels.len()];
        change(series.entry(other).or_insert_with(|| start(metric.kind)));
        // One label set per metric, and metrics are constants: this is bounded by itself.
        let folded = figures.metrics.entry(SERIES_FOLDED).or_default();
        let count = folded.entry(vec![metric.name.into()]).or_insert(Figure::Counter(0));
        if let Figure::Counter(count) = count {
            *count += 1;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Snapshot> {
        // A panic while it was held left at most one figure behind by one.
        self.figures.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn start(kind: MetricKind) -> Figure {
    match kind {
        MetricKind::Counter => Figure::Counter(0),
        MetricKind::Gauge => Figure::Gauge(0.0),
        MetricKind::Histogram => Figure::Histogram(Histogram::default()),
    }
}

fn cut(value: &str) -> &str {
    let end = (0..=LABEL_MAX_BYTES.min(value.len())).rev().find(|i| value.is_char_boundary(*i));
    &value[..end.unwrap_or(0)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Window,
        figures::metrics::{AGENT_RUNS, CPU_RATIO, QUERY_CACHE, QUERY_SECONDS},
    };

    #[test]
    fn figures_add_up_and_windows_tell_what_is_new() {
        let telemetry = Telemetry::default();
        telemetry.inc(QUERY_CACHE, &["miss"]);
        telemetry.observe_seconds(QUERY_SECONDS, &["search"], 9.0);
        let before = telemetry.snapshot();
        telemetry.clone().add(QUERY_CACHE, &["hit"], 3);
        telemetry.inc(QUERY_CACHE, &["miss"]);
        telemetry.observe(QUERY_SECONDS, &["search"], Duration::from_millis(100));
        telemetry.observe(QUERY_SECONDS, &["insert"], Duration::from_millis(300));
        telemetry.gauge(CPU_RATIO, &[], 0.5);
        let after = telemetry.snapshot();
        assert_eq!(after.counter(QUERY_CACHE, |_| true), 5);
        let window = Window::between(&before, &after, Duration::from_secs(60));
        assert_eq!(window.hit_percent(QUERY_CACHE), Some((75.0, 4)));
        let queries = window.figures.histogram(QUERY_SECONDS);
        assert_eq!(queries.count(), 2);
        assert!((queries.mean_seconds().unwrap() - 0.2).abs() < 1e-9);
        assert_eq!(window.figures.gauge(CPU_RATIO, |_| true), Some(0.5));
        let quiet = Window::between(&after, &after, Duration::from_secs(60));
        assert_eq!(quiet.hit_percent(QUERY_CACHE), None);
    }

    #[test]
    fn too_many_label_sets_are_folded() {
        let settings = MetricsSettings { max_series: 10, ..MetricsSettings::default() };
        let telemetry = Telemetry::new(&settings);
        for i in 0..1_000 {
            telemetry.inc(AGENT_RUNS, &[&format!("agent{i}"), "ok"]);
        }
        telemetry.inc(AGENT_RUNS, &["agent0", "ok"]);
        let snapshot = telemetry.snapshot();
        assert_eq!(snapshot.metrics[&AGENT_RUNS].len(), 11);
        assert_eq!(snapshot.counter(AGENT_RUNS, |labels| labels[0] == "agent0"), 2);
        assert_eq!(snapshot.counter(AGENT_RUNS, |labels| labels[0] == "other"), 990);
        assert_eq!(snapshot.counter(SERIES_FOLDED, |_| true), 990);
    }

    #[test]
    fn long_labels_are_cut_between_characters() {
        assert_eq!(cut(&"é".repeat(40)), "é".repeat(32));
        assert_eq!(cut(&format!("x{}", "é".repeat(40))), format!("x{}", "é".repeat(31)));
    }
}
