//! How the daemon is, on the wire.

use std::borrow::Cow;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// One supervised actor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActorStatus {
    pub name: String,
    /// `running`, `restarting`, `stopped`.
    pub state: String,
    /// Counts the actor's lives, from 1.
    pub generation: u64,
    pub restarts: u64,
    /// Requests in the mailbox: admitted, and not begun with.
    #[serde(default)]
    pub mailbox: usize,
    /// Requests admitted and not answered yet, those in the mailbox among them.
    pub in_flight: usize,
    /// Requests that may be in flight; one more is answered `busy`.
    pub capacity: usize,
    /// Requests answered `busy` since the start.
    #[serde(default)]
    pub refused: u64,
    pub heartbeat_age_ms: u64,
}

/// Reply of `GET /v1/status`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StatusView {
    pub version: String,
    pub pid: u32,
    pub started_at: Timestamp,
    pub uptime_seconds: u64,
    /// `running`, `draining`, `drained`, `stopping`.
    pub state: String,
    pub state_dir: String,
    /// Resident memory in bytes.
    pub memory_bytes: u64,
    /// `private cluster` or `external`, never the URL: it may hold a password.
    pub database: String,
    /// What keeps the database from being used, where something does: no plan is taken in then.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub database_problem: Option<String>,
    pub actors: Vec<ActorStatus>,
}

/// Reply of `GET /v1/health` of a daemon that works; else the reply is the error `unavailable`,
/// whose message says what is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HealthView {
    pub healthy: bool,
    /// What was looked at.
    pub checks: Vec<String>,
}

/// How a report is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ReportFormat {
    #[default]
    Json,
    Text,
    Markdown,
}

impl ReportFormat {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Text => "text",
            Self::Markdown => "markdown",
        }
    }
}

/// Reply of `GET /v1`: what this daemon can do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Features {
    pub name: String,
    pub version: String,
    pub api: String,
    pub features: Vec<String>,
}

/// Reply of `GET /v1/alerts`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Alerts {
    pub firing: Vec<Alert>,
    /// Resolved ones, newest first.
    pub recent: Vec<ResolvedAlert>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    Warning,
    Critical,
}

impl Severity {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }
}

/// An alert that fires, or did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Alert {
    pub alert: Cow<'static, str>,
    pub severity: Severity,
    /// The last one measured, in `unit`.
    pub value: f64,
    pub threshold: f64,
    pub unit: Cow<'static, str>,
    /// When it began to fire, whatever its severity was then.
    pub since: Timestamp,
    /// Bad measurements since then.
    pub count: u64,
    /// The same for each time the same alert fires, on any machine: for deduplication.
    pub fingerprint: String,
    /// What to look at and which setting to change.
    pub runbook: Cow<'static, str>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ResolvedAlert {
    pub alert: Alert,
    pub resolved_at: Timestamp,
}
