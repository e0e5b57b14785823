//! Selecting looks at the present again.

use std::{fs, sync::Barrier, thread, time::Duration};

use common::daemon::stderr_of;
use jiff::{Timestamp, ToSpan, civil::Date};
use serde_json::{Value, json};

use super::{House, event_date, id, line, merge, request, table, told, vendors};

#[test]
fn a_selection_looks_at_the_present_records() {
    let house = House::open();
    let date = event_date();
    let weekday = |date: Date| date.strftime("%A").to_string().to_lowercase();
    let other = date.saturating_add(3.days());
    for (n, case) in table("stale.json").iter().enumerate() {
        let city = format!("city {n}");
        let text = case
            .to_string()
            .replace("OTHERDAY", &weekday(other))
            .replace("WEEKDAY", &weekday(date))
            .replace("DATE", &date.to_string())
            .replace("NEXT", &date.saturating_add(1.days()).to_string())
            .replace("CITY", &city);
        let case: Value = serde_json::from_str(&text).unwrap();
        let name = case["name"].as_str().unwrap();
        let mut records = vendors(&format!("c{n}"), &city);
        house.import(&records);
        let plan = house.planned(&request(&city));
        assert_eq!(plan["options"][0]["total"], "3500.00", "{name}");
        let edited = records.iter_mut().find(|r| r["category"] == case["vendor"]).unwrap();
        let edited_id = edited["external_id"].clone();
        merge(edited, &case["edit"]);
        house.import(&records);

        let (status, reply) = house.select(&plan, json!({ "option": 1 }));
        if case["changed"].is_null() {
            assert_eq!(status, 202, "{name}: {reply}");
            assert_eq!(reply["options"][0]["total"], case["total"], "{name}");
            continue;
        }
        let error = &reply["error"];
        assert_eq!((status, &error["code"]), (409, &json!("stale")), "{name}: {reply}");
        let mut expected: Vec<Value> = case["changed"].as_array().unwrap().clone();
        // What merely became worth a look.
        expected.retain(|row| row[1] != row[2]);
        expected.sort_by_key(Value::to_string);
        assert_eq!(told(&error["changes"]), expected, "{name}");
        let rows = error["changes"].as_array().unwrap();
        assert!(rows.iter().all(|row| row["vendor"] == edited_id), "{name}: {rows:?}");
        assert_eq!(house.show(&plan)["state"], "awaiting_selection", "{name}");
        assert_eq!(house.booked(&plan), 0, "{name}");

        let broken = |error: &Value| -> Vec<Value> {
            let all = error["violations"].as_array().unwrap();
            all.iter().map(|violation| violation["constraint"].clone()).collect()
        };
        let (status, reply) = house.select(&plan, json!({ "option": 1, "accept_changes": true }));
        if let Some(wanted) = case["broken"].as_array() {
            assert_eq!((status, &reply["error"]["code"]), (409, &json!("stale")), "{name}");
            assert_eq!(broken(&reply["error"]), *wanted, "{name}: {reply}");
            assert_eq!(broken(error), *wanted, "{name}");
            assert_eq!(house.booked(&plan), 0, "{name}");
        } else {
            assert!(error["hint"].as_str().unwrap().contains("--accept-changes"), "{error}");
            assert_eq!(broken(error), [json!(null); 0], "{name}");
            assert_eq!(status, 202, "{name}: {reply}");
            assert_eq!(reply["options"][0]["total"], case["total"], "{name}");
            assert_eq!(house.booked(&plan), 3, "{name}");
        }
    }
    house.chains_are_whole();
}

#[test]
fn accepted_changes_stand_in_the_plan_and_its_documents_and_people_get_a_table() {
    let house = House::open();
    let mut records = vendors("a", "Aville");
    house.import(&records);
    let plan = house.planned(&request("Aville"));
    records[0]["pricing"] = line("Hall", "flat", "3000.00");
    house.import(&records);

    let refused = house.daemon.ctl(&["plan", "select", id(&plan), "1"]);
    assert_eq!(refused.status.code(), Some(1));
    let text = stderr_of(&refused);
    for wanted in ["out of date", "--accept-changes", "what changed", "1000.00", "3000.00", "quote"]
    {
        assert!(text.contains(wanted), "{wanted} is missing in:\n{text}");
    }
    let args = ["plan", "select", id(&plan), "1", "--accept-changes", "--wait"];
    let done = house.daemon.json(&args);
    assert_eq!(
        (&done["state"], &done["options"][0]["total"]),
        (&json!("completed"), &json!("5500.00"))
    );
    assert_eq!(done["options"][0]["vendors"][0]["quote"], "3000.00");
    assert!(done["notes"].to_string().contains("changes_accepted"), "{}", done["notes"]);
    let out = house.documents(&plan, "out");
    let blueprint: Value =
        serde_json::from_slice(&fs::read(out.join("blueprint.json")).unwrap()).unwrap();
    assert_eq!(blueprint["budget"]["total"], "5500.00");
    let markdown = fs::read_to_string(out.join("blueprint.md")).unwrap();
    assert!(markdown.contains("5500.00") && !markdown.contains("3500.00 INR |"), "{markdown}");
    house.chains_are_whole();
}

#[test]
fn what_left_the_catalogue_expired_or_comes_from_before_is_judged_too() {
    let house = House::open();
    let plan_in = |city: &str| {
        house.import(&vendors(city, city));
        house.planned(&request(city))
    };
    let refused = |plan: &Value, code: &str, words: &[&str]| {
        for accept in [false, true] {
            let (status, reply) =
                house.select(plan, json!({"option": 1, "accept_changes": accept}));
            assert_eq!((status, &reply["error"]["code"]), (409, &json!(code)), "{reply}");
            for word in words {
                assert!(reply.to_string().contains(word), "{word} is missing in {reply}");
            }
        }
        assert_eq!(house.show(plan)["state"], "awaiting_selection");
        assert_eq!(house.booked(plan), 0);
    };
    // A vendor that is gone can't be accepted.
    let plan = plan_in("gone");
    house.sql("DELETE FROM vendor WHERE external_id = 'gone-photographer'");
    refused(&plan, "stale", &["gone-photographer", "no longer in the catalogue", "plan replan"]);

    // Days went by: what was notice enough is none any more.
    let plan = plan_in("late");
    let soon = Timestamp::now().in_tz("Asia/Kolkata").unwrap().date().saturating_add(29.days());
    house.sql(&format!(
        "UPDATE plan SET request = jsonb_set(request, '{{date}}', '\"{soon}\"') WHERE id = '{}'",
        id(&plan)
    ));
    refused(&plan, "stale", &["lead_time", "needs more notice"]);

    // Its day came and went.
    let plan = plan_in("past");
    let yesterday = Timestamp::now().in_tz("Asia/Kolkata").unwrap().date().yesterday().unwrap();
    house.sql(&format!(
        "UPDATE plan SET request = jsonb_set(request, '{{date}}', '\"{yesterday}\"') WHERE id = '{}'",
        id(&plan)
    ));
    refused(&plan, "expired", &["its event began", "--date"]);
    // It booked nobody, so it may be tidied away.
    assert_eq!(house.cancel(&plan).0, 200);

    // A plan of an earlier version keeps no facts: its prices and constraints are looked at.
    let older = |city: &str| {
        let plan = plan_in(city);
        house.sql(&format!("UPDATE plan SET result = result - 'basis' WHERE id = '{}'", id(&plan)));
        plan
    };
    let plan = older("old");
    let mut records = vendors("old", "old");
    records[0]["capacity"] = json!({ "max": 200 });
    house.import(&records);
    assert_eq!(house.select(&plan, json!({ "option": 1 })).0, 202);
    let plan = older("older");
    let mut records = vendors("older", "older");
    records[1]["pricing"] = line("Plate", "per_guest", "21.00");
    house.import(&records);
    let (status, reply) = house.select(&plan, json!({ "option": 1 }));
    assert_eq!((status, &reply["error"]["code"]), (409, &json!("stale")), "{reply}");
    assert_eq!(house.select(&plan, json!({ "option": 1, "accept_changes": true })).0, 202);
    let plan = older("oldest");
    let mut records = vendors("oldest", "oldest");
    records[0]["blackout_dates"] = json!([event_date().to_string()]);
    house.import(&records);
    refused(&plan, "stale", &["blackout"]);
}

#[test]
fn an_import_comes_before_a_selection_or_after_it() {
    let house = House::open();
    let mut before = 0;
    for round in 0..12 {
        let city = format!("race {round}");
        let mut records = vendors(&format!("r{round}"), &city);
        house.import(&records);
        let plan = house.planned(&request(&city));
        records[0]["pricing"] = line("Hall", "flat", "2000.00");
        let start = Barrier::new(2);
        let (status, reply) = thread::scope(|scope| {
            let selecting = scope.spawn(|| {
                start.wait();
                // The command takes a moment to start.
                thread::sleep(Duration::from_millis(3 * round));
                house.select(&plan, json!({ "option": 1 }))
            });
            start.wait();
            house.import(&records);
            selecting.join().unwrap()
        });
        match status {
            202 => {
                before += 1;
                assert_eq!(reply["options"][0]["total"], "3500.00");
            }
            _ => assert_eq!(reply["error"]["code"], "stale", "{reply}"),
        }
        // Whatever is selected after an import sees it.
        if status != 202 {
            let (status, reply) = house.select(&plan, json!({"option": 1, "accept_changes": true}));
            assert_eq!((status, &reply["options"][0]["total"]), (202, &json!("4500.00")));
        }
    }
    println!("{before} of 12 selections came first");
}

#[test]
fn many_clients_who_select_the_same_get_the_same() {
    let house = House::open();
    house.import(&vendors("m", "Mville"));
    house.import(&vendors("n", "Mville"));
    let plan = house.planned(&request("Mville"));
    let start = Barrier::new(24);
    let answers: Vec<(u16, Value)> = thread::scope(|scope| {
        let clients: Vec<_> = (0..24)
            .map(|_| {
                scope.spawn(|| {
                    start.wait();
                    house.select(&plan, json!({ "option": 1 }))
                })
            })
            .collect();
        clients.into_iter().map(|client| client.join().unwrap()).collect()
    });
    for (status, reply) in answers {
        assert_eq!((status, &reply["selected"]), (202, &json!(1)), "{reply}");
        assert_eq!(reply["id"], plan["id"]);
    }
    house.reaches(&plan, "completed");
    assert_eq!(house.booked(&plan), 3);
    let held = "SELECT count(*) FROM plan_event WHERE kind = 'vendors_held'";
    assert_eq!(house.number(held), 1);
    // Later too, and another option never.
    assert_eq!(house.select(&plan, json!({ "option": 1 })).0, 202);
    let (status, reply) = house.select(&plan, json!({ "option": 2 }));
    assert_eq!((status, &reply["error"]["code"]), (409, &json!("wrong_state")), "{reply}");

    // Plans of one event, selected at the same moment: one of them has it.
    for round in 0..4 {
        let first = house.planned(&request("Mville"));
        let all: Vec<Value> = std::iter::once(first.clone())
            .chain((0..3).map(|n| {
                house.replanned(&first, &["--guests", &format!("{}", 90 - 10 * n - round)])
            }))
            .collect();
        let start = Barrier::new(all.len() * 2);
        thread::scope(|scope| {
            for plan in all.iter().chain(&all) {
                let (start, house) = (&start, &house);
                scope.spawn(move || {
                    start.wait();
                    let (status, reply) = house.select(plan, json!({ "option": 1 }));
                    assert!(matches!(status, 202 | 409), "{reply}");
                });
            }
        });
        let holders: Vec<&Value> = all.iter().filter(|plan| house.booked(plan) > 0).collect();
        assert_eq!(holders.len(), 1, "round {round}");
        let holder = house.reaches(holders[0], "completed");
        assert_eq!(house.booked(&holder), 3);
        assert_eq!(house.cancel(&holder).0, 200);
    }
    house.chains_are_whole();
}
