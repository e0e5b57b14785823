//! The performance report: what happened in a window, put together for people and programs.
//!
//! Pure: figures in, a [`Report`] out. `report_text` writes it, `advice` judges it.

use std::{collections::BTreeMap, time::Duration};

use jiff::Timestamp;
use serde::Serialize;

use super::{
    Histogram, Window,
    advice::{Advice, advise},
    alerts::Alert,
    capacity::{CapacityPart, capacity},
    metrics::{
        ACTOR_PANICS, ACTOR_RESTARTS, AGENT_RUNS, CHECKOUT_SECONDS, CONTROL_REQUESTS,
        CONTROL_SECONDS, CPU_RATIO, DATABASE_CONNECTIONS, DATABASE_CONNECTIONS_LIMIT,
        DATABASE_ERRORS, DATABASE_WAITING, LLM_BREAKER, LLM_CACHE, LLM_CACHE_ENTRIES,
        LLM_FALLBACKS, LLM_MODEL, LLM_QUEUED, LLM_SECONDS, LOG_DROPPED, MEMORY_TOTAL, MEMORY_USED,
        Metric, PLANS_FINISHED, PLANS_IN_FLIGHT, PLANS_QUEUED, PLANS_SUBMITTED, PROCESS_FDS,
        PROCESS_MEMORY, PROCESS_THREADS, QUERY_CACHE, QUERY_CACHE_ENTRIES, QUERY_ROWS,
        QUERY_SECONDS, ROUNDS_ENDED, SCORE_CACHE, SEARCH_ROUNDS, SEARCH_SECONDS, SEARCH_STOPS,
        WORKFLOW_SECONDS,
    },
    settings::AlertSettings,
    snapshot::{Figure, percent},
    trends::Trend,
};

/// What the report compares figures with.
#[derive(Clone, Debug, Default)]
pub struct ReportLimits {
    /// The targets: the alerts' warning thresholds.
    pub alerts: AlertSettings,
    /// `database.query_cache_size`, entries.
    pub query_cache_size: usize,
    /// `llm.response_cache_size`, entries.
    pub response_cache_size: usize,
    /// `workflow.max_plans_in_flight`.
    pub max_plans_in_flight: usize,
    /// `admission.max_queued_plans`.
    pub max_queued_plans: u64,
}

/// Times in a window. All are absent where nothing was timed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Times {
    pub count: u64,
    pub mean_seconds: Option<f64>,
    pub p95_seconds: Option<f64>,
    pub p99_seconds: Option<f64>,
}

/// A cache's look-ups in a window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct CacheUse {
    pub lookups: u64,
    /// Absent without look-ups.
    pub hit_percent: Option<f64>,
    /// Absent where it is not known.
    pub entries: Option<u64>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    pub at: Timestamp,
    /// What the counts below span.
    pub window_seconds: f64,
    pub system: SystemPart,
    pub database: DatabasePart,
    pub llm: LlmPart,
    pub workflow: WorkflowPart,
    pub control: ControlPart,
    /// What is left before something is full.
    pub capacity: CapacityPart,
    /// Over the last day and week, from what the cycles stored.
    pub trends: Vec<Trend>,
    /// What fires now.
    pub alerts: Vec<Alert>,
    /// What to change, the most pressing first.
    pub recommendations: Vec<Advice>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct SystemPart {
    pub cpu_percent: Option<f64>,
    pub memory_percent: Option<f64>,
    pub resident_bytes: Option<u64>,
    pub open_files: Option<u64>,
    pub threads: Option<u64>,
    pub actor_restarts: u64,
    pub actor_panics: u64,
    pub log_lines_dropped: u64,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct DatabasePart {
    pub queries: Times,
    pub query_cache: CacheUse,
    pub connections_used: Option<u64>,
    pub connections_limit: Option<u64>,
    /// Callers that wait for a connection now.
    pub waiting: u64,
    /// Waits for a connection.
    pub checkouts: Times,
    pub errors: u64,
    /// Rows that queries read or changed.
    pub rows: u64,
    /// Each kind of query, the longest on average first.
    pub by_query: Vec<QueryTimes>,
    /// What the server itself says; absent where it was not asked, or did not answer.
    pub server: Option<ServerPart>,
}

/// Times of one kind of query.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct QueryTimes {
    pub query: String,
    #[serde(flatten)]
    pub times: Times,
}

/// What the database's server counts since its statistics were last reset.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct ServerPart {
    pub bytes: u64,
    /// Blocks that were found in the server's memory.
    pub buffer_hit_percent: Option<f64>,
    /// Indexes that no query has used, the largest first.
    pub unused_indexes: Vec<String>,
    /// The slowest on average, values left out; absent without `pg_stat_statements`.
    pub slow_statements: Option<Vec<SlowStatement>>,
    /// How each agent did in the last day, by name.
    pub agents: Vec<AgentFigures>,
    /// Plans that came to nothing in the last day, the latest first.
    pub failures: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SlowStatement {
    pub statement: String,
    pub calls: u64,
    pub mean_ms: f64,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AgentFigures {
    pub agent: String,
    pub runs: u64,
    pub failed: u64,
    pub mean_seconds: f64,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct LlmPart {
    pub requests: Times,
    pub response_cache: CacheUse,
    /// Answers of the built-in rules in place of a model's.
    pub fallbacks: u64,
    pub queued: u64,
    /// Endpoints that are left alone after failures.
    pub breakers_open: u64,
    pub models: Vec<ModelUse>,
}

/// A model, and what its warm-up came to.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct ModelUse {
    pub endpoint: String,
    pub model: String,
    /// `ready`, `loading`, `unloaded`, `absent`, `unfit`, `unreachable`, `unknown`.
    pub state: String,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct WorkflowPart {
    pub submitted: u64,
    pub queued: u64,
    pub in_flight: u64,
    /// Plans by final state.
    pub finished: BTreeMap<String, u64>,
    /// From claim to options.
    pub workflows: Times,
    pub searches: Times,
    pub rounds: u64,
    /// Searches by what ended them.
    pub stopped_because: BTreeMap<String, u64>,
    /// Searches by what ended their rounds, before the proof.
    pub rounds_ended: BTreeMap<String, u64>,
    pub early_termination_percent: Option<f64>,
    pub convergence_percent: Option<f64>,
    pub score_cache: CacheUse,
    pub agent_runs: u64,
    /// A fallback to the rules is a success.
    pub agent_success_percent: Option<f64>,
    pub agent_timeouts: u64,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct ControlPart {
    pub requests: Times,
    pub server_error_percent: Option<f64>,
}

impl Report {
    /// Puts a window's figures together. `alerts`: those that fire at `at`.
    pub fn new(
        at: Timestamp,
        window: &Window,
        alerts: Vec<Alert>,
        trends: Vec<Trend>,
        limits: &ReportLimits,
    ) -> Self {
        let mut report = Self {
            at,
            window_seconds: whole_ms(window.length),
            system: system_part(window),
            database: database_part(window),
            llm: llm_part(window),
            workflow: workflow_part(window),
            control: control_part(window),
            capacity: capacity(window, limits),
            trends,
            alerts,
            recommendations: Vec::new(),
        };
        report.recommendations = advise(&report, limits);
        report
    }
}

fn system_part(window: &Window) -> SystemPart {
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

fn database_part(window: &Window) -> DatabasePart {
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

fn llm_part(window: &Window) -> LlmPart {
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

fn workflow_part(window: &Window) -> WorkflowPart {
    let runs = window.figures.counter(AGENT_RUNS, |_| true);
    let good = |labels: &[String]| labels[1] == "ok" || labels[1] == "fallback";
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
        agent_success_percent: percent(window.figures.counter(AGENT_RUNS, good), runs)
            .map(|(share, _)| share),
        agent_timeouts: window.figures.counter(AGENT_RUNS, |labels| labels[1] == "timeout"),
    }
}

fn control_part(window: &Window) -> ControlPart {
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

fn whole_ms(length: Duration) -> f64 {
    (length.as_secs_f64() * 1e3).round() / 1e3
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::{Snapshot, Telemetry};

    fn report(telemetry: &Telemetry) -> Report {
        let minute = Duration::from_secs(60);
        let window = Window::between(&Snapshot::default(), &telemetry.snapshot(), minute);
        let limits = ReportLimits {
            query_cache_size: 100,
            response_cache_size: 100,
            max_plans_in_flight: 2,
            ..ReportLimits::default()
        };
        let at = Timestamp::from_second(1_811_808_000).unwrap();
        Report::new(at, &window, Vec::new(), Vec::new(), &limits)
    }

    #[test]
    fn nothing_measured_says_so_and_recommends_nothing() {
        let report = report(&Telemetry::default());
        assert_eq!(report.recommendations, []);
        let text = report.to_text();
        let head = "eventplanner performance report, 2027-06-01 00:00:00 UTC, the last 60.0 s\n";
        assert!(text.starts_with(head), "{text}");
        assert!(text.contains("  query cache                  - of 0 look-ups hit\n"), "{text}");
        assert!(text.ends_with("Alerts\n- none fires\n\nRecommendations\n- none\n"), "{text}");
        let json = serde_json::to_value(&report).unwrap();
        assert_eq!(json["database"]["queries"]["mean_seconds"], serde_json::Value::Null);
        assert_eq!(json["window_seconds"], 60.0);
    }

    /// Each kind of trouble, and the setting that the report names for it.
    #[test]
    fn each_trouble_names_its_setting() {
        type Trouble = fn(&Telemetry);
        let troubles: [(Trouble, &str); 12] = [
            (|t| t.inc(ACTOR_PANICS, &["metrics"]), ""),
            (|t| t.inc(DATABASE_ERRORS, &["connect"]), "database.url"),
            (|t| t.gauge(LLM_BREAKER, &["ollama", "m", "open"], 1.0), "llm.endpoints"),
            (|t| t.inc(LLM_FALLBACKS, &["timeout"]), "llm.timeout"),
            (|t| t.inc(LOG_DROPPED, &[]), "log.queue_size"),
            (
                |t| {
                    t.gauge(DATABASE_CONNECTIONS, &["used"], 9.0);
                    t.gauge(DATABASE_CONNECTIONS_LIMIT, &[], 10.0);
                },
                "database.pool_size, database.max_overflow",
            ),
            (
                |t| t.observe_seconds(LLM_SECONDS, &["ollama", "m"], 30.0),
                "llm.keep_alive, llm.warm_up",
            ),
            (
                |t| {
                    t.gauge(PLANS_QUEUED, &[], 5.0);
                    t.gauge(PLANS_IN_FLIGHT, &[], 2.0);
                    t.gauge(CPU_RATIO, &[], 0.2);
                },
                "workflow.max_plans_in_flight",
            ),
            (
                |t| {
                    t.add(QUERY_CACHE, &["miss"], 1_000);
                    t.gauge(QUERY_CACHE_ENTRIES, &[], 100.0);
                },
                "database.query_cache_size",
            ),
            (
                |t| {
                    t.add(QUERY_CACHE, &["miss"], 1_000);
                    t.gauge(QUERY_CACHE_ENTRIES, &[], 10.0);
                },
                "database.query_cache_ttl",
            ),
            (|t| t.add(SEARCH_STOPS, &["round_limit"], 9), "search.max_rounds"),
            (|t| t.inc(AGENT_RUNS, &["budgeting", "timeout"]), "workflow.agent_timeout"),
        ];
        for (make, setting) in troubles {
            let telemetry = Telemetry::default();
            make(&telemetry);
            let report = report(&telemetry);
            let named: Vec<_> = report.recommendations.iter().map(|a| a.setting).collect();
            assert_eq!(named, [setting]);
            let finding = &report.recommendations[0].finding;
            assert!(report.to_markdown().contains(finding), "{finding}");
        }
    }

    #[test]
    fn figures_stand_where_they_belong() {
        let telemetry = Telemetry::default();
        telemetry.add(QUERY_CACHE, &["hit"], 3);
        telemetry.inc(QUERY_CACHE, &["miss"]);
        telemetry.inc(PLANS_FINISHED, &["completed"]);
        telemetry.add(SEARCH_STOPS, &["proven_optimal"], 2);
        telemetry.add(AGENT_RUNS, &["budgeting", "ok"], 9);
        telemetry.inc(AGENT_RUNS, &["budgeting", "failed"]);
        telemetry.observe_seconds(WORKFLOW_SECONDS, &["awaiting_selection"], 0.25);
        let text = report(&telemetry).to_text();
        for line in [
            "  query cache                  75.0 % of 4 look-ups hit",
            "  plans finished               1 completed",
            "  searches stopped because     2 proven_optimal",
            "  agent runs, success          10, 90.0 %",
            "  claim to options             1, mean 250.0 ms, 95th percentile 250.9 ms",
        ] {
            assert!(text.contains(line), "{line} not in:\n{text}");
        }
    }
}
