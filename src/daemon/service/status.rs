//! What `systemctl status` shows of the daemon: one line, said anew when it changes.

use slog::Logger;

use super::notify;
use telemetry::{
    Snapshot, Telemetry,
    figures::metrics::{ALERTS_FIRING, PLANS_IN_FLIGHT, PLANS_QUEUED},
};

/// Remembers what it said last: the service manager need not hear the same every second.
#[derive(Default)]
pub(crate) struct ServiceStatus {
    said: String,
}

impl ServiceStatus {
    pub(crate) fn update(&mut self, telemetry: &Telemetry, log: &Logger) {
        let line = telemetry.read(status_line);
        if line != self.said {
            notify::status(log, &line);
            self.said = line;
        }
    }
}

/// `ready; 2 plans in work, 5 waiting; 1 alert fires: cpu`.
fn status_line(figures: &Snapshot) -> String {
    let count = |metric| figures.gauge(metric, |_| true).unwrap_or(0.0);
    let firing: Vec<&str> = figures
        .gauges(ALERTS_FIRING)
        .filter(|(_, value)| *value > 0.0)
        .map(|(labels, _)| labels[0].as_str())
        .collect();
    let alerts = match firing.len() {
        0 => "no alert fires".to_owned(),
        1 => format!("1 alert fires: {}", firing[0]),
        n => format!("{n} alerts fire: {}", firing.join(", ")),
    };
    let (working, waiting) = (count(PLANS_IN_FLIGHT), count(PLANS_QUEUED));
    format!("ready; {working} plans in work, {waiting} waiting; {alerts}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_tells_plans_and_alerts() {
        let telemetry = Telemetry::default();
        let line = || telemetry.read(status_line);
        assert_eq!(line(), "ready; 0 plans in work, 0 waiting; no alert fires");
        telemetry.gauge(PLANS_IN_FLIGHT, &[], 2.0);
        telemetry.gauge(PLANS_QUEUED, &[], 5.0);
        telemetry.gauge(ALERTS_FIRING, &["cpu", "warning"], 1.0);
        telemetry.gauge(ALERTS_FIRING, &["memory", "warning"], 0.0);
        assert_eq!(line(), "ready; 2 plans in work, 5 waiting; 1 alert fires: cpu");
        telemetry.gauge(ALERTS_FIRING, &["query_time", "critical"], 1.0);
        assert!(line().ends_with("2 alerts fire: cpu, query_time"), "{}", line());
    }
}
