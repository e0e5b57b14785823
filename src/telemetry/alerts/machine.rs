//! One rule at work: a value and a time go in, a transition comes out.

use std::time::Duration;

use jiff::Timestamp;

use super::{
    Sample, Transition, TransitionState,
    table::{Rule, Thresholds},
};
use wire::{Alert, Severity};

/// One rule and where it stands.
#[derive(Clone, Debug)]
pub(super) struct AlertMachine {
    rule: Rule,
    thresholds: Thresholds,
    warning: Level,
    critical: Level,
    firing: Option<Alert>,
    last_said: Timestamp,
}

/// One severity of a rule.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Level {
    /// When the present run of bad values began.
    bad_since: Option<Timestamp>,
    /// When the present run of good values began.
    good_since: Option<Timestamp>,
    firing: bool,
}

impl AlertMachine {
    pub(super) fn new(rule: Rule, thresholds: Thresholds) -> Self {
        Self {
            rule,
            thresholds,
            warning: Level::default(),
            critical: Level::default(),
            firing: None,
            last_said: Timestamp::UNIX_EPOCH,
        }
    }

    /// Takes over new thresholds; what fires goes on firing until a measurement clears it.
    pub(super) fn set_thresholds(&mut self, thresholds: Thresholds) {
        self.thresholds = thresholds;
    }

    /// The alert, while it fires.
    pub(super) fn firing(&self) -> Option<&Alert> {
        self.firing.as_ref()
    }

    /// Takes in a measurement; `None` where there is none. A reminder is due each `reminder`.
    pub(super) fn observe(
        &mut self,
        sample: Option<Sample>,
        now: Timestamp,
        reminder: Duration,
    ) -> Option<Transition> {
        let enough = |sample: &Sample| {
            sample.samples >= self.thresholds.min_samples && sample.value.is_finite()
        };
        let value = sample.filter(enough).map(|sample| sample.value);
        let Thresholds { warning, critical, .. } = self.thresholds;
        let worst = [(Severity::Critical, critical), (Severity::Warning, warning)]
            .into_iter()
            .filter(|(severity, threshold)| self.step(*severity, *threshold, value, now))
            .fold(None, |worst: Option<(Severity, Option<f64>)>, level| worst.or(Some(level)));
        let before = self.firing.take();
        match (before, worst) {
            (None, None) => None,
            (Some(alert), None) => {
                let value = value.unwrap_or(alert.value);
                self.say(TransitionState::Resolved, Alert { value, ..alert }, now)
            }
            (before, Some((severity, threshold))) => {
                let began = before.is_none();
                let changed = before.as_ref().is_some_and(|alert| alert.severity != severity);
                let alert = self.current(before, severity, threshold, value, now);
                self.firing = Some(alert.clone());
                if began || changed {
                    self.say(TransitionState::Firing, alert, now)
                } else if elapsed(self.last_said, now) >= reminder {
                    self.say(TransitionState::Reminder, alert, now)
                } else {
                    None
                }
            }
        }
    }

    /// One severity's step; true while it fires.
    fn step(
        &mut self,
        severity: Severity,
        threshold: Option<f64>,
        value: Option<f64>,
        now: Timestamp,
    ) -> bool {
        let Thresholds { pending_for, keep_firing_for, .. } = self.thresholds;
        let bad_side = self.rule.bad;
        let level = match severity {
            Severity::Warning => &mut self.warning,
            Severity::Critical => &mut self.critical,
        };
        let Some(threshold) = threshold else {
            *level = Level::default();
            return false;
        };
        let Some(value) = value else {
            // Both runs end: without a value nothing is known.
            (level.bad_since, level.good_since) = (None, None);
            return level.firing;
        };
        if bad_side.is_bad(value, threshold) {
            level.good_since = None;
            let since = *level.bad_since.get_or_insert(now);
            level.firing |= elapsed(since, now) >= pending_for;
        } else {
            level.bad_since = None;
            let since = *level.good_since.get_or_insert(now);
            level.firing &= elapsed(since, now) < keep_firing_for;
        }
        level.firing
    }

    fn current(
        &self,
        before: Option<Alert>,
        severity: Severity,
        threshold: Option<f64>,
        value: Option<f64>,
        now: Timestamp,
    ) -> Alert {
        let mut alert = before.unwrap_or_else(|| Alert {
            alert: self.rule.name.into(),
            severity,
            value: 0.0,
            threshold: 0.0,
            unit: self.rule.unit.into(),
            since: now,
            count: 0,
            fingerprint: fingerprint(self.rule.name),
            runbook: self.rule.runbook.into(),
        });
        alert.severity = severity;
        alert.threshold = threshold.unwrap_or(alert.threshold);
        if let Some(value) = value {
            alert.value = value;
            alert.count += u64::from(self.warning.bad_since.or(self.critical.bad_since).is_some());
        }
        alert
    }

    fn say(&mut self, state: TransitionState, alert: Alert, now: Timestamp) -> Option<Transition> {
        self.last_said = now;
        Some(Transition { state, alert })
    }
}

/// Zero where the clock was set back.
fn elapsed(from: Timestamp, to: Timestamp) -> Duration {
    Duration::try_from(to.duration_since(from)).unwrap_or_default()
}

/// 16 hexadecimal digits, of the alert's name alone.
fn fingerprint(name: &str) -> String {
    let hash = blake3::hash(format!("eventplanner alert {name}").as_bytes());
    hash.to_hex().chars().take(16).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alerts::{ALERTS, Bad};

    const REMINDER: Duration = Duration::from_secs(3_600);

    fn machine_of(bad: Bad, warning: f64, critical: f64) -> AlertMachine {
        let thresholds = Thresholds {
            warning: Some(warning),
            critical: Some(critical),
            pending_for: Duration::from_secs(120),
            keep_firing_for: Duration::from_secs(180),
            min_samples: 2,
        };
        AlertMachine::new(Rule { name: "cpu", bad, ..ALERTS[0] }, thresholds)
    }

    fn sample(value: f64) -> Option<Sample> {
        Some(Sample { value, samples: 2 })
    }

    /// Feeds one value a minute; says at which minute what happened.
    fn play(machine: &mut AlertMachine, values: &[Option<Sample>]) -> Vec<String> {
        let minute = |i: usize| Timestamp::from_second(60 * i as i64).unwrap();
        let transitions = values.iter().enumerate().filter_map(|(i, value)| {
            let transition = machine.observe(*value, minute(i), REMINDER)?;
            let (state, severity) = (transition.state, transition.alert.severity.as_str());
            Some(format!("{i} {state:?} {severity}"))
        });
        transitions.collect()
    }

    #[test]
    fn it_waits_fires_once_and_is_resolved_after_a_while() {
        let (good, bad) = (sample(50.0), sample(75.0));
        let mut machine = machine_of(Bad::Above, 70.0, 85.0);
        // A short peak says nothing; neither does one that an interruption splits.
        let quiet = [bad, bad, good, bad, bad, good];
        assert_eq!(play(&mut machine, &quiet), Vec::<String>::new());
        // A dip of two minutes resolves nothing; four good ones in a row do.
        let series = [bad, bad, bad, bad, good, good, bad, good, good, good, good, good];
        let mut machine = machine_of(Bad::Above, 70.0, 85.0);
        assert_eq!(play(&mut machine, &series), ["2 Firing warning", "10 Resolved warning"]);
        assert_eq!(machine.firing(), None);
    }

    #[test]
    fn severity_rises_and_falls_in_one_alert() {
        let (good, bad, worse) = (sample(50.0), sample(75.0), sample(95.0));
        let mut machine = machine_of(Bad::Above, 70.0, 85.0);
        let series =
            [bad, bad, bad, worse, worse, worse, bad, bad, bad, bad, good, good, good, good];
        assert_eq!(
            play(&mut machine, &series),
            ["2 Firing warning", "5 Firing critical", "9 Firing warning", "13 Resolved warning"]
        );
    }

    #[test]
    fn missing_data_neither_begins_nor_resolves() {
        let (good, bad) = (sample(90.0), sample(10.0));
        let few = Some(Sample { value: 10.0, samples: 1 });
        let odd = sample(f64::NAN);
        let mut machine = machine_of(Bad::Below, 70.0, 5.0);
        assert_eq!(play(&mut machine, &[bad, None, bad, few, bad, odd]), Vec::<String>::new());
        let mut machine = machine_of(Bad::Below, 70.0, 5.0);
        let mut series = vec![bad, bad, bad];
        series.extend([None; 10]);
        // Good, nothing, good: four good minutes in a row are needed.
        series.extend([good, None, good, good, good, good]);
        assert_eq!(play(&mut machine, &series), ["2 Firing warning", "18 Resolved warning"]);
    }

    #[test]
    fn a_long_alert_is_remembered_once_an_hour() {
        let mut machine = machine_of(Bad::Above, 70.0, 85.0);
        let said = play(&mut machine, &[sample(75.0); 200]);
        assert_eq!(
            said,
            [
                "2 Firing warning",
                "62 Reminder warning",
                "122 Reminder warning",
                "182 Reminder warning"
            ]
        );
        let alert = machine.firing().unwrap();
        assert_eq!((alert.count, alert.since.as_second()), (198, 120));
        assert_eq!(alert.fingerprint, fingerprint("cpu"));
        assert_ne!(alert.fingerprint, fingerprint("memory"));
    }

    #[test]
    fn a_clock_that_steps_back_does_no_harm() {
        let mut machine = machine_of(Bad::Above, 70.0, 85.0);
        let at = |s: i64| Timestamp::from_second(s).unwrap();
        assert!(machine.observe(sample(75.0), at(1_000_000), REMINDER).is_none());
        assert!(machine.observe(sample(75.0), at(10), REMINDER).is_none());
        assert!(machine.observe(sample(75.0), at(1_000_120), REMINDER).is_some());
    }

    #[test]
    fn a_rule_that_is_switched_off_ends_its_alert() {
        let mut machine = machine_of(Bad::Above, 70.0, 85.0);
        play(&mut machine, &[sample(75.0); 4]);
        let off = Thresholds { warning: None, critical: None, ..machine.thresholds };
        machine.set_thresholds(off);
        assert_eq!(play(&mut machine, &[sample(75.0)]), ["0 Resolved warning"]);
    }
}
