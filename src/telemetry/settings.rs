//! Limits and switches of the log, the metrics and the alerts.

use std::time::Duration;

/// How a log line looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// One JSON object a line.
    Json,
    /// For people.
    Terminal,
    /// `terminal` where the output is one, else `json`.
    Auto,
}

impl LogFormat {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Terminal => "terminal",
            Self::Auto => "auto",
        }
    }
}

/// Section `log` of the settings.
#[derive(Clone, Debug, PartialEq)]
pub struct LogSettings {
    /// Less severe records are not written; can be changed while the daemon runs.
    pub level: slog::Level,
    pub format: LogFormat,
    /// Records that may wait for the writer, 64–1,000,000; further ones are dropped and counted.
    pub queue_size: usize,
}

impl Default for LogSettings {
    fn default() -> Self {
        Self { level: slog::Level::Info, format: LogFormat::Auto, queue_size: 8_192 }
    }
}

/// When one alert fires and when it is over.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Thresholds {
    /// In the unit of its rule; `None` switches that severity off.
    pub warning: Option<f64>,
    pub critical: Option<f64>,
    /// The condition must hold that long before the alert fires.
    pub pending_for: Duration,
    /// The condition must be gone that long before the alert is resolved.
    pub keep_firing_for: Duration,
    /// Fewer samples than this in a cycle say nothing.
    pub min_samples: u64,
}

/// Section `alerts` of the settings: one field per rule, see `alert_rules`.
#[derive(Clone, Debug, PartialEq)]
pub struct AlertSettings {
    /// A firing alert is logged again after this time.
    pub reminder_interval: Duration,
    /// Resolved alerts that `eventplannerctl alerts` can still list, 0–10,000.
    pub recent: usize,
    /// Percent of all cores, above.
    pub cpu: Thresholds,
    /// Percent of the machine's memory, above.
    pub memory: Thresholds,
    /// Seconds, 95th percentile of the control API, above.
    pub response_time: Thresholds,
    /// Percent of the control API's answers that are 5xx, above.
    pub error_rate: Thresholds,
    /// Seconds, mean from claim to three options, above.
    pub workflow_time: Thresholds,
    /// Percent of the pool's largest size, above.
    pub pool_usage: Thresholds,
    /// Errors of the database in a cycle, above.
    pub database_errors: Thresholds,
    /// Seconds, mean of database queries, above.
    pub query_time: Thresholds,
    /// Seconds, mean of requests to LLM servers, above.
    pub llm_time: Thresholds,
    /// Percent of look-ups, below.
    pub query_cache_hits: Thresholds,
    /// Percent of look-ups, below.
    pub llm_cache_hits: Thresholds,
    /// Percent of agent runs, below.
    pub agent_success: Thresholds,
    /// Percent of the state directory's file system, above.
    pub disk: Thresholds,
    /// Percent of plans that are to end without a failure, 50–99.999: what the two rules below
    /// measure against.
    pub plan_success_target: f64,
    /// Failed plans as a multiple of what the target allows, over 1 h and 5 min, above.
    pub plan_burn_fast: Thresholds,
    /// The same over 6 h and 30 min.
    pub plan_burn_slow: Thresholds,
}

impl Default for AlertSettings {
    fn default() -> Self {
        Self {
            reminder_interval: Duration::from_secs(3_600),
            recent: 200,
            cpu: thresholds(70.0, Some(85.0), 300, 1),
            memory: thresholds(75.0, Some(90.0), 300, 1),
            response_time: thresholds(2.0, Some(5.0), 120, 20),
            error_rate: thresholds(5.0, Some(10.0), 120, 20),
            workflow_time: thresholds(120.0, Some(300.0), 120, 1),
            pool_usage: thresholds(80.0, None, 120, 1),
            database_errors: thresholds(0.0, Some(100.0), 0, 1),
            query_time: thresholds(0.2, Some(0.5), 120, 20),
            llm_time: thresholds(5.0, Some(10.0), 120, 5),
            query_cache_hits: thresholds(70.0, None, 600, 200),
            llm_cache_hits: thresholds(60.0, None, 600, 100),
            agent_success: thresholds(90.0, None, 120, 10),
            disk: thresholds(85.0, Some(95.0), 120, 1),
            plan_success_target: 99.0,
            plan_burn_fast: Thresholds { warning: None, ..thresholds(0.0, Some(14.4), 120, 10) },
            plan_burn_slow: thresholds(6.0, None, 300, 10),
        }
    }
}

/// All rules stay firing for five minutes after their condition went away, so that a value that
/// swings around its threshold gives one alert.
fn thresholds(warning: f64, critical: Option<f64>, for_s: u64, min_samples: u64) -> Thresholds {
    Thresholds {
        warning: Some(warning),
        critical,
        pending_for: Duration::from_secs(for_s),
        keep_firing_for: Duration::from_secs(300),
        min_samples,
    }
}

/// Section `metrics` of the settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MetricsSettings {
    /// Between two looks at the system and the alert rules, 1 s–1 h.
    pub interval: Duration,
    /// Label sets that one metric may have, 10–10,000; further ones are counted as `other`.
    pub max_series: usize,
    /// Days that the figures behind the report's trends are kept, 1–365.
    pub keep_days: u32,
}

impl Default for MetricsSettings {
    fn default() -> Self {
        Self { interval: Duration::from_secs(60), max_series: 200, keep_days: 30 }
    }
}
