//! Floor 1: pure decisions. No actix, tokio, clock, log, SQL or serde_json: time, seed and limits
//! are arguments.

mod abstract_bounds;
mod abstract_check;
pub mod abstract_export;
pub mod abstract_file;
mod abstract_ids;
mod abstract_ties;
pub mod assembly;
pub mod beam;
mod blends;
pub mod bound;
pub mod budget;
pub mod candidates;
pub mod certificate;
pub mod certificate_check;
mod certificate_walk;
pub mod columns;
pub mod compact;
pub mod compatibility;
mod conflicts;
pub mod constraints;
pub mod diversity;
#[cfg(test)]
mod domain_properties;
pub mod engagement;
pub mod explain;
pub mod fitness;
pub mod infeasibility;
#[cfg(test)]
mod infeasibility_tests;
pub mod inquiry;
pub mod keywords;
pub mod labels;
pub mod ledger;
pub mod outcome;
pub mod pairs;
mod polish;
pub mod preference;
pub mod problem;
pub mod proof;
mod proving;
pub mod quote;
pub mod reason;
pub mod reduce;
mod relaxations;
pub mod roles;
pub mod rung;
#[cfg(test)]
mod samples;
pub mod score;
pub mod score_cache;
pub mod search;
pub mod seating;
pub mod settings;
pub mod solution_check;
pub mod stability;
mod starts;
pub mod tags;
pub mod target;
pub mod timeline;
pub mod tuple;
pub mod verdict;
mod view;
