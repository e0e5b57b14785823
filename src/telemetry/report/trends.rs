//! Figures over days and weeks: what each cycle stores, and what is made of it.

use serde::Serialize;

use crate::{
    Window,
    figures::{
        metrics::{
            CPU_RATIO, DATABASE_CONNECTIONS, DATABASE_CONNECTIONS_LIMIT, DISK_FREE, DISK_SIZE,
            LLM_CACHE, LLM_SECONDS, MEMORY_TOTAL, MEMORY_USED, Metric, PLANS_QUEUED,
            PROCESS_MEMORY, QUERY_CACHE, QUERY_SECONDS, ROUNDS_ENDED, WORKFLOW_SECONDS,
        },
        snapshot::percent,
    },
};

/// Spans behind a trend as (begin, end) in seconds before now: the last day, the day before, the
/// last week, the week before.
pub const SPANS: [(i64, i64); 4] = [(DAY, 0), (2 * DAY, DAY), (7 * DAY, 0), (14 * DAY, 7 * DAY)];
const DAY: i64 = 86_400;

type Measure = fn(&Window) -> Option<f64>;

/// What is stored, under which name; the unit stands last in it.
const KEPT: [(&str, Measure); 15] = [
    ("cpu_percent", |w| Some(100.0 * gauge(w, CPU_RATIO)?)),
    ("memory_percent", |w| share(gauge(w, MEMORY_USED), gauge(w, MEMORY_TOTAL))),
    ("disk_percent", |w| Some(100.0 - share(gauge(w, DISK_FREE), gauge(w, DISK_SIZE))?)),
    ("resident_bytes", |w| gauge(w, PROCESS_MEMORY)),
    ("plans_per_hour", plans_per_hour),
    ("plans_queued", |w| gauge(w, PLANS_QUEUED)),
    ("workflow_seconds", |w| w.figures.histogram(WORKFLOW_SECONDS).mean_seconds()),
    ("early_termination_percent", |w| rounds_ended(w, "early_termination")),
    ("convergence_percent", |w| rounds_ended(w, "converged")),
    ("agent_success_percent", |w| w.agent_success_percent().map(|(share, _)| share)),
    ("query_seconds", |w| w.figures.histogram(QUERY_SECONDS).mean_seconds()),
    ("query_cache_hit_percent", |w| w.hit_percent(QUERY_CACHE).map(|(share, _)| share)),
    ("pool_percent", pool),
    ("llm_seconds", |w| w.figures.histogram(LLM_SECONDS).mean_seconds()),
    ("llm_cache_hit_percent", |w| w.hit_percent(LLM_CACHE).map(|(share, _)| share)),
];

/// A figure's means over the last day and week, each beside the one before it. A span without a
/// measurement has no mean.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Trend {
    /// With its unit last.
    pub name: String,
    pub day: Option<f64>,
    pub day_before: Option<f64>,
    pub week: Option<f64>,
    pub week_before: Option<f64>,
}

/// The names under which a cycle's figures are stored.
pub fn names() -> Vec<&'static str> {
    KEPT.map(|(name, _)| name).to_vec()
}

/// A cycle's figures to store: (name, value).
pub fn values(window: &Window) -> impl Iterator<Item = (&'static str, f64)> {
    KEPT.into_iter().filter_map(|(name, measure)| {
        Some((name, measure(window).filter(|value| value.is_finite())?))
    })
}

/// Trends out of means: (name, index in [`SPANS`], mean). In the order in which figures are kept;
/// one without any mean is left out.
pub fn trends(means: &[(String, usize, f64)]) -> Vec<Trend> {
    let mean = |name: &str, span: usize| {
        let found = means.iter().find(|(of, index, _)| of == name && *index == span);
        found.map(|(_, _, mean)| *mean)
    };
    KEPT.iter()
        .map(|(name, _)| Trend {
            name: (*name).to_owned(),
            day: mean(name, 0),
            day_before: mean(name, 1),
            week: mean(name, 2),
            week_before: mean(name, 3),
        })
        .filter(|trend| trend.week.or(trend.week_before).is_some())
        .collect()
}

fn gauge(window: &Window, metric: Metric) -> Option<f64> {
    window.figures.gauge(metric, |_| true)
}

fn share(part: Option<f64>, of: Option<f64>) -> Option<f64> {
    let of = of.filter(|of| *of > 0.0)?;
    Some(100.0 * part? / of)
}

fn plans_per_hour(window: &Window) -> Option<f64> {
    let hours = window.length.as_secs_f64() / 3_600.0;
    let plans = window.figures.observations(WORKFLOW_SECONDS, |_| true);
    (hours > 0.0).then(|| plans as f64 / hours)
}

fn rounds_ended(window: &Window, reason: &str) -> Option<f64> {
    let count = window.figures.counter(ROUNDS_ENDED, |labels| labels[0] == reason);
    percent(count, window.figures.counter(ROUNDS_ENDED, |_| true)).map(|(share, _)| share)
}

fn pool(window: &Window) -> Option<f64> {
    let used = window.figures.gauge(DATABASE_CONNECTIONS, |labels| labels[0] == "used");
    share(used, gauge(window, DATABASE_CONNECTIONS_LIMIT))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{Snapshot, Telemetry};

    #[test]
    fn a_cycle_stores_what_it_measured_and_nothing_else() {
        let telemetry = Telemetry::default();
        telemetry.gauge(CPU_RATIO, &[], 0.5);
        telemetry.add(ROUNDS_ENDED, &["early_termination"], 3);
        telemetry.add(ROUNDS_ENDED, &["converged"], 1);
        telemetry.observe_seconds(WORKFLOW_SECONDS, &["awaiting_selection"], 2.0);
        let minute = Duration::from_secs(60);
        let window = Window::between(&Snapshot::default(), &telemetry.snapshot(), minute);
        let found: Vec<_> = values(&window).collect();
        assert_eq!(
            found,
            [
                ("cpu_percent", 50.0),
                ("plans_per_hour", 60.0),
                ("workflow_seconds", 2.0),
                ("early_termination_percent", 75.0),
                ("convergence_percent", 25.0),
            ]
        );
    }

    #[test]
    fn means_become_trends() {
        let means = [("cpu_percent".to_owned(), 0, 50.0), ("cpu_percent".to_owned(), 2, 40.0)];
        let [trend] = &trends(&means)[..] else { panic!() };
        assert_eq!((trend.day, trend.week, trend.week_before), (Some(50.0), Some(40.0), None));
    }
}
