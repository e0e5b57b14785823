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

mod admission;
pub mod agents;
pub mod beam_coordinator;
mod blueprint_run;
mod briefing;
pub mod cached_sourcing;
#[cfg(test)]
mod cached_sourcing_model;
pub mod catalogue_watch;
mod checkpoint;
mod database_use;
mod digest;
mod dispatcher;
mod errors;
mod explanation;
mod fleet;
mod gate;
mod housekeeping;
pub mod llm_figures;
pub mod llm_gateway;
pub mod metrics;
mod metrics_look;
pub mod plan_calls;
mod plan_events;
mod plan_proofs;
mod plan_run;
mod plan_search;
mod plan_service;
mod plan_times;
mod plan_view;
mod proof_record;
pub mod query_cache;
mod query_figures;
mod replan;
pub mod reply_keeper;
mod run_context;
mod runs;
mod search_filter;
mod search_run;
mod selecting;
mod start;
pub mod supervision;
pub mod vendor_import;
pub mod vendor_messages;
pub mod vendor_search;
mod verification;
mod work;

pub use dispatcher::Duty;
pub use query_figures::QueryFigures;
pub use start::{Actors, Foundation};
pub use work::{Threads, Work};
