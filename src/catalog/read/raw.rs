//! A vendor as a file writes it: shapes only. `check` makes a [`model::Vendor`] of it.

use std::collections::BTreeMap;

use serde::Deserialize;

use model::{Basis, CateringPolicy, FieldErrors, HouseRule, MealOption, shape_error};

/// Where the fields of a vendor are documented.
const FIELDS_HINT: &str = "see the vendor's fields in the README";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawVendor {
    pub(crate) external_id: String,
    pub category: String,
    pub name: String,
    pub city: String,
    pub area: Option<String>,
    pub location: Option<RawPoint>,
    pub pricing: Vec<RawPrice>,
    pub capacity: Option<RawCapacity>,
    pub policies: Option<RawPolicies>,
    #[serde(default)]
    pub tags: Vec<String>,
    #[serde(default)]
    pub amenities: Vec<String>,
    pub rating: Option<f64>,
    pub description: Option<String>,
    #[serde(default)]
    pub contact: BTreeMap<String, String>,
    #[serde(default)]
    pub setup_minutes: i64,
    #[serde(default)]
    pub teardown_minutes: i64,
    #[serde(default)]
    pub styles: Vec<String>,
    pub max_hours: Option<f64>,
    #[serde(default)]
    pub lead_days: i64,
    #[serde(default)]
    pub closed_weekdays: Vec<RawWeekday>,
    #[serde(default)]
    pub blackout_dates: Vec<String>,
    #[serde(default)]
    pub(crate) tax_percent: f64,
    #[serde(default)]
    pub(crate) service_charge_percent: f64,
    pub source: Option<RawSource>,
    pub service_radius_km: Option<f64>,
    #[serde(default = "one")]
    pub parallel_events: i64,
}

fn one() -> i64 {
    1
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawPoint {
    pub lat: f64,
    pub lon: f64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawPrice {
    pub label: String,
    pub basis: Basis,
    pub amount: RawAmount,
    pub currency: String,
    pub option: Option<MealOption>,
}

/// Money is a decimal string; a whole number is taken too, a fraction never: it has no exact
/// binary form.
#[derive(Deserialize)]
#[serde(untagged, expecting = "an amount must be a decimal string such as \"1500.00\"")]
pub(crate) enum RawAmount {
    Text(String),
    Whole(i64),
    Fraction(f64),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawCapacity {
    pub min: Option<i64>,
    pub ideal: Option<i64>,
    pub max: Option<i64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawPolicies {
    pub catering: Option<CateringPolicy>,
    pub alcohol: Option<HouseRule>,
    pub decor: Option<HouseRule>,
    pub music_until: Option<String>,
    pub open_from: Option<String>,
    pub open_until: Option<String>,
}

#[derive(Deserialize)]
#[serde(
    untagged,
    expecting = "a weekday must be a name such as \"monday\" or a number from 1 to 7"
)]
pub(crate) enum RawWeekday {
    Text(String),
    Number(i64),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawSource {
    pub name: String,
    pub as_of: String,
}

impl RawVendor {
    /// Reads one JSON object.
    ///
    /// # Errors
    /// The first field whose shape is wrong, by its path; `.` for text that is no JSON object.
    pub(crate) fn from_json(text: &[u8]) -> Result<Self, FieldErrors> {
        let mut reader = serde_json::Deserializer::from_slice(text);
        let raw = serde_path_to_error::deserialize(&mut reader)
            .map_err(|error| shape_error(&error, FIELDS_HINT))?;
        match reader.end() {
            Ok(()) => Ok(raw),
            Err(error) => Err(shape_error(
                &serde_path_to_error::Error::new(serde_path_to_error::Track::new().path(), error),
                FIELDS_HINT,
            )),
        }
    }

    /// Reads the object that a CSV row was turned into.
    pub(crate) fn from_object(
        object: serde_json::Map<String, serde_json::Value>,
    ) -> Result<Self, FieldErrors> {
        serde_path_to_error::deserialize(serde_json::Value::Object(object))
            .map_err(|error| shape_error(&error, FIELDS_HINT))
    }
}
