//! `eventplannerd demo`: the README's first command.

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

use common::daemon::{eventplannerctl, eventplannerd, folder, json_of, stderr_of};
use serde_json::Value;

fn demo(folder: &Path, more: &[&str]) -> Output {
    let output = eventplannerd()
        .arg("demo")
        .arg("--state-dir")
        .arg(folder.join("state"))
        .arg("--output")
        .arg(folder.join("out"))
        .args(more)
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", stderr_of(&output));
    output
}

#[test]
fn two_demos_make_the_same_plan_and_a_kept_daemon_can_be_talked_to() {
    let folder = folder();
    let first = json_of(&demo(folder.path(), &["--json"]));
    let plan = &first["plan"];
    assert_eq!(plan["state"], "completed");
    assert_eq!(plan["selected"], 1);
    let options = plan["options"].as_array().unwrap();
    assert_eq!(options.len(), 3);
    for option in options {
        let quotes = option["vendors"].as_array().unwrap().iter().map(|v| minor(&v["quote"]));
        assert_eq!(quotes.sum::<u64>(), minor(&option["total"]), "{option}");
        assert!(option["strategy"].is_string() && option["fitness"].is_f64(), "{option}");
    }
    let documents = first["documents"].as_array().unwrap();
    assert!(documents.len() >= 2);
    for path in documents {
        let text = fs::read_to_string(path.as_str().unwrap()).unwrap();
        assert!(!text.is_empty());
    }

    // Again, this time for people, with the daemon left running.
    let output = demo(folder.path(), &["--keep"]);
    let shown = String::from_utf8_lossy(&output.stdout).into_owned();
    for wanted in ["option 1 (selected)", "fitness", "strategy", "proven gap", "blueprint.md"] {
        assert!(shown.contains(wanted), "{wanted} is missing in:\n{shown}");
    }
    // What it says to do next works as it stands, in any shell.
    let hints = stderr_of(&output);
    let mut commands = hints.lines().filter_map(|line| line.strip_prefix("  "));
    let look = commands.next().expect("a command to look with");
    let looked = Command::new("sh").args(["-c", look]).output().unwrap();
    assert!(looked.status.success(), "{look}: {looked:?}");
    assert!(String::from_utf8_lossy(&looked.stdout).contains("completed"), "{look}: {looked:?}");
    assert!(commands.next().is_some_and(|stop| stop.ends_with(" stop")), "{hints}");
    let socket = folder.path().join("state/run/control.sock");
    let ctl = |args: &[&str]| eventplannerctl(&socket).arg("--json").args(args).output().unwrap();
    let list = json_of(&ctl(&["plan", "list"]));
    let plans = list["plans"].as_array().unwrap();
    assert_eq!(plans.len(), 1, "the demo's database starts empty");
    let kept = json_of(&ctl(&["plan", "show", plans[0]["id"].as_str().unwrap()]));
    assert_eq!(kept["plan_digest"], plan["plan_digest"]);
    assert_eq!(kept["options"], plan["options"]);

    // A second demo in the same place finds it occupied, says by whom, and harms nothing.
    let second = eventplannerd()
        .arg("demo")
        .arg("--state-dir")
        .arg(folder.path().join("state"))
        .arg("--output")
        .arg(folder.path().join("out"))
        .output()
        .unwrap();
    assert_eq!(second.status.code(), Some(1), "{second:?}");
    let status = json_of(&ctl(&["status"]));
    assert!(stderr_of(&second).contains(&status["pid"].to_string()), "{second:?}");

    let lock = fs::File::open(folder.path().join("state/daemon.lock")).unwrap();
    assert!(ctl(&["stop"]).status.success());
    // The lock is free once the daemon has ended.
    lock.lock().unwrap();
}

fn minor(amount: &Value) -> u64 {
    amount.as_str().unwrap().replace('.', "").parse().unwrap()
}
