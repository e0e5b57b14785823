//! Sharing commits: what comes in while a commit is under way makes up the next batch, so that
//! nobody waits for a batch to fill, and a crowd costs few commits. Each entry is answered after
//! the commit of its own batch.

use std::{future::Future, sync::Arc};

use tokio::sync::{Semaphore, mpsc, oneshot};

use crate::{StoreError, connection::pool::Pool, fleet::notify::Notifications};

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

/// What is stored in batches.
pub(crate) trait Batched: Send + Sync + Sized + 'static {
    type Answer: Send + 'static;

    const TASK: &'static str;
    const LIMITS: Limits;
    /// Whether an entry that nobody waits for any more is stored all the same.
    const OUTLIVES_CALLER: bool;

    /// Stores a batch in one commit; what came of each entry, in their order.
    fn store(
        pool: &Pool,
        batch: &[Self],
    ) -> impl Future<Output = Result<Vec<Result<Self::Answer, StoreError>>, StoreError>> + Send;

    /// Whether one entry alone may be why its whole batch failed.
    fn may_be_one_entrys(error: &StoreError) -> bool {
        matches!(
            error,
            StoreError::Unstorable { .. } | StoreError::Query { .. } | StoreError::Conflict { .. }
        )
    }

    /// Tells the other daemons what was stored.
    fn announce(&self, notifications: &Notifications, answer: &Self::Answer);
}

type Answered<T> = Result<<T as Batched>::Answer, StoreError>;
type Pending<T> = (T, oneshot::Sender<Answered<T>>);

/// Where entries wait for their batch. All clones share the line.
pub(crate) struct Batches<T: Batched> {
    waiting: mpsc::Sender<Pending<T>>,
}

impl<T: Batched> Clone for Batches<T> {
    fn clone(&self) -> Self {
        Self { waiting: self.waiting.clone() }
    }
}

impl<T: Batched> Batches<T> {
    /// Starts to make batches and to settle them; ends with the last clone. Needs a running
    /// runtime.
    pub(crate) fn start(pool: Pool, notifications: Notifications) -> Self {
        let (waiting, arriving) = mpsc::channel(T::LIMITS.waiting);
        tokio::spawn(make_batches(pool, notifications, arriving));
        Self { waiting }
    }

    /// Stores an entry in the next batch. Once it returns, the entry is on disk.
    ///
    /// # Errors
    /// `Crowded` where too many wait to be stored; what kept this one from being stored.
    pub(crate) async fn store(&self, entry: T) -> Answered<T> {
        let (done, answer) = oneshot::channel();
        self.waiting
            .try_send((entry, done))
            .map_err(|_| StoreError::Crowded { task: T::TASK, limit: T::LIMITS.waiting })?;
        let lost =
            |_| StoreError::Disconnected { task: T::TASK, cause: "its batch was lost".into() };
        answer.await.map_err(lost)?
    }
}

async fn make_batches<T: Batched>(
    pool: Pool,
    notifications: Notifications,
    mut arriving: mpsc::Receiver<Pending<T>>,
) {
    let places = Arc::new(Semaphore::new(T::LIMITS.at_once));
    let mut batch = Vec::with_capacity(T::LIMITS.batch);
    while arriving.recv_many(&mut batch, T::LIMITS.batch).await > 0 {
        // Never closed.
        let Ok(place) = places.clone().acquire_owned().await else { return };
        while batch.len() < T::LIMITS.batch
            && let Ok(entry) = arriving.try_recv()
        {
            batch.push(entry);
        }
        let (pool, notifications) = (pool.clone(), notifications.clone());
        let batch = std::mem::take(&mut batch);
        tokio::spawn(async move {
            settle(&pool, &notifications, batch).await;
            drop(place);
        });
    }
}

/// Stores a batch and tells every caller what came of its entry.
async fn settle<T: Batched>(pool: &Pool, notifications: &Notifications, batch: Vec<Pending<T>>) {
    let counts = |(_, done): &Pending<T>| T::OUTLIVES_CALLER || !done.is_closed();
    let (entries, callers): (Vec<T>, Vec<_>) = batch.into_iter().filter(counts).unzip();
    let stored = T::store(pool, &entries).await;
    let is_alone = entries.len() == 1;
    let pending = entries.into_iter().zip(callers);
    match stored {
        Ok(answers) => {
            for (pending, answer) in pending.zip(answers) {
                tell(notifications, pending, answer);
            }
        }
        Err(error) if !is_alone && T::may_be_one_entrys(&error) => {
            for pending in pending.filter(counts) {
                let stored = T::store(pool, std::slice::from_ref(&pending.0)).await;
                let none = || Err(StoreError::Conflict { task: T::TASK });
                let answer = stored.and_then(|mut answers| answers.pop().unwrap_or_else(none));
                tell(notifications, pending, answer);
            }
        }
        Err(error) => {
            for pending in pending {
                tell(notifications, pending, Err(error.again()));
            }
        }
    }
}

fn tell<T: Batched>(notifications: &Notifications, (entry, done): Pending<T>, answer: Answered<T>) {
    if let Ok(answer) = &answer {
        entry.announce(notifications, answer);
    }
    // The caller may have gone meanwhile.
    let _ = done.send(answer);
}
