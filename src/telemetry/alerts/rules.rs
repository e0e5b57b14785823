//! The rules that come with the daemon: what each measures, and all of them at work.

use std::{collections::VecDeque, time::Duration};

use jiff::Timestamp;

use super::{
    AlertMachine, Bad, Rule, Sample, Transition, TransitionState,
    burn_rate::{BurnRate, FAST, SLOW},
    samples::{
        agent_success, database_errors, disk, error_rate, hits, mean, memory, pool_usage, quantile,
        ratio,
    },
};
use crate::{
    Window,
    figures::metrics::{
        CONTROL_SECONDS, CPU_RATIO, LLM_CACHE, LLM_SECONDS, QUERY_CACHE, QUERY_SECONDS,
        WORKFLOW_SECONDS,
    },
    settings::AlertSettings,
};
use wire::{Alert, ResolvedAlert};

/// What a rule reads from a cycle's figures.
#[derive(Clone, Copy, Debug)]
pub enum Measure {
    Cycle(fn(&Window) -> Option<Sample>),
    /// Failed plans over a long and a short window.
    Burn((Duration, Duration)),
}

/// All rules with the settings' thresholds, in the order of the settings.
pub fn rules(settings: &AlertSettings) -> [(Rule, Measure); 15] {
    let s = settings;
    let rule = |name, bad, unit, thresholds, runbook| Rule { name, bad, unit, thresholds, runbook };
    [
        (
            rule(
                "cpu",
                Bad::Above,
                "percent",
                s.cpu,
                "See what else runs on the machine; lower workflow.max_plans_in_flight or search.proof_nodes.",
            ),
            Measure::Cycle(|w| ratio(w, CPU_RATIO)),
        ),
        (
            rule(
                "memory",
                Bad::Above,
                "percent",
                s.memory,
                "See what else runs on the machine; lower database.query_cache_size, llm.response_cache_size or search.score_cache_size, or use a smaller model.",
            ),
            Measure::Cycle(memory),
        ),
        (
            rule(
                "response_time",
                Bad::Above,
                "seconds",
                s.response_time,
                "Look at `eventplannerctl status` for actors with many requests in flight and at the alerts pool_usage and query_time; raise database.pool_size or lower workflow.max_plans_in_flight.",
            ),
            Measure::Cycle(|w| quantile(w, CONTROL_SECONDS, 0.95)),
        ),
        (
            rule(
                "error_rate",
                Bad::Above,
                "percent",
                s.error_rate,
                "Look for event=request_failed in the log: its error names the cause; then check the database and the disk.",
            ),
            Measure::Cycle(error_rate),
        ),
        (
            rule(
                "workflow_time",
                Bad::Above,
                "seconds",
                s.workflow_time,
                "Set log.level to debug and compare the times of event=agent_finished with the whole; keep search.early_termination and workflow.parallel_agents on, lower search.max_rounds.",
            ),
            Measure::Cycle(|w| mean(w, WORKFLOW_SECONDS)),
        ),
        (
            rule(
                "pool_usage",
                Bad::Above,
                "percent",
                s.pool_usage,
                "Look for slow queries (query_time) and long locks; raise database.pool_size or database.max_overflow, and PostgreSQL's max_connections with them.",
            ),
            Measure::Cycle(pool_usage),
        ),
        (
            rule(
                "database_errors",
                Bad::Above,
                "errors",
                s.database_errors,
                "See `eventplannerctl status` for what keeps the database away and the server's own log for the rest; after a restart of the server nothing is to be done here.",
            ),
            Measure::Cycle(database_errors),
        ),
        (
            rule(
                "query_time",
                Bad::Above,
                "seconds",
                s.query_time,
                "Run EXPLAIN (ANALYZE) on the slow query and ANALYZE on the tables; keep database.query_cache on, raise database.query_cache_ttl.",
            ),
            Measure::Cycle(|w| mean(w, QUERY_SECONDS)),
        ),
        (
            rule(
                "llm_time",
                Bad::Above,
                "seconds",
                s.llm_time,
                "Check that the model stays loaded (llm.warm_up, llm.keep_alive) and runs on the GPU; set `parallel` to the server's own, or use a smaller model.",
            ),
            Measure::Cycle(|w| mean(w, LLM_SECONDS)),
        ),
        (
            rule(
                "query_cache_hits",
                Bad::Below,
                "percent",
                s.query_cache_hits,
                "Many different requests, or many imports, make misses; raise database.query_cache_size and database.query_cache_ttl.",
            ),
            Measure::Cycle(|w| hits(w, QUERY_CACHE)),
        ),
        (
            rule(
                "llm_cache_hits",
                Bad::Below,
                "percent",
                s.llm_cache_hits,
                "Visions that differ make misses, and that is fine; for repeated ones raise llm.response_cache_size and llm.response_cache_ttl.",
            ),
            Measure::Cycle(|w| hits(w, LLM_CACHE)),
        ),
        (
            rule(
                "agent_success",
                Bad::Below,
                "percent",
                s.agent_success,
                "Look for event=agent_failed in the log; check the LLM server, raise workflow.agent_timeout or llm.timeout.",
            ),
            Measure::Cycle(agent_success),
        ),
        (
            rule(
                "disk",
                Bad::Above,
                "percent",
                s.disk,
                "Make room in the state directory's file system, or move paths.state_dir; lower workflow.keep_days and metrics.keep_days. Plans are refused when it is full.",
            ),
            Measure::Cycle(disk),
        ),
        (
            rule(
                "plan_burn_fast",
                Bad::Above,
                "times the allowed failures",
                s.plan_burn_fast,
                "Most plans fail right now: look for event=plan_failed in the log, its error names the cause; then check the database, the disk and the LLM servers.",
            ),
            Measure::Burn(FAST),
        ),
        (
            rule(
                "plan_burn_slow",
                Bad::Above,
                "times the allowed failures",
                s.plan_burn_slow,
                "More plans fail than alerts.plan_success_target allows: look for event=plan_failed in the log and for what its errors have in common.",
            ),
            Measure::Burn(SLOW),
        ),
    ]
}

/// All rules at work.
#[derive(Debug)]
pub struct AlertBook {
    machines: Vec<(AlertMachine, Measure)>,
    burn_rate: BurnRate,
    plan_success_target: f64,
    /// Resolved alerts, the newest first.
    recent: VecDeque<ResolvedAlert>,
    keep: usize,
    reminder: Duration,
}

impl AlertBook {
    pub fn new(settings: &AlertSettings) -> Self {
        let machines = rules(settings).map(|(rule, measure)| (AlertMachine::new(rule), measure));
        Self {
            machines: machines.into(),
            burn_rate: BurnRate::default(),
            plan_success_target: settings.plan_success_target,
            recent: VecDeque::new(),
            keep: settings.recent,
            reminder: settings.reminder_interval,
        }
    }

    /// Takes over changed settings; what fires goes on firing.
    pub fn reconfigure(&mut self, settings: &AlertSettings) {
        for ((machine, _), (rule, _)) in self.machines.iter_mut().zip(rules(settings)) {
            machine.set_rule(rule);
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
        for (machine, measure) in &mut self.machines {
            let sample = match measure {
                Measure::Cycle(measure) => measure(window),
                Measure::Burn(windows) => {
                    self.burn_rate.sample(*windows, self.plan_success_target, now)
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
        self.machines.iter().filter_map(|(machine, _)| machine.firing())
    }

    /// What was resolved, and when; the newest first.
    pub fn recent(&self) -> impl Iterator<Item = &ResolvedAlert> {
        self.recent.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figures::metrics::*;
    use crate::{Snapshot, Telemetry};

    /// Figures of one cycle in which everything is bad.
    fn bad_cycle() -> Telemetry {
        let telemetry = Telemetry::default();
        telemetry.gauge(CPU_RATIO, &[], 0.99);
        telemetry.gauge(MEMORY_USED, &[], 95.0);
        telemetry.gauge(MEMORY_TOTAL, &[], 100.0);
        telemetry.gauge(DATABASE_CONNECTIONS, &["used"], 58.0);
        telemetry.gauge(DATABASE_CONNECTIONS, &["idle"], 2.0);
        telemetry.gauge(DATABASE_CONNECTIONS_LIMIT, &[], 60.0);
        telemetry.add(QUERY_CACHE, &["miss"], 1_000);
        telemetry.add(LLM_CACHE, &["miss"], 1_000);
        telemetry.add(DATABASE_ERRORS, &["query"], 1_000);
        telemetry.add(AGENT_RUNS, &["budgeting", "timeout"], 100);
        telemetry.add(CONTROL_REQUESTS, &["plans", "5xx"], 100);
        telemetry.gauge(DISK_FREE, &[], 1.0);
        telemetry.gauge(DISK_SIZE, &[], 100.0);
        for _ in 0..100 {
            telemetry.observe_seconds(CONTROL_SECONDS, &["plans"], 20.0);
            telemetry.observe_seconds(WORKFLOW_SECONDS, &["failed"], 2_000.0);
            telemetry.observe_seconds(QUERY_SECONDS, &["search"], 20.0);
            telemetry.observe_seconds(LLM_SECONDS, &["ollama", "m"], 20.0);
        }
        telemetry
    }

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
        let mut expected: Vec<_> = rules(&settings).iter().map(|(rule, _)| rule.name).collect();
        expected.sort_unstable();
        assert_eq!(names, expected, "each fires exactly once");
        for alert in &fired {
            assert!(alert.value.is_finite() && !alert.runbook.is_empty(), "{alert:?}");
        }
        assert_eq!(book.firing().count(), 15);
        // All good again: gauges at zero, hits, successes, fast answers.
        let good = Telemetry::default();
        for metric in [CPU_RATIO, MEMORY_USED] {
            good.gauge(metric, &[], 0.0);
        }
        good.gauge(MEMORY_TOTAL, &[], 1.0);
        good.gauge(DATABASE_CONNECTIONS, &["used"], 0.0);
        good.gauge(DATABASE_CONNECTIONS_LIMIT, &[], 60.0);
        good.add(QUERY_CACHE, &["hit"], 1_000);
        good.add(LLM_CACHE, &["hit"], 1_000);
        good.add(AGENT_RUNS, &["budgeting", "fallback"], 100);
        good.add(CONTROL_REQUESTS, &["plans", "2xx"], 100);
        good.gauge(DISK_FREE, &[], 99.0);
        good.gauge(DISK_SIZE, &[], 100.0);
        for _ in 0..100 {
            good.observe_seconds(CONTROL_SECONDS, &["plans"], 0.01);
            good.observe_seconds(WORKFLOW_SECONDS, &["awaiting_selection"], 0.01);
            good.observe_seconds(QUERY_SECONDS, &["search"], 0.01);
            good.observe_seconds(LLM_SECONDS, &["ollama", "m"], 0.01);
        }
        let good = window(&good);
        // The slow burn looks half an hour back.
        let resolved: Vec<_> = (60..110).flat_map(|m| book.evaluate(&good, at(m))).collect();
        assert_eq!(resolved.len(), 15);
        assert!(resolved.iter().all(|t| t.state == TransitionState::Resolved));
        assert_eq!((book.firing().count(), book.recent().count()), (0, 15));
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
