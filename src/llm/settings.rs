//! Limits and switches of the LLM gateway.

use std::{path::PathBuf, time::Duration};

/// Which protocol an endpoint speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServerKind {
    /// Built in and deterministic: no network, no model.
    Rules,
    Ollama,
    /// Chat completions: llama.cpp, vLLM and others.
    OpenAi,
}

impl ServerKind {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rules => "rules",
            Self::Ollama => "ollama",
            Self::OpenAi => "openai",
        }
    }
}

/// Which of Ollama's calls an `ollama` endpoint uses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OllamaApi {
    /// `/api/chat`: the model's own template frames the messages.
    #[default]
    Chat,
    /// `/api/generate`: for models without a chat template.
    Generate,
}

impl OllamaApi {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Chat => "chat",
            Self::Generate => "generate",
        }
    }
}

/// One server: `[[llm.endpoints]]`. Tried in the order written; `rules` always ends the chain.
#[derive(Clone, Debug, PartialEq)]
pub struct EndpointSettings {
    pub name: String,
    pub kind: ServerKind,
    pub base_url: String,
    pub model: String,
    /// For `ollama` only.
    pub ollama_api: OllamaApi,
    /// Requests upstream at once: the server's own parallelism.
    pub parallel: usize,
    /// A file that holds the key; its text never stands in the settings or the log.
    pub api_key_file: Option<PathBuf>,
    /// Extra certificate authority, PEM.
    pub ca_file: Option<PathBuf>,
    /// Context length in tokens; pinned, since a change reloads the model.
    pub num_ctx: u32,
    /// Share of the first tries, 0–1,000, by a weighted hash of the request, so that the same
    /// request goes to the same server. 0: a stand-by, tried in the order written after those
    /// that have a weight.
    pub weight: u32,
    /// Speak HTTP/2 without asking (over plain TCP); over TLS, ALPN decides.
    pub http2_prior_knowledge: bool,
}

impl EndpointSettings {
    /// An endpoint with one request at a time, no key and a context of 4,096 tokens.
    pub fn new(name: &str, kind: ServerKind, base_url: &str, model: &str) -> Self {
        Self {
            name: name.to_owned(),
            kind,
            base_url: base_url.to_owned(),
            model: model.to_owned(),
            ollama_api: OllamaApi::Chat,
            parallel: 1,
            api_key_file: None,
            ca_file: None,
            num_ctx: 4_096,
            weight: 0,
            http2_prior_knowledge: false,
        }
    }
}

/// Section `llm` of the settings.
#[derive(Clone, Debug, PartialEq)]
pub struct LlmSettings {
    /// Empty: `rules` alone.
    pub endpoints: Vec<EndpointSettings>,
    /// A whole request.
    pub timeout: Duration,
    pub connect_timeout: Duration,
    pub first_byte_timeout: Duration,
    /// Between two bytes of a reply.
    pub idle_timeout: Duration,
    pub keep_alive: Duration,
    pub warm_up: bool,
    /// Between two looks at every server.
    pub health_interval: Duration,
    pub response_cache: bool,
    /// Entries.
    pub response_cache_size: usize,
    pub response_cache_ttl: Duration,
    /// Keep the replies across restarts; they lie in the database then.
    pub response_cache_persistent: bool,
    pub batching: bool,
    /// Requests of one plan that go out together.
    pub batch_size: usize,
    /// Connections kept per server; no endpoint's `parallel` may be more.
    pub max_connections: usize,
    pub retries: u32,
    /// Requests that may wait for an endpoint's turn.
    pub queue_size: usize,
    /// Reply text in bytes; a longer one is a failure.
    pub max_reply_bytes: usize,
    /// Share of the GPU's memory, 0–1, for `llm tune`.
    pub gpu_memory_fraction: f64,
    /// The GPU's whole memory, for `llm tune`; 0: not known.
    pub gpu_memory_mib: u64,
    /// Consecutive failures that open an endpoint's circuit breaker.
    pub breaker_failures: u32,
    /// How long the breaker stays open before a probe.
    pub breaker_open: Duration,
}

impl Default for LlmSettings {
    fn default() -> Self {
        Self {
            endpoints: Vec::new(),
            timeout: Duration::from_secs(180),
            connect_timeout: Duration::from_secs(5),
            first_byte_timeout: Duration::from_secs(60),
            idle_timeout: Duration::from_secs(30),
            keep_alive: Duration::from_secs(300),
            warm_up: true,
            health_interval: Duration::from_secs(15),
            response_cache: true,
            response_cache_size: 3_000,
            response_cache_ttl: Duration::from_secs(1_800),
            response_cache_persistent: false,
            batching: true,
            batch_size: 5,
            max_connections: 10,
            retries: 3,
            queue_size: 64,
            max_reply_bytes: 262_144,
            gpu_memory_fraction: 0.8,
            gpu_memory_mib: 0,
            breaker_failures: 5,
            breaker_open: Duration::from_secs(30),
        }
    }
}
