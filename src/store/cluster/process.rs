//! The private cluster's server process: who it runs as, whether one still runs, how it ends.

use std::{
    ffi::OsString,
    os::unix::{ffi::OsStringExt, fs::MetadataExt, process::CommandExt},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus},
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::{Pid, Uid, User, geteuid},
};

use crate::StoreError;
use resilience::Backoff;

/// Between two looks at something that sends no event.
pub(crate) const LOOKS: Backoff =
    Backoff { first: Duration::from_millis(2), max: Duration::from_millis(50), jitter: 0.0 };

/// Accounts that the server may run as where the daemon is root, which PostgreSQL refuses.
const UNPRIVILEGED: [&str; 2] = ["postgres", "nobody"];
/// The service manager speaks with the daemon, not with its database: PostgreSQL would say READY
/// in the daemon's name.
const SERVICE_VARIABLES: [&str; 5] =
    ["NOTIFY_SOCKET", "WATCHDOG_PID", "WATCHDOG_USEC", "LISTEN_FDS", "CREDENTIALS_DIRECTORY"];

/// The accounts of daemon and server.
#[derive(Clone, Debug)]
pub(crate) struct Accounts {
    pub daemon: User,
    pub server: User,
}

impl Accounts {
    /// The server runs as the daemon's own user, or as an unprivileged one where that is root.
    pub(crate) fn find() -> Result<Self, StoreError> {
        let lookup = |cause: String| StoreError::cluster("looking up a user", cause);
        let uid = geteuid();
        let daemon = User::from_uid(uid)
            .map_err(|errno| lookup(format!("{uid}: {errno}")))?
            .ok_or_else(|| lookup(format!("user id {uid} has no name; add it to /etc/passwd")))?;
        if !uid.is_root() {
            return Ok(Self { server: daemon.clone(), daemon });
        }
        for name in UNPRIVILEGED {
            let found =
                User::from_name(name).map_err(|errno| lookup(format!("{name}: {errno}")))?;
            if let Some(server) = found {
                return Ok(Self { daemon, server });
            }
        }
        Err(lookup(format!("none of {UNPRIVILEGED:?} exists, and PostgreSQL does not run as root")))
    }

    fn switches(&self) -> bool {
        self.daemon.uid != self.server.uid
    }

    /// A command that runs as the server's user, with none of our environment that it reads.
    pub(crate) fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        for (name, _) in std::env::vars_os() {
            let text = name.to_string_lossy();
            if text.starts_with("PG") || SERVICE_VARIABLES.contains(&&*text) {
                command.env_remove(name);
            }
        }
        command.env("LC_ALL", "C").current_dir("/");
        if self.switches() {
            command.uid(self.server.uid.as_raw()).gid(self.server.gid.as_raw());
        }
        // Not in the terminal's group: Ctrl-C is for the daemon, which stops the server itself.
        command.process_group(0);
        command
    }

    /// Gives a path to the server's user.
    pub(crate) fn own(&self, path: &Path) -> Result<(), StoreError> {
        if !self.switches() {
            return Ok(());
        }
        let (uid, gid) = (self.server.uid.as_raw(), self.server.gid.as_raw());
        std::os::unix::fs::chown(path, Some(uid), Some(gid)).map_err(|source| StoreError::Io {
            what: "can't hand to the server's user",
            path: path.to_owned(),
            source,
        })
    }

    /// Whether the server's user can pass through every directory above `path`.
    pub(crate) fn check_reachable(&self, path: &Path) -> Result<(), StoreError> {
        for directory in path.ancestors().skip(1) {
            let meta = std::fs::metadata(directory).map_err(|source| StoreError::Io {
                what: "can't look at",
                path: directory.to_owned(),
                source,
            })?;
            let needed = match (Uid::from_raw(meta.uid()), meta.gid()) {
                (owner, _) if owner == self.server.uid => 0o100,
                (_, group) if group == self.server.gid.as_raw() => 0o010,
                _ => 0o001,
            };
            if meta.mode() & needed == 0 {
                return Err(StoreError::cluster(
                    format!(
                        "user `{}` can't pass through {}",
                        self.server.name,
                        directory.display()
                    ),
                    "choose a state directory below /var/lib, or run chmod o+x on it",
                ));
            }
        }
        Ok(())
    }
}

/// A running server: started by this process, or left over by one that was killed.
#[derive(Debug)]
pub(crate) enum Postmaster {
    Child(Child),
    Adopted(Pid),
}

impl Postmaster {
    /// The live server of a data directory, by its pid file. A pid file whose process is gone or
    /// is something else (process ids are reused) is removed: the server would refuse to start.
    pub(crate) fn left_over(data: &Path) -> Result<Option<Self>, StoreError> {
        let file = data.join("postmaster.pid");
        let Ok(text) = std::fs::read_to_string(&file) else { return Ok(None) };
        let pid = text.lines().next().and_then(|line| line.trim().parse().ok());
        if let Some(pid) = pid.filter(|&pid| is_server_of(pid, data)) {
            return Ok(Some(Self::Adopted(Pid::from_raw(pid))));
        }
        std::fs::remove_file(&file).map_err(|source| StoreError::Io {
            what: "can't remove the stale",
            path: file,
            source,
        })?;
        Ok(None)
    }

    pub(crate) fn pid(&self) -> i32 {
        match self {
            Self::Child(child) => child.id() as i32,
            Self::Adopted(pid) => pid.as_raw(),
        }
    }

    /// How it ended, once it has.
    pub(crate) fn exited(&mut self, data: &Path) -> Option<String> {
        match self {
            Self::Child(child) => match child.try_wait() {
                Ok(status) => status.map(|status: ExitStatus| status.to_string()),
                Err(error) => Some(error.to_string()),
            },
            Self::Adopted(pid) => {
                (!is_server_of(pid.as_raw(), data)).then(|| "it is gone".to_owned())
            }
        }
    }

    /// Sends a signal; one that is gone already is no error.
    pub(crate) fn signal(&self, signal: Signal) {
        let _ = kill(Pid::from_raw(self.pid()), signal);
    }

    /// Asks it to end; false where it still runs after `limit`.
    pub(crate) async fn end(&mut self, data: &Path, signal: Signal, limit: Duration) -> bool {
        if self.exited(data).is_some() {
            return true;
        }
        self.signal(signal);
        let (mut waits, deadline) = (LOOKS.waits(), Instant::now() + limit);
        loop {
            if self.exited(data).is_some() {
                return true;
            }
            if !waits.pause_before(deadline).await {
                return false;
            }
        }
    }
}

/// Whether process `pid` is a PostgreSQL server of this data directory. Reads its command line,
/// which everybody may read, and where a server of ours names the directory.
fn is_server_of(pid: i32, data: &Path) -> bool {
    let Ok(line) = std::fs::read(format!("/proc/{pid}/cmdline")) else { return false };
    let mut words =
        line.split(|&byte| byte == 0).map(|word| PathBuf::from(OsString::from_vec(word.to_vec())));
    let program = words.next().unwrap_or_default();
    program.file_name().is_some_and(|name| name == "postgres") && words.any(|word| word == data)
}
