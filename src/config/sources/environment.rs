//! Settings from environment variables: `EVENTPLANNER__SECTION__KEY`, and older names.

use std::collections::BTreeMap;

use config::{ConfigError, Map, Source, Value};

use super::endpoints::MAX_ENDPOINTS;

/// Sections and keys are parted by two underscores, since keys have single ones.
const PREFIX: &str = "EVENTPLANNER__";

/// Names that the predecessor of this program used, and the key that each one sets. A variable
/// of the newer form wins over them. `OLLAMA_BASE_URL` and `OLLAMA_MODEL` stand apart, see
/// [`ollama`].
pub const OLDER_NAMES: [(&str, &str); 36] = [
    ("DATABASE_URL", "database.url"),
    ("DB_POOL_SIZE", "database.pool_size"),
    ("DB_MAX_OVERFLOW", "database.max_overflow"),
    ("DB_STATEMENT_TIMEOUT", "database.statement_timeout"),
    ("DB_LOCK_TIMEOUT", "database.lock_timeout"),
    ("DB_IDLE_TIMEOUT", "database.idle_timeout"),
    ("DB_POOL_PRE_PING", "database.pre_ping"),
    ("DB_ENABLE_QUERY_CACHE", "database.query_cache"),
    ("DB_QUERY_CACHE_SIZE", "database.query_cache_size"),
    ("DB_QUERY_CACHE_TTL", "database.query_cache_ttl"),
    ("MODEL_TIMEOUT", "llm.timeout"),
    ("MODEL_KEEP_ALIVE", "llm.keep_alive"),
    ("MODEL_WARMUP_ENABLED", "llm.warm_up"),
    ("LLM_ENABLE_RESPONSE_CACHE", "llm.response_cache"),
    ("LLM_RESPONSE_CACHE_SIZE", "llm.response_cache_size"),
    ("LLM_RESPONSE_CACHE_TTL", "llm.response_cache_ttl"),
    ("LLM_ENABLE_BATCH_PROCESSING", "llm.batching"),
    ("LLM_BATCH_SIZE", "llm.batch_size"),
    ("LLM_MAX_CONNECTIONS", "llm.max_connections"),
    ("LLM_GPU_MEMORY_FRACTION", "llm.gpu_memory_fraction"),
    ("BEAM_WIDTH", "search.beam_width"),
    ("MAX_WORKFLOW_ITERATIONS", "search.max_rounds"),
    ("ENABLE_EARLY_TERMINATION", "search.early_termination"),
    ("EARLY_TERMINATION_THRESHOLD", "search.early_termination_threshold"),
    ("MIN_ITERATIONS_BEFORE_TERMINATION", "search.min_rounds_before_termination"),
    ("ENABLE_CONVERGENCE_DETECTION", "search.convergence"),
    ("CONVERGENCE_THRESHOLD", "search.convergence_threshold"),
    ("CONVERGENCE_WINDOW", "search.convergence_window"),
    ("STATE_CHECKPOINT_INTERVAL", "workflow.checkpoint_interval_rounds"),
    ("ENABLE_STATE_COMPRESSION", "workflow.compress_checkpoints"),
    ("AGENT_TIMEOUT", "workflow.agent_timeout"),
    ("WORKFLOW_TIMEOUT", "workflow.workflow_timeout"),
    ("ENABLE_PARALLEL_AGENTS", "workflow.parallel_agents"),
    ("MAX_PARALLEL_AGENTS", "workflow.max_parallel_agents"),
    ("LOG_LEVEL", "log.level"),
    ("EVENTPLANNER_PROFILE", "profile"),
];

/// One variable that sets something: a layer of its own, so that the order is kept.
#[derive(Clone, Debug)]
pub(crate) struct Variable {
    /// As a path: `database.pool_size`, `llm.endpoints[0].model`.
    pub key: String,
    pub value: String,
    /// For error messages.
    pub origin: String,
}

/// All variables that set something, a later one over an earlier one.
pub(crate) fn variables(environment: &BTreeMap<String, String>) -> Vec<Variable> {
    let older = OLDER_NAMES.iter().filter_map(|(name, key)| {
        // An empty variable of an older name stands for none, as compose files write it.
        let value = environment.get(*name).filter(|value| !value.is_empty())?;
        Some(Variable { key: (*key).into(), value: value.clone(), origin: origin(name) })
    });
    let newer = environment.iter().filter_map(|(name, value)| {
        let key = key_path(name.strip_prefix(PREFIX)?);
        Some(Variable { key, value: value.clone(), origin: origin(name) })
    });
    older.chain(newer).collect()
}

fn origin(name: &str) -> String {
    format!("environment variable {name}")
}

impl Source for Variable {
    fn clone_into_box(&self) -> Box<dyn Source + Send + Sync> {
        Box::new(self.clone())
    }

    fn collect(&self) -> Result<Map<String, Value>, ConfigError> {
        let value = Value::new(Some(&self.origin), self.value.clone());
        Ok(Map::from([(self.key.clone(), value)]))
    }
}

/// `DATABASE__POOL_SIZE` → `database.pool_size`, `LLM__ENDPOINTS__0__MODEL` →
/// `llm.endpoints[0].model`. An index past the bound stays a name, which nobody knows.
fn key_path(name: &str) -> String {
    let mut path = String::new();
    for part in name.to_ascii_lowercase().split("__") {
        match part.parse::<usize>() {
            Ok(index) if index < MAX_ENDPOINTS => path.push_str(&format!("[{index}]")),
            _ if path.is_empty() => path.push_str(part),
            _ => path.push_str(&format!(".{part}")),
        }
    }
    path
}

/// The address in `OLLAMA_BASE_URL` and the model in `OLLAMA_MODEL`: the first makes an ollama
/// endpoint, or gives the first one its address.
pub(crate) fn ollama(environment: &BTreeMap<String, String>) -> (Option<&str>, Option<&str>) {
    let get = |name: &str| environment.get(name).map(String::as_str).filter(|v| !v.is_empty());
    (get("OLLAMA_BASE_URL"), get("OLLAMA_MODEL"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::keys::keys;

    #[test]
    fn every_older_name_sets_a_key_that_exists() {
        for (name, key) in OLDER_NAMES {
            assert!(key == "profile" || keys().any(|k| k.name == key), "{name}: {key}");
        }
    }

    #[test]
    fn names_become_paths() {
        for (name, path) in [
            ("DATABASE__POOL_SIZE", "database.pool_size"),
            ("ALERTS__CPU__KEEP_FIRING_FOR", "alerts.cpu.keep_firing_for"),
            ("LLM__ENDPOINTS__0__BASE_URL", "llm.endpoints[0].base_url"),
            ("LLM__ENDPOINTS__999999999__MODEL", "llm.endpoints.999999999.model"),
        ] {
            assert_eq!(key_path(name), path);
        }
    }
}
