//! Sharing commits: what comes in while a commit is under way makes up the next batch, so that
//! nobody waits for a batch to fill, and a crowd costs few commits.

use std::{future::Future, sync::Arc};

use tokio::sync::{Semaphore, mpsc};

/// How much is taken together.
#[derive(Clone, Copy)]
pub(crate) struct Limits {
    /// Entries of one batch at most.
    pub batch: usize,
    /// Batches that commit at the same time: one travels while the next is made.
    pub at_once: usize,
    /// Entries that may wait for their batch; further ones are refused.
    pub waiting: usize,
}

/// Starts to make batches and to settle them; ends with the last clone of the sender. Needs a
/// running runtime.
pub(crate) fn gather<T, S, F>(limits: Limits, settle: S) -> mpsc::Sender<T>
where
    T: Send + 'static,
    S: Fn(Vec<T>) -> F + Send + 'static,
    F: Future<Output = ()> + Send + 'static,
{
    let (waiting, arriving) = mpsc::channel(limits.waiting);
    tokio::spawn(make_batches(limits, arriving, settle));
    waiting
}

async fn make_batches<T, S, F>(limits: Limits, mut arriving: mpsc::Receiver<T>, settle: S)
where
    T: Send + 'static,
    S: Fn(Vec<T>) -> F + Send + 'static,
    F: Future<Output = ()> + Send + 'static,
{
    let places = Arc::new(Semaphore::new(limits.at_once));
    let mut batch = Vec::with_capacity(limits.batch);
    while arriving.recv_many(&mut batch, limits.batch).await > 0 {
        // Never closed.
        let Ok(place) = places.clone().acquire_owned().await else { return };
        while batch.len() < limits.batch
            && let Ok(entry) = arriving.try_recv()
        {
            batch.push(entry);
        }
        let settled = settle(std::mem::take(&mut batch));
        tokio::spawn(async move {
            settled.await;
            drop(place);
        });
    }
}
