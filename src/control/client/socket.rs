//! Where a client looks for the control socket, when it isn't told.

use std::path::{Path, PathBuf};

/// The socket's file name inside a runtime directory.
pub const SOCKET_NAME: &str = "control.sock";

/// Longest path that the kernel takes as a socket's address: `sun_path` less its final NUL.
pub const SOCKET_PATH_MAX_BYTES: usize = 107;

/// The variable that names the socket and ends the search.
pub(crate) const SOCKET_VARIABLE: &str = "EVENTPLANNER_SOCKET";

/// The places that a daemon's socket may be in, best first: where `EVENTPLANNER_SOCKET` says;
/// else the runtime directory that systemd gives, the system service's, and the `run` folder of
/// the state directories of a daemon started by hand (as root, or as this user).
///
/// `variable` looks up an environment variable.
pub fn socket_places(variable: impl Fn(&str) -> Option<PathBuf>) -> Vec<PathBuf> {
    let set = |name: &str| variable(name).filter(|path| !path.as_os_str().is_empty());
    if let Some(path) = set(SOCKET_VARIABLE) {
        return vec![path];
    }
    let user_state = set("XDG_STATE_HOME").or_else(|| Some(set("HOME")?.join(".local/state")));
    let runtime_dirs = [
        set("RUNTIME_DIRECTORY").map(first_directory),
        Some("/run/eventplanner".into()),
        Some("/var/lib/eventplanner/run".into()),
        user_state.map(|dir| dir.join("eventplanner/run")),
    ];
    runtime_dirs.into_iter().flatten().map(|dir: PathBuf| dir.join(SOCKET_NAME)).collect()
}

/// systemd separates several directories by colons.
fn first_directory(directories: PathBuf) -> PathBuf {
    let text = directories.to_string_lossy();
    Path::new(text.split(':').next().unwrap_or_default()).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_named_socket_ends_the_search_and_the_service_comes_first() {
        let of = |set: &[(&str, &str)]| -> Vec<String> {
            let lookup = |name: &str| {
                set.iter().find(|(known, _)| *known == name).map(|(_, value)| value.into())
            };
            socket_places(lookup).iter().map(|path| path.display().to_string()).collect()
        };
        assert_eq!(of(&[(SOCKET_VARIABLE, "/tmp/s"), ("HOME", "/home/a")]), ["/tmp/s"]);
        assert_eq!(
            of(&[("HOME", "/home/a"), ("RUNTIME_DIRECTORY", "/run/x:/run/y")]),
            [
                "/run/x/control.sock",
                "/run/eventplanner/control.sock",
                "/var/lib/eventplanner/run/control.sock",
                "/home/a/.local/state/eventplanner/run/control.sock",
            ]
        );
        let xdg = of(&[(SOCKET_VARIABLE, ""), ("XDG_STATE_HOME", "/x"), ("HOME", "/home/a")]);
        assert_eq!(xdg.last().unwrap(), "/x/eventplanner/run/control.sock");
    }
}
