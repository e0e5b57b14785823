//! How many connections to the control socket are open, and which of them are too many.
//!
//! The server takes a few more than `control.max_connections`, so that whoever comes then is told
//! at once that the daemon is busy; in the listener's queue they would wait without an answer.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use actix_web::{
    Error,
    body::{BoxBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::header::{CONNECTION, HeaderValue},
    middleware::Next,
};

use super::failure::Failure;
use telemetry::{Telemetry, figures::metrics::CONTROL_CONNECTIONS};
use wire::{ApiError, ErrorCode};

/// Connections beyond the limit that are taken to be refused; each for one reply.
pub(crate) const REFUSED_AT_ONCE: usize = 64;

/// Counts open connections into their gauge.
#[derive(Clone)]
pub(crate) struct Connections {
    open: Arc<AtomicUsize>,
    limit: usize,
    telemetry: Telemetry,
}

impl Connections {
    /// `limit`: those that are served at once.
    pub(crate) fn new(limit: usize, telemetry: &Telemetry) -> Self {
        Self { open: Arc::default(), limit, telemetry: telemetry.clone() }
    }

    /// A connection was accepted; it counts as long as the value lives.
    pub(crate) fn accepted(&self) -> Open {
        let open = self.open.fetch_add(1, Ordering::Relaxed) + 1;
        self.show(open);
        Open { connections: self.clone(), is_beyond: open > self.limit }
    }

    fn show(&self, open: usize) {
        self.telemetry.gauge(CONTROL_CONNECTIONS, &[], open as f64);
    }
}

pub(crate) struct Open {
    connections: Connections,
    /// Came when the limit was reached.
    is_beyond: bool,
}

impl Drop for Open {
    fn drop(&mut self) {
        let connections = &self.connections;
        connections.show(connections.open.fetch_sub(1, Ordering::Relaxed) - 1);
    }
}

/// Middleware: a connection beyond the limit gets one reply, `busy`, and is closed.
pub(crate) async fn refuse_those_beyond(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    if !request.conn_data::<Open>().is_some_and(|open| open.is_beyond) {
        return Ok(next.call(request).await?.map_into_boxed_body());
    }
    let error = ApiError::new(ErrorCode::Busy, "too many connections are open")
        .with_hint("try again in a moment, or raise control.max_connections");
    let mut response = request.error_response(Failure::from(error)).map_into_boxed_body();
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    Ok(response)
}
