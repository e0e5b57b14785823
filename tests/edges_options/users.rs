//! The same as users meet it: `eventplannerd solve`, and a plan of one service.

use std::{fs, path::Path};

use serde_json::{Value, json};

use super::daemon::{Daemon, eventplannerd, folder, json_of, sample};

/// Every file holds `problem`, and under `answer` what of the answer must be so.
#[test]
fn solve_answers_each_case_as_written_beside_it() {
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/edges/options");
    let scratch = folder();
    let file = scratch.path().join("problem.json");
    let mut count = 0;
    for case in fs::read_dir(cases).unwrap() {
        let path = case.unwrap().path();
        let case: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        fs::write(&file, case["problem"].to_string()).unwrap();
        let answer = json_of(&eventplannerd().arg("solve").arg(&file).output().unwrap());
        let ids: Vec<&Value> =
            answer["options"].as_array().unwrap().iter().map(|option| &option["ids"]).collect();
        assert_eq!(json!(ids), case["answer"]["ids"], "{path:?}: {answer}");
        for (field, expected) in case["answer"].as_object().unwrap() {
            assert!(field == "ids" || answer[field] == *expected, "{path:?}, {field}: {answer}");
        }
        count += 1;
    }
    assert!(count >= 6);
}

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
