//! Coalescing: identical requests under way share one call upstream.
//!
//! All callers hold the same shared future and any of them drives it, so it doesn't matter who
//! came first or leaves early; when the last one leaves, it is dropped, and with it the call.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, Weak,
        atomic::{AtomicU64, Ordering},
    },
};

use futures_util::{
    FutureExt,
    future::{BoxFuture, Shared, WeakShared},
};

use crate::{
    endpoint::{endpoint_queue::CallPriority, key::CacheKey},
    failure::Failure,
    locked,
    tasks::Reply,
};

/// How a flight ends.
pub(crate) type Outcome = Result<Arc<Reply>, Arc<Failure>>;

pub(crate) type SingleFlight = Shared<BoxFuture<'static, Outcome>>;

/// One endpoint's flights are its own: another endpoint's failure says nothing about this one.
pub(crate) type FlightKey = (usize, CacheKey);

struct Entry {
    number: u64,
    flight: WeakShared<BoxFuture<'static, Outcome>>,
    terms: Arc<CallPriority>,
}

type Board = Mutex<HashMap<FlightKey, Entry>>;

/// The flights under way.
#[derive(Default)]
pub(crate) struct Flights {
    join: Arc<Board>,
    last_number: AtomicU64,
}

/// What a caller gets to wait for.
pub(crate) enum Boarding {
    /// A call that was under way, and its terms.
    Joined(SingleFlight, Arc<CallPriority>),
    /// A new one.
    Started(SingleFlight),
    /// It has just landed.
    Landed(Arc<Reply>),
}

impl Flights {
    /// Joins the flight of `key`, or starts one with `call`. `landed` looks the reply up once
    /// more where no flight is found: one may have landed since the caller looked.
    pub(crate) fn join(
        &self,
        key: FlightKey,
        terms: CallPriority,
        landed: impl FnOnce() -> Option<Arc<Reply>>,
        call: impl FnOnce(Arc<CallPriority>) -> BoxFuture<'static, Outcome>,
    ) -> Boarding {
        let mut join = locked(&self.join);
        if let Some(entry) = join.get(&key)
            && let Some(flight) = entry.flight.upgrade()
        {
            let terms = Arc::clone(&entry.terms);
            return Boarding::Joined(flight, terms);
        }
        if let Some(reply) = landed() {
            return Boarding::Landed(reply);
        }
        let number = self.last_number.fetch_add(1, Ordering::Relaxed);
        let terms = Arc::new(terms);
        let leave = OffBoard { join: Arc::downgrade(&self.join), key, number };
        let call = call(Arc::clone(&terms));
        let flight = async move {
            // Dropped at the end and with the future: the entry never outlives the flight.
            let _leave = leave;
            call.await
        };
        let flight = flight.boxed().shared();
        if let Some(weak) = flight.downgrade() {
            join.insert(key, Entry { number, flight: weak, terms });
        }
        Boarding::Started(flight)
    }

    pub(crate) fn under_way(&self) -> usize {
        locked(&self.join).len()
    }
}

struct OffBoard {
    join: Weak<Board>,
    key: FlightKey,
    number: u64,
}

impl Drop for OffBoard {
    fn drop(&mut self) {
        let Some(join) = self.join.upgrade() else { return };
        let mut join = locked(&join);
        if join.get(&self.key).is_some_and(|entry| entry.number == self.number) {
            join.remove(&self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use tokio::sync::oneshot;

    use super::*;
    use crate::tasks::Priority;

    fn terms() -> CallPriority {
        CallPriority::new(Priority::Interactive, Instant::now())
    }

    #[tokio::test]
    async fn callers_share_a_flight_whoever_leaves() {
        let flights = Flights::default();
        let key = (0, CacheKey([7; 32]));
        let (land, landing) = oneshot::channel::<Outcome>();
        let Boarding::Started(first) =
            flights.join(key, terms(), || None, |_| async { landing.await.unwrap() }.boxed())
        else {
            panic!("nothing was under way")
        };
        let mut first = Box::pin(first);
        assert!((&mut first).now_or_never().is_none());
        let Boarding::Joined(second, _) =
            flights.join(key, terms(), || None, |_| panic!("a second call"))
        else {
            panic!("not joined")
        };
        let second = tokio::spawn(second);
        drop(first);
        land.send(Ok(Arc::new(Reply::Shares(None)))).unwrap();
        assert!(second.await.unwrap().is_ok());
        assert_eq!(flights.under_way(), 0);
    }

    #[tokio::test]
    async fn the_last_caller_takes_the_call_along() {
        let flights = Flights::default();
        let key = (0, CacheKey([7; 32]));
        let (land, landing) = oneshot::channel::<Outcome>();
        let boarding =
            flights.join(key, terms(), || None, |_| async { landing.await.unwrap() }.boxed());
        let Boarding::Started(flight) = boarding else { panic!() };
        let twin = flight.clone();
        drop(flight);
        assert!(!land.is_closed());
        drop(twin);
        assert!(land.is_closed(), "the call upstream is dropped");
        assert_eq!(flights.under_way(), 0);
        let reply = Arc::new(Reply::Shares(None));
        let boarding = flights.join(key, terms(), || Some(reply), |_| panic!("a call"));
        assert!(matches!(boarding, Boarding::Landed(_)));
    }
}
