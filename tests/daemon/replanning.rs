//! Replanning, proofs and events with functions, over the socket of a real daemon.

use std::{fs, process::Output};

use common::daemon::{Daemon, eventplannerd, json_of, sample, stderr_of};
use serde_json::{Value, json};

fn wedding() -> Value {
    serde_json::from_slice(&fs::read(sample("wedding.json")).unwrap()).unwrap()
}

fn planned(daemon: &Daemon, document: &Value) -> Value {
    let args = ["--json", "plan", "submit", "-", "--wait"];
    let output = daemon.ctl_with(&args, document.to_string().as_bytes());
    assert!(output.status.success(), "{output:?}");
    json_of(&output)
}

fn id(plan: &Value) -> &str {
    plan["id"].as_str().unwrap()
}

/// The vendors of an option, by place.
fn vendors(option: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let places = option["vendors"].as_array().unwrap().iter();
    places.map(|place| (text(&place["category"]), text(&place["id"]))).collect()
}

fn replan(daemon: &Daemon, id: &str, change: &[&str]) -> Output {
    daemon.ctl(&[&["--json", "plan", "replan", id, "--wait"], change].concat())
}

#[test]
fn a_vendor_drops_out_and_the_others_stay() {
    let daemon = Daemon::with_samples();
    let plan = planned(&daemon, &wedding());
    daemon.json(&["plan", "select", id(&plan), "1", "--wait"]);
    let before = vendors(&plan["options"][0]);
    let (place, lost) = before.last().unwrap().clone();

    let output = replan(&daemon, id(&plan), &["--without", &lost]);
    assert!(output.status.success(), "{}", stderr_of(&output));
    let replanned = json_of(&output);
    assert_eq!(replanned["replans"], plan["id"]);
    let option = &replanned["options"][0];
    let after = vendors(option);
    assert!(after.iter().all(|(_, id)| *id != lost));
    // The others are booked by the earlier plan, which is no obstacle, and near-equal plans
    // keep them.
    let kept = before.iter().filter(|place| after.contains(place)).count();
    assert_eq!(kept, before.len() - 1, "{before:?} {after:?}");
    let changes = option["changes"].as_array().unwrap();
    assert_eq!(changes.len(), before.len());
    let changed = changes.iter().find(|change| change["category"] == place.as_str()).unwrap();
    assert_eq!(changed["before"]["id"], lost.as_str());
    assert_ne!(changed["after"]["id"], lost.as_str());
    let minor = |value: &Value| {
        let text = value.as_str().unwrap().replace('.', "");
        text.parse::<i64>().unwrap()
    };
    let difference: i64 = changes.iter().map(|change| minor(&change["difference"])).sum();
    let total = |plan: &Value| minor(&plan["options"][0]["total"]);
    assert_eq!(total(&replanned) - total(&plan), difference);
    let remarks = option["remarks"].to_string();
    assert!(remarks.contains("keeps") && remarks.contains("than before"), "{remarks}");

    // Selecting it takes the earlier plan's bookings over: the kept vendors are free for it.
    let done = daemon.json(&["plan", "select", id(&replanned), "1", "--wait"]);
    assert_eq!(done["state"], "completed");
    // So the vendor that dropped out is free again, and the kept ones are booked once.
    let third = planned(&daemon, &wedding());
    let others = vendors(&third["options"][0]);
    assert!(after.iter().all(|place| !others.contains(place)), "{others:?}");

    let refusals: [(&[&str], &str); 4] = [
        (&["--without", "nobody"], "no vendor of the plan's option"),
        (&["--guests", "0"], "guests"),
        (&["--budget", "-3"], "budget"),
        (&["--date", "2020-01-01"], "has passed"),
    ];
    for (change, expected) in refusals {
        let output = replan(&daemon, id(&replanned), change);
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        assert!(json_of(&output).to_string().contains(expected), "{output:?}");
    }
    assert_eq!(replan(&daemon, id(&replanned), &[]).status.code(), Some(2));

    // The same plan for fewer guests on another day.
    let output = replan(&daemon, id(&replanned), &["--guests", "150", "--budget", "900000"]);
    assert!(output.status.success(), "{}", stderr_of(&output));
    let smaller = json_of(&output);
    assert_eq!(smaller["event"]["guests"], 150);
    assert_eq!(smaller["event"]["budget"]["amount"], "900000.00");
    let text = daemon.ctl(&["plan", "show", id(&smaller)]);
    let text = String::from_utf8_lossy(&text.stdout);
    assert!(text.contains("replans ") && text.contains("best at"), "{text}");
}

#[test]
fn a_proof_is_shown_and_the_exported_problem_has_the_plans_options() {
    let daemon = Daemon::with_samples();
    let plan = planned(&daemon, &wedding());
    let proof = daemon.json(&["plan", "show", id(&plan), "--proof"]);
    assert_eq!(proof["verified"], true, "{proof}");
    assert_eq!(proof["proven_gap"], plan["proven_gap"]);
    let strategies = proof["strategies"].as_array().unwrap();
    assert_eq!(strategies.len(), 3);
    for strategy in strategies {
        let maxima = strategy["categories"].as_array().unwrap().iter();
        let sum: f64 = maxima.map(|category| category["maximum"].as_f64().unwrap()).sum();
        let credit =
            strategy["multipliers"][0].as_f64().unwrap() * proof["limits"][0].as_f64().unwrap();
        assert!((sum + credit - strategy["bound"].as_f64().unwrap()).abs() < 1e-6, "{strategy}");
    }
    let excluded = proof["excluded"].as_f64().unwrap();
    let all = proof["combinations"].as_f64().unwrap();
    assert!(excluded > 0.99 * all && all > 1e6, "{proof}");
    let text = daemon.ctl(&["plan", "show", id(&plan), "--proof"]);
    let text = String::from_utf8_lossy(&text.stdout);
    for wanted in ["multiplier", "maximum", "excluded", "verified"] {
        assert!(text.contains(wanted), "{text}");
    }

    // Its own bookings don't change what was searched.
    daemon.json(&["plan", "select", id(&plan), "1", "--wait"]);
    let file = daemon.folder.path().join("problem.json");
    let exported = daemon.json(&["plan", "export", id(&plan), "--format", "problem"]);
    fs::write(&file, exported.to_string()).unwrap();
    let solved = eventplannerd().arg("solve").arg(&file).output().unwrap();
    assert!(solved.status.success(), "{solved:?}");
    let solved = json_of(&solved);
    for (option, solution) in
        plan["options"].as_array().unwrap().iter().zip(solved["options"].as_array().unwrap())
    {
        let off = option["fitness"].as_f64().unwrap() - solution["value"].as_f64().unwrap();
        assert!(off.abs() < 1e-9, "{option} {solution}");
        let paid = solution["use"][0].as_f64().unwrap() / 100.0;
        assert_eq!(format!("{paid:.2}"), option["total"].as_str().unwrap());
    }
}

#[test]
fn functions_over_several_days_are_planned_booked_and_written_down() {
    let daemon = Daemon::with_samples();
    let mut document = wedding();
    let single = planned(&daemon, &document);
    let date: jiff::civil::Date = single["event"]["date"].as_str().unwrap().parse().unwrap();
    let next = date.tomorrow().unwrap();
    document["anchors"] = json!([]);
    document["budget"]["amount"] = json!("1600000.00");
    document["functions"] = json!([
        {"name": "Wedding"},
        {"name": "Brunch", "date": next.to_string(), "start": "11:00", "hours": 3, "guests": 150,
         "event_type": "other", "services": ["venue", "caterer"]}
    ]);
    let plan = planned(&daemon, &document);
    assert_eq!(plan["event"]["functions"].as_array().unwrap().len(), 2);
    let line = |category: &str, basis: &str| {
        let places = plan["options"][0]["vendors"].as_array().unwrap();
        let place = places.iter().find(|place| place["category"] == category).unwrap();
        let lines = place["lines"].as_array().unwrap().iter();
        let quantities: Vec<f64> = lines.map(|l| l["quantity"].as_f64().unwrap()).collect();
        assert!(!quantities.is_empty(), "{category} {basis}");
        quantities
    };
    let guests = document["guests"].as_f64().unwrap() + 150.0;
    assert_eq!(line("caterer", "per_guest").iter().sum::<f64>(), guests);
    let done = daemon.json(&["plan", "select", id(&plan), "1", "--wait"]);
    assert_eq!(done["state"], "completed");
    let out = daemon.folder.path().join("out");
    daemon.json(&["plan", "documents", id(&plan), "--output", out.to_str().unwrap()]);
    let blueprint: Value =
        serde_json::from_slice(&fs::read(out.join("blueprint.json")).unwrap()).unwrap();
    let show = blueprint["run_of_show"].as_array().unwrap();
    let days = |function: &str| -> Vec<&str> {
        let own = show.iter().filter(|row| row["function"] == function);
        own.map(|row| &row["start"].as_str().unwrap()[..10]).collect()
    };
    assert!(days("Brunch").iter().all(|day| *day == next.to_string()), "{show:?}");
    assert_eq!(days("Wedding")[0], date.to_string());
    let markdown = fs::read_to_string(out.join("blueprint.md")).unwrap();
    assert!(markdown.contains("| Brunch | other |") && markdown.contains("Brunch: lunch"));

    document["functions"][1]["services"] = json!(["florist"]);
    let args = ["--json", "plan", "submit", "-"];
    let refused = daemon.ctl_with(&args, document.to_string().as_bytes());
    assert_eq!(json_of(&refused)["error"]["field"], "functions[1].services[0]");
}
