//! What can be done after a demo: commands that work as they stand, wherever the demo was started.

use std::path::Path;

/// After a demo whose daemon has ended: `program` is this program's own path.
pub(super) fn next_steps(program: &Path, blueprint: &Path) -> String {
    format!(
        "next: read {}, then start a daemon for plans of your own:\n  {} run\n",
        blueprint.display(),
        quoted(program)
    )
}

/// After a demo whose daemon runs on as `pid`. Where no `eventplannerctl` stands beside `program`
/// (a build of the daemon alone has none), plain HTTP and a signal do.
pub(super) fn kept_daemon(program: &Path, socket: &Path, pid: u32) -> String {
    let ctl = program.with_file_name("eventplannerctl");
    let socket = quoted(socket);
    let (look, stop) = if ctl.is_file() {
        let ctl = format!("{} --socket {socket}", quoted(&ctl));
        (format!("{ctl} plan list"), format!("{ctl} stop"))
    } else {
        let url = "http://localhost/v1/plans";
        (format!("curl --unix-socket {socket} {url}"), format!("kill {pid}"))
    };
    format!(
        "the daemon runs on as process {pid}; talk to it, and stop it, with\n  {look}\n  {stop}\n"
    )
}

/// A path as a shell takes it as one word.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+".contains(c);
    if text.chars().all(plain) {
        return text;
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_one_word_of_a_shell() {
        assert_eq!(quoted(Path::new("/usr/bin/eventplannerd")), "/usr/bin/eventplannerd");
        assert_eq!(quoted(Path::new("/home/a b/d")), "'/home/a b/d'");
        assert_eq!(quoted(Path::new("/it's")), r"'/it'\''s'");
    }
}
