//! Days, nights of the clock change, venues' rules and hours billed, as a client meets them: over
//! the socket of a real daemon. The cases lie in `cases/edges/days`.

use std::{fs, path::Path};

use common::daemon::{Daemon, eventplannerd, json_of};
use serde_json::{Value, json};

/// A table of cases.
fn cases(name: &str) -> Vec<Value> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/edges/days");
    let text = fs::read(folder.join(name)).unwrap();
    let cases: Vec<Value> = serde_json::from_slice(&text).unwrap();
    assert!(!cases.is_empty());
    cases
}

fn vendor(city: &str, id: &str, category: &str) -> Value {
    json!({
        "external_id": format!("{city}-{id}"), "category": category, "city": city,
        "name": format!("{id} of {city}"),
        "pricing": [{"label": "l", "basis": "flat", "amount": "500.00", "currency": "EUR"}],
    })
}

/// Saturday 19 June 2027 in Berlin time.
fn request(city: &str) -> Value {
    json!({
        "client": {"name": "A. Client"}, "event_type": "other", "date": "2027-06-19",
        "start": "16:00", "time_zone": "Europe/Berlin", "hours": 6, "city": city, "guests": 50,
        "budget": {"amount": "90000.00", "currency": "EUR"},
        "services": {"venue": {}, "caterer": {}},
    })
}

fn merge(into: &mut Value, edit: &Value) {
    for (key, value) in edit.as_object().into_iter().flatten() {
        into[key] = value.clone();
    }
}

/// Takes some fields of a case over, where it has them.
fn take(into: &mut Value, case: &Value, fields: &[&str]) {
    for field in fields.iter().filter(|field| !case[**field].is_null()) {
        into[*field] = case[*field].clone();
    }
}

fn import(daemon: &Daemon, vendors: &[Value]) {
    let text = json!(vendors).to_string();
    let output = daemon.ctl_with(&["--json", "vendors", "import", "-"], text.as_bytes());
    assert!(output.status.success(), "{output:?}");
}

fn plan(daemon: &Daemon, document: &Value) -> Value {
    let args = ["--json", "plan", "submit", "-", "--wait"];
    let plan = json_of(&daemon.ctl_with(&args, document.to_string().as_bytes()));
    assert!(plan["error"].is_null(), "{document}: {plan}");
    plan
}

/// The vendors that any option puts into a place, sorted.
fn offered(plan: &Value, category: &str) -> Vec<String> {
    let options = plan["options"].as_array().unwrap().iter();
    let vendors = options.flat_map(|option| option["vendors"].as_array().unwrap());
    let of = vendors.filter(|vendor| vendor["category"] == category);
    let mut ids: Vec<String> = of.map(|v| v["id"].as_str().unwrap().to_owned()).collect();
    ids.sort();
    ids.dedup();
    ids
}

/// A plan's document once its first option is selected.
fn document(daemon: &Daemon, plan: &Value, name: &str) -> String {
    let id = plan["id"].as_str().unwrap();
    let done = daemon.json(&["plan", "select", id, "1", "--wait"]);
    assert_eq!(done["state"], "completed", "{done}");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    let output = daemon.ctl(&["plan", "documents", id, "--output", path]);
    assert!(output.status.success(), "{output:?}");
    fs::read_to_string(folder.path().join(name)).unwrap()
}

#[test]
fn every_local_day_on_the_spot_counts() {
    let daemon = Daemon::start();
    for (i, case) in cases("closed.json").iter().enumerate() {
        let city = format!("Closedham {i}");
        let mut venue = vendor(&city, "hall", "venue");
        merge(&mut venue, &case["edit"]);
        import(&daemon, &[venue, vendor(&city, "cook", "caterer")]);
        let mut request = request(&city);
        take(&mut request, case, &["start", "hours", "functions"]);
        let plan = plan(&daemon, &request);
        let expected = if case["offered"] == true { "awaiting_selection" } else { "infeasible" };
        assert_eq!(plan["state"], expected, "{case}: {plan}");
        // A way out by date is one.
        let ways = plan["infeasibility"]["relaxations"].as_array().cloned().unwrap_or_default();
        if let Some(way) = ways.iter().find(|way| way["field"] == "date") {
            let mut moved = request.clone();
            moved["date"] = way["value"].clone();
            if moved["functions"].is_null() {
                let moved = self::plan(&daemon, &moved);
                assert_eq!(moved["state"], "awaiting_selection", "{way} of {case}: {moved}");
            }
        }
    }
}

#[test]
fn a_booking_on_the_second_day_is_in_the_way() {
    let daemon = Daemon::start();
    let city = "Bookham";
    import(&daemon, &[vendor(city, "hall", "venue"), vendor(city, "cook", "caterer")]);
    let mut sunday = request(city);
    merge(&mut sunday, &json!({"date": "2027-06-20", "start": "12:00", "hours": 3}));
    let booked = plan(&daemon, &sunday);
    daemon.json(&["plan", "select", booked["id"].as_str().unwrap(), "1", "--wait"]);
    for (start, hours, expected) in [
        ("10:00", 30, "infeasible"),
        ("10:00", 26, "awaiting_selection"),
        ("10:00", 72, "infeasible"),
    ] {
        let mut weekend = request(city);
        merge(&mut weekend, &json!({"start": start, "hours": hours}));
        assert_eq!(plan(&daemon, &weekend)["state"], expected, "{start} {hours}");
    }
}

#[test]
fn what_cannot_be_meant_is_refused_with_a_remedy() {
    let daemon = Daemon::start();
    for case in cases("refused.json") {
        let mut document = request("Nowhere");
        for (pointer, value) in case["set"].as_object().unwrap() {
            document[pointer.trim_start_matches('/')] = value.clone();
        }
        let args = ["--json", "plan", "submit", "-"];
        let output = daemon.ctl_with(&args, document.to_string().as_bytes());
        let error = json_of(&output)["error"].clone();
        assert_eq!(
            (&error["code"], &error["field"]),
            (&json!("invalid"), &case["field"]),
            "{error}"
        );
        let says = case["says"].as_str().unwrap();
        assert!(error.to_string().contains(says), "{says} is not in {error}");
        assert!(error["hint"].as_str().is_some_and(|hint| !hint.is_empty()), "{error}");
    }
    // A vendor's times are as strict.
    for edit in [
        json!({"policies": {"music_until": "22:00+02:00"}}),
        json!({"blackout_dates": ["2027-06-20T10:00Z"]}),
    ] {
        let mut venue = vendor("Nowhere", "hall", "venue");
        merge(&mut venue, &edit);
        let text = json!([venue]).to_string();
        let output = daemon.ctl_with(&["--json", "vendors", "import", "-"], text.as_bytes());
        assert!(!output.status.success(), "{edit}");
    }
}

#[test]
fn a_plan_is_not_moved_into_a_skipped_hour() {
    let daemon = Daemon::start();
    let city = "Gapham";
    import(&daemon, &[vendor(city, "hall", "venue"), vendor(city, "cook", "caterer")]);
    let mut night = request(city);
    merge(&mut night, &json!({"date": "2027-03-27", "start": "02:30"}));
    let planned = plan(&daemon, &night);
    let id = planned["id"].as_str().unwrap();
    for (date, says) in [("2027-03-28", "from 02:00 to 03:00"), ("2027-04-01T10:00Z", "time_zone")]
    {
        let output = daemon.ctl(&["--json", "plan", "replan", id, "--date", date, "--wait"]);
        let error = json_of(&output)["error"].clone();
        assert_eq!(error["field"], "date", "{error}");
        assert!(error.to_string().contains(says), "{error}");
    }
    let moved = daemon.json(&["plan", "replan", id, "--date", "2027-03-29", "--wait"]);
    assert_eq!(moved["event"]["date"], "2027-03-29");
}

#[test]
fn the_nights_of_the_clock_change_read_forwards() {
    let daemon = Daemon::start();
    for (i, case) in cases("nights.json").iter().enumerate() {
        let city = format!("Nightham {i}");
        import(&daemon, &[vendor(&city, "hall", "venue"), vendor(&city, "cook", "caterer")]);
        let mut request = request(&city);
        take(&mut request, case, &["time_zone", "date", "start", "hours"]);
        let plan = plan(&daemon, &request);
        let text = document(&daemon, &plan, "blueprint.md");
        for expected in case["has"].as_array().unwrap() {
            assert!(text.contains(expected.as_str().unwrap()), "{expected} is not in:\n{text}");
        }
        let shown = daemon.ctl(&["plan", "show", plan["id"].as_str().unwrap()]);
        let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
        match case["line"].as_str() {
            Some(line) => {
                assert!(text.contains(line), "{line} is not in:\n{text}");
                // As a note the sentence begins small.
                let (_, rest) = line.split_at(1);
                assert!(shown.contains(rest), "{rest} is not in:\n{shown}");
                assert_eq!(text.matches(rest).count(), 1, "{text}");
            }
            None => assert!(!text.contains("clock goes") && !shown.contains("clock goes")),
        }
        if let Some(start) = case["shown"].as_str() {
            assert!(shown.contains(start), "{start} is not in:\n{shown}");
        }
        for row in text.lines().filter(|line| line.ends_with(" min |")) {
            let times = row.split('|').nth(1).unwrap().trim();
            let (from, until) = times.split_once('–').unwrap();
            let key = |told: &str| (told.contains("(+1 d)"), told[..5].to_owned());
            let has_zone = |told: &str| told.replace(" (+1 d)", "").len() > 5;
            assert!(key(from) <= key(until) || (has_zone(from) && has_zone(until)), "{times}");
        }
    }
}

#[test]
fn what_a_venue_forbids_is_not_offered_there() {
    let daemon = Daemon::start();
    for (i, case) in cases("policies.json").iter().enumerate() {
        let city = format!("Ruleham {i}");
        let halls = case["venues"].as_object().unwrap().iter().map(|(id, policies)| {
            let mut hall = vendor(&city, id, "venue");
            hall["policies"] = policies.clone();
            hall
        });
        let mut all: Vec<Value> = halls.collect();
        for (id, category) in [("cook", "caterer"), ("dora", "decorator"), ("dan", "decorator")] {
            all.push(vendor(&city, id, category));
        }
        import(&daemon, &all);
        let mut request = request(&city);
        take(&mut request, case, &["services"]);
        if !case["amenities"].is_null() {
            request["preferences"] = json!({"amenities": case["amenities"]});
        }
        let plan = plan(&daemon, &request);
        let expected: Vec<String> = case["offered"]
            .as_array()
            .unwrap()
            .iter()
            .map(|id| format!("{city}-{}", id.as_str().unwrap()))
            .collect();
        assert_eq!(offered(&plan, "venue"), expected, "{case}: {plan}");
        let is_infeasible = expected.is_empty();
        assert_eq!(plan["state"] == "infeasible", is_infeasible, "{case}: {plan}");
        for option in plan["options"].as_array().unwrap() {
            let of = |category: &str| {
                option["vendors"].as_array().unwrap().iter().find(|v| v["category"] == category)
            };
            let bare = of("venue").unwrap()["id"] == format!("{city}-bare");
            assert!(!bare || of("decorator").is_none(), "{option}");
        }
        if let Some(category) = case["without"].as_str() {
            assert!(offered(&plan, category).is_empty(), "{plan}");
        }
        if is_infeasible {
            let why = &plan["infeasibility"];
            let conflict = case["conflict"].as_str().unwrap();
            assert!(why["conflicts"].to_string().contains(conflict), "{why}");
            let ways = why["relaxations"].as_array().unwrap();
            for field in case["ways"].as_array().unwrap() {
                assert!(ways.iter().any(|way| way["field"] == *field), "{field} is not in {why}");
            }
        } else {
            // The bound was checked by the code that shares nothing with the search.
            let proof = daemon.json(&["plan", "show", plan["id"].as_str().unwrap(), "--proof"]);
            assert_eq!((&proof["verified"], &proof["refuted"]), (&json!(true), &json!(null)));
            assert_solves_alike(&daemon, &plan);
        }
    }
}

/// The exported problem, solved without the daemon, has the same best option.
fn assert_solves_alike(daemon: &Daemon, plan: &Value) {
    let exported = daemon.ctl(&["plan", "export", plan["id"].as_str().unwrap()]);
    assert!(exported.status.success(), "{exported:?}");
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), &exported.stdout).unwrap();
    let solved = eventplannerd().arg("solve").arg(file.path()).output().unwrap();
    let value = json_of(&solved)["options"][0]["value"].as_f64().unwrap();
    let fitness = plan["options"][0]["fitness"].as_f64().unwrap();
    assert!((value - fitness).abs() < 1e-9, "{value} is not {fitness}");
}

#[test]
fn rules_in_words_stand_under_what_to_watch() {
    let daemon = Daemon::start();
    let city = "Watchham";
    let mut hall = vendor(city, "hall", "venue");
    hall["policies"] = json!({"decor": "no open fire", "alcohol": false});
    import(&daemon, &[hall, vendor(city, "cook", "caterer")]);
    let text = document(&daemon, &plan(&daemon, &request(city)), "blueprint.md");
    let watched = text.split("## What to watch").nth(1).unwrap().split("## ").next().unwrap();
    for line in
        ["hall of Watchham has a rule on decor: no open fire", "hall of Watchham allows no alcohol"]
    {
        assert!(watched.contains(line), "{line} is not in:\n{watched}");
    }
}

#[test]
fn no_more_hours_are_billed_than_are_worked() {
    let daemon = Daemon::start();
    for (i, case) in cases("hours.json").iter().enumerate() {
        let city = format!("Hourham {i}");
        let mut music = vendor(&city, "band", "music");
        music["max_hours"] = case["max_hours"].clone();
        music["pricing"] =
            json!([{"label": "Live", "basis": "per_hour", "amount": "5000.00", "currency": "EUR"}]);
        import(&daemon, &[vendor(&city, "hall", "venue"), music]);
        let mut request = request(&city);
        request["services"] = json!({"venue": {}, "music": {}});
        take(&mut request, case, &["hours"]);
        let plan = plan(&daemon, &request);
        let vendors = plan["options"][0]["vendors"].as_array().unwrap();
        let line = &vendors.iter().find(|v| v["category"] == "music").unwrap()["lines"][0];
        assert_eq!((&line["quantity"], &line["amount"]), (&case["quantity"], &case["amount"]));
        assert_eq!(line["basis"], "per_hour");
        let says = case["says"].as_str().unwrap();
        let shown = daemon.ctl(&["plan", "show", plan["id"].as_str().unwrap()]);
        let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
        assert!(shown.contains(says), "{says} is not in:\n{shown}");
        let text = document(&daemon, &plan, "blueprint.md");
        let hours = says.split(" ×").next().unwrap();
        assert!(text.contains(&format!("| Live | {hours} | 5000.00 |")), "{text}");
    }
}
