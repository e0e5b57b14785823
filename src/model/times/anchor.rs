//! Activities whose time is fixed by the client.

use jiff::civil;
use serde::{Deserialize, Serialize};

use crate::GeoPoint;

/// An activity at a fixed time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Anchor {
    pub activity: String,
    /// Local time of day; before the event's start means the next day.
    pub at: civil::Time,
    /// Where it takes place, if elsewhere than at the venue.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub location: Option<GeoPoint>,
}
