//! The daemon's name among the daemons of one database: it marks the plans that it works on.

use uuid::Uuid;

/// Characters of the host's name that are shown.
const HOST_MAX: usize = 32;

/// A name that nobody else has ever had: where it runs, for people, and a random part. A daemon
/// that is started anew is another one; it gets its predecessor's plans as any other would, since
/// the server noticed the end of its connection.
pub(crate) fn daemon_name() -> String {
    let host = nix::unistd::gethostname().unwrap_or_default();
    let host: String = host.to_string_lossy().chars().take(HOST_MAX).collect();
    format!("{host}:{}:{}", std::process::id(), Uuid::now_v7().simple())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_comes_twice() {
        assert_ne!(daemon_name(), daemon_name());
    }
}
