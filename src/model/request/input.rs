//! A client's document → a checked [`Request`]. Every refused field is named by its path.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Deserialize;

use super::{
    checks::{
        GUESTS_MAX, TimeFields, check_anchors, check_budget, check_existing, check_ids,
        check_preferences, check_services, check_text, check_time, in_range,
    },
    function::{FunctionDocument, check_functions},
};
use crate::{
    Client, EventType, FieldError, FieldErrors, GeoPoint, Percent, Request, VISION_MAX_BYTES,
    tidy_name,
};

/// Basis points.
const CONTINGENCY_MAX: u32 = 9_000;

/// The document as written: shapes only, ranges are checked afterwards.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    client: Client,
    event_type: EventType,
    date: String,
    start: String,
    time_zone: String,
    hours: f64,
    city: String,
    guests: i64,
    budget: BudgetDocument,
    #[serde(default = "default_contingency")]
    contingency_percent: f64,
    #[serde(default)]
    services: BTreeMap<String, ServiceDocument>,
    #[serde(default)]
    preferences: PreferencesDocument,
    #[serde(default)]
    vision: String,
    #[serde(default)]
    must_include: Vec<String>,
    #[serde(default)]
    exclude: Vec<String>,
    #[serde(default)]
    anchors: Vec<AnchorDocument>,
    #[serde(default)]
    functions: Vec<FunctionDocument>,
    #[serde(default)]
    seed: u64,
}

fn default_contingency() -> f64 {
    5.0
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct BudgetDocument {
    pub amount: AmountDocument,
    pub currency: String,
}

/// Money is written as a string; a whole number is taken too, a fraction never (it has no exact
/// binary form).
#[derive(Deserialize)]
#[serde(untagged)]
pub(crate) enum AmountDocument {
    Text(String),
    Whole(i64),
    Fraction(f64),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ServiceDocument {
    #[serde(default = "yes")]
    pub required: bool,
    #[serde(default = "one")]
    pub weight: f64,
    #[serde(default = "one_unit")]
    pub quantity: i64,
}

fn yes() -> bool {
    true
}

fn one() -> f64 {
    1.0
}

fn one_unit() -> i64 {
    1
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct PreferencesDocument {
    pub styles: Vec<String>,
    pub cuisines: Vec<String>,
    pub dietary: Vec<String>,
    pub amenities: Vec<String>,
    pub venue_types: Vec<String>,
    pub video: Option<bool>,
    pub veg_share: Option<f64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AnchorDocument {
    pub activity: String,
    pub at: String,
    #[serde(default)]
    pub location: Option<GeoPoint>,
}

impl Request {
    /// Reads and checks a client's JSON document. `now` resolves relative dates and refuses past
    /// ones, both in the request's own zone. Whether categories and vendors exist is not known
    /// here; the database tells.
    ///
    /// # Errors
    /// Every refused field with its path; for a document that is no JSON or has another shape,
    /// the first one.
    pub fn parse(json: &[u8], now: Timestamp) -> Result<Self, FieldErrors> {
        let mut reader = serde_json::Deserializer::from_slice(json);
        let document: Document = serde_path_to_error::deserialize(&mut reader)
            .map_err(|e| shape_error(&e, "see the request's fields in the README"))?;
        reader.end().map_err(|e| {
            FieldError::new(".", format!("text after the document: {e}"), "send one JSON object")
        })?;
        check(document, now)
    }
}

/// Where and how a document's shape is wrong; `hint` where nothing better is known. For every
/// reader of JSON documents at the edge: requests here, vendors in the catalog.
pub fn shape_error(
    error: &serde_path_to_error::Error<serde_json::Error>,
    hint: &'static str,
) -> FieldErrors {
    let inner = error.inner().to_string();
    let mut path = error.path().to_string();
    // Such a field is reported for its parent; name the field itself.
    for prefix in ["unknown field `", "missing field `", "duplicate field `"] {
        if let Some(name) = inner.strip_prefix(prefix).and_then(|rest| rest.split('`').next()) {
            let at_field = path == name || path.ends_with(&format!(".{name}"));
            if !at_field {
                path = if path == "." { name.to_owned() } else { format!("{path}.{name}") };
            }
        }
    }
    let hint = if inner.starts_with("unknown field") {
        "remove it, or mend its spelling"
    } else if inner.starts_with("missing field") {
        "add it"
    } else if error.inner().is_syntax() || error.inner().is_eof() {
        "send one JSON object"
    } else {
        hint
    };
    FieldError::new(path, inner, hint).into()
}

fn check(document: Document, now: Timestamp) -> Result<Request, FieldErrors> {
    let mut errors = FieldErrors::default();
    check_text(&mut errors, "client.name", &document.client.name);
    for (field, value) in
        [("client.email", &document.client.email), ("client.phone", &document.client.phone)]
    {
        if let Some(value) = value {
            check_text(&mut errors, field, value);
        }
    }
    let city = tidy_name(&document.city).into_owned();
    check_text(&mut errors, "city", &city);
    let fields = TimeFields {
        path: "",
        date: &document.date,
        start: &document.start,
        time_zone: &document.time_zone,
        hours: document.hours,
    };
    let time = check_time(&mut errors, &fields, now);
    let guests = in_range(&mut errors, "guests", document.guests, 1, GUESTS_MAX);
    let budget = check_budget(&mut errors, &document.budget);
    let contingency = Percent::from_f64(document.contingency_percent).unwrap_or_else(|message| {
        errors.push("contingency_percent", message, "write a percentage such as 5");
        Percent::default()
    });
    if contingency.basis_points > CONTINGENCY_MAX {
        errors.push("contingency_percent", "is above 90", "keep at least a tenth to spend");
    }
    let services = check_services(&mut errors, document.event_type, &document.services);
    let preferences = check_preferences(&mut errors, document.preferences);
    if document.vision.len() > VISION_MAX_BYTES {
        errors.push(
            "vision",
            format!("has {} bytes", document.vision.len()),
            format!("shorten it to {VISION_MAX_BYTES} bytes at most"),
        );
    }
    let must_include = check_ids(&mut errors, "must_include", &document.must_include);
    let exclude = check_ids(&mut errors, "exclude", &document.exclude);
    for (i, id) in exclude.iter().enumerate() {
        if must_include.contains(id) {
            let message = format!("`{id}` stands in must_include too");
            errors.push(format!("exclude[{i}]"), message, "remove it from one of the two");
        }
    }
    let anchors = check_anchors(&mut errors, "anchors", &document.anchors);
    let (Some(time), Some(guests), Some(budget)) = (time, guests, budget) else {
        return Err(errors);
    };
    let mut request = Request {
        client: document.client,
        event_type: document.event_type,
        time,
        city,
        guests: guests as u32,
        budget,
        contingency,
        services,
        preferences,
        vision: document.vision,
        must_include,
        exclude,
        anchors,
        functions: Vec::new(),
        seed: document.seed,
    };
    if document.functions.is_empty() {
        check_existing(&mut errors, "", &request.time, &request.anchors);
    }
    let functions = check_functions(&mut errors, &request, &document.functions, now);
    request.set_functions(functions);
    errors.into_result(request)
}

#[cfg(test)]
#[path = "input_tests.rs"]
mod tests;
