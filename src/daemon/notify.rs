//! systemd's readiness and watchdog protocol. Without `NOTIFY_SOCKET` nothing is sent.

use std::time::Duration;

use sd_notify::NotifyState;
use slog::{Logger, warn};

/// Tells the service manager something; where it can't be told, the log says so and the daemon
/// goes on: it works without.
pub fn notify(log: &Logger, states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        warn!(log, "the service manager can't be told: {}", error);
    }
}

/// Says in words what is being done, shown by `systemctl status`.
pub fn status(log: &Logger, text: &str) {
    notify(log, &[NotifyState::Status(text)]);
}

/// How often the watchdog wants to be fed: twice per `WatchdogSec`. `None` without a watchdog.
pub fn watchdog_interval() -> Option<Duration> {
    sd_notify::watchdog_enabled().map(|limit| limit / 2)
}
