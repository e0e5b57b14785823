//! Times that can't be held: each answer over the socket of a real daemon, in cities of 600
//! vendors. The cases lie under `tests/cases/edges/times`.

use std::{fs, path::Path, time::Instant};

use common::daemon::{Daemon, eventplannerd, json_of};
use serde_json::{Value, json};

/// Vendors of a city by category.
const CITY: [(&str, usize); 7] = [
    ("venue", 180),
    ("caterer", 70),
    ("photographer", 70),
    ("makeup_artist", 70),
    ("florist", 70),
    ("music", 70),
    ("decorator", 70),
];
/// By turns.
const STYLES: [&str; 5] = ["classic", "rustic", "modern", "garden", "bohemian"];

fn cases(file: &str) -> Vec<Value> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/edges/times");
    let text = fs::read_to_string(folder.join(file)).unwrap();
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{file}: {error}"))
}

/// Puts `change` into `document`; objects are joined, anything else is replaced.
fn merge(document: &mut Value, change: &Value) {
    match (document.as_object_mut(), change.as_object()) {
        (Some(fields), Some(changes)) => {
            for (key, change) in changes {
                merge(fields.entry(key.clone()).or_insert(Value::Null), change);
            }
        }
        _ => *document = change.clone(),
    }
}

/// Prices and ratings that differ, so that there is something to choose.
fn vendor(city: &str, category: &str, i: usize) -> Value {
    let price = 20_000 + (i * 7_919) % 30_011;
    json!({
        "external_id": format!("{city}-{category}-{i:03}"), "category": category, "city": city,
        "name": format!("{category} {i:03}"), "rating": 2.0 + (i * 37 % 60) as f64 / 20.0,
        "styles": [STYLES[i % 5]], "capacity": { "max": 400 }, "tags": ["vegetarian"],
        "pricing": [{ "label": "all", "basis": "flat", "amount": format!("{price}.00"),
            "currency": "INR" }],
    })
}

fn import_city(daemon: &Daemon, city: &str, case: &Value) {
    let mut vendors = Vec::new();
    let edits = case["vendors"].as_array().cloned().unwrap_or_default();
    for (category, count) in CITY {
        for i in 0..count {
            let mut made = vendor(city, category, i);
            for edit in edits.iter().filter(|edit| edit["category"] == category) {
                let share = |at: usize| edit["of"][at].as_u64().unwrap() as usize;
                if i % share(1) < share(0) {
                    merge(&mut made, &edit["set"]);
                }
            }
            vendors.push(made);
        }
    }
    let text = json!(vendors).to_string();
    let output = daemon.ctl_with(&["--json", "vendors", "import", "-"], text.as_bytes());
    assert!(output.status.success(), "{output:?}");
}

fn request(city: &str, case: &Value) -> Value {
    let services: serde_json::Map<String, Value> =
        CITY.iter().map(|(category, _)| ((*category).to_owned(), json!({}))).collect();
    let mut document = json!({
        "client": { "name": "A" }, "event_type": "wedding", "date": "+120d", "start": "16:00",
        "time_zone": "Asia/Kolkata", "hours": 8, "city": city, "guests": 150,
        "budget": { "amount": "400000.00", "currency": "INR" }, "services": services,
        "anchors": [{ "activity": "ceremony", "at": "17:00" }],
    });
    if case["request"]["functions"].is_array() && case["request"]["services"].is_object() {
        document["services"] = json!({});
    }
    if case["request"].is_object() {
        merge(&mut document, &case["request"]);
    }
    document
}

fn submitted(daemon: &Daemon, document: &Value) -> Value {
    let started = Instant::now();
    let args = ["--json", "plan", "submit", "-", "--wait"];
    let answer = json_of(&daemon.ctl_with(&args, document.to_string().as_bytes()));
    println!("{:>6} ms", started.elapsed().as_millis());
    answer
}

/// Answers a problem file without the daemon.
fn solved(daemon: &Daemon, problem: &Value) -> Value {
    let path = daemon.folder.path().join("problem.json");
    fs::write(&path, problem.to_string()).unwrap();
    json_of(&eventplannerd().arg("solve").arg(&path).output().unwrap())
}

fn holds_all(text: &str, words: &Value) -> bool {
    words.as_array().unwrap().iter().all(|word| text.contains(word.as_str().unwrap()))
}

fn check(daemon: &Daemon, city: &str, case: &Value) {
    let name = case["name"].as_str().unwrap();
    print!("{name}: ");
    let answer = submitted(daemon, &request(city, case));
    let error = &answer["error"];
    if case["refused"].is_object() {
        assert_eq!(error["code"], "invalid", "{name}: {answer}");
        assert_eq!(error["field"], case["refused"]["field"], "{name}: {answer}");
        let message = error["message"].as_str().unwrap();
        assert!(holds_all(message, &case["refused"]["words"]), "{name}: {answer}");
        assert!(!error["hint"].as_str().unwrap_or_default().is_empty(), "{name}: {answer}");
        return;
    }
    assert!(error.is_null(), "{name}: {answer}");
    if case["infeasible"].is_array() {
        assert_eq!(answer["state"], "infeasible", "{name}: {answer}");
        let conflicts = answer["infeasibility"]["conflicts"].to_string();
        assert!(conflicts.contains("the timeline"), "{name}: {conflicts}");
        assert!(holds_all(&conflicts, &case["infeasible"]), "{name}: {conflicts}");
        return;
    }
    assert_eq!(answer["state"], "awaiting_selection", "{name}: {answer}");
    let options = answer["options"].as_array().unwrap();
    assert_eq!(options.len() as u64, case["options"].as_u64().unwrap(), "{name}: {answer}");
    assert_eq!(answer["cut_short"], false, "{name}: {answer}");
    let id = answer["id"].as_str().unwrap();
    let proof = daemon.json(&["plan", "show", id, "--proof"]);
    assert_eq!(proof["verified"], true, "{name}: {proof}");
    // The exported problem holds what was refused: any solver comes to the same.
    let problem = daemon.json(&["plan", "export", id, "--format", "problem"]);
    assert!(problem["nogoods_left_out"].is_null(), "{name}");
    let solved = solved(daemon, &problem);
    let (bound, best) = (solved["upper_bound"].as_f64(), answer["best_possible"].as_f64());
    let gap = (bound.unwrap() - best.unwrap()).abs();
    assert!(gap < 1e-6, "{name}: {bound:?} for {best:?}");
}

#[test]
fn times_of_the_request_that_clash_are_refused_at_submit() {
    let daemon = Daemon::start();
    let fit = json!({});
    import_city(&daemon, "Timeham", &fit);
    for case in cases("request.json") {
        check(&daemon, "Timeham", &case);
    }
}

#[test]
fn vendors_who_cannot_keep_the_times_are_left_out_and_told() {
    let daemon = Daemon::start();
    for case in &cases("vendors.json") {
        // Each import replaces the vendors of the one before.
        import_city(&daemon, "Timeham", case);
        check(&daemon, "Timeham", case);
    }
}

/// What a small file says: the best pair is ruled out, then the best of the rest, then one alone.
#[test]
fn a_problem_file_states_no_goods() {
    let daemon = Daemon::start();
    let one = |id: &str, value: f64| json!({ "id": id, "value": [value], "use": [1] });
    let problem = |nogoods: Value| {
        json!({
            "categories": [
                { "name": "a", "candidates": [one("a1", 0.5), one("a2", 0.3)] },
                { "name": "b", "candidates": [one("b1", 0.4), one("b2", 0.3)] },
                { "name": "c", "candidates": [one("c1", 0.1), one("c2", 0.05)] },
            ],
            "limits": [10], "options": 1, "nogoods": nogoods,
        })
    };
    for (nogoods, ids) in [
        (json!([]), json!(["a1", "b1", "c1"])),
        (json!([["a1", "b1", "c1"]]), json!(["a1", "b1", "c2"])),
        (json!([["b1", "a1"]]), json!(["a1", "b2", "c1"])),
        (json!([["b1", "a1"], ["a1", "b2"]]), json!(["a2", "b1", "c1"])),
        (json!([["a1"], ["b1", "c1"]]), json!(["a2", "b1", "c2"])),
        // Two of one category are never chosen together; twice the same is the same.
        (json!([["a1", "a2"], ["c1", "c1"]]), json!(["a1", "b1", "c2"])),
    ] {
        let solved = solved(&daemon, &problem(nogoods.clone()));
        assert_eq!(solved["options"][0]["ids"], ids, "{nogoods}: {solved}");
        assert_eq!(solved["options_proven"], true, "{nogoods}: {solved}");
    }
    let solved_none = solved(&daemon, &problem(json!([["a1"], ["a2"]])));
    assert_eq!(solved_none["feasible"], false, "{solved_none}");
    for (nogoods, field) in
        [(json!([["a1", "zz"]]), "nogoods[0][1]"), (json!([["a1"], []]), "nogoods[1]")]
    {
        let path = daemon.folder.path().join("wrong.json");
        fs::write(&path, problem(nogoods).to_string()).unwrap();
        let refused = eventplannerd().arg("solve").arg(&path).output().unwrap();
        assert!(!refused.status.success(), "{refused:?}");
        let said = [refused.stdout, refused.stderr].concat();
        assert!(
            String::from_utf8_lossy(&said).contains(field),
            "{}",
            String::from_utf8_lossy(&said)
        );
    }
}
