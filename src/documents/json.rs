//! The blueprint as a JSON document.

use crate::{blueprint::Blueprint, error::DocumentError};

/// The document that a stored blueprint is read back from.
pub(crate) const NAME: &str = "blueprint.json";

/// Its shape is [`Blueprint`]'s, its version stands in `format`; names of fields are sorted.
///
/// # Errors
/// Not for a blueprint made by [`Blueprint::new`]; a serialiser's failure is passed on.
pub(crate) fn json(blueprint: &Blueprint) -> Result<String, DocumentError> {
    let value = serde_json::to_value(blueprint)?;
    Ok(serde_json::to_string_pretty(&value)? + "\n")
}
