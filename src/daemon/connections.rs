//! How many connections to the control socket are open.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use crate::telemetry::{Telemetry, metrics::CONTROL_CONNECTIONS};

/// Counts open connections into their gauge.
#[derive(Clone)]
pub struct Connections {
    open: Arc<AtomicUsize>,
    telemetry: Telemetry,
}

impl Connections {
    pub fn new(telemetry: &Telemetry) -> Self {
        Self { open: Arc::default(), telemetry: telemetry.clone() }
    }

    /// A connection was accepted; it counts as long as the value lives.
    pub fn accepted(&self) -> Open {
        self.show(self.open.fetch_add(1, Ordering::Relaxed) + 1);
        Open(self.clone())
    }

    fn show(&self, open: usize) {
        self.telemetry.gauge(CONTROL_CONNECTIONS, &[], open as f64);
    }
}

pub struct Open(Connections);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.show(self.0.open.fetch_sub(1, Ordering::Relaxed) - 1);
    }
}
