//! What happened inside the gateway, for its owner to log. No prompt, reply or key text.

use std::sync::{
    Mutex,
    atomic::{AtomicU64, Ordering},
};

use tokio::sync::mpsc;

use super::{breaker::BreakerState, status::ModelState};
use crate::{failure::Failure, locked, tasks::TaskKind};

/// Events kept for a slow listener; further ones are counted and lost.
const EVENTS_MAX: usize = 256;

#[derive(Clone, Debug, PartialEq)]
pub enum GatewayEvent {
    BreakerChanged {
        endpoint: String,
        state: BreakerState,
    },
    /// An endpoint gave up on a request, after its retries and its repair.
    EndpointFailed {
        endpoint: String,
        task: TaskKind,
        failure: Failure,
    },
    /// A try failed; another one follows after `wait`.
    Retrying {
        endpoint: String,
        failure: Failure,
        wait: std::time::Duration,
    },
    ModelChanged {
        endpoint: String,
        model: String,
        state: ModelState,
        /// How long it took, where the gateway brought it there.
        took: Option<std::time::Duration>,
    },
}

/// Where the gateway drops its events.
pub(crate) struct Events {
    sender: mpsc::Sender<GatewayEvent>,
    receiver: Mutex<Option<mpsc::Receiver<GatewayEvent>>>,
    lost: AtomicU64,
}

impl Events {
    pub(crate) fn new() -> Self {
        let (sender, receiver) = mpsc::channel(EVENTS_MAX);
        Self { sender, receiver: Mutex::new(Some(receiver)), lost: AtomicU64::new(0) }
    }

    pub(crate) fn tell(&self, event: GatewayEvent) {
        if self.sender.try_send(event).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(crate) fn take(&self) -> Option<mpsc::Receiver<GatewayEvent>> {
        locked(&self.receiver).take()
    }

    pub(crate) fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }
}
