//! The table of alerts. A new one is a row here, its measure in `samples` and its section in
//! etc/man/eventplanner-alerts.7; its settings, their checks, the annotated file, the profiles
//! and the rules for Prometheus are made of the row.

use std::time::Duration;

use super::{
    Bad, Sample,
    burn_rate::{FAST, SLOW},
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
};

/// When one alert fires and when it is over.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Thresholds {
    /// In the unit of its rule; `None` switches that severity off.
    pub warning: Option<f64>,
    pub critical: Option<f64>,
    /// The condition must hold that long before the alert fires.
    pub pending_for: Duration,
    /// The condition must be gone that long before the alert is resolved.
    pub keep_firing_for: Duration,
    /// Fewer samples than this in a cycle say nothing.
    pub min_samples: u64,
}

/// What a rule reads from a cycle's figures.
#[derive(Clone, Copy, Debug)]
pub(super) enum Measure {
    Cycle(fn(&Window) -> Option<Sample>),
    /// Failed plans over a long and a short window.
    Burn((Duration, Duration)),
}

/// A row of the table: what an alert measures, and what to do when it fires.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    pub name: &'static str,
    /// What is measured, as the settings' file has it; "above" or "below" follows.
    pub what: &'static str,
    /// Which side of a threshold is bad; the critical one lies further on that side.
    pub bad: Bad,
    /// Of values and thresholds in log and reports.
    pub unit: &'static str,
    /// The same in the settings' file, with what it is a share of.
    pub unit_of: &'static str,
    /// The largest threshold that makes sense.
    pub max: f64,
    pub(super) measure: Measure,
    /// The measure for Prometheus. `$limit`: the comparison with the threshold; `$samples`: the
    /// least number of samples. A second line is a further condition.
    pub(super) promql: &'static str,
    /// Of the alert in Prometheus.
    pub(super) summary: &'static str,
    /// What to look at and which setting to change, in a sentence or two.
    pub runbook: &'static str,
    /// Its place in the settings.
    pub of: fn(&AlertSettings) -> &Thresholds,
    pub of_mut: fn(&mut AlertSettings) -> &mut Thresholds,
}

macro_rules! alerts {
    ($($name:ident {
        what: $what:literal,
        thresholds: $thresholds:expr,
        $($field:ident: $value:expr,)*
    })*) => {
        /// Section `alerts` of the settings: its own keys, and the thresholds of every alert.
        #[derive(Clone, Debug, PartialEq)]
        pub struct AlertSettings {
            /// A firing alert is logged again after this time.
            pub reminder_interval: Duration,
            /// Resolved alerts that `eventplannerctl alerts` can still list, 0–10,000.
            pub recent: usize,
            /// Percent of plans that are to end without a failure, 50–99.999: what the burn
            /// rates measure against.
            pub plan_success_target: f64,
            $(#[doc = $what] pub $name: Thresholds,)*
        }

        impl Default for AlertSettings {
            fn default() -> Self {
                Self {
                    reminder_interval: Duration::from_secs(3_600),
                    recent: 200,
                    plan_success_target: 99.0,
                    $($name: $thresholds,)*
                }
            }
        }

        /// Every alert, in the order of the settings.
        pub static ALERTS: &[Rule] = &[$(
            Rule {
                name: stringify!($name),
                what: $what,
                $($field: $value,)*
                of: |settings| &settings.$name,
                of_mut: |settings| &mut settings.$name,
            },
        )*];
    };
}

/// All rules stay firing for five minutes after their condition went away, so that a value that
/// swings around its threshold gives one alert.
fn thresholds(
    warning: Option<f64>,
    critical: Option<f64>,
    for_s: u64,
    min_samples: u64,
) -> Thresholds {
    Thresholds {
        warning,
        critical,
        pending_for: Duration::from_secs(for_s),
        keep_firing_for: Duration::from_secs(300),
        min_samples,
    }
}

alerts! {
    cpu {
        what: "CPU use",
        thresholds: thresholds(Some(70.0), Some(85.0), 300, 1),
        bad: Bad::Above,
        unit: "percent",
        unit_of: "percent of all cores",
        max: 100.0,
        measure: Measure::Cycle(|w| ratio(w, CPU_RATIO)),
        promql: "100 * eventplanner_system_cpu_ratio $limit",
        summary: "CPU at {{ $value | humanize }} %",
        runbook: "See what else runs on the machine; lower workflow.max_plans_in_flight or search.proof_nodes.",
    }
    memory {
        what: "Memory use",
        thresholds: thresholds(Some(75.0), Some(90.0), 300, 1),
        bad: Bad::Above,
        unit: "percent",
        unit_of: "percent of the machine's memory",
        max: 100.0,
        measure: Measure::Cycle(memory),
        promql: "100 * eventplanner_system_memory_used_bytes / eventplanner_system_memory_total_bytes $limit",
        summary: "memory at {{ $value | humanize }} %",
        runbook: "See what else runs on the machine; lower database.query_cache_size, llm.response_cache_size or search.score_cache_size, or use a smaller model.",
    }
    response_time {
        what: "95th percentile of the control API's answers",
        thresholds: thresholds(Some(2.0), Some(5.0), 120, 20),
        bad: Bad::Above,
        unit: "seconds",
        unit_of: "seconds",
        max: 3_600.0,
        measure: Measure::Cycle(|w| quantile(w, CONTROL_SECONDS, 0.95)),
        promql: "histogram_quantile(0.95, sum by (le) (rate(eventplanner_control_request_seconds_bucket[5m]))) $limit",
        summary: "95th percentile of answers {{ $value | humanizeDuration }}",
        runbook: "Look at `eventplannerctl status` for actors with many requests in flight and at the alerts pool_usage and query_time; raise database.pool_size or lower workflow.max_plans_in_flight.",
    }
    error_rate {
        what: "Control API answers with a server error",
        thresholds: thresholds(Some(5.0), Some(10.0), 120, 20),
        bad: Bad::Above,
        unit: "percent",
        unit_of: "percent of answers",
        max: 100.0,
        measure: Measure::Cycle(error_rate),
        promql: "100 * sum(rate(eventplanner_control_requests_total{status=\"5xx\"}[5m])) / sum(rate(eventplanner_control_requests_total[5m])) $limit",
        summary: "{{ $value | humanize }} % of answers are errors",
        runbook: "Look for event=request_failed in the log: its error names the cause; then check the database and the disk.",
    }
    workflow_time {
        what: "Mean time from claim to options",
        thresholds: thresholds(Some(120.0), Some(300.0), 120, 1),
        bad: Bad::Above,
        unit: "seconds",
        unit_of: "seconds",
        max: 86_400.0,
        measure: Measure::Cycle(|w| mean(w, WORKFLOW_SECONDS)),
        promql: "sum(rate(eventplanner_workflow_seconds_sum[5m])) / sum(rate(eventplanner_workflow_seconds_count[5m])) $limit",
        summary: "a plan takes {{ $value | humanizeDuration }}",
        runbook: "Set log.level to debug and compare the times of event=agent_finished with the whole; keep search.early_termination and workflow.parallel_agents on, lower search.max_rounds.",
    }
    pool_usage {
        what: "Database connections in use",
        thresholds: thresholds(Some(80.0), None, 120, 1),
        bad: Bad::Above,
        unit: "percent",
        unit_of: "percent of pool_size + max_overflow",
        max: 100.0,
        measure: Measure::Cycle(pool_usage),
        promql: "100 * eventplanner_database_connections{state=\"used\"} / ignoring(state) eventplanner_database_connections_limit $limit",
        summary: "{{ $value | humanize }} % of the pool in use",
        runbook: "Look for slow queries (query_time) and long locks; raise database.pool_size or database.max_overflow, and PostgreSQL's max_connections with them.",
    }
    database_errors {
        what: "Database errors, failed connects and waits for a connection included,",
        thresholds: thresholds(Some(0.0), Some(100.0), 0, 1),
        bad: Bad::Above,
        unit: "errors",
        unit_of: "errors in a cycle",
        max: 1_000_000.0,
        measure: Measure::Cycle(database_errors),
        promql: "sum(increase(eventplanner_database_errors_total[1m])) $limit",
        summary: "{{ $value | humanize }} database errors in a minute",
        runbook: "See `eventplannerctl status` for what keeps the database away and the server's own log for the rest; after a restart of the server nothing is to be done here.",
    }
    query_time {
        what: "Mean time of a database query",
        thresholds: thresholds(Some(0.2), Some(0.5), 120, 20),
        bad: Bad::Above,
        unit: "seconds",
        unit_of: "seconds",
        max: 3_600.0,
        measure: Measure::Cycle(|w| mean(w, QUERY_SECONDS)),
        promql: "sum(rate(eventplanner_database_query_seconds_sum[5m])) / sum(rate(eventplanner_database_query_seconds_count[5m])) $limit",
        summary: "a query takes {{ $value | humanizeDuration }}",
        runbook: "Run EXPLAIN (ANALYZE) on the slow query and ANALYZE on the tables; keep database.query_cache on, raise database.query_cache_ttl.",
    }
    llm_time {
        what: "Mean time of a request to an LLM server",
        thresholds: thresholds(Some(5.0), Some(10.0), 120, 5),
        bad: Bad::Above,
        unit: "seconds",
        unit_of: "seconds",
        max: 3_600.0,
        measure: Measure::Cycle(|w| mean(w, LLM_SECONDS)),
        promql: "sum(rate(eventplanner_llm_request_seconds_sum[5m])) / sum(rate(eventplanner_llm_request_seconds_count[5m])) $limit",
        summary: "a model answers in {{ $value | humanizeDuration }}",
        runbook: "Check that the model stays loaded (llm.warm_up, llm.keep_alive) and runs on the GPU; set `parallel` to the server's own, or use a smaller model.",
    }
    query_cache_hits {
        what: "Query cache hits",
        thresholds: thresholds(Some(70.0), None, 600, 200),
        bad: Bad::Below,
        unit: "percent",
        unit_of: "percent of look-ups",
        max: 100.0,
        measure: Measure::Cycle(|w| hits(w, QUERY_CACHE)),
        promql: "100 * sum(rate(eventplanner_query_cache_requests_total{result=\"hit\"}[10m])) / sum(rate(eventplanner_query_cache_requests_total[10m])) $limit
and sum(increase(eventplanner_query_cache_requests_total[10m])) >= $samples",
        summary: "{{ $value | humanize }} % hits of the query cache",
        runbook: "Many different requests, or many imports, make misses; raise database.query_cache_size and database.query_cache_ttl.",
    }
    llm_cache_hits {
        what: "Response cache hits",
        thresholds: thresholds(Some(60.0), None, 600, 100),
        bad: Bad::Below,
        unit: "percent",
        unit_of: "percent of look-ups",
        max: 100.0,
        measure: Measure::Cycle(|w| hits(w, LLM_CACHE)),
        promql: "100 * sum(rate(eventplanner_llm_cache_requests_total{result=\"hit\"}[10m])) / sum(rate(eventplanner_llm_cache_requests_total[10m])) $limit
and sum(increase(eventplanner_llm_cache_requests_total[10m])) >= $samples",
        summary: "{{ $value | humanize }} % hits of the response cache",
        runbook: "Visions that differ make misses, and that is fine; for repeated ones raise llm.response_cache_size and llm.response_cache_ttl.",
    }
    agent_success {
        what: "Agent runs that succeed",
        thresholds: thresholds(Some(90.0), None, 120, 10),
        bad: Bad::Below,
        unit: "percent",
        unit_of: "percent of runs",
        max: 100.0,
        measure: Measure::Cycle(agent_success),
        promql: "100 * sum(rate(eventplanner_agent_runs_total{outcome=~\"ok|fallback\"}[5m])) / sum(rate(eventplanner_agent_runs_total{outcome!=\"cancelled\"}[5m])) $limit
and sum(increase(eventplanner_agent_runs_total{outcome!=\"cancelled\"}[5m])) >= $samples",
        summary: "{{ $value | humanize }} % of agent runs succeed",
        runbook: "Look for event=agent_failed in the log; check the LLM server, raise workflow.agent_timeout or llm.timeout.",
    }
    disk {
        what: "Use of the state directory's file system",
        thresholds: thresholds(Some(85.0), Some(95.0), 120, 1),
        bad: Bad::Above,
        unit: "percent",
        unit_of: "percent of the file system",
        max: 100.0,
        measure: Measure::Cycle(disk),
        promql: "100 - 100 * eventplanner_state_disk_free_bytes / eventplanner_state_disk_size_bytes $limit",
        summary: "the state directory's disk is at {{ $value | humanize }} %",
        runbook: "Make room in the state directory's file system, or move paths.state_dir; lower plans.keep_days and metrics.keep_days. Plans are refused when it is full.",
    }
    plan_burn_fast {
        what: "Failed plans, over an hour and over five minutes,",
        thresholds: thresholds(None, Some(14.4), 120, 10),
        bad: Bad::Above,
        unit: "times the allowed failures",
        unit_of: "times what plan_success_target allows",
        max: 100_000.0,
        measure: Measure::Burn(FAST),
        promql: "sum(rate(eventplanner_workflow_seconds_count{outcome=\"failed\"}[1h])) / sum(rate(eventplanner_workflow_seconds_count[1h])) / 0.01 $limit
and sum(rate(eventplanner_workflow_seconds_count{outcome=\"failed\"}[5m])) / sum(rate(eventplanner_workflow_seconds_count[5m])) / 0.01 $limit
and sum(increase(eventplanner_workflow_seconds_count[1h])) >= $samples",
        summary: "plans fail at {{ $value | humanize }} times the allowed rate",
        runbook: "Most plans fail right now: look for event=plan_failed in the log, its error names the cause; then check the database, the disk and the LLM servers.",
    }
    plan_burn_slow {
        what: "Failed plans, over six hours and over half an hour,",
        thresholds: thresholds(Some(6.0), None, 300, 10),
        bad: Bad::Above,
        unit: "times the allowed failures",
        unit_of: "times what plan_success_target allows",
        max: 100_000.0,
        measure: Measure::Burn(SLOW),
        promql: "sum(rate(eventplanner_workflow_seconds_count{outcome=\"failed\"}[6h])) / sum(rate(eventplanner_workflow_seconds_count[6h])) / 0.01 $limit
and sum(rate(eventplanner_workflow_seconds_count{outcome=\"failed\"}[30m])) / sum(rate(eventplanner_workflow_seconds_count[30m])) / 0.01 $limit
and sum(increase(eventplanner_workflow_seconds_count[6h])) >= $samples",
        summary: "plans fail at {{ $value | humanize }} times the allowed rate",
        runbook: "More plans fail than alerts.plan_success_target allows: look for event=plan_failed in the log and for what its errors have in common.",
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_row_is_whole_and_its_default_thresholds_lie_in_order() {
        let defaults = AlertSettings::default();
        let names: BTreeSet<&str> = ALERTS.iter().map(|rule| rule.name).collect();
        assert_eq!(names.len(), ALERTS.len());
        for rule in ALERTS {
            let Thresholds { warning, critical, .. } = *(rule.of)(&defaults);
            assert!(warning.is_some() || critical.is_some(), "{}", rule.name);
            if let Some((warning, critical)) = warning.zip(critical) {
                assert!(rule.bad.is_bad(critical, warning), "{}", rule.name);
            }
            for threshold in warning.iter().chain(&critical) {
                assert!((0.0..=rule.max).contains(threshold), "{}", rule.name);
            }
            assert!(
                rule.unit_of.starts_with(rule.unit.split(' ').next().unwrap()),
                "{}",
                rule.name
            );
            assert!(rule.runbook.ends_with('.') && rule.promql.contains("$limit"), "{}", rule.name);
        }
    }
}
