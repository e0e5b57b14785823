//! LLM servers and caches on the wire.

use std::fmt;

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
}

/// One server and its model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LlmEndpoint {
    pub name: String,
    pub base_url: String,
    pub model: String,
    /// `unknown`, `unloaded`, `loading`, `ready`, `absent`, `unreachable`.
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
