//! A window's figures as the parts of the report.

use std::{collections::BTreeMap, time::Duration};

use super::{
    CacheUse, ControlPart, DatabasePart, LlmPart, ModelUse, QueryTimes, SystemPart, Times,
    WorkflowPart,
};
use crate::{
    Histogram, Window,
    figures::{
        metrics::{
            ACTOR_PANICS, ACTOR_RESTARTS, AGENT_RUNS, CHECKOUT_SECONDS, CONTROL_REQUESTS,
            CONTROL_SECONDS, CPU_RATIO, DATABASE_CONNECTIONS, DATABASE_CONNECTIONS_LIMIT,
            DATABASE_ERRORS, DATABASE_WAITING, LLM_BREAKER, LLM_CACHE, LLM_CACHE_ENTRIES,
            LLM_FALLBACKS, LLM_MODEL, LLM_QUEUED, LLM_SECONDS, LOG_DROPPED, MEMORY_TOTAL,
            MEMORY_USED, Metric, PLANS_FINISHED, PLANS_IN_FLIGHT, PLANS_QUEUED, PLANS_SUBMITTED,
            PROCESS_FDS, PROCESS_MEMORY, PROCESS_THREADS, QUERY_CACHE, QUERY_CACHE_ENTRIES,
            QUERY_ROWS, QUERY_SECONDS, ROUNDS_ENDED, SCORE_CACHE, SEARCH_ROUNDS, SEARCH_SECONDS,
            SEARCH_STOPS, WORKFLOW_SECONDS,
        },
        snapshot::{Figure, percent},
    },
};

pub(crate) fn system_part(window: &Window) -> SystemPart {
    let used = window.figures.gauge(MEMORY_USED, |_| true);
    let total = window.figures.gauge(MEMORY_TOTAL, |_| true).filter(|total| *total > 0.0);
    SystemPart {
        cpu_percent: window.figures.gauge(CPU_RATIO, |_| true).map(|ratio| 100.0 * ratio),
        memory_percent: used.zip(total).map(|(used, total)| 100.0 * used / total),
        resident_bytes: whole(window, PROCESS_MEMORY),
        open_files: whole(window, PROCESS_FDS),
        threads: whole(window, PROCESS_THREADS),
        actor_restarts: window.figures.counter(ACTOR_RESTARTS, |_| true),
        actor_panics: window.figures.counter(ACTOR_PANICS, |_| true),
        log_lines_dropped: window.figures.counter(LOG_DROPPED, |_| true),
    }
}

pub(crate) fn database_part(window: &Window) -> DatabasePart {
    let used = window.figures.gauge(DATABASE_CONNECTIONS, |labels| labels[0] == "used");
    DatabasePart {
        queries: times(&window.figures.histogram(QUERY_SECONDS)),
        query_cache: cache_use(window, QUERY_CACHE, Some(QUERY_CACHE_ENTRIES)),
        connections_used: used.map(|count| count as u64),
        connections_limit: whole(window, DATABASE_CONNECTIONS_LIMIT),
        waiting: whole(window, DATABASE_WAITING).unwrap_or(0),
        checkouts: times(&window.figures.histogram(CHECKOUT_SECONDS)),
        errors: window.figures.counter(DATABASE_ERRORS, |_| true),
        rows: window.figures.counter(QUERY_ROWS, |_| true),
        by_query: by_query(window),
        server: None,
    }
}

fn by_query(window: &Window) -> Vec<QueryTimes> {
    let mut queries: Vec<QueryTimes> = Vec::new();
    for (labels, figure) in window.figures.metrics.get(&QUERY_SECONDS).into_iter().flatten() {
        if let (Some(query), Figure::Histogram(histogram)) = (labels.first(), figure)
            && histogram.count() > 0
        {
            queries.push(QueryTimes { query: query.clone(), times: times(histogram) });
        }
    }
    let mean = |query: &QueryTimes| query.times.mean_seconds.unwrap_or_default();
    queries.sort_by(|a, b| mean(b).total_cmp(&mean(a)));
    queries
}

pub(crate) fn llm_part(window: &Window) -> LlmPart {
    let open = window.figures.gauge(LLM_BREAKER, |labels| labels[2] == "open");
    LlmPart {
        requests: times(&window.figures.histogram(LLM_SECONDS)),
        response_cache: cache_use(window, LLM_CACHE, Some(LLM_CACHE_ENTRIES)),
        fallbacks: window.figures.counter(LLM_FALLBACKS, |_| true),
        queued: whole(window, LLM_QUEUED).unwrap_or(0),
        breakers_open: open.map_or(0, |count| count as u64),
        models: models(window),
    }
}

/// How every model stands: its state is the one whose gauge is up.
fn models(window: &Window) -> Vec<ModelUse> {
    let series = window.figures.metrics.get(&LLM_MODEL).into_iter().flatten();
    let is_up = |figure: &Figure| matches!(figure, Figure::Gauge(value) if *value > 0.0);
    series
        .filter(|(_, figure)| is_up(figure))
        .filter_map(|(labels, _)| match &labels[..] {
            [endpoint, model, state] => Some(ModelUse {
                endpoint: endpoint.clone(),
                model: model.clone(),
                state: state.clone(),
            }),
            _ => None,
        })
        .collect()
}

pub(crate) fn workflow_part(window: &Window) -> WorkflowPart {
    let runs = window.figures.counter(AGENT_RUNS, |_| true);
    let ended = window.figures.counter(ROUNDS_ENDED, |_| true);
    let ended_by = |reason: &str| {
        let count = window.figures.counter(ROUNDS_ENDED, |labels| labels[0] == reason);
        percent(count, ended).map(|(share, _)| share)
    };
    WorkflowPart {
        submitted: window.figures.counter(PLANS_SUBMITTED, |_| true),
        queued: whole(window, PLANS_QUEUED).unwrap_or(0),
        in_flight: whole(window, PLANS_IN_FLIGHT).unwrap_or(0),
        finished: by_label(window, PLANS_FINISHED),
        workflows: times(&window.figures.histogram(WORKFLOW_SECONDS)),
        searches: times(&window.figures.histogram(SEARCH_SECONDS)),
        rounds: window.figures.counter(SEARCH_ROUNDS, |_| true),
        stopped_because: by_label(window, SEARCH_STOPS),
        rounds_ended: by_label(window, ROUNDS_ENDED),
        early_termination_percent: ended_by("early_termination"),
        convergence_percent: ended_by("converged"),
        score_cache: cache_use(window, SCORE_CACHE, None),
        agent_runs: runs,
        agent_success_percent: window.agent_success_percent().map(|(share, _)| share),
        agent_timeouts: window.figures.counter(AGENT_RUNS, |labels| labels[1] == "timed_out"),
    }
}

pub(crate) fn control_part(window: &Window) -> ControlPart {
    let all = window.figures.counter(CONTROL_REQUESTS, |_| true);
    let errors = window.figures.counter(CONTROL_REQUESTS, |labels| labels[1] == "5xx");
    ControlPart {
        requests: times(&window.figures.histogram(CONTROL_SECONDS)),
        server_error_percent: percent(errors, all).map(|(share, _)| share),
    }
}

fn times(histogram: &Histogram) -> Times {
    Times {
        count: histogram.count(),
        mean_seconds: histogram.mean_seconds(),
        p95_seconds: histogram.quantile_seconds(0.95),
        p99_seconds: histogram.quantile_seconds(0.99),
    }
}

fn cache_use(window: &Window, lookups: Metric, entries: Option<Metric>) -> CacheUse {
    let hits = window.hit_percent(lookups);
    CacheUse {
        lookups: hits.map_or(0, |(_, count)| count),
        hit_percent: hits.map(|(share, _)| share),
        entries: entries.and_then(|metric| whole(window, metric)),
    }
}

/// A gauge that counts things.
fn whole(window: &Window, metric: Metric) -> Option<u64> {
    window.figures.gauge(metric, |_| true).map(|value| value as u64)
}

/// A counter by its first label; what didn't happen in the window is left out.
fn by_label(window: &Window, metric: Metric) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    for (labels, figure) in window.figures.metrics.get(&metric).into_iter().flatten() {
        if let (Some(label), Figure::Counter(count @ 1..)) = (labels.first(), figure) {
            *counts.entry(label.clone()).or_default() += count;
        }
    }
    counts
}

pub(crate) fn whole_ms(length: Duration) -> f64 {
    (length.as_secs_f64() * 1e3).round() / 1e3
}
