//! Ten times what the daemon takes in: refused at once, flat memory, everything accepted is done.

use std::{
    os::unix::net::UnixStream,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use crate::{
    arena::{Arena, until},
    http::call,
    ledger::document,
};

/// Of the short form; `EVENTPLANNER_CHAOS_OVERLOAD_S` sets another length.
const LASTS_S: u64 = 5;
const CLIENTS: usize = 12;
/// The most that memory may grow: far less than what the refused plans would take.
const GROWTH_MAX_BYTES: u64 = 64 << 20;

#[derive(Default)]
struct Told {
    accepted: Vec<String>,
    refusals: Vec<Duration>,
}

/// Submits without a pause until the time is over.
fn hammer(socket: PathBuf, document: Arc<String>, over: Arc<AtomicBool>) -> Told {
    let mut told = Told::default();
    while !over.load(Ordering::Relaxed) {
        let began = Instant::now();
        match call(&socket, "POST", "/v1/plans", "", &document) {
            Ok((202, plan)) => told.accepted.push(plan["id"].as_str().unwrap().to_owned()),
            Ok((503, error)) => {
                assert_eq!(error["error"]["code"], "busy", "{error}");
                told.refusals.push(began.elapsed());
            }
            other => panic!("{other:?}"),
        }
    }
    told
}

#[test]
fn overload_is_refused_and_what_was_accepted_is_done() {
    let arena = Arena::new();
    let daemon = arena.daemon(&[
        ("EVENTPLANNER__ADMISSION__MAX_QUEUED_PLANS", "20"),
        ("EVENTPLANNER__WORKFLOW__MAX_PLANS_IN_FLIGHT", "2"),
        ("EVENTPLANNER__LOG__LEVEL", "warning"),
    ]);
    arena.import(&daemon);
    let wedding = document(jiff::Zoned::now().date(), 180).to_string();
    let memory = || daemon.json(&["status"])["memory_bytes"].as_u64().unwrap();
    let args = ["--json", "plan", "submit", "-", "--wait"];
    assert!(daemon.ctl_with(&args, wedding.as_bytes()).status.success(), "warm");
    let lasts = std::env::var("EVENTPLANNER_CHAOS_OVERLOAD_S");
    let lasts = lasts.map_or(LASTS_S, |text| text.parse().expect("seconds"));

    let before = memory();
    let (document, over) = (Arc::new(wedding.clone()), Arc::new(AtomicBool::new(false)));
    let clients: Vec<_> = (0..CLIENTS)
        .map(|_| {
            let (socket, document, over) = (daemon.socket(), document.clone(), over.clone());
            thread::spawn(move || hammer(socket, document, over))
        })
        .collect();
    let began = Instant::now();
    let mut exits = Vec::new();
    while began.elapsed() < Duration::from_secs(lasts) {
        let asked = Instant::now();
        let output = daemon.ctl_with(&["plan", "submit", "-"], wedding.as_bytes());
        match output.status.code() {
            Some(5) => exits.push(asked.elapsed()),
            Some(0) => {}
            _ => panic!("{output:?}"),
        }
    }
    over.store(true, Ordering::Relaxed);
    let told: Vec<Told> = clients.into_iter().map(|client| client.join().unwrap()).collect();
    let after = memory();
    let mut refusals: Vec<Duration> = told.iter().flat_map(|told| told.refusals.clone()).collect();
    refusals.sort_unstable();
    exits.sort_unstable();
    let accepted: usize = told.iter().map(|told| told.accepted.len()).sum();
    assert!(refusals.len() > accepted * 5, "{} to {accepted} is no overload", refusals.len());
    assert!(!exits.is_empty(), "the command line never got exit code 5");
    let at = |times: &[Duration], share: usize| times[(times.len() - 1) * share / 100];
    println!(
        "{accepted} accepted, {} refused: p50 {:?}, p99 {:?}; {} processes with exit code 5: \
         p50 {:?}, p99 {:?}, most {:?}; memory {} -> {} MiB",
        refusals.len(),
        at(&refusals, 50),
        at(&refusals, 99),
        exits.len(),
        at(&exits, 50),
        at(&exits, 99),
        at(&exits, 100),
        before >> 20,
        after >> 20
    );
    assert!(after < before + GROWTH_MAX_BYTES, "memory grew from {before} to {after} bytes");

    let sql = arena.sql();
    until("what was accepted is done", || {
        sql.number("SELECT count(*) FROM plan WHERE state IN ('queued', 'running')") == 0
    });
    let kept = sql.texts("SELECT id::text FROM plan WHERE state = 'awaiting_selection'");
    for id in told.iter().flat_map(|told| &told.accepted) {
        assert!(kept.contains(id), "{id} is not done");
    }
}

#[test]
fn a_connection_too_many_is_told_so_at_once() {
    let arena = Arena::new();
    let daemon = arena.daemon(&[("EVENTPLANNER__CONTROL__MAX_CONNECTIONS", "8")]);
    let idle: Vec<UnixStream> =
        (0..8).map(|_| UnixStream::connect(daemon.socket()).unwrap()).collect();
    let mut said = 0;
    // The daemon may not have taken all of them yet.
    until("the command line is told that the daemon is busy", || {
        let asked = Instant::now();
        let output = daemon.ctl(&["status"]);
        said = asked.elapsed().as_millis();
        output.status.code() == Some(5)
    });
    println!("exit code 5 after {said} ms");
    drop(idle);
    until("there is room again", || daemon.ctl(&["status"]).status.success());
}
