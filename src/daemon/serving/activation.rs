//! Socket activation: the control socket that systemd holds and hands over. It outlives the
//! daemon, so that callers wait in its queue over a restart and none is refused.

use std::os::unix::net::UnixListener;

use listenfd::ListenFd;

use crate::service::exit::Failed;

/// The control socket of `eventplannerd.socket`; `None` where nothing was handed over.
///
/// Call it while the process has one thread: it takes its variables out of the environment, so
/// that no child believes that they are meant for it.
///
/// # Errors
/// More than one descriptor, or one that is no listening Unix socket.
pub(crate) fn inherited_socket() -> Result<Option<UnixListener>, Failed> {
    let mut handed_over = ListenFd::from_env();
    match handed_over.len() {
        0 => Ok(None),
        1 => handed_over.take_unix_listener(0).map_err(|error| {
            Failed::configuration(format!(
                "the socket unit must hold a Unix stream socket: {error}"
            ))
        }),
        count => Err(Failed::configuration(format!(
            "{count} sockets were handed over; the socket unit must hold one, the control socket"
        ))),
    }
}
