//! Whether another plan may wait: bounds for the whole queue and for each client.
//!
//! The database knows how long the queue is. It is asked now and then; between two looks the
//! submissions taken in here are added, so that the bounds hold for this daemon exactly, and for
//! several of them up to what the others take in between two looks. Whoever comes when the queue
//! is known to be full waits for no look: a refusal must be quick just when the database is not.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use settings::AdmissionSettings;
use store::{QueueLength, Store, StoreError};

/// A count that leaves room is good for this long.
const FRESH: Duration = Duration::from_secs(1);
/// One that doesn't, for this long; then room is looked for, beside the refusals.
const FULL_FRESH: Duration = Duration::from_millis(100);
/// While a look is under way, which may take as long as a database is slow, a count of this age
/// still refuses.
const FULL_STALE: Duration = Duration::from_secs(10);
/// Clients whose counts are remembered.
const CLIENTS_MAX: usize = 1_024;

/// Why a plan may not wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    QueueFull { waiting: u64 },
    ClientFull { waiting: u64 },
}

/// A refusal on account of what is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Standing {
    pub refused: Refused,
    /// Nobody has looked for a while whether there is room again.
    pub look_is_due: bool,
}

/// What was counted, and when.
#[derive(Clone, Copy, Debug)]
struct Counted {
    length: QueueLength,
    at: Instant,
}

/// By client; `None` for plans without one.
#[derive(Default)]
pub(crate) struct Admission {
    known: Mutex<HashMap<Option<u32>, Counted>>,
    /// One look at a time: those who wait for it share it.
    looking: tokio::sync::Mutex<()>,
}

impl Admission {
    /// Whether a client's plan is refused for what is known already. Waits for nothing, and admits
    /// nothing.
    pub(crate) fn refuses(
        &self,
        client: Option<u32>,
        limits: AdmissionSettings,
    ) -> Option<Standing> {
        let counted = *self.locked().get(&client)?;
        let refused = refused(counted.length, limits)?;
        let age = counted.at.elapsed();
        let looks = self.looking.try_lock().is_err();
        let holds = age <= FRESH || age <= FULL_STALE && looks;
        holds.then_some(Standing { refused, look_is_due: age > FULL_FRESH && !looks })
    }

    /// Counts again, unless a count is under way.
    ///
    /// # Errors
    /// Whatever keeps the database from answering.
    pub(crate) async fn look(&self, store: &Store, client: Option<u32>) -> Result<(), StoreError> {
        let Ok(_turn) = self.looking.try_lock() else { return Ok(()) };
        let length = store.queue_length(client).await?;
        self.learn(client, length, Instant::now());
        Ok(())
    }

    /// Lets a client's plan in, or says why not.
    ///
    /// # Errors
    /// Whatever keeps the database from answering.
    pub(crate) async fn admit(
        &self,
        store: &Store,
        client: Option<u32>,
        limits: AdmissionSettings,
    ) -> Result<Result<(), Refused>, StoreError> {
        if let Some(verdict) = self.remembered(client, limits, Instant::now()) {
            return Ok(verdict);
        }
        let _turn = self.looking.lock().await;
        if let Some(verdict) = self.remembered(client, limits, Instant::now()) {
            return Ok(verdict);
        }
        let length = store.queue_length(client).await?;
        self.learn(client, length, Instant::now());
        let verdict = self.remembered(client, limits, Instant::now());
        Ok(verdict.unwrap_or(Ok(())))
    }

    /// The verdict, where what is known is fresh enough for one.
    fn remembered(
        &self,
        client: Option<u32>,
        limits: AdmissionSettings,
        now: Instant,
    ) -> Option<Result<(), Refused>> {
        let mut known = self.locked();
        let counted = known.get_mut(&client)?;
        let age = now.saturating_duration_since(counted.at);
        let refused = refused(counted.length, limits);
        let limit = if refused.is_some() { FULL_FRESH } else { FRESH };
        if age > limit {
            return None;
        }
        if let Some(refused) = refused {
            return Some(Err(refused));
        }
        // Other clients' counts learn of it at their next look.
        counted.length.all += 1;
        counted.length.of_client += 1;
        Some(Ok(()))
    }

    fn learn(&self, client: Option<u32>, length: QueueLength, now: Instant) {
        let mut known = self.locked();
        if known.len() >= CLIENTS_MAX {
            known.retain(|_, counted| now.saturating_duration_since(counted.at) <= FRESH);
        }
        if known.len() >= CLIENTS_MAX {
            known.clear();
        }
        known.insert(client, Counted { length, at: now });
    }

    fn locked(&self) -> MutexGuard<'_, HashMap<Option<u32>, Counted>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn refused(length: QueueLength, limits: AdmissionSettings) -> Option<Refused> {
    if length.all >= limits.max_queued_plans {
        return Some(Refused::QueueFull { waiting: length.all });
    }
    let full = length.of_client >= limits.max_queued_plans_per_client;
    full.then_some(Refused::ClientFull { waiting: length.of_client })
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: AdmissionSettings =
        AdmissionSettings { max_queued_plans: 5, max_queued_plans_per_client: 3 };

    #[test]
    fn what_was_let_in_counts_and_old_counts_do_not() {
        let admission = Admission::default();
        let now = Instant::now();
        let ask = |client, at| admission.remembered(client, LIMITS, at);
        assert_eq!(ask(Some(1), now), None, "nothing is known yet");
        admission.learn(Some(1), QueueLength { all: 2, of_client: 1 }, now);
        assert_eq!(ask(Some(1), now), Some(Ok(())));
        assert_eq!(ask(Some(1), now), Some(Ok(())));
        assert_eq!(ask(Some(1), now), Some(Err(Refused::ClientFull { waiting: 3 })));
        admission.learn(Some(2), QueueLength { all: 5, of_client: 0 }, now);
        assert_eq!(ask(Some(2), now), Some(Err(Refused::QueueFull { waiting: 5 })));
        assert_eq!(ask(Some(2), now + FULL_FRESH * 2), None, "there may be room again");
        admission.learn(Some(3), QueueLength { all: 0, of_client: 0 }, now);
        assert_eq!(ask(Some(3), now + FRESH * 2), None);
    }

    #[tokio::test]
    async fn a_full_queue_refuses_without_a_look() {
        let admission = Admission::default();
        let learn = |all, age: Duration| {
            let at = Instant::now().checked_sub(age).unwrap();
            admission.learn(Some(1), QueueLength { all, of_client: 1 }, at);
        };
        let full = |look_is_due| {
            Some(Standing { refused: Refused::QueueFull { waiting: 5 }, look_is_due })
        };
        let ask = || admission.refuses(Some(1), LIMITS);
        assert_eq!(ask(), None, "nothing is known");
        learn(5, Duration::ZERO);
        assert_eq!(ask(), full(false));
        learn(5, FULL_FRESH * 2);
        assert_eq!(ask(), full(true));
        learn(5, FRESH * 2);
        assert_eq!(ask(), None, "too old to refuse anybody for");
        let turn = admission.looking.lock().await;
        assert_eq!(ask(), full(false), "unless a look is under way");
        learn(5, FULL_STALE * 2);
        assert_eq!(ask(), None);
        learn(4, Duration::ZERO);
        assert_eq!(ask(), None, "there is room");
        drop(turn);
    }

    #[test]
    fn the_memory_is_bounded() {
        let admission = Admission::default();
        let now = Instant::now();
        for client in 0..3_000 {
            admission.learn(Some(client), QueueLength { all: 0, of_client: 0 }, now);
        }
        assert!(admission.locked().len() <= CLIENTS_MAX);
    }
}
