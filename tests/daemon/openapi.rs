//! The API's description against the routes, and against what the daemon and the command line
//! really answer.

use std::{cell::RefCell, collections::BTreeSet, fs, path::Path, process::Output, sync::Arc};

use common::daemon::{Daemon, json_of, sample};
use eventplanner::documents::FORMS;
use serde_json::{Value, json};

fn document() -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("etc/openapi.json");
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

/// `GET /v1/plans`, …: every method of every path.
fn described(document: &Value) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for method in methods.as_object().unwrap().keys() {
            found.insert(format!("{} {path}", method.to_uppercase()));
        }
    }
    found
}

/// As the table of routes in the source has them.
fn routed() -> BTreeSet<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/daemon/api/mod.rs");
    let text = fs::read_to_string(path).unwrap();
    let table = text.split("fn routes(").nth(1).unwrap().split("default_service").next();
    let mut found = BTreeSet::new();
    for resource in table.unwrap().split("resource(\"").skip(1) {
        let path = resource.split('"').next().unwrap();
        for (method, call) in [("GET", "web::get()"), ("POST", "web::post()")] {
            if resource.contains(call) {
                found.insert(format!("{method} {path}"));
            }
        }
    }
    found
}

#[test]
fn every_route_is_described_and_nothing_else() {
    let document = document();
    assert_eq!(described(&document), routed());
    // References lead somewhere, and no operation has another's name.
    let text = document.to_string();
    for reference in text.split("\"#/components/schemas/").skip(1) {
        let name = reference.split('"').next().unwrap();
        assert!(document["components"]["schemas"][name].is_object(), "no schema {name}");
    }
    let ids: Vec<&str> = text.split("\"operationId\":\"").skip(1).map(first_word).collect();
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len());
}

fn first_word(text: &str) -> &str {
    text.split('"').next().unwrap()
}

/// Holds a value against a schema of the document.
fn assert_shape(document: &Value, name: &str, value: &Value) {
    let schema = json!({
        "$ref": format!("#/components/schemas/{name}"),
        "components": document["components"],
    });
    let validator = jsonschema::validator_for(&schema).unwrap();
    let errors: Vec<String> =
        validator.iter_errors(value).map(|e| format!("{}: {e}", e.instance_path())).collect();
    assert!(errors.is_empty(), "{name}: {errors:#?}\n{value}");
}

/// `--json` of every command is the reply of its call, in the described shape.
#[test]
fn what_each_command_prints_with_json_has_its_described_shape() {
    let document = document();
    let daemon = Daemon::start();
    assert!(served(&daemon) == document, "GET /v1/openapi.json is another document");
    let seen = RefCell::new(BTreeSet::new());
    let judge = |name: &str, args: &[&str], output: &Output| -> Value {
        let value = json_of(output);
        assert_shape(&document, name, &value);
        let command = described_command(&document, args);
        let described = format!("#/components/schemas/{name}");
        assert_eq!(document["x-commands"][&command], described, "{command}");
        seen.borrow_mut().insert(command);
        value
    };
    let shape = |name: &str, args: &[&str]| -> Value {
        let output = daemon.ctl(&[&["--json"], args].concat());
        assert!(output.status.success(), "{args:?}: {output:?}");
        judge(name, args, &output)
    };
    let vendors = sample("vendors.json");
    shape("ImportReport", &["vendors", "import", vendors.to_str().unwrap()]);
    shape("ImportReport", &["vendors", "generate", "--count", "3"]);
    shape("VendorList", &["vendors", "search", "--limit", "3"]);
    shape("VendorStats", &["vendors", "stats"]);
    let wedding = sample("wedding.json");
    let plan = shape("Plan", &["plan", "submit", "--wait", wedding.to_str().unwrap()]);
    let id = plan["id"].as_str().unwrap();
    let request = serde_json::from_slice(&fs::read(&wedding).unwrap()).unwrap();
    assert_shape(&document, "PlanRequest", &request);
    shape("Plan", &["plan", "show", id]);
    shape("PlanList", &["plan", "list"]);
    shape("Problem", &["plan", "export", id]);
    let events = shape("Events", &["plan", "watch", id]);
    assert!(!events.as_array().unwrap().is_empty());
    shape("Proof", &["plan", "show", id, "--proof"]);
    shape("Plan", &["plan", "select", id, "1", "--wait"]);
    let written = shape("Documents", &["plan", "documents", id]);
    assert_eq!(written["documents"].as_array().unwrap().len(), FORMS.len());
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().to_str().unwrap();
    let written = shape("Documents", &["plan", "documents", id, "--output", output]);
    assert!(Path::new(written["documents"][0].as_str().unwrap()).is_file(), "{written}");
    shape("Plan", &["plan", "replan", id, "--guests", "150"]);
    let other = shape("Plan", &["plan", "submit", "--wait", wedding.to_str().unwrap()]);
    shape("Plan", &["plan", "cancel", other["id"].as_str().unwrap()]);
    let erased = shape("Plan", &["plan", "erase", other["id"].as_str().unwrap()]);
    assert_eq!(erased["requirements"]["keywords"], json!([]), "{erased}");
    shape("History", &["history"]);
    shape("History", &["history", "--runs"]);
    shape("Status", &["status"]);
    shape("Health", &["health"]);
    shape("Alerts", &["alerts"]);
    let report = shape("Report", &["report"]);
    assert!(report["workflow"]["rounds_ended"].as_object().is_some_and(|ended| !ended.is_empty()));
    shape("Report", &["report", "--single"]);
    shape("WrittenReport", &["report", "--markdown"]);
    let file = folder.path().join("report.json");
    shape("WrittenReport", &["report", "--output", file.to_str().unwrap()]);
    assert_shape(&document, "Report", &serde_json::from_slice(&fs::read(&file).unwrap()).unwrap());
    shape("Prometheus", &["metrics"]);
    shape("Llm", &["llm", "status"]);
    shape("Llm", &["llm", "warm"]);
    shape("Advice", &["llm", "tune"]);
    shape("Script", &["completions", "bash"]);
    shape("ManPage", &["man"]);
    shape("ManPage", &["man", "--output", output]);
    shape("AuditTrail", &["plan", "show", id, "--audit"]);
    shape("VerifiedAudit", &["verify", "audit"]);
    shape("Reloaded", &["reload"]);
    shape("Draining", &["drain", "--no-wait"]);
    shape("Draining", &["drain", "--undo"]);
    shape("Flushed", &["cache", "flush", "all"]);
    shape("LogLevel", &["log-level", "info"]);
    let refused = json_of(&daemon.ctl(&["--json", "plan", "select", id, "2"]));
    assert_shape(&document, "Error", &refused);

    let verify = ["verify", "optimizations", "--samples", "3"];
    let measured = daemon.ctl(&[&["--json"], &verify[..]].concat());
    mechanisms_are_measured(&judge("Optimizations", &verify, &measured));
    let table = daemon.ctl(&["verify", "optimizations", "--samples", "3"]);
    let table = String::from_utf8_lossy(&table.stdout).into_owned();
    assert!(table.contains("state compression") && table.contains("verdict"), "{table}");
    shape("Stopping", &["stop"]);
    let described = document["x-commands"].as_object().unwrap().keys().cloned();
    assert_eq!(seen.borrow().clone(), described.collect::<BTreeSet<_>>(), "each one was looked at");
    assert_eq!(daemon.wait().code(), Some(0));
}

/// A model that can't be loaded is a failure, told in the same shape.
#[test]
fn a_model_server_that_is_away_has_its_described_shape() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = format!("http://{closed}");
    let daemon = Daemon::start_in(Arc::new(common::daemon::folder()), &[("OLLAMA_BASE_URL", &url)]);
    let output = daemon.ctl(&["--json", "llm", "warm"]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let llm = json_of(&output);
    assert_shape(&document(), "Llm", &llm);
    assert_eq!(llm["endpoints"][0]["model_state"], "unreachable", "{llm}");
}

/// The longest entry of `x-commands` whose words all stand among the arguments, in their order.
fn described_command(document: &Value, args: &[&str]) -> String {
    let commands = document["x-commands"].as_object().unwrap().keys();
    let stands_in = |command: &&String| {
        let mut args = args.iter();
        command.split(' ').all(|word| args.any(|arg| *arg == word))
    };
    commands.filter(stands_in).max_by_key(|command| command.len()).unwrap().clone()
}

/// Every command of the command line, and no other, has its shape in the description.
#[test]
fn every_command_has_its_described_shape() {
    let document = document();
    let mut commands = BTreeSet::new();
    leaves(&eventplanner::ctl::command(), "", &mut commands);
    let described = document["x-commands"].as_object().unwrap();
    let plain = |name: &String| name.split(" --").next().unwrap_or_default().to_owned();
    assert_eq!(described.keys().map(plain).collect::<BTreeSet<_>>(), commands);
    for (command, shape) in described {
        let name = shape.as_str().unwrap().rsplit('/').next().unwrap();
        assert!(document["components"]["schemas"][name].is_object(), "{command}: no {name}");
    }
}

fn leaves(command: &clap::Command, above: &str, found: &mut BTreeSet<String>) {
    for sub in command.get_subcommands().filter(|sub| sub.get_name() != "help") {
        let name = format!("{above} {}", sub.get_name()).trim_start().to_owned();
        if sub.has_subcommands() {
            leaves(sub, &name, found);
        } else {
            found.insert(name);
        }
    }
}

fn served(daemon: &Daemon) -> Value {
    use std::io::{Read, Write};
    let mut stream = std::os::unix::net::UnixStream::connect(daemon.socket()).unwrap();
    let request = "GET /v1/openapi.json HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    stream.write_all(request.as_bytes()).unwrap();
    let mut reply = String::new();
    stream.read_to_string(&mut reply).unwrap();
    serde_json::from_str(reply.split_once("\r\n\r\n").unwrap().1).unwrap()
}

/// Twelve rows; those that need a model server say so, all others have figures. What they say is
/// the machine's business, except that compression makes bytes fewer on any machine.
fn mechanisms_are_measured(measured: &Value) {
    let rows = measured["mechanisms"].as_array().unwrap();
    assert_eq!(rows.len(), 12, "{measured}");
    for row in rows {
        let of_models = ["response cache", "warm-up", "batching"];
        let needs_a_server = of_models.contains(&row["name"].as_str().unwrap());
        assert_eq!(row["verdict"] == "not_measured", needs_a_server, "{row}");
        assert!(!(row["note"].is_null() && needs_a_server), "{row}");
        assert_eq!(row["samples"], if needs_a_server { 0 } else { 3 }, "{row}");
    }
    // 0.779 is the best that there is in the sample, so nothing can reach 0.9.
    let early = rows.iter().find(|row| row["name"] == "early termination").unwrap();
    let note = early["note"].as_str().unwrap();
    assert!(note.contains("it ended none earlier") && note.contains("has 0.779"), "{note}");
    assert!(note.contains("search.early_termination_threshold, 0.9"), "{note}");
    let compression = rows.iter().find(|row| row["name"] == "state compression").unwrap();
    assert_eq!(compression["verdict"], "pass", "{compression}");
}
