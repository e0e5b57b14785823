//! The API's description against the routes, and against what the daemon and the command line
//! really answer.

#[path = "common/daemon.rs"]
mod daemon;

use std::{collections::BTreeSet, fs, path::Path};

use daemon::{Daemon, json_of, sample};
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
    let table = text.split("pub fn routes(").nth(1).unwrap().split("default_service").next();
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
    let shape = |name: &str, args: &[&str]| -> Value {
        let value = daemon.json(args);
        assert_shape(&document, name, &value);
        value
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
    for event in daemon.json(&["plan", "watch", id]).as_array().unwrap() {
        assert_shape(&document, "Event", event);
    }
    shape("Proof", &["plan", "show", id, "--proof"]);
    shape("Plan", &["plan", "select", id, "1", "--wait"]);
    shape("Plan", &["plan", "replan", id, "--guests", "150"]);
    let other = shape("Plan", &["plan", "submit", "--wait", wedding.to_str().unwrap()]);
    shape("Plan", &["plan", "cancel", other["id"].as_str().unwrap()]);
    shape("History", &["history"]);
    shape("History", &["history", "--runs"]);
    shape("Status", &["status"]);
    shape("Health", &["health"]);
    shape("Alerts", &["alerts"]);
    let report = shape("Report", &["report"]);
    assert!(report["workflow"]["rounds_ended"].as_object().is_some_and(|ended| !ended.is_empty()));
    shape("Report", &["report", "--single"]);
    shape("Llm", &["llm", "status"]);
    shape("AuditTrail", &["plan", "show", id, "--audit"]);
    shape("VerifiedAudit", &["verify", "audit"]);
    shape("Reloaded", &["reload"]);
    shape("Draining", &["drain", "--no-wait"]);
    shape("Draining", &["drain", "--undo"]);
    shape("Flushed", &["cache", "flush", "all"]);
    shape("LogLevel", &["log-level", "info"]);
    let refused = json_of(&daemon.ctl(&["--json", "plan", "select", id, "2"]));
    assert_shape(&document, "Error", &refused);

    let measured = daemon.ctl(&["--json", "verify", "optimizations", "--samples", "3"]);
    let measured = json_of(&measured);
    assert_shape(&document, "Optimizations", &measured);
    mechanisms_are_measured(&measured);
    let table = daemon.ctl(&["verify", "optimizations", "--samples", "3"]);
    let table = String::from_utf8_lossy(&table.stdout).into_owned();
    assert!(table.contains("state compression") && table.contains("verdict"), "{table}");
    shape("Stopping", &["stop"]);
    assert_eq!(daemon.wait().code(), Some(0));
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
    let compression = rows.iter().find(|row| row["name"] == "state compression").unwrap();
    assert_eq!(compression["verdict"], "pass", "{compression}");
}
