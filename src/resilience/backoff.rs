//! Exponential backoff: waits between tries that double up to a maximum.

use std::time::{Duration, Instant};

/// The waits between the tries of one thing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Backoff {
    /// Before the first retry; each further wait is twice as long.
    pub first: Duration,
    pub max: Duration,
    /// The share of a wait, from 0 to 1, of which a random part is left out, so that those who
    /// failed together don't come back in step.
    pub jitter: f64,
}

impl Backoff {
    /// The wait before retry number `retry`; 0 is the first. `draw` gives a number from 0 (the
    /// shortest wait) to 1 (the longest); without jitter it isn't called.
    pub fn wait(&self, retry: u32, draw: impl FnOnce() -> f64) -> Duration {
        let full = self.first.saturating_mul(1 << retry.min(31)).min(self.max);
        if self.jitter <= 0.0 {
            return full;
        }
        full.mul_f64((1.0 - self.jitter * (1.0 - draw())).clamp(0.0, 1.0))
    }

    /// The waits from the first one on.
    pub fn waits(self) -> Waits {
        Waits { backoff: self, retry: 0 }
    }
}

/// The waits of one loop. Each is taken once.
#[derive(Clone, Copy, Debug)]
pub struct Waits {
    backoff: Backoff,
    retry: u32,
}

impl Waits {
    /// How long to wait this time.
    pub fn next_wait(&mut self) -> Duration {
        let wait = self.backoff.wait(self.retry, rand::random);
        self.retry = self.retry.saturating_add(1);
        wait
    }

    /// Waits.
    pub async fn pause(&mut self) {
        tokio::time::sleep(self.next_wait()).await;
    }

    /// Waits; false, and at once, where the deadline has passed.
    pub async fn pause_before(&mut self, deadline: Instant) -> bool {
        if Instant::now() >= deadline {
            return false;
        }
        self.pause().await;
        true
    }

    /// Something succeeded: the next wait is the first one again.
    pub fn restart(&mut self) {
        self.retry = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    const EVEN: Backoff = Backoff { first: ms(50), max: ms(300), jitter: 0.0 };

    #[test]
    fn waits_double_up_to_the_maximum_and_start_over() {
        let mut waits = EVEN.waits();
        assert_eq!([0; 5].map(|_| waits.next_wait()), [50, 100, 200, 300, 300].map(ms));
        waits.restart();
        assert_eq!(waits.next_wait(), ms(50));
        assert_eq!(EVEN.wait(u32::MAX, || panic!("there is no jitter")), ms(300));
        let long = Backoff { first: Duration::MAX, max: Duration::MAX, jitter: 0.0 };
        assert_eq!(long.wait(31, || 1.0), Duration::MAX);
    }

    #[test]
    fn jitter_leaves_out_a_part_of_its_share() {
        let backoff = Backoff { jitter: 0.5, ..EVEN };
        for (retry, full) in [(0, ms(50)), (2, ms(200)), (9, ms(300))] {
            assert_eq!(backoff.wait(retry, || 0.0), full / 2);
            assert_eq!(backoff.wait(retry, || 1.0), full);
        }
        let mut waits = backoff.waits();
        for retry in 0..40 {
            let full = EVEN.wait(retry, || 1.0);
            let wait = waits.next_wait();
            assert!(wait >= full / 2 && wait <= full, "{retry}: {wait:?}");
        }
    }

    #[tokio::test]
    async fn a_passed_deadline_is_told_without_a_wait() {
        let mut waits = Backoff { first: ms(1), max: ms(1), jitter: 0.0 }.waits();
        let deadline = Instant::now() + ms(5);
        while waits.pause_before(deadline).await {}
        assert!(Instant::now() >= deadline);
        let mut hour = Backoff { first: ms(3_600_000), ..EVEN }.waits();
        assert!(!hour.pause_before(deadline).await);
    }
}
