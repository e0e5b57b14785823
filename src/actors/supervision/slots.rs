//! Room for requests: a bounded number is under way at once, and the bound may change meanwhile.
//! tokio's semaphore can't shrink below what is taken without a task that waits for the rest, and
//! doesn't tell meanwhile how much is taken.

use std::sync::atomic::{AtomicUsize, Ordering};

/// Taken and given back by many threads. Whoever finds no room is told at once.
#[derive(Debug)]
pub(super) struct Slots {
    taken: AtomicUsize,
    capacity: AtomicUsize,
}

/// Room for one request, until it is dropped.
#[derive(Debug)]
pub(super) struct Slot<'s> {
    slots: &'s Slots,
}

impl Slots {
    pub(super) fn new(capacity: usize) -> Self {
        Self { taken: AtomicUsize::new(0), capacity: AtomicUsize::new(capacity) }
    }

    /// `None` where as many are taken as there may be.
    pub(super) fn take(&self) -> Option<Slot<'_>> {
        let capacity = self.capacity();
        let more = |taken| (taken < capacity).then_some(taken + 1);
        let taken = self.taken.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more);
        taken.is_ok().then(|| Slot { slots: self })
    }

    /// So many from now on. Those under way stay: fewer hold once enough were given back.
    pub(super) fn resize(&self, capacity: usize) {
        self.capacity.store(capacity, Ordering::Relaxed);
    }

    pub(super) fn taken(&self) -> usize {
        self.taken.load(Ordering::Relaxed)
    }

    pub(super) fn capacity(&self) -> usize {
        self.capacity.load(Ordering::Relaxed)
    }
}

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        self.slots.taken.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_and_fewer_hold_from_the_next_request_on() {
        let slots = Slots::new(1);
        let first = slots.take().unwrap();
        assert!(slots.take().is_none());
        slots.resize(2);
        let second = slots.take().unwrap();
        slots.resize(1);
        assert_eq!((slots.taken(), slots.capacity()), (2, 1));
        drop(first);
        assert!(slots.take().is_none(), "one is still held");
        drop(second);
        assert!(slots.take().is_some());
        assert_eq!(slots.taken(), 0);
    }
}
