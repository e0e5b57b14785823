//! What an option rests on, and what of it is no longer so.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{Category, PlanId, PlanState, VendorId};

/// What a vendor's record said when an option was made of it, as far as the option's hard
/// constraints and its day depend on it. Prices are not among it: the option holds its quotes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VendorBasis {
    pub id: VendorId,
    /// Field of the record → its value in words; `None` where it says nothing. A field that is
    /// missing here was not looked at, and is not compared.
    pub facts: BTreeMap<String, Option<String>>,
}

/// A vendor's record differs from what an option was made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VendorChange {
    /// The place in the option.
    pub category: Category,
    pub vendor: VendorId,
    pub name: String,
    /// Field of the record, e.g. `capacity.max`; `quote` for the place's total; `vendor` for one
    /// that left the catalogue.
    pub field: String,
    /// `None`: the record said nothing.
    pub old: Option<String>,
    /// `None`: the record says nothing any more.
    pub new: Option<String>,
}

/// A hard constraint that an option does not meet as things are now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Violation {
    /// `budget`, `timeline`, or a stable word such as `lead_time`, `blackout`, `above_maximum`.
    pub constraint: String,
    /// Absent where several vendors break it together.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub vendor: Option<VendorId>,
    /// In plain words.
    pub message: String,
}

/// Why the documents of a plan no longer hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CalledOff {
    /// `cancelled` or `superseded`.
    pub state: PlanState,
    pub at: Timestamp,
    /// The plan that took its place; `None` where it was cancelled.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub successor: Option<PlanId>,
}
