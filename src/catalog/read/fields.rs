//! The fields of a vendor file, all three lists of them: how JSON writes a field, the column in
//! which CSV does, and the check that makes a [`Vendor`] of them. Every refused field is named,
//! with a remedy.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{
    check::{
        NAME_MAX_CHARS, WORD_MAX_CHARS, capacity, contact, dates, description, in_house_has_plates,
        location, number, percent, policies, pricing, source, text, weekdays, whole, words,
    },
    raw::{RawCapacity, RawPoint, RawPolicies, RawPrice, RawSource, RawWeekday},
};
use model::{Category, FieldErrors, Vendor, VendorId, shape_error, tidy_name};

/// Where the fields of a vendor are documented.
const FIELDS_HINT: &str = "see the vendor's fields in the README";
const ID_MAX_CHARS: usize = 100;
const DESCRIPTION_MAX_CHARS: usize = 4_000;
/// Two days.
const SETUP_MAX_MINUTES: i64 = 2_880;
const LEAD_MAX_DAYS: i64 = 3_650;
const PARALLEL_EVENTS_MAX: i64 = 1_000;
/// A week.
const SERVICE_MAX_HOURS: f64 = 168.0;
/// Half the equator: everywhere.
const RADIUS_MAX_KM: f64 = 20_000.0;

/// How a cell is written.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Cell {
    Text,
    Number,
    /// `true`, `false` or a short text.
    Rule,
    List,
    Pricing,
    Contact,
}

/// The columns of a CSV file, in the order in which they are written; a dot leads into an object.
pub(crate) const COLUMNS: &[(&str, Cell)] = &[
    ("external_id", Cell::Text),
    ("category", Cell::Text),
    ("name", Cell::Text),
    ("city", Cell::Text),
    ("area", Cell::Text),
    ("location.lat", Cell::Number),
    ("location.lon", Cell::Number),
    ("pricing", Cell::Pricing),
    ("capacity.min", Cell::Number),
    ("capacity.ideal", Cell::Number),
    ("capacity.max", Cell::Number),
    ("policies.catering", Cell::Text),
    ("policies.alcohol", Cell::Rule),
    ("policies.decor", Cell::Rule),
    ("policies.music_until", Cell::Text),
    ("policies.open_from", Cell::Text),
    ("policies.open_until", Cell::Text),
    ("tags", Cell::List),
    ("amenities", Cell::List),
    ("rating", Cell::Number),
    ("description", Cell::Text),
    ("contact", Cell::Contact),
    ("setup_minutes", Cell::Number),
    ("teardown_minutes", Cell::Number),
    ("styles", Cell::List),
    ("max_hours", Cell::Number),
    ("lead_days", Cell::Number),
    ("closed_weekdays", Cell::List),
    ("blackout_dates", Cell::List),
    ("tax_percent", Cell::Number),
    ("service_charge_percent", Cell::Number),
    ("source.name", Cell::Text),
    ("source.as_of", Cell::Text),
    ("service_radius_km", Cell::Number),
    ("parallel_events", Cell::Number),
];

/// A vendor as a file writes it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawVendor {
    external_id: String,
    category: String,
    name: String,
    city: String,
    area: Option<String>,
    location: Option<RawPoint>,
    pricing: Vec<RawPrice>,
    capacity: Option<RawCapacity>,
    policies: Option<RawPolicies>,
    #[serde(default)]
    tags: Vec<String>,
    #[serde(default)]
    amenities: Vec<String>,
    rating: Option<f64>,
    description: Option<String>,
    #[serde(default)]
    contact: BTreeMap<String, String>,
    #[serde(default)]
    setup_minutes: i64,
    #[serde(default)]
    teardown_minutes: i64,
    #[serde(default)]
    styles: Vec<String>,
    max_hours: Option<f64>,
    #[serde(default)]
    lead_days: i64,
    #[serde(default)]
    closed_weekdays: Vec<RawWeekday>,
    #[serde(default)]
    blackout_dates: Vec<String>,
    #[serde(default)]
    tax_percent: f64,
    #[serde(default)]
    service_charge_percent: f64,
    source: Option<RawSource>,
    service_radius_km: Option<f64>,
    #[serde(default = "one")]
    parallel_events: i64,
}

fn one() -> i64 {
    1
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

/// # Errors
/// Every refused field of the row, in the order of the checks.
pub(crate) fn check(raw: RawVendor) -> Result<Vendor, FieldErrors> {
    let mut errors = FieldErrors::default();
    let e = &mut errors;
    let id = VendorId::new(&raw.external_id);
    text(e, "external_id", id.as_str(), ID_MAX_CHARS);
    let category = Category::new(&raw.category);
    text(e, "category", category.as_str(), WORD_MAX_CHARS);
    let name = text(e, "name", &raw.name, NAME_MAX_CHARS);
    let city = text(e, "city", &tidy_name(&raw.city), NAME_MAX_CHARS);
    let area = raw.area.map(|area| text(e, "area", &tidy_name(&area), NAME_MAX_CHARS));
    let location = raw.location.map(|at| location(e, &at));
    let pricing = pricing(e, raw.pricing);
    let capacity = raw.capacity.map(|raw| capacity(e, &raw));
    let policies = raw.policies.map(|raw| policies(e, raw));
    in_house_has_plates(e, &category, policies.as_ref(), &pricing);
    // A literal is evaluated from top to bottom.
    let vendor = Vendor {
        id,
        category,
        name,
        city,
        area,
        location,
        pricing,
        capacity,
        policies,
        rating: raw.rating.map(|stars| number(e, "rating", stars, 0.0, 5.0)),
        description: raw.description.map(|text| description(e, &text, DESCRIPTION_MAX_CHARS)),
        max_hours: raw.max_hours.map(|h| number(e, "max_hours", h, 0.25, SERVICE_MAX_HOURS)),
        service_radius_km: raw
            .service_radius_km
            .map(|km| number(e, "service_radius_km", km, 0.0, RADIUS_MAX_KM)),
        tags: words(e, "tags", &raw.tags),
        amenities: words(e, "amenities", &raw.amenities),
        contact: contact(e, &raw.contact),
        setup_minutes: whole(e, "setup_minutes", raw.setup_minutes, 0, SETUP_MAX_MINUTES),
        teardown_minutes: whole(e, "teardown_minutes", raw.teardown_minutes, 0, SETUP_MAX_MINUTES),
        styles: words(e, "styles", &raw.styles),
        lead_days: whole(e, "lead_days", raw.lead_days, 0, LEAD_MAX_DAYS),
        closed_weekdays: weekdays(e, &raw.closed_weekdays),
        blackout_dates: dates(e, &raw.blackout_dates),
        tax: percent(e, "tax_percent", raw.tax_percent),
        service_charge: percent(e, "service_charge_percent", raw.service_charge_percent),
        source: raw.source.map(|raw| source(e, &raw)),
        parallel_events: whole(e, "parallel_events", raw.parallel_events, 1, PARALLEL_EVENTS_MAX),
    };
    errors.into_result(vendor)
}
