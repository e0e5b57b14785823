//! Durability's price: real daemons on a real database. `cargo bench --bench durability`, or with
//! the names of some parts: `submissions`, `pending`, `plans`, `takeover`, `memory`,
//! `checkpoints`. Prints, asserts nothing.

use std::{
    io::{BufRead, BufReader, Read, Write},
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use common::{
    arena::{self, Arena},
    daemon::{Daemon, sample},
    llm_server::{Behaviour, LlmServer},
};
use eventplanner::{
    llm::settings::ServerKind,
    store::{Claim, Store, settings::DatabaseSettings},
};

const CONNECTIONS: usize = 16;
const ROUNDS: usize = 3;
/// Submissions of one round.
const SUBMISSIONS: usize = 6_000;
const PENDING: usize = 10_000;
/// Plans of one measurement end to end.
const PLANS: usize = 2_000;
const KILLS: usize = 30;
const IN_FLIGHT: usize = 1_000;

/// Room for everything: the limits are measured elsewhere.
const OPEN: [(&str, &str); 4] = [
    ("EVENTPLANNER__ADMISSION__MAX_QUEUED_PLANS", "1000000"),
    ("EVENTPLANNER__ADMISSION__MAX_QUEUED_PLANS_PER_CLIENT", "1000000"),
    ("EVENTPLANNER__LOG__LEVEL", "warning"),
    ("EVENTPLANNER__DATABASE__POOL_SIZE", "12"),
];

fn main() {
    let named: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with('-')).collect();
    let parts: [(&str, fn()); 6] = [
        ("submissions", submissions),
        ("pending", pending),
        ("plans", plans),
        ("takeover", takeover),
        ("memory", memory),
        ("checkpoints", checkpoints),
    ];
    for (name, part) in parts {
        if named.is_empty() || named.iter().any(|wanted| wanted == name) {
            println!("{name}");
            part();
        }
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn percentile(sorted: &[Duration], percent: usize) -> Duration {
    sorted[(sorted.len() - 1) * percent / 100]
}

/// A connection that is kept.
struct Connection(BufReader<UnixStream>);

impl Connection {
    fn open(socket: &Path) -> Self {
        Self(BufReader::new(UnixStream::connect(socket).expect("a daemon")))
    }

    /// Status of the reply.
    fn submit(&mut self, document: &str) -> u16 {
        let length = document.len();
        let request = format!(
            "POST /v1/plans HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n{document}"
        );
        self.0.get_mut().write_all(request.as_bytes()).expect("a connection");
        let (mut status, mut length) = (0, 0);
        loop {
            let mut line = String::new();
            self.0.read_line(&mut line).expect("a reply");
            if line.starts_with("HTTP/") {
                status = line.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or(0);
            }
            let line = line.trim().to_ascii_lowercase();
            if let Some(value) = line.strip_prefix("content-length:") {
                length = value.trim().parse().expect("a length");
            }
            if line.is_empty() {
                break;
            }
        }
        let mut body = vec![0; length];
        self.0.read_exact(&mut body).expect("a body");
        status
    }
}

/// Submits `count` plans from 16 connections spread over the sockets; the time of each.
fn submit_all(sockets: &[PathBuf], count: usize) -> Vec<Duration> {
    let document = std::fs::read_to_string(sample("wedding.json")).expect("the sample");
    let submitters: Vec<_> = (0..CONNECTIONS)
        .map(|number| {
            let (socket, document) = (sockets[number % sockets.len()].clone(), document.clone());
            thread::spawn(move || {
                let mut connection = Connection::open(&socket);
                let mut times = Vec::with_capacity(count / CONNECTIONS);
                for _ in 0..count / CONNECTIONS {
                    let began = Instant::now();
                    assert_eq!(connection.submit(&document), 202);
                    times.push(began.elapsed());
                }
                times
            })
        })
        .collect();
    submitters.into_iter().flat_map(|thread| thread.join().expect("a submitter")).collect()
}

fn drain(daemon: &Daemon, undo: &[&str]) {
    let drained = daemon.ctl(&[&["drain"], undo].concat());
    assert!(drained.status.success(), "{drained:?}");
}

/// Acknowledged after the commit, over the control socket, while nothing else is worked on.
fn submissions() {
    let arena = Arena::start();
    let daemon = arena.daemon(&OPEN);
    arena.import(&daemon);
    drain(&daemon, &[]);
    submit_all(&[daemon.socket()], 320);
    let (mut rates, mut all) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let began = Instant::now();
        all.extend(submit_all(&[daemon.socket()], SUBMISSIONS));
        rates.push(SUBMISSIONS as f64 / began.elapsed().as_secs_f64());
    }
    all.sort_unstable();
    println!(
        "  {:.0} durable submissions/s from {CONNECTIONS} connections (target 2000); \
         p50 {:?}, p99 {:?} (target 50 ms)",
        median(rates),
        percentile(&all, 50),
        percentile(&all, 99)
    );
}

/// A restart with 10,000 plans pending: ready, and all of them claimed.
fn pending() {
    let arena = Arena::start();
    let daemon = arena.daemon(&OPEN);
    arena.import(&daemon);
    drain(&daemon, &[]);
    submit_all(&[daemon.socket()], PENDING);
    let folder = daemon.kill();
    let mut ready = Vec::new();
    let mut folder = Some(folder);
    for _ in 0..ROUNDS {
        let began = Instant::now();
        let more = [&OPEN[..], &[("EVENTPLANNER__WORKFLOW__MAX_PLANS_IN_FLIGHT", "1")]].concat();
        let daemon = arena.daemon_in(folder.take().expect("a folder"), &more);
        ready.push(began.elapsed().as_secs_f64());
        folder = Some(daemon.kill());
    }
    let settings = DatabaseSettings { url: arena.url.clone(), ..DatabaseSettings::default() };
    let (claimed, took) = arena.runtime.block_on(async {
        let store = Store::open(&settings).await.expect("the database");
        let (mut claimed, began) = (0, Instant::now());
        loop {
            let lease = Duration::from_secs(60);
            let claim = Claim { owner: "bench", lease, limit: 500, suspect_crashes: u32::MAX };
            match store.claim(claim).await.expect("a claim").len() {
                0 => break (claimed, began.elapsed()),
                plans => claimed += plans,
            }
        }
    });
    println!(
        "  start to ready with {PENDING} pending: {:.3} s (target 1 s); {claimed} claimed in {:.3} s \
         (target 2 s)",
        median(ready),
        took.as_secs_f64()
    );
}

/// Submitted over the sockets, planned, options stored: plans per second.
fn plans() {
    for count in [1, 2, 4] {
        let mut rates = Vec::new();
        for _ in 0..ROUNDS {
            let arena = Arena::start();
            let daemons: Vec<Daemon> = (0..count).map(|_| arena.daemon(&OPEN)).collect();
            arena.import(&daemons[0]);
            let sockets: Vec<PathBuf> = daemons.iter().map(Daemon::socket).collect();
            submit_all(&sockets, 64);
            let sql = arena.sql();
            let left = "SELECT count(*) FROM plan WHERE state <> 'awaiting_selection'";
            arena::until("warm", || sql.number(left) == 0);
            let began = Instant::now();
            submit_all(&sockets, PLANS);
            arena::until("all planned", || sql.number(left) == 0);
            rates.push(PLANS as f64 / began.elapsed().as_secs_f64());
        }
        println!(
            "  {count} daemons: {:.0} plans/s end to end (target 200 with one)",
            median(rates)
        );
    }
}

/// From a kill to the claim by another daemon.
fn takeover() {
    let arena = Arena::start();
    let watcher = arena.daemon(&OPEN);
    arena.import(&watcher);
    drain(&watcher, &[]);
    let silent = |_: u64, _: &serde_json::Value| Behaviour::Silent;
    let server = arena.runtime.block_on(LlmServer::start(ServerKind::Ollama, silent));
    let url = format!("http://{}", server.address);
    let with_model =
        [&OPEN[..], &[("OLLAMA_BASE_URL", url.as_str()), ("EVENTPLANNER__LLM__WARM_UP", "false")]]
            .concat();
    let sql = arena.sql();
    let mut times = Vec::new();
    for _ in 0..KILLS {
        let doomed = arena.daemon(&with_model);
        submit_all(&[doomed.socket()], CONNECTIONS);
        let running = "SELECT count(*) FROM plan WHERE state = 'running'";
        arena::until("plans are under way", || sql.number(running) >= 8);
        drain(&watcher, &["--undo"]);
        let killed = Instant::now();
        drop(doomed.kill());
        let taken = "SELECT count(*) FROM plan_event
                     WHERE kind = 'claim' AND detail->>'taken_over_from' IS NOT NULL
                       AND at > now() - interval '10 s'";
        while sql.number(taken) == 0 {
            assert!(killed.elapsed() < arena::PATIENCE, "nobody took over");
        }
        times.push(killed.elapsed());
        let left = "SELECT count(*) FROM plan WHERE state <> 'awaiting_selection'";
        arena::until("the plans are done", || sql.number(left) == 0);
        drain(&watcher, &[]);
        sql.execute("DELETE FROM plan");
    }
    times.sort_unstable();
    println!(
        "  kill -9 to the claim by another daemon, {KILLS} times: p50 {:?} (target 100 ms), \
         p90 {:?}, p99 {:?} (target 1 s), most {:?}",
        percentile(&times, 50),
        percentile(&times, 90),
        percentile(&times, 99),
        percentile(&times, 100)
    );
}

/// Resident memory with plans that all wait for their model.
fn memory() {
    let arena = Arena::start();
    let silent = |_: u64, _: &serde_json::Value| Behaviour::Silent;
    let server = arena.runtime.block_on(LlmServer::start(ServerKind::Ollama, silent));
    let url = format!("http://{}", server.address);
    let more = [
        &OPEN[..],
        &[
            ("OLLAMA_BASE_URL", url.as_str()),
            ("EVENTPLANNER__LLM__WARM_UP", "false"),
            ("EVENTPLANNER__LLM__QUEUE_SIZE", "10000"),
            ("EVENTPLANNER__WORKFLOW__MAX_PLANS_IN_FLIGHT", "1000"),
        ],
    ]
    .concat();
    let daemon = arena.daemon(&more);
    arena.import(&daemon);
    let memory = || daemon.json(&["status"])["memory_bytes"].as_u64().unwrap_or(0) >> 20;
    let before = memory();
    submit_all(&[daemon.socket()], IN_FLIGHT.next_multiple_of(CONNECTIONS));
    let sql = arena.sql();
    let running = "SELECT count(*) FROM plan WHERE state = 'running'";
    arena::until("all are in flight", || sql.number(running) >= IN_FLIGHT as i64);
    thread::sleep(Duration::from_secs(2));
    println!(
        "  resident memory: {before} MiB idle, {} MiB with {} plans in flight (target 256 MiB)",
        memory(),
        sql.number(running)
    );
}

/// What compression saves on the checkpoints of the sample requests.
fn checkpoints() {
    let arena = Arena::start();
    let mut sizes = Vec::new();
    for compress in ["false", "true"] {
        let more = [
            &OPEN[..],
            &[
                ("EVENTPLANNER__WORKFLOW__COMPRESS_CHECKPOINTS", compress),
                ("EVENTPLANNER__WORKFLOW__CHECKPOINT_INTERVAL_ROUNDS", "1"),
            ],
        ]
        .concat();
        let daemon = arena.daemon(&more);
        arena.import(&daemon);
        for request in ["wedding.json", "birthday.json", "corporate.json"] {
            let path = sample(request);
            let planned = daemon.ctl(&["plan", "submit", "--wait", path.to_str().unwrap_or("")]);
            assert!(planned.status.success(), "{planned:?}");
        }
        let sql = arena.sql();
        let bytes = sql.number("SELECT coalesce(sum(length(body)), 0)::bigint FROM checkpoint");
        let rows = sql.number("SELECT count(*) FROM checkpoint");
        sizes.push((bytes, rows));
        sql.execute("DELETE FROM plan");
    }
    let [(plain, rows), (packed, _)] = sizes[..] else { return };
    println!(
        "  {rows} checkpoints of the samples: {plain} bytes plain, {packed} compressed: {:.0} % \
         saved (target 30 %)",
        100.0 * (1.0 - packed as f64 / plain as f64)
    );
}
