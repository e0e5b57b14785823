//! One event is booked once, and replanning changes what it says.

use std::fs;

use common::daemon::{json_of, stderr_of};
use jiff::ToSpan;
use serde_json::{Value, json};

use super::{House, event_date, id, post, request, table, vendors};

/// Refused with a 409 that names the plan that has the event.
fn refused_for(answer: (u16, Value), other: &Value) {
    let (status, reply) = answer;
    assert_eq!((status, &reply["error"]["code"]), (409, &json!("wrong_state")), "{reply}");
    assert!(reply["error"]["message"].as_str().unwrap().contains(id(other)), "{reply}");
}

#[test]
fn one_event_is_booked_once_whichever_of_its_plans_is_selected() {
    let house = House::open();
    house.import(&vendors("f", "Fville"));
    house.import(&vendors("g", "Fville"));
    let first = house.planned(&request("Fville"));
    house.daemon.json(&["plan", "select", id(&first), "1", "--wait"]);
    let second = house.replanned(&first, &["--guests", "90"]);
    let third = house.replanned(&first, &["--guests", "80"]);
    let of_third = house.replanned(&third, &["--guests", "70"]);
    house.daemon.json(&["plan", "select", id(&second), "1", "--wait"]);

    let old = house.show(&first);
    assert_eq!((&old["state"], &old["successor"]), (&json!("superseded"), &second["id"]));
    assert_eq!((house.booked(&first), house.booked(&second)), (0, 3));
    refused_for(house.select(&first, json!({ "option": 1 })), &second);
    refused_for(house.select(&first, json!({ "option": 2 })), &second);
    refused_for(house.cancel(&first), &second);
    let replan = |plan: &Value| {
        let path = format!("/v1/plans/{}/replan", id(plan));
        post(&house.daemon.socket(), &path, &json!({ "guests": 60 }))
    };
    refused_for(replan(&first), &second);
    refused_for(replan(&third), &second);
    refused_for(house.select(&third, json!({ "option": 1 })), &second);
    refused_for(house.select(&of_third, json!({ "option": 1 })), &second);
    assert_eq!((house.booked(&third), house.booked(&of_third)), (0, 0));

    // Where people look.
    let list = house.daemon.json(&["plan", "list", "--state", "superseded"]);
    assert_eq!(list["plans"][0]["successor"], second["id"], "{list}");
    let text = house.daemon.ctl(&["plan", "show", id(&first)]);
    let text = String::from_utf8_lossy(&text.stdout).into_owned();
    assert!(text.contains(&format!("superseded by {}", id(&second))), "{text}");
    let events = house.daemon.ctl(&["plan", "watch", id(&first)]);
    let events = String::from_utf8_lossy(&events.stdout).into_owned();
    assert!(events.contains(&format!("superseded: by {}", id(&second))), "{events}");
    let markdown =
        fs::read_to_string(house.documents(&first, "first").join("blueprint.md")).unwrap();
    assert!(markdown.contains("Superseded") && markdown.contains(id(&second)), "{markdown}");

    // A chain: the last one takes all over, whatever was selected on the way.
    let fourth = house.replanned(&second, &["--guests", "85"]);
    let fifth = house.replanned(&fourth, &["--guests", "95"]);
    house.daemon.json(&["plan", "select", id(&fifth), "1", "--wait"]);
    assert_eq!((house.booked(&second), house.booked(&fifth)), (0, 3));
    for (plan, successor) in [(&first, &second), (&second, &fifth), (&fourth, &fifth)] {
        let now = house.show(plan);
        assert_eq!((&now["state"], &now["successor"]), (&json!("superseded"), &successor["id"]));
    }
    refused_for(house.select(&fourth, json!({ "option": 1 })), &fifth);

    // The successor is called off: what it superseded stays so, and another may be selected.
    assert_eq!(house.cancel(&fifth).0, 200);
    assert_eq!(house.show(&second)["state"], "superseded");
    let (status, reply) = house.select(&third, json!({ "option": 1 }));
    assert_eq!(status, 202, "{reply}");
    let live = "SELECT count(DISTINCT plan_id) FROM booking WHERE state IN ('held', 'confirmed')";
    assert_eq!(house.number(live), 1);
    house.chains_are_whole();
}

#[test]
fn a_replanned_plan_keeps_the_vendors_of_whoever_holds_them() {
    let house = House::open();
    // The only ones of the city: whoever replans must not find them taken.
    house.import(&vendors("h", "Hville"));
    let first = house.planned(&request("Hville"));
    let middle = house.replanned(&first, &["--guests", "90"]);
    house.daemon.json(&["plan", "select", id(&first), "1", "--wait"]);
    let last = house.replanned(&middle, &["--guests", "80"]);
    assert_eq!(last["state"], "awaiting_selection");
    house.daemon.json(&["plan", "select", id(&last), "1", "--wait"]);
    assert_eq!((house.booked(&first), house.booked(&last)), (0, 3));
    assert_eq!(house.show(&first)["successor"], last["id"]);
}

#[test]
fn replanned_guests_are_what_was_said() {
    let house = House::open();
    let mut records = vendors("p", "Pville");
    records[0]["capacity"] = json!({ "max": 2000 });
    house.import(&records);
    let mut document = request("Pville");
    document["budget"]["amount"] = json!("100000.00");
    document["guests"] = json!(600);
    let day = |n: i64| event_date().saturating_add(n.days()).to_string();
    let function = |name: &str, n: i64, guests: u32| json!({"name": name, "date": day(n), "start": "12:00", "hours": 6, "guests": guests});
    document["functions"] = json!([
        function("Mehndi", 0, 80),
        function("Sangeet", 1, 200),
        function("Wedding", 2, 350),
        function("Reception", 3, 600)
    ]);
    let plan = house.planned(&document);
    for case in table("guests.json") {
        let name = case["name"].as_str().unwrap();
        let texts = |value: &Value| -> Vec<String> {
            value.as_array().unwrap().iter().map(|v| v.as_str().unwrap().to_owned()).collect()
        };
        let given = texts(&case["args"]);
        let args: Vec<&str> = given.iter().map(String::as_str).collect();
        let output =
            house.daemon.ctl(&[&["--json", "plan", "replan", id(&plan)], &args[..]].concat());
        if let Some(words) = case.get("refused") {
            assert!(!output.status.success(), "{name}: {output:?}");
            let text = format!("{}{}", stderr_of(&output), String::from_utf8_lossy(&output.stdout));
            for word in texts(words) {
                assert!(text.contains(&word), "{name}: {word} is missing in {text}");
            }
            continue;
        }
        assert!(output.status.success(), "{name}: {}", stderr_of(&output));
        let event = &json_of(&output)["event"];
        let functions = event["functions"].as_array().unwrap().iter();
        let numbers: Vec<Value> = functions.map(|f| f["guests"].clone()).collect();
        assert_eq!(json!(numbers), case["functions"], "{name}");
        assert_eq!(event["guests"], case["guests"], "{name}");
        let text = house.daemon.ctl(&[&["plan", "replan", id(&plan)], &args[..]].concat());
        let text = String::from_utf8_lossy(&text.stdout).into_owned();
        assert!(text.contains(&format!("guests: {}\n", case["guests"])), "{name}: {text}");
        assert!(text.contains(&format!("Mehndi: {}\n", case["functions"][0])), "{name}: {text}");
    }
    // By the socket, with the same words.
    let path = format!("/v1/plans/{}/replan", id(&plan));
    let body = json!({ "guests": 300, "function_guests": { "Mehndi": 55 } });
    let (status, reply) = post(&house.daemon.socket(), &path, &body);
    assert_eq!((status, &reply["event"]["guests"]), (202, &json!(300)), "{reply}");
    let numbers: Vec<&Value> =
        reply["event"]["functions"].as_array().unwrap().iter().map(|f| &f["guests"]).collect();
    assert_eq!(json!(numbers), json!([55, 100, 175, 300]));
    // An event without functions has no names to write.
    let plain = house.planned(&request("Pville"));
    let output = house.daemon.ctl(&["plan", "replan", id(&plain), "--guests", "Brunch=5"]);
    assert!(stderr_of(&output).contains("the event has no functions"), "{output:?}");
}

/// What a database of an earlier version knows of plans that replan each other.
#[test]
fn plans_from_before_are_put_into_their_families() {
    let house = House::open();
    let plan = |n: u32, state: &str, replans: u32| {
        let id = |n: u32| format!("00000000-0000-7000-8000-{n:012}");
        let replans = if replans == 0 { "NULL".to_owned() } else { format!("'{}'", id(replans)) };
        house.sql(&format!(
            "INSERT INTO plan (id, state, fingerprint, request, currency, seed, created_at,
                               updated_at, state_since, run_after, audit_seq, audit_hash, replans)
             VALUES ('{}', '{state}', decode(repeat('00', 32), 'hex'), '{{}}', 'INR', 0, now(),
                     now(), now() + interval '{n} s', now(), 0, decode(repeat('00', 32), 'hex'),
                     {replans})",
            id(n)
        ));
    };
    // Two chains from one plan, a plan by itself, and one that was replanned in vain.
    for (n, state, replans) in [
        (1, "completed", 0),
        (2, "completed", 1),
        (3, "awaiting_selection", 1),
        (4, "completed", 2),
        (5, "completed", 0),
        (6, "completed", 0),
        (7, "awaiting_selection", 6),
    ] {
        plan(n, state, replans);
    }
    let migration = include_str!("../../../../sql/V0019__families.sql");
    let begin = migration.find("WITH RECURSIVE").unwrap();
    let end = migration.find("CREATE INDEX").unwrap();
    house.sql(&migration[begin..end]);
    let rows = "SELECT string_agg(right(id::text, 1) || coalesce(right(family::text, 1), '-')
                                  || coalesce(right(successor::text, 1), '-'), ' ' ORDER BY id)
                FROM plan";
    let found: String = house.runtime.block_on(house.client.query_one(rows, &[])).unwrap().get(0);
    assert_eq!(found, "1-2 214 31- 41- 5-- 6-- 76-");
}
