//! The parts of a vendor as a file writes them: shapes only, which `check` holds to their bounds.

use serde::Deserialize;

use model::{Basis, CateringPolicy, HouseRule, MealOption};

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
