//! An alert's line in the log: on transitions, and as a reminder.

use slog::{Logger, error, info, o, warn};

use super::{
    alerts::{Severity, Transition, TransitionState},
    events,
};

/// Writes the line. A resolved alert is an info, a firing one a warning or an error.
pub fn log_alert(log: &Logger, transition: &Transition) {
    let alert = &transition.alert;
    let log = log.new(o!(
        "alert" => alert.alert,
        "state" => if transition.is_firing() { "firing" } else { "resolved" },
        "severity" => alert.severity.as_str(),
        "value" => alert.value,
        "threshold" => alert.threshold,
        "since" => alert.since.to_string(),
        "count" => alert.count,
        "fingerprint" => alert.fingerprint.clone(),
        "runbook" => alert.runbook_line(),
        "reminder" => transition.state == TransitionState::Reminder,
    ));
    match (transition.state, alert.severity) {
        (TransitionState::Resolved, _) => info!(log, "an alert was resolved"; events::ALERT),
        (_, Severity::Critical) => error!(log, "an alert fires"; events::ALERT),
        _ => warn!(log, "an alert fires"; events::ALERT),
    }
}
