//! Floor 1: pure decisions. No actix, tokio, clock, log, SQL or serde_json: time, seed and limits
//! are arguments.

pub mod engagement;
pub mod problem;
pub mod settings;
