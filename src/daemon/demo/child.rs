//! The demo's daemon: a child process that ends with the demo, unless it is to be kept.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use tokio::{
    net::UnixDatagram,
    process::{Child, ChildStdin, Command},
};

use crate::{cli::DemoArgs, service::exit::Failed};
use control::SOCKET_NAME;

/// Database of the demo: empty at each start, so that equal demos give equal plans.
const DATABASE: &str = "eventplanner_demo";
/// A first start makes a database cluster; on a slow disk that takes a while.
const READY_LIMIT: Duration = Duration::from_secs(120);
/// A stop waits for the database to write a checkpoint.
const STOP_LIMIT: Duration = Duration::from_secs(40);
/// A message of the readiness protocol.
const MESSAGE_MAX_BYTES: usize = 4_096;

pub(crate) struct DemoDaemon {
    process: Child,
    /// While it is open the daemon runs; also a killed demo closes it.
    lifeline: Option<ChildStdin>,
    ready: UnixDatagram,
    /// Holds the readiness socket's file.
    _ready_dir: tempfile::TempDir,
    socket: PathBuf,
    errors: PathBuf,
    pub log: PathBuf,
}

impl DemoDaemon {
    /// Starts `eventplannerd run` in `state_dir`; it isn't ready yet.
    pub(super) fn spawn(args: &DemoArgs, state_dir: &Path) -> Result<Self, Failed> {
        let runtime_dir = state_dir.join("run");
        let (log, errors) = (state_dir.join("demo.log"), state_dir.join("demo.err"));
        make_dir(state_dir)?;
        let ready_dir = tempfile::tempdir()?;
        let ready_socket = ready_dir.path().join("ready");
        let ready = UnixDatagram::bind(&ready_socket)?;

        let mut command = Command::new(std::env::current_exe()?);
        command.arg("run").arg("--state-dir").arg(state_dir);
        command.args(["--fresh-database", DATABASE]);
        if !args.keep {
            command.arg("--until-stdin-ends");
        }
        if let Some(file) = &args.settings.config {
            command.arg("--config").arg(file);
        }
        if let Some(profile) = &args.settings.profile {
            command.arg("--profile").arg(profile);
        }
        let socket = runtime_dir.join(SOCKET_NAME);
        command
            .env("EVENTPLANNER__PATHS__RUNTIME_DIR", &runtime_dir)
            .env("EVENTPLANNER__CONTROL__SOCKET", &socket)
            .env("NOTIFY_SOCKET", &ready_socket)
            .env_remove("WATCHDOG_USEC")
            .stdin(if args.keep { Stdio::null() } else { Stdio::piped() })
            .stdout(make_file(&log)?)
            .stderr(make_file(&errors)?)
            // Ctrl-C is for the demo, which then stops its daemon in good order.
            .process_group(0);
        let mut process = command.spawn()?;
        let lifeline = process.stdin.take();
        Ok(Self { process, lifeline, ready, _ready_dir: ready_dir, socket, errors, log })
    }

    pub(super) fn socket(&self) -> &Path {
        &self.socket
    }

    pub(super) fn pid(&self) -> u32 {
        self.process.id().unwrap_or(0)
    }

    /// Returns once the daemon says that it is ready; hands on what it says on the way.
    pub(crate) async fn wait_ready(
        &mut self,
        mut on_status: impl FnMut(&str),
    ) -> Result<(), Failed> {
        let ready = async {
            let mut buffer = [0; MESSAGE_MAX_BYTES];
            loop {
                let length = self.ready.recv(&mut buffer).await?;
                let message = String::from_utf8_lossy(&buffer[..length]).into_owned();
                for line in message.lines() {
                    if let Some(text) = line.strip_prefix("STATUS=") {
                        on_status(text);
                    }
                }
                if message.lines().any(|line| line == "READY=1") {
                    return Ok(());
                }
            }
        };
        tokio::select! {
            ready = ready => ready,
            _ = self.process.wait() => Err(self.own_words()),
            () = tokio::time::sleep(READY_LIMIT) => {
                let seconds = READY_LIMIT.as_secs();
                let log = self.log.display();
                Err(Failed::new(format!("the daemon isn't ready after {seconds} s; see {log}")))
            }
        }
    }

    /// Lets it run on.
    pub(super) fn leave(self) {
        drop(self.lifeline);
    }

    /// Stops it and waits for its end.
    pub(super) async fn stop(mut self) -> Result<(), Failed> {
        let told = self.lifeline.take().is_some();
        if let (false, Some(pid)) = (told, self.process.id()) {
            let pid = nix::unistd::Pid::from_raw(pid as i32);
            // It may have ended by itself.
            let _ = nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM);
        }
        match tokio::time::timeout(STOP_LIMIT, self.process.wait()).await {
            Ok(Ok(status)) if status.success() => Ok(()),
            Ok(_) => Err(self.own_words()),
            Err(_) => {
                self.process.kill().await?;
                let log = self.log.display();
                Err(Failed::new(format!("the daemon didn't stop and was killed; see {log}")))
            }
        }
    }

    /// The error with which it ended.
    fn own_words(&self) -> Failed {
        let said = fs::read_to_string(&self.errors).unwrap_or_default();
        let lines: Vec<&str> =
            said.lines().map(|line| line.strip_prefix("error: ").unwrap_or(line)).collect();
        match lines.is_empty() {
            true => Failed::new(format!("the daemon ended early; see {}", self.log.display())),
            false => Failed::new(lines.join("\n")),
        }
    }
}

fn make_dir(dir: &Path) -> Result<(), Failed> {
    fs::create_dir_all(dir).map_err(|error| {
        let dir = dir.display();
        Failed::new(format!("cannot make {dir}: {error}; name another with --state-dir"))
    })
}

fn make_file(path: &Path) -> Result<File, Failed> {
    File::create(path).map_err(|error| {
        let path = path.display();
        Failed::new(format!("cannot write {path}: {error}; name another place with --state-dir"))
    })
}
