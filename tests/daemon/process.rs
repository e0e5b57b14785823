//! The daemon as a process: one per state directory, orderly stops, and what a kill leaves.

use std::{collections::BTreeSet, fs, path::Path, process::Command, sync::Arc};

use common::daemon::{Daemon, json_of, run_command, sample, stderr_of};
use serde_json::Value;

fn events(log: &str) -> Vec<Value> {
    log.lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}")))
        .collect()
}

#[test]
fn one_daemon_per_state_directory_and_a_stop_in_good_order() {
    let daemon = Daemon::start();
    let second = run_command(daemon.folder.path())
        .env("EVENTPLANNER__CONTROL__SOCKET", daemon.folder.path().join("other.sock"))
        .output()
        .unwrap();
    assert_eq!(second.status.code(), Some(75), "{second:?}");
    let said = stderr_of(&second);
    assert!(said.contains(&daemon.pid().to_string()), "names the holder: {said}");
    assert!(daemon.ctl(&["health"]).status.success(), "the first one works on");

    let folder = daemon.folder.clone();
    let stopped = daemon.json(&["stop"]);
    assert_eq!(stopped["state"], "stopping");
    assert_eq!(daemon.wait().code(), Some(0));
    assert!(!folder.path().join("run/control.sock").exists());
    assert!(!folder.path().join("postgres/data/postmaster.pid").exists(), "the cluster runs on");
    let log = fs::read_to_string(folder.path().join("log")).unwrap();
    let names: Vec<String> =
        events(&log).iter().filter_map(|e| Some(e["event"].as_str()?.to_owned())).collect();
    let order = ["daemon_starting", "control_listening", "daemon_ready", "daemon_stopping"];
    let found: Vec<&str> =
        names.iter().map(String::as_str).filter(|name| order.contains(name)).collect();
    assert_eq!(found, order);
    assert_eq!(names.last().map(String::as_str), Some("daemon_stopped"));
}

#[test]
fn sigterm_stops_and_sighup_does_not() {
    let daemon = Daemon::start();
    let signal = |name: &str| {
        let pid = daemon.pid().to_string();
        assert!(Command::new("kill").args(["-s", name, &pid]).status().unwrap().success());
    };
    signal("HUP");
    assert!(daemon.ctl(&["health"]).status.success());
    signal("TERM");
    assert_eq!(daemon.wait().code(), Some(0));
}

#[test]
fn acknowledged_plans_outlive_a_kill() {
    let daemon = Daemon::with_samples();
    let request = sample("wedding.json");
    let submit = |daemon: &Daemon| {
        let plan = daemon.json(&["plan", "submit", request.to_str().unwrap()]);
        plan["id"].as_str().unwrap().to_owned()
    };
    let ids: BTreeSet<String> = (0..4).map(|_| submit(&daemon)).collect();
    let folder = daemon.kill();
    assert!(folder.path().join("run/control.sock").exists(), "a dead socket is left");

    let daemon = Daemon::start_in(folder, &[]);
    let mut digests = BTreeSet::new();
    for id in &ids {
        let output = daemon.ctl(&["--json", "plan", "watch", id]);
        assert!(output.status.success(), "{output:?}");
        let plan = daemon.json(&["plan", "show", id]);
        assert_eq!(plan["state"], "awaiting_selection", "{plan}");
        digests.insert(plan["plan_digest"].as_str().unwrap().to_owned());
    }
    assert_eq!(digests.len(), 1, "equal requests, equal plans, killed or not");
    assert_eq!(daemon.stop().code(), Some(0));
}

#[test]
fn a_named_database_that_is_away_is_waited_for_with_no_cluster_beside_it() {
    let folder = Arc::new(common::daemon::folder());
    let url = format!("postgresql://x@/x?host={}", folder.path().display());
    let daemon = Daemon::start_in(folder.clone(), &[("DATABASE_URL", &url)]);
    let status = daemon.json(&["status"]);
    assert_eq!(status["database"], "external");
    assert!(status["database_problem"].is_string(), "{status}");
    assert_eq!(daemon.ctl(&["health"]).status.code(), Some(1), "it says that it can't work");
    assert_eq!(daemon.stop().code(), Some(0));
    assert!(!folder.path().join("postgres").exists(), "no cluster beside a named database");
}

#[test]
fn a_database_that_refuses_the_daemon_ends_with_69() {
    let other = Daemon::start();
    let folder = common::daemon::folder();
    let socket = other.folder.path().join("postgres/socket");
    let url = format!("postgresql://eventplanner@/nowhere?host={}", socket.display());
    let output = run_command(folder.path()).env("DATABASE_URL", &url).output().unwrap();
    assert_eq!(output.status.code(), Some(69), "{output:?}");
    let last = events(&String::from_utf8_lossy(&output.stdout)).pop().unwrap();
    assert_eq!(last["event"], "daemon_failed");
    assert!(last["error"].as_str().unwrap().contains("nowhere"), "{last}");
}

#[test]
fn no_line_of_the_log_leaves_the_table_and_none_holds_personal_data() {
    let daemon = Daemon::with_samples();
    let request = sample("wedding.json");
    let plan =
        json_of(&daemon.ctl(&["--json", "plan", "submit", "--wait", request.to_str().unwrap()]));
    let id = plan["id"].as_str().unwrap();
    daemon.json(&["plan", "select", id, "1", "--wait"]);
    let folder = daemon.folder.clone();
    daemon.stop();
    let log = fs::read_to_string(folder.path().join("log")).unwrap();
    for line in events(&log) {
        eventplanner::telemetry::log::events::check_line(&line)
            .unwrap_or_else(|e| panic!("{e}: {line}"));
    }
    let secret = personal_data(&request);
    for word in secret {
        assert!(!log.contains(&word), "the log holds `{word}`");
    }
}

/// The client's name and address, and a piece of the vision.
fn personal_data(request: &Path) -> Vec<String> {
    let request: Value = serde_json::from_slice(&fs::read(request).unwrap()).unwrap();
    let text = |pointer: &str| request.pointer(pointer).unwrap().as_str().unwrap().to_owned();
    vec![text("/client/name"), text("/client/email"), text("/vision")[..30].to_owned()]
}
