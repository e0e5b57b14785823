//! How many requests lie in an actor's mailbox.
//!
//! actix doesn't tell. So each request travels with a mark that counts while it exists: it goes
//! when the actor begins with the request, and a mailbox that dies with its actor drops them all.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use actix::{
    Actor, Addr, Handler, MailboxError, Message,
    dev::{MessageResponse, ToEnvelope},
};
use tokio::sync::oneshot;

/// One generation: its address, and what lies in its mailbox.
pub(super) struct Generation<A: Actor> {
    pub address: Addr<A>,
    waiting: Arc<AtomicUsize>,
}

impl<A: Actor> Clone for Generation<A> {
    fn clone(&self) -> Self {
        Self { address: self.address.clone(), waiting: self.waiting.clone() }
    }
}

impl<A: Actor> Generation<A> {
    pub(super) fn new(address: Addr<A>) -> Self {
        Self { address, waiting: Arc::default() }
    }

    /// Requests that the actor hasn't begun with.
    pub(super) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    /// Sends a request through the mailbox and waits for its answer.
    ///
    /// # Errors
    /// The actor ended with it.
    pub(super) async fn send<M>(&self, message: M) -> Result<M::Result, MailboxError>
    where
        A: Handler<M> + Handler<Envelope<A>>,
        A::Context: ToEnvelope<A, Envelope<A>>,
        M: Message + Send + 'static,
        M::Result: Send,
    {
        let (reply, answer) = oneshot::channel();
        let begin = move |actor: &mut A, context: &mut A::Context| {
            // Nobody waits for it any more.
            if !reply.is_closed() {
                let response = <A as Handler<M>>::handle(actor, message, context);
                response.handle(context, Some(reply));
            }
        };
        self.address
            .send(Envelope { begin: Box::new(begin), mark: Mark::new(&self.waiting) })
            .await?;
        answer.await.map_err(|_| MailboxError::Closed)
    }
}

type Begin<A> = dyn FnOnce(&mut A, &mut <A as Actor>::Context) + Send;

/// A request in a mailbox: every supervised actor calls [`Envelope::begin`].
pub struct Envelope<A: Actor> {
    begin: Box<Begin<A>>,
    mark: Mark,
}

impl<A: Actor> Message for Envelope<A> {
    type Result = ();
}

impl<A: Actor> Envelope<A> {
    /// Hands the request to the actor's handler for it.
    pub fn begin(self, actor: &mut A, context: &mut A::Context) {
        drop(self.mark);
        (self.begin)(actor, context);
    }
}

/// Counts while it exists.
struct Mark(Arc<AtomicUsize>);

impl Mark {
    fn new(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count.clone())
    }
}

impl Drop for Mark {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
