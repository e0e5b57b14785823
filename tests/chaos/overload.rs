//! More than the daemon takes in: refused at once, flat memory, everything accepted is done.

use std::{
    io::{Read, Write},
    os::unix::net::UnixStream,
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use common::{
    arena::{Arena, PATIENCE, until},
    daemon::{Daemon, json_of},
};

use crate::{
    http::{call, get},
    ledger::document,
};

/// Of each attack in the short form; `EVENTPLANNER_CHAOS_OVERLOAD_S` sets another length.
const LASTS_S: u64 = 4;
const CLIENTS: usize = 12;
/// Submissions to each that is accepted, where the attackers keep count.
const OVERLOAD: usize = 10;
/// The longest that an attacker who keeps count waits for the daemon to take one in.
const BREATH: Duration = Duration::from_millis(5);
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// The log tells of refusals once in this many seconds.
const SPAN_S: usize = 10;
/// Calls refused alike that leave a line of their own in that time.
const AUDITED: usize = 10;
/// Why a submission may be refused: the queue is full, or the client's part of it.
const REASONS: usize = 2;
/// The most that memory may grow from the first third of an attack to the last, median to median:
/// far less than what the refused plans would take. Single looks differ by what a search holds.
const GROWTH_MAX_BYTES: u64 = 16 << 20;

/// Many clients that submit one plan after the other.
struct Attack {
    document: String,
    /// Submits [`OVERLOAD`] times what is accepted; else as fast as it can.
    keeps_count: bool,
    over: AtomicBool,
    accepted: Mutex<Vec<String>>,
    submitted: AtomicUsize,
}

/// What an attack met with.
struct Met {
    accepted: Vec<String>,
    refusals: Vec<Duration>,
    /// How long `eventplannerctl plan submit` took to end with exit code 5.
    exits: Vec<Duration>,
    /// The daemon's resident memory in bytes, look by look.
    memory: Vec<u64>,
}

impl Attack {
    fn submit(&self, daemon: &Daemon) -> Vec<Duration> {
        let mut refusals = Vec::new();
        while !self.over.load(Ordering::Relaxed) {
            if self.keeps_count && self.is_enough() {
                thread::sleep(BREATH);
            }
            self.submitted.fetch_add(1, Ordering::Relaxed);
            let began = Instant::now();
            match call(&daemon.socket(), "POST", "/v1/plans", "", &self.document) {
                Ok((202, plan)) => {
                    self.accepted.lock().unwrap().push(plan["id"].as_str().unwrap().to_owned());
                }
                Ok((503, error)) => {
                    assert_eq!(error["error"]["code"], "busy", "{error}");
                    refusals.push(began.elapsed());
                }
                other => panic!("{other:?}"),
            }
        }
        refusals
    }

    fn is_enough(&self) -> bool {
        let accepted = self.accepted.lock().unwrap().len();
        self.submitted.load(Ordering::Relaxed) > OVERLOAD * accepted
    }

    fn submit_by_command(&self, daemon: &Daemon) -> Vec<Duration> {
        let mut exits = Vec::new();
        while !self.over.load(Ordering::Relaxed) {
            let began = Instant::now();
            let output = daemon.ctl_with(&["plan", "submit", "-"], self.document.as_bytes());
            match output.status.code() {
                Some(5) => exits.push(began.elapsed()),
                Some(0) => {}
                _ => panic!("{output:?}"),
            }
        }
        exits
    }

    fn look_at_memory(&self, daemon: &Daemon) -> Vec<u64> {
        let mut looks = Vec::new();
        while !self.over.load(Ordering::Relaxed) {
            let (_, status) = get(&daemon.socket(), "/v1/status").unwrap();
            looks.push(status["memory_bytes"].as_u64().unwrap());
            thread::sleep(LOOK_EVERY);
        }
        looks
    }

    fn run(self, daemon: &Daemon, lasts: Duration) -> Met {
        let (refusals, exits, memory) = thread::scope(|scope| {
            let clients: Vec<_> =
                (0..CLIENTS).map(|_| scope.spawn(|| self.submit(daemon))).collect();
            let command = scope.spawn(|| self.submit_by_command(daemon));
            let memory = scope.spawn(|| self.look_at_memory(daemon));
            thread::sleep(lasts);
            self.over.store(true, Ordering::Relaxed);
            let refusals = clients.into_iter().flat_map(|client| client.join().unwrap()).collect();
            (refusals, command.join().unwrap(), memory.join().unwrap())
        });
        Met { accepted: self.accepted.into_inner().unwrap(), refusals, exits, memory }
    }
}

impl Met {
    fn print(&mut self, name: &str, lasted: Duration) {
        self.refusals.sort_unstable();
        self.exits.sort_unstable();
        let at = |times: &[Duration], share: usize| {
            times.get((times.len().saturating_sub(1)) * share / 1_000).copied().unwrap_or_default()
        };
        let told = |times: &[Duration]| {
            format!(
                "p50 {:?}, p99 {:?}, most {:?}",
                at(times, 500),
                at(times, 990),
                at(times, 1_000)
            )
        };
        println!(
            "{name}, {} s: {} accepted, {} refused ({}); {} processes with exit code 5 ({}); \
             memory {:?} MiB",
            lasted.as_secs(),
            self.accepted.len(),
            self.refusals.len(),
            told(&self.refusals),
            self.exits.len(),
            told(&self.exits),
            [0, 1, 2].map(|third| self.memory_in(third) >> 20),
        );
    }

    /// Median of a third of the looks.
    fn memory_in(&self, third: usize) -> u64 {
        let bounds = [third, third + 1].map(|third| self.memory.len() * third / 3);
        let mut looks = self.memory[bounds[0]..bounds[1]].to_vec();
        looks.sort_unstable();
        looks[looks.len() / 2]
    }
}

#[test]
fn overload_is_refused_and_what_was_accepted_is_done() {
    let arena = Arena::start();
    let daemon = arena.daemon(&[
        ("EVENTPLANNER__ADMISSION__MAX_QUEUED_PLANS", "20"),
        ("EVENTPLANNER__WORKFLOW__MAX_PLANS_IN_FLIGHT", "2"),
    ]);
    arena.import(&daemon);
    let document = document(jiff::Zoned::now().date(), 180).to_string();
    let args = ["--json", "plan", "submit", "-", "--wait"];
    assert!(daemon.ctl_with(&args, document.as_bytes()).status.success(), "warm");
    let lasts = std::env::var("EVENTPLANNER_CHAOS_OVERLOAD_S");
    let lasts = lasts.map_or(LASTS_S, |text| text.parse().expect("seconds"));
    let lasts = Duration::from_secs(lasts);

    let mut accepted = Vec::new();
    for (name, keeps_count) in [("ten times what is taken in", true), ("a flood", false)] {
        let attack = Attack {
            document: document.clone(),
            keeps_count,
            over: AtomicBool::default(),
            accepted: Mutex::default(),
            submitted: AtomicUsize::default(),
        };
        let mut met = attack.run(&daemon, lasts);
        met.print(name, lasts);
        assert!(met.refusals.len() > met.accepted.len() * 5, "that was no overload");
        assert!(!met.exits.is_empty(), "the command line never got exit code 5");
        let (first, last) = (met.memory_in(0), met.memory_in(2));
        assert!(last < first + GROWTH_MAX_BYTES, "memory grew from {first} to {last} bytes");
        accepted.append(&mut met.accepted);
    }

    let sql = arena.sql();
    until("what was accepted is done", || {
        sql.number("SELECT count(*) FROM plan WHERE state IN ('queued', 'running')") == 0
    });
    let kept = sql.texts("SELECT id::text FROM plan WHERE state = 'awaiting_selection'");
    for id in &accepted {
        assert!(kept.contains(id), "{id} is not done");
    }
    let log = daemon.said("log");
    let lines = |event: &str| log.matches(&format!(r#""event":"{event}""#)).count();
    let spans = 2 * lasts.as_secs() as usize / SPAN_S + 2;
    let told = lines("overloaded");
    assert!((1..=spans * REASONS).contains(&told), "{told} lines tell of the refusals");
    assert_eq!(lines("request_failed"), 0, "a refusal is no failure");
    let audited = log.matches(r#""outcome":"busy""#).count();
    assert!((1..=spans * AUDITED).contains(&audited), "{audited} refused calls left a line");
}

#[test]
fn a_connection_too_many_is_told_so_at_once() {
    let arena = Arena::start();
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

/// One that follows a plan and leaves, as `plan submit --wait` does, must not keep its connection
/// until the stream has something to say again.
#[test]
fn who_left_takes_no_connection() {
    let arena = Arena::start();
    let daemon = arena.daemon(&[("EVENTPLANNER__CONTROL__MAX_CONNECTIONS", "8")]);
    arena.import(&daemon);
    let wedding = document(jiff::Zoned::now().date(), 180).to_string();
    let args = ["--json", "plan", "submit", "-", "--wait"];
    let plan = json_of(&daemon.ctl_with(&args, wedding.as_bytes()));
    let head = format!(
        "GET /v1/plans/{}/events HTTP/1.1\r\nHost: x\r\n\r\n",
        plan["id"].as_str().unwrap()
    );
    for n in 0..100 {
        let mut stream = UnixStream::connect(daemon.socket()).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.write_all(head.as_bytes()).unwrap();
        // Everything there is: what is left unread would reset the connection.
        let (mut reply, mut part) = (String::new(), [0; 4_096]);
        while !reply.contains(": alive") {
            let length = stream.read(&mut part).unwrap();
            reply.push_str(&String::from_utf8_lossy(&part[..length]));
            assert!(length > 0 && reply.starts_with("HTTP/1.1 200"), "stream {n}: {reply}");
        }
    }
}
