//! Both command lines without a running daemon: usage, exit codes, and what goes where.

use std::{fs, os::unix::net::UnixListener};

use common::daemon::{
    eventplannerctl, eventplannerd, folder, json_of, run_command, sample, stderr_of,
};

#[test]
fn ctl_without_a_daemon_ends_with_3_and_says_where_it_looked() {
    let folder = folder();
    let socket = folder.path().join("none.sock");
    for args in [&["status"][..], &["plan", "list"], &["vendors", "stats"]] {
        let output = eventplannerctl(&socket).args(args).output().unwrap();
        assert_eq!(output.status.code(), Some(3), "{args:?}");
        assert!(stderr_of(&output).contains("none.sock"), "{output:?}");
        assert!(output.stdout.is_empty());
    }
    let output = eventplannerctl(&socket).args(["--json", "status"]).output().unwrap();
    assert_eq!(json_of(&output)["error"]["code"], "unavailable");
}

#[test]
fn a_wrong_command_line_ends_with_2() {
    let folder = folder();
    let socket = folder.path().join("none.sock");
    for args in [
        &[][..],
        &["plan"],
        &["plan", "show", "not-an-id"],
        &["plan", "list", "--limit", "0"],
        &["--timeout", "soon", "status"],
        &["cache", "flush", "everything"],
        &["dance"],
    ] {
        let output = eventplannerctl(&socket).args(args).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{args:?}");
    }
    for args in [&["--verbose"][..], &["demo", "now"], &["solve"]] {
        let output = eventplannerd().args(args).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{args:?}");
    }
}

#[test]
fn a_silent_socket_ends_with_6_and_a_missing_file_with_1() {
    let folder = folder();
    let socket = folder.path().join("silent.sock");
    let _listener = UnixListener::bind(&socket).unwrap();
    let output = eventplannerctl(&socket).args(["--timeout", "100ms", "status"]).output().unwrap();
    assert_eq!(output.status.code(), Some(6), "{output:?}");
    let output = eventplannerctl(&socket).args(["plan", "submit", "/nowhere"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr_of(&output).contains("cannot read /nowhere"), "{output:?}");
}

#[test]
fn man_pages_and_completions_need_no_daemon() {
    let folder = folder();
    let socket = folder.path().join("none.sock");
    let pages = folder.path().join("man");
    let output = eventplannerctl(&socket).args(["man", "--output"]).arg(&pages).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let page = fs::read_to_string(pages.join("eventplannerctl-plan-submit.1")).unwrap();
    assert!(page.contains("Idempotency key"), "{page}");
    for shell in ["bash", "zsh", "fish"] {
        let output = eventplannerctl(&socket).args(["completions", shell]).output().unwrap();
        assert!(output.status.success() && output.stdout.len() > 500, "{shell}");
    }
}

#[test]
fn settings_are_checked_and_printed() {
    let folder = folder();
    let file = folder.path().join("settings.toml");
    fs::write(&file, "[database]\npool_sze = 7\n").unwrap();
    let path = file.to_str().unwrap();
    for args in [&["check-config", path][..], &["run", "--config", path], &["--config", path]] {
        let output = eventplannerd().args(args).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        let said = stderr_of(&output);
        assert!(
            said.contains("database.pool_sze") && said.contains("database.pool_size"),
            "{said}"
        );
    }
    fs::write(&file, "[database]\npool_size = 7\n").unwrap();
    let output = eventplannerd().args(["check-config", path]).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let output = eventplannerd().args(["print-config", "--config", path]).output().unwrap();
    assert!(String::from_utf8_lossy(&output.stdout).contains("pool_size = 7"), "{output:?}");
}

#[test]
fn the_daemon_takes_no_file_for_its_socket_and_no_path_that_is_too_long() {
    let folder = folder();
    let file = folder.path().join("precious");
    fs::write(&file, "text").unwrap();
    let output =
        run_command(folder.path()).env("EVENTPLANNER__CONTROL__SOCKET", &file).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert!(stderr_of(&output).contains("is no socket"), "{output:?}");
    assert_eq!(fs::read_to_string(&file).unwrap(), "text");

    let long = folder.path().join("x".repeat(120));
    let output =
        run_command(folder.path()).env("EVENTPLANNER__CONTROL__SOCKET", &long).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{output:?}");

    let taken = folder.path().join("taken.sock");
    let _listener = UnixListener::bind(&taken).unwrap();
    let output =
        run_command(folder.path()).env("EVENTPLANNER__CONTROL__SOCKET", &taken).output().unwrap();
    assert_eq!(output.status.code(), Some(75), "{output:?}");
    assert!(stderr_of(&output).contains("another daemon listens"), "{output:?}");
}

#[test]
fn an_unwritable_output_stops_the_demo_before_it_starts() {
    let folder = folder();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let output = eventplannerd()
        .args(["demo", "--json", "--state-dir"])
        .arg(folder.path().join("state"))
        .arg("--output")
        .arg(file.join("inside"))
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let said = stderr_of(&output);
    assert!(said.contains("file/inside") && said.contains("--output"), "{said}");
    assert!(!folder.path().join("state").exists(), "nothing was begun");
}

#[test]
fn a_problem_file_is_solved_and_a_broken_one_named() {
    let folder = folder();
    let file = folder.path().join("problem.json");
    let problem = r#"{"categories":[
        {"name":"a","required":true,"candidates":[
            {"id":"x","value":[0.5],"use":[10]},{"id":"y","value":[0.7],"use":[20]}]},
        {"name":"b","candidates":[{"id":"z","value":[0.3],"use":[5]}]}],
        "limits":[24],"options":1,"min_difference":1}"#;
    fs::write(&file, problem).unwrap();
    // x and z together beat y alone; y and z together are over the limit. A category is required
    // unless it says otherwise.
    let output = eventplannerd().arg("solve").arg(&file).output().unwrap();
    let answer = json_of(&output);
    assert_eq!(answer["options"][0]["ids"], serde_json::json!(["x", "z"]));
    assert_eq!(answer["stopped_because"], "proven_optimal");

    fs::write(&file, problem.replace("[0.7]", "\"much\"")).unwrap();
    let output = eventplannerd().arg("solve").arg(&file).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = stderr_of(&output);
    assert!(said.contains("categories[0].candidates[1].value"), "{said}");
    let output = eventplannerd().arg("solve").arg(sample("wedding.json")).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "a request is no problem file");
}
