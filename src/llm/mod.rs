//! Floor 2: LLM servers: one client per protocol, prompts, reply validation, cache, admission,
//! circuit breaker.
//!
//! [`Gateway`] is the way in. A [`Task`] goes down a chain of endpoints that ends in `rules`, so
//! there always is an [`Answer`]; what an LLM said is in it only after `check` passed it.
//! Nothing here logs: events, status and counters are handed out as values.

mod admission;
mod body;
mod bounds;
mod breaker;
mod cache;
mod check;
mod endpoint;
mod error;
mod event;
mod failure;
mod fence;
mod flight;
mod gateway;
mod http;
mod key;
mod metrics;
mod model_facts;
mod ollama;
mod openai;
mod phrases;
mod prompts;
mod prose_check;
mod protocol;
mod retry;
mod routing;
pub mod rules;
mod schema;
pub mod settings;
mod status;
mod task;
mod tune;
mod upstream;
pub mod vocabulary;
mod warm_up;

pub use admission::Occupancy;
pub use breaker::BreakerState;
pub use cache::{CacheCounters, SavedReply};
pub use error::LlmError;
pub use event::GatewayEvent;
pub use failure::{Blame, Failure, FailureKind};
pub use gateway::Gateway;
pub use metrics::{EndpointCounters, LlmCounters, RequestTimes, TimeSummary};
pub use status::{EndpointStatus, ModelState, ModelStatus};
pub use task::{
    Answer, BlueprintProse, Priority, ProseTask, ProseVendor, Reply, RequirementsTask,
    ShareCategory, SharesTask, Task, TaskKind,
};

use std::sync::{Mutex, MutexGuard, PoisonError};

/// The lock, also after a panic of another holder: every critical section in this room leaves
/// its data whole.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
