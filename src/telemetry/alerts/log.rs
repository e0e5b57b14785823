//! An alert's line in the log: on transitions, and as a reminder.

use slog::{Logger, error, info, o, warn};

use super::{Transition, TransitionState};
use crate::log::events;
use wire::{Alert, Severity};

/// Writes the line. A resolved alert is an info, a firing one a warning or an error.
pub fn log_alert(log: &Logger, transition: &Transition) {
    let alert = &transition.alert;
    let log = log.new(o!(
        "alert" => alert.alert.clone().into_owned(),
        "state" => if transition.is_firing() { "firing" } else { "resolved" },
        "severity" => alert.severity.as_str(),
        "value" => alert.value,
        "threshold" => alert.threshold,
        "since" => alert.since.to_string(),
        "count" => alert.count,
        "fingerprint" => alert.fingerprint.clone(),
        "runbook" => runbook_line(alert),
        "reminder" => transition.state == TransitionState::Reminder,
    ));
    match (transition.state, alert.severity) {
        (TransitionState::Resolved, _) => info!(log, "an alert was resolved"; events::ALERT),
        (_, Severity::Critical) => error!(log, "an alert fires"; events::ALERT),
        _ => warn!(log, "an alert fires"; events::ALERT),
    }
}

/// What to do, and where more is said about it.
fn runbook_line(alert: &Alert) -> String {
    format!("{} More: man 7 eventplanner-alerts, {}", alert.runbook, alert.alert)
}

#[cfg(test)]
mod tests {
    use std::{
        io,
        sync::{Arc, Mutex},
    };

    use jiff::Timestamp;
    use serde_json::{Value, json};
    use slog::Drain;

    use super::*;
    use crate::log::json_drain;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// The lines that other tools match on, word for word.
    #[test]
    fn an_alert_is_written_as_the_table_of_events_has_it() {
        let lines = Lines::default();
        let log = Logger::root(Mutex::new(json_drain(lines.clone())).fuse(), o!("ts" => "t"));
        let alert = Alert {
            alert: "cpu".into(),
            severity: Severity::Critical,
            value: 91.5,
            threshold: 85.0,
            unit: "percent".into(),
            since: Timestamp::UNIX_EPOCH,
            count: 7,
            fingerprint: "f00".to_owned(),
            runbook: "See what else runs.".into(),
        };
        use TransitionState::{Firing, Reminder, Resolved};
        for state in [Firing, Reminder, Resolved] {
            log_alert(&log, &Transition { state, alert: alert.clone() });
        }
        let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
        let found: Vec<Value> =
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let expected = |level, msg, state, reminder| {
            json!({"ts": "t", "level": level, "msg": msg, "event": "alert", "alert": "cpu",
                   "state": state, "severity": "critical", "value": 91.5, "threshold": 85.0,
                   "since": "1970-01-01T00:00:00Z", "count": 7, "fingerprint": "f00",
                   "runbook": "See what else runs. More: man 7 eventplanner-alerts, cpu",
                   "reminder": reminder})
        };
        assert_eq!(
            found,
            [
                expected("error", "an alert fires", "firing", false),
                expected("error", "an alert fires", "firing", true),
                expected("info", "an alert was resolved", "resolved", false),
            ]
        );
        for line in &found {
            assert_eq!(events::check_line(line), Ok(()));
        }
    }
}
