//! What the database tells a report: the server's own figures, and how the agents did.

use serde::{Deserialize, Serialize};

/// What the database's server counts since its statistics were last reset.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DatabaseStats {
    pub bytes: u64,
    /// Blocks found in the server's memory, percent; absent before the first read.
    pub buffer_hit_percent: Option<f64>,
    /// Indexes that no query has used, the largest first; constraints are no waste, so their
    /// indexes are left out.
    pub unused_indexes: Vec<String>,
    /// The slowest on average; absent without `pg_stat_statements`.
    pub slow_statements: Option<Vec<SlowStatement>>,
}

/// A statement, values left out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SlowStatement {
    pub statement: String,
    pub calls: u64,
    pub mean_ms: f64,
}

/// How one agent did in some span.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AgentFigures {
    pub agent: String,
    pub runs: u64,
    pub failed: u64,
    pub mean_seconds: f64,
}
