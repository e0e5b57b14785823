//! The directories and the socket, where the settings leave them to the environment.

use std::path::{Path, PathBuf};

use crate::{LoadOptions, settings::Settings};

/// Name of everything of ours under a shared directory.
const NAME: &str = "eventplanner";

/// Makes the paths absolute; an empty one becomes its default.
pub(crate) fn resolve_paths(settings: &mut Settings, options: &LoadOptions) {
    let paths = &mut settings.paths;
    if paths.state_dir.as_os_str().is_empty() {
        paths.state_dir = default_state_dir(options);
    }
    paths.state_dir = absolute(&paths.state_dir);
    if paths.runtime_dir.as_os_str().is_empty() {
        let given = directory_variable(options, "RUNTIME_DIRECTORY");
        paths.runtime_dir = given.unwrap_or_else(|| paths.state_dir.join("run"));
    }
    paths.runtime_dir = absolute(&paths.runtime_dir);
    let control = &mut settings.control;
    if control.socket.as_os_str().is_empty() {
        control.socket = paths.runtime_dir.join("control.sock");
    }
    control.socket = absolute(&control.socket);
}

/// systemd's, else the system's for root, else the user's (XDG base directories).
fn default_state_dir(options: &LoadOptions) -> PathBuf {
    if let Some(dir) = directory_variable(options, "STATE_DIRECTORY") {
        return dir;
    }
    if options.is_root {
        return Path::new("/var/lib").join(NAME);
    }
    if let Some(dir) = directory_variable(options, "XDG_STATE_HOME") {
        return dir.join(NAME);
    }
    match directory_variable(options, "HOME") {
        Some(home) => home.join(".local/state").join(NAME),
        None => PathBuf::from(NAME),
    }
}

/// An absolute directory in a variable; the first one where systemd lists several.
fn directory_variable(options: &LoadOptions, name: &str) -> Option<PathBuf> {
    let first = options.environment.get(name)?.split(':').next()?;
    Path::new(first).is_absolute().then(|| first.into())
}

/// Without touching the disk; a path that cannot be made absolute stays as it is.
fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.into())
}

/// The settings file of a run without `--config`: in systemd's configuration directory or under
/// /etc, where it exists.
pub fn default_file(options: &LoadOptions) -> Option<PathBuf> {
    let systemd = directory_variable(options, "CONFIGURATION_DIRECTORY");
    let dirs = systemd.into_iter().chain([Path::new("/etc").join(NAME)]);
    dirs.map(|dir| dir.join("eventplanner.toml")).find(|file| file.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolved(environment: &[(&str, &str)], is_root: bool) -> [String; 3] {
        let pairs = environment.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
        let options =
            LoadOptions { environment: pairs.collect(), is_root, ..LoadOptions::default() };
        let mut settings = Settings::default();
        resolve_paths(&mut settings, &options);
        [settings.paths.state_dir, settings.paths.runtime_dir, settings.control.socket]
            .map(|path| path.display().to_string())
    }

    #[test]
    fn systemd_then_root_then_the_user_decide() {
        let user = [("HOME", "/home/u")];
        let xdg = [("HOME", "/home/u"), ("XDG_STATE_HOME", "/x")];
        let systemd = [
            ("STATE_DIRECTORY", "/var/lib/a:/var/lib/b"),
            ("RUNTIME_DIRECTORY", "/run/eventplanner"),
        ];
        for (environment, is_root, state, runtime) in [
            (&user[..], true, "/var/lib/eventplanner", "/var/lib/eventplanner/run"),
            (
                &user[..],
                false,
                "/home/u/.local/state/eventplanner",
                "/home/u/.local/state/eventplanner/run",
            ),
            (&xdg[..], false, "/x/eventplanner", "/x/eventplanner/run"),
            (&systemd[..], true, "/var/lib/a", "/run/eventplanner"),
        ] {
            let socket = format!("{runtime}/control.sock");
            assert_eq!(resolved(environment, is_root), [state, runtime, &socket]);
        }
    }
}
