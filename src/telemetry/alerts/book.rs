//! All rules at work.

use std::{collections::VecDeque, time::Duration};

use jiff::Timestamp;

use super::{
    ALERTS, AlertSettings, Transition, TransitionState,
    burn_rate::BurnRate,
    machine::AlertMachine,
    table::{Measure, Rule},
};
use crate::{Window, figures::metrics::WORKFLOW_SECONDS};
use wire::{Alert, ResolvedAlert};

/// All rules at work.
#[derive(Debug)]
pub struct AlertBook {
    /// In the order of [`ALERTS`].
    machines: Vec<AlertMachine>,
    burn_rate: BurnRate,
    plan_success_target: f64,
    /// Resolved alerts, the newest first.
    recent: VecDeque<ResolvedAlert>,
    keep: usize,
    reminder: Duration,
}

impl AlertBook {
    pub fn new(settings: &AlertSettings) -> Self {
        let machine = |rule: &Rule| AlertMachine::new(*rule, *(rule.of)(settings));
        Self {
            machines: ALERTS.iter().map(machine).collect(),
            burn_rate: BurnRate::default(),
            plan_success_target: settings.plan_success_target,
            recent: VecDeque::new(),
            keep: settings.recent,
            reminder: settings.reminder_interval,
        }
    }

    /// Takes over changed settings; what fires goes on firing.
    pub fn reconfigure(&mut self, settings: &AlertSettings) {
        for (machine, rule) in self.machines.iter_mut().zip(ALERTS) {
            machine.set_thresholds(*(rule.of)(settings));
        }
        (self.keep, self.reminder) = (settings.recent, settings.reminder_interval);
        self.plan_success_target = settings.plan_success_target;
        self.recent.truncate(self.keep);
    }

    /// Measures every rule on a cycle's figures; the transitions are to be logged.
    pub fn evaluate(&mut self, window: &Window, now: Timestamp) -> Vec<Transition> {
        // By what the search came to: a plan that can't be met is an answer, no failure.
        let is_failed = |labels: &[String]| labels[0] == "failed";
        let failed = window.figures.observations(WORKFLOW_SECONDS, is_failed);
        let all = window.figures.observations(WORKFLOW_SECONDS, |_| true);
        self.burn_rate.add(now, failed, all);
        let mut transitions = Vec::new();
        for (machine, rule) in self.machines.iter_mut().zip(ALERTS) {
            let sample = match rule.measure {
                Measure::Cycle(measure) => measure(window),
                Measure::Burn(windows) => {
                    self.burn_rate.sample(windows, self.plan_success_target, now)
                }
            };
            let Some(transition) = machine.observe(sample, now, self.reminder) else { continue };
            if transition.state == TransitionState::Resolved {
                let alert = transition.alert.clone();
                self.recent.push_front(ResolvedAlert { alert, resolved_at: now });
                self.recent.truncate(self.keep);
            }
            transitions.push(transition);
        }
        transitions
    }

    /// What fires now, in the order of the rules.
    pub fn firing(&self) -> impl Iterator<Item = &Alert> {
        self.machines.iter().filter_map(AlertMachine::firing)
    }

    /// What was resolved, and when; the newest first.
    pub fn recent(&self) -> impl Iterator<Item = &ResolvedAlert> {
        self.recent.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Snapshot, Telemetry,
        alerts::samples::tests::{bad_cycle, good_cycle},
        figures::metrics::CONTROL_REQUESTS,
    };

    fn window(telemetry: &Telemetry) -> Window {
        let minute = Duration::from_secs(60);
        Window::between(&Snapshot::default(), &telemetry.snapshot(), minute)
    }

    #[test]
    fn every_rule_fires_when_all_is_bad_and_none_when_nothing_is_known() {
        let settings = AlertSettings::default();
        let mut book = AlertBook::new(&settings);
        let at = |minute: i64| Timestamp::from_second(60 * minute).unwrap();
        let nothing = Window::default();
        let bad = window(&bad_cycle());
        let mut fired = Vec::new();
        for minute in 0..30 {
            assert_eq!(book.evaluate(&nothing, at(minute)), []);
        }
        for minute in 30..60 {
            fired.extend(book.evaluate(&bad, at(minute)).into_iter().map(|t| t.alert));
        }
        fired.sort_by_key(|alert| alert.alert.clone());
        let names: Vec<_> = fired.iter().map(|alert| &*alert.alert).collect();
        let mut expected: Vec<_> = ALERTS.iter().map(|rule| rule.name).collect();
        expected.sort_unstable();
        assert_eq!(names, expected, "each fires exactly once");
        for alert in &fired {
            assert!(alert.value.is_finite() && !alert.runbook.is_empty(), "{alert:?}");
        }
        assert_eq!(book.firing().count(), ALERTS.len());
        // All good again.
        let good = window(&good_cycle());
        // The slow burn looks half an hour back.
        let resolved: Vec<_> = (60..110).flat_map(|m| book.evaluate(&good, at(m))).collect();
        assert_eq!(resolved.len(), ALERTS.len());
        assert!(resolved.iter().all(|t| t.state == TransitionState::Resolved));
        assert_eq!((book.firing().count(), book.recent().count()), (0, ALERTS.len()));
    }

    /// A storm of one error over ten hours: what an operator reads of it is bounded.
    #[test]
    fn a_million_equal_errors_are_one_line_and_a_reminder_an_hour() {
        let telemetry = Telemetry::default();
        let mut book = AlertBook::new(&AlertSettings::default());
        let at = |minute: i64| Timestamp::from_second(60 * minute).unwrap();
        let mut before = telemetry.snapshot();
        let mut said = Vec::new();
        for minute in 0..600 {
            for _ in 0..1_667 {
                telemetry.inc(CONTROL_REQUESTS, &["POST /v1/plans", "5xx"]);
            }
            let now = telemetry.snapshot();
            let window = Window::between(&before, &now, Duration::from_secs(60));
            said.extend(book.evaluate(&window, at(minute)));
            before = now;
        }
        assert!(telemetry.snapshot().counter(CONTROL_REQUESTS, |_| true) > 1_000_000);
        let count = |state| said.iter().filter(|t| t.state == state).count();
        assert_eq!(count(TransitionState::Firing), 1);
        assert_eq!(count(TransitionState::Reminder), 9);
        assert_eq!(said.len(), 10);
        assert!(said.iter().all(|t| t.alert.fingerprint == said[0].alert.fingerprint));
    }
}
