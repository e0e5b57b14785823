//! The HTTP servers: on the control socket, and where it is wanted a read-only one on loopback.

use std::{io, net::TcpListener, os::unix::net::UnixListener, time::Duration};

use actix_web::{
    App, HttpServer,
    dev::{Server, ServerHandle},
    guard::{self, Guard, GuardContext},
    middleware::from_fn,
    web,
};
use futures_util::future::join_all;

use crate::{
    api,
    service::exit::Failed,
    serving::{
        audit,
        connections::{Connections, REFUSED_AT_ONCE, refuse_those_beyond},
        context::Context,
        peer::Peer,
    },
};
use settings::ControlSettings;

/// Handlers only pass messages on: two threads are plenty, and one stuck client doesn't stop
/// the other half.
const WORKERS: usize = 2;
/// How long open calls may go on once the daemon is to stop.
const SHUTDOWN_TIMEOUT_S: u64 = 5;
/// After the last reply, how long a connection may linger.
const DISCONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// How long a connection that was taken just before the stop has for its request to arrive.
const LAST_REQUESTS: Duration = Duration::from_millis(100);
/// Connections to the read-only listener at once: a scraper or two.
const TCP_MAX_CONNECTIONS: usize = 16;

/// Builds the control server; it serves once it is awaited (or spawned) in an actix system.
///
/// # Errors
/// The listener can't be used.
pub(crate) fn serve(
    listener: UnixListener,
    settings: &ControlSettings,
    context: web::Data<Context>,
) -> io::Result<Server> {
    let connections = Connections::new(settings.max_connections, &context.actors.telemetry);
    let server = HttpServer::new(move || {
        App::new()
            .app_data(context.clone())
            .wrap(from_fn(audit::log_calls))
            .wrap(from_fn(refuse_those_beyond))
            .configure(api::routes)
    })
    .workers(WORKERS)
    .max_connections((settings.max_connections + REFUSED_AT_ONCE).div_ceil(WORKERS))
    .client_request_timeout(settings.header_timeout)
    .client_disconnect_timeout(DISCONNECT_TIMEOUT)
    .keep_alive(settings.idle_timeout)
    .shutdown_timeout(SHUTDOWN_TIMEOUT_S)
    // Whoever closed the connection is gone: a stream that has nothing to say would find out late.
    .h1_allow_half_closed(false)
    .disable_signals()
    .on_connect(move |connection, data| {
        data.insert(connections.accepted());
        if let Some(peer) = Peer::of_connection(connection) {
            data.insert(peer);
        }
    });
    Ok(server.listen_uds(listener)?.run())
}

/// Builds the read-only server: metrics, health and documents.
///
/// # Errors
/// The listener can't be used.
pub(crate) fn serve_tcp(
    listener: TcpListener,
    settings: &ControlSettings,
    context: web::Data<Context>,
) -> io::Result<Server> {
    let server = HttpServer::new(move || {
        let app = App::new().app_data(context.clone()).wrap(from_fn(audit::log_calls));
        app.service(web::scope("").guard(ThisMachine).configure(api::read_only_routes))
            .default_service(web::to(crate::serving::failure::not_found))
    })
    .workers(1)
    .max_connections(TCP_MAX_CONNECTIONS)
    .client_request_timeout(settings.header_timeout)
    .client_disconnect_timeout(DISCONNECT_TIMEOUT)
    .keep_alive(settings.idle_timeout)
    .shutdown_timeout(SHUTDOWN_TIMEOUT_S)
    // Whoever closed the connection is gone: a stream that has nothing to say would find out late.
    .h1_allow_half_closed(false)
    .disable_signals();
    Ok(server.listen(listener)?.run())
}

/// Serves from now on.
pub(crate) fn start_server(server: Server) -> ServerHandle {
    let handle = server.handle();
    actix::spawn(server);
    handle
}

/// Takes no more connections, answers what was taken, ends. A connection that comes meanwhile
/// stays in the listener's queue: where systemd holds that, the next daemon answers it.
pub(crate) async fn stop_servers(servers: &[ServerHandle]) {
    join_all(servers.iter().map(ServerHandle::pause)).await;
    // A connection that was just taken may not have brought its request yet.
    tokio::time::sleep(LAST_REQUESTS).await;
    join_all(servers.iter().map(|server| server.stop(true))).await;
}

/// The listener of `control.tcp_listen`, where there is one.
///
/// # Errors
/// The address can't be had.
pub(crate) fn bind_tcp(address: &str) -> Result<Option<TcpListener>, Failed> {
    if address.is_empty() {
        return Ok(None);
    }
    let refused = |error: io::Error| {
        Failed::configuration(format!("control.tcp_listen: cannot listen on {address}: {error}"))
    };
    TcpListener::bind(address).map(Some).map_err(refused)
}

/// Only calls that name this machine: a web page whose name was bent to the loopback address
/// (DNS rebinding) names another.
struct ThisMachine;

impl Guard for ThisMachine {
    fn check(&self, context: &GuardContext<'_>) -> bool {
        ["localhost", "127.0.0.1", "[::1]"].iter().any(|name| guard::Host(name).check(context))
    }
}
