//! What tests do to actors. In debug builds and behind the feature `fault-injection` only: a release
//! has no code that could be switched on.

use std::time::Duration;

use actix::{Actor, ActorContext, Context};

use super::Envelope;

/// What a test does to an actor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    Panic,
    /// As after an error that the actor can't go on with.
    Stop,
    /// Its thread answers nothing for a minute, far longer than any heartbeat waits.
    Freeze,
}

impl Fault {
    pub(super) fn envelope<A: Actor<Context = Context<A>>>(self) -> Envelope<A> {
        Envelope::of_supervisor(move |_, context: &mut Context<A>| match self {
            Self::Panic => panic!("a test asked for it"),
            Self::Stop => context.stop(),
            Self::Freeze => std::thread::sleep(Duration::from_secs(60)),
        })
    }
}
