//! Where actors do their work: on the process's own runtimes, off the actors' threads.
//!
//! An actor's thread only routes messages. Connections are made and driven on a runtime that
//! lives as long as the process, so that they outlive every generation of an actor; and a panic
//! in the work arrives as an error of one request.
//!
//! Work is boxed before it is spawned: the runtime's code for a task is then compiled once for each
//! kind of result, not for each piece of work.

use std::future::Future;

use actix::ResponseFuture;
use futures_util::future::BoxFuture;
use slog::{Logger, error};
use tokio::{runtime::Handle, task::JoinHandle};
use tokio_util::sync::CancellationToken;

use crate::supervision::AskError;
use telemetry::{Telemetry, figures::metrics, log::events};
use wire::{ApiError, ErrorCode};

/// The process's own runtimes.
#[derive(Clone, Debug)]
pub struct Threads {
    /// For whatever waits for something.
    pub work: Handle,
    /// For computations.
    pub planning: Handle,
}

/// The process's runtimes, and the log for what fails on them.
#[derive(Clone)]
pub struct TaskSpawner {
    threads: Threads,
    pub log: Logger,
    telemetry: Telemetry,
}

impl TaskSpawner {
    pub fn new(threads: Threads, log: Logger, telemetry: Telemetry) -> Self {
        Self { threads, log, telemetry }
    }

    /// Runs a request's work to its end, also when its caller goes away: what a client began is
    /// either done or not, never half.
    pub fn run<T: Send + 'static>(
        &self,
        actor: &'static str,
        work: impl Future<Output = Result<T, ApiError>> + Send + 'static,
    ) -> ResponseFuture<Result<T, ApiError>> {
        let work: BoxFuture<'static, Result<T, ApiError>> = Box::pin(work);
        let task = self.threads.work.spawn(work);
        let (log, telemetry) = (self.log.clone(), self.telemetry.clone());
        Box::pin(async move {
            task.await.unwrap_or_else(|failure| {
                telemetry.inc(metrics::ACTOR_PANICS, &[actor]);
                error!(log, "a request failed in {actor}"; events::ACTOR_PANICKED,
                    "panic" => failure.to_string());
                Err(AskError::Panicked { actor }.into())
            })
        })
    }

    /// Runs a question's work while somebody waits for its answer: once `abandoned` is cancelled,
    /// the work is dropped.
    pub(crate) fn run_unless_abandoned<T: Send + 'static>(
        &self,
        actor: &'static str,
        abandoned: CancellationToken,
        work: impl Future<Output = Result<T, ApiError>> + Send + 'static,
    ) -> ResponseFuture<Result<T, ApiError>> {
        self.run(actor, async move {
            // Nobody reads the error.
            let left = || Err(ApiError::new(ErrorCode::Unavailable, "the caller left"));
            abandoned.run_until_cancelled(work).await.unwrap_or_else(left)
        })
    }

    /// A task of its own; dropping the handle leaves it running.
    pub fn spawn<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> JoinHandle<T> {
        let work: BoxFuture<'static, T> = Box::pin(work);
        self.threads.work.spawn(work)
    }

    /// CPU work, on a thread where it holds up nobody. A panic comes back as an error.
    pub(crate) async fn compute<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, tokio::task::JoinError> {
        let work: Box<dyn FnOnce() -> T + Send> = Box::new(work);
        self.threads.planning.spawn_blocking(work).await
    }
}
