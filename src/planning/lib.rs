//! Floor 1: pure decisions. No actix, tokio, clock, log, SQL or serde_json: time, seed and limits
//! are arguments.

pub mod assembly;
pub mod certificate;
#[cfg(test)]
mod dice;
pub mod domain;
pub mod engagement;
pub mod fitness;
pub mod infeasibility;
pub mod matching;
pub mod problem;
pub mod problem_file;
pub mod proof;
#[cfg(test)]
mod samples;
pub mod search;
pub mod settings;
pub mod timeline;
