//! Keeps actors alive: a factory per actor, restarts with backoff within an intensity, escalation.
//!
//! actix's own supervisor does not restart an actor after a panic, and restarts it with its old
//! state and no limit after a stop. Here every generation is built anew by its factory, on a
//! thread of its own, so that a frozen actor can be left behind. Deaths are noticed at once by a
//! [`DeathNotice`] that the actor owns; freezes by unanswered heartbeats. Callers go through a
//! [`Handle`], which admits a bounded number of requests and outlives the generations. A request
//! that dies with its actor is answered with an error at once; none is sent again by itself, since
//! its work may have been done.
//!
//! A supervised actor owns its death notice and has one handler, for [`Envelope`], beside those of
//! its messages.

#[cfg(any(debug_assertions, feature = "fault-injection"))]
mod fault;
mod handle;
mod keeper;
mod mailbox;
mod slots;
#[cfg(test)]
mod tests;

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Instant,
};

#[cfg(any(debug_assertions, feature = "fault-injection"))]
pub use fault::Fault;
pub use handle::{AskError, Handle};
pub use keeper::{DeathNotice, Policy};
pub(crate) use keeper::{JITTER, supervise};
pub use mailbox::Envelope;

/// What `status` shows of an actor.
struct Life {
    generation: u64,
    restarts: u64,
    state: State,
    last_heartbeat: Instant,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Running,
    Restarting,
    /// Given up: the process is to end.
    Stopped,
}

impl State {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Restarting => "restarting",
            Self::Stopped => "stopped",
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
