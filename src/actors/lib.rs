//! Floor 4: the actors. One room per actor; its first file holds role, messages, state, handlers,
//! in this order; what it decides and does lies in the files beside it.
//!
//! | actor | room | with |
//! |---|---|---|
//! | VendorSearch | `vendor_search` | its messages, the query cache and what is read through it, import, a watch over the catalogue |
//! | LlmGateway | `llm_gateway` | figures, replies kept across restarts |
//! | BeamCoordinator | `coordinator` | its calls, the gate for submissions; `dispatch` claims plans, `run` works on one, with the `agents` |
//! | Metrics | `metrics` | one look at everything; `verification` measures the tuned mechanisms |
//!
//! `supervision` keeps them alive, `start` starts them, and the task spawner is where they do what
//! takes time.

pub mod agents;
pub mod coordinator;
mod dispatch;
mod errors;
pub mod llm_gateway;
pub mod metrics;
mod run;
mod start;
pub mod supervision;
mod task_spawner;
pub mod vendor_search;
mod verification;

pub use dispatch::Duty;
pub use metrics::query_figures::QueryFigures;
pub use start::{Actors, Foundation};
pub use task_spawner::{TaskSpawner, Threads};
