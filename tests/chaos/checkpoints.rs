//! A plan goes on from its checkpoint, and ends as it would have without the break; a checkpoint
//! that can't be read costs only the rounds before it.

use common::{
    arena::{Arena, until},
    daemon::{Daemon, json_of},
};
use serde_json::Value;

use crate::ledger::document;

fn submit(daemon: &Daemon, more: &[&str]) -> Value {
    let wedding = document(jiff::Zoned::now().date(), 180).to_string();
    let args = [&["--json", "plan", "submit", "-"], more].concat();
    json_of(&daemon.ctl_with(&args, wedding.as_bytes()))
}

fn id(plan: &Value) -> &str {
    plan["id"].as_str().unwrap()
}

#[test]
fn a_plan_that_goes_on_ends_as_one_that_was_never_broken_off() {
    let arena = Arena::start();
    let daemon = arena.daemon(&[("EVENTPLANNER__WORKFLOW__CHECKPOINT_INTERVAL_ROUNDS", "1")]);
    arena.import(&daemon);
    let whole = submit(&daemon, &["--wait"]);
    let sql = arena.sql();
    let rounds = sql.number("SELECT count(*) FROM checkpoint");
    assert!(rounds >= 2, "{rounds} checkpoints");

    // As if a daemon had died after round 2, with a checkpoint of this version, of one to come,
    // and a damaged one.
    assert!(daemon.ctl(&["drain"]).status.success());
    for (version, body, goes_on) in [
        ("version", "body", true),
        ("version + 1", "body", false),
        ("version", "substr(body, 1, length(body) / 2)", false),
    ] {
        let broken_off = submit(&daemon, &[]);
        sql.execute(&format!(
            "UPDATE plan SET run_number = 1 WHERE id = '{0}';
             INSERT INTO checkpoint (plan_id, round, run_number, version, codec, body)
             SELECT '{0}', round, 1, {version}, codec, {body} FROM checkpoint
             WHERE plan_id = '{1}' AND round = 2",
            id(&broken_off),
            id(&whole)
        ));
        assert!(daemon.ctl(&["drain", "--undo"]).status.success());
        let shown = || daemon.json(&["plan", "show", id(&broken_off)]);
        until("it ends", || shown()["state"] == "awaiting_selection");
        assert_eq!(shown()["plan_digest"], whole["plan_digest"], "{version}, {body}");
        assert_eq!(shown()["options"], whole["options"]);
        let resumed = daemon.said("log").lines().any(|line| {
            line.contains(r#""event":"plan_resumed""#) && line.contains(id(&broken_off))
        });
        assert_eq!(resumed, goes_on, "{version}, {body}");
        assert!(daemon.ctl(&["drain"]).status.success());
    }
}
