//! Admission: at most `parallel` requests go to a server at once; the rest wait in a bounded line,
//! interactive before background, or are refused at once where they would come too late.
//!
//! Servers queue without bounds and batch only what they run at once, so the line stands here.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::sync::oneshot;

use crate::{failure::FailureKind, locked, tasks::Priority};

/// Weight of the newest service time in the running mean: the last ten or so count.
const NEWEST: f64 = 0.2;

/// Estimates of waits are taken this much longer: work that is admitted and then comes too late
/// is lost twice, for its caller and for the one refused in its place.
const CAUTION: f64 = 1.25;

/// Who waits, by when, for what. Shared by all callers of one coalesced request.
#[derive(Debug)]
pub(crate) struct CallPriority {
    wish: Mutex<(Priority, Instant)>,
    /// Place in the line; 0: none.
    place: AtomicU64,
}

impl CallPriority {
    pub(crate) fn new(priority: Priority, deadline: Instant) -> Self {
        Self { wish: Mutex::new((priority, deadline)), place: AtomicU64::new(0) }
    }

    pub(crate) fn get(&self) -> (Priority, Instant) {
        *locked(&self.wish)
    }

    /// Another caller joins: the more urgent priority and the later deadline hold.
    fn widen(&self, priority: Priority, deadline: Instant) {
        let mut wish = locked(&self.wish);
        wish.0 = wish.0.min(priority);
        wish.1 = wish.1.max(deadline);
    }
}

/// What the line says to a newcomer.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    Go,
    Wait,
    Refuse(FailureKind),
}

/// The state behind a queue.
#[derive(Debug)]
struct Line {
    parallel: usize,
    queue_max: usize,
    busy: usize,
    waiting: BTreeMap<(Priority, u64), oneshot::Sender<Permit>>,
    last_place: u64,
    /// Running mean of service times in seconds; 0 before the first.
    service_seconds: f64,
}

impl Line {
    /// Whether a request of this priority can be served until `deadline`. Work ahead is estimated
    /// as waiting places over parallelism times the mean service time.
    fn judge(&self, priority: Priority, deadline: Instant, now: Instant) -> Verdict {
        if now >= deadline {
            return Verdict::Refuse(FailureKind::TooLate);
        }
        if self.busy < self.parallel {
            return Verdict::Go;
        }
        let ahead = match priority {
            Priority::Interactive => self.waiting.range(..(Priority::Background, 0)).count(),
            Priority::Background => self.waiting.len(),
        };
        let full = self.waiting.len() >= self.queue_max;
        let may_displace = priority == Priority::Interactive && ahead < self.waiting.len();
        if full && !may_displace {
            return Verdict::Refuse(FailureKind::QueueFull);
        }
        let turns = (ahead + 1) as f64 / self.parallel as f64 + 1.0;
        if self.is_late(turns * CAUTION, deadline, now) {
            return Verdict::Refuse(FailureKind::TooLate);
        }
        Verdict::Wait
    }

    /// Whether `turns` service times from now are past the deadline.
    fn is_late(&self, turns: f64, deadline: Instant, now: Instant) -> bool {
        let done = now.checked_add(Duration::from_secs_f64(turns * self.service_seconds));
        done.is_none_or(|done| done > deadline)
    }

    /// Learns from a request that held its permit for `held`. A failure counts only where it
    /// took longer than usual: a refused connection says nothing about the next service time.
    fn learn(&mut self, held: Duration, served: bool) {
        let seconds = held.as_secs_f64().min(3_600.0);
        if self.service_seconds == 0.0 {
            self.service_seconds = if served { seconds } else { 0.0 };
        } else if served || seconds > self.service_seconds {
            self.service_seconds += NEWEST * (seconds - self.service_seconds);
        }
    }
}

/// The queue of one endpoint.
#[derive(Clone, Debug)]
pub(crate) struct EndpointQueue(Arc<Mutex<Line>>);

/// How full a queue is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Occupancy {
    pub busy: usize,
    pub queued: usize,
}

impl EndpointQueue {
    /// `parallel` (at least 1) requests at once, `queue_max` waiting.
    pub(crate) fn new(parallel: usize, queue_max: usize) -> Self {
        Self(Arc::new(Mutex::new(Line {
            parallel: parallel.max(1),
            queue_max,
            busy: 0,
            waiting: BTreeMap::new(),
            last_place: 0,
            service_seconds: 0.0,
        })))
    }

    /// Waits for a turn. Dropping the future leaves the line.
    ///
    /// # Errors
    /// `QueueFull`, or `TooLate` where the turn would come after the deadline.
    pub(crate) async fn admit(&self, call: &CallPriority) -> Result<Permit, FailureKind> {
        let (turn, place) = {
            let mut line = locked(&self.0);
            let (priority, deadline) = call.get();
            match line.judge(priority, deadline, Instant::now()) {
                Verdict::Refuse(kind) => return Err(kind),
                Verdict::Go => {
                    line.busy += 1;
                    drop(line);
                    return Ok(Permit::taken(&self.0).started());
                }
                Verdict::Wait => {}
            }
            let displaced =
                (line.waiting.len() >= line.queue_max).then(|| line.waiting.pop_last()).flatten();
            line.last_place += 1;
            let place = line.last_place;
            let (give, turn) = oneshot::channel();
            line.waiting.insert((priority, place), give);
            call.place.store(place, Ordering::Relaxed);
            drop(line);
            drop(displaced);
            (turn, place)
        };
        let _leave = Leave { line: &self.0, place, call };
        let permit = turn.await.map_err(|_| FailureKind::QueueFull)?;
        // A turn that came later than estimated goes on to somebody who can still use it.
        let (_, deadline) = call.get();
        if locked(&self.0).is_late(1.0, deadline, Instant::now()) {
            return Err(FailureKind::TooLate);
        }
        Ok(permit.started())
    }

    /// A further caller wants the same: it may be more urgent, or wait longer.
    pub(crate) fn join(&self, call: &CallPriority, priority: Priority, deadline: Instant) {
        call.widen(priority, deadline);
        let place = call.place.load(Ordering::Relaxed);
        if priority == Priority::Interactive && place > 0 {
            let mut line = locked(&self.0);
            if let Some(turn) = line.waiting.remove(&(Priority::Background, place)) {
                line.waiting.insert((Priority::Interactive, place), turn);
            }
        }
    }

    pub(crate) fn occupancy(&self) -> Occupancy {
        let line = locked(&self.0);
        Occupancy { busy: line.busy, queued: line.waiting.len() }
    }
}

/// Takes a waiter out of the line, also when its future is dropped.
struct Leave<'a> {
    line: &'a Mutex<Line>,
    place: u64,
    call: &'a CallPriority,
}

impl Drop for Leave<'_> {
    fn drop(&mut self) {
        self.call.place.store(0, Ordering::Relaxed);
        let mut line = locked(self.line);
        let left = [Priority::Interactive, Priority::Background]
            .map(|priority| line.waiting.remove(&(priority, self.place)));
        drop(line);
        drop(left);
    }
}

/// The right to one request upstream; passes to the next in line when dropped.
#[derive(Debug)]
pub(crate) struct Permit {
    line: Arc<Mutex<Line>>,
    since: Option<Instant>,
    served: bool,
}

impl Permit {
    fn taken(line: &Arc<Mutex<Line>>) -> Self {
        Self { line: Arc::clone(line), since: None, served: false }
    }

    fn started(mut self) -> Self {
        self.since = Some(Instant::now());
        self
    }

    /// The request was served: its time counts for the estimates.
    pub(crate) fn served(mut self) {
        self.served = true;
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let next = {
            let mut line = locked(&self.line);
            if let Some(since) = self.since {
                line.learn(since.elapsed(), self.served);
            }
            let next = line.waiting.pop_first();
            if next.is_none() {
                line.busy -= 1;
            }
            next
        };
        if let Some((_, turn)) = next {
            // A waiter that just left hands its permit on by dropping it.
            let _ = turn.send(Self::taken(&self.line));
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    fn line(parallel: usize, queue_max: usize, service_seconds: f64) -> Line {
        Line {
            parallel,
            queue_max,
            busy: parallel,
            waiting: BTreeMap::new(),
            last_place: 0,
            service_seconds,
        }
    }

    fn wait(line: &mut Line, priority: Priority, places: u64) {
        for _ in 0..places {
            line.last_place += 1;
            line.waiting.insert((priority, line.last_place), oneshot::channel().0);
        }
    }

    #[test]
    fn a_request_that_comes_too_late_is_refused_at_once() {
        let now = Instant::now();
        let within = |seconds| now + Duration::from_secs(seconds);
        let mut line = line(2, 10, 3.0);
        let background = Priority::Background;
        assert_eq!(line.judge(background, within(6), now), Verdict::Wait);
        assert_eq!(line.judge(background, within(5), now), Verdict::Refuse(FailureKind::TooLate));
        wait(&mut line, background, 4);
        // Five turns over two places at 3 s each, then 3 s of its own, with caution: 13.1 s.
        assert_eq!(line.judge(background, within(14), now), Verdict::Wait);
        assert_eq!(line.judge(background, within(13), now), Verdict::Refuse(FailureKind::TooLate));
        assert_eq!(line.judge(Priority::Interactive, within(6), now), Verdict::Wait);
        wait(&mut line, background, 6);
        assert_eq!(
            line.judge(background, within(99), now),
            Verdict::Refuse(FailureKind::QueueFull)
        );
        assert_eq!(line.judge(Priority::Interactive, within(6), now), Verdict::Wait, "displaces");
        line.busy = 1;
        assert_eq!(line.judge(background, within(1), now), Verdict::Go);
        assert_eq!(line.judge(background, now, now), Verdict::Refuse(FailureKind::TooLate));
    }

    #[test]
    fn quick_failures_teach_nothing() {
        let mut line = line(1, 1, 0.0);
        line.learn(Duration::from_millis(1), false);
        line.learn(Duration::from_secs(2), true);
        line.learn(Duration::from_millis(1), false);
        assert!((line.service_seconds - 2.0).abs() < 1e-9);
        line.learn(Duration::from_secs(12), false);
        assert!((line.service_seconds - 4.0).abs() < 1e-9, "a slow one does");
    }

    #[tokio::test]
    async fn turns_go_by_priority_and_leavers_lose_nothing() {
        let queue = EndpointQueue::new(1, 3);
        let far = Instant::now() + Duration::from_secs(60);
        let call = |priority| CallPriority::new(priority, far);
        let first = queue.admit(&call(Priority::Background)).await.unwrap();

        let (slow, left, soon) =
            (call(Priority::Background), call(Priority::Background), call(Priority::Background));
        let mut slow_turn = Box::pin(queue.admit(&slow));
        let mut left_turn = Box::pin(queue.admit(&left));
        let mut soon_turn = Box::pin(queue.admit(&soon));
        for turn in [&mut slow_turn, &mut left_turn, &mut soon_turn] {
            assert!(turn.now_or_never().is_none());
        }
        assert_eq!(queue.occupancy(), Occupancy { busy: 1, queued: 3 });
        assert_eq!(
            queue.admit(&call(Priority::Background)).await.unwrap_err(),
            FailureKind::QueueFull
        );
        drop(left_turn);
        queue.join(&soon, Priority::Interactive, far);
        drop(first);
        let permit = soon_turn.await.unwrap();
        assert!((&mut slow_turn).now_or_never().is_none());
        // The turn is given while its taker leaves: it must pass on.
        let gone = call(Priority::Interactive);
        let mut gone_turn = Box::pin(queue.admit(&gone));
        assert!((&mut gone_turn).now_or_never().is_none());
        drop(permit);
        drop(gone_turn);
        drop(slow_turn.await.unwrap());
        assert_eq!(queue.occupancy(), Occupancy::default());
    }
}
