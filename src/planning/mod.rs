//! Floor 1: pure decisions. No actix, tokio, clock, log, SQL or serde_json: time, seed and limits
//! are arguments.

pub mod assembly;
pub mod budget;
pub mod compatibility;
mod conflicts;
pub mod constraints;
pub mod engagement;
pub mod explain;
pub mod fitness;
pub mod infeasibility;
pub mod inquiry;
pub mod keywords;
pub mod ledger;
pub mod preference;
pub mod problem;
pub mod quote;
pub mod reason;
mod relaxations;
pub mod roles;
pub mod seating;
pub mod settings;
pub mod tags;

#[cfg(test)]
mod domain_properties;
#[cfg(test)]
mod infeasibility_tests;
#[cfg(test)]
mod samples;
