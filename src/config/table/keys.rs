//! The table of all settings: what the range checks, the annotated file, `print-config` and the
//! tests go by.

use super::{
    alert_keys::ALERT_KEYS,
    key::Key,
    kinds::{DAY, HOUR, integer, ms, number, s, span},
    value::{Field, Kind},
};
use crate::settings::Settings;
use llm::settings::EndpointSettings;

macro_rules! key {
    ($section:ident.$field:ident, $kind:expr, $unit:literal, $what:literal) => {
        Key {
            name: concat!(stringify!($section), ".", stringify!($field)),
            kind: $kind,
            unit: $unit,
            what: $what,
            row: 0,
            get: |settings: &Settings, _| settings.$section.$field.get(),
            set: |settings: &mut Settings, _, value| settings.$section.$field.set(value),
            holds: None,
            is_site: false,
        }
    };
}

/// Every key of a plain section, in the order of the annotated file.
#[rustfmt::skip]
static PLAIN: &[Key<Settings>] = &[
    key!(paths.state_dir, Kind::Path, "", "What must outlive a restart; empty: $STATE_DIRECTORY, else /var/lib/eventplanner as root, else $XDG_STATE_HOME/eventplanner or ~/.local/state/eventplanner"),
    key!(paths.runtime_dir, Kind::Path, "", "Sockets; empty: $RUNTIME_DIRECTORY, else `run` in the state directory"),

    key!(database.url, Kind::SecretUrl, "", "Connection; empty: a private PostgreSQL of the daemon's own in the state directory"),
    key!(database.tls_ca, Kind::Path, "", "Certificates (PEM) that the server's must be signed by; encrypts all connections, as sslmode=require in the URL does with the system's certificates; empty: the system's"),
    key!(database.bin_dir, Kind::Path, "", "PostgreSQL's server binaries for the private database; empty: PATH, then /usr/lib/postgresql/*/bin, newest first"),
    key!(database.shared_buffers_mb, integer(16, 65_536), "MiB", "Memory of the private database for pages of tables and indexes, a quarter of the machine's at most; taken as pages are read"),
    key!(database.pool_size, integer(1, 100), "connections", "Connections kept open"),
    key!(database.max_overflow, integer(0, 200), "connections", "Connections beyond pool_size, opened under load"),
    key!(database.statement_timeout, span(ms(100), HOUR), "", "The time that one statement may take"),
    key!(database.lock_timeout, span(ms(100), HOUR), "", "The time that one statement may wait for a lock"),
    key!(database.idle_timeout, span(s(1), HOUR), "", "The time that a transaction may idle"),
    key!(database.checkout_timeout, span(ms(100), s(300)), "", "The time that a caller waits for a connection of the pool"),
    key!(database.max_lifetime, span(s(10), DAY), "", "A connection is replaced after this time"),
    key!(database.pre_ping, Kind::Switch, "", "Test a connection before it is handed out"),
    key!(database.max_connection_errors, integer(1, 100), "attempts", "Failed attempts to connect before a caller is given an error"),
    key!(database.retry_delay, span(ms(10), s(300)), "", "Longest time between two attempts to connect; at most 1 s counts, so that a server that is back is found"),
    key!(database.prepared_statements, Kind::Switch, "", "Prepare statements once per connection; off behind PgBouncer in transaction mode"),
    key!(database.query_cache, Kind::Switch, "", "Remember the results of vendor queries"),
    key!(database.query_cache_size, integer(1, 1_000_000), "entries", "Results remembered at most").live(),
    key!(database.query_cache_ttl, span(s(1), DAY), "", "A result is remembered for this time").live(),

    key!(llm.timeout, span(s(1), HOUR), "", "The time that a whole request may take"),
    key!(llm.connect_timeout, span(ms(10), s(300)), "", "The time that connecting may take"),
    key!(llm.first_byte_timeout, span(ms(100), HOUR), "", "The time until the first byte of a reply"),
    key!(llm.idle_timeout, span(ms(100), HOUR), "", "The time between two bytes of a reply"),
    key!(llm.keep_alive, span(s(0), DAY), "", "The time that a server keeps the model loaded after a request"),
    key!(llm.warm_up, Kind::Switch, "", "Load the models when the daemon starts"),
    key!(llm.health_interval, span(s(1), HOUR), "", "The time between two looks at every LLM server"),
    key!(llm.response_cache, Kind::Switch, "", "Remember valid replies"),
    key!(llm.response_cache_size, integer(1, 1_000_000), "entries", "Replies remembered at most").live(),
    key!(llm.response_cache_ttl, span(s(1), s(30 * 86_400)), "", "A reply is remembered for this time").live(),
    key!(llm.response_cache_persistent, Kind::Switch, "", "Keep remembered replies across restarts, in the database"),
    key!(llm.batching, Kind::Switch, "", "Send the requests of one plan together"),
    key!(llm.batch_size, integer(1, 64), "requests", "Requests sent together at most"),
    key!(llm.max_connections, integer(1, 200), "connections", "Connections kept per server; no endpoint's `parallel` may be more"),
    key!(llm.retries, integer(0, 10), "attempts", "Attempts after a first failure"),
    key!(llm.queue_size, integer(1, 10_000), "requests", "Requests that may wait for an endpoint's turn; further ones are answered by the rules"),
    key!(llm.max_reply_bytes, integer(1_024, 16_777_216), "bytes", "A longer reply is a failure"),
    key!(llm.gpu_memory_fraction, number(0.0, 1.0), "share of the GPU's memory", "The part of the GPU's memory that `llm tune` may plan with"),
    key!(llm.gpu_memory_mib, integer(0, 16_777_216), "MiB", "The GPU's whole memory, for `llm tune`; 0: not known").site(),
    key!(llm.breaker_failures, integer(1, 1_000), "failures", "Failures in a row after which an endpoint is left alone"),
    key!(llm.breaker_open, span(ms(100), HOUR), "", "The time that a failing endpoint is left alone"),

    key!(search.beam_width, integer(1, 64), "combinations", "Combinations kept per round (k)"),
    key!(search.max_rounds, integer(1, 100), "rounds", "Rounds at most"),
    key!(search.early_termination, Kind::Switch, "", "Stop the rounds once the best is good enough"),
    key!(search.early_termination_threshold, number(0.0, 1.0), "fitness", "The fitness that is good enough"),
    key!(search.min_rounds_before_termination, integer(1, 100), "rounds", "Rounds before the best may be good enough"),
    key!(search.convergence, Kind::Switch, "", "Stop the rounds once the kept scores stand still"),
    key!(search.convergence_threshold, number(0.0, 1.0), "fitness", "A kept score that moves less stands still"),
    key!(search.convergence_window, integer(1, 100), "rounds", "Rounds in which they must stand still"),
    key!(search.score_cache, Kind::Switch, "", "Score no combination twice"),
    key!(search.score_cache_size, integer(1, 10_000_000), "combinations", "Scores remembered per plan at most"),
    key!(search.min_difference, integer(1, 16), "vendors", "Vendors in which two options differ, where anything feasible does"),
    key!(search.stability_weight, number(0.0, 1.0), "fitness", "What keeping all earlier bookings is worth when a plan is replanned"),
    key!(search.options, integer(1, 10), "options", "Options offered per plan"),
    key!(search.proof, Kind::Switch, "", "Prove how far from the best possible the options are, and replace those it beats"),
    key!(search.proof_nodes, integer(1, 10_000_000_000), "nodes", "Nodes that the proof may visit: the same result on every machine"),
    key!(search.proof_ms, integer(1, 3_600_000), "milliseconds", "The time after which the proof is cut short: a backstop"),
    key!(search.deadline_ms, integer(0, 86_400_000), "milliseconds", "The time for a whole search; 0 for no limit"),

    key!(workflow.checkpoint_interval_rounds, integer(1, 100), "rounds", "Rounds between two checkpoints"),
    key!(workflow.compress_checkpoints, Kind::Switch, "", "Store checkpoints compressed"),
    key!(workflow.parallel_agents, Kind::Switch, "", "Run agents that don't depend on each other at the same time"),
    key!(workflow.max_parallel_agents, integer(1, 32), "agents", "Agents of one plan at once"),
    key!(workflow.agent_timeout, span(s(1), HOUR), "", "The time that one run of one agent may take"),
    key!(workflow.workflow_timeout, span(s(1), DAY), "", "The time that a plan may take from its claim to its options"),
    key!(workflow.history, integer(1, 1_000), "rounds", "Rounds whose figures are kept with a plan"),
    key!(workflow.max_plans_in_flight, integer(1, 4_096), "plans", "Plans worked on at once"),
    key!(workflow.lease, span(s(5), HOUR), "", "The time that a claimed plan stays claimed without a renewal"),
    key!(workflow.hold, span(s(60), s(365 * 86_400)), "", "The time that selected vendors are held"),
    key!(workflow.drain_grace, span(s(0), HOUR), "", "The time that running plans may go on once the daemon is to drain or stop; then they are given back"),
    key!(workflow.nice, integer(0, 19), "", "How far planning's computations stand back for whatever else wants the processors, as in nice(2): 0 not at all").at_the_start(),

    key!(plans.keep_days, integer(1, 36_500), "days", "A plan is kept for this time after its end"),

    key!(admission.max_queued_plans, integer(1, 1_000_000), "plans", "Plans that may wait; further ones are answered `busy`"),
    key!(admission.max_queued_plans_per_client, integer(1, 1_000_000), "plans", "The same for each client, by user id"),

    key!(supervision.max_restarts, integer(1, 100), "restarts", "Restarts within restart_window after which the daemon ends and systemd starts it anew"),
    key!(supervision.restart_window, span(s(1), HOUR), "", "The time in which restarts are counted"),
    key!(supervision.backoff, span(ms(1), s(60)), "", "The time before the first restart; doubles, with jitter"),
    key!(supervision.backoff_max, span(ms(1), s(600)), "", "The time before any restart, at most"),
    key!(supervision.heartbeat_timeout, span(s(1), s(600)), "", "A critical actor whose heartbeat is older keeps the systemd watchdog unfed"),

    key!(control.socket, Kind::Path, "", "The socket; empty: control.sock in the runtime directory"),
    key!(control.socket_mode, Kind::Mode, "permission bits", "Who may connect"),
    key!(control.socket_group, Kind::Text, "", "Group of the socket; empty: the daemon's own"),
    key!(control.admin_uids, Kind::UserIds, "", "Who may give admin commands, beside root and the daemon's own user"),
    key!(control.max_connections, integer(1, 10_000), "connections", "Connections at once"),
    key!(control.body_limit, integer(1_024, 268_435_456), "bytes", "Length of a request's body"),
    key!(control.header_timeout, span(ms(100), s(300)), "", "The time that the head of a request may take"),
    key!(control.idle_timeout, span(s(1), HOUR), "", "The time that a connection may idle between requests"),
    key!(control.tcp_listen, Kind::Text, "", "Also serve metrics, health and documents, read-only, to whoever is on this machine, at this loopback address, e.g. \"127.0.0.1:9464\"; empty: no TCP at all"),

    key!(log.level, Kind::Choice(&["critical", "error", "warning", "info", "debug", "trace"]), "", "The least severe lines that are written").live(),
    key!(log.format, Kind::Choice(&["json", "terminal", "auto"]), "", "auto: terminal where stdout is one"),
    key!(log.queue_size, integer(64, 1_000_000), "lines", "Lines that may wait to be written; further ones are dropped and counted"),

    key!(metrics.interval, span(s(1), HOUR), "", "The time between two looks"),
    key!(metrics.max_series, integer(10, 10_000), "label sets", "Label sets that one metric may have; further ones count as `other`"),
    key!(metrics.keep_days, integer(1, 365), "days", "The figures behind the report's trends are kept for this time"),

    key!(alerts.reminder_interval, span(s(1), s(7 * 86_400)), "", "A firing alert is logged again after this time"),
    key!(alerts.recent, integer(0, 10_000), "alerts", "Resolved alerts that can still be listed"),
    key!(alerts.plan_success_target, number(50.0, 99.999), "percent of plans", "Plans that are to end without a failure; alerts.plan_burn_fast and plan_burn_slow measure against it"),
];

macro_rules! endpoint_key {
    ($field:ident, $kind:expr, $unit:literal, $what:literal) => {
        Key {
            name: concat!("llm.endpoints.", stringify!($field)),
            kind: $kind,
            unit: $unit,
            what: $what,
            row: 0,
            get: |endpoint: &EndpointSettings, _| endpoint.$field.get(),
            set: |endpoint: &mut EndpointSettings, _, value| endpoint.$field.set(value),
            holds: None,
            is_site: false,
        }
    };
}

/// The keys of one `[[llm.endpoints]]`.
#[rustfmt::skip]
pub(crate) static ENDPOINT_KEYS: &[Key<EndpointSettings>] = &[
    endpoint_key!(name, Kind::Text, "", "Its name in logs and metrics; empty: its kind"),
    endpoint_key!(kind, Kind::Choice(&["ollama", "openai", "rules"]), "", "The protocol; openai: chat completions, as of llama.cpp and vLLM"),
    endpoint_key!(base_url, Kind::Text, "", "The address; empty: http://127.0.0.1:11434 for ollama, http://127.0.0.1:8080 for openai"),
    endpoint_key!(model, Kind::Text, "", "The model, as the server names it"),
    endpoint_key!(ollama_api, Kind::Choice(&["chat", "generate"]), "", "The call of ollama to use; generate: for models without a chat template"),
    endpoint_key!(parallel, integer(1, 256), "requests", "Requests that the server works on at once"),
    endpoint_key!(weight, integer(0, 1_000), "", "Share of the requests that go there first; 0: a stand-by, tried in the order written"),
    endpoint_key!(http2_prior_knowledge, Kind::Switch, "", "Speak HTTP/2 without asking, over plain TCP"),
    endpoint_key!(num_ctx, integer(512, 1_048_576), "tokens", "Context length: ollama loads the model with it, and prompts are cut to fit"),
    endpoint_key!(api_key_file, Kind::Path, "", "A file that holds the API key; a bare name is one of systemd's credentials (LoadCredential=)"),
    endpoint_key!(ca_file, Kind::Path, "", "A file with a certificate authority to trust as well, PEM"),
];

/// All keys outside `[[llm.endpoints]]`, in the order of the annotated file.
pub fn keys() -> impl Iterator<Item = &'static Key<Settings>> {
    PLAIN.iter().chain(ALERT_KEYS.iter())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use config::ValueKind;

    use super::*;
    use crate::table::{sections::section_of, value::Value};

    fn raw(value: &Value, kind: &Kind) -> ValueKind {
        match value {
            Value::Switch(on) => ValueKind::Boolean(*on),
            Value::Integers(list) => {
                ValueKind::Array(list.iter().map(|n| config::Value::new(None, *n)).collect())
            }
            _ => ValueKind::String(value.to_toml(kind).trim_matches('"').into()),
        }
    }

    #[test]
    fn every_default_is_in_its_range_and_every_key_reads_what_it_writes() {
        let defaults = Settings::default();
        for key in keys() {
            let value = key.value(&defaults);
            let read = key.kind.read(&raw(&value, &key.kind));
            assert_eq!(read.as_ref(), Ok(&value), "{}", key.name);
            let mut settings = Settings::default();
            assert!(key.set(&mut settings, value), "{}: field and kind disagree", key.name);
            assert_eq!(settings, defaults, "{}", key.name);
        }
        let endpoint = crate::sources::endpoints::new_endpoint();
        for key in ENDPOINT_KEYS {
            let value = key.value(&endpoint);
            assert!(key.set(&mut endpoint.clone(), value.clone()), "{}", key.name);
            assert_eq!(key.kind.read(&raw(&value, &key.kind)), Ok(value), "{}", key.name);
        }
    }

    #[test]
    fn each_key_sets_a_field_of_its_own() {
        let mut seen = BTreeSet::new();
        for key in keys() {
            assert!(seen.insert(key.name), "{} twice", key.name);
            assert!(section_of(key.name).is_some(), "{}", key.name);
            let mut changed = Settings::default();
            let other = match key.value(&changed) {
                Value::Switch(on) => Value::Switch(!on),
                Value::Integer(n) => Value::Integer(n + 1),
                Value::Number(n) => Value::Number(n + 0.5),
                Value::Off => Value::Number(1.0),
                Value::Span(span) => Value::Span(span + ms(1)),
                Value::Text(_) if key.name == "log.level" => Value::Text("debug".into()),
                Value::Text(_) if key.name == "log.format" => Value::Text("json".into()),
                Value::Text(text) => Value::Text(text + "x"),
                Value::Integers(_) => Value::Integers(vec![7]),
            };
            assert!(key.set(&mut changed, other.clone()), "{}", key.name);
            let differing: Vec<_> = keys()
                .filter(|k| k.value(&changed) != k.value(&Settings::default()))
                .map(|k| k.name)
                .collect();
            assert_eq!(differing, [key.name]);
        }
    }
    /// Names of all fields, sections joined by dots, as `{:#?}` shows them.
    fn fields_of(value: &impl std::fmt::Debug) -> BTreeSet<String> {
        let mut path: Vec<(usize, String)> = Vec::new();
        let mut leaves = BTreeSet::new();
        for line in format!("{value:#?}").lines() {
            let text = line.trim_start();
            let Some((name, rest)) = text.split_once(": ") else { continue };
            let depth = line.len() - text.len();
            path.retain(|(outer, _)| *outer < depth);
            path.push((depth, name.into()));
            if !rest.ends_with('{') {
                let names: Vec<_> = path.iter().map(|(_, name)| name.as_str()).collect();
                leaves.insert(names.join("."));
            }
        }
        leaves
    }

    #[test]
    fn every_field_of_the_settings_has_a_key() {
        let mut fields = fields_of(&Settings::default());
        // Chosen before the keys are read, and a table of its own.
        assert!(fields.remove("profile") && fields.remove("llm.endpoints"));
        let fields: BTreeSet<_> =
            fields.into_iter().map(|name| name.replace("pending_for", "for")).collect();
        assert_eq!(fields, keys().map(|key| key.name.to_owned()).collect());
        let fields = fields_of(&crate::sources::endpoints::new_endpoint());
        let known = ENDPOINT_KEYS.iter().map(|key| key.short_name().to_owned());
        assert_eq!(fields, known.collect());
    }
}
