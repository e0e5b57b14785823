//! A client's document → a checked [`Request`]. Every refused field is named by its path.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{Timestamp, civil, tz::TimeZone};
use serde::Deserialize;

use super::{
    Amount, Anchor, Budget, Category, Client, Currency, DateSpec, EventTime, EventType, FieldError,
    FieldErrors, Percent, Preferences, Request, Service, VISION_MAX_BYTES, VendorId,
    default_services,
};

const NAME_MAX_CHARS: usize = 200;
const LIST_MAX: usize = 64;
const GUESTS_MAX: i64 = 100_000;
const HOURS_MAX: f64 = 72.0;
const QUANTITY_MAX: i64 = 10_000;
const WEIGHT_MAX: f64 = 100.0;

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
    seed: u64,
}

fn default_contingency() -> f64 {
    5.0
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BudgetDocument {
    amount: AmountDocument,
    currency: String,
}

/// Money is written as a string; a whole number is taken too, a fraction never (it has no exact
/// binary form).
#[derive(Deserialize)]
#[serde(untagged)]
enum AmountDocument {
    Text(String),
    Whole(i64),
    Fraction(f64),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ServiceDocument {
    #[serde(default = "yes")]
    required: bool,
    #[serde(default = "one")]
    weight: f64,
    #[serde(default = "one_unit")]
    quantity: i64,
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
struct PreferencesDocument {
    styles: Vec<String>,
    cuisines: Vec<String>,
    dietary: Vec<String>,
    amenities: Vec<String>,
    venue_types: Vec<String>,
    video: Option<bool>,
    veg_share: Option<f64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AnchorDocument {
    activity: String,
    at: String,
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
pub(crate) fn shape_error(
    error: &serde_path_to_error::Error<serde_json::Error>,
    hint: &'static str,
) -> FieldErrors {
    let inner = error.inner().to_string();
    let mut path = error.path().to_string();
    // An unknown or missing field is reported for its parent; name the field itself.
    for prefix in ["unknown field `", "missing field `"] {
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
    check_text(&mut errors, "city", &document.city);
    let time = check_time(&mut errors, &document, now);
    let guests = in_range(&mut errors, "guests", document.guests, 1, GUESTS_MAX);
    let budget = check_budget(&mut errors, &document.budget);
    let contingency = Percent::from_f64(document.contingency_percent).unwrap_or_else(|message| {
        errors.push("contingency_percent", message, "write a percentage such as 5");
        Percent::default()
    });
    if contingency.basis_points > 9_000 {
        errors.push("contingency_percent", "is above 90", "keep at least a tenth to spend");
    }
    let services = check_services(&mut errors, &document);
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
    let anchors = check_anchors(&mut errors, &document.anchors);
    let (Some(time), Some(guests), Some(budget)) = (time, guests, budget) else {
        return Err(errors);
    };
    errors.into_result(Request {
        client: document.client,
        event_type: document.event_type,
        time,
        city: document.city.trim().to_owned(),
        guests: guests as u32,
        budget,
        contingency,
        services,
        preferences,
        vision: document.vision,
        must_include,
        exclude,
        anchors,
        seed: document.seed,
    })
}

fn check_text(errors: &mut FieldErrors, field: &str, text: &str) {
    let chars = text.chars().count();
    if text.trim().is_empty() {
        errors.push(field, "is empty", "write it out");
    } else if chars > NAME_MAX_CHARS {
        let hint = format!("shorten it to {NAME_MAX_CHARS} characters at most");
        errors.push(field, format!("has {chars} characters"), hint);
    } else if text.chars().any(char::is_control) {
        errors.push(field, "holds a control character", "remove it");
    }
}

fn in_range(errors: &mut FieldErrors, field: &str, value: i64, min: i64, max: i64) -> Option<i64> {
    if (min..=max).contains(&value) {
        return Some(value);
    }
    errors.push(field, format!("is {value}"), format!("write a number from {min} to {max}"));
    None
}

fn check_time(errors: &mut FieldErrors, document: &Document, now: Timestamp) -> Option<EventTime> {
    let zone = TimeZone::get(&document.time_zone).map_err(|_| {
        let shown: String = document.time_zone.chars().take(64).collect();
        let message = format!("`{}` is no IANA time zone", shown.escape_debug());
        errors.push("time_zone", message, "write one such as Asia/Kolkata");
    });
    let start: Result<civil::Time, _> = document.start.parse().map_err(|_| {
        let shown: String = document.start.chars().take(32).collect();
        let message = format!("`{}` is no time of day", shown.escape_debug());
        errors.push("start", message, "write hours and minutes such as 16:30");
    });
    let date = document.date.parse::<DateSpec>().map_err(|message| {
        errors.push("date", message, "write 2027-02-14, or +180d for 180 days from today");
    });
    let minutes = (document.hours * 60.0).round();
    if !(30.0..=HOURS_MAX * 60.0).contains(&minutes) {
        let message = format!("is {}", document.hours);
        errors.push("hours", message, format!("write a number from 0.5 to {HOURS_MAX}"));
        return None;
    }
    let (zone, start, date) = (zone.ok()?, start.ok()?, date.ok()?);
    let local_now = now.to_zoned(zone);
    let date = date.resolve(local_now.date());
    if date.to_datetime(start) < local_now.datetime() {
        errors.push("date", format!("{date} {start} has passed"), "choose a coming date");
        return None;
    }
    if date > local_now.date().saturating_add(jiff::Span::new().years(10)) {
        errors.push("date", format!("{date} is over ten years away"), "choose an earlier date");
        return None;
    }
    let time_zone = document.time_zone.clone();
    Some(EventTime { date, start, time_zone, minutes: minutes as u32 })
}

fn check_budget(errors: &mut FieldErrors, document: &BudgetDocument) -> Option<Budget> {
    let currency: Currency = document
        .currency
        .parse()
        .map_err(|message: String| {
            errors.push("budget.currency", message, "write a code such as INR or EUR");
        })
        .ok()?;
    let amount = match &document.amount {
        AmountDocument::Text(text) => Amount::parse(text, currency),
        AmountDocument::Whole(number) => Amount::parse(&number.to_string(), currency),
        AmountDocument::Fraction(number) => Err(format!("{number} is a floating-point number")),
    };
    match amount {
        Ok(amount) if amount.minor > 0 => Some(Budget { amount, currency }),
        Ok(amount) => {
            errors.push("budget.amount", format!("is {amount}"), "write an amount above zero");
            None
        }
        Err(message) => {
            errors.push("budget.amount", message, "write a decimal string such as \"800000.00\"");
            None
        }
    }
}

fn check_services(errors: &mut FieldErrors, document: &Document) -> BTreeMap<Category, Service> {
    if document.services.is_empty() {
        let service = Service { required: true, weight: 1.0, quantity: 1 };
        let names = default_services(document.event_type).iter();
        return names.map(|name| (Category::new(name), service)).collect();
    }
    if document.services.len() > LIST_MAX {
        errors.push("services", "has too many entries", format!("at most {LIST_MAX}"));
    }
    let mut services = BTreeMap::new();
    for (name, service) in &document.services {
        let path = format!("services.{name}");
        if !(service.weight > 0.0 && service.weight <= WEIGHT_MAX) {
            let message = format!("is {}", service.weight);
            let hint = format!("write a number above 0, at most {WEIGHT_MAX}");
            errors.push(format!("{path}.weight"), message, hint);
        }
        let field = format!("{path}.quantity");
        let quantity = in_range(errors, &field, service.quantity, 1, QUANTITY_MAX).unwrap_or(1);
        let checked = Service {
            required: service.required,
            weight: service.weight,
            quantity: quantity as u32,
        };
        services.insert(Category::new(name), checked);
    }
    if services.values().all(|service| !service.required) {
        errors.push("services", "none is required", "set required to true for at least one");
    }
    services
}

fn check_preferences(errors: &mut FieldErrors, document: PreferencesDocument) -> Preferences {
    if let Some(share) = document.veg_share
        && !(0.0..=1.0).contains(&share)
    {
        errors.push("preferences.veg_share", format!("is {share}"), "write a share from 0 to 1");
    }
    let mut words = |field: &str, list: Vec<String>| {
        let path = format!("preferences.{field}");
        if list.len() > LIST_MAX {
            errors.push(&path, "has too many entries", format!("at most {LIST_MAX}"));
        }
        for (i, word) in list.iter().enumerate() {
            check_text(errors, &format!("{path}[{i}]"), word);
        }
        let folded: BTreeSet<String> = list.iter().map(|w| w.trim().to_lowercase()).collect();
        folded.into_iter().collect::<Vec<_>>()
    };
    Preferences {
        styles: words("styles", document.styles),
        cuisines: words("cuisines", document.cuisines),
        dietary: words("dietary", document.dietary),
        amenities: words("amenities", document.amenities),
        venue_types: words("venue_types", document.venue_types),
        video: document.video,
        veg_share: document.veg_share,
    }
}

fn check_ids(errors: &mut FieldErrors, field: &str, ids: &[String]) -> Vec<VendorId> {
    if ids.len() > LIST_MAX {
        errors.push(field, "has too many entries", format!("at most {LIST_MAX}"));
    }
    for (i, id) in ids.iter().enumerate() {
        check_text(errors, &format!("{field}[{i}]"), id);
    }
    let distinct: BTreeSet<&String> = ids.iter().collect();
    distinct.into_iter().map(VendorId::new).collect()
}

fn check_anchors(errors: &mut FieldErrors, documents: &[AnchorDocument]) -> Vec<Anchor> {
    if documents.len() > LIST_MAX {
        errors.push("anchors", "has too many entries", format!("at most {LIST_MAX}"));
    }
    let mut anchors = Vec::new();
    for (i, document) in documents.iter().enumerate() {
        check_text(errors, &format!("anchors[{i}].activity"), &document.activity);
        match document.at.parse() {
            Ok(at) => anchors.push(Anchor { activity: document.activity.trim().into(), at }),
            Err(_) => errors.push(
                format!("anchors[{i}].at"),
                format!("`{}` is no time of day", document.at.escape_debug()),
                "write hours and minutes such as 18:00",
            ),
        }
    }
    anchors
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn now() -> Timestamp {
        "2026-11-22T12:00:00Z".parse().unwrap()
    }

    fn wedding() -> Value {
        json!({
            "client": {"name": "A. Client"}, "event_type": "wedding", "date": "+180d",
            "start": "16:00", "time_zone": "Asia/Kolkata", "hours": 8, "city": "Bengaluru",
            "guests": 200, "budget": {"amount": "800000.00", "currency": "INR"}
        })
    }

    fn parse(value: &Value) -> Result<Request, FieldErrors> {
        Request::parse(value.to_string().as_bytes(), now())
    }

    #[test]
    fn a_minimal_request_gets_its_defaults() {
        let request = parse(&wedding()).unwrap();
        assert_eq!(request.time.date, civil::date(2027, 5, 21));
        assert_eq!(request.services.len(), 4);
        assert_eq!(request.spendable_minor(), 76_000_000);
        assert_eq!(request.veg_share(), 0.5);
        let stored = serde_json::to_string(&request).unwrap();
        assert_eq!(serde_json::from_str::<Request>(&stored).unwrap(), request);
    }

    #[test]
    fn every_refused_field_is_named_by_its_path() {
        let cases = [
            ("/budget/amount", json!("-5"), "budget.amount"),
            ("/budget/amount", json!(800000.5), "budget.amount"),
            ("/budget/currency", json!("RUPEE"), "budget.currency"),
            ("/guests", json!(0), "guests"),
            ("/guests", json!("many"), "guests"),
            ("/hours", json!(0), "hours"),
            ("/date", json!("2020-01-01"), "date"),
            ("/date", json!("soon"), "date"),
            ("/time_zone", json!("Mars/Base"), "time_zone"),
            ("/start", json!("25:00"), "start"),
            ("/client/name", json!(" "), "client.name"),
            ("/contingency_percent", json!(101), "contingency_percent"),
            ("/services", json!({"venue": {"weight": -1}}), "services.venue.weight"),
            ("/services", json!({"venue": {"wait": 1}}), "services.venue.wait"),
            ("/preferences", json!({"veg_share": 2}), "preferences.veg_share"),
            ("/anchors", json!([{"activity": "ceremony", "at": "x"}]), "anchors[0].at"),
            ("/exclude", json!([""]), "exclude[0]"),
            ("/colour", json!("red"), "colour"),
            ("/vision", json!("x".repeat(10_000_000)), "vision"),
        ];
        for (pointer, value, field) in cases {
            let mut document = wedding();
            let (parent, key) = pointer.rsplit_once('/').unwrap();
            document.pointer_mut(parent).unwrap()[key] = value;
            let errors = parse(&document).unwrap_err();
            assert_eq!(errors.0[0].field, field, "{errors}");
        }
    }

    #[test]
    fn missing_fields_and_broken_json_are_named_too() {
        let mut document = wedding();
        document.as_object_mut().unwrap().remove("time_zone");
        assert_eq!(parse(&document).unwrap_err().0[0].field, "time_zone");
        let mut document = wedding();
        document["budget"].as_object_mut().unwrap().remove("currency");
        assert_eq!(parse(&document).unwrap_err().0[0].field, "budget.currency");
        assert!(Request::parse(b"{\"client\":", now()).is_err());
        assert!(Request::parse(b"", now()).is_err());
    }
}
