//! The daemon as a service: sockets handed over, states told, and what the units promise.

use std::{
    fs::{self, File},
    io::{Read, Write},
    os::{
        fd::OwnedFd,
        unix::{
            net::{UnixDatagram, UnixListener, UnixStream},
            process::CommandExt,
        },
    },
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use common::daemon::{Daemon, eventplannerctl, folder, json_of, run_command};
use serde_json::Value;

/// With a cold disk and every core busy.
const LIMIT: Duration = Duration::from_secs(180);

/// A service manager for one daemon: holds its socket, hears what it says.
struct Manager {
    folder: tempfile::TempDir,
    listener: UnixListener,
    heard: UnixDatagram,
}

impl Manager {
    fn new() -> Self {
        let folder = folder();
        let listener = UnixListener::bind(folder.path().join("held.sock")).unwrap();
        let heard = UnixDatagram::bind(folder.path().join("notify")).unwrap();
        heard.set_read_timeout(Some(LIMIT)).unwrap();
        Self { folder, listener, heard }
    }

    /// The socket arrives as descriptor 3, as sd_listen_fds(3) has it: a shell moves it there.
    fn start(&self) -> Child {
        let run = run_command(self.folder.path());
        let script = "exec 3<&0 </dev/null; LISTEN_PID=$$ LISTEN_FDS=1 exec \"$0\" \"$@\"";
        let mut shell = Command::new("sh");
        shell.args(["-c", script]).arg(run.get_program()).args(run.get_args()).env_clear();
        for (name, value) in run.get_envs() {
            shell.env(name, value.unwrap_or_default());
        }
        let path = self.folder.path().join("log");
        let log = File::options().create(true).append(true).open(path).unwrap();
        shell
            .env("NOTIFY_SOCKET", self.folder.path().join("notify"))
            .env("WATCHDOG_USEC", "4000000")
            .stdin(OwnedFd::from(self.listener.try_clone().unwrap()))
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .process_group(0)
            .spawn()
            .unwrap()
    }

    /// Hears messages until one has that line; returns all lines heard.
    fn hear(&self, wanted: &str) -> Vec<String> {
        let mut lines = Vec::new();
        let began = Instant::now();
        while began.elapsed() < LIMIT {
            let mut message = [0; 4_096];
            let length = self.heard.recv(&mut message).unwrap_or_else(|error| {
                panic!("{error}; wanted {wanted}, heard {lines:?}\n{}", self.log())
            });
            let text = String::from_utf8_lossy(&message[..length]).into_owned();
            lines.extend(text.lines().map(str::to_owned));
            if lines.iter().any(|line| line.starts_with(wanted)) {
                return lines;
            }
        }
        panic!("{wanted} never came, but {lines:?}");
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    fn ctl(&self, args: &[&str]) -> std::process::Output {
        eventplannerctl(&self.folder.path().join("held.sock")).args(args).output().unwrap()
    }
}

fn ends_well(mut process: Child) {
    let began = Instant::now();
    loop {
        if let Some(status) = process.try_wait().unwrap() {
            assert!(status.success(), "{status}");
            return;
        }
        assert!(began.elapsed() < LIMIT, "the daemon doesn't stop");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A call that is sent while no daemon runs waits for the next one.
#[test]
fn over_a_restart_no_caller_is_refused() {
    let manager = Manager::new();
    let early = std::thread::scope(|scope| {
        let caller = scope.spawn(|| manager.ctl(&["--json", "--timeout", "150s", "health"]));
        let first = manager.start();
        let told = manager.hear("READY=1");
        assert!(told.iter().any(|line| line.starts_with("STATUS=starting")), "{told:?}");
        manager.hear("STATUS=ready; 0 plans in work, 0 waiting; no alert fires");
        manager.hear("WATCHDOG=1");
        let status = json_of(&manager.ctl(&["--json", "status"]));
        assert_eq!(status["pid"], first.id());
        assert!(manager.ctl(&["stop"]).status.success());
        manager.hear("STOPPING=1");
        ends_well(first);
        caller.join().unwrap()
    });
    assert_eq!(json_of(&early)["healthy"], true, "{early:?}");
    assert!(manager.folder.path().join("held.sock").exists(), "the socket is the manager's");

    let answered = std::thread::scope(|scope| {
        let caller = scope.spawn(|| manager.ctl(&["--json", "--timeout", "150s", "status"]));
        let second = manager.start();
        manager.hear("READY=1");
        let answered = json_of(&caller.join().unwrap());
        assert_eq!(answered["pid"], second.id());
        assert!(manager.ctl(&["stop"]).status.success());
        ends_well(second);
        answered
    });
    assert_eq!(answered["state"], "running");
    assert_eq!(manager.log().matches("daemon_ready").count(), 2, "one each");
}

#[test]
fn what_is_no_unix_socket_is_refused_with_2() {
    let folder = folder();
    let tcp = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let run = run_command(folder.path());
    let script = "exec 3<&0 </dev/null; LISTEN_PID=$$ LISTEN_FDS=1 exec \"$0\" \"$@\"";
    let mut shell = Command::new("sh");
    shell.args(["-c", script]).arg(run.get_program()).args(run.get_args());
    let output = shell.stdin(OwnedFd::from(tcp)).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("the socket unit must hold a Unix stream socket"), "{said}");
}

/// One call over TCP; status and body.
fn get(address: &str, host: &str, method: &str, path: &str) -> (u16, String) {
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    write!(stream, "{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n")
        .unwrap();
    let mut reply = String::new();
    stream.read_to_string(&mut reply).unwrap();
    let status = reply.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap();
    (status, reply.split_once("\r\n\r\n").unwrap().1.to_owned())
}

#[test]
fn the_tcp_listener_only_reads_and_only_for_this_machine() {
    // A free port, as far as can be told.
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let address = free.to_string();
    let environment = [("EVENTPLANNER__CONTROL__TCP_LISTEN", address.as_str())];
    let daemon = Daemon::start_in(std::sync::Arc::new(folder()), &environment);
    let (status, body) = get(&address, "localhost", "GET", "/v1/health");
    assert_eq!(status, 200, "{body}");
    let (status, metrics) = get(&address, &address, "GET", "/metrics");
    assert_eq!(status, 200, "{metrics}");
    assert!(metrics.contains("\neventplanner_build_info{version="), "{metrics}");
    assert_eq!(get(&address, "evil.example", "GET", "/v1/metrics").0, 404);
    for (method, path, expected) in [
        ("GET", "/v1/plans", 404),
        ("GET", "/v1/status", 404),
        ("POST", "/v1/plans", 404),
        ("POST", "/v1/admin/stop", 404),
        ("DELETE", "/v1/metrics", 405),
        ("GET", "/v1/plans/0190b2c4-6f3e-7000-8000-000000000001/documents/blueprint.md", 404),
    ] {
        let (status, body) = get(&address, "localhost", method, path);
        assert_eq!(status, expected, "{method} {path}: {body}");
        let document: Value = serde_json::from_str(&body).unwrap();
        assert!(document["error"]["code"].is_string(), "{body}");
    }
    assert!(daemon.ctl(&["health"]).status.success());
    let refused = run_command(folder().path())
        .env("EVENTPLANNER__CONTROL__TCP_LISTEN", "0.0.0.0:9464")
        .output()
        .unwrap();
    assert_eq!(refused.status.code(), Some(2));
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(said.contains("control.tcp_listen: `0.0.0.0:9464` is no loopback address"), "{said}");
}

/// What comes beyond the limit is told so; those that say nothing are sent away after the header's
/// time, and everything goes on.
#[test]
fn a_crowd_of_idle_connections_does_not_stop_the_daemon() {
    let environment = [
        ("EVENTPLANNER__CONTROL__MAX_CONNECTIONS", "8"),
        ("EVENTPLANNER__CONTROL__HEADER_TIMEOUT", "1s"),
    ];
    let daemon = Daemon::start_in(std::sync::Arc::new(folder()), &environment);
    let crowd: Vec<UnixStream> =
        (0..40).map(|_| UnixStream::connect(daemon.socket()).unwrap()).collect();
    let began = Instant::now();
    loop {
        match daemon.ctl(&["health"]).status.code() {
            Some(0) => break,
            Some(5) => assert!(began.elapsed() < Duration::from_secs(60), "busy for ever"),
            other => panic!("{other:?}"),
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    drop(crowd);
    assert!(daemon.ctl(&["health"]).status.success());
}

/// Debian's systemd, where the machine has it, reads the units without a complaint.
#[test]
fn systemd_itself_accepts_the_units() {
    let units = Path::new(env!("CARGO_MANIFEST_DIR")).join("systemd");
    let names = ["eventplannerd.service", "eventplannerd.socket", "eventplannerd-alert@.service"];
    // Where they are not installed the programs are missing, and that alone would be an error.
    let copies = folder();
    for name in names {
        let text = fs::read_to_string(units.join(name)).unwrap();
        let text = text
            .replace("/usr/bin/eventplannerd ", "/bin/true ")
            .replace("/usr/bin/eventplannerctl ", "/bin/true ");
        fs::write(copies.path().join(name), text).unwrap();
    }
    let analyze = |args: &[&str], unit: &Path| {
        Command::new("systemd-analyze").args(args).arg(unit).stdin(Stdio::null()).output()
    };
    for name in names {
        let Ok(verified) = analyze(&["verify", "--man=no"], &copies.path().join(name)) else {
            eprintln!("systemd-analyze is not on this machine: the units' text alone is checked");
            return;
        };
        let said = String::from_utf8_lossy(&verified.stderr);
        assert!(!said.contains(name) && verified.status.success(), "{name}: {said}");
    }
    for name in ["eventplannerd.service", "eventplannerd-alert@.service"] {
        let args = ["security", "--offline=true", "--threshold=10", "--no-pager"];
        let judged = analyze(&args, &units.join(name)).unwrap();
        let said = String::from_utf8_lossy(&judged.stdout);
        assert!(judged.status.success(), "{name} is exposed by more than 1.0:\n{said}");
    }
}

/// More plans in flight ask more of the actors that serve them.
#[test]
fn a_reload_makes_room_for_more_plans() {
    let folder = std::sync::Arc::new(folder());
    let file = folder.path().join("settings.toml");
    let set = |plans: u64| {
        fs::write(&file, format!("[workflow]\nmax_plans_in_flight = {plans}\n")).unwrap();
    };
    set(2);
    let args = ["--config", file.to_str().unwrap()];
    let daemon = Daemon::start_with(folder.clone(), &[], &args);
    let capacity = |actor: &str| {
        let status = daemon.json(&["status"]);
        let actors = status["actors"].as_array().unwrap();
        let found = actors.iter().find(|found| found["name"] == actor).unwrap();
        found["capacity"].as_u64().unwrap()
    };
    let before = ["vendor_search", "llm_gateway"].map(capacity);
    for plans in [900, 5] {
        set(plans);
        let reloaded = daemon.json(&["reload"]);
        assert_eq!(reloaded["needs_restart"], serde_json::json!([]), "{reloaded}");
        let expected = before.map(|capacity| capacity - 2 + plans);
        assert_eq!(["vendor_search", "llm_gateway"].map(capacity), expected);
    }
}
