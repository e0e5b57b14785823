//! How fast `status` and `health` answer while every core plans: over the socket, and as a whole
//! `eventplannerctl` process. The same daemon is asked idle and busy, so that the ratio counts.
//!
//!     cargo bench --bench control_latency

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    os::unix::net::UnixStream,
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use common::daemon::{Daemon, sample};
use serde_json::{Value, json};

const CALLS: usize = 1_000;
const PROCESSES: usize = 400;
/// Enough that the queue never runs dry while calls are timed.
const PLANNERS: usize = 8;

fn main() {
    let daemon = Daemon::with_samples();
    println!("{:39} {:>9} {:>9} {:>9}", "", "p50 ms", "p99 ms", "max ms");
    measure(&daemon, "idle");
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for planner in 0..PLANNERS {
            let (daemon, done) = (&daemon, &done);
            scope.spawn(move || keep_planning(daemon, planner, done));
        }
        let _ends_planning = Finish(&done);
        std::thread::sleep(Duration::from_secs(1));
        measure(&daemon, "all cores plan");
    });
}

/// Also where a measurement fails: the planners would go on for ever.
struct Finish<'a>(&'a AtomicBool);

impl Drop for Finish<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn measure(daemon: &Daemon, load: &str) {
    let mut stream = UnixStream::connect(daemon.socket()).unwrap();
    for path in ["/v1/status", "/v1/health"] {
        let times = (0..CALLS).map(|_| timed(|| drop(get(&mut stream, path)))).collect();
        show(&format!("{path}, {load}"), times);
    }
    for command in ["status", "health"] {
        let run = || assert!(daemon.ctl(&[command]).status.success());
        let times = (0..PROCESSES).map(|_| timed(run)).collect();
        show(&format!("eventplannerctl {command}, {load}"), times);
    }
}

fn get(stream: &mut UnixStream, path: &str) -> Vec<u8> {
    call(stream, "GET", path, "")
}

/// One call on an open connection; the reply's body.
fn call(stream: &mut UnixStream, method: &str, path: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    let head = format!("{method} {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n");
    stream.write_all((head + body).as_bytes()).unwrap();
    let mut reader = BufReader::new(stream);
    let (mut line, mut length) = (String::new(), 0);
    loop {
        line.clear();
        reader.read_line(&mut line).unwrap();
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        if line == "\r\n" {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    body
}

/// Different requests, so that no cache answers them; over the socket, since starting processes
/// would be another load.
fn keep_planning(daemon: &Daemon, planner: usize, done: &AtomicBool) {
    let mut request: Value =
        serde_json::from_slice(&fs::read(sample("wedding.json")).unwrap()).unwrap();
    let mut stream = UnixStream::connect(daemon.socket()).unwrap();
    for number in 0.. {
        if done.load(Ordering::Relaxed) {
            return;
        }
        request["guests"] = json!(120 + 10 * planner + number % 7);
        request["seed"] = json!(number);
        let submitted = call(&mut stream, "POST", "/v1/plans", &request.to_string());
        let plan: Value = serde_json::from_slice(&submitted).unwrap();
        let id = plan["id"].as_str().unwrap_or_else(|| panic!("{plan}"));
        get(&mut stream, &format!("/v1/plans/{id}?wait=30s"));
    }
}

fn timed(work: impl FnOnce()) -> Duration {
    let began = Instant::now();
    work();
    began.elapsed()
}

fn show(name: &str, mut times: Vec<Duration>) {
    times.sort();
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e3;
    println!("{name:39} {:9.3} {:9.3} {:9.3}", at(0.5), at(0.99), at(1.0));
}
