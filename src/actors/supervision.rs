//! Keeps actors alive: a factory per actor, restarts with backoff within an intensity, escalation.
//!
//! actix's own supervisor does not restart an actor after a panic, and restarts it with its old
//! state and no limit after a stop. Here every generation is built anew by its factory, on a
//! thread of its own, so that a frozen actor can be left behind. Deaths are noticed at once by a
//! [`Lifeline`] that the actor owns; freezes by unanswered heartbeats. Callers go through a
//! [`Handle`], which admits a bounded number of requests and outlives the generations.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use actix::{Actor, Addr, Arbiter, Context, Handler, MailboxError, Message, dev::ToEnvelope};
use slog::{Logger, crit, debug, warn};
use tokio::sync::{Semaphore, mpsc, oneshot, watch};

use crate::{control::ActorStatus, telemetry::events};

/// When an actor is restarted, and when it is given up.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Policy {
    /// Requests admitted at once: waiting in the mailbox or under way.
    pub capacity: usize,
    /// Restarts within `window` beyond which the process is to end.
    pub max_restarts: usize,
    pub window: Duration,
    /// The first restart waits this long, each further one within `window` twice as long.
    pub backoff_min: Duration,
    pub backoff_max: Duration,
    pub heartbeat_every: Duration,
    /// An unanswered heartbeat of this age counts as a freeze.
    pub heartbeat_timeout: Duration,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            capacity: 256,
            max_restarts: 5,
            window: Duration::from_secs(10),
            backoff_min: Duration::from_millis(20),
            backoff_max: Duration::from_secs(1),
            heartbeat_every: Duration::from_secs(1),
            heartbeat_timeout: Duration::from_secs(10),
        }
    }
}

/// Asks an actor whether it still answers. Every supervised actor handles it with an empty body.
pub struct Heartbeat;

impl Message for Heartbeat {
    type Result = ();
}

/// Owned by an actor for its whole life; its drop tells the supervisor of the actor's end.
pub struct Lifeline {
    end: Option<oneshot::Sender<Death>>,
}

impl Drop for Lifeline {
    fn drop(&mut self) {
        let death = if std::thread::panicking() { Death::Panicked } else { Death::Stopped };
        if let Some(end) = self.end.take() {
            // The supervisor may be gone already, at the end of the process.
            let _ = end.send(death);
        }
    }
}

/// Why a generation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Death {
    Panicked,
    Stopped,
    Frozen,
}

impl Death {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Panicked => "panicked",
            Self::Stopped => "stopped",
            Self::Frozen => "frozen",
        }
    }
}

/// Why a request did not reach its actor, or lost it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AskError {
    #[error("{actor} is busy; try again in a moment")]
    Busy { actor: &'static str },
    #[error("{actor} is restarting; try again in a moment")]
    Restarting { actor: &'static str },
    #[error("{actor} failed while it worked on the request; try again")]
    Panicked { actor: &'static str },
}

/// How callers reach an actor, whichever generation is alive.
pub struct Handle<A: Actor> {
    shared: Arc<Shared<A>>,
}

impl<A: Actor> Clone for Handle<A> {
    fn clone(&self) -> Self {
        Self { shared: self.shared.clone() }
    }
}

struct Shared<A: Actor> {
    name: &'static str,
    capacity: usize,
    permits: Semaphore,
    refused: AtomicU64,
    address: watch::Receiver<Option<Addr<A>>>,
    restart_wait: Duration,
    life: Arc<Mutex<Life>>,
}

/// What `status` shows of an actor.
struct Life {
    generation: u64,
    restarts: u64,
    alive: bool,
    last_heartbeat: Instant,
}

impl<A: Actor> Handle<A> {
    /// Sends a request and waits for its answer.
    ///
    /// # Errors
    /// `Busy` at once when `capacity` requests are under way; `Restarting` when no generation
    /// came up within the longest backoff; `Panicked` when the actor died with the request.
    pub async fn ask<M, T, E>(&self, message: M) -> Result<T, E>
    where
        A: Handler<M>,
        A::Context: ToEnvelope<A, M>,
        M: Message<Result = Result<T, E>> + Send + 'static,
        T: Send + 'static,
        E: From<AskError> + Send + 'static,
    {
        let actor = self.shared.name;
        let _permit = self.shared.permits.try_acquire().map_err(|_| {
            self.shared.refused.fetch_add(1, Ordering::Relaxed);
            E::from(AskError::Busy { actor })
        })?;
        let address = self.address().await?;
        match address.send(message).await {
            Ok(answer) => answer,
            Err(MailboxError::Closed | MailboxError::Timeout) => {
                Err(AskError::Panicked { actor }.into())
            }
        }
    }

    pub fn status(&self) -> ActorStatus {
        let life = lock(&self.shared.life);
        let free = self.shared.permits.available_permits();
        let in_flight = self.shared.capacity.saturating_sub(free);
        ActorStatus {
            name: self.shared.name.to_owned(),
            state: if life.alive { "running" } else { "restarting" }.to_owned(),
            generation: life.generation,
            restarts: life.restarts,
            in_flight,
            capacity: self.shared.capacity,
            refused: self.shared.refused.load(Ordering::Relaxed),
            heartbeat_age_ms: life.last_heartbeat.elapsed().as_millis() as u64,
        }
    }

    /// The living generation's address, waiting out a restart.
    async fn address(&self) -> Result<Addr<A>, AskError> {
        let mut address = self.shared.address.clone();
        let actor = self.shared.name;
        let alive = tokio::time::timeout(
            self.shared.restart_wait,
            address.wait_for(|current| current.as_ref().is_some_and(Addr::connected)),
        );
        match alive.await {
            Ok(Ok(current)) => current.clone().ok_or(AskError::Restarting { actor }),
            _ => Err(AskError::Restarting { actor }),
        }
    }
}

/// Starts an actor and keeps it alive until the process ends or the actor is given up; then its
/// name goes to `escalate`, and the process is to end. Call it on the thread of the actix system.
pub fn supervise<A>(
    name: &'static str,
    policy: Policy,
    log: &Logger,
    escalate: mpsc::Sender<&'static str>,
    factory: impl Fn(Lifeline) -> A + Send + Sync + 'static,
) -> Handle<A>
where
    A: Actor<Context = Context<A>> + Handler<Heartbeat>,
{
    let (address_out, address) = watch::channel(None);
    let life = Life { generation: 0, restarts: 0, alive: false, last_heartbeat: Instant::now() };
    let life = Arc::new(Mutex::new(life));
    let keeper = Keeper {
        name,
        policy,
        log: log.new(slog::o!("actor" => name)),
        life: life.clone(),
        address: address_out,
        factory: Arc::new(factory),
    };
    actix::spawn(keeper.run(escalate));
    Handle {
        shared: Arc::new(Shared {
            name,
            capacity: policy.capacity,
            permits: Semaphore::new(policy.capacity),
            refused: AtomicU64::new(0),
            address,
            restart_wait: policy.backoff_max * 2,
            life,
        }),
    }
}

/// The supervisor's side of one actor.
struct Keeper<A: Actor, F> {
    name: &'static str,
    policy: Policy,
    log: Logger,
    life: Arc<Mutex<Life>>,
    address: watch::Sender<Option<Addr<A>>>,
    factory: Arc<F>,
}

impl<A, F> Keeper<A, F>
where
    A: Actor<Context = Context<A>> + Handler<Heartbeat>,
    F: Fn(Lifeline) -> A + Send + Sync + 'static,
{
    async fn run(self, escalate: mpsc::Sender<&'static str>) {
        let mut deaths = VecDeque::new();
        loop {
            let death = self.one_generation().await;
            let now = Instant::now();
            deaths.push_back(now);
            while deaths.front().is_some_and(|&at| now - at > self.policy.window) {
                deaths.pop_front();
            }
            if deaths.len() > self.policy.max_restarts {
                crit!(self.log, "an actor failed too often"; events::ACTOR_GAVE_UP,
                    "restarts" => deaths.len() - 1);
                // A full channel already holds a name, and one is enough to end the process.
                let _ = escalate.try_send(self.name);
                return;
            }
            let wait = self.backoff(deaths.len());
            warn!(self.log, "an actor {} and is made anew", death.as_str();
                events::ACTOR_RESTARTED, "restarts" => deaths.len(),
                "backoff_ms" => wait.as_millis() as u64);
            tokio::time::sleep(wait).await;
        }
    }

    /// Runs one generation to its end.
    async fn one_generation(&self) -> Death {
        let (end, mut ended) = oneshot::channel();
        let arbiter = Arbiter::new();
        let factory = self.factory.clone();
        let capacity = self.policy.capacity;
        let address = A::start_in_arbiter(&arbiter.handle(), move |context| {
            context.set_mailbox_capacity(capacity);
            factory(Lifeline { end: Some(end) })
        });
        let generation = {
            let mut life = lock(&self.life);
            life.generation += 1;
            life.restarts = life.generation - 1;
            life.alive = true;
            life.last_heartbeat = Instant::now();
            life.generation
        };
        debug!(self.log, "an actor runs"; events::ACTOR_STARTED, "restarts" => generation - 1);
        self.address.send_replace(Some(address.clone()));
        let death = tokio::select! {
            death = &mut ended => death.unwrap_or(Death::Panicked),
            death = self.watch_heartbeat(address) => death,
        };
        self.address.send_replace(None);
        lock(&self.life).alive = false;
        arbiter.stop();
        death
    }

    /// Returns when a heartbeat stays unanswered.
    async fn watch_heartbeat(&self, address: Addr<A>) -> Death {
        let mut every = tokio::time::interval(self.policy.heartbeat_every);
        loop {
            every.tick().await;
            match tokio::time::timeout(self.policy.heartbeat_timeout, address.send(Heartbeat)).await
            {
                Ok(Ok(())) => lock(&self.life).last_heartbeat = Instant::now(),
                Ok(Err(_)) => return Death::Panicked,
                Err(_) => return Death::Frozen,
            }
        }
    }

    /// Doubles with every death inside the window, with jitter so that actors that died of one
    /// cause do not come back in step.
    fn backoff(&self, recent_deaths: usize) -> Duration {
        let doublings = recent_deaths.saturating_sub(1).min(16) as u32;
        let wait = self.policy.backoff_min.saturating_mul(1 << doublings);
        wait.min(self.policy.backoff_max).mul_f64(rand::random_range(0.5..=1.0))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fragile {
        served: u32,
        _lifeline: Lifeline,
    }

    impl Actor for Fragile {
        type Context = Context<Self>;
    }

    impl Handler<Heartbeat> for Fragile {
        type Result = ();

        fn handle(&mut self, _: Heartbeat, _: &mut Context<Self>) {}
    }

    struct Do(&'static str);

    impl Message for Do {
        type Result = Result<u32, AskError>;
    }

    impl Handler<Do> for Fragile {
        type Result = Result<u32, AskError>;

        fn handle(&mut self, message: Do, _: &mut Context<Self>) -> Self::Result {
            self.served += 1;
            match message.0 {
                "panic" => panic!("asked to"),
                "freeze" => std::thread::sleep(Duration::from_millis(400)),
                _ => {}
            }
            Ok(self.served)
        }
    }

    fn start(policy: Policy) -> (Handle<Fragile>, mpsc::Receiver<&'static str>) {
        let (escalate, escalated) = mpsc::channel(1);
        let log = Logger::root(slog::Discard, slog::o!());
        let handle = supervise("fragile", policy, &log, escalate, |lifeline| Fragile {
            served: 0,
            _lifeline: lifeline,
        });
        (handle, escalated)
    }

    fn quick() -> Policy {
        Policy {
            capacity: 4,
            backoff_min: Duration::from_millis(1),
            heartbeat_every: Duration::from_millis(20),
            heartbeat_timeout: Duration::from_millis(100),
            ..Policy::default()
        }
    }

    #[test]
    fn a_panic_costs_one_request_and_the_state() {
        actix::System::new().block_on(async {
            let (handle, _escalated) = start(quick());
            assert_eq!(handle.ask(Do("count")).await, Ok(1));
            assert_eq!(handle.ask(Do("count")).await, Ok(2));
            let lost = handle.ask(Do("panic")).await;
            assert_eq!(lost, Err(AskError::Panicked { actor: "fragile" }));
            assert_eq!(handle.ask(Do("count")).await, Ok(1));
            assert_eq!(handle.status().restarts, 1);
        });
    }

    #[test]
    fn a_frozen_actor_is_replaced() {
        actix::System::new().block_on(async {
            let (handle, _escalated) = start(quick());
            let frozen = handle.clone();
            let frozen = actix::spawn(async move { frozen.ask(Do("freeze")).await });
            while handle.status().generation < 2 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            assert_eq!(handle.ask(Do("count")).await, Ok(1));
            // The abandoned generation may still have answered, or lost the request.
            let _ = frozen.await;
        });
    }

    #[test]
    fn too_many_deaths_escalate_and_overload_is_an_answer() {
        actix::System::new().block_on(async {
            let (handle, mut escalated) = start(quick());
            // A request may meet an actor that is already dying, so there may be more of them.
            let given_up = loop {
                assert!(handle.ask(Do("panic")).await.is_err());
                if let Ok(name) = escalated.try_recv() {
                    break name;
                }
            };
            assert_eq!(given_up, "fragile");
            let all: Vec<_> =
                (0..4).map(|_| handle.shared.permits.try_acquire().unwrap()).collect();
            let refused = handle.ask(Do("count")).await;
            assert_eq!(refused, Err(AskError::Busy { actor: "fragile" }));
            drop(all);
        });
    }
}
