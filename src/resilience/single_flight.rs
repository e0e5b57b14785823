//! Single flight: whoever asks for what is under way already shares that call.
//!
//! All callers hold the same shared future and any of them drives it, so it doesn't matter who
//! came first or leaves early; when the last one leaves, it is dropped, and with it the call.

use std::{collections::HashMap, hash::Hash};

use futures_util::{
    FutureExt,
    future::{BoxFuture, Shared, WeakShared},
};

/// A call under way.
pub type Flight<T> = Shared<BoxFuture<'static, T>>;

/// The calls under way, by what they answer. `N`: what is noted of a key beside its call.
///
/// It has no lock of its own: its owner decides under one and the same lock whether an answer is
/// remembered, a call is under way, or a new one is to start. Weakly: a call that nobody waits for
/// any more ends at once.
pub struct SingleFlight<K, T: Clone, N> {
    calls: HashMap<K, Call<T, N>>,
    /// Calls so far: each has its number.
    started: u64,
}

struct Call<T: Clone, N> {
    number: u64,
    flight: WeakShared<BoxFuture<'static, T>>,
    note: N,
}

/// Names a call that is over, with the keys that it answered.
pub struct Landed<K> {
    number: u64,
    keys: Vec<K>,
}

impl<K, T: Clone, N> Default for SingleFlight<K, T, N> {
    fn default() -> Self {
        Self { calls: HashMap::new(), started: 0 }
    }
}

impl<K, T, N> SingleFlight<K, T, N>
where
    K: Clone + Eq + Hash + Send + 'static,
    T: Clone + Send + Sync + 'static,
{
    /// The call under way that answers `key`, and what is noted of it, where that will do.
    pub fn join(&self, key: &K, will_do: impl FnOnce(&N) -> bool) -> Option<(Flight<T>, &N)> {
        // What won't do is never held: to let it go here might be to be the last.
        let call = self.calls.get(key).filter(|call| will_do(&call.note))?;
        Some((call.flight.upgrade()?, &call.note))
    }

    /// Starts a call that answers `keys`, in place of those that answered them before. `over` is
    /// called when it has ended or was left by all, and is to hand what it gets to [`Self::land`]:
    /// so the last holder of a flight must not drop it under the owner's lock.
    pub fn start(
        &mut self,
        keys: Vec<(K, N)>,
        call: impl Future<Output = T> + Send + 'static,
        over: impl FnOnce(Landed<K>) + Send + 'static,
    ) -> Flight<T> {
        self.started += 1;
        let number = self.started;
        let landed = Landed { number, keys: keys.iter().map(|(key, _)| key.clone()).collect() };
        let over = OnDrop(Some(move || over(landed)));
        let call = async move {
            // Dropped at the end and with the future: no entry outlives its call.
            let _over = over;
            call.await
        };
        let flight = call.boxed().shared();
        if let Some(weak) = flight.downgrade() {
            let entries = keys.into_iter().map(|(key, note)| {
                let call = Call { number, flight: weak.clone(), note };
                (key, call)
            });
            self.calls.extend(entries);
        }
        flight
    }

    /// Forgets a call that is over, where no later one has taken its place.
    pub fn land(&mut self, landed: &Landed<K>) {
        for key in &landed.keys {
            if self.calls.get(key).is_some_and(|call| call.number == landed.number) {
                self.calls.remove(key);
            }
        }
    }

    /// Keys that a call is under way for.
    pub fn len(&self) -> usize {
        self.calls.len()
    }

    pub fn is_empty(&self) -> bool {
        self.calls.is_empty()
    }
}

struct OnDrop<F: FnOnce()>(Option<F>);

impl<F: FnOnce()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        if let Some(act) = self.0.take() {
            act();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use tokio::sync::oneshot;

    use super::*;

    type Flights = Arc<Mutex<SingleFlight<&'static str, u32, ()>>>;

    /// A call for these keys that ends with what the sender sends.
    fn start(flights: &Flights, keys: &[&'static str]) -> (Flight<u32>, oneshot::Sender<u32>) {
        let (land, landing) = oneshot::channel();
        let call = async { landing.await.unwrap_or_default() };
        let board = flights.clone();
        let over = move |landed| board.lock().unwrap().land(&landed);
        let keys = keys.iter().map(|key| (*key, ())).collect();
        (flights.lock().unwrap().start(keys, call, over), land)
    }

    fn join(flights: &Flights, key: &'static str) -> Option<Flight<u32>> {
        flights.lock().unwrap().join(&key, |()| true).map(|(flight, ())| flight)
    }

    #[tokio::test]
    async fn callers_share_a_flight_whoever_leaves() {
        let flights = Flights::default();
        let (mut first, land) = start(&flights, &["a", "b"]);
        assert!((&mut first).now_or_never().is_none());
        let second = join(&flights, "b").expect("it is under way");
        assert!(join(&flights, "c").is_none());
        let second = tokio::spawn(second);
        drop(first);
        land.send(7).unwrap();
        assert_eq!(second.await.unwrap(), 7);
        assert!(flights.lock().unwrap().is_empty());
    }

    #[tokio::test]
    async fn the_last_caller_takes_the_call_along() {
        let flights = Flights::default();
        let (flight, land) = start(&flights, &["a"]);
        let twin = flight.clone();
        drop(flight);
        assert!(!land.is_closed());
        drop(twin);
        assert!(land.is_closed(), "the call is dropped");
        assert!(join(&flights, "a").is_none());
        assert_eq!(flights.lock().unwrap().len(), 0);
    }

    #[tokio::test]
    async fn a_call_that_was_replaced_leaves_its_successor_alone() {
        let flights = Flights::default();
        let (old, land_old) = start(&flights, &["a", "b"]);
        let (new, land_new) = start(&flights, &["a"]);
        land_old.send(1).unwrap();
        assert_eq!(old.await, 1);
        assert!(join(&flights, "b").is_none());
        let joined = join(&flights, "a").expect("the later one is under way");
        land_new.send(2).unwrap();
        assert_eq!((joined.await, new.await), (2, 2));
        assert!(flights.lock().unwrap().is_empty());
    }
}
