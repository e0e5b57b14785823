//! What the requirements agent reads out of a client's vision.

use serde::{Deserialize, Serialize};

/// Words and wishes found in the vision. They rank vendors; they never name or price one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Requirements {
    /// Distinct stems of the vision's words, stop words dropped, sorted.
    pub keywords: Vec<String>,
    /// Wishes beyond the request's own preferences; each counts only where the request leaves
    /// that preference empty. Sorted, distinct.
    pub styles: Vec<String>,
    pub cuisines: Vec<String>,
    pub amenities: Vec<String>,
    pub venue_types: Vec<String>,
    pub video: bool,
}
