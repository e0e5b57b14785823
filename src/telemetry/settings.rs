//! Limits and switches of the log and the metrics; those of the alerts are made of their table.

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
