//! Heartbeats, and the faults that tests put into them.
//!
//! Faults exist in debug builds and behind the feature `fault-injection` only: a release has no
//! code that could be switched on.

use actix::{Actor, AsyncContext, Message};

use super::Heartbeat;

/// What a test does to an actor.
#[cfg(any(debug_assertions, feature = "fault-injection"))]
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    Panic,
    /// As after an error that the actor can't go on with.
    Stop,
    /// Its thread answers nothing for a minute, far longer than any heartbeat waits.
    Freeze,
}

impl Message for Heartbeat {
    type Result = ();
}

#[cfg(any(debug_assertions, feature = "fault-injection"))]
impl Heartbeat {
    pub(super) const fn new() -> Self {
        Self { fault: None }
    }

    pub(super) const fn with(fault: Fault) -> Self {
        Self { fault: Some(fault) }
    }

    /// The actor lives; or it has the fault that the heartbeat brings.
    pub fn answer<A: Actor>(self, context: &mut A::Context)
    where
        A::Context: AsyncContext<A>,
    {
        match self.fault {
            None => {}
            Some(Fault::Panic) => panic!("a test asked for it"),
            Some(Fault::Stop) => actix::ActorContext::stop(context),
            Some(Fault::Freeze) => std::thread::sleep(std::time::Duration::from_secs(60)),
        }
    }
}

#[cfg(not(any(debug_assertions, feature = "fault-injection")))]
impl Heartbeat {
    pub(super) const fn new() -> Self {
        Self {}
    }

    /// The actor lives.
    pub fn answer<A: Actor>(self, _: &mut A::Context)
    where
        A::Context: AsyncContext<A>,
    {
    }
}
