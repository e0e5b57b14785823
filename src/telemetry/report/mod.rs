//! The performance report: what happened in a window, put together for people and programs.
//!
//! Pure: figures in, a [`Report`] out. `report_text` writes it, `advice` judges it.

pub mod advice;
pub(crate) mod capacity;
pub(crate) mod parts;
pub(crate) mod text;
pub mod trends;

use std::collections::BTreeMap;

use advice::{Advice, advise};
use capacity::{CapacityPart, capacity};
use jiff::Timestamp;
use parts::{control_part, database_part, llm_part, system_part, whole_ms, workflow_part};
use serde::Serialize;
use trends::Trend;

use crate::{Window, alerts::AlertSettings};
use wire::{AgentFigures, Alert, DatabaseStats};

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
    pub(crate) p95_seconds: Option<f64>,
    pub(crate) p99_seconds: Option<f64>,
}

/// A cache's look-ups in a window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct CacheUse {
    pub lookups: u64,
    /// Absent without look-ups.
    pub(crate) hit_percent: Option<f64>,
    /// Absent where it is not known.
    pub entries: Option<u64>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    pub at: Timestamp,
    /// What the counts below span.
    pub(crate) window_seconds: f64,
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
    pub(crate) recommendations: Vec<Advice>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct SystemPart {
    pub cpu_percent: Option<f64>,
    pub memory_percent: Option<f64>,
    pub resident_bytes: Option<u64>,
    pub(crate) open_files: Option<u64>,
    pub threads: Option<u64>,
    pub(crate) actor_restarts: u64,
    pub(crate) actor_panics: u64,
    pub(crate) log_lines_dropped: u64,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct DatabasePart {
    pub queries: Times,
    pub query_cache: CacheUse,
    pub(crate) connections_used: Option<u64>,
    pub connections_limit: Option<u64>,
    /// Callers that wait for a connection now.
    pub waiting: u64,
    /// Waits for a connection.
    pub checkouts: Times,
    pub errors: u64,
    /// Rows that queries read or changed.
    pub rows: u64,
    /// Each kind of query, the longest on average first.
    pub(crate) by_query: Vec<QueryTimes>,
    /// What the server itself says; absent where it was not asked, or did not answer.
    pub server: Option<ServerPart>,
}

/// Times of one kind of query.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct QueryTimes {
    pub query: String,
    #[serde(flatten)]
    pub times: Times,
}

/// What the database knows of itself and of the last day.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct ServerPart {
    #[serde(flatten)]
    pub stats: DatabaseStats,
    /// How each agent did in the last day, by name.
    pub agents: Vec<AgentFigures>,
    /// Plans that came to nothing in the last day, the latest first.
    pub failures: Vec<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct LlmPart {
    pub requests: Times,
    pub response_cache: CacheUse,
    /// Answers of the built-in rules in place of a model's.
    pub fallbacks: u64,
    pub queued: u64,
    /// Endpoints that are left alone after failures.
    pub(crate) breakers_open: u64,
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
    pub(crate) workflows: Times,
    pub searches: Times,
    pub rounds: u64,
    /// Searches by what ended them.
    pub stopped_because: BTreeMap<String, u64>,
    /// Searches by what ended their rounds, before the proof.
    pub(crate) rounds_ended: BTreeMap<String, u64>,
    pub(crate) early_termination_percent: Option<f64>,
    pub(crate) convergence_percent: Option<f64>,
    pub score_cache: CacheUse,
    pub agent_runs: u64,
    /// A fallback to the rules is a success.
    pub(crate) agent_success_percent: Option<f64>,
    pub(crate) agent_timeouts: u64,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct ControlPart {
    pub requests: Times,
    pub(crate) server_error_percent: Option<f64>,
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{
        Snapshot, Telemetry,
        figures::metrics::{
            ACTOR_PANICS, AGENT_RUNS, CPU_RATIO, DATABASE_CONNECTIONS, DATABASE_CONNECTIONS_LIMIT,
            DATABASE_ERRORS, LLM_BREAKER, LLM_FALLBACKS, LLM_SECONDS, LOG_DROPPED, PLANS_FINISHED,
            PLANS_IN_FLIGHT, PLANS_QUEUED, QUERY_CACHE, QUERY_CACHE_ENTRIES, SEARCH_STOPS,
            WORKFLOW_SECONDS,
        },
    };

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
            (|t| t.inc(AGENT_RUNS, &["budgeting", "timed_out"]), "workflow.agent_timeout"),
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
