//! A circuit breaker: leaves an ill server alone for a while. Pure: the time is an argument.
//!
//! Closed → open after N failures in a row; open → half-open once its time is over; half-open
//! lets single probes through: one good reply closes it, one failure opens it again.

use std::time::{Duration, Instant};

use crate::failure::Blame;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Closed {
        failures: u32,
    },
    /// `absent`: what opened it was that no connection came about.
    Open {
        until: Instant,
        absent: bool,
    },
    HalfOpen {
        probing: bool,
    },
}

/// How the breaker stands, for status and metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BreakerState {
    Closed,
    Open,
    HalfOpen,
}

impl BreakerState {
    pub const ALL: [Self; 3] = [Self::Closed, Self::Open, Self::HalfOpen];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half_open",
        }
    }
}

/// The right to one call; give it back with [`Breaker::record`].
#[derive(Debug)]
pub(crate) struct Pass {
    /// A pass of an earlier state tells nothing about this one.
    generation: u64,
}

#[derive(Debug)]
pub(crate) struct Breaker {
    threshold: u32,
    open_for: Duration,
    state: State,
    /// Counts the changes of state.
    generation: u64,
}

impl Breaker {
    /// Opens after `threshold` (at least 1) failures in a row, for `open_for`.
    pub(crate) fn new(threshold: u32, open_for: Duration) -> Self {
        let state = State::Closed { failures: 0 };
        Self { threshold: threshold.max(1), open_for, state, generation: 0 }
    }

    /// Asks to call the server.
    ///
    /// # Errors
    /// The instant from which asking again makes sense.
    pub(crate) fn admit(&mut self, now: Instant) -> Result<Pass, Instant> {
        if let State::Open { until, .. } = self.state {
            if now < until {
                return Err(until);
            }
            self.change(State::HalfOpen { probing: false });
        }
        match &mut self.state {
            State::HalfOpen { probing: true } => return Err(now),
            State::HalfOpen { probing } => *probing = true,
            State::Closed { .. } | State::Open { .. } => {}
        }
        Ok(Pass { generation: self.generation })
    }

    /// Whether [`Self::admit`] would refuse.
    pub(crate) fn is_shut(&self, now: Instant) -> bool {
        match self.state {
            State::Closed { .. } => false,
            State::Open { until, .. } => now < until,
            State::HalfOpen { probing } => probing,
        }
    }

    /// Tells how a call ended: `None` for a good reply. Returns the new state where it changed.
    pub(crate) fn record(
        &mut self,
        pass: Pass,
        end: Option<Blame>,
        now: Instant,
    ) -> Option<BreakerState> {
        if pass.generation != self.generation {
            return None;
        }
        let before = self.view();
        match (self.state, end) {
            // A model that talks nonsense is still a server that answers.
            (State::Closed { .. }, None | Some(Blame::Reply)) => {
                self.state = State::Closed { failures: 0 };
            }
            (State::Closed { failures }, Some(blame @ (Blame::Server | Blame::Absence))) => {
                if failures + 1 >= self.threshold {
                    self.open(blame, now);
                } else {
                    self.state = State::Closed { failures: failures + 1 };
                }
            }
            (State::HalfOpen { .. }, None | Some(Blame::Reply)) => {
                self.change(State::Closed { failures: 0 });
            }
            (State::HalfOpen { .. }, Some(blame @ (Blame::Server | Blame::Absence))) => {
                self.open(blame, now);
            }
            (State::HalfOpen { .. }, Some(Blame::Nobody)) => {
                self.state = State::HalfOpen { probing: false };
            }
            (State::Closed { .. }, Some(Blame::Nobody)) | (State::Open { .. }, _) => {}
        }
        (self.view() != before).then(|| self.view())
    }

    /// A health check got an answer: a breaker that opened since there was no server lets a probe
    /// through at once. A server that answers such checks but fails its calls is left alone.
    pub(crate) fn seen_alive(&mut self) {
        if matches!(self.state, State::Open { absent: true, .. }) {
            self.change(State::HalfOpen { probing: false });
        }
    }

    pub(crate) const fn view(&self) -> BreakerState {
        match self.state {
            State::Closed { .. } => BreakerState::Closed,
            State::Open { .. } => BreakerState::Open,
            State::HalfOpen { .. } => BreakerState::HalfOpen,
        }
    }

    fn open(&mut self, blame: Blame, now: Instant) {
        let until = now + self.open_for;
        self.change(State::Open { until, absent: blame == Blame::Absence });
    }

    fn change(&mut self, state: State) {
        self.state = state;
        self.generation += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPEN: Duration = Duration::from_secs(30);

    fn fail(breaker: &mut Breaker, now: Instant) -> Option<BreakerState> {
        let pass = breaker.admit(now).unwrap();
        breaker.record(pass, Some(Blame::Server), now)
    }

    #[test]
    fn opens_after_failures_in_a_row_and_closes_by_a_probe() {
        let now = Instant::now();
        let mut breaker = Breaker::new(3, OPEN);
        assert_eq!(fail(&mut breaker, now), None);
        assert_eq!(fail(&mut breaker, now), None);
        let pass = breaker.admit(now).unwrap();
        breaker.record(pass, None, now);
        assert_eq!(fail(&mut breaker, now), None, "a success starts the count again");
        assert_eq!(fail(&mut breaker, now), None);
        assert_eq!(fail(&mut breaker, now), Some(BreakerState::Open));
        assert_eq!(breaker.admit(now).unwrap_err(), now + OPEN);

        let later = now + OPEN;
        let probe = breaker.admit(later).unwrap();
        assert_eq!(breaker.view(), BreakerState::HalfOpen);
        assert!(breaker.admit(later).is_err(), "one probe at a time");
        assert_eq!(breaker.record(probe, Some(Blame::Server), later), Some(BreakerState::Open));
        let again = later + OPEN;
        let probe = breaker.admit(again).unwrap();
        assert_eq!(breaker.record(probe, None, again), Some(BreakerState::Closed));
    }

    #[test]
    fn client_errors_and_left_callers_do_not_count_and_free_the_probe() {
        let now = Instant::now();
        let mut breaker = Breaker::new(1, OPEN);
        for _ in 0..10 {
            let pass = breaker.admit(now).unwrap();
            assert_eq!(breaker.record(pass, Some(Blame::Nobody), now), None);
        }
        fail(&mut breaker, now);
        let later = now + OPEN;
        let probe = breaker.admit(later).unwrap();
        breaker.record(probe, Some(Blame::Nobody), later);
        assert!(breaker.admit(later).is_ok(), "the next caller probes");
    }

    #[test]
    fn an_old_call_says_nothing_about_a_new_state() {
        let now = Instant::now();
        let mut breaker = Breaker::new(1, OPEN);
        let old = breaker.admit(now).unwrap();
        fail(&mut breaker, now);
        breaker.record(old, None, now);
        breaker.seen_alive();
        assert_eq!(breaker.view(), BreakerState::Open, "a server that answers can still be ill");

        let mut breaker = Breaker::new(1, OPEN);
        let pass = breaker.admit(now).unwrap();
        breaker.record(pass, Some(Blame::Absence), now);
        assert_eq!(breaker.view(), BreakerState::Open);
        breaker.seen_alive();
        assert!(breaker.admit(now).is_ok(), "a server that is back gets a probe");
    }
}
