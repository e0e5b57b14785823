//! What lies in an actor's mailbox, and how much of it.
//!
//! actix doesn't tell how much. So each request travels in an envelope with a mark that counts
//! while it exists: it goes when the actor begins with the request, and a mailbox that dies with
//! its actor drops them all. The supervisor's own messages travel in envelopes too, uncounted.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use actix::{Actor, Addr, Context, Handler, MailboxError, Message, dev::MessageResponse};
use tokio::sync::oneshot;

type Open<A> = dyn FnOnce(&mut A, &mut <A as Actor>::Context) + Send;

/// Whatever a supervised actor is sent: its one handler calls [`Envelope::open`].
pub struct Envelope<A: Actor> {
    open: Box<Open<A>>,
    mark: Option<Mark>,
}

impl<A: Actor> Message for Envelope<A> {
    type Result = ();
}

impl<A: Actor> Envelope<A> {
    /// Hands the request to the actor's handler for it.
    pub fn open(self, actor: &mut A, context: &mut A::Context) {
        drop(self.mark);
        (self.open)(actor, context);
    }

    /// Asks an actor whether it still answers.
    pub(super) fn heartbeat() -> Self {
        Self::of_supervisor(|_, _| {})
    }

    /// Something that counts for no request.
    pub(super) fn of_supervisor(
        open: impl FnOnce(&mut A, &mut A::Context) + Send + 'static,
    ) -> Self {
        Self { open: Box::new(open), mark: None }
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

impl<A: Actor<Context = Context<A>> + Handler<Envelope<A>>> Generation<A> {
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
        A: Handler<M>,
        M: Message + Send + 'static,
        M::Result: Send,
    {
        let (reply, answer) = oneshot::channel();
        let open = move |actor: &mut A, context: &mut Context<A>| {
            // Nobody waits for it any more.
            if !reply.is_closed() {
                let response = <A as Handler<M>>::handle(actor, message, context);
                response.handle(context, Some(reply));
            }
        };
        let mark = Some(Mark::new(&self.waiting));
        self.address.send(Envelope { open: Box::new(open), mark }).await?;
        answer.await.map_err(|_| MailboxError::Closed)
    }
}
