//! Places that look the same, cities that nobody serves, and amounts of two currencies: over the
//! socket of a real daemon, each case from a file with its right value.

use std::{collections::BTreeSet, fs, path::Path};

use common::daemon::{Daemon, json_of, sample};
use serde_json::{Value, json};

fn cases(name: &str) -> Vec<Value> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/edges/places");
    let text = fs::read(folder.join(name)).unwrap();
    serde_json::from_slice(&text).unwrap()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text"))
}

fn texts(value: &Value) -> Vec<&str> {
    value.as_array().unwrap().iter().map(text).collect()
}

fn vendor(id: &str, category: &str, city: &str) -> Value {
    json!({
        "external_id": id, "category": category, "city": city, "name": format!("The {id}"),
        "tags": ["vegetarian"],
        "pricing": [{"label": "all", "basis": "flat", "amount": "50000.00", "currency": "INR"}],
    })
}

/// As a file of the format, whose rows differ in nothing else.
fn import(daemon: &Daemon, format: &str, vendor: &Value) -> Value {
    let of = |field: &str| text(&vendor[field]).to_owned();
    let file = match format {
        "json" => json!([vendor]).to_string(),
        "ndjson" => vendor.to_string(),
        _ => format!(
            "external_id,category,city,name,area,tags,pricing\n{},{},\"{}\",{},{},vegetarian,\
             all|flat|50000.00|INR\n",
            of("external_id"),
            of("category"),
            of("city"),
            of("name"),
            vendor["area"].as_str().unwrap_or_default(),
        ),
    };
    let args = ["--json", "vendors", "import", "-", "--format", format];
    let output = daemon.ctl_with(&args, file.as_bytes());
    assert!(output.status.success(), "{vendor}: {output:?}");
    json_of(&output)
}

fn wedding(edit: impl FnOnce(&mut Value)) -> Value {
    let mut document: Value =
        serde_json::from_slice(&fs::read(sample("wedding.json")).unwrap()).unwrap();
    document["services"] = json!({"venue": {}, "caterer": {}});
    document["preferences"] = json!({});
    edit(&mut document);
    document
}

fn plan(daemon: &Daemon, document: &Value) -> Value {
    let args = ["--json", "plan", "submit", "-", "--wait"];
    json_of(&daemon.ctl_with(&args, document.to_string().as_bytes()))
}

fn relaxations(plan: &Value) -> &[Value] {
    assert_eq!(plan["state"], "infeasible", "{plan}");
    plan["infeasibility"]["relaxations"].as_array().unwrap()
}

fn ids(vendors: &Value) -> BTreeSet<&str> {
    vendors.as_array().unwrap().iter().map(|vendor| text(&vendor["external_id"])).collect()
}

#[test]
fn a_city_is_one_however_it_is_spelt() {
    let daemon = Daemon::start();
    let mut known = 0;
    for (number, case) in cases("spelling.json").iter().enumerate() {
        let stored = texts(&case["stored"]);
        let mut expected = BTreeSet::new();
        let areas = ["Old\u{a0}Town", "OLD  TOWN", "\u{200b}old\u{3000}town"];
        for (i, (city, format)) in stored.iter().zip(["json", "ndjson", "csv"]).enumerate() {
            let category = ["venue", "caterer", "venue"][i];
            let id = format!("v{number}-{i}");
            let mut vendor = vendor(&id, category, city);
            vendor["area"] = json!(areas[i]);
            import(&daemon, format, &vendor);
            expected.insert(id);
        }
        known += 1;
        let stats = daemon.json(&["vendors", "stats"]);
        let counts = stats["counts"].as_array().unwrap().iter();
        let cities: BTreeSet<&str> = counts.map(|count| text(&count["city"])).collect();
        assert_eq!(cities.len(), known, "{stats}");
        assert!(cities.contains(text(&case["shown"])), "{cities:?}");
        for city in texts(&case["asked"]).into_iter().chain(stored) {
            let found = daemon.json(&["vendors", "search", "--city", city]);
            for vendor in found["vendors"].as_array().unwrap() {
                assert_eq!(
                    (&vendor["city"], &vendor["area"]),
                    (&case["shown"], &json!("Old Town"))
                );
            }
            let found = ids(&found["vendors"]).into_iter().map(str::to_owned).collect();
            assert_eq!(expected, found, "{city:?}");
            let planned = plan(&daemon, &wedding(|document| document["city"] = json!(city)));
            assert_eq!(planned["state"], "awaiting_selection", "{city:?}: {planned}");
            let listed = daemon.json(&["plan", "list", "--city", city]);
            let listed = listed["plans"].as_array().unwrap();
            assert!(listed.iter().any(|plan| plan["id"] == planned["id"]), "{city:?}");
        }
    }
}

#[test]
fn an_id_is_one_however_it_is_typed() {
    let daemon = Daemon::start();
    for case in cases("ids.json") {
        let stored = text(&case["stored"]);
        let city = format!("City of {stored}");
        import(&daemon, "json", &vendor(stored, "venue", &city));
        import(&daemon, "json", &vendor(&format!("{stored} b"), "venue", &city));
        import(&daemon, "json", &vendor(&format!("{stored} c"), "caterer", &city));
        let request = |edit: &dyn Fn(&mut Value)| {
            wedding(|document| {
                document["city"] = json!(city);
                edit(document);
            })
        };
        let venues = |plan: &Value| -> BTreeSet<String> {
            assert_eq!(plan["state"], "awaiting_selection", "{plan}");
            let options = plan["options"].as_array().unwrap().iter();
            let places = options.flat_map(|option| option["vendors"].as_array().unwrap());
            let venues = places.filter(|place| place["category"] == "venue");
            venues.map(|place| text(&place["id"]).to_owned()).collect()
        };
        let (own, other) = (stored.to_owned(), format!("{stored} b"));
        for asked in texts(&case["asked"]) {
            let again = import(&daemon, "json", &vendor(asked, "venue", &city));
            assert_eq!((&again["inserted"], &again["updated"]), (&json!(0), &json!(1)));
            let must = request(&|document| document["must_include"] = json!([asked]));
            let planned = plan(&daemon, &must);
            assert_eq!(venues(&planned), [own.clone()].into(), "{asked:?}");
            let without = request(&|document| document["exclude"] = json!([asked]));
            assert_eq!(venues(&plan(&daemon, &without)), [other.clone()].into(), "{asked:?}");
            let id = text(&planned["id"]);
            let args = ["plan", "replan", id, "--wait", "--without", asked];
            assert_eq!(venues(&daemon.json(&args)), [other.clone()].into(), "{asked:?}");
            let both =
                request(&|d| (d["must_include"], d["exclude"]) = (json!([asked]), json!([stored])));
            let refused = plan(&daemon, &both);
            assert!(refused.to_string().contains("stands in must_include too"), "{refused}");
        }
        for asked in texts(&case["other"]) {
            let must = request(&|document| document["must_include"] = json!([asked]));
            let refused = plan(&daemon, &must);
            assert!(refused.to_string().contains("there is no vendor"), "{asked:?}: {refused}");
        }
        // Categories, where they are typed.
        let typed = request(&|document| {
            document["services"] = json!({" Venue\u{200b}": {}, "CATERER": {}});
        });
        assert_eq!(plan(&daemon, &typed)["state"], "awaiting_selection");
        let args = ["vendors", "search", "--city", &city, "--category", "VENUE\u{a0}"];
        assert_eq!(daemon.json(&args)["vendors"].as_array().unwrap().len(), 2);
        let twice = request(&|document| document["services"] = json!({"Venue": {}, "venue": {}}));
        let refused = plan(&daemon, &twice);
        assert!(refused.to_string().contains("stands twice"), "{refused}");
    }
}

#[test]
fn a_city_that_nobody_serves_names_its_neighbours() {
    let daemon = Daemon::with_samples();
    for case in cases("unserved.json") {
        let document = wedding(|document| document["city"] = case["city"].clone());
        let refused = plan(&daemon, &document);
        let ways = relaxations(&refused);
        let conflicts = texts(&refused["infeasibility"]["conflicts"]);
        assert_eq!(conflicts.len(), 1, "the city alone: {conflicts:?}");
        for words in texts(&case["says"]) {
            assert!(conflicts[0].contains(words), "{words}: {conflicts:?}");
        }
        assert_eq!(ways.len(), 1, "{ways:?}");
        assert_eq!(ways[0]["field"], "city");
        assert_eq!(ways[0]["value"], case["offered"], "{refused}");
        assert_eq!(ways[0]["advice"], case["advice"], "{refused}");
        let there = wedding(|document| document["city"] = case["offered"].clone());
        assert_eq!(plan(&daemon, &there)["state"], "awaiting_selection");
    }
    // Where no city will do as it is, the move comes with what else must change.
    let small = wedding(|document| {
        document["city"] = json!("Bangalore");
        document["budget"]["amount"] = json!("1000.00");
    });
    let refused = plan(&daemon, &small);
    let ways = relaxations(&refused);
    assert!(texts(&refused["infeasibility"]["conflicts"])[0].contains("Bengaluru"));
    let advice = ways.iter().map(|way| text(&way["advice"])).collect::<Vec<_>>().join("\n");
    assert!(advice.contains("call the city Bengaluru, and raise the budget"), "{advice}");
    // Where nobody is known at all, it is not the city's fault.
    let empty = Daemon::start();
    let refused = plan(&empty, &wedding(|_| ()));
    let conflicts = texts(&refused["infeasibility"]["conflicts"]);
    assert!(conflicts[0].contains("none is known that serves Bengaluru"), "{refused}");
}

#[test]
fn amounts_of_two_currencies_are_never_compared() {
    let daemon = Daemon::with_samples();
    for city in ["Tokyo", "Kuwait City", "Munich"] {
        daemon.json(&["vendors", "generate", "--count", "300", "--city", city]);
    }
    for case in cases("currency.json") {
        let (own, other) = (text(&case["budget"]["currency"]), text(&case["stated_in"]));
        let request = |budget: &Value| {
            wedding(|document| {
                document["city"] = case["city"].clone();
                document["budget"] = budget.clone();
            })
        };
        let refused = plan(&daemon, &request(&case["budget"]));
        let ways = relaxations(&refused);
        let conflicts = texts(&refused["infeasibility"]["conflicts"]);
        let expected = format!("the budget is in {own}, whatever its amount: ");
        assert!(conflicts[0].starts_with(&expected), "{conflicts:?}");
        assert!(conflicts[0].ends_with(&format!("are priced in {other}")), "{conflicts:?}");
        for words in &conflicts {
            assert!(!words.contains("cost"), "no sum in {own}: {conflicts:?}");
        }
        let way = ways.iter().find(|way| way["field"] == "budget");
        let way = way.unwrap_or_else(|| panic!("{ways:?}"));
        let stated = format!("state the budget in {other}: at least ");
        assert!(text(&way["advice"]).starts_with(&stated), "{way}");
        assert!(!text(&way["advice"]).contains(own), "{way}");
        assert!(ways.iter().all(|way| way["field"] != "budget.amount"), "{ways:?}");
        // It suffices, and not a minor unit less.
        let budget: Value = serde_json::from_str(text(&way["value"])).unwrap();
        assert_eq!(budget["currency"], other);
        let planned = plan(&daemon, &request(&budget));
        assert_eq!(planned["state"], "awaiting_selection", "{budget}: {planned}");
        assert_eq!(planned["currency"], other);
        let amount = text(&budget["amount"]);
        let decimals = amount.split_once('.').map_or(0, |(_, fraction)| fraction.len());
        let minor: i64 = amount.replace('.', "").parse().unwrap();
        let less = format!("{:0width$}", minor - 1, width = decimals + 1);
        let (whole, fraction) = less.split_at(less.len() - decimals);
        let less = format!("{whole}.{fraction}");
        let less = json!({"amount": less.trim_end_matches('.'), "currency": other});
        let short = plan(&daemon, &request(&less));
        assert_eq!(short["state"], "infeasible", "{less}");
        let words = short["infeasibility"]["conflicts"].to_string();
        assert!(
            words.contains(&format!("{other}: the cheapest vendors cost"))
                || words.contains(&format!(
                    "{other} beside the contingency, the cheapest vendors cost"
                )),
            "{words}"
        );
        // Replanned in the other currency, too.
        let id = text(&refused["id"]);
        let stated = format!("{amount} {other}");
        let replanned = daemon.json(&["plan", "replan", id, "--wait", "--budget", &stated]);
        assert_eq!(replanned["state"], "awaiting_selection", "{replanned}");
        assert_eq!(replanned["event"]["budget"], budget);
        // From one currency to the other nothing is kept, and no difference is counted.
        let id = text(&planned["id"]);
        let stated = format!("{} {own}", text(&case["budget"]["amount"]));
        let args = ["--json", "plan", "replan", id, "--wait", "--budget", &stated];
        let back = json_of(&daemon.ctl(&args));
        assert_eq!(back["state"], "infeasible", "{back}");
        is_written_in(&daemon, &planned, other, own);
    }
}

/// Selects a plan and looks at its blueprint: the total is there with its currency, and no other
/// currency is.
fn is_written_in(daemon: &Daemon, plan: &Value, own: &str, other: &str) {
    let id = text(&plan["id"]);
    let done = daemon.json(&["plan", "select", id, "1", "--wait"]);
    assert_eq!(done["state"], "completed", "{done}");
    let folder = daemon.folder.path().join(id);
    daemon.json(&["plan", "documents", id, "--output", folder.to_str().unwrap()]);
    let blueprint = fs::read_to_string(folder.join("blueprint.md")).unwrap();
    let total = format!("| Total | {} {own} |", text(&plan["options"][0]["total"]));
    assert!(blueprint.contains(&total), "{total}: {blueprint}");
    assert!(!blueprint.contains(&format!(" {other}")), "{blueprint}");
}

#[test]
fn a_currency_stands_beside_what_else_is_in_the_way() {
    let daemon = Daemon::start();
    let mut venue = vendor("inr-venue", "venue", "Kochi");
    venue["capacity"] = json!({"max": 50});
    let mut dollar = vendor("usd-caterer", "caterer", "Kochi");
    dollar["pricing"][0]["currency"] = json!("USD");
    let caterer = vendor("inr-caterer", "caterer", "Kochi");
    for vendor in [&venue, &dollar, &caterer] {
        import(&daemon, "json", vendor);
    }
    let request = |amount: &str, currency: &str, guests: u32| {
        wedding(|document| {
            document["city"] = json!("Kochi");
            document["guests"] = json!(guests);
            document["contingency_percent"] = json!(0);
            document["budget"] = json!({"amount": amount, "currency": currency});
        })
    };
    // A vendor of another currency that changes nothing is no part of the conflict.
    let refused = plan(&daemon, &request("40000.00", "INR", 50));
    let conflicts = refused["infeasibility"]["conflicts"].to_string();
    assert!(!conflicts.contains("USD"), "{conflicts}");
    assert!(conflicts.contains("50,000.00 INR"), "{conflicts}");
    // What costs 50,000 dollars is no cheaper caterer for rupees, nor a dearer one.
    let refused = plan(&daemon, &request("60000.00", "INR", 50));
    let conflicts = refused["infeasibility"]["conflicts"].to_string();
    assert!(conflicts.contains("100,000.00 INR"), "{conflicts}");
    assert!(plan(&daemon, &request("100000.00", "INR", 50))["state"] == "awaiting_selection");
    // Two changes: fewer guests, and the currency.
    let refused = plan(&daemon, &request("100000.00", "EUR", 80));
    let ways = relaxations(&refused);
    let advice = ways.iter().map(|way| text(&way["advice"])).collect::<Vec<_>>().join("\n");
    assert!(
        advice.contains("invite at most 50 guests")
            && advice.contains("state the budget in INR: at least 100000.00 INR"),
        "{refused}"
    );
    // One vendor, one currency.
    let mut mixed = vendor("mixed", "venue", "Kochi");
    let euros = json!({"label": "b", "basis": "flat", "amount": "1.00", "currency": "EUR"});
    mixed["pricing"].as_array_mut().unwrap().push(euros);
    let args = ["--json", "vendors", "import", "-"];
    let output = daemon.ctl_with(&args, json!([mixed]).to_string().as_bytes());
    assert_eq!(output.status.code(), Some(1));
    let refused = &json_of(&output)["error"]["refused"][0];
    assert_eq!(refused["field"], "pricing[1].currency", "{refused}");
    // A code that is none.
    let planned = plan(&daemon, &request("100000.00", "INR", 50));
    for budget in ["100 RUPEES", "x INR", "0 INR", "1.5 JPY"] {
        let id = text(&planned["id"]);
        let output = daemon.ctl(&["--json", "plan", "replan", id, "--budget", budget]);
        assert_eq!(output.status.code(), Some(1), "{budget}");
        assert_eq!(json_of(&output)["error"]["field"], "budget", "{output:?}");
    }
}

#[test]
fn sample_vendors_of_a_real_city_are_its_own() {
    let daemon = Daemon::start();
    for case in cases("generate.json") {
        let args = texts(&case["args"]);
        let all = [&["--json", "vendors", "generate", "--count", "40"], &args[..]].concat();
        let output = daemon.ctl(&all);
        if let Some(field) = case["refused"].as_str() {
            assert_eq!(output.status.code(), Some(1), "{args:?}: {output:?}");
            let error = &json_of(&output)["error"];
            assert_eq!(error["field"], field, "{args:?}: {error}");
            for words in texts(&case["says"]) {
                assert!(error.to_string().contains(words), "{words}: {error}");
            }
            continue;
        }
        assert!(output.status.success(), "{args:?}: {output:?}");
        let found = daemon.json(&["vendors", "search", "--city", args[1], "--limit", "100"]);
        let vendors = found["vendors"].as_array().unwrap();
        assert!(vendors.len() >= 40, "{args:?}");
        let near: Vec<f64> =
            case["near"].as_array().unwrap().iter().map(|at| at.as_f64().unwrap()).collect();
        for vendor in vendors.iter().filter(|vendor| is_of(vendor, &case)) {
            assert!(text(&vendor["contact"]["phone"]).starts_with(text(&case["phone"])));
            let (lat, lon) = (&vendor["location"]["lat"], &vendor["location"]["lon"]);
            assert!((lat.as_f64().unwrap() - near[0]).abs() < 0.25, "{vendor}");
            let east = (lon.as_f64().unwrap() - near[1]).abs();
            assert!(east.min(360.0 - east) < 0.25, "{vendor}");
        }
        let own = vendors.iter().filter(|vendor| is_of(vendor, &case)).count();
        assert!(own >= 40, "{args:?}: {own} of {}", vendors.len());
    }
}

fn is_of(vendor: &Value, case: &Value) -> bool {
    let lines = vendor["pricing"].as_array().unwrap();
    lines.iter().all(|line| line["currency"] == case["currency"])
}
