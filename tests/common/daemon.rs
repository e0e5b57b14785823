//! A real daemon in a directory of its own, and the real command line against it.

use std::{
    env,
    fs::{self, File},
    io::Write,
    os::unix::{fs::PermissionsExt, net::UnixDatagram, process::CommandExt},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Output, Stdio},
    sync::{
        Arc,
        mpsc::{Receiver, RecvTimeoutError, channel},
    },
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;
use tempfile::TempDir;

/// With a cold disk and every core busy.
const READY_LIMIT: Duration = Duration::from_secs(180);
const STOP_LIMIT: Duration = Duration::from_secs(90);
/// No solve of these tests takes a second in an optimised build.
const SOLVE_LIMIT: Duration = Duration::from_secs(60);

/// A folder that the database server's user can pass through, which tempfile's own mode forbids.
pub fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o711)).unwrap();
    folder
}

/// A program of this build. Cargo tells the tests that it runs where; a test run by hand finds it
/// where Cargo leaves it, one folder above the test.
pub fn program(name: &str) -> PathBuf {
    let told = env::var_os(format!("CARGO_BIN_EXE_{name}"));
    told.map_or_else(
        || env::current_exe().unwrap().parent().unwrap().with_file_name(name),
        PathBuf::from,
    )
}

/// `eventplannerd` with nothing of this process's surroundings that could steer it.
pub fn eventplannerd() -> Command {
    clean(Command::new(program("eventplannerd")))
}

pub fn eventplannerctl(socket: &Path) -> Command {
    let mut command = clean(Command::new(program("eventplannerctl")));
    command.arg("--socket").arg(socket);
    command
}

fn clean(mut command: Command) -> Command {
    command.env_clear().env("PATH", env::var_os("PATH").unwrap_or_default());
    command.stdin(Stdio::null());
    command
}

/// A file of `etc/sample`.
pub fn sample(name: &str) -> PathBuf {
    let project = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap();
    project.join("etc/sample").join(name)
}

/// A running daemon. It ends with this process, however that ends: its standard input closes.
pub struct Daemon {
    process: Child,
    pub folder: Arc<TempDir>,
}

impl Daemon {
    /// Starts one in a new folder, ready when this returns.
    pub fn start() -> Self {
        Self::start_in(Arc::new(folder()), &[])
    }

    /// With the sample vendors imported.
    pub fn with_samples() -> Self {
        let daemon = Self::start();
        let vendors = sample("vendors.json");
        let imported = daemon.ctl(&["vendors", "import", vendors.to_str().unwrap()]);
        assert!(imported.status.success(), "{imported:?}");
        daemon
    }

    /// Starts one in `folder` with more environment variables.
    pub fn start_in(folder: Arc<TempDir>, environment: &[(&str, &str)]) -> Self {
        Self::start_with(folder, environment, &[])
    }

    /// The same with more arguments.
    pub fn start_with(folder: Arc<TempDir>, environment: &[(&str, &str)], args: &[&str]) -> Self {
        let ready_path = folder.path().join("ready");
        let _ = fs::remove_file(&ready_path);
        let ready = UnixDatagram::bind(&ready_path).unwrap();
        let mut process = run_command(folder.path())
            .args(["--until-stdin-ends"])
            .args(args)
            .env("NOTIFY_SOCKET", &ready_path)
            .envs(environment.iter().copied())
            .stdin(Stdio::piped())
            .stdout(File::create(folder.path().join("log")).unwrap())
            .stderr(File::create(folder.path().join("err")).unwrap())
            .process_group(0)
            .spawn()
            .unwrap();
        let told = ready_or_ended(ready, &mut process);
        let daemon = Self { process, folder };
        assert!(told, "the daemon didn't start:\n{}{}", daemon.said("err"), daemon.said("log"));
        daemon
    }

    pub fn socket(&self) -> PathBuf {
        self.folder.path().join("run/control.sock")
    }

    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    /// What it wrote to `log` or `err`.
    pub fn said(&self, name: &str) -> String {
        fs::read_to_string(self.folder.path().join(name)).unwrap_or_default()
    }

    /// Runs `eventplannerctl` against it.
    pub fn ctl(&self, args: &[&str]) -> Output {
        eventplannerctl(&self.socket()).args(args).output().unwrap()
    }

    /// The same, with a document on standard input.
    pub fn ctl_with(&self, args: &[&str], document: &[u8]) -> Output {
        let mut command = eventplannerctl(&self.socket());
        command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process = command.spawn().unwrap();
        // It may refuse to read to the end.
        let _ = process.stdin.take().unwrap().write_all(document);
        process.wait_with_output().unwrap()
    }

    /// The one JSON document of a call that succeeds.
    pub fn json(&self, args: &[&str]) -> Value {
        let output = self.ctl(&[&["--json"], args].concat());
        assert!(output.status.success(), "{args:?}: {output:?}");
        json_of(&output)
    }

    /// As after a crash of the machine: no goodbye.
    pub fn kill(mut self) -> Arc<TempDir> {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
        self.folder.clone()
    }

    /// Stops it as its parent's end would.
    pub fn stop(mut self) -> ExitStatus {
        self.end()
    }

    /// Waits for an end that was asked for otherwise.
    pub fn wait(mut self) -> ExitStatus {
        wait_limited(&mut self.process)
    }

    fn end(&mut self) -> ExitStatus {
        drop(self.process.stdin.take());
        wait_limited(&mut self.process)
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        if matches!(self.process.try_wait(), Ok(None)) {
            self.end();
        }
    }
}

/// Runs `eventplannerd solve` on a file; a run that doesn't end is a failure.
pub fn solve(what: &str, file: &[u8]) -> Output {
    let folder = folder();
    let path = folder.path().join("problem.json");
    fs::write(&path, file).unwrap();
    let mut command = eventplannerd();
    command.arg("solve").arg(&path).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut process = command.spawn().unwrap();
    let began = Instant::now();
    while process.try_wait().unwrap().is_none() {
        if began.elapsed() > SOLVE_LIMIT {
            process.kill().unwrap();
            panic!("{what}: no end after {SOLVE_LIMIT:?}");
        }
        thread::sleep(Duration::from_millis(2));
    }
    process.wait_with_output().unwrap()
}

/// `eventplannerd run` in a folder.
pub fn run_command(folder: &Path) -> Command {
    let mut command = eventplannerd();
    command.arg("run").arg("--state-dir").arg(folder);
    command.env("EVENTPLANNER__LOG__FORMAT", "json");
    command
}

pub fn json_of(output: &Output) -> Value {
    let text = String::from_utf8_lossy(&output.stdout);
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error} in:\n{text}"))
}

pub fn stderr_of(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Whether READY came before the process ended.
fn ready_or_ended(ready: UnixDatagram, process: &mut Child) -> bool {
    let (tell, told) = channel();
    thread::spawn(move || {
        let mut message = [0; 4_096];
        while let Ok(length) = ready.recv(&mut message) {
            let is_ready = String::from_utf8_lossy(&message[..length]).contains("READY=1");
            if is_ready || tell.send(false).is_err() {
                let _ = tell.send(true);
                return;
            }
        }
    });
    wait_told(&told, process)
}

fn wait_told(told: &Receiver<bool>, process: &mut Child) -> bool {
    let start = Instant::now();
    while start.elapsed() < READY_LIMIT {
        match told.recv_timeout(Duration::from_millis(50)) {
            Ok(true) => return true,
            Ok(false) => {}
            Err(RecvTimeoutError::Timeout) if process.try_wait().unwrap().is_some() => {
                return false;
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return false,
        }
    }
    false
}

/// `Child::wait` with a limit: a daemon that hangs fails its test.
fn wait_limited(process: &mut Child) -> ExitStatus {
    let start = Instant::now();
    loop {
        if let Some(status) = process.try_wait().unwrap() {
            return status;
        }
        if start.elapsed() > STOP_LIMIT {
            process.kill().unwrap();
            process.wait().unwrap();
            panic!("the daemon didn't stop within {} s", STOP_LIMIT.as_secs());
        }
        thread::sleep(Duration::from_millis(10));
    }
}
