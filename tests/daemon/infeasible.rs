//! What is offered where a request can't be met: over the socket of a real daemon, each way out
//! taken and planned.

use std::{
    fs,
    path::{Path, PathBuf},
};

use common::daemon::{Daemon, json_of, sample};
use serde_json::{Value, json};

fn wedding(edit: impl FnOnce(&mut Value)) -> Value {
    let mut document: Value =
        serde_json::from_slice(&fs::read(sample("wedding.json")).unwrap()).unwrap();
    edit(&mut document);
    document
}

fn plan(daemon: &Daemon, document: &Value) -> Value {
    let args = ["--json", "plan", "submit", "-", "--wait"];
    json_of(&daemon.ctl_with(&args, document.to_string().as_bytes()))
}

fn import(daemon: &Daemon, vendors: &[Value]) {
    let text = json!(vendors).to_string();
    let output = daemon.ctl_with(&["--json", "vendors", "import", "-"], text.as_bytes());
    assert!(output.status.success(), "{output:?}");
}

fn vendor(city: &str, category: &str, (lat, lon): (f64, f64), most_guests: u32) -> Value {
    json!({
        "external_id": format!("{city}-{category}"), "category": category, "city": city,
        "name": format!("{category} of {city}"), "location": {"lat": lat, "lon": lon},
        "capacity": {"max": most_guests}, "tags": ["vegetarian"],
        "pricing": [{"label": "l", "basis": "flat", "amount": "50000.00", "currency": "INR"}],
    })
}

/// The document with a relaxation's changes made, as a client would write them.
fn relaxed(document: &Value, relaxation: &Value) -> Value {
    let (field, value) = (relaxation["field"].as_str().unwrap(), &relaxation["value"]);
    let mut document = document.clone();
    for (field, text) in field.split(", ").zip(value.as_str().unwrap().split("; ")) {
        let pointer = format!("/{}", field.replace(['.', '['], "/").replace(']', ""));
        let (parent, key) = pointer.rsplit_once('/').unwrap();
        let is_text = matches!(key, "amount" | "date" | "city" | "start");
        let value = if is_text { json!(text) } else { serde_json::from_str(text).unwrap() };
        let parent = document.pointer_mut(parent).unwrap();
        match parent.as_array_mut() {
            Some(list) => drop(list.remove(key.parse().unwrap())),
            None => parent[key] = value,
        }
    }
    document
}

fn relaxations(plan: &Value) -> &[Value] {
    assert_eq!(plan["state"], "infeasible", "{plan}");
    plan["infeasibility"]["relaxations"].as_array().unwrap()
}

fn offered<'p>(plan: &'p Value, field: &str) -> Option<&'p str> {
    let found = relaxations(plan).iter().find(|relaxation| relaxation["field"] == field);
    found.map(|relaxation| relaxation["value"].as_str().unwrap())
}

#[test]
fn the_nearest_city_with_a_full_supply_is_offered() {
    let daemon = Daemon::start();
    let all = ["venue", "caterer", "photographer", "makeup_artist"];
    // Ownham's hall is too small; Nearham, 30 km away, has no caterer; Midham's hall is too
    // small as well; Farham and Endham can serve the event, and nobody there travels.
    let places = [
        ("Ownham", 12.0, 50, &all[..]),
        ("Nearham", 12.3, 500, &["venue", "photographer", "makeup_artist"][..]),
        ("Midham", 12.6, 60, &all[..]),
        ("Farham", 13.5, 500, &all[..]),
        ("Endham", 15.0, 500, &all[..]),
    ];
    for (city, lat, most_guests, categories) in places {
        let of = |category: &&str| vendor(city, category, (lat, 77.0), most_guests);
        import(&daemon, &categories.iter().map(of).collect::<Vec<_>>());
    }
    let request = |city: &str| {
        wedding(|document| {
            document["city"] = json!(city);
            document["services"] =
                all.iter().map(|category| ((*category).to_owned(), json!({}))).collect();
        })
    };
    let refused = plan(&daemon, &request("Ownham"));
    assert_eq!(offered(&refused, "city"), Some("Farham"), "{refused}");
    assert_eq!(offered(&refused, "guests"), Some("50"), "{refused}");
    assert_eq!(plan(&daemon, &request("Farham"))["state"], "awaiting_selection");
    // Nobody knows where this is; any city that will do is better than none.
    let refused = plan(&daemon, &request("Atlantis"));
    assert_eq!(offered(&refused, "city"), Some("Endham"), "{refused}");
    // A day on which all of Farham is closed leaves Endham.
    let mut closed = vendor("Farham", "venue", (13.5, 77.0), 500);
    closed["blackout_dates"] = json!([refused["event"]["date"]]);
    import(&daemon, &[closed]);
    let refused = plan(&daemon, &request("Ownham"));
    assert_eq!(offered(&refused, "city"), Some("Endham"), "{refused}");
}

#[test]
fn every_way_out_leads_to_a_plan() {
    let daemon = Daemon::with_samples();
    let cases: [fn(&mut Value); 5] = [
        |document| document["budget"]["amount"] = json!("200000.00"),
        |document| document["guests"] = json!(2_000),
        |document| document["preferences"]["dietary"] = json!(["fruitarian"]),
        |document| document["city"] = json!("Atlantis"),
        |document| {
            document["budget"]["amount"] = json!("350000.00");
            document["guests"] = json!(400);
        },
    ];
    for edit in cases {
        let document = wedding(|document| {
            let services = ["venue", "caterer", "photographer", "makeup_artist"];
            document["services"] =
                services.map(|name| (name.to_owned(), json!({}))).into_iter().collect();
            edit(document);
        });
        let refused = plan(&daemon, &document);
        let singles = relaxations(&refused).iter();
        let singles = singles.filter(|way| !way["field"].as_str().unwrap().contains(", "));
        let mut tried = 0;
        for way in singles {
            // A venue's policy is not the client's to write down.
            if way["field"] == "policies.catering" {
                continue;
            }
            let accepted = plan(&daemon, &relaxed(&document, way));
            assert_eq!(accepted["state"], "awaiting_selection", "{way} of {document}");
            tried += 1;
        }
        println!("{tried} ways out of {}", refused["infeasibility"]["conflicts"]);
        assert!(!relaxations(&refused).is_empty(), "{refused}");
    }
}

/// `tests/cases/edges/explain/*.json`: vendors, a request, and what is said of it.
#[test]
fn every_case_is_explained_as_written() {
    let daemon = Daemon::start();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/edges/explain");
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    paths.sort();
    let read =
        |path: &PathBuf| -> Value { serde_json::from_slice(&fs::read(path).unwrap()).unwrap() };
    let cases: Vec<Value> = paths.iter().map(read).collect();
    for case in &cases {
        let vendors = case["vendors"].as_array().unwrap();
        if !vendors.is_empty() {
            import(&daemon, vendors);
        }
    }
    for (case, path) in cases.iter().zip(&paths) {
        let document = wedding(|document| {
            for (field, value) in case["request"].as_object().unwrap() {
                document[field] = value.clone();
            }
        });
        let refused = plan(&daemon, &document);
        let told = &refused["infeasibility"];
        assert_eq!(told["conflicts"], case["conflicts"], "{path:?}: {refused}");
        // The other cases' cities are ways out as well; of each, only its own are written down.
        let is_own = |way: &&Value| {
            way["field"] != "city" || case["ways"].to_string().contains(&way["value"].to_string())
        };
        let ways: Vec<&Value> = relaxations(&refused).iter().filter(is_own).collect();
        let pairs = ways.iter().map(|way| json!([way["field"], way["value"]])).collect::<Value>();
        assert_eq!(pairs, case["ways"], "{path:?}: {refused}");
        for way in ways {
            let accepted = plan(&daemon, &relaxed(&document, way));
            assert_eq!(accepted["state"], "awaiting_selection", "{way} of {path:?}: {accepted}");
        }
        assert_eq!(told["no_way_out"]["statement"], case["no_way_out"], "{path:?}");
        let shown = daemon.ctl(&["plan", "show", refused["id"].as_str().unwrap()]);
        let text = String::from_utf8(shown.stdout).unwrap();
        let has_ways = !relaxations(&refused).is_empty();
        assert_eq!(text.contains("each of these alone is enough:\n  - "), has_ways, "{text}");
        assert_eq!(text.contains("each of these"), has_ways, "{text}");
        let none = case["no_way_out"].as_str().unwrap_or("these can't hold together:\n  - ");
        assert!(text.contains(none), "{text}");
    }
}
