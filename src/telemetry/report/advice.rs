//! What a report's figures say about the settings: each finding names the setting to change.

use serde::Serialize;

use super::{CacheUse, Report, ReportLimits, trends::Trend};

/// One finding.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Advice {
    /// The setting, or several; empty where none helps.
    pub setting: &'static str,
    /// What was found, with the figure.
    pub finding: String,
    /// What to do.
    pub advice: &'static str,
}

/// Look-ups below which a cache's hit rate says nothing.
const CACHE_MIN_LOOKUPS: u64 = 100;
/// Share of its size from which a cache counts as full, in percent.
const CACHE_FULL_PERCENT: u64 = 90;
/// Share of searches that end at the round limit from which that is worth a word, in percent.
const ROUND_LIMIT_PERCENT: u64 = 30;

/// Less is too little for a night's checkpoints and a vendor file.
const DISK_LOW_BYTES: u64 = 2 << 30;
/// A week that is slower than the week before by this factor is worth a word.
const SLOWER: f64 = 1.5;

/// All findings, failures before waits before waste.
pub(crate) fn advise(report: &Report, limits: &ReportLimits) -> Vec<Advice> {
    let mut found = Vec::new();
    failures(report, &mut found);
    waits(report, limits, &mut found);
    caches(report, limits, &mut found);
    searches(report, &mut found);
    room(report, &mut found);
    found
}

fn failures(report: &Report, found: &mut Vec<Advice>) {
    let mut push = |wrong: bool, setting, finding: String, advice| {
        if wrong {
            found.push(Advice { setting, finding, advice });
        }
    };
    let (system, llm, workflow) = (&report.system, &report.llm, &report.workflow);
    push(
        system.actor_panics > 0,
        "",
        format!("{} panics were caught", system.actor_panics),
        "report them with the log lines of event=actor_panicked: a panic is a bug",
    );
    push(
        report.database.errors > 0,
        "database.url",
        format!("{} database errors", report.database.errors),
        "look for event=database_unreachable in the log; check that PostgreSQL runs and allows enough connections",
    );
    push(
        llm.breakers_open > 0,
        "llm.endpoints",
        format!("{} LLM endpoints are left alone after failures", llm.breakers_open),
        "check that the server runs and has the model",
    );
    push(
        workflow.agent_timeouts > 0,
        "workflow.agent_timeout",
        format!("{} agent runs took too long", workflow.agent_timeouts),
        "raise it above llm.timeout, or use a faster model",
    );
    push(
        llm.fallbacks > 0 && llm.breakers_open == 0,
        "llm.timeout",
        format!("the built-in rules stood in for a model {} times", llm.fallbacks),
        "look for event=llm_fallback in the log: its reason names the cause",
    );
    push(
        system.log_lines_dropped > 0,
        "log.queue_size",
        format!("{} log lines were dropped", system.log_lines_dropped),
        "raise it, or log less: log.level",
    );
}

fn waits(report: &Report, limits: &ReportLimits, found: &mut Vec<Advice>) {
    let mut push = |wrong: bool, setting, finding: String, advice| {
        if wrong {
            found.push(Advice { setting, finding, advice });
        }
    };
    let (database, llm, workflow) = (&report.database, &report.llm, &report.workflow);
    let targets = &limits.alerts;
    let over = |value: Option<f64>, target: Option<f64>| {
        value.zip(target).filter(|(value, target)| value > target)
    };
    let usage =
        database.connections_used.zip(database.connections_limit.filter(|limit| *limit > 0));
    let usage = usage.map(|(used, limit)| 100.0 * used as f64 / limit as f64);
    if let Some((used, target)) = over(usage, targets.pool_usage.warning) {
        push(
            true,
            "database.pool_size, database.max_overflow",
            format!("{used:.0} % of the pool's connections are in use; the target is {target} %"),
            "raise them, and PostgreSQL's max_connections with them",
        );
    }
    if let Some((mean, target)) = over(database.queries.mean_seconds, targets.query_time.warning) {
        push(
            true,
            "database.query_cache_ttl",
            format!(
                "a database query takes {:.0} ms; the target is {:.0} ms",
                1e3 * mean,
                1e3 * target
            ),
            "run ANALYZE, look at the slow query with EXPLAIN (ANALYZE); a longer time to live asks less often",
        );
    }
    if let Some((mean, target)) = over(llm.requests.mean_seconds, targets.llm_time.warning) {
        push(
            true,
            "llm.keep_alive, llm.warm_up",
            format!("a request to an LLM server takes {mean:.1} s; the target is {target} s"),
            "keep the model loaded and warm; set `parallel` to the server's own; or use a smaller model",
        );
    }
    push(
        llm.queued > 0,
        "llm.endpoints: parallel",
        format!("{} requests wait for an LLM endpoint", llm.queued),
        "raise it together with the server's own parallelism, or add an endpoint",
    );
    let cpu = report.system.cpu_percent.unwrap_or(0.0);
    let is_full = workflow.in_flight >= limits.max_plans_in_flight as u64;
    push(
        workflow.queued > 0 && is_full && cpu < 60.0,
        "workflow.max_plans_in_flight",
        format!("{} plans wait while the CPU is at {cpu:.0} %", workflow.queued),
        "raise it: the machine has room",
    );
    if let Some((_, target)) = over(Some(cpu), targets.cpu.warning) {
        push(
            true,
            "workflow.max_plans_in_flight, search.proof_nodes",
            format!("the CPU is at {cpu:.0} %; the target is {target} %"),
            "lower them, or give the machine more cores",
        );
    }
    if let Some((mean, target)) =
        over(workflow.workflows.mean_seconds, targets.workflow_time.warning)
    {
        push(
            true,
            "search.max_rounds, workflow.max_parallel_agents",
            format!("a plan takes {mean:.0} s to its options; the target is {target} s"),
            "compare with the times of the LLM above: agents wait for it; else lower the rounds",
        );
    }
}

fn caches(report: &Report, limits: &ReportLimits, found: &mut Vec<Advice>) {
    let mut push = |cache: &CacheUse,
                    target: Option<f64>,
                    size: usize,
                    names: [&'static str; 3]| {
        let Some((hits, target)) = cache.hit_percent.zip(target) else { return };
        if cache.lookups < CACHE_MIN_LOOKUPS || hits >= target {
            return;
        }
        let is_full = cache.entries.is_some_and(|n| 100 * n >= CACHE_FULL_PERCENT * size as u64);
        let [name, size_key, ttl_key] = names;
        let (setting, advice) = if is_full {
            (size_key, "raise it: the cache is full")
        } else {
            (
                ttl_key,
                "raise it if requests repeat; the cache is not full, so a larger one won't help",
            )
        };
        let finding =
            format!("{hits:.0} % of the {name}'s look-ups are hits; the target is {target} %");
        found.push(Advice { setting, finding, advice });
    };
    push(
        &report.database.query_cache,
        limits.alerts.query_cache_hits.warning,
        limits.query_cache_size,
        ["query cache", "database.query_cache_size", "database.query_cache_ttl"],
    );
    push(
        &report.llm.response_cache,
        limits.alerts.llm_cache_hits.warning,
        limits.response_cache_size,
        ["response cache", "llm.response_cache_size", "llm.response_cache_ttl"],
    );
}

/// What will be full, or is getting slower.
fn room(report: &Report, found: &mut Vec<Advice>) {
    if let Some(free) = report.capacity.disk_bytes.filter(|free| *free < DISK_LOW_BYTES) {
        found.push(Advice {
            setting: "plans.keep_days, paths.state_dir",
            finding: format!("{} MiB are left on the state directory's disk", free >> 20),
            advice: "make room, keep plans for fewer days, or move the state directory",
        });
    }
    let slower = |trend: &&Trend| {
        let both = trend.week.zip(trend.week_before);
        both.is_some_and(|(week, before)| before > 0.0 && week > SLOWER * before)
    };
    for (name, setting, advice) in [
        (
            "workflow_seconds",
            "search.max_rounds",
            "compare the LLM's and the database's trends; lower the rounds if neither moved",
        ),
        (
            "query_seconds",
            "database.query_cache_ttl",
            "run ANALYZE, look at indexes and at the number of vendors; or cache for longer",
        ),
        (
            "llm_seconds",
            "llm.keep_alive",
            "look at the model server: another model, less GPU, or other users",
        ),
    ] {
        if let Some(trend) = report.trends.iter().find(|trend| trend.name == name).filter(slower) {
            let times =
                trend.week.zip(trend.week_before).map_or(1.0, |(week, before)| week / before);
            let finding = format!("{name} rose to {times:.1} times the week before");
            found.push(Advice { setting, finding, advice });
        }
    }
}

fn searches(report: &Report, found: &mut Vec<Advice>) {
    let stops = &report.workflow.stopped_because;
    let all: u64 = stops.values().sum();
    let count = |reason: &str| stops.get(reason).copied().unwrap_or(0);
    if 100 * count("round_limit") > ROUND_LIMIT_PERCENT * all {
        found.push(Advice {
            setting: "search.max_rounds",
            finding: format!("{} of {all} searches ended at the round limit", count("round_limit")),
            advice: "raise it, or search.beam_width: the rounds were still finding better ones",
        });
    }
    if count("deadline") > 0 {
        found.push(Advice {
            setting: "search.deadline_ms",
            finding: format!("{} of {all} searches ran into the deadline", count("deadline")),
            advice: "raise it, or lower search.proof_nodes and workflow.max_plans_in_flight",
        });
    }
}
