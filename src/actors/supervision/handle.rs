//! How callers reach an actor, whichever generation is alive.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use actix::{Actor, Context, Handler, Message};
use tokio::sync::watch;

use super::{Envelope, Life, State, lock, mailbox::Generation, slots::Slots};
use wire::ActorStatus;

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

/// The way to an actor. Cheap to clone.
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
    slots: Slots,
    refused: AtomicU64,
    address: watch::Receiver<Option<Generation<A>>>,
    restart_wait: Duration,
    life: Arc<Mutex<Life>>,
}

impl<A: Actor<Context = Context<A>> + Handler<Envelope<A>>> Handle<A> {
    /// `restart_wait`: how long a caller waits for the next generation.
    pub(super) fn new(
        name: &'static str,
        capacity: usize,
        address: watch::Receiver<Option<Generation<A>>>,
        restart_wait: Duration,
        life: Arc<Mutex<Life>>,
    ) -> Self {
        let (slots, refused) = (Slots::new(capacity), AtomicU64::new(0));
        let shared = Shared { name, slots, refused, address, restart_wait, life };
        Self { shared: Arc::new(shared) }
    }

    /// Sends a request and waits for its answer.
    ///
    /// # Errors
    /// `Busy` at once when `capacity` requests are under way; `Restarting` when no generation
    /// came up within the longest backoff; `Panicked` when the actor died, or was given up as
    /// frozen, with the request.
    pub async fn ask<M, T, E>(&self, message: M) -> Result<T, E>
    where
        A: Handler<M>,
        M: Message<Result = Result<T, E>> + Send + 'static,
        T: Send + 'static,
        E: From<AskError> + Send + 'static,
    {
        let actor = self.shared.name;
        let _slot = self.shared.slots.take().ok_or_else(|| {
            self.shared.refused.fetch_add(1, Ordering::Relaxed);
            E::from(AskError::Busy { actor })
        })?;
        let mut generations = self.shared.address.clone();
        let generation = self.generation(&mut generations).await?;
        tokio::select! {
            // An answer that is there counts, whatever became of its actor.
            biased;
            answer = generation.send(message) => match answer {
                Ok(answer) => answer,
                Err(_) => Err(AskError::Panicked { actor }.into()),
            },
            // A frozen actor never closes its mailbox.
            _ = generations.changed() => Err(AskError::Panicked { actor }.into()),
        }
    }

    /// Admits so many requests at once from now on; what is under way goes on.
    pub fn resize(&self, capacity: usize) {
        self.shared.slots.resize(capacity);
    }

    pub fn status(&self) -> ActorStatus {
        let life = lock(&self.shared.life);
        let mailbox = self.shared.address.borrow().as_ref().map_or(0, Generation::waiting);
        ActorStatus {
            name: self.shared.name.to_owned(),
            state: life.state.as_str().to_owned(),
            generation: life.generation,
            restarts: life.restarts,
            mailbox,
            in_flight: self.shared.slots.taken(),
            capacity: self.shared.slots.capacity(),
            refused: self.shared.refused.load(Ordering::Relaxed),
            heartbeat_age_ms: life.last_heartbeat.elapsed().as_millis() as u64,
        }
    }

    /// The living generation, waiting out a restart.
    async fn generation(
        &self,
        generations: &mut watch::Receiver<Option<Generation<A>>>,
    ) -> Result<Generation<A>, AskError> {
        let actor = self.shared.name;
        if lock(&self.shared.life).state == State::Stopped {
            return Err(AskError::Restarting { actor });
        }
        let alive = generations.wait_for(|it| it.as_ref().is_some_and(|it| it.address.connected()));
        match tokio::time::timeout(self.shared.restart_wait, alive).await {
            Ok(Ok(current)) => current.clone().ok_or(AskError::Restarting { actor }),
            _ => Err(AskError::Restarting { actor }),
        }
    }

    /// Does a test's harm to the present generation.
    #[cfg(any(debug_assertions, feature = "fault-injection"))]
    pub fn inject(&self, fault: super::Fault) {
        if let Some(generation) = self.shared.address.borrow().as_ref() {
            // A mailbox that is full or closed has its harm already.
            let _ = generation.address.try_send(fault.envelope());
        }
    }
}
