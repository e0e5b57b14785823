//! A backup with pg_dump while a daemon works, and a restore that goes on from it: the commands of
//! the README.

use std::process::Command;

use common::{
    arena::{Arena, until},
    daemon::{json_of, sample},
};
use serde_json::json;

fn run(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {output:?}");
}

/// The lines under "Backup and restore", as they stand there.
fn commands_of_the_readme() -> Vec<String> {
    let readme = concat!(env!("CARGO_MANIFEST_DIR"), "/README.md");
    let readme = std::fs::read_to_string(readme).unwrap();
    let (_, section) = readme.split_once("**Backup and restore.**").unwrap();
    let block = section.split("```sh\n").nth(1).unwrap().split("```").next().unwrap();
    block.lines().map(str::to_owned).collect()
}

#[test]
fn a_dump_taken_while_the_daemon_works_can_be_gone_on_with() {
    let arena = Arena::start();
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
    let url = arena.url.replace("/chaos?", "/eventplanner_restored?");
    let [dump, create, restore] = &commands_of_the_readme()[..] else { panic!("three commands") };
    let in_shell = |line: &str| {
        let mut shell = Command::new("sh");
        shell.args(["-e", "-c", line]).current_dir(&elsewhere);
        run(shell.env("DATABASE_URL", &arena.url).env("RESTORED_URL", &url));
    };
    in_shell(dump);
    let shown = |daemon: &common::daemon::Daemon, id: &str| daemon.json(&["plan", "show", id]);
    let (done_then, ready_then) = (shown(&daemon, &done), shown(&daemon, &ready));
    assert_eq!(daemon.stop().code(), Some(0));

    in_shell(create);
    in_shell(restore);
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
