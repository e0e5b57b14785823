//! The supervisor of one actor: a task beside it.
//!
//! State owned: the deaths within the window, and what `status` shows of the actor. Peers: the
//! actor's handles see each generation's address; who is given up is told to `escalate`. Bound:
//! `max_restarts` within `window`. It ends with the process, or with its actor given up.

use std::{
    collections::VecDeque,
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use actix::{Actor, Addr, Arbiter, Context, Handler};
use futures_util::FutureExt;
use slog::{Logger, crit, debug, warn};
use tokio::sync::{mpsc, oneshot, watch};

use super::{Envelope, Handle, Life, State, lock, mailbox::Generation};
use resilience::Backoff;
use telemetry::log::events;

/// Of the wait before a restart.
pub(crate) const JITTER: f64 = 0.5;

/// When an actor is restarted, and when it is given up.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Policy {
    /// Requests admitted at once: waiting in the mailbox or under way.
    pub capacity: usize,
    /// Restarts within `window` beyond which the process is to end.
    pub max_restarts: usize,
    pub window: Duration,
    /// Before a restart, by how many deaths there were within `window`.
    pub backoff: Backoff,
    pub(crate) heartbeat_every: Duration,
    /// An unanswered heartbeat of this age counts as a freeze.
    pub heartbeat_timeout: Duration,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            capacity: 256,
            max_restarts: 5,
            window: Duration::from_secs(10),
            backoff: Backoff {
                first: Duration::from_millis(20),
                max: Duration::from_secs(1),
                jitter: JITTER,
            },
            heartbeat_every: Duration::from_secs(1),
            heartbeat_timeout: Duration::from_secs(10),
        }
    }
}

/// Owned by an actor for its whole life; its drop tells the supervisor of the actor's end.
pub struct DeathNotice {
    end: Option<oneshot::Sender<Death>>,
}

impl Drop for DeathNotice {
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

/// Starts an actor and keeps it alive until the process ends or the actor is given up; then its
/// name goes to `escalate`, and the process is to end. Call it on the thread of the actix system.
pub(crate) fn supervise<A>(
    name: &'static str,
    policy: Policy,
    log: &Logger,
    escalate: mpsc::Sender<&'static str>,
    factory: impl Fn(DeathNotice) -> A + Send + Sync + 'static,
) -> Handle<A>
where
    A: Actor<Context = Context<A>> + Handler<Envelope<A>>,
{
    let (address_out, address) = watch::channel(None);
    let (state, last_heartbeat) = (State::Restarting, Instant::now());
    let life = Life { generation: 0, restarts: 0, state, last_heartbeat };
    let life = Arc::new(Mutex::new(life));
    let keeper = Keeper {
        policy,
        log: log.new(slog::o!("actor" => name)),
        life: life.clone(),
        address: address_out,
        factory: Arc::new(factory),
    };
    let log = keeper.log.clone();
    let handle =
        Handle::new(name, policy.capacity, address, policy.backoff.max * 2, keeper.life.clone());
    actix::spawn(async move {
        // An actor without its supervisor is as good as given up.
        if AssertUnwindSafe(keeper.run()).catch_unwind().await.is_err() {
            crit!(log, "a supervisor panicked"; events::ACTOR_GAVE_UP, "restarts" => 0);
        }
        // A full channel already holds a name, and one is enough to end the process.
        let _ = escalate.try_send(name);
    });
    handle
}

/// The supervisor's side of one actor.
struct Keeper<A: Actor, F> {
    policy: Policy,
    log: Logger,
    life: Arc<Mutex<Life>>,
    address: watch::Sender<Option<Generation<A>>>,
    factory: Arc<F>,
}

impl<A, F> Keeper<A, F>
where
    A: Actor<Context = Context<A>> + Handler<Envelope<A>>,
    F: Fn(DeathNotice) -> A + Send + Sync + 'static,
{
    /// Returns when the actor is given up.
    async fn run(self) {
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
                lock(&self.life).state = State::Stopped;
                return;
            }
            let retry = u32::try_from(deaths.len() - 1).unwrap_or(u32::MAX);
            let wait = self.policy.backoff.wait(retry, rand::random);
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
            factory(DeathNotice { end: Some(end) })
        });
        let generation = {
            let mut life = lock(&self.life);
            life.generation += 1;
            life.restarts = life.generation - 1;
            life.state = State::Running;
            life.last_heartbeat = Instant::now();
            life.generation
        };
        debug!(self.log, "an actor runs"; events::ACTOR_STARTED, "restarts" => generation - 1);
        self.address.send_replace(Some(Generation::new(address.clone())));
        let death = tokio::select! {
            death = &mut ended => death.unwrap_or(Death::Panicked),
            death = self.watch_heartbeat(address) => death,
        };
        self.address.send_replace(None);
        lock(&self.life).state = State::Restarting;
        arbiter.stop();
        death
    }

    /// Returns when a heartbeat stays unanswered.
    async fn watch_heartbeat(&self, address: Addr<A>) -> Death {
        let mut every = tokio::time::interval(self.policy.heartbeat_every);
        loop {
            every.tick().await;
            match tokio::time::timeout(
                self.policy.heartbeat_timeout,
                address.send(Envelope::heartbeat()),
            )
            .await
            {
                Ok(Ok(())) => lock(&self.life).last_heartbeat = Instant::now(),
                Ok(Err(_)) => return Death::Panicked,
                Err(_) => return Death::Frozen,
            }
        }
    }
}
