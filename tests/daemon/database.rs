//! The daemon and a database of its own that comes and goes.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use common::daemon::{Daemon, folder, json_of, sample, stderr_of};
use eventplanner::store::{Cluster, StateLock, settings::DatabaseSettings};
use serde_json::Value;

const LIMIT: Duration = Duration::from_secs(60);
/// From the moment the server answers again.
const RECOVERY: Duration = Duration::from_secs(2);

fn until(what: &str, daemon: &Daemon, mut holds: impl FnMut() -> bool) -> Duration {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < LIMIT, "{what}:\n{}", daemon.said("log"));
        std::thread::sleep(Duration::from_millis(20));
    }
    began.elapsed()
}

fn events(daemon: &Daemon, name: &str) -> Vec<Value> {
    let log = daemon.said("log");
    let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    lines.filter(|line| line["event"] == name).collect()
}

#[test]
fn a_daemon_waits_for_its_database_and_outlives_its_loss() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let home = folder();
    let lock = StateLock::acquire(home.path()).unwrap();
    let settings = DatabaseSettings { max_overflow: 40, ..DatabaseSettings::default() };
    let start = || runtime.block_on(Cluster::start(&lock, &settings)).unwrap();
    let cluster = start();
    runtime.block_on(cluster.ensure_database("planner", None)).unwrap();
    let url = cluster.url("planner");
    runtime.block_on(cluster.stop()).unwrap();

    let daemon = Daemon::start_in(
        Arc::new(folder()),
        &[
            ("EVENTPLANNER__DATABASE__URL", &url),
            ("EVENTPLANNER__METRICS__INTERVAL", "1s"),
            ("EVENTPLANNER__ALERTS__DATABASE_ERRORS__KEEP_FIRING_FOR", "3s"),
            ("EVENTPLANNER__ALERTS__DATABASE_ERRORS__CRITICAL", "off"),
        ],
    );
    let wedding = sample("wedding.json");
    let wedding = wedding.to_str().unwrap();
    let status = daemon.json(&["status"]);
    let problem = status["database_problem"].as_str().unwrap_or_default();
    assert!(problem.contains("can't be reached"), "{status}");
    let refused = daemon.ctl(&["plan", "submit", wedding]);
    assert!(!refused.status.success());
    assert!(stderr_of(&refused).contains("database"), "{}", stderr_of(&refused));
    assert!(!daemon.ctl(&["health"]).status.success());
    assert_eq!(events(&daemon, "database_waiting").len(), 1, "said once");

    let healthy = || daemon.ctl(&["health"]).status.success();
    let cluster = start();
    let took = until("the database is found", &daemon, healthy);
    assert!(took < RECOVERY + Duration::from_secs(1), "{took:?} with the schema to be made");
    assert_eq!(events(&daemon, "database_reached").len(), 1);
    let vendors = sample("vendors.json");
    let imported = daemon.ctl(&["vendors", "import", vendors.to_str().unwrap()]);
    assert!(imported.status.success(), "{imported:?}");
    let planned = daemon.ctl(&["--json", "plan", "submit", wedding, "--wait"]);
    assert!(planned.status.success(), "{planned:?}");
    let plan = json_of(&planned)["id"].as_str().unwrap().to_owned();
    let states = || -> Vec<String> {
        let of_errors = events(&daemon, "alert").into_iter();
        let of_errors = of_errors.filter(|line| line["alert"] == "database_errors");
        of_errors.map(|line| line["state"].as_str().unwrap_or_default().to_owned()).collect()
    };
    until("the alert of the start is resolved", &daemon, || {
        states().last().is_none_or(|state| state == "resolved")
    });
    let before = states().len();

    // The server goes at once and comes back.
    let pid = nix::unistd::Pid::from_raw(cluster.process_id());
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGQUIT).unwrap();
    drop(cluster);
    until("the loss is told", &daemon, || daemon.json(&["status"])["database_problem"].is_string());
    assert!(!daemon.ctl(&["plan", "submit", wedding]).status.success());
    until("the alert fires", &daemon, || states().len() > before);
    let cluster = start();
    let took = until("the database is found again", &daemon, healthy);
    assert!(took < RECOVERY, "{took:?}");
    assert_eq!(daemon.json(&["plan", "show", &plan])["state"], "awaiting_selection");
    let again = daemon.ctl(&["--json", "plan", "submit", wedding, "--wait"]);
    assert!(again.status.success(), "{again:?}");
    until("the alert is resolved", &daemon, || states().len() > before + 1);
    assert_eq!(states()[before..], ["firing", "resolved"], "once each");
    assert_eq!(daemon.stop().code(), Some(0));
    runtime.block_on(cluster.stop()).unwrap();
}

/// The loser of a vendor is told which option is left.
#[test]
fn a_taken_option_names_the_next_free_one() {
    let daemon = Daemon::with_samples();
    let wedding = sample("wedding.json");
    let submit = || -> String {
        let args = ["--json", "plan", "submit", wedding.to_str().unwrap(), "--wait"];
        let output = daemon.ctl(&args);
        assert!(output.status.success(), "{output:?}");
        json_of(&output)["id"].as_str().unwrap().to_owned()
    };
    let (winner, loser) = (submit(), submit());
    daemon.json(&["plan", "select", &winner, "1", "--wait"]);
    let lost = daemon.ctl(&["plan", "select", &loser, "1"]);
    assert_eq!(lost.status.code(), Some(1));
    let said = stderr_of(&lost);
    assert!(said.contains("is taken"), "{said}");
    let vendors = |number: usize| -> Vec<String> {
        let plan = daemon.json(&["plan", "show", &loser]);
        let vendors = plan["options"][number - 1]["vendors"].as_array().unwrap().clone();
        vendors.iter().map(|vendor| vendor["id"].as_str().unwrap().to_owned()).collect()
    };
    let first = vendors(1);
    let free = (2..=3).find(|n| vendors(*n).iter().all(|vendor| !first.contains(vendor)));
    match free {
        Some(number) => {
            assert!(said.contains(&format!("plan select {loser} {number}")), "{said}");
            daemon.json(&["plan", "select", &loser, &number.to_string()]);
        }
        None => assert!(said.contains("submit the request again"), "{said}"),
    }
    assert_eq!(daemon.stop().code(), Some(0));
}

/// The database's lines of the report, over what a daemon really did.
#[test]
fn the_report_tells_how_the_database_does() {
    let daemon = Daemon::with_samples();
    let wedding = sample("wedding.json");
    for _ in 0..2 {
        daemon.json(&["plan", "submit", wedding.to_str().unwrap(), "--wait"]);
    }
    let report = daemon.json(&["report"]);
    let database = &report["database"];
    let number = |pointer: &str| {
        let value = database.pointer(pointer).and_then(Value::as_f64);
        value.unwrap_or_else(|| panic!("{pointer} in {database}"))
    };
    // The same event twice: whatever the first plan asked, the second one found in the cache.
    assert_eq!(number("/query_cache/hit_percent"), 50.0, "{database}");
    assert_eq!(2.0 * number("/query_cache/entries"), number("/query_cache/lookups"), "{database}");
    assert!(number("/queries/count") > 20.0, "{database}");
    let (mean, p99) = (number("/queries/mean_seconds"), number("/queries/p99_seconds"));
    assert!(0.0 < mean && mean < p99 && number("/queries/p95_seconds") <= p99, "{database}");
    // The counts of the kinds add up to the whole, and the slowest kind stands first.
    let kinds = database["by_query"].as_array().unwrap();
    let counted: u64 = kinds.iter().map(|kind| kind["count"].as_u64().unwrap()).sum();
    assert_eq!(counted as f64, number("/queries/count"));
    let means = kinds.iter().map(|kind| kind["mean_seconds"].as_f64().unwrap());
    assert!(means.is_sorted_by(|a, b| a >= b), "{kinds:?}");
    assert!(kinds.iter().any(|kind| kind["query"] == "importing vendors"), "{kinds:?}");
    // database.pool_size and database.max_overflow.
    assert_eq!(number("/connections_limit"), 60.0);
    assert!(number("/connections_used") <= 60.0 && number("/checkouts/count") > 20.0, "{database}");
    assert_eq!((number("/errors"), number("/waiting")), (0.0, 0.0));

    // Nobody has searched by name yet.
    let unused = database["server"]["unused_indexes"].as_array().unwrap();
    assert!(unused.iter().any(|index| index == "vendor_name_trigrams"), "{unused:?}");
    assert!((0.0..=100.0).contains(&number("/server/buffer_hit_percent")));
    let slow = database["server"]["slow_statements"].as_array().unwrap();
    let times: Vec<f64> = slow.iter().map(|one| one["mean_ms"].as_f64().unwrap()).collect();
    assert!(!times.is_empty() && times.is_sorted_by(|a, b| a >= b), "{slow:?}");
    assert!(slow.iter().all(|one| one["calls"].as_u64() > Some(0)), "{slow:?}");

    let text = String::from_utf8(daemon.ctl(&["report"]).stdout).unwrap();
    for line in ["  query cache                  50.0 % of ", " of 60\n", "  slow statement  "] {
        assert!(text.contains(line), "{line} not in:\n{text}");
    }
    // What each agent did is in the database, too.
    let agents = database["server"]["agents"].as_array().unwrap();
    assert!(agents.iter().all(|agent| agent["failed"] == 0), "{agents:?}");
    assert!(agents.iter().any(|agent| agent["agent"] == "sourcing" && agent["runs"] == 2));
}

/// Sourcing that meets a locked table takes too long, then fails, then is cancelled with its plan:
/// each is a row, a figure and, where it went wrong, a line of the log.
#[test]
fn agents_that_come_to_no_result_are_recorded() {
    let folder = Arc::new(folder());
    let file = folder.path().join("settings.toml");
    let set = |agent_timeout: &str| {
        let text = format!(
            "[workflow]\nagent_timeout = \"{agent_timeout}\"\n[database]\nlock_timeout = \"4s\"\n"
        );
        std::fs::write(&file, text).unwrap();
    };
    set("1s");
    let daemon = Daemon::start_with(folder.clone(), &[], &["--config", file.to_str().unwrap()]);
    let vendors = sample("vendors.json");
    let imported = daemon.json(&["vendors", "import", vendors.to_str().unwrap()]);
    let [line] = &events(&daemon, "vendors_imported")[..] else { panic!("not logged once") };
    assert_eq!(line["added"], imported["inserted"]);
    assert_eq!((&line["updated"], &line["skipped"]), (&imported["updated"], &imported["skipped"]));
    assert_eq!(line["uid"], nix::unistd::geteuid().as_raw());

    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let socket = folder.path().join("postgres/socket");
    let url = format!("host={} user=eventplanner dbname=eventplanner", socket.display());
    let (locker, connection) =
        runtime.block_on(tokio_postgres::connect(&url, tokio_postgres::NoTls)).unwrap();
    runtime.spawn(connection);
    let lock = "BEGIN; LOCK TABLE area IN ACCESS EXCLUSIVE MODE";
    runtime.block_on(locker.batch_execute(lock)).unwrap();

    let wedding = sample("wedding.json");
    let submitted = daemon.json(&["plan", "submit", wedding.to_str().unwrap()]);
    let plan = submitted["id"].as_str().unwrap().to_owned();
    let recorded = |outcome: &str| {
        let runs = daemon.json(&["history", "--runs", "--agent", "sourcing"]);
        let runs = runs["entries"].as_array().unwrap();
        runs.iter().any(|run| run["plan"] == *plan && run["outcome"] == outcome)
    };
    until("sourcing takes too long", &daemon, || recorded("timed_out"));
    set("1m");
    daemon.json(&["reload"]);
    until("sourcing fails", &daemon, || recorded("failed"));
    let failures = events(&daemon, "agent_failed");
    assert!(failures.iter().all(|line| line["agent"] == "sourcing" && line["plan_id"] == *plan));
    let late = |line: &Value| line["error"].as_str().unwrap().contains("took longer than 1 s");
    assert!(failures.iter().any(late) && !failures.iter().all(late), "{failures:?}");

    // A new attempt has just begun.
    let state = || daemon.json(&["plan", "show", &plan])["state"].clone();
    until("the plan waits", &daemon, || state() == "queued");
    until("the plan is worked on", &daemon, || state() == "running");
    daemon.json(&["plan", "cancel", &plan]);
    until("sourcing is cancelled", &daemon, || recorded("cancelled"));
    assert_eq!(state(), "cancelled");
    runtime.block_on(locker.batch_execute("ROLLBACK")).unwrap();

    let figures = String::from_utf8(daemon.ctl(&["metrics"]).stdout).unwrap();
    for outcome in ["timed_out", "failed", "cancelled"] {
        let series =
            format!("eventplanner_agent_runs_total{{agent=\"sourcing\",outcome=\"{outcome}\"}} ");
        let count = figures.lines().find_map(|line| line.strip_prefix(&series));
        assert!(count.is_some_and(|count| count != "0"), "{outcome}:\n{figures}");
    }
    let report = daemon.json(&["report", "--single"]);
    assert!(report["workflow"]["agent_timeouts"].as_u64().unwrap() >= 1, "{report}");
    let success = report["workflow"]["agent_success_percent"].as_f64().unwrap();
    assert!(success < 100.0, "{report}");
    // Those who did no work are not listed among those who did.
    let shown = daemon.json(&["plan", "show", &plan]);
    let agents = shown["agents"].as_array().unwrap();
    assert!(agents.iter().all(|run| run["agent"] != "sourcing"), "{shown}");
    let audit = daemon.ctl(&["verify", "audit"]);
    assert!(audit.status.success(), "{audit:?}");
}
