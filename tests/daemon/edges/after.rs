//! After the offer: selecting looks again, plans are called off up to the end of their event, one
//! event is booked once, and replanning changes what it says.

use std::{
    fs,
    io::{Read, Write},
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    sync::{Arc, Barrier},
    thread,
    time::{Duration, Instant},
};

use common::daemon::{Daemon, json_of, stderr_of};
use jiff::{Timestamp, ToSpan, civil::Date};
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use tokio_postgres::Client;

const PATIENCE: Duration = Duration::from_secs(120);

/// A daemon on a database that the test can look into and change behind its back.
struct House {
    daemon: Daemon,
    runtime: Runtime,
    client: Client,
}

impl House {
    fn open() -> Self {
        let runtime = Runtime::new().unwrap();
        let url = runtime.block_on(common::database());
        let client = runtime.block_on(common::raw(&url));
        let daemon =
            Daemon::start_in(Arc::new(common::daemon::folder()), &[("DATABASE_URL", &url)]);
        Self { daemon, runtime, client }
    }

    fn sql(&self, statement: &str) {
        self.runtime.block_on(self.client.batch_execute(statement)).unwrap();
    }

    fn number(&self, statement: &str) -> i64 {
        self.runtime.block_on(self.client.query_one(statement, &[])).unwrap().get(0)
    }

    /// Live bookings of a plan.
    fn booked(&self, plan: &Value) -> i64 {
        self.number(&format!(
            "SELECT count(*) FROM booking WHERE plan_id = '{}' AND state IN ('held', 'confirmed')",
            id(plan)
        ))
    }

    fn import(&self, vendors: &[Value]) {
        let document = json!(vendors).to_string();
        let args = ["vendors", "import", "-", "--format", "json"];
        let imported = self.daemon.ctl_with(&args, document.as_bytes());
        assert!(imported.status.success(), "{}", stderr_of(&imported));
    }

    /// A plan with its options.
    fn planned(&self, document: &Value) -> Value {
        let args = ["--json", "plan", "submit", "-", "--wait"];
        let output = self.daemon.ctl_with(&args, document.to_string().as_bytes());
        assert!(output.status.success(), "{output:?}");
        json_of(&output)
    }

    fn replanned(&self, plan: &Value, change: &[&str]) -> Value {
        self.daemon.json(&[&["plan", "replan", id(plan), "--wait"], change].concat())
    }

    fn select(&self, plan: &Value, body: Value) -> (u16, Value) {
        post(&self.daemon.socket(), &format!("/v1/plans/{}/select", id(plan)), &body)
    }

    fn cancel(&self, plan: &Value) -> (u16, Value) {
        post(&self.daemon.socket(), &format!("/v1/plans/{}/cancel", id(plan)), &json!({}))
    }

    fn show(&self, plan: &Value) -> Value {
        self.daemon.json(&["plan", "show", id(plan)])
    }

    /// The plan once it is in this state.
    fn reaches(&self, plan: &Value, state: &str) -> Value {
        let began = Instant::now();
        loop {
            let now = self.show(plan);
            if now["state"] == state {
                return now;
            }
            assert!(began.elapsed() < PATIENCE, "it stays {}, not {state}", now["state"]);
            thread::sleep(Duration::from_millis(50));
        }
    }

    fn documents(&self, plan: &Value, folder: &str) -> PathBuf {
        let out = self.daemon.folder.path().join(folder);
        self.daemon.json(&["plan", "documents", id(plan), "--output", out.to_str().unwrap()]);
        out
    }

    fn chains_are_whole(&self) {
        let audit = self.daemon.json(&["verify", "audit"]);
        assert!(self.daemon.ctl(&["verify", "audit"]).status.success(), "{audit}");
    }
}

fn id(plan: &Value) -> &str {
    plan["id"].as_str().unwrap_or_else(|| panic!("no plan: {plan}"))
}

/// Status and document of the reply.
fn post(socket: &Path, path: &str, body: &Value) -> (u16, Value) {
    let mut stream = UnixStream::connect(socket).unwrap();
    let body = body.to_string();
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(body.as_bytes()).unwrap();
    let mut reply = String::new();
    stream.read_to_string(&mut reply).unwrap();
    let status = reply.split(' ').nth(1).unwrap().parse().unwrap();
    let document = reply.split_once("\r\n\r\n").unwrap().1;
    (status, serde_json::from_str(document).unwrap_or_else(|e| panic!("{e} in {reply}")))
}

/// A hundred days ahead, where the event is.
fn event_date() -> Date {
    Timestamp::now().in_tz("Asia/Kolkata").unwrap().date().saturating_add(100.days())
}

fn line(label: &str, basis: &str, amount: &str) -> Value {
    json!([{ "label": label, "basis": basis, "amount": amount, "currency": "INR" }])
}

/// A venue, a caterer and a photographer of a city; their ids begin with `name`.
fn vendors(name: &str, city: &str) -> [Value; 3] {
    let vendor = |category: &str, pricing: Value| {
        json!({
            "external_id": format!("{name}-{category}"), "category": category,
            "name": format!("{name} {category}"), "city": city, "pricing": pricing,
        })
    };
    let mut all = [
        vendor("venue", line("Hall", "flat", "1000.00")),
        vendor("caterer", line("Plate", "per_guest", "20.00")),
        vendor("photographer", line("Day", "flat", "500.00")),
    ];
    all[0]["capacity"] = json!({ "max": 300 });
    all[0]["policies"] = json!({ "catering": "outside" });
    all[1]["tags"] = json!(["vegan"]);
    all[2]["lead_days"] = json!(30);
    all
}

/// 100 guests, 10,000.00 INR without a contingency.
fn request(city: &str) -> Value {
    json!({
        "client": { "name": "A. Client" }, "event_type": "corporate",
        "date": event_date().to_string(), "start": "12:00", "time_zone": "Asia/Kolkata",
        "hours": 6, "city": city, "guests": 100, "contingency_percent": 0,
        "budget": { "amount": "10000.00", "currency": "INR" },
        "services": { "venue": {}, "caterer": {}, "photographer": {} },
        "preferences": { "dietary": ["vegan"] }
    })
}

fn table(name: &str) -> Vec<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/edges/after").join(name);
    let file: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    file["cases"].as_array().unwrap().clone()
}

fn merge(record: &mut Value, edit: &Value) {
    for (key, value) in edit.as_object().unwrap() {
        record[key] = value.clone();
    }
}

/// `field old new` of every change, sorted.
fn told(changes: &Value) -> Vec<Value> {
    let mut all: Vec<Value> = changes
        .as_array()
        .unwrap()
        .iter()
        .map(|c| json!([c["field"], c["old"], c["new"]]))
        .collect();
    all.sort_by_key(Value::to_string);
    all
}

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
fn a_completed_plan_is_called_off_with_its_vendors_and_documents() {
    let house = House::open();
    house.import(&vendors("x", "Xville"));
    let plan = house.planned(&request("Xville"));
    house.daemon.json(&["plan", "select", id(&plan), "1", "--wait"]);
    assert_eq!(house.booked(&plan), 3);
    let before =
        fs::read_to_string(house.documents(&plan, "before").join("blueprint.ics")).unwrap();
    assert!(!before.contains("STATUS") && !before.contains("METHOD"), "{before}");

    let text = house.daemon.ctl(&["plan", "cancel", id(&plan)]);
    assert!(String::from_utf8_lossy(&text.stdout).contains("is cancelled"), "{text:?}");
    assert_eq!(house.show(&plan)["state"], "cancelled");
    assert_eq!(house.booked(&plan), 0);
    let out = house.documents(&plan, "after");
    let calendar = fs::read_to_string(out.join("blueprint.ics")).unwrap();
    let entries = |text: &str, line: &str| text.lines().filter(|l| *l == line).count();
    assert_eq!(entries(&calendar, "METHOD:CANCEL"), 1, "{calendar}");
    let all = entries(&before, "BEGIN:VEVENT");
    assert!(all > 3);
    for line in ["BEGIN:VEVENT", "STATUS:CANCELLED", "SEQUENCE:1"] {
        assert_eq!(entries(&calendar, line), all, "{line} in {calendar}");
    }
    let uids = |text: &str| -> Vec<String> {
        text.lines().filter(|l| l.starts_with("UID:")).map(str::to_owned).collect()
    };
    assert_eq!(uids(&calendar), uids(&before));
    let markdown = fs::read_to_string(out.join("blueprint.md")).unwrap();
    assert!(markdown.contains("(cancelled)") && markdown.contains("**Cancelled at"), "{markdown}");
    let blueprint: Value =
        serde_json::from_slice(&fs::read(out.join("blueprint.json")).unwrap()).unwrap();
    assert_eq!(blueprint["called_off"]["state"], "cancelled");
    let audit = house.daemon.json(&["plan", "show", id(&plan), "--audit"]).to_string();
    assert!(audit.contains("vendors_released") && audit.contains("cancel_requested"), "{audit}");
    house.chains_are_whole();

    // Cancelling again says the same; nothing follows any more.
    assert_eq!(house.cancel(&plan).0, 200);
    let (status, reply) = house.select(&plan, json!({ "option": 1 }));
    assert_eq!((status, &reply["error"]["code"]), (409, &json!("wrong_state")), "{reply}");
    // The vendors are free for somebody else.
    let next = house.planned(&request("Xville"));
    assert_eq!(house.select(&next, json!({ "option": 1 })).0, 202);
    house.reaches(&next, "completed");

    // What took place can't be called off.
    let yesterday = Timestamp::now().in_tz("Asia/Kolkata").unwrap().date().yesterday().unwrap();
    house.sql(&format!(
        "UPDATE plan SET request = jsonb_set(request, '{{date}}', '\"{yesterday}\"') WHERE id = '{}'",
        id(&next)
    ));
    let (status, reply) = house.cancel(&next);
    assert_eq!((status, &reply["error"]["code"]), (409, &json!("wrong_state")), "{reply}");
    assert!(reply["error"]["message"].as_str().unwrap().contains("was over on"), "{reply}");
    assert_eq!(house.show(&next)["state"], "completed");
}

#[test]
fn erasing_a_plan_whose_event_is_to_come_frees_its_vendors() {
    let house = House::open();
    house.import(&vendors("e", "Eville"));
    let plan = house.planned(&request("Eville"));
    house.daemon.json(&["plan", "select", id(&plan), "1", "--wait"]);
    let erased = house.daemon.json(&["plan", "erase", id(&plan)]);
    assert_eq!((&erased["state"], house.booked(&plan)), (&json!("cancelled"), 0));
    assert_eq!(erased["documents"], json!([]));
    house.chains_are_whole();
    // At once, and not when the cache is next renewed.
    let next = house.planned(&request("Eville"));
    house.daemon.json(&["plan", "select", id(&next), "1", "--wait"]);
    assert_eq!(house.booked(&next), 3);
}

#[test]
fn whoever_cancels_while_others_select_or_write_leaves_no_booking() {
    let house = House::open();
    house.import(&vendors("k", "Kville"));
    for round in 0..10_u64 {
        // As every round frees the vendors, the next one finds them.
        let plan = house.planned(&request("Kville"));
        let start = Barrier::new(5);
        let answers: Vec<(u16, Value)> = thread::scope(|scope| {
            let selecting = (0..4).map(|_| {
                scope.spawn(|| {
                    start.wait();
                    house.select(&plan, json!({ "option": 1 }))
                })
            });
            let selecting: Vec<_> = selecting.collect();
            start.wait();
            // From before the selection to after the documents.
            thread::sleep(Duration::from_millis(round * 8));
            let (status, reply) = house.cancel(&plan);
            assert_eq!(status, 200, "{reply}");
            selecting.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        for (status, reply) in answers {
            let refused = status == 409 && reply["error"]["code"] == "wrong_state";
            assert!(status == 202 || refused, "{status} {reply}");
        }
        let ended = house.reaches(&plan, "cancelled");
        // A writer that was under way changes nothing any more.
        thread::sleep(Duration::from_millis(100));
        assert_eq!(house.booked(&plan), 0, "round {round}");
        let after = house.show(&plan);
        assert_eq!(
            (&after["state"], &after["documents"]),
            (&json!("cancelled"), &ended["documents"])
        );
        if after["documents"] != json!([]) {
            let out = house.documents(&plan, &format!("out-{round}"));
            let calendar = fs::read_to_string(out.join("blueprint.ics")).unwrap();
            assert!(calendar.contains("STATUS:CANCELLED"), "{calendar}");
        }
    }
    house.chains_are_whole();
}

#[test]
fn a_queued_or_running_plan_is_cancelled_at_once() {
    let house = House::open();
    house.import(&vendors("q", "Qville"));
    for round in 0..6_u64 {
        let submitted = house
            .daemon
            .ctl_with(&["--json", "plan", "submit", "-"], request("Qville").to_string().as_bytes());
        let plan = json_of(&submitted);
        thread::sleep(Duration::from_millis(round * 5));
        let (status, reply) = house.cancel(&plan);
        assert_eq!((status, &reply["state"]), (200, &json!("cancelled")), "{reply}");
        thread::sleep(Duration::from_millis(100));
        assert_eq!(house.show(&plan)["state"], "cancelled");
    }
    house.chains_are_whole();
}

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
    let migration = include_str!("../../../sql/V0019__families.sql");
    let begin = migration.find("WITH RECURSIVE").unwrap();
    let end = migration.find("CREATE INDEX").unwrap();
    house.sql(&migration[begin..end]);
    let rows = "SELECT string_agg(right(id::text, 1) || coalesce(right(family::text, 1), '-')
                                  || coalesce(right(successor::text, 1), '-'), ' ' ORDER BY id)
                FROM plan";
    let found: String = house.runtime.block_on(house.client.query_one(rows, &[])).unwrap().get(0);
    assert_eq!(found, "1-2 214 31- 41- 5-- 6-- 76-");
}
