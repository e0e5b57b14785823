//! The names of all metrics, with their labels and help. Prometheus's rules hold: base units
//! (seconds, bytes, ratios), `_total` for counters, no ids as labels.

/// What kind of figure a metric is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum MetricKind {
    /// Only rises.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Times in seconds.
    Histogram,
}

/// A metric: used by its constant, so that name, labels and help stand in one place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Metric {
    pub name: &'static str,
    pub kind: MetricKind,
    /// Names of the labels, in the order in which their values are given.
    pub labels: &'static [&'static str],
    /// What the last label's value can be; empty where it isn't one of a few.
    pub values: &'static [&'static str],
    pub(crate) help: &'static str,
}

macro_rules! metrics {
    ($($const:ident $kind:ident $name:literal
        [$($label:literal $(= $($value:literal)|+)?),*] $help:literal;)*) => {
        $(
            #[doc = $help]
            pub const $const: Metric = Metric {
                name: concat!("eventplanner_", $name),
                kind: MetricKind::$kind,
                labels: &[$($label),*],
                values: &[$($($($value,)+)?)*],
                help: $help,
            };
        )*

        /// Every metric, in the order of their names' groups.
        pub const ALL: &[Metric] = &[$($const),*];
    };
}

metrics! {
    BUILD_INFO Gauge "build_info" ["version"] "1, with the version that runs.";
    UPTIME Gauge "uptime_seconds" [] "Seconds since the daemon started.";

    PLANS_SUBMITTED Counter "plans_submitted_total" [] "Plans acknowledged.";
    PLANS_REFUSED Counter "plans_refused_total" ["reason" = "queue_full" | "client_full"] "Submits that were not taken in.";
    PLANS_FINISHED Counter "plans_finished_total" ["state" = "completed" | "infeasible" | "failed" | "cancelled"] "Plans that reached a final state.";
    PLANS_QUEUED Gauge "plans_queued" [] "Plans that wait for their turn.";
    PLANS_IN_FLIGHT Gauge "plans_in_flight" [] "Plans that are worked on.";
    PLANS_TAKEN_OVER Counter "plans_taken_over_total" [] "Plans freed since another daemon died with them.";
    PLANS_RESUMED Counter "plans_resumed_total" [] "Plans taken up again after a restart.";
    WORKFLOW_SECONDS Histogram "workflow_seconds" ["outcome" = "awaiting_selection" | "infeasible" | "failed" | "cancelled"] "Seconds from a plan's claim to its options, or to its end without any.";
    BLUEPRINT_SECONDS Histogram "blueprint_seconds" [] "Seconds from a selection to the written documents.";

    SEARCH_SECONDS Histogram "search_seconds" [] "Seconds of a search, its proof included.";
    SEARCH_ROUNDS Counter "search_rounds_total" [] "Rounds of all searches.";
    SEARCH_STOPS Counter "search_stops_total" ["reason" = "proven_optimal" | "early_termination" | "converged" | "round_limit" | "deadline" | "cancelled"] "Searches by what ended them.";
    ROUNDS_ENDED Counter "search_rounds_ended_total" ["reason" = "proven_optimal" | "early_termination" | "converged" | "round_limit" | "deadline" | "cancelled"] "Searches by what ended their rounds, before the proof.";
    COMBINATIONS_SCORED Counter "search_combinations_scored_total" [] "Combinations that got a fitness.";
    SCORE_CACHE Counter "score_cache_requests_total" ["result" = "hit" | "miss"] "Look-ups in the score cache: hit or miss.";
    CHECKPOINTS Counter "checkpoints_total" [] "Checkpoints written.";
    CHECKPOINT_BYTES Counter "checkpoint_bytes_total" ["form" = "plain" | "stored"] "Bytes of checkpoints: plain, and as stored.";

    AGENT_SECONDS Histogram "agent_seconds" ["agent"] "Seconds of one run of an agent.";
    AGENT_RUNS Counter "agent_runs_total" ["agent", "outcome" = "ok" | "fallback" | "failed" | "timed_out" | "cancelled"] "Runs of agents: ok, fallback, failed, timed_out or cancelled.";

    QUERY_SECONDS Histogram "database_query_seconds" ["query"] "Seconds of a database query, without the wait for a connection.";
    QUERY_ROWS Counter "database_query_rows_total" ["query"] "Rows that database queries read or changed.";
    DATABASE_UP Gauge "database_up" [] "1 while the database answers.";
    DATABASE_WAITING Gauge "database_waiting_callers" [] "Callers that wait for a connection of the pool.";
    QUERY_CACHE_COALESCED Counter "query_cache_coalesced_total" [] "Misses that waited for the same query under way.";
    QUERY_CACHE_INVALIDATED Counter "query_cache_invalidated_total" [] "Entries forgotten since vendors or bookings changed.";
    SOURCING_SECONDS Histogram "sourcing_seconds" [] "Seconds of one plan's sourcing, all its categories, cached or not.";
    CHECKOUT_SECONDS Histogram "database_checkout_seconds" [] "Seconds that callers waited for a connection.";
    DATABASE_ERRORS Counter "database_errors_total" ["kind" = "query" | "connect" | "checkout_timeout"] "Database errors.";
    DATABASE_CONNECTIONS Gauge "database_connections" ["state" = "used" | "idle"] "Connections of the pool: idle or used.";
    DATABASE_CONNECTIONS_LIMIT Gauge "database_connections_limit" [] "Connections that the pool may open.";
    QUERY_CACHE Counter "query_cache_requests_total" ["result" = "hit" | "miss"] "Look-ups in the query cache: hit or miss.";
    QUERY_CACHE_ENTRIES Gauge "query_cache_entries" [] "Entries in the query cache.";
    VENDORS Gauge "vendors" [] "Vendors in the database.";

    LLM_SECONDS Histogram "llm_request_seconds" ["endpoint", "model"] "Seconds of a request to an LLM server that was served, its queueing included.";
    LLM_QUEUE_SECONDS Histogram "llm_queue_seconds" ["endpoint", "model"] "Seconds that a request waited for an endpoint's turn.";
    LLM_FIRST_BYTE_SECONDS Histogram "llm_first_byte_seconds" ["endpoint", "model"] "Seconds from a call to the first byte of its reply.";
    LLM_OVERHEAD_SECONDS Histogram "llm_gateway_overhead_seconds" ["endpoint", "model"] "Seconds of a request that neither queue nor server nor backoff took.";
    LLM_REQUESTS Counter "llm_requests_total" ["endpoint", "model", "outcome" = "ok" | "failed"] "Requests to LLM servers by outcome: ok or failed.";
    LLM_CALLS Counter "llm_calls_total" ["endpoint", "model"] "HTTP calls to LLM servers, retries and repairs included.";
    LLM_RETRIES Counter "llm_retries_total" ["endpoint", "model"] "Calls made once more after a failure.";
    LLM_REPAIRS Counter "llm_repairs_total" ["endpoint", "model"] "Replies that were refused and asked for once more.";
    LLM_FAILURES Counter "llm_failures_total" ["endpoint", "model", "kind"] "Failed calls, and requests refused before a call, by kind.";
    LLM_CACHE_HITS Counter "llm_cache_hits_total" ["endpoint", "model"] "Questions for an endpoint that the response cache answered.";
    LLM_COALESCED Counter "llm_coalesced_total" ["endpoint", "model"] "Questions that joined an identical call under way.";
    LLM_FALLBACKS Counter "llm_fallbacks_total" ["reason"] "Answers of the built-in rules in place of a model's, by what failed last.";
    LLM_CACHE Counter "llm_cache_requests_total" ["result" = "hit" | "miss"] "Look-ups in the response cache: hit or miss.";
    LLM_CACHE_ENTRIES Gauge "llm_cache_entries" [] "Entries in the response cache.";
    LLM_CACHE_REMOVED Counter "llm_cache_removed_total" ["why" = "evicted" | "expired"] "Entries that left the response cache: evicted by newer ones, or expired.";
    LLM_CACHE_HIT_AGE Gauge "llm_cache_hit_age_seconds" [] "Mean age of the response cache's hits.";
    LLM_QUEUED Gauge "llm_queued_requests" ["endpoint", "model"] "Requests that wait for an endpoint's turn.";
    LLM_UPSTREAM Gauge "llm_upstream_requests" ["endpoint", "model"] "Requests that an LLM server works on.";
    LLM_BREAKER Gauge "llm_breaker_state" ["endpoint", "model", "state" = "closed" | "open" | "half_open"] "1 for the circuit breaker's state: closed, open (left alone after failures) or half_open (on trial).";
    LLM_MODEL Gauge "llm_model_state" ["endpoint", "model", "state" = "unknown" | "unloaded" | "loading" | "ready" | "absent" | "unfit" | "unreachable"] "1 for the model's state: unknown, unloaded, loading, ready, absent, unfit or unreachable.";
    LLM_TOKENS Counter "llm_tokens_total" ["endpoint", "model", "direction" = "prompt" | "reply"] "Tokens: prompt or reply.";

    CONTROL_SECONDS Histogram "control_request_seconds" ["route"] "Seconds to answer a control request, waits and event streams left out.";
    CONTROL_REQUESTS Counter "control_requests_total" ["route", "status"] "Control requests by status class: 2xx, 4xx, 5xx.";
    CONTROL_CONNECTIONS Gauge "control_connections" [] "Open connections to the control socket.";

    ACTOR_RESTARTS Counter "actor_restarts_total" ["actor"] "Restarts of actors.";
    ACTOR_PANICS Counter "actor_panics_total" ["actor"] "Panics caught in actors.";
    ACTOR_REFUSED Counter "actor_refused_total" ["actor"] "Messages refused since the actor's queue was full.";
    ACTOR_MAILBOX Gauge "actor_mailbox_messages" ["actor"] "Messages in an actor's mailbox, not begun with.";
    ACTOR_QUEUED Gauge "actor_queued_messages" ["actor"] "Messages admitted to an actor and not yet answered.";

    CPU_RATIO Gauge "system_cpu_ratio" [] "Share of all cores in use, 0 to 1.";
    MEMORY_USED Gauge "system_memory_used_bytes" [] "Memory of the machine in use.";
    MEMORY_TOTAL Gauge "system_memory_total_bytes" [] "Memory of the machine.";
    PROCESS_MEMORY Gauge "process_resident_memory_bytes" [] "Resident memory of the daemon.";
    PROCESS_FDS Gauge "process_open_fds" [] "Open file descriptors of the daemon.";
    PROCESS_MAX_FDS Gauge "process_max_fds" [] "File descriptors that the daemon may open.";
    DISK_FREE Gauge "state_disk_free_bytes" [] "Bytes left on the file system of the state directory.";
    DISK_SIZE Gauge "state_disk_size_bytes" [] "Size of the file system of the state directory.";
    PROCESS_THREADS Gauge "process_threads" [] "Threads of the daemon.";

    LOG_DROPPED Counter "log_lines_dropped_total" [] "Log lines dropped since the writer was behind.";
    SERIES_FOLDED Counter "telemetry_series_folded_total" ["metric"] "Figures counted under `other` since the metric had too many label sets.";
    ALERTS_FIRING Gauge "alerts_firing" ["alert", "severity" = "warning" | "critical"] "1 while the alert fires.";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_prometheus() {
        for (i, metric) in ALL.iter().enumerate() {
            let name = metric.name;
            assert!(ALL[..i].iter().all(|other| other.name != name), "{name} twice");
            assert_eq!(metric.kind == MetricKind::Counter, name.ends_with("_total"), "{name}");
            if metric.kind == MetricKind::Histogram {
                assert!(name.ends_with("_seconds"), "{name}");
            }
            let plain = |s: &str| s.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
            assert!(plain(name) && metric.labels.iter().all(|label| plain(label)), "{name}");
            assert!(!metric.labels.contains(&"plan_id") && metric.help.ends_with('.'), "{name}");
        }
    }
}
