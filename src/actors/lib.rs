//! Floor 4: the actors. One file = one actor: role, messages, state, handlers, in this order;
//! what they decide and do lies in the files beside them.
//!
//! | actor | file | beside it |
//! |---|---|---|
//! | VendorSearch | `vendor_search` | `vendor_messages`, `cached_sourcing`, `query_cache`, `catalogue_watch`, `database_use`, `search_filter`, `vendor_import` |
//! | LlmGateway | `llm_gateway` | `llm_figures`, `reply_keeper` |
//! | BeamCoordinator | `beam_coordinator` | `gate`, `plan_calls` (its messages), `plan_service` with `selecting`, `dispatcher`, `plan_run` with its stages (`plan_search`, `explanation`, `blueprint_run`) and `run_context`, `agents/` |
//! | Metrics | `metrics` | `metrics_look` |
//!
//! `supervision` keeps them alive; `work` is where they do what takes time.

pub mod agents;
pub mod coordinator;
mod dispatch;
mod errors;
pub mod llm_gateway;
pub mod metrics;
mod run;
mod start;
pub mod supervision;
pub mod vendor_search;
mod verification;
mod work;

pub use dispatch::Duty;
pub use metrics::query_figures::QueryFigures;
pub use start::{Actors, Foundation};
pub use work::{TaskSpawner, Threads};
