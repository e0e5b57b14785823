//! Draining, reloading, stopping, and a restart of one daemon after the other under load.

use std::{fs, sync::Arc};

use common::{
    arena::{Arena, signal, until},
    daemon::{Daemon, folder, json_of, stderr_of},
};
use nix::sys::signal::Signal;
use serde_json::{Value, json};

use crate::ledger::{Clients, document, verify};

#[test]
fn a_rolling_restart_drops_nothing() {
    let arena = Arena::start();
    let mut daemons: Vec<Option<Daemon>> = (0..2).map(|_| Some(arena.daemon(&[]))).collect();
    let first = daemons[0].as_ref().unwrap();
    arena.import(first);
    let wedding = document(jiff::Zoned::now().date(), 180).to_string();
    let plan = first.ctl_with(&["--json", "plan", "submit", "-", "--wait"], wedding.as_bytes());
    let digest = json_of(&plan)["plan_digest"].as_str().unwrap().to_owned();
    let sockets = daemons.iter().map(|daemon| daemon.as_ref().unwrap().socket()).collect();
    let clients = Clients::start(sockets, 2, 1);
    for slot in &mut daemons {
        let daemon = slot.take().unwrap();
        let drained = daemon.ctl(&["drain"]);
        assert!(drained.status.success(), "{drained:?}");
        assert_eq!(daemon.json(&["status"])["state"], "drained");
        signal(&daemon, Signal::SIGTERM);
        let folder = daemon.folder.clone();
        assert_eq!(daemon.wait().code(), Some(0));
        *slot = Some(arena.daemon_in(folder, &[]));
    }
    let ledger = clients.finish();
    let daemon = daemons[0].as_ref().unwrap();
    verify(&arena, daemon, &ledger, &digest);
    let sql = arena.sql();
    let crashed = "SELECT count(*) FROM plan_event
                   WHERE kind = 'claim' AND detail->>'taken_over_from' IS NOT NULL";
    assert_eq!(sql.number(crashed), 0, "a daemon that goes in order leaves nothing to take over");
}

#[test]
fn a_drained_daemon_claims_nothing_until_it_is_told_to() {
    let arena = Arena::start();
    let daemon = arena.daemon(&[]);
    arena.import(&daemon);
    assert!(daemon.ctl(&["drain"]).status.success());
    let wedding = document(jiff::Zoned::now().date(), 180).to_string();
    let plan = json_of(&daemon.ctl_with(&["--json", "plan", "submit", "-"], wedding.as_bytes()));
    let id = plan["id"].as_str().unwrap();
    let waited = daemon.json(&["status"]);
    assert_eq!(waited["state"], "drained", "it takes plans in, and leaves them to others");
    assert_eq!(daemon.json(&["plan", "show", id])["state"], "queued");
    assert!(daemon.ctl(&["drain", "--undo"]).status.success());
    let shown = || daemon.json(&["plan", "show", id])["state"].clone();
    until("the plan is worked on", || shown() == "awaiting_selection");
    assert_eq!(daemon.json(&["status"])["state"], "running");
}

#[test]
fn a_reload_changes_what_it_can_and_names_what_needs_a_restart() {
    let arena = Arena::start();
    let home = Arc::new(folder());
    let file = home.path().join("settings.toml");
    let write = |text: &str| fs::write(&file, text).unwrap();
    write("[admission]\nmax_queued_plans = 2\n");
    let environment = [("DATABASE_URL", arena.url.as_str())];
    let args = ["--config", file.to_str().unwrap()];
    let daemon = Daemon::start_with(home.clone(), &environment, &args);
    assert!(daemon.ctl(&["drain"]).status.success());
    let submit = || {
        let wedding = document(jiff::Zoned::now().date(), 180).to_string();
        daemon.ctl_with(&["--json", "plan", "submit", "-"], wedding.as_bytes()).status.code()
    };
    let (mut taken, mut refused) = (0, None);
    while refused.is_none() && taken < 10 {
        match submit() {
            Some(0) => taken += 1,
            code => refused = Some(code),
        }
    }
    assert_eq!((taken, refused), (2, Some(Some(5))));

    write(
        "[admission]\nmax_queued_plans = 50\n[alerts.cpu]\nwarning = 11.5\n\
         [database]\nquery_cache_size = 7\npool_size = 3\n[log]\nlevel = \"debug\"\n",
    );
    let reloaded = daemon.json(&["reload"]);
    let keys = |list: &str| -> Vec<String> {
        let list = reloaded[list].as_array().unwrap();
        list.iter().map(|changed| changed["key"].as_str().unwrap().to_owned()).collect()
    };
    let changed = [
        "database.query_cache_size",
        "admission.max_queued_plans",
        "log.level",
        "alerts.cpu.warning",
    ];
    assert_eq!(keys("changed"), changed);
    assert_eq!(keys("needs_restart"), ["database.pool_size"]);
    until("there is room again", || submit() == Some(0));

    // A file that is refused changes nothing; neither does the signal then.
    write("[admission]\nmax_queued_plans = 0\n");
    let refused = daemon.ctl(&["reload"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(stderr_of(&refused).contains("admission.max_queued_plans"), "{refused:?}");
    signal(&daemon, Signal::SIGHUP);
    until("the signal was heard", || daemon.said("log").matches("reload_failed").count() == 2);
    write("[admission]\nmax_queued_plans = 60\n");
    signal(&daemon, Signal::SIGHUP);
    until("the signal reloads", || daemon.said("log").matches("settings_reloaded").count() == 2);
    let last: Value = daemon
        .said("log")
        .lines()
        .rev()
        .map(|line| serde_json::from_str(line).unwrap())
        .find(|line: &Value| line["event"] == "settings_reloaded")
        .unwrap();
    assert_eq!(last["needs_restart"], json!(""), "{last}");
    assert_eq!(submit(), Some(0), "and it serves on");
}
