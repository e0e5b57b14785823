//! A report as Markdown, and the same as plain text for a terminal.

use std::fmt::Write;

use super::{CacheUse, DatabasePart, ModelUse, Report, Times, trends::Trend};

impl Report {
    /// Markdown: a heading and a table per part.
    pub fn to_markdown(&self) -> String {
        let mut text = format!(
            "# eventplanner performance report\n\n{}, the last {}\n",
            self.at.strftime("%Y-%m-%d %H:%M:%S UTC"),
            seconds(Some(self.window_seconds)),
        );
        for (title, rows) in self.parts() {
            let _ = write!(text, "\n## {title}\n\n| | |\n|---|---|\n");
            for (name, value) in rows {
                let _ = writeln!(text, "| {name} | {value} |");
            }
        }
        text.push_str("\n## Trends\n\n");
        if self.trends.is_empty() {
            text.push_str("- none yet\n");
        } else {
            text.push_str(
                "| mean | day | day before | week | week before |\n|---|---|---|---|---|\n",
            );
        }
        for trend in &self.trends {
            let [day, day_before, week, week_before] = trend_cells(trend);
            let name = &trend.name;
            let _ = writeln!(text, "| {name} | {day} | {day_before} | {week} | {week_before} |");
        }
        text.push_str("\n## Alerts\n\n");
        bullets(&mut text, &self.alert_lines(), "none fires");
        text.push_str("\n## Recommendations\n\n");
        bullets(&mut text, &self.advice_lines("`"), "none");
        text
    }

    /// Aligned lines.
    pub fn to_text(&self) -> String {
        let mut text = format!(
            "eventplanner performance report, {}, the last {}\n",
            self.at.strftime("%Y-%m-%d %H:%M:%S UTC"),
            seconds(Some(self.window_seconds)),
        );
        for (title, rows) in self.parts() {
            let _ = write!(text, "\n{title}\n");
            for (name, value) in rows {
                let _ = writeln!(text, "  {name:<28} {value}");
            }
        }
        text.push_str("\nTrends (means: day, day before; week, week before)\n");
        if self.trends.is_empty() {
            text.push_str("- none yet\n");
        }
        for trend in &self.trends {
            let [day, day_before, week, week_before] = trend_cells(trend);
            let _ =
                writeln!(text, "  {:<28} {day}, {day_before}; {week}, {week_before}", trend.name);
        }
        text.push_str("\nAlerts\n");
        bullets(&mut text, &self.alert_lines(), "none fires");
        text.push_str("\nRecommendations\n");
        bullets(&mut text, &self.advice_lines(""), "none");
        text
    }

    fn parts(&self) -> [(&'static str, Vec<(&'static str, String)>); 6] {
        let (system, database) = (&self.system, &self.database);
        let (llm, workflow, control) = (&self.llm, &self.workflow, &self.control);
        let left = &self.capacity;
        [
            (
                "System",
                vec![
                    ("CPU", percent(system.cpu_percent)),
                    ("memory of the machine", percent(system.memory_percent)),
                    ("memory of the daemon", mebibytes(system.resident_bytes)),
                    ("open files, threads", pair(system.open_files, system.threads)),
                    (
                        "actor restarts, panics",
                        pair(Some(system.actor_restarts), Some(system.actor_panics)),
                    ),
                ],
            ),
            ("Database", database_lines(database)),
            (
                "LLM",
                vec![
                    ("requests", times(&llm.requests)),
                    ("response cache", cache(&llm.response_cache)),
                    ("answers by the rules instead", llm.fallbacks.to_string()),
                    ("waiting requests", llm.queued.to_string()),
                    ("models", models(&llm.models)),
                ],
            ),
            (
                "Workflow",
                vec![
                    ("plans submitted", workflow.submitted.to_string()),
                    (
                        "plans queued, in flight",
                        pair(Some(workflow.queued), Some(workflow.in_flight)),
                    ),
                    ("plans finished", counts(&workflow.finished)),
                    ("claim to options", times(&workflow.workflows)),
                    ("searches", times(&workflow.searches)),
                    ("rounds", workflow.rounds.to_string()),
                    ("searches stopped because", counts(&workflow.stopped_because)),
                    ("rounds ended because", counts(&workflow.rounds_ended)),
                    ("early termination", percent(workflow.early_termination_percent)),
                    ("convergence", percent(workflow.convergence_percent)),
                    ("score cache", cache(&workflow.score_cache)),
                    (
                        "agent runs, success",
                        format!(
                            "{}, {}",
                            workflow.agent_runs,
                            percent(workflow.agent_success_percent)
                        ),
                    ),
                ],
            ),
            (
                "Control API",
                vec![
                    ("requests", times(&control.requests)),
                    ("server errors", percent(control.server_error_percent)),
                ],
            ),
            (
                "Capacity left",
                vec![
                    (
                        "plans an hour, possible",
                        format!(
                            "{}, {}",
                            plain(left.plans_per_hour),
                            plain(left.plans_per_hour_possible)
                        ),
                    ),
                    ("places in the queue", count(left.queue_places)),
                    ("CPU", percent(left.cpu_percent)),
                    ("memory of the machine", mebibytes(left.memory_bytes)),
                    ("disk of the state directory", mebibytes(left.disk_bytes)),
                    ("database connections", count(left.database_connections)),
                    ("open files", count(left.open_files)),
                ],
            ),
        ]
    }

    fn alert_lines(&self) -> Vec<String> {
        let line = |alert: &wire::Alert| {
            format!(
                "{} {}: {:.2} {} (threshold {}), since {}. {}",
                alert.severity.as_str(),
                alert.alert,
                alert.value,
                alert.unit,
                alert.threshold,
                alert.since.strftime("%Y-%m-%d %H:%M:%S UTC"),
                alert.runbook
            )
        };
        self.alerts.iter().map(line).collect()
    }

    fn advice_lines(&self, quote: &str) -> Vec<String> {
        let line = |found: &super::advice::Advice| {
            let setting = match found.setting {
                "" => String::new(),
                setting => format!("{quote}{setting}{quote}: "),
            };
            format!("{}: {setting}{}", found.finding, found.advice)
        };
        self.recommendations.iter().map(line).collect()
    }
}

/// Kinds of queries that a report for people shows.
const SHOWN_QUERIES: usize = 5;

fn database_lines(database: &DatabasePart) -> Vec<(&'static str, String)> {
    let pool = database.connections_used.zip(database.connections_limit);
    let mut lines = vec![
        ("queries", times(&database.queries)),
        ("rows read or changed", database.rows.to_string()),
        ("query cache", cache(&database.query_cache)),
        ("connections in use", pool.map_or(NONE.into(), |(n, of)| format!("{n} of {of}"))),
        ("callers waiting", database.waiting.to_string()),
        ("waits for a connection", times(&database.checkouts)),
        ("errors", database.errors.to_string()),
    ];
    for query in database.by_query.iter().take(SHOWN_QUERIES) {
        lines.push(("slow kind of query", format!("{}: {}", query.query, times(&query.times))));
    }
    let Some(server) = &database.server else { return lines };
    let hits = format!("{} found in memory", percent(server.stats.buffer_hit_percent));
    lines.push(("size, blocks", format!("{}, {hits}", mebibytes(Some(server.stats.bytes)))));
    let unused = match server.stats.unused_indexes.is_empty() {
        true => "none".to_owned(),
        false => server.stats.unused_indexes.join(", "),
    };
    lines.push(("indexes not used yet", unused));
    for slow in server.stats.slow_statements.iter().flatten().take(SHOWN_QUERIES) {
        let mean = seconds(Some(slow.mean_ms / 1e3));
        let statement = slow.statement.replace('|', "\\|");
        lines.push(("slow statement", format!("{} calls, mean {mean}: {statement}", slow.calls)));
    }
    for agent in &server.agents {
        let mean = seconds(Some(agent.mean_seconds));
        let text = format!("{}: {}, {} failed, mean {mean}", agent.agent, agent.runs, agent.failed);
        lines.push(("agent, last day", text));
    }
    for failure in server.failures.iter().take(SHOWN_QUERIES) {
        lines.push(("came to nothing", failure.replace('|', "\\|")));
    }
    lines
}

/// Stands for what was not measured.
const NONE: &str = "-";

fn bullets(text: &mut String, lines: &[String], none: &str) {
    if lines.is_empty() {
        let _ = writeln!(text, "- {none}");
    }
    for line in lines {
        let _ = writeln!(text, "- {line}");
    }
}

/// Means as they are compared: a percentage with one digit, seconds in their unit.
fn trend_cells(trend: &Trend) -> [String; 4] {
    [trend.day, trend.day_before, trend.week, trend.week_before].map(|mean| {
        match trend.name.rsplit('_').next() {
            Some("percent") => percent(mean),
            Some("seconds") => seconds(mean),
            Some("bytes") => mebibytes(mean.map(|bytes| bytes as u64)),
            _ => plain(mean),
        }
    })
}

fn plain(value: Option<f64>) -> String {
    value.map_or(NONE.into(), |value| format!("{value:.1}"))
}

fn count(value: Option<u64>) -> String {
    value.map_or(NONE.into(), |value| value.to_string())
}

fn percent(value: Option<f64>) -> String {
    value.map_or(NONE.into(), |value| format!("{value:.1} %"))
}

fn seconds(value: Option<f64>) -> String {
    match value {
        None => NONE.into(),
        Some(s) if s < 0.001 => format!("{:.0} µs", s * 1e6),
        Some(s) if s < 1.0 => format!("{:.1} ms", s * 1e3),
        Some(s) if s < 120.0 => format!("{s:.1} s"),
        Some(s) => format!("{:.1} min", s / 60.0),
    }
}

fn times(times: &Times) -> String {
    if times.count == 0 {
        return "0".into();
    }
    let (mean, p95) = (seconds(times.mean_seconds), seconds(times.p95_seconds));
    let p99 = seconds(times.p99_seconds);
    format!("{}, mean {mean}, 95th percentile {p95}, 99th {p99}", times.count)
}

fn cache(cache: &CacheUse) -> String {
    let entries = cache.entries.map_or(String::new(), |entries| format!(", {entries} entries"));
    format!("{} of {} look-ups hit{entries}", percent(cache.hit_percent), cache.lookups)
}

fn pair(first: Option<u64>, second: Option<u64>) -> String {
    let one = |value: Option<u64>| value.map_or(NONE.into(), |value| value.to_string());
    format!("{}, {}", one(first), one(second))
}

fn mebibytes(bytes: Option<u64>) -> String {
    bytes.map_or(NONE.into(), |bytes| format!("{:.1} MiB", bytes as f64 / 1_048_576.0))
}

fn models(models: &[ModelUse]) -> String {
    if models.is_empty() {
        return "none; the rules answer".into();
    }
    let one = |each: &ModelUse| format!("{} {} {}", each.endpoint, each.model, each.state);
    models.iter().map(one).collect::<Vec<_>>().join(", ")
}

fn counts(counts: &std::collections::BTreeMap<String, u64>) -> String {
    if counts.is_empty() {
        return "0".into();
    }
    let each: Vec<String> = counts.iter().map(|(name, count)| format!("{count} {name}")).collect();
    each.join(", ")
}
