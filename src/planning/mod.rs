//! Floor 1: pure decisions. No actix, tokio, clock, log, SQL or serde_json: time, seed and limits
//! are arguments.

pub mod abstract_file;
pub mod beam;
pub mod bound;
pub mod columns;
pub mod compact;
pub mod diversity;
pub mod labels;
pub mod pairs;
pub mod problem;
pub mod proof;
pub mod reduce;
pub mod rung;
pub mod score;
pub mod search;
pub mod settings;
pub mod target;
pub mod tuple;
pub mod verdict;
