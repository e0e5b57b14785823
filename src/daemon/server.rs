//! The HTTP server on the control socket.

use std::{io, os::unix::net::UnixListener, time::Duration};

use actix_web::{App, HttpServer, dev::Server, middleware::from_fn, web};

use super::{
    api::{self, Context},
    audit,
    peer::Peer,
};
use crate::config::ControlSettings;

/// Handlers only pass messages on: two threads are plenty, and one stuck client doesn't stop
/// the other half.
const WORKERS: usize = 2;
/// How long open calls may go on once the daemon is to stop.
const SHUTDOWN_TIMEOUT_S: u64 = 5;
/// After the last reply, how long a connection may linger.
const DISCONNECT_TIMEOUT: Duration = Duration::from_secs(1);

/// Builds the server; it serves once it is awaited (or spawned) in an actix system.
///
/// # Errors
/// The listener can't be used.
pub fn serve(
    listener: UnixListener,
    settings: &ControlSettings,
    context: Context,
) -> io::Result<Server> {
    let context = web::Data::new(context);
    let server = HttpServer::new(move || {
        App::new().app_data(context.clone()).wrap(from_fn(audit::log_calls)).configure(api::routes)
    })
    .workers(WORKERS)
    .max_connections(settings.max_connections.div_ceil(WORKERS))
    .client_request_timeout(settings.header_timeout)
    .client_disconnect_timeout(DISCONNECT_TIMEOUT)
    .keep_alive(settings.idle_timeout)
    .shutdown_timeout(SHUTDOWN_TIMEOUT_S)
    .disable_signals()
    .on_connect(|connection, data| {
        if let Some(peer) = Peer::of_connection(connection) {
            data.insert(peer);
        }
    });
    Ok(server.listen_uds(listener)?.run())
}
