//! A backup with pg_dump while a daemon works, and a restore that goes on from it: the commands of
//! the README.

use std::process::Command;

use serde_json::json;

use crate::{
    arena::{Arena, until},
    daemon::{json_of, sample},
};

fn run(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {output:?}");
}

#[test]
fn a_dump_taken_while_the_daemon_works_can_be_gone_on_with() {
    let arena = Arena::new();
    let daemon = arena.daemon(&[]);
    arena.import(&daemon);
    let wedding = sample("wedding.json");
    let submit = |more: &[&str]| {
        let args = [&["--json", "plan", "submit", wedding.to_str().unwrap()], more].concat();
        json_of(&daemon.ctl(&args))["id"].as_str().unwrap().to_owned()
    };
    let done = submit(&["--wait"]);
    daemon.json(&["plan", "select", &done, "1", "--wait"]);
    let ready = submit(&["--wait", "--key", "k"]);
    assert!(daemon.ctl(&["drain"]).status.success());
    let waiting = submit(&[]);

    let elsewhere = tempfile::tempdir().unwrap();
    let dump = elsewhere.path().join("backup.dump");
    run(Command::new("pg_dump").arg("--format=custom").arg("--file").arg(&dump).arg(&arena.url));
    let shown = |daemon: &crate::daemon::Daemon, id: &str| daemon.json(&["plan", "show", id]);
    let (done_then, ready_then) = (shown(&daemon, &done), shown(&daemon, &ready));
    assert_eq!(daemon.stop().code(), Some(0));

    arena.sql().execute("CREATE DATABASE restored");
    let url = arena.url.replace("/chaos?", "/restored?");
    run(Command::new("pg_restore").args(["--exit-on-error", "--dbname", &url]).arg(&dump));
    let daemon = arena.daemon(&[("DATABASE_URL", &url)]);
    assert_eq!(shown(&daemon, &done), done_then);
    assert_eq!(shown(&daemon, &ready), ready_then);
    until("the waiting plan goes on", || shown(&daemon, &waiting)["state"] == "awaiting_selection");
    let again = daemon.ctl(&["--json", "plan", "submit", wedding.to_str().unwrap(), "--key", "k"]);
    assert_eq!(json_of(&again)["id"], json!(ready), "keys hold across a restore");
    let verified = daemon.json(&["verify", "audit"]);
    assert_eq!((&verified["plans"], &verified["broken"]), (&json!(3), &json!([])));
    let documents = daemon.json(&["plan", "documents", &done]);
    assert_eq!(documents["documents"].as_array().unwrap().len(), 3);
}
