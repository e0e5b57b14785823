//! Options of plans over the socket: where there is one service, and as an export's solution has
//! them.

use std::fs;

use common::daemon::{Daemon, json_of, sample, solve};
use serde_json::{Value, json};

#[test]
fn a_plan_of_one_service_has_its_options_and_says_that_they_differ_in_one_place() {
    let daemon = Daemon::with_samples();
    let mut request: Value =
        serde_json::from_slice(&fs::read(sample("wedding.json")).unwrap()).unwrap();
    for category in ["photographer", "venue", "makeup_artist"] {
        let mut services = serde_json::Map::new();
        services.insert(category.into(), json!({}));
        request["services"] = Value::Object(services);
        let args = ["--json", "plan", "submit", "-", "--wait"];
        let plan = json_of(&daemon.ctl_with(&args, request.to_string().as_bytes()));
        assert_eq!(plan["state"], "awaiting_selection", "{category}: {plan}");
        assert_eq!(plan["options"].as_array().unwrap().len(), 3, "{category}: {plan}");
        let notes = plan["notes"].as_array().unwrap();
        let note = notes.iter().find(|note| note["code"] == "fewer_differences");
        let said = note.expect("it is said")["message"].as_str().unwrap();
        assert!(said.contains("one service") && said.contains("not in 2"), "{said}");
    }
}

/// Over the socket, from many vendors.
#[test]
fn a_plans_export_streams_and_solves_to_its_options() {
    let daemon = Daemon::start();
    let generated =
        ["vendors", "generate", "--count", "4000", "--city", "Bengaluru", "--seed", "1"];
    daemon.json(&generated);
    let request = sample("wedding.json");
    let plan = daemon.json(&["plan", "submit", request.to_str().unwrap(), "--wait"]);
    let id = plan["id"].as_str().unwrap();
    let output = daemon.ctl(&["--json", "plan", "export", id]);
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    assert!(output.stdout.ends_with(b"}\n"));
    let exported = json_of(&output);
    let ties = exported["ties"].as_array().unwrap().len();
    let bytes = output.stdout.len();
    assert!(ties > 100 && bytes < 250 * 4_000, "{ties} ties, {bytes} bytes");
    assert_eq!(exported["forbidden_pairs"], json!([]));
    let solved = json_of(&solve("an export", &output.stdout));
    let options = plan["options"].as_array().unwrap();
    assert_eq!(solved["options"].as_array().unwrap().len(), options.len());
    for (option, solution) in options.iter().zip(solved["options"].as_array().unwrap()) {
        let off = option["fitness"].as_f64().unwrap() - solution["value"].as_f64().unwrap();
        assert!(off.abs() < 1e-9, "{option} {solution}");
        let vendors: Vec<&str> = option["vendors"]
            .as_array()
            .unwrap()
            .iter()
            .map(|v| v["id"].as_str().unwrap())
            .collect();
        for id in solution["ids"].as_array().unwrap() {
            let vendor = id.as_str().unwrap().split('+').next().unwrap();
            assert!(vendors.contains(&vendor), "{option} {solution}");
        }
    }
    let off = plan["best_possible"].as_f64().unwrap() - solved["upper_bound"].as_f64().unwrap();
    assert!(off.abs() < 1e-9, "{plan} {solved}");

    // What no plan has is refused as before, by its one document.
    let unknown = daemon.ctl(&["--json", "plan", "export", "0190a5a0-0000-7000-8000-000000000000"]);
    assert_eq!(json_of(&unknown)["error"]["code"], "not_found", "{unknown:?}");
}
