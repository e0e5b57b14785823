//! Faults put into each actor of a real daemon: one life is lost, and nothing else.

use std::{
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use common::{
    arena::{Arena, until},
    daemon::{Daemon, json_of},
};
use serde_json::{Value, json};

use crate::{
    http::{get, post},
    ledger::document,
};

const ACTORS: [&str; 4] = ["vendor_search", "llm_gateway", "beam_coordinator", "metrics"];

fn actor(daemon: &Daemon, name: &str) -> Value {
    let status = daemon.json(&["status"]);
    let actors = status["actors"].as_array().unwrap();
    actors.iter().find(|actor| actor["name"] == name).unwrap().clone()
}

fn inject(socket: &Path, actor: &str, fault: &str) -> std::io::Result<(u16, Value)> {
    post(socket, "/v1/admin/fault", &json!({"actor": actor, "fault": fault}).to_string())
}

fn has_its_options(daemon: &Daemon, plan: &str) {
    let shown = || daemon.json(&["plan", "show", plan]);
    until("the plan's work has ended", || {
        !["queued", "running"].contains(&shown()["state"].as_str().unwrap())
    });
    let ended = shown();
    assert_eq!(ended["state"], "awaiting_selection", "{ended}");
}

#[test]
fn every_actor_comes_back_from_every_fault_and_no_plan_is_lost() {
    let arena = Arena::start();
    let daemon = arena.daemon(&[("EVENTPLANNER__SUPERVISION__MAX_RESTARTS", "20")]);
    arena.import(&daemon);
    let wedding = document(jiff::Zoned::now().date(), 180).to_string();
    let mut plans = Vec::new();
    for (lives, fault) in [(1, "panic"), (2, "stop"), (3, "freeze")] {
        for name in ACTORS {
            let before = actor(&daemon, name);
            assert_eq!(before["generation"], json!(lives), "{before}");
            let submitted = post(&daemon.socket(), "/v1/plans", &wedding);
            let injected = inject(&daemon.socket(), name, fault).unwrap();
            assert_eq!(injected.0, 200, "{injected:?}");
            if let Ok((202, plan)) = submitted {
                plans.push(plan["id"].as_str().unwrap().to_owned());
            }
            until("the next life began", || {
                let now = actor(&daemon, name);
                now["generation"] == json!(lives + 1) && now["state"] == "running"
            });
            // One that meets a fault of three actors in a row would be given up, and rightly so.
            if let Some(plan) = plans.last() {
                has_its_options(&daemon, plan);
            }
        }
    }
    for name in ACTORS {
        let now = actor(&daemon, name);
        assert_eq!(now["restarts"], json!(3), "{now}");
        assert!(now["heartbeat_age_ms"].is_u64() && now["in_flight"].is_u64(), "{now}");
    }
    assert!(plans.len() >= 9, "{plans:?}");
    let digests: std::collections::BTreeSet<String> = plans
        .iter()
        .map(|plan| daemon.json(&["plan", "show", plan])["plan_digest"].to_string())
        .collect();
    assert_eq!(digests.len(), 1, "disturbed or not, the same plan");
    assert!(daemon.ctl(&["health"]).status.success());
}

/// While one actor dies again and again, requests to another are all answered.
#[test]
fn a_dying_actor_costs_the_others_no_message() {
    let arena = Arena::start();
    let daemon = arena.daemon(&[("EVENTPLANNER__SUPERVISION__MAX_RESTARTS", "50")]);
    let socket = daemon.socket();
    let over = AtomicBool::new(false);
    let answered = thread::scope(|scope| {
        let asking: Vec<_> = (0..2)
            .map(|_| {
                scope.spawn(|| {
                    let mut answered = 0;
                    while !over.load(Ordering::Relaxed) {
                        let (status, reply) = get(&socket, "/v1/vendors/stats").unwrap();
                        assert_eq!(status, 200, "{reply}");
                        answered += 1;
                    }
                    answered
                })
            })
            .collect();
        for lives in 1..=6 {
            inject(&socket, "llm_gateway", "panic").unwrap();
            until("it came back", || {
                actor(&daemon, "llm_gateway")["generation"].as_u64() > Some(lives)
            });
        }
        over.store(true, Ordering::Relaxed);
        asking.into_iter().map(|asking| asking.join().unwrap()).sum::<u64>()
    });
    assert!(answered > 10, "{answered}");
}

#[test]
fn an_actor_that_fails_too_often_ends_the_process_with_a_code_of_its_own() {
    let arena = Arena::start();
    let daemon = arena.daemon(&[("EVENTPLANNER__SUPERVISION__MAX_RESTARTS", "2")]);
    let socket = daemon.socket();
    // The process goes with the third; then nobody answers any more.
    for _ in 0..100 {
        if inject(&socket, "metrics", "panic").is_err() {
            break;
        }
        thread::sleep(std::time::Duration::from_millis(100));
    }
    let folder = daemon.folder.clone();
    assert_eq!(daemon.wait().code(), Some(70));
    let log = std::fs::read_to_string(folder.path().join("log")).unwrap();
    assert!(log.contains(r#""event":"actor_gave_up""#), "{log}");
}

#[test]
fn a_plan_whose_documents_find_no_room_waits_for_it() {
    let arena = Arena::start();
    let daemon = arena.daemon(&[]);
    arena.import(&daemon);
    let wedding = document(jiff::Zoned::now().date(), 180).to_string();
    let args = ["--json", "plan", "submit", "-", "--wait"];
    let plan = json_of(&daemon.ctl_with(&args, wedding.as_bytes()));
    let id = plan["id"].as_str().unwrap();
    let sql = arena.sql();
    // What PostgreSQL says when its disk is full.
    sql.execute(
        "CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS
         $$ BEGIN RAISE EXCEPTION 'could not extend file: No space left on device'
            USING ERRCODE = 'disk_full'; END $$;
         CREATE TRIGGER no_room BEFORE INSERT ON document EXECUTE FUNCTION no_room();",
    );
    assert!(daemon.ctl(&["plan", "select", id, "1"]).status.success());
    until("it was tried in vain", || {
        sql.number("SELECT count(*) FROM plan_event WHERE kind = 'released'") > 0
    });
    assert_eq!(daemon.json(&["plan", "show", id])["state"], "writing");
    sql.execute("DROP TRIGGER no_room ON document");
    let state = || daemon.json(&["plan", "show", id])["state"].clone();
    until("there is room, and the plan is completed", || state() == "completed");
    assert_eq!(sql.number("SELECT count(*) FROM document"), 3);
}
