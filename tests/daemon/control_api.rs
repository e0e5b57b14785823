//! The control API and `eventplannerctl` against one real daemon with the sample vendors.

use std::{
    fs,
    io::{Read, Write},
    os::unix::{fs::PermissionsExt, net::UnixStream, process::CommandExt},
    process::{Command, Stdio},
    sync::{Arc, OnceLock},
    time::Duration,
};

use common::daemon::{Daemon, eventplannerctl, folder, json_of, program, sample, stderr_of};
use serde_json::{Value, json};

/// A user who is neither root nor the daemon.
const NOBODY: u32 = 65_534;

struct Shared {
    daemon: Daemon,
    /// Removes the daemon's folder once this process is gone.
    _sweeper: std::process::Child,
}

/// One daemon for all tests here; it ends when this process does.
fn daemon() -> &'static Daemon {
    static SHARED: OnceLock<Shared> = OnceLock::new();
    let shared = SHARED.get_or_init(|| {
        let environment = [
            // Everybody may open the socket, so that the tiers decide and not the file's mode.
            ("EVENTPLANNER__CONTROL__SOCKET_MODE", "0666"),
            ("EVENTPLANNER__CONTROL__HEADER_TIMEOUT", "2s"),
            ("EVENTPLANNER__DATABASE__POOL_SIZE", "4"),
        ];
        let daemon = Daemon::start_in(Arc::new(folder()), &environment);
        let sweeper = Command::new("sh")
            .args(["-c", "read -r _; while kill -0 \"$0\"; do sleep 0.1; done; rm -rf \"$1\""])
            .arg(daemon.pid().to_string())
            .arg(daemon.folder.path())
            .stdin(Stdio::piped())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .unwrap();
        let vendors = sample("vendors.json");
        let imported = daemon.ctl(&["vendors", "import", vendors.to_str().unwrap()]);
        assert!(imported.status.success(), "{imported:?}");
        Shared { daemon, _sweeper: sweeper }
    });
    &shared.daemon
}

fn wedding() -> Value {
    serde_json::from_slice(&fs::read(sample("wedding.json")).unwrap()).unwrap()
}

fn submit(document: &Value, more: &[&str]) -> std::process::Output {
    let args = [&["--json", "plan", "submit", "-"], more].concat();
    daemon().ctl_with(&args, document.to_string().as_bytes())
}

/// One request as it goes over the socket; status and body.
fn http(request: &[u8]) -> (u16, String) {
    let mut stream = UnixStream::connect(daemon().socket()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    // The server may answer and close before it has read everything.
    let _ = stream.write_all(request);
    let mut reply = Vec::new();
    let _ = stream.read_to_end(&mut reply);
    let reply = String::from_utf8_lossy(&reply).into_owned();
    let status = reply.split(' ').nth(1).and_then(|code| code.parse().ok());
    let body = reply.split_once("\r\n\r\n").map(|(_, body)| body.to_owned());
    (status.unwrap_or_else(|| panic!("{reply:?}")), body.unwrap())
}

fn call(method: &str, path: &str, body: &str) -> (u16, Value) {
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {}\r\n\r\n\
         {body}",
        body.len()
    );
    let (status, body) = http(request.as_bytes());
    (status, serde_json::from_str(&body).unwrap_or_else(|_| panic!("{method} {path}: {body}")))
}

#[test]
fn a_plan_goes_all_the_way_and_can_be_looked_at_from_every_side() {
    let daemon = daemon();
    let output = submit(&wedding(), &["--wait"]);
    assert!(output.status.success(), "{output:?}");
    let plan = json_of(&output);
    let id = plan["id"].as_str().unwrap();
    assert_eq!(plan["state"], "awaiting_selection");
    assert_eq!(plan["options"].as_array().unwrap().len(), 3);
    for key in ["plan_digest", "rounds", "combinations_scored", "best_possible", "proven_gap"] {
        assert!(!plan[key].is_null(), "{key}");
    }

    let events = daemon.json(&["plan", "watch", id]);
    let numbers: Vec<u64> =
        events.as_array().unwrap().iter().map(|e| e["seq"].as_u64().unwrap()).collect();
    assert!(numbers.windows(2).all(|pair| pair[0] < pair[1]) && numbers.len() >= 3, "{events}");
    let lines = daemon.ctl(&["plan", "watch", id]);
    assert!(String::from_utf8_lossy(&lines.stdout).contains("awaiting_selection\n"), "{lines:?}");

    let problem = daemon.json(&["plan", "export", id]);
    assert_eq!(problem["categories"].as_array().unwrap().len(), 4);

    let wrong = daemon.ctl(&["plan", "select", id, "9"]);
    assert_eq!(wrong.status.code(), Some(1), "{wrong:?}");
    let done = daemon.json(&["plan", "select", id, "2", "--wait"]);
    assert_eq!((&done["state"], &done["selected"]), (&json!("completed"), &json!(2)));
    assert_eq!(done["plan_digest"], plan["plan_digest"], "selecting changes no plan");
    assert_eq!(daemon.json(&["plan", "show", id]), done);
    let again = daemon.ctl(&["--json", "plan", "select", id, "1"]);
    assert_eq!(json_of(&again)["error"]["code"], "wrong_state", "{again:?}");

    let out = daemon.folder.path().join("out");
    let files = daemon.json(&["plan", "documents", id, "--output", out.to_str().unwrap()]);
    let names: Vec<String> = files["documents"]
        .as_array()
        .unwrap()
        .iter()
        .map(|path| path.as_str().unwrap().rsplit('/').next().unwrap().to_owned())
        .collect();
    assert!(names.contains(&"blueprint.md".to_owned()), "{names:?}");
    assert!(names.contains(&"blueprint.json".to_owned()), "{names:?}");
    let blueprint = fs::read_to_string(out.join("blueprint.md")).unwrap();
    let venue = done["options"][1]["vendors"][0]["name"].as_str().unwrap();
    assert!(blueprint.contains(venue), "{blueprint}");

    let listed = daemon.json(&["plan", "list", "--state", "completed"]);
    assert!(listed["plans"].as_array().unwrap().iter().any(|plan| plan["id"] == id));
    let shown = daemon.ctl(&["plan", "show", id]);
    assert!(String::from_utf8_lossy(&shown.stdout).contains("option 2 (selected)"), "{shown:?}");
}

#[test]
fn the_same_key_is_the_same_plan_and_equal_requests_are_equal_plans() {
    let first = json_of(&submit(&wedding(), &["--key", "k1", "--wait"]));
    let again = json_of(&submit(&wedding(), &["--key", "k1"]));
    assert_eq!(first["id"], again["id"]);
    let mut other = wedding();
    other["guests"] = json!(150);
    let refused = submit(&other, &["--key", "k1"]);
    assert_eq!(json_of(&refused)["error"]["code"], "key_reused", "{refused:?}");
    assert_eq!(refused.status.code(), Some(1));
    let (status, refused) = call("POST", "/v1/plans", "");
    assert_eq!((status, &refused["error"]["code"]), (400, &json!("invalid")));
}

#[test]
fn a_cancelled_plan_stays_cancelled() {
    let daemon = daemon();
    let plan = json_of(&submit(&wedding(), &["--wait"]));
    let id = plan["id"].as_str().unwrap();
    assert_eq!(daemon.json(&["plan", "cancel", id])["state"], "cancelled");
    let selected = daemon.ctl(&["plan", "select", id, "1"]);
    assert_eq!(selected.status.code(), Some(1), "{selected:?}");
    let watched = daemon.ctl(&["plan", "watch", id]);
    assert_eq!(watched.status.code(), Some(1), "a lost plan: {watched:?}");
}

#[test]
fn a_request_that_cannot_be_met_says_what_would_help() {
    let mut document = wedding();
    document["budget"]["amount"] = json!("1000.00");
    let output = submit(&document, &["--wait"]);
    assert_eq!(output.status.code(), Some(1));
    let plan = json_of(&output);
    assert_eq!(plan["state"], "infeasible");
    let ways = plan["infeasibility"]["relaxations"].as_array().unwrap();
    assert!(ways.iter().any(|way| way["field"] == "budget.amount"), "{plan}");
}

#[test]
fn every_bad_request_names_its_field_and_a_remedy() {
    let cases = [
        ("/budget/amount", json!("-5.00"), "budget.amount"),
        ("/colour", json!("red"), "colour"),
        ("/date", json!("2020-01-01"), "date"),
        ("/guests", json!(0), "guests"),
        ("/time_zone", Value::Null, "time_zone"),
        ("/vision", json!("x".repeat(10_000_000)), "vision"),
        ("/services", json!({"juggler": {}}), "services.juggler"),
        ("/must_include", json!(["no-such-vendor"]), "must_include[0]"),
    ];
    for (pointer, value, field) in cases {
        let mut document = wedding();
        let (parent, key) = pointer.rsplit_once('/').unwrap();
        let parent = document.pointer_mut(parent).unwrap().as_object_mut().unwrap();
        match value {
            Value::Null => drop(parent.remove(key)),
            value => drop(parent.insert(key.to_owned(), value)),
        }
        let output = submit(&document, &[]);
        assert_eq!(output.status.code(), Some(1), "{field}");
        let error = &json_of(&output)["error"];
        assert_eq!((&error["code"], &error["field"]), (&json!("invalid"), &json!(field)));
        assert!(error["hint"].as_str().is_some_and(|hint| !hint.is_empty()), "{error}");
        assert!(stderr_of(&output).starts_with(&format!("error: {field}: ")), "{output:?}");
        assert!(output.stderr.len() < 1_000, "an error doesn't repeat the document");
    }
    let large = daemon().ctl_with(&["plan", "submit", "-"], &vec![b' '; 17 << 20]);
    assert_eq!(large.status.code(), Some(1));
    assert!(stderr_of(&large).contains("larger than 16 MiB"), "{large:?}");
}

#[test]
fn every_bad_vendor_file_names_its_row_and_imports_nothing() {
    let daemon = daemon();
    let vendor = |id: &str| {
        json!({"external_id": id, "category": "florist", "name": "N", "city": "Nowhere",
               "pricing": [{"label": "l", "basis": "flat", "amount": "5.00", "currency": "INR"}]})
    };
    let with = |change: &dyn Fn(&mut Value)| {
        let mut changed = vendor("b");
        change(&mut changed);
        json!([vendor("a"), changed]).to_string()
    };
    let cases = [
        (with(&|v| v["name"] = json!("")), 2, "name"),
        (with(&|v| v["external_id"] = json!("a")), 2, "external_id"),
        (with(&|v| v["pricing"][0]["currency"] = json!("RUPEE")), 2, "pricing[0].currency"),
        (with(&|v| v["category"] = json!("juggler")), 2, "category"),
        (
            with(&|_| ()).replace("\"external_id\":\"b\"", "\"external_id\":\"b\",\"rating\":NaN"),
            2,
            "",
        ),
        (with(&|_| ())[..200].to_owned(), 1, ""),
    ];
    for (text, row, field) in cases {
        let output = daemon.ctl_with(&["--json", "vendors", "import", "-"], text.as_bytes());
        assert_eq!(output.status.code(), Some(1), "{text}");
        let error = &json_of(&output)["error"];
        let refused = &error["refused"][0];
        assert!(refused["row"].as_u64().unwrap() >= row, "{error}");
        assert!(refused["field"].as_str().unwrap().contains(field), "{error}");
        let found = daemon.json(&["vendors", "search", "--city", "Nowhere"]);
        assert_eq!(found["vendors"], json!([]), "nothing was imported of {text}");
    }
    // The good rows alone, when that is asked for.
    let text = with(&|v| v["name"] = json!(""));
    let args = ["--json", "vendors", "import", "-", "--skip-invalid"];
    let report = json_of(&daemon.ctl_with(&args, text.as_bytes()));
    assert_eq!((&report["inserted"], &report["skipped"]), (&json!(1), &json!(1)), "{report}");
    assert_eq!(report["errors"][0]["row"], 2);
    assert_eq!(fs::read_dir(daemon.folder.path().join("spool")).unwrap().count(), 0);
}

#[test]
fn vendors_are_found_generated_and_counted() {
    let daemon = daemon();
    let args = ["vendors", "search", "--category", "venue", "--city", "Bengaluru", "--limit", "5"];
    let found = daemon.json(&args);
    assert_eq!(found["vendors"].as_array().unwrap().len(), 5);
    assert!(found["vendors"].as_array().unwrap().iter().all(|v| v["category"] == "venue"));
    let before = daemon.json(&["vendors", "stats"])["total"].as_u64().unwrap();
    let city = ["--city", "Testville", "--currency", "INR", "--near", "12.9,77.5"];
    let args = [&["vendors", "generate", "--count", "40", "--seed", "5"], &city[..]].concat();
    assert_eq!(daemon.json(&args)["inserted"], 40);
    assert_eq!(daemon.json(&args)["updated"], 40, "the same seed makes the same vendors");
    let stats = daemon.json(&["vendors", "stats"]);
    assert!(stats["total"].as_u64().unwrap() >= before + 40, "{stats}");
    let text = daemon.ctl(&["vendors", "stats"]);
    assert!(String::from_utf8_lossy(&text.stdout).contains("Testville"), "{text:?}");
}

#[test]
fn every_refusal_is_an_error_document() {
    let cases = [
        ("GET", "/nowhere", "", 404, "not_found"),
        ("DELETE", "/v1/plans", "", 405, "method_not_allowed"),
        ("GET", "/v1/plans/x", "", 400, "invalid"),
        ("GET", "/v1/plans/0190b2c4-6f3e-7000-8000-000000000001", "", 404, "not_found"),
        ("GET", "/v1/plans?limit=many", "", 400, "invalid"),
        ("GET", "/v1/plans?limit=0", "", 400, "invalid"),
        ("GET", "/v1/plans?colour=red", "", 400, "invalid"),
        ("POST", "/v1/plans", "{", 400, "invalid"),
        ("POST", "/v1/vendors/import?format=xml", "", 400, "invalid"),
        ("POST", "/v1/vendors/generate", "{\"count\":0}", 400, "invalid"),
        ("POST", "/v1/vendors/generate", "{\"cuont\":1}", 400, "invalid"),
        ("POST", "/v1/admin/log-level", "{\"level\":\"loud\"}", 400, "invalid"),
    ];
    for (method, path, body, status, code) in cases {
        let (found, document) = call(method, path, body);
        assert_eq!((found, &document["error"]["code"]), (status, &json!(code)), "{method} {path}");
        assert!(document["error"]["message"].as_str().is_some_and(|text| !text.is_empty()));
    }
    // 17 MiB, and a body that never comes.
    let head = "POST /v1/plans HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: ";
    let large = [format!("{head}{}\r\n\r\n", 17 << 20).into_bytes(), vec![b' '; 17 << 20]].concat();
    let (status, body) = http(&large);
    assert_eq!(status, 413, "{body}");
    let (status, body) = http(format!("{head}10\r\n\r\n{{").as_bytes());
    assert_eq!(status, 408, "{body}");
    assert!(body.contains("\"timeout\""), "{body}");
}

#[test]
fn the_daemon_tells_how_it_is() {
    let daemon = daemon();
    let status = daemon.json(&["status"]);
    assert_eq!(status["pid"], daemon.pid());
    assert_eq!(status["actors"].as_array().unwrap().len(), 4);
    assert!(status["memory_bytes"].as_u64().unwrap() > 1 << 20);
    let health = daemon.json(&["health"]);
    assert_eq!(health["healthy"], true);
    assert_eq!(daemon.json(&["llm", "status"])["endpoints"], json!([]));
    assert!(daemon.json(&["alerts"])["firing"].is_array());
    let metrics = daemon.ctl(&["metrics"]);
    assert!(String::from_utf8_lossy(&metrics.stdout).contains("eventplanner_"), "{metrics:?}");
    let report = daemon.json(&["report"]);
    assert!(report["system"]["resident_bytes"].as_u64().unwrap() > 1 << 20, "{report}");
    let text = String::from_utf8(daemon.ctl(&["report"]).stdout).unwrap();
    assert!(text.starts_with("eventplanner performance report"), "{text}");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("report.md");
    daemon.json(&["report", "--markdown", "--output", file.to_str().unwrap()]);
    assert!(std::fs::read_to_string(file).unwrap().starts_with("# eventplanner"));
    assert!(daemon.json(&["llm", "tune"])["advice"].as_str().unwrap().contains("rules"));
    assert!(daemon.json(&["cache", "flush"])["query"].is_u64());
    assert_eq!(daemon.json(&["log-level", "debug"])["level"], "debug");
    assert_eq!(daemon.json(&["log-level", "info"])["level"], "info");
    let (status, features) = call("GET", "/v1", "");
    assert_eq!(status, 200);
    assert!(features["features"].as_array().unwrap().contains(&json!("plan_events")));
    for args in [&["status"][..], &["health"], &["alerts"], &["llm", "status"], &["plan", "list"]] {
        let output = daemon.ctl(args);
        assert!(output.status.success() && !output.stdout.contains(&0x1b), "{output:?}");
    }
}

#[test]
fn an_event_stream_goes_on_where_it_stopped() {
    let id = json_of(&submit(&wedding(), &["--wait"]))["id"].as_str().unwrap().to_owned();
    daemon().json(&["plan", "cancel", &id]);
    let events = |after: &str| {
        let request = format!(
            "GET /v1/plans/{id}/events HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\
             Last-Event-ID: {after}\r\n\r\n"
        );
        let (status, body) = http(request.as_bytes());
        assert_eq!(status, 200);
        let ids = body.lines().filter_map(|line| line.strip_prefix("id: "));
        ids.map(|id| id.parse::<u64>().unwrap()).collect::<Vec<_>>()
    };
    let all = events("0");
    assert!(all.len() >= 3, "{all:?}");
    let rest = events(&all[1].to_string());
    assert_eq!(rest, all[2..]);
}

#[test]
fn only_administrators_administer() {
    let daemon = daemon();
    if !nix::unistd::geteuid().is_root() {
        // One user alone can only show what the owner may.
        assert!(daemon.ctl(&["cache", "flush"]).status.success());
        return;
    }
    // As a user who can run the program and open the socket, and nothing more.
    let copy = daemon.folder.path().join("eventplannerctl");
    fs::copy(program("eventplannerctl"), &copy).unwrap();
    fs::set_permissions(&copy, fs::Permissions::from_mode(0o755)).unwrap();
    let as_nobody = |args: &[&str]| {
        let mut command = Command::new(&copy);
        command.arg("--socket").arg(daemon.socket()).args(args).uid(NOBODY).gid(NOBODY);
        command.current_dir("/").output().unwrap()
    };
    for args in [&["stop"][..], &["cache", "flush"], &["vendors", "generate", "--count", "1"]] {
        let output = as_nobody(args);
        assert_eq!(output.status.code(), Some(4), "{args:?}: {output:?}");
        assert!(stderr_of(&output).contains("65534"), "{output:?}");
    }
    for args in [&["status"][..], &["plan", "list"], &["vendors", "stats"]] {
        assert!(as_nobody(args).status.success(), "{args:?}");
    }
    let log = daemon.said("log");
    let denied = |line: &Value| line["event"] == "request_denied" && line["uid"] == NOBODY;
    let mut lines = log.lines().filter_map(|line| serde_json::from_str(line).ok());
    assert!(lines.any(|line: Value| denied(&line)), "{log}");
}

#[test]
fn a_socket_that_may_not_be_opened_ends_with_4() {
    let folder = folder();
    let socket = folder.path().join("s");
    let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    fs::set_permissions(&socket, fs::Permissions::from_mode(0o000)).unwrap();
    let mut command = eventplannerctl(&socket);
    if nix::unistd::geteuid().is_root() {
        let copy = folder.path().join("eventplannerctl");
        fs::copy(program("eventplannerctl"), &copy).unwrap();
        fs::set_permissions(&copy, fs::Permissions::from_mode(0o755)).unwrap();
        command = Command::new(&copy);
        command.arg("--socket").arg(&socket).uid(NOBODY).gid(NOBODY).current_dir("/");
    }
    let output = command.arg("status").output().unwrap();
    assert_eq!(output.status.code(), Some(4), "{output:?}");
}
