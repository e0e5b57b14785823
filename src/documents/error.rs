//! Why a blueprint can't be made.

use model::{Amount, VendorId};

#[derive(Debug, thiserror::Error)]
pub enum DocumentError {
    #[error("the plan has no option {number}; select one of its options")]
    NoSuchOption { number: u32 },
    #[error("vendor `{vendor}` of the option has no record; it was deleted after the search")]
    MissingVendor { vendor: VendorId },
    /// A sum that doesn't equal its parts: a bug upstream, and no document for a client.
    #[error("{what} says {stated}, but its lines add up to {sum}; report this as a bug")]
    OutOfBalance { what: String, stated: Amount, sum: Amount },
    #[error("the blueprint's template failed: {0}")]
    Template(#[from] minijinja::Error),
    #[error("the blueprint could not be written as JSON: {0}")]
    Json(#[from] serde_json::Error),
}
