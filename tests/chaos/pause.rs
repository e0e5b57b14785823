//! What a daemon does that was taken for dead: nothing.

use std::time::{Duration, Instant};

use common::{
    arena::{Arena, PATIENCE, signal, until},
    daemon::{Daemon, json_of, sample},
    {
        llm_server::{Behaviour, LlmServer},
        llm_tasks::VINTAGE,
    },
};
use eventplanner::llm::settings::ServerKind;
use nix::sys::signal::Signal;
use serde_json::json;
use tokio::sync::watch;

/// A daemon whose plans wait for a model until the gate opens, so that they are under way.
fn waiting_daemon(arena: &Arena) -> (Daemon, LlmServer, watch::Sender<bool>) {
    let (gate, opened) = watch::channel(false);
    let server = arena.runtime.block_on(LlmServer::start(ServerKind::Ollama, move |_, _| {
        Behaviour::Gated(opened.clone(), VINTAGE.to_owned())
    }));
    let url = format!("http://{}", server.address);
    let daemon =
        arena.daemon(&[("OLLAMA_BASE_URL", &url), ("EVENTPLANNER__LLM__WARM_UP", "false")]);
    (daemon, server, gate)
}

fn submit(daemon: &Daemon) -> String {
    let wedding = sample("wedding.json");
    let plan = json_of(&daemon.ctl(&["--json", "plan", "submit", wedding.to_str().unwrap()]));
    plan["id"].as_str().unwrap().to_owned()
}

fn state(daemon: &Daemon, plan: &str) -> String {
    daemon.json(&["plan", "show", plan])["state"].as_str().unwrap().to_owned()
}

#[test]
fn a_paused_daemon_that_wakes_up_is_refused() {
    let arena = Arena::start();
    let (paused, server, gate) = waiting_daemon(&arena);
    arena.import(&paused);
    let plan = submit(&paused);
    until("the plan waits for the model", || server.seen.busy() > 0);

    let other = arena.daemon(&[]);
    signal(&paused, Signal::SIGSTOP);
    let stopped = Instant::now();
    until("the other one took the plan over", || state(&other, &plan) == "awaiting_selection");
    assert!(stopped.elapsed() > Duration::from_secs(2), "a lease that runs was respected");
    let before = other.json(&["plan", "show", &plan]);

    signal(&paused, Signal::SIGCONT);
    gate.send_replace(true);
    until("the woken daemon dropped its work", || {
        paused.said("log").contains(r#""event":"plan_returned""#)
    });
    assert_eq!(other.json(&["plan", "show", &plan]), before, "nothing of it came through");
    let sql = arena.sql();
    let outcomes = "SELECT count(*) FROM plan_event WHERE detail->>'to' = 'awaiting_selection'";
    assert_eq!(sql.number(outcomes), 1);
    assert_eq!(other.json(&["verify", "audit"])["broken"], json!([]));
}

/// The times are printed, not asserted.
#[test]
fn a_killed_daemons_plans_go_on_at_once_at_another() {
    let arena = Arena::start();
    let other = arena.daemon(&[("EVENTPLANNER__WORKFLOW__MAX_PLANS_IN_FLIGHT", "1")]);
    arena.import(&other);
    let drained = other.ctl(&["drain"]);
    assert!(drained.status.success(), "{drained:?}");
    let (doomed, server, _gate) = waiting_daemon(&arena);
    let plan = submit(&doomed);
    until("the plan waits for the model", || server.seen.busy() > 0);
    let undone = other.ctl(&["drain", "--undo"]);
    assert!(undone.status.success(), "{undone:?}");

    // Watched at the daemon that does not have it yet.
    let watch = std::thread::scope(|scope| {
        let watching = scope.spawn(|| other.ctl(&["--json", "plan", "watch", &plan]));
        let killed = Instant::now();
        drop(doomed.kill());
        let claimed = "SELECT count(*) FROM plan_event
                       WHERE kind = 'claim' AND detail->>'taken_over_from' <> ''";
        let sql = arena.sql();
        while sql.number(claimed) == 0 {
            assert!(killed.elapsed() < PATIENCE, "nobody took it over");
            std::thread::sleep(Duration::from_millis(2));
        }
        println!("taken over {} ms after the kill", killed.elapsed().as_millis());
        watching.join().unwrap()
    });
    let events = json_of(&watch);
    let last = events.as_array().unwrap().last().unwrap();
    assert_eq!(last["state"], "awaiting_selection", "{events}");
}
