//! Floor 2: blueprint renderers.
//!
//! A [`Blueprint`] is put together once, with its sums checked; every renderer is a function of
//! it alone, so the same blueprint gives the same bytes.

mod blueprint;
mod calendar;
mod error;
mod escape;
mod facts;
mod markdown;

pub use blueprint::{Blueprint, Prose, Sources};
pub use calendar::calendar;
pub use error::DocumentError;
pub use facts::{
    ActivityRow, Brief, BudgetFacts, CallTimes, EventFacts, OptionRow, OptionVendor, SourceRow,
};
pub use markdown::markdown;

/// The blueprint as a JSON document; its shape is [`Blueprint`]'s, its version stands in
/// `format`.
///
/// # Errors
/// Not for a blueprint made by [`Blueprint::new`]; a serialiser's failure is passed on.
pub fn json(blueprint: &Blueprint) -> Result<serde_json::Value, DocumentError> {
    Ok(serde_json::to_value(blueprint)?)
}

#[cfg(test)]
mod tests;
