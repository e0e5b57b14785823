//! Floor 0: the nouns of event planning. Pure data and its checks; no IO, no clock, no policy.
//!
//! A value of these types is well formed by construction: input is parsed once, at the edge, by
//! [`Request::parse`] and the vendor importer, and not checked again inside.

mod erasure;
mod field_error;
mod ids;
mod money;
mod names;
mod places;
mod plan;
mod prose;
mod request;
mod requirements;
mod times;
mod vendor;
pub mod vocabulary;

pub use erasure::Erasure;
pub use field_error::{ERRORS_MAX, FieldError, FieldErrors};
pub use ids::{Category, CategoryDef, PlanId, VendorId, Wants};
pub use money::{Amount, Currency, Money, Percent, div_half_even, grouped};
pub use names::{alike, has_name_key, name_key, tidy_id, tidy_name};
pub use places::gazetteer::{KnownCity, known_cities, known_city};
pub use places::geo::{Area, AreaMap, GeoPoint};
pub use plan::quote::{Quote, QuoteLine};
pub use plan::recheck::{CalledOff, VendorBasis, VendorChange, Violation};
pub use plan::{
    ChosenVendor, Holder, Infeasibility, NoWayOut, Note, PlaceChange, PlanOption, PlanState,
    Relaxation, SearchSummary, Shares, StopReason, Strategy,
};
pub use prose::Prose;
pub use request::change::RequestChange;
pub use request::function::{Function, Part};
pub use request::input::shape_error;
pub use request::{Budget, Client, EventType, Preferences, Request, Service, is_meatless_diet};
pub(crate) use request::{VISION_MAX_BYTES, default_services};
pub use requirements::Requirements;
pub use times::anchor::Anchor;
pub use times::local_time::{
    LocalDays, clock, clock_changes, coming_twice, parse_local_date, parse_local_time, skipped,
};
pub(crate) use times::time::DateSpec;
pub use times::time::{EventTime, Weekday, Window};
pub use vendor::{
    Basis, BookedSlot, Capacity, CateringPolicy, HouseRule, MealOption, Policies, PriceLine,
    Source, Sourced, Vendor,
};
