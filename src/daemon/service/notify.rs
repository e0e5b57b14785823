//! systemd's readiness and watchdog protocol. Without `NOTIFY_SOCKET` nothing is sent.

use std::time::Duration;

use sd_notify::NotifyState;
use slog::{Logger, warn};

/// Tells the service manager something; where it can't be told, the log says so and the daemon
/// goes on: it works without.
pub(crate) fn notify(log: &Logger, states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        warn!(log, "the service manager can't be told: {}", error);
    }
}

/// Says in words what is being done, shown by `systemctl status`.
pub(crate) fn status(log: &Logger, text: &str) {
    notify(log, &[NotifyState::Status(text)]);
}

/// A reload begins; `Ready` is to follow.
pub(crate) fn reloading(log: &Logger) {
    match NotifyState::monotonic_usec_now() {
        Ok(now) => notify(log, &[NotifyState::Reloading, now]),
        Err(error) => warn!(log, "the monotonic clock can't be read: {}", error),
    }
}

/// A stop may take so long.
pub(crate) fn stopping(log: &Logger, limit: Duration) {
    let limit_us = u32::try_from(limit.as_micros()).unwrap_or(u32::MAX);
    let states = [
        NotifyState::Stopping,
        NotifyState::Status("stopping"),
        NotifyState::ExtendTimeoutUsec(limit_us),
    ];
    notify(log, &states);
}

/// How often the watchdog wants to be fed: twice per `WatchdogSec`. `None` without a watchdog.
pub(crate) fn watchdog_interval() -> Option<Duration> {
    sd_notify::watchdog_enabled().map(|limit| limit / 2)
}
