//! Floor 2: LLM servers: one client per protocol, prompts, reply validation, cache, admission,
//! circuit breaker.
//!
//! [`Gateway`] is the way in. A [`Task`] goes down a chain of endpoints that ends in `rules`, so
//! there always is an [`Answer`]; what an LLM said is in it only after `check` passed it.
//! Nothing here logs: events, status and counters are handed out as values.

mod endpoint;
mod error;
mod failure;
mod gateway;
mod servers;
pub mod settings;
pub mod tasks;

pub use endpoint::breaker::BreakerState;
pub use endpoint::endpoint_queue::Occupancy;
pub use endpoint::event::GatewayEvent;
pub use endpoint::metrics::{CacheCounters, LlmCounters, RequestTimes};
pub use endpoint::status::{EndpointStatus, ModelState, ModelStatus};
pub use error::LlmError;
pub use failure::{Blame, Failure, FailureKind};
pub use gateway::Gateway;
pub use gateway::cache::SavedReply;
pub use tasks::{
    Answer, Priority, ProseTask, ProseVendor, Reply, RequirementsTask, ShareCategory, SharesTask,
    Task, TaskKind,
};

use std::sync::{Mutex, MutexGuard, PoisonError};

/// The lock, also after a panic of another holder: every critical section in this room leaves
/// its data whole.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
