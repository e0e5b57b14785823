//! The daemon's state as people read it.

use std::time::Duration;

use super::{Look, Table};
use crate::show_duration;
use wire::{Alerts, HealthView, LlmEndpoint, LlmView, StatusView};

const MIB: u64 = 1024 * 1024;

pub fn status_text(status: &StatusView, look: Look) -> String {
    let headers = ["actor", "state", "generation", "restarts", "mailbox", "in flight", "heartbeat"];
    let mut table = Table::new(headers).right([2, 3, 4, 5, 6]);
    for actor in &status.actors {
        table.row([
            actor.name.clone(),
            actor.state.clone(),
            actor.generation.to_string(),
            actor.restarts.to_string(),
            actor.mailbox.to_string(),
            format!("{}/{}", actor.in_flight, actor.capacity),
            format!("{} ago", show_duration(Duration::from_millis(actor.heartbeat_age_ms))),
        ]);
    }
    let problem = status.database_problem.as_ref();
    format!(
        "eventplannerd {} (pid {}), {} for {}, {} MiB\nstate directory: {}\ndatabase: {}{}\n\n{}",
        status.version,
        status.pid,
        status.state,
        show_duration(Duration::from_secs(status.uptime_seconds)),
        status.memory_bytes / MIB,
        status.state_dir,
        status.database,
        problem.map_or_else(String::new, |why| format!("; no plan is taken in: {why}")),
        table.render(look),
    )
}

pub fn health_text(health: &HealthView) -> String {
    let state = if health.healthy { "healthy" } else { "not healthy" };
    format!("{state}: {}\n", health.checks.join(", "))
}

/// Firing alerts, then those that were resolved.
pub fn alerts_text(alerts: &Alerts, look: Look) -> String {
    if alerts.firing.is_empty() && alerts.recent.is_empty() {
        return "no alert\n".to_owned();
    }
    let headers = ["alert", "state", "severity", "value", "threshold", "since", "resolved"];
    let mut table = Table::new(headers).right([3, 4]);
    let firing = alerts.firing.iter().map(|alert| (alert, None));
    let resolved = alerts.recent.iter().map(|old| (&old.alert, Some(old.resolved_at)));
    for (alert, resolved_at) in firing.chain(resolved) {
        table.row([
            alert.alert.to_string(),
            if resolved_at.is_some() { "resolved" } else { "firing" }.to_owned(),
            alert.severity.as_str().to_owned(),
            format!("{:.3} {}", alert.value, alert.unit),
            format!("{} {}", alert.threshold, alert.unit),
            alert.since.to_string(),
            resolved_at.map_or_else(String::new, |at| at.to_string()),
        ]);
    }
    let runbooks = alerts.firing.iter().map(|a| format!("{}: {}\n", a.alert, a.runbook));
    format!("{}{}", table.render(look), runbooks.collect::<String>())
}

pub fn llm_text(llm: &LlmView, look: Look) -> String {
    if llm.endpoints.is_empty() {
        return "no LLM server is configured; the built-in rules answer\n".to_owned();
    }
    let headers =
        ["endpoint", "model", "state", "breaker", "busy", "queued", "asked", "mean", "address"];
    let mut table = Table::new(headers).right([4, 5, 6, 7]);
    for endpoint in &llm.endpoints {
        table.row([
            endpoint.name.clone(),
            endpoint.model.clone(),
            endpoint.model_state.clone(),
            endpoint.breaker.clone(),
            format!("{}/{}", endpoint.busy, endpoint.parallel),
            endpoint.queued.to_string(),
            endpoint.figures.requests.to_string(),
            format!("{:.0} ms", endpoint.figures.total.mean_ms),
            endpoint.base_url.clone(),
        ]);
    }
    let advice = llm.endpoints.iter().filter_map(|e| Some((&e.name, e.advice.as_ref()?)));
    let advice: String = advice.map(|(name, advice)| format!("{name}: {advice}\n")).collect();
    let failures: String = llm.endpoints.iter().filter_map(failures_text).collect();
    let hit_rate =
        llm.cache_hit_percent.map_or(String::new(), |percent| format!(" ({percent:.0} %)"));
    format!(
        "{}{advice}{failures}{} questions, {} answered by the rules in place of a server, {} joined \
         another one; {:.1} ms to an answer on average\n\
         cache: {} entries, {} hits{hit_rate}, {} misses, {} evicted, {} expired\n",
        table.render(look),
        llm.requests,
        llm.fallbacks,
        llm.coalesced,
        llm.mean_answer_ms,
        llm.cache_entries,
        llm.cache_hits,
        llm.cache_misses,
        llm.cache_evictions,
        llm.cache_expired,
    )
}

fn failures_text(endpoint: &LlmEndpoint) -> Option<String> {
    let failures = &endpoint.figures.failures;
    let each: Vec<String> =
        failures.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
    (!each.is_empty()).then(|| format!("{}: failures: {}\n", endpoint.name, each.join(", ")))
}
