//! The threads that do the work. Actors and the control server only pass messages on, in the actix
//! system on the main thread and its helpers.

use std::{io, sync::Once, time::Duration};

use slog::{Logger, warn};
use tokio::runtime::{Builder, Runtime};

use actors::Threads;

/// How long work that goes on may hold up the end of the process.
const END_LIMIT: Duration = Duration::from_secs(1);

/// Both outlive everything that runs on them.
pub(crate) struct Runtimes {
    /// Connections, and whatever waits for something.
    work: Runtime,
    /// Computations, which yield the processors: a plan takes milliseconds more, and whoever waits
    /// for an answer, or for the database beside it, gets it at once.
    planning: Runtime,
}

impl Runtimes {
    /// `nice`: as in nice(2), for computations.
    ///
    /// # Errors
    /// The system has no threads left.
    pub(crate) fn start(nice: u32, log: &Logger) -> io::Result<Self> {
        let work = Builder::new_multi_thread().thread_name("work").enable_all().build()?;
        let log = log.clone();
        let planning = Builder::new_current_thread()
            .thread_name("planning")
            .on_thread_start(move || yield_to_others(nice, &log))
            .build()?;
        Ok(Self { work, planning })
    }

    pub(crate) fn work(&self) -> &Runtime {
        &self.work
    }

    pub(crate) fn handles(&self) -> Threads {
        Threads { work: self.work.handle().clone(), planning: self.planning.handle().clone() }
    }

    /// Ends what still runs.
    pub(crate) fn end(self) {
        self.planning.shutdown_background();
        self.work.shutdown_timeout(END_LIMIT);
    }
}

/// Where that is forbidden, planning goes on as it is.
fn yield_to_others(nice: u32, log: &Logger) {
    static TOLD: Once = Once::new();
    if nice == 0 {
        return;
    }
    // On Linux only the calling thread is meant.
    if let Err(error) = rustix::process::nice(nice.cast_signed()) {
        TOLD.call_once(|| warn!(log, "workflow.nice: planning can't yield to others: {}", error));
    }
}

#[cfg(test)]
mod tests {
    use tokio::runtime::Handle;

    use super::*;

    #[test]
    fn computations_yield_and_nothing_else_does() {
        let runtimes = Runtimes::start(7, &slog::Logger::root(slog::Discard, slog::o!())).unwrap();
        let nice = || rustix::process::getpriority_process(None).unwrap();
        let own = nice();
        let on = |handle: &Handle| {
            let handle = handle.clone();
            runtimes.work().block_on(async move { handle.spawn_blocking(nice).await.unwrap() })
        };
        let Threads { work, planning } = runtimes.handles();
        assert_eq!((on(&work), on(&planning)), (own, (own + 7).min(19)));
        assert_eq!(nice(), own);
        runtimes.end();
    }
}
