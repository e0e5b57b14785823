//! The same rules for Prometheus: `etc/alerting/prometheus-rules.yaml` is this text.

use std::{fmt::Write, time::Duration};

use super::{ALERTS, AlertSettings, Bad, Thresholds, table::Rule};
use wire::Severity;

const HEAD: &str = r#"# Alert rules for Prometheus, with the daemon's own thresholds. Names are those of the daemon's
# alerts in CamelCase; `man 7 eventplanner-alerts` says what to do.
#   promtool check rules prometheus-rules.yaml
#   promtool test rules prometheus-rules-test.yaml
groups:
  - name: eventplanner
    interval: 60s
    rules:
      - alert: EventplannerDown
        expr: up{job="eventplanner"} == 0
        for: 2m
        keep_firing_for: 5m
        labels: {severity: critical}
        annotations:
          summary: The event planner's metrics can't be read.
          runbook: "man 7 eventplanner-alerts, service_failed: systemctl status eventplannerd"
"#;

const TAIL: &str = r#"      - alert: EventplannerActorRestarts
        expr: increase(eventplanner_actor_restarts_total[15m]) > 3
        labels: {severity: warning}
        annotations: {summary: "the actor {{ $labels.actor }} restarts again and again", runbook: "journalctl -u eventplannerd -o cat | jq -R 'fromjson? | objects | select(.event == \"actor_restarted\")'"}
"#;

/// Every alert with its default thresholds, as a file of rules.
pub fn prometheus_rules() -> String {
    let defaults = AlertSettings::default();
    let mut text = HEAD.to_owned();
    for rule in ALERTS {
        let thresholds = (rule.of)(&defaults);
        for (severity, threshold) in
            [(Severity::Warning, thresholds.warning), (Severity::Critical, thresholds.critical)]
        {
            if let Some(threshold) = threshold {
                one_rule(&mut text, rule, thresholds, severity, threshold);
            }
        }
    }
    text + TAIL
}

fn one_rule(
    text: &mut String,
    rule: &Rule,
    thresholds: &Thresholds,
    severity: Severity,
    threshold: f64,
) {
    let comparison = match rule.bad {
        Bad::Above => '>',
        Bad::Below => '<',
    };
    let expression = rule
        .promql
        .replace("$limit", &format!("{comparison} {threshold}"))
        .replace("$samples", &thresholds.min_samples.to_string());
    // Further conditions stand on lines of their own.
    let expression = match expression.contains('\n') {
        true => format!(">\n          {}", expression.replace('\n', "\n          ")),
        false => expression,
    };
    let (name, summary) = (rule.name, rule.summary);
    // Writing to a string cannot fail.
    let _ = writeln!(text, "      - alert: Eventplanner{}", camel_case(name));
    let _ = writeln!(text, "        expr: {expression}");
    if !thresholds.pending_for.is_zero() {
        let _ = writeln!(text, "        for: {}", span(thresholds.pending_for));
    }
    let _ = writeln!(text, "        keep_firing_for: {}", span(thresholds.keep_firing_for));
    let _ = writeln!(text, "        labels: {{severity: {}}}", severity.as_str());
    let _ = writeln!(
        text,
        "        annotations: {{summary: \"{summary}\", runbook: \"man 7 eventplanner-alerts, {name}\"}}"
    );
}

fn camel_case(name: &str) -> String {
    let capital = |word: &str| {
        let (first, rest) = word.split_at(1);
        first.to_ascii_uppercase() + rest
    };
    name.split('_').map(capital).collect()
}

fn span(span: Duration) -> String {
    let seconds = span.as_secs();
    if seconds.is_multiple_of(60) { format!("{}m", seconds / 60) } else { format!("{seconds}s") }
}
