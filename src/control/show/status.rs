//! The daemon's state as people read it.

use std::time::Duration;

use super::{Look, Table};
use crate::control::{HealthView, StatusView, show_duration};

const MIB: u64 = 1024 * 1024;

pub fn status_text(status: &StatusView, look: Look) -> String {
    let mut table = Table::new(["actor", "state", "lives", "restarts", "in flight", "heartbeat"])
        .right([2, 3, 4, 5]);
    for actor in &status.actors {
        table.row([
            actor.name.clone(),
            actor.state.clone(),
            actor.generation.to_string(),
            actor.restarts.to_string(),
            format!("{}/{}", actor.in_flight, actor.capacity),
            format!("{} ago", show_duration(Duration::from_millis(actor.heartbeat_age_ms))),
        ]);
    }
    format!(
        "eventplannerd {} (pid {}), {} for {}, {} MiB\nstate directory: {}\ndatabase: {}\n\n{}",
        status.version,
        status.pid,
        status.state,
        show_duration(Duration::from_secs(status.uptime_seconds)),
        status.memory_bytes / MIB,
        status.state_dir,
        status.database,
        table.render(look),
    )
}

pub fn health_text(health: &HealthView) -> String {
    let state = if health.healthy { "healthy" } else { "not healthy" };
    format!("{state}: {}\n", health.checks.join(", "))
}
