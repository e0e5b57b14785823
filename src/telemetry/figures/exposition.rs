//! Figures as Prometheus text.
//!
//! Format: <https://prometheus.io/docs/instrumenting/exposition_formats/>, version 0.0.4.

use std::fmt::Write;

use super::{
    histogram::Histogram,
    metrics::{Metric, MetricKind},
    snapshot::Figure,
};
use crate::Snapshot;

/// One block per metric that has figures, sorted by name.
pub(crate) fn prometheus(snapshot: &Snapshot) -> String {
    let mut text = String::new();
    for (metric, series) in &snapshot.metrics {
        let kind = match metric.kind {
            MetricKind::Counter => "counter",
            MetricKind::Gauge => "gauge",
            MetricKind::Histogram => "histogram",
        };
        // Writing to a string cannot fail.
        let _ = writeln!(text, "# HELP {} {}", metric.name, metric.help);
        let _ = writeln!(text, "# TYPE {} {kind}", metric.name);
        for (values, figure) in series {
            let _ = match figure {
                Figure::Counter(count) => {
                    writeln!(text, "{}{} {count}", metric.name, labels(metric, values, None))
                }
                Figure::Gauge(value) => {
                    writeln!(
                        text,
                        "{}{} {}",
                        metric.name,
                        labels(metric, values, None),
                        number(*value)
                    )
                }
                Figure::Histogram(histogram) => {
                    write_histogram(&mut text, metric, values, histogram)
                }
            };
        }
    }
    text
}

fn write_histogram(
    text: &mut String,
    metric: &Metric,
    values: &[String],
    histogram: &Histogram,
) -> std::fmt::Result {
    let name = metric.name;
    for (bound, count) in histogram.cumulative() {
        let labels = labels(metric, values, Some(&number(bound)));
        writeln!(text, "{name}_bucket{labels} {count}")?;
    }
    let count = histogram.count();
    writeln!(text, "{name}_bucket{} {count}", labels(metric, values, Some("+Inf")))?;
    let labels = labels(metric, values, None);
    writeln!(text, "{name}_sum{labels} {}", number(histogram.sum_seconds()))?;
    writeln!(text, "{name}_count{labels} {count}")
}

fn labels(metric: &Metric, values: &[String], le: Option<&str>) -> String {
    let pairs = metric.labels.iter().copied().zip(values.iter().map(String::as_str));
    let all: Vec<String> = pairs
        .chain(le.map(|bound| ("le", bound)))
        .map(|(name, value)| format!("{name}=\"{}\"", escaped(value)))
        .collect();
    if all.is_empty() { String::new() } else { format!("{{{}}}", all.join(",")) }
}

fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

/// Prometheus writes infinities and NaN in its own way.
fn number(value: f64) -> String {
    if value.is_nan() {
        "NaN".into()
    } else if value.is_infinite() {
        if value > 0.0 { "+Inf".into() } else { "-Inf".into() }
    } else {
        value.to_string()
    }
}

#[cfg(test)]
mod tests {
    use crate::{
        Telemetry,
        figures::metrics::{CPU_RATIO, LLM_FALLBACKS, SEARCH_SECONDS},
    };

    #[test]
    fn the_text_is_what_prometheus_reads() {
        let telemetry = Telemetry::default();
        telemetry.add(LLM_FALLBACKS, &["comp\"le\\ted\n"], 2);
        telemetry.gauge(CPU_RATIO, &[], 0.25);
        telemetry.observe_seconds(SEARCH_SECONDS, &[], 0.25);
        telemetry.observe_seconds(SEARCH_SECONDS, &[], 5_000.0);
        let text = telemetry.prometheus();
        let expected_start = "\
# HELP eventplanner_llm_fallbacks_total Answers of the built-in rules in place of a model's, by what failed last.
# TYPE eventplanner_llm_fallbacks_total counter
eventplanner_llm_fallbacks_total{reason=\"comp\\\"le\\\\ted\\n\"} 2
# HELP eventplanner_search_seconds Seconds of a search, its proof included.
# TYPE eventplanner_search_seconds histogram
eventplanner_search_seconds_bucket{le=\"0.001\"} 0
";
        assert!(text.starts_with(expected_start), "{text}");
        for line in [
            "eventplanner_search_seconds_bucket{le=\"0.25\"} 1",
            "eventplanner_search_seconds_bucket{le=\"1200\"} 1",
            "eventplanner_search_seconds_bucket{le=\"+Inf\"} 2",
            "eventplanner_search_seconds_sum 5000.25",
            "eventplanner_search_seconds_count 2",
            "eventplanner_system_cpu_ratio 0.25",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} not in:\n{text}");
        }
    }
}
