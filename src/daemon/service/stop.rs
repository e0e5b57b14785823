//! What a daemon is asked to do while it runs: to stop, and why, or to read its settings anew.

use std::{io::Read, sync::Arc};

use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::{Notify, mpsc},
};

use super::exit::Failed;

/// Everything that may ask the daemon to stop.
pub(crate) struct StopSources {
    int: Signal,
    term: Signal,
    /// Asks for a reload, as daemons take it.
    hangup: Signal,
    /// The control API's `stop`.
    pub asked: Arc<Notify>,
    parent_gone: Arc<Notify>,
    pub escalate: mpsc::Sender<&'static str>,
    escalated: mpsc::Receiver<&'static str>,
}

/// What the daemon is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Demand {
    Stop(StopReason),
    Reload,
}

/// Why the daemon stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StopReason {
    Signal(&'static str),
    /// `eventplannerctl stop`.
    Asked,
    ParentGone,
    /// An actor failed too often.
    Escalated(&'static str),
}

impl StopReason {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Signal(name) => name,
            Self::Asked => "asked over the control socket",
            Self::ParentGone => "whoever started it is gone",
            Self::Escalated(_) => "an actor failed too often",
        }
    }
}

impl StopSources {
    /// Listens from now on. Call it inside the actix system.
    pub(crate) fn new(until_stdin_ends: bool) -> Result<Self, Failed> {
        let (escalate, escalated) = mpsc::channel(1);
        let parent_gone = Arc::new(Notify::new());
        if until_stdin_ends {
            let parent_gone = parent_gone.clone();
            std::thread::Builder::new().name("stdin".into()).spawn(move || {
                let mut byte = [0];
                while matches!(std::io::stdin().read(&mut byte), Ok(1)) {}
                parent_gone.notify_one();
            })?;
        }
        Ok(Self {
            int: signal(SignalKind::interrupt())?,
            term: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
            asked: Arc::default(),
            parent_gone,
            escalate,
            escalated,
        })
    }

    /// The next demand.
    pub(crate) async fn next(&mut self) -> Demand {
        Demand::Stop(tokio::select! {
            _ = self.int.recv() => StopReason::Signal("SIGINT"),
            _ = self.term.recv() => StopReason::Signal("SIGTERM"),
            _ = self.hangup.recv() => return Demand::Reload,
            () = self.asked.notified() => StopReason::Asked,
            () = self.parent_gone.notified() => StopReason::ParentGone,
            Some(actor) = self.escalated.recv() => StopReason::Escalated(actor),
        })
    }

    /// The first reason to stop. A start that isn't done has nothing to reload.
    pub(crate) async fn wait(&mut self) -> StopReason {
        loop {
            if let Demand::Stop(reason) = self.next().await {
                return reason;
            }
        }
    }
}
