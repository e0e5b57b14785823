//! Plans are called off up to the end of their event.

use std::{fs, sync::Barrier, thread, time::Duration};

use common::daemon::json_of;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{House, id, request, vendors};

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
