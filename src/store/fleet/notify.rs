//! Hints to other daemons that plans changed. They may be lost: everybody also looks now and then.
//!
//! They are sent by the daemon's own link ([`crate::fleet`]), many in one statement and never
//! inside the change's transaction: a transaction that notifies holds one lock of the whole
//! server until it is on disk, so that commits would queue up one by one.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::mpsc;

use model::PlanId;

/// Hints that may wait to be sent; further ones are dropped.
const WAITING_MAX: usize = 8_192;

/// What other daemons may want to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hint {
    /// There is something new to tell the plan's watchers.
    Changed(PlanId),
    /// The same, and the plan can be claimed.
    Ready(PlanId),
    /// Vendors were imported, booked or released: what was read of them before may be stale.
    Catalogue,
}

/// Where changes leave their hints. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Notifications {
    outgoing: mpsc::Sender<Hint>,
    /// Until the link takes it. A store without a link tells nobody.
    waiting: Arc<Mutex<Option<mpsc::Receiver<Hint>>>>,
}

impl Notifications {
    pub(crate) fn new() -> Self {
        let (outgoing, waiting) = mpsc::channel(WAITING_MAX);
        Self { outgoing, waiting: Arc::new(Mutex::new(Some(waiting))) }
    }

    /// The receiving end; `None` where somebody has it already.
    pub(crate) fn take(&self) -> Option<mpsc::Receiver<Hint>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    pub(crate) fn changed(&self, plans: impl IntoIterator<Item = PlanId>) {
        plans.into_iter().for_each(|plan| self.leave(Hint::Changed(plan)));
    }

    pub(crate) fn ready(&self, plans: impl IntoIterator<Item = PlanId>) {
        plans.into_iter().for_each(|plan| self.leave(Hint::Ready(plan)));
    }

    pub(crate) fn catalogue(&self) {
        self.leave(Hint::Catalogue);
    }

    fn leave(&self, hint: Hint) {
        // The change itself is stored: a lost hint only delays another daemon.
        let _ = self.outgoing.try_send(hint);
    }
}
