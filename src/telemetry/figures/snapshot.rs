//! All figures at one moment, and what happened between two moments.

use std::{collections::BTreeMap, time::Duration};

use super::metrics::{AGENT_RUNS, Metric};
use crate::Histogram;

/// One figure of a metric.
#[derive(Clone, Debug)]
pub enum Figure {
    Counter(u64),
    Gauge(f64),
    Histogram(Histogram),
}

/// The figures of one metric by the values of its labels.
pub(crate) type Series = BTreeMap<Vec<String>, Figure>;

/// All figures at one moment.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    pub metrics: BTreeMap<Metric, Series>,
}

impl Snapshot {
    /// Sum of a counter over the label sets that `wanted` takes.
    pub(crate) fn counter(&self, metric: Metric, wanted: impl Fn(&[String]) -> bool) -> u64 {
        self.figures(metric)
            .filter(|(labels, _)| wanted(labels))
            .map(|(_, figure)| if let Figure::Counter(count) = figure { *count } else { 0 })
            .sum()
    }

    /// Sum of a gauge over the label sets that `wanted` takes; None where there is none.
    pub fn gauge(&self, metric: Metric, wanted: impl Fn(&[String]) -> bool) -> Option<f64> {
        self.figures(metric)
            .filter(|(labels, _)| wanted(labels))
            .filter_map(
                |(_, figure)| if let Figure::Gauge(value) = figure { Some(*value) } else { None },
            )
            .reduce(|sum, value| sum + value)
    }

    /// Observations of a histogram in the label sets that `wanted` takes.
    pub(crate) fn observations(&self, metric: Metric, wanted: impl Fn(&[String]) -> bool) -> u64 {
        self.figures(metric)
            .filter(|(labels, _)| wanted(labels))
            .map(
                |(_, figure)| if let Figure::Histogram(times) = figure { times.count() } else { 0 },
            )
            .sum()
    }

    /// Every label set of a gauge with its value.
    pub fn gauges(&self, metric: Metric) -> impl Iterator<Item = (&[String], f64)> {
        self.figures(metric).filter_map(|(labels, figure)| match figure {
            Figure::Gauge(value) => Some((labels.as_slice(), *value)),
            _ => None,
        })
    }

    /// A histogram's label sets put together.
    pub fn histogram(&self, metric: Metric) -> Histogram {
        let mut whole = Histogram::default();
        for (_, figure) in self.figures(metric) {
            if let Figure::Histogram(part) = figure {
                whole.merge(part);
            }
        }
        whole
    }

    fn figures(&self, metric: Metric) -> impl Iterator<Item = (&Vec<String>, &Figure)> {
        self.metrics.get(&metric).into_iter().flatten()
    }
}

/// What happened between two moments: counters and histograms are differences, gauges are those
/// of the later one.
#[derive(Clone, Debug, Default)]
pub struct Window {
    pub length: Duration,
    pub figures: Snapshot,
}

impl Window {
    /// `later` − `earlier`. A counter that is smaller than before was set anew and counts whole.
    pub fn between(earlier: &Snapshot, later: &Snapshot, length: Duration) -> Self {
        let mut figures = later.clone();
        for (metric, series) in &mut figures.metrics {
            let Some(before) = earlier.metrics.get(metric) else { continue };
            for (labels, figure) in series {
                match (figure, before.get(labels)) {
                    (Figure::Counter(now), Some(Figure::Counter(then))) if *then <= *now => {
                        *now -= then;
                    }
                    (Figure::Histogram(now), Some(Figure::Histogram(then))) => {
                        *now = now.since(then);
                    }
                    _ => {}
                }
            }
        }
        Self { length, figures }
    }

    /// Hits in percent of a cache's look-ups, and the look-ups; None without any.
    pub(crate) fn hit_percent(&self, cache: Metric) -> Option<(f64, u64)> {
        let hits = self.figures.counter(cache, |labels| labels[0] == "hit");
        let all = self.figures.counter(cache, |_| true);
        percent(hits, all)
    }

    /// Agents' runs that succeeded, in percent of those that came to an end by themselves, and
    /// their number; None without any. A fallback to the rules is a success: the plan goes on with
    /// a valid answer. A cancelled run says nothing of the agent.
    pub(crate) fn agent_success_percent(&self) -> Option<(f64, u64)> {
        let good = |labels: &[String]| labels[1] == "ok" || labels[1] == "fallback";
        let judged = |labels: &[String]| labels[1] != "cancelled";
        let all = self.figures.counter(AGENT_RUNS, judged);
        percent(self.figures.counter(AGENT_RUNS, good), all)
    }
}

/// `part` in percent of `all`, and `all`; None where that is 0.
pub(crate) fn percent(part: u64, all: u64) -> Option<(f64, u64)> {
    (all > 0).then(|| (100.0 * part as f64 / all as f64, all))
}
