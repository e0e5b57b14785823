//! LLM servers and caches on the wire.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};

/// Reply of `GET /v1/llm`. Without endpoints the built-in rules answer everything.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LlmView {
    pub endpoints: Vec<LlmEndpoint>,
    /// Questions asked since the start.
    pub requests: u64,
    /// Questions that the rules answered although there are endpoints.
    pub fallbacks: u64,
    pub cache_entries: usize,
    pub cache_hits: u64,
    pub cache_misses: u64,
    /// Hits in percent of look-ups; absent before the first.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub cache_hit_percent: Option<f64>,
    /// Entries pushed out by newer ones, and entries that were found too old.
    #[serde(default)]
    pub cache_evictions: u64,
    #[serde(default)]
    pub cache_expired: u64,
    /// Questions that joined an identical one under way.
    #[serde(default)]
    pub coalesced: u64,
    /// Mean time from a question to its answer, cached ones and the rules' included.
    #[serde(default)]
    pub mean_answer_ms: f64,
}

/// One server and its model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LlmEndpoint {
    pub name: String,
    pub base_url: String,
    pub model: String,
    /// `unknown`, `unloaded`, `loading`, `ready`, `absent`, `unfit`, `unreachable`.
    pub model_state: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub advice: Option<String>,
    /// Circuit breaker: `closed` (in use), `open` (left alone), `half_open` (on trial).
    pub breaker: String,
    /// Requests upstream now, of `parallel`.
    pub busy: usize,
    pub queued: usize,
    pub parallel: usize,
    /// How long the last warm-up took.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub warm_up_ms: Option<u64>,
    /// The longest context that the model can have, where the server tells.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub context_tokens: Option<u32>,
    #[serde(default)]
    pub figures: LlmFigures,
}

/// What an endpoint did since the daemon's start.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct LlmFigures {
    /// Questions that it was to answer itself: neither cached nor coalesced.
    pub requests: u64,
    pub succeeded: u64,
    pub cache_hits: u64,
    pub coalesced: u64,
    /// HTTP calls, retries and repairs included.
    pub calls: u64,
    pub retries: u64,
    pub repairs: u64,
    pub tokens_in: u64,
    pub tokens_out: u64,
    /// By kind.
    pub failures: BTreeMap<String, u64>,
    pub queue: LlmTimes,
    pub first_byte: LlmTimes,
    pub total: LlmTimes,
    /// Total without queue, server and backoff.
    pub overhead: LlmTimes,
}

/// A distribution of times in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct LlmTimes {
    pub mean_ms: f64,
    pub p50_ms: f64,
    pub p95_ms: f64,
    pub p99_ms: f64,
}

/// Which cache to empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CacheName {
    /// Vendor queries.
    Query,
    /// Replies of LLM servers.
    Llm,
    All,
}

impl CacheName {
    pub const ALL: [Self; 3] = [Self::Query, Self::Llm, Self::All];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Query => "query",
            Self::Llm => "llm",
            Self::All => "all",
        }
    }
}

impl fmt::Display for CacheName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Body of `POST /v1/admin/cache/flush`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FlushCache {
    pub cache: CacheName,
}

/// How many entries the caches had; absent for one that wasn't emptied.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flushed {
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub query: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub llm: Option<usize>,
}

/// Body and reply of `POST /v1/admin/log-level`: `error`, `warning`, `info`, `debug`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogLevel {
    pub level: String,
}
