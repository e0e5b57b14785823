//! The stable names of the log's events, with their fields: what log-based alerts match.
//!
//! `etc/log-events.md` is this table as a document; a test holds both together.

use serde_json::Value;
use slog::{KV, Level, Record, Serializer};

use super::level_name;

/// An event that log lines carry. Written bare in a record's list of fields:
/// `info!(log, "plan submitted"; PLAN_SUBMITTED, "plan_id" => %id)`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Event {
    pub name: &'static str,
    /// As a rule; the same event may be worse at times.
    pub level: Level,
    /// Fields beside `ts`, `level`, `msg`, `event` and `actor`. One that ends with `?` may be
    /// absent.
    pub fields: &'static [&'static str],
    /// What happened, in one sentence.
    pub what: &'static str,
}

impl KV for Event {
    fn serialize(&self, _: &Record<'_>, serializer: &mut dyn Serializer) -> slog::Result {
        serializer.emit_str("event", self.name)
    }
}

macro_rules! events {
    ($($const:ident $level:ident $name:literal [$($field:literal),*] $what:literal;)*) => {
        $(
            #[doc = $what]
            pub const $const: Event = Event {
                name: $name,
                level: Level::$level,
                fields: &[$($field),*],
                what: $what,
            };
        )*

        /// Every event.
        pub const ALL: &[Event] = &[$($const),*];
    };
}

events! {
    DAEMON_STARTING Info "daemon_starting" ["version", "pid", "profile?", "config?"]
        "The daemon read its settings and starts.";
    DAEMON_READY Info "daemon_ready" ["startup_ms", "resumed?"]
        "Everything runs and the control socket answers.";
    DAEMON_STOPPING Info "daemon_stopping" ["reason"]
        "The daemon stops taking in work.";
    DAEMON_STOPPED Info "daemon_stopped" ["uptime_s"]
        "The daemon ended in order.";
    DAEMON_FAILED Critical "daemon_failed" ["error"]
        "The daemon ends since it cannot go on; systemd starts it anew.";
    SETTINGS_RELOADED Info "settings_reloaded" ["changed", "needs_restart"]
        "The settings were read anew; those of needs_restart hold only after the next start.";
    RELOAD_FAILED Error "reload_failed" ["error"]
        "The settings could not be read anew; the old ones stay.";
    DRAINING Info "draining" ["grace_s"]
        "No more plans are claimed; those that run may end within the grace.";
    DRAINED Info "drained" ["ms"]
        "No plan runs any more.";
    LOG_LEVEL_CHANGED Info "log_level_changed" ["from", "to"]
        "The log's level was changed.";
    LOG_DROPPED Warning "log_dropped" ["count"]
        "Log lines were dropped since the writer was behind.";
    INDEXES_BUILT Info "indexes_built" ["indexes", "ms"]
        "Indexes that were missing were built beside the work.";
    HOLDS_EXPIRED Info "holds_expired" ["holds"]
        "Holds of vendors ran out; the vendors are free again.";
    DATABASE_WAITING Warning "database_waiting" ["error"]
        "The database is not there yet; the daemon waits for it and takes in no plan.";
    DATABASE_REACHED Info "database_reached" ["ms"]
        "The database is there; plans are taken in.";
    CLUSTER_STARTED Info "cluster_started" ["version", "ms"]
        "The private PostgreSQL runs.";
    CLUSTER_STOPPED Info "cluster_stopped" ["ms?"]
        "The private PostgreSQL ended.";
    DATABASE_UNREACHABLE Error "database_unreachable" ["error"]
        "The database could not be reached.";
    VENDORS_IMPORTED Info "vendors_imported" ["added", "updated", "skipped", "uid"]
        "Vendors were taken in, from a file or made up.";
    CONTROL_LISTENING Info "control_listening" ["socket"]
        "The control socket answers.";
    AUDIT Info "audit" ["command", "uid", "pid?", "tier", "outcome", "plan_id?", "detail?", "left_out?"]
        "Somebody gave a command that changes something.";
    REQUEST_DENIED Warning "request_denied" ["command", "uid", "tier", "left_out?"]
        "Somebody gave a command that they may not give.";
    REQUEST_FAILED Error "request_failed" ["command", "error", "code?", "left_out?"]
        "A control request failed on the daemon's side.";
    PLAN_SUBMITTED Info "plan_submitted" ["plan_id", "event_type?"]
        "A plan was committed and acknowledged.";
    PLAN_CLAIMED Info "plan_claimed" ["plan_id", "attempt?"]
        "Work on a plan begins.";
    PLAN_RESUMED Info "plan_resumed" ["plan_id", "round?"]
        "Work on a plan goes on after a restart.";
    PLAN_ROUND Debug "plan_round" ["plan_id", "round", "best", "best_possible?"]
        "A round of the search ended.";
    PLAN_CHECKPOINT Debug "plan_checkpoint" ["plan_id", "round", "bytes"]
        "The search's state was stored.";
    PLAN_OPTIONS_READY Info "plan_options_ready" ["plan_id", "rounds", "combinations_scored", "proven_gap", "stopped_because", "options", "ms"]
        "The options of a plan are there.";
    PLAN_SELECTED Info "plan_selected" ["plan_id", "option"]
        "An option was selected and its vendors are held.";
    PLAN_CONFLICT Warning "plan_conflict" ["plan_id", "option"]
        "An option could not be held: somebody else has one of its vendors.";
    PLAN_STALE Info "plan_stale" ["plan_id", "option", "changes", "violations"]
        "An option was not held: its vendors' records changed, or it no longer meets the request.";
    PLAN_COMPLETED Info "plan_completed" ["plan_id", "documents?", "ms?"]
        "The blueprint is written.";
    PLAN_INFEASIBLE Info "plan_infeasible" ["plan_id", "conflicts?"]
        "No combination of vendors meets the request.";
    PLAN_CANCELLED Info "plan_cancelled" ["plan_id"]
        "A plan was cancelled.";
    PLAN_FAILED Error "plan_failed" ["plan_id", "error"]
        "A plan ended without a result.";
    PLAN_RETURNED Warning "plan_returned" ["plan_id", "reason"]
        "A plan was given back to the queue.";
    PLANS_EXPIRED Info "plans_expired" ["plans", "keep_days"]
        "Plans past their time were deleted.";
    DAEMONS_DIED Warning "daemons_died" ["daemons", "plans"]
        "Other daemons of the database ended without a goodbye; their plans can be claimed.";
    FLEET_LINK_LOST Warning "fleet_link_lost" ["error"]
        "The connection to the other daemons of the database broke; it is made anew.";
    AGENT_FINISHED Debug "agent_finished" ["plan_id", "agent", "outcome", "ms"]
        "An agent ended.";
    AGENT_FAILED Warning "agent_failed" ["plan_id", "agent", "error"]
        "An agent failed or took too long.";
    LLM_FALLBACK Warning "llm_fallback" ["plan_id?", "agent?", "endpoint?", "reason"]
        "The built-in rules answered in place of a model.";
    LLM_WARM Info "llm_warm" ["endpoint", "model", "ms"]
        "A model is loaded.";
    LLM_WARM_FAILED Warning "llm_warm_failed" ["endpoint", "error"]
        "A model could not be loaded.";
    LLM_BREAKER_OPENED Warning "llm_breaker_opened" ["endpoint", "failures?"]
        "An LLM server is left alone after failures.";
    LLM_BREAKER_CLOSED Info "llm_breaker_closed" ["endpoint"]
        "An LLM server is asked again.";
    CACHE_FLUSHED Info "cache_flushed" ["cache", "entries?"]
        "A cache was emptied.";
    ACTOR_STARTED Debug "actor_started" ["restarts?"]
        "An actor runs.";
    ACTOR_PANICKED Error "actor_panicked" ["panic"]
        "A handler panicked; its one request failed.";
    ACTOR_RESTARTED Warning "actor_restarted" ["restarts", "backoff_ms"]
        "An actor was made anew after a failure.";
    ACTOR_GAVE_UP Critical "actor_gave_up" ["restarts"]
        "An actor failed too often; the daemon ends.";
    OVERLOADED Warning "overloaded" ["limit", "refused"]
        "Plans are refused since too many wait; `refused`: how many since the last such line.";
    WATCHDOG_UNFED Error "watchdog_unfed" ["stale_s"]
        "A critical actor's heartbeat is too old; systemd may kill the daemon.";
    METRICS_CYCLE Debug "metrics_cycle" ["cpu_percent", "memory_percent", "resident_bytes", "plans_in_flight?", "plans_queued?"]
        "A look at the system.";
    ALERT Warning "alert" ["alert", "state", "severity", "value", "threshold", "since", "count", "fingerprint", "runbook", "reminder?"]
        "An alert began to fire, changed its severity or was resolved; with reminder, it still fires.";
}

/// Fields that any line may carry.
const COMMON: [&str; 5] = ["ts", "level", "msg", "event", "actor"];

/// Checks one line of the JSON log against the table.
///
/// # Errors
/// What is wrong: a common field that is missing, an unknown event, a field that the event must
/// or must not have.
pub fn check_line(line: &Value) -> Result<(), String> {
    let object = line.as_object().ok_or("no JSON object")?;
    for field in ["ts", "level", "msg"] {
        if !object.get(field).is_some_and(Value::is_string) {
            return Err(format!("`{field}` is missing"));
        }
    }
    // A line without an event is for people only; nothing may match on it.
    let Some(name) = object.get("event").and_then(Value::as_str) else { return Ok(()) };
    let event = ALL.iter().find(|event| event.name == name);
    let event = event.ok_or_else(|| format!("event `{name}` is not in the table"))?;
    for field in event.fields.iter().filter(|field| !field.ends_with('?')) {
        if !object.contains_key(*field) {
            return Err(format!("{name}: `{field}` is missing"));
        }
    }
    let known = |field: &str| event.fields.iter().any(|known| known.trim_end_matches('?') == field);
    if let Some(extra) = object.keys().find(|field| !COMMON.contains(&&***field) && !known(field)) {
        return Err(format!("{name}: `{extra}` is not in the table"));
    }
    Ok(())
}

/// The table as a Markdown document.
pub fn document() -> String {
    let mut text = String::from(
        "# Events of the log\n\n\
         Every line of the JSON log is one object with `ts` (RFC 3339, UTC, microseconds), `level`\n\
         (critical, error, warning, info, debug, trace) and `msg` (for people; may change). A line that\n\
         programs may match on has `event`, a name of this table, which stays as it is, and that event's\n\
         fields; one with a question mark may be absent. `actor` names the actor that wrote the line.\n\
         No line at info or above holds a secret, a client's name or address, or the text of a prompt.\n\n\
         | event | level | fields | what happened |\n|---|---|---|---|\n",
    );
    for event in ALL {
        let fields: Vec<String> = event.fields.iter().map(|field| format!("`{field}`")).collect();
        let level = if *event == ALERT { "info, warning, error" } else { level_name(event.level) };
        text +=
            &format!("| `{}` | {level} | {} | {} |\n", event.name, fields.join(", "), event.what);
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names_are_unique_and_plain() {
        for (i, event) in ALL.iter().enumerate() {
            let name = event.name;
            assert!(ALL[..i].iter().all(|other| other.name != name), "{name} twice");
            assert!(name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'), "{name}");
            assert!(event.what.ends_with('.'), "{name}");
            assert!(event.fields.iter().all(|field| !COMMON.contains(field)), "{name}");
        }
    }

    #[test]
    fn a_line_that_departs_from_the_table_is_noticed() {
        let line = |extra: Value| {
            let mut line = json!({"ts": "t", "level": "info", "msg": "m"});
            line.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
            check_line(&line)
        };
        assert_eq!(line(json!({})), Ok(()));
        assert_eq!(line(json!({"event": "plan_cancelled", "plan_id": "p", "actor": "a"})), Ok(()));
        for (extra, error) in [
            (json!({"event": "plan_canceled"}), "event `plan_canceled` is not in the table"),
            (json!({"event": "plan_cancelled"}), "plan_cancelled: `plan_id` is missing"),
            (
                json!({"event": "plan_cancelled", "plan_id": "p", "client": "c"}),
                "plan_cancelled: `client` is not in the table",
            ),
            (json!({"msg": 1}), "`msg` is missing"),
        ] {
            assert_eq!(line(extra), Err(error.to_owned()));
        }
    }
}
