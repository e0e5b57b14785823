//! What a combination is made of: vendors in places.

use model::{Category, Vendor};

/// A vendor in a place of a combination.
#[derive(Clone, Copy, Debug)]
pub struct Engagement<'a> {
    pub category: &'a Category,
    pub vendor: &'a Vendor,
    /// The venue stands here too: its own kitchen caters.
    pub in_house: bool,
}
